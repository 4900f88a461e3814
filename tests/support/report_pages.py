"""What a report's page and its files say, as rows."""

import csv
import io
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from openpyxl import load_workbook


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {"thead": [], "tbody": [], "tfoot": []}
        self.part = ""
        self.in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.rows:
            self.part = tag
        elif tag == "tr":
            self.rows[self.part].append([])
        elif tag in {"th", "td"}:
            self.rows[self.part][-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"th", "td"}:
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[self.part][-1][-1] += data


def table(client: Client, address: str) -> dict[str, list[list[str]]]:
    """The report's own table, of those on its page."""
    reader = _Table()
    reader.feed(page(client, address).partition('id="report-caption"')[2].partition("</table>")[0])
    return reader.rows


def page(client: Client, address: str, status: int = 200) -> str:
    """The page's words with every run of blanks as one."""
    response = client.get(address)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def counts(client: Client, address: str, column: str = "Patients") -> dict[str, int]:
    """The column's figures by what stands first in the row, in the page's order."""
    read = table(client, address)
    place = read["thead"][0].index(column)
    return {row[0]: int(row[place].replace(",", "")) for row in read["tbody"]}


def csv_rows(client: Client, address: str) -> list[list[str]]:
    content = client.get(address).getvalue()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def xlsx_rows(client: Client, address: str) -> list[list[Any]]:
    content = client.get(address).getvalue()
    book = load_workbook(io.BytesIO(content))
    return [list(row) for sheet in book for row in sheet.iter_rows(values_only=True)]
