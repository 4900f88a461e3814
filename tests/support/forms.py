"""A page's forms as a browser would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin


@dataclass
class Form:
    address: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.forms: list[Form] = []
        self.named = ""
        self.in_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(urljoin(self.page, given.get("action", ""))))
        elif self.forms and "name" in given:
            self._read_field(tag, given)
        elif tag == "option" and self.forms and "selected" in given:
            self.forms[-1].fields[self.named] = given.get("value", "")

    def _read_field(self, tag: str, given: dict[str, str]) -> None:
        self.named = given["name"]
        self.in_text = tag == "textarea"
        kind = given.get("type", "")
        ticked = kind not in {"checkbox", "radio"} or "checked" in given
        if tag == "textarea" or (tag == "input" and ticked and kind not in {"submit", "file"}):
            self.forms[-1].fields[self.named] = given.get("value", "on" if kind == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        if self.in_text:
            self.forms[-1].fields[self.named] += data.removeprefix("\r\n").removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        self.in_text = False


def form_with(page: Any, name: str) -> Form:
    """The form of a page that has a field of this name."""
    return next(form for form in _forms_of(page) if name in form.fields)


def form_to(page: Any, action: str) -> Form:
    """The form of a page that is sent to an address that ends so."""
    return next(form for form in _forms_of(page) if form.address.endswith(f"/{action}/"))


def _forms_of(page: Any) -> list[Form]:
    reader = _Reader(page.request["PATH_INFO"])
    reader.feed(page.content.decode())
    return reader.forms
