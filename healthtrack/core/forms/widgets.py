"""Form widgets for dates and for references to other rows."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.db import models
from django.forms import ModelChoiceField
from django.forms.widgets import Script
from django.http import HttpRequest

from healthtrack.core.date_formats import get_date_format

MAX_KEY_DIGITS = 18  # every number of so many digits fits into a bigint


class DayInput(forms.DateInput):
    """The browser's own date picker, which works with every keyboard, screen reader and phone.

    It follows the language of the browser. A script writes the date in the format of the person beside it.
    """

    input_type = "date"

    class Media:
        js = [Script("core/days.js", defer=True)]

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, value, {**(attrs or {}), "data-format": get_date_format()})


class TagInput(forms.TextInput):
    """An input for tags with commas between them, which suggests tags.

    A script shows each tag by itself; without it, it is an ordinary input.
    """

    template_name = "frame/tag-input.html"

    class Media:
        css = {"all": ["core/tags.css"]}
        js = [Script("core/listbox.js", defer=True), Script("core/tags.js", defer=True)]

    def __init__(self, list_suggestions: Callable[[], Sequence[str]]) -> None:
        super().__init__(attrs={"class": "vLargeTextField tags"})
        self.list_suggestions = list_suggestions

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        widget["attrs"]["list"] = f"{widget['attrs']['id']}_suggestions"
        widget["suggestions"] = self.list_suggestions()
        return context


class RowChoice(AutocompleteSelect):
    """A field that finds a row of another table by words of its name.

    A script of our own (core/choice.js) replaces jQuery and Select2, which were half of what such a page weighed. The
    widget shows no choice for a value that cannot be a key; Django's would query the database with it, and fail.
    """

    class Media:
        extend = False
        css = {"all": ["core/tags.css"]}
        js = [Script("core/listbox.js", defer=True), Script("core/choice.js", defer=True)]

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        keys = [key for key in value if not key or (key.isascii() and key.isdecimal() and len(key) <= MAX_KEY_DIGITS)]
        return super().optgroups(name, keys, attr)


class AutocompleteByNumber:
    """A mixin for admins and inlines whose autocomplete fields refer to tables with a numeric key."""

    def formfield_for_foreignkey(
        self,
        db_field: models.ForeignKey[Any, Any],
        request: HttpRequest,
        **kwargs: Any,
    ) -> ModelChoiceField[Any] | None:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]  # a mix-in of admins
            kwargs.setdefault("widget", RowChoice(db_field, self.admin_site))  # type: ignore[attr-defined]  # a mix-in of admins
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]  # a mix-in of admins
        return field


def hide_related_buttons(widget: Any) -> None:
    """Hide the buttons that add, change, delete or view the referenced row, if the widget has them.

    Next to the choice of a row, they would invite mistakes.
    """
    if isinstance(widget, RelatedFieldWidgetWrapper):
        widget.can_add_related = widget.can_change_related = widget.can_delete_related = False
        widget.can_view_related = False
