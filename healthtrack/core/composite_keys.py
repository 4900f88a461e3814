"""Editing rows with a CompositePrimaryKey in an inline.

Django 5.2 alone writes their key as the text of a Python tuple, and can then neither save nor delete them.
"""

import json
from collections.abc import Callable
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model
from django.forms.models import BaseInlineFormSet


class CompositeKeyField(forms.Field):
    widget = forms.HiddenInput

    def prepare_value(self, value: object) -> object:
        return json.dumps(value, cls=DjangoJSONEncoder) if isinstance(value, tuple) else value


class CompositeKeyFormSet(BaseInlineFormSet[Any, Any, Any]):
    def clean(self) -> None:
        super().clean()
        if any(form.instance._state.adding for form in self.initial_forms):
            raise ValidationError(
                "A row of this list is gone: somebody else deleted it meanwhile. Open the page again.",
                code="stale",
            )

    def add_fields(self, form: forms.ModelForm[Any], index: int | None) -> None:
        super().add_fields(form, index)
        stands = not form.instance._state.adding
        form.fields["pk"] = CompositeKeyField(initial=form.instance.pk if stands else None, required=False)
        if stands:
            self._fix_key(form)

    def delete_existing(self, obj: Model, commit: bool = True) -> None:
        # Deleting empties a composite key and with it the relations by which the log names the row.
        super().delete_existing(copy(obj), commit)

    def _fix_key(self, form: forms.ModelForm[Any]) -> None:
        """A changed key would be another row: what is sent for it is left unread."""
        for name in {field.name for field in form._meta.model._meta.pk_fields} & form.fields.keys():
            form.fields[name].disabled = True

    def _get_to_python(self, field: Field[Any, Any]) -> Callable[[str], tuple[Any, ...]]:
        def key_from_json(text: str) -> tuple[Any, ...]:
            try:
                return tuple(field.to_python(text))
            except (ArithmeticError, RecursionError, TypeError, ValueError) as fault:
                raise ValidationError("This is no key.", code="invalid") from fault

        return key_from_json
