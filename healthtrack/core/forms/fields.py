"""Form fields that clean text as an import does."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from healthtrack.core.cleaning import NO_REQUIRED_VALUE, NO_VALUE, clean_text, show_invisible
from healthtrack.core.downloads.formula_escaping import ERROR
from healthtrack.core.text import quote

_CONTROL = re.compile(r"[\x01-\x1f\x7f-\x9f]")


class CleanedCharField(forms.CharField):
    """Clean a text as an import does, so that what somebody types here survives an export and an import unchanged."""

    def to_python(self, value: Any) -> str:
        text = clean_text(str(value or ""))
        if _CONTROL.search(text):
            raise ValidationError(f"Remove the invisible control character from {quote(show_invisible(text))}.")
        if re.search(ERROR, text):
            raise ValidationError(f"{quote(text)} is an error of a spreadsheet. Enter the value instead.")
        return "" if re.search(NO_REQUIRED_VALUE if self.required else NO_VALUE, text) else text
