"""Edit rows with a CompositePrimaryKey in an inline of the admin.

Django 5.2 writes such a key into the form as the text of a Python tuple, and can then neither save nor delete the row.
"""

import json
from collections.abc import Callable
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model

from healthtrack.core.forms.concurrent_formsets import ConcurrentEditFormSet


class CompositeKeyField(forms.Field):
    """A hidden field that holds the key as JSON."""

    widget = forms.HiddenInput

    def prepare_value(self, value: object) -> object:
        return json.dumps(value, cls=DjangoJSONEncoder) if isinstance(value, tuple) else value


class CompositeKeyFormSet(ConcurrentEditFormSet):
    """An inline formset for rows with a composite key."""

    def clean(self) -> None:
        super().clean()
        if any(form.instance._state.adding for form in self.initial_forms):
            raise ValidationError(
                "A row of this list does not exist. Reload the page.",
                code="stale",
            )

    def add_fields(self, form: forms.ModelForm[Any], index: int | None) -> None:
        super().add_fields(form, index)
        is_saved = not form.instance._state.adding
        form.fields["pk"] = CompositeKeyField(initial=form.instance.pk if is_saved else None, required=False)
        if is_saved:
            self._fix_key(form)

    def delete_existing(self, obj: Model, commit: bool = True) -> None:
        # Delete a copy: deleting clears the composite key, and with it the relations by which the log names the row.
        super().delete_existing(copy(obj), commit)

    def _fix_key(self, form: forms.ModelForm[Any]) -> None:
        """Ignore what is sent for the fields of the key: with another key it would be another row."""
        for name in {field.name for field in form._meta.model._meta.pk_fields} & form.fields.keys():
            form.fields[name].disabled = True

    def _get_to_python(self, field: Field[Any, Any]) -> Callable[[str], tuple[Any, ...]]:
        def parse_key(text: str) -> tuple[Any, ...]:
            try:
                return tuple(field.to_python(text))
            except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
                raise ValidationError("This is not a valid key.", code="invalid") from error

        return parse_key
