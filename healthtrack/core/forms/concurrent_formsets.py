"""Rows on the page of another row, of which somebody else may delete some while the page is open."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME, INITIAL_FORM_COUNT, TOTAL_FORM_COUNT
from django.forms.models import BaseInlineFormSet


class ConcurrentEditFormSet(BaseInlineFormSet[Any, Any, Any]):
    """A formset that leaves out rows that somebody else deleted after the page was opened.

    If the person changed such a row, the page is shown again without it, and says what the person typed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lost_changes: list[str] = []
        if self.is_bound:
            self._leave_out_deleted_rows()

    def get_queryset(self) -> Any:
        """Return the rows, in a sent form in the order of its parts: the admin pairs both."""
        rows = super().get_queryset()
        if not self.is_bound:
            return rows
        places = {self._sent_key(index): index for index in self._sent_rows()}
        return sorted(rows, key=lambda row: places.get(row.pk, len(places)))

    def clean(self) -> None:
        """Refuse the form once if the person changed rows that somebody else deleted."""
        super().clean()
        if self._lost_changes:
            raise ValidationError(self._lost_changes)

    def _sent_rows(self) -> range:
        return range(min(self.initial_form_count(), self.total_form_count()))

    def _sent_key(self, index: int) -> Any:
        key: Any = self.form._meta.model._meta.pk
        with suppress(KeyError, ValidationError):
            return self._get_to_python(key)(self.data[f"{self.add_prefix(index)}-{key.name}"])  # type: ignore[attr-defined]  # a private method of Django
        return None

    def _leave_out_deleted_rows(self) -> None:
        stored = {row.pk for row in super().get_queryset()}
        keys = {index: self._sent_key(index) for index in self._sent_rows()}
        deleted = [index for index, key in keys.items() if key is not None and key not in stored]
        if not deleted:
            return
        self._lost_changes = [sentence for index in deleted for sentence in self._describe_changes(index)]
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data.clear()
        for name, values in self.data.lists():  # type: ignore[attr-defined]  # a QueryDict
            if moved := self._move_up(name, deleted):
                data.setlist(moved, values)
        for name in (INITIAL_FORM_COUNT, TOTAL_FORM_COUNT):
            data[f"{self.prefix}-{name}"] = str(int(self.management_form.cleaned_data[name] or 0) - len(deleted))
        self.data = data
        del self.management_form

    def _move_up(self, name: str, deleted: list[int]) -> str:
        """Return the name of an input without these rows, '' for an input of one of them."""
        found = re.match(rf"((?:initial-)?{re.escape(str(self.prefix))}-)([0-9]+)(-.*)", name, re.ASCII | re.DOTALL)
        if not found:
            return name
        row = int(found[2])
        return "" if row in deleted else f"{found[1]}{row - sum(place < row for place in deleted)}{found[3]}"

    def _describe_changes(self, index: int) -> Iterator[str]:
        """Yield a sentence if the person changed this row, and did not delete it."""
        form = self.form(data=self.data, prefix=self.add_prefix(index))
        if f"{form.prefix}-{DELETION_FIELD_NAME}" in self.data:
            return
        fields = [field for field in form if field.html_initial_name in self.data]
        opened = ", ".join(filter(None, (self.data[field.html_initial_name] for field in fields)))
        if changed := [f"{field.label}: {field.data or 'empty'}" for field in fields if _is_changed(field)]:
            row = f"{form._meta.model._meta.verbose_name} “{opened}”"
            yield (
                f"Somebody else deleted the {row} after you opened the page. You had changed it "
                f"({'; '.join(changed)}). Save again to leave it deleted, or add it again."
            )


def _is_changed(bound: forms.BoundField) -> bool:
    field = bound.field
    opened = field.hidden_widget().value_from_datadict(bound.form.data, bound.form.files, bound.html_initial_name)
    with suppress(ValidationError):
        return field.has_changed(field.to_python(opened), bound.data)
    return True
