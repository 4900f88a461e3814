"""The kinds of values in the parameters of an address, for the filters over patients."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django_filters import Filter

MAX_KEY = 2**31 - 1


class DayField(forms.DateField):
    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(value)
        if day and day.isoformat() != value.strip():
            raise ValidationError(self.error_messages["invalid"])
        return day


class WholeNumberField(forms.IntegerField):
    default_validators = [MaxValueValidator(MAX_KEY)]

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_KEY))):
            raise ValidationError(self.error_messages["invalid"])
        return super().to_python(text)


class DayFilter(Filter):
    field_class: type[forms.Field] = DayField


class WholeNumberFilter(Filter):
    field_class: type[forms.Field] = WholeNumberField


class TextsField(forms.Field):
    """Takes every value of a parameter; a patient must match one of them."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> list[str]:
        texts = [value] if isinstance(value, str) else value or []
        one = forms.CharField(required=False)
        return [text for text in map(one.clean, texts) if text]


class TextsFilter(Filter):
    field_class: type[forms.Field] = TextsField
