"""Read pages of HTML in tests."""

from typing import Any, Self

from django.test import Client
from lxml import html
from lxml.html import HtmlElement


class Page:
    """A parsed page; methods select elements by CSS."""

    def __init__(self, content: bytes | str, address: str = "") -> None:
        text = content.decode() if isinstance(content, bytes) else content
        self.address = address
        self.root: HtmlElement = html.document_fromstring(text)

    @classmethod
    def get(cls, client: Client, address: str, status: int = 200) -> Self:
        response = client.get(address)
        assert response.status_code == status, address
        return cls.of(response)

    @classmethod
    def of(cls, response: Any) -> Self:
        return cls(response.content, response.request["PATH_INFO"])

    @property
    def text(self) -> str:
        return text_of(self.root)

    def all(self, selector: str) -> list[HtmlElement]:
        return self.root.cssselect(selector)

    def one(self, selector: str) -> HtmlElement:
        (found,) = self.all(selector)
        return found

    def texts(self, selector: str) -> list[str]:
        return [text_of(element) for element in self.all(selector)]

    def addresses(self, selector: str = "a") -> list[str]:
        return [element.get("href", "") for element in self.all(selector)]

    def rows(self, caption: str = "", part: str = "tbody") -> list[list[str]]:
        """Return the cells of each row of the only table, or of the table whose caption has this id."""
        table = self.one(f"#{caption}").getparent() if caption else self.one("table")
        assert table is not None
        return [[text_of(cell) for cell in row.cssselect("th, td")] for row in table.cssselect(f"{part} tr")]


def text_of(element: HtmlElement) -> str:
    """Return the visible text, with one space between its parts."""
    return " ".join(" ".join(element.xpath(".//text()[not(parent::script or parent::style)]")).split())
