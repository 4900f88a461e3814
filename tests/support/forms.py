"""A page's forms as a browser would send them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from tests.support.page import Page


@dataclass
class Form:
    address: str
    fields: dict[str, str]


def form_with(page: Any, name: str) -> Form:
    """The form of a page that has a field of this name."""
    return next(form for form in _forms_of(page) if name in form.fields)


def form_to(page: Any, action: str) -> Form:
    """The form of a page that is sent to an address that ends so."""
    return next(form for form in _forms_of(page) if form.address.endswith(f"/{action}/"))


def _forms_of(response: Any) -> list[Form]:
    page = Page.of(response)
    for field in page.all("input:not([value]):not([type=checkbox]):not([type=radio])"):
        field.set("value", "")  # as browsers send it
    return [
        Form(urljoin(page.address, form.action or ""), {name: _typed(value) for name, value in form.form_values()})
        for form in page.root.forms
    ]


def _typed(value: str) -> str:
    """Browsers leave out the line break with which the text of a field may begin."""
    return value.removeprefix("\r\n").removeprefix("\n")
