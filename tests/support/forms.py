"""The forms of a page, with the data that a browser would send."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from tests.support.page import Page


@dataclass
class Form:
    address: str
    fields: dict[str, str]


def form_with(page: Any, name: str) -> Form:
    """Return the form of a page that has a field with this name."""
    return next(form for form in _forms_of(page) if name in form.fields)


def form_to(page: Any, action: str) -> Form:
    """Return the form of a page whose address ends with this action."""
    return next(form for form in _forms_of(page) if form.address.endswith(f"/{action}/"))


def _forms_of(response: Any) -> list[Form]:
    page = Page.of(response)
    for field in page.all("input:not([value]):not([type=checkbox]):not([type=radio])"):
        field.set("value", "")  # browsers send an empty text
    return [
        Form(urljoin(page.address, form.action or ""), {name: _typed(value) for name, value in form.form_values()})
        for form in page.root.forms
    ]


def _typed(value: str) -> str:
    """Return the text without a leading line break, which browsers ignore."""
    return value.removeprefix("\r\n").removeprefix("\n")
