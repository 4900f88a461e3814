"""What a report's page and its files say, as rows."""

import csv
import io
from typing import Any

from django.test import Client
from openpyxl import load_workbook

from tests.support.page import Page


def table(client: Client, address: str) -> dict[str, list[list[str]]]:
    """The report's own table, of those on its page."""
    page = Page.get(client, address)
    return {part: page.rows("report-caption", part) for part in ("thead", "tbody", "tfoot")}


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
