"""Form fields that clean text as an import does."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

_CONTROL = re.compile(r"[\x01-\x1f\x7f-\x9f]")


class CleanedCharField(forms.CharField):
    """Clean a text as an import does, so that what somebody types here survives an export and an import unchanged."""

    def to_python(self, value: Any) -> str:
        text = " ".join(str(value or "").split())
        if _CONTROL.search(text):
            raise ValidationError("Remove the invisible control character from this text.")
        return "" if text.lower() == "none" else text
