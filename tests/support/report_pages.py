"""The contents of a report's page and files, as rows."""

import csv
import html
import io
import re
from typing import Any

from django.test import Client
from openpyxl import load_workbook

from tests.support.page import Page

RECORDS = r'<a href="(/admin/patients/medicalrecord/\?[^"]*)"'
FIGURES = (
    re.compile(rf"{RECORDS}>([\d,]+)</a>"),  # in a table
    re.compile(rf"{RECORDS}>\s*<title>[^<]*: ([\d,]+) patients"),  # in a chart
    re.compile(rf'{RECORDS} aria-label="[^"]*: [\d.]+, ([\d,]+)"'),  # in a heat map
)


def table(client: Client, address: str) -> dict[str, list[list[str]]]:
    """Return the rows of the report's main table, by its parts."""
    page = Page.get(client, address)
    return {part: page.rows("report-caption", part) for part in ("thead", "tbody", "tfoot")}


def page(client: Client, address: str, status: int = 200) -> str:
    """Return the page's HTML with single blanks."""
    response = client.get(address)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def counts(client: Client, address: str, column: str = "Patients") -> dict[str, int]:
    """Return the figures of a column by the first cell of each row, in the order of the page."""
    parts = table(client, address)
    place = parts["thead"][0].index(column)
    return {row[0]: int(row[place].replace(",", "")) for row in parts["tbody"]}


def csv_rows(client: Client, address: str) -> list[list[str]]:
    content = client.get(address).getvalue()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def xlsx_rows(client: Client, address: str) -> list[list[Any]]:
    content = client.get(address).getvalue()
    book = load_workbook(io.BytesIO(content))
    return [list(row) for sheet in book for row in sheet.iter_rows(values_only=True)]


def xlsx_table(client: Client, address: str) -> list[list[Any]]:
    """Return the rows of a report's file below its heading, which ends with an empty row."""
    rows = xlsx_rows(client, address)
    return rows[next(place for place, row in enumerate(rows) if not any(row)) + 1 :]


def check_figures(client: Client, address: str) -> None:
    """Check that each figure with a link equals the count of the linked list of records."""
    words = client.get(address).content.decode()
    for link, figure in {found for pattern in FIGURES for found in pattern.findall(words)}:
        there = client.get(html.unescape(link)).context["cl"].page.total
        assert (figure, there.qualifier) == (f"{there.rows:,}", ""), (address, link)
