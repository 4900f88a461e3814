"""Edit forms for rows that two people may edit at the same time.

The form carries the values with which it was opened, in hidden fields. When it is saved:

- a field that only somebody else changed takes their value;
- a field that both changed is a conflict: the form is shown again with both values, and the person chooses one;
- a row of a formset that somebody else changed is only deleted after the person has seen that and chosen it.

The caller locks the row before it reads the current values; see `ConflictSafeModelAdmin`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Manager, Model, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import ModelChoiceField

from healthtrack.core.forms.readable_values import describe_value

THEIRS, MINE = "theirs", "mine"


@dataclass(frozen=True)
class Conflict:
    """A field that two people changed: both values as texts, and the name of the form's input for the choice."""

    row: Model
    field: str
    label: str
    theirs: str
    mine: str
    choice_input: str
    marker: str  # an input that says that the person saw both values


class ConcurrentEditForm(forms.ModelForm[Any]):
    """A form for an existing row that detects what somebody else changed since the form was opened.

    `conflicts` is empty until the form was validated.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conflicts: list[Conflict] = []
        self.carry_opened_values()

    def carry_opened_values(self) -> None:
        """Let each field of an existing row have a hidden input with its value; again after fields were added."""
        # A field that had no value when it was opened may have no hidden input.
        is_sent = not self.is_bound or any(self.add_initial_prefix(name) in self.data for name in self.fields)
        for field in self.fields.values():
            field.show_hidden_initial = is_sent and not (self.instance._state.adding or field.disabled)

    def clean(self) -> dict[str, Any]:
        """Return the values to save: those of this person, and the stored ones of fields that only others changed."""
        super().clean()
        if self.cleaned_data.get(DELETION_FIELD_NAME):
            self._check_deletion()
            return self.cleaned_data
        for name in self._opened_fields():
            if name in self.cleaned_data:
                self._merge(name)
        return self.cleaned_data

    def _opened_fields(self) -> list[str]:
        """Return the fields of the row whose values at the time of opening came back with the form."""
        return [name for name, field in self.fields.items() if field.show_hidden_initial and name in self.initial]

    def _merge(self, name: str) -> None:
        is_changed_here = name in self.changed_data
        if self._is_outdated(name):
            choice = None  # a choice that was made before is between other values
        elif self._choice_input(name) in self.data or self._marker(name) in self.data:
            choice = self.data.get(self._choice_input(name), "")
        else:
            return
        if not is_changed_here or choice == THEIRS:
            self.cleaned_data[name] = self.get_stored_value(name)
            self._show_stored(name, self[name].html_name)
        elif choice != MINE and self.fields[name].has_changed(self._stored(name), self[name].data):
            self._add_conflict(name)
        self._show_stored(name, self[name].html_initial_name)

    def _check_deletion(self) -> None:
        """Delete a row that somebody else changed only if the person has chosen that; otherwise leave it as it is."""
        changed = [name for name in self._opened_fields() if self._is_outdated(name)]
        choice = None if changed else self.data.get(self._choice_input(DELETION_FIELD_NAME), "")
        if choice == MINE or not (changed or self._marker(DELETION_FIELD_NAME) in self.data):
            return
        # A formset looks for errors only in rows that it does not delete.
        self.cleaned_data[DELETION_FIELD_NAME] = False
        for name in self._opened_fields():
            self.cleaned_data[name] = self.get_stored_value(name)
            for html_name in (self[name].html_name, self[name].html_initial_name):
                self._show_stored(name, html_name)
        if choice != THEIRS:
            self._add_deletion_conflict(changed)

    def _add_deletion_conflict(self, changed: Sequence[str]) -> None:
        values = [(str(self[name].label), _as_text(self.fields[name], self.get_stored_value(name))) for name in changed]
        self.conflicts.append(
            Conflict(
                row=self.instance,
                field=changed[0] if changed else DELETION_FIELD_NAME,
                label="Deletion",
                theirs="; ".join(f"{label}: {value}" for label, value in values) or "Keep it",
                mine="Delete it",
                choice_input=self._choice_input(DELETION_FIELD_NAME),
                marker=self._marker(DELETION_FIELD_NAME),
            )
        )
        self.add_error(None, "Somebody else changed this row after you opened the page. Choose whether to delete it.")

    def _is_outdated(self, name: str) -> bool:
        opened = self._widget_data_value(self.fields[name].hidden_widget(), self[name].html_initial_name)  # type: ignore[attr-defined]  # a private method of Django
        return self.fields[name].has_changed(self._stored(name), opened)

    def _add_conflict(self, name: str) -> None:
        field = self.fields[name]
        self.conflicts.append(
            Conflict(
                row=self.instance,
                field=name,
                label=str(self[name].label),
                theirs=_as_text(field, self.get_stored_value(name)),
                mine=_as_text(field, self.cleaned_data[name]),
                choice_input=self._choice_input(name),
                marker=self._marker(name),
            )
        )
        self.add_error(name, "Somebody else changed this field while you edited it. Choose a value above.")

    def _show_stored(self, name: str, html_name: str) -> None:
        """Let this input of the form show the stored value."""
        value = self.fields[name].prepare_value(self._stored(name))
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        if isinstance(value, list | tuple):
            data.setlist(html_name, [str(each) for each in value])
        else:
            data[html_name] = self.fields[name].hidden_widget().format_value(value)
        self.data = data

    def _stored(self, name: str) -> Any:
        return self.get_initial_for_field(self.fields[name], name)

    def get_stored_value(self, name: str) -> Any:
        """Return the stored value of a field, of a form that is being validated."""
        # The instance still has the stored values: Django changes it after this validation.
        value = getattr(self.instance, name)
        return list(value.all()) if isinstance(value, Manager) else value

    def _choice_input(self, name: str) -> str:
        return self.add_prefix(f"choice-{name}")

    def _marker(self, name: str) -> str:
        return self.add_prefix(f"conflict-{name}")


def _as_text(field: forms.Field, value: Any) -> str:
    if isinstance(field, ModelChoiceField) and value is not None:
        rows = value if isinstance(value, list | QuerySet) else [value]
        return ", ".join(field.label_from_instance(row) for row in rows)
    choices: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
    return describe_value(value, dict(choices))
