import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

_CONTROL = re.compile(r"[\x01-\x1f\x7f-\x9f]")


class CleanedCharField(forms.CharField):
    """A text as an import would store it: what is typed here comes back unchanged from an exported file."""

    def to_python(self, value: Any) -> str:
        text = " ".join(str(value or "").split())
        if _CONTROL.search(text):
            raise ValidationError("The text holds a control character, which cannot be seen; take it away.")
        return "" if text.lower() == "none" else text
