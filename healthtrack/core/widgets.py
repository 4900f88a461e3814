from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models
from django.forms import ModelChoiceField
from django.http import HttpRequest

LONGEST_KEY = 18  # digits; no whole number of so few is too large for the database


class DayInput(forms.DateInput):
    """The browser's own calendar, which every keyboard, screen reader and phone knows."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class NumberAutocomplete(AutocompleteSelect):
    """Shows nothing chosen for a value that is no key, where Django's widget asks the database for it and breaks."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        keys = [key for key in value if not key or (key.isascii() and key.isdecimal() and len(key) <= LONGEST_KEY)]
        return super().optgroups(name, keys, attr)


class AutocompleteByNumber:
    """For admins and inlines whose autocomplete fields refer to tables with a number for a key."""

    def formfield_for_foreignkey(
        self,
        db_field: models.ForeignKey[Any, Any],
        request: HttpRequest,
        **kwargs: Any,
    ) -> ModelChoiceField[Any] | None:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", NumberAutocomplete(db_field, self.admin_site))  # type: ignore[attr-defined]
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return field
