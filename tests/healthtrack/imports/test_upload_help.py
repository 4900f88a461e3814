"""The help on the upload page, and the templates."""

import csv
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.test import Client
from openpyxl import load_workbook

from healthtrack.imports.tabular.upload_help import ColumnHelp, describe_columns
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

KINDS = [RECORDS, CATALOGUE, MODELS]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
each_format = pytest.mark.parametrize("form", ["csv", "xlsx"])
DATE = "a date as MM/DD/YYYY or YYYY-MM-DD, or an Excel date cell"


def template(kind: Kind, form: str) -> str:
    return f"{kind.address('import')}template/?format={form}"


class TestTheColumns:
    @each_kind
    def test_they_are_listed_in_the_order_of_the_file(self, kind: Kind) -> None:
        assert [column.header for column in describe_columns(kind.resource())] == list(kind.row)

    @pytest.mark.parametrize(
        ("kind", "header", "required", "holds"),
        [
            (RECORDS, "patient_id", True, "up to 50 characters"),
            (RECORDS, "date_of_birth", True, DATE),
            (RECORDS, "gender", True, "F (female), M (male), O (other) or U (unknown)"),
            (RECORDS, "medications", True, "Yes or No"),
            (RECORDS, "last_appointment_date", False, DATE),
            (RECORDS, "Tracker", False, "up to 300 characters"),
            (
                CATALOGUE,
                "Selling Price",
                True,
                "a whole number from 0 to 2,147,483,647, with or without commas between the thousands",
            ),
            (
                CATALOGUE,
                "Rating (Out of 5)",
                False,
                "a number from 0 to 5, with at most 1 decimal place",
            ),
        ],
    )
    def test_each_is_described(self, kind: Kind, header: str, required: bool, holds: str) -> None:
        (shown,) = [column for column in describe_columns(kind.resource()) if column.header == header]
        assert shown == ColumnHelp(header, required, holds, shown.example)
        assert shown.example

    @each_kind
    def test_the_page_shows_them_with_the_limits_and_the_templates(self, steward: Client, kind: Kind) -> None:
        shown = steward.get(kind.address("import")).content.decode()
        for column in describe_columns(kind.resource()):
            assert f'<th scope="row">{column.header}</th>' in shown
            assert f'data-label="Content">{column.holds}</td>' in shown
            assert f"<code>{column.example}</code>" in shown
        assert "at most 200\xa0MB and 5,000,000 rows" in shown
        assert all(template(kind, form) in shown for form in ("csv", "xlsx"))


def test_a_screen_reader_reads_an_error_with_its_field(steward: Client) -> None:
    shown = steward.post(RECORDS.address("import"), {}).content.decode()
    assert '<ul class="errorlist" id="id_import_file_error"><li>Choose a file first.</li>' in shown
    assert 'aria-invalid="true" aria-describedby="id_import_file_error upload-limits"' in shown


class TestTheTemplates:
    @each_kind
    @each_format
    def test_they_need_the_permission_to_import(self, sign_in: SignIn, kind: Kind, form: str) -> None:
        view, imports = kind.steward
        others = [view, *(name for other in KINDS if other is not kind for name in other.steward)]
        assert_page_needs(sign_in, template(kind, form), view, imports, others=others)

    @each_kind
    @each_format
    def test_they_can_be_imported_without_errors(self, steward: Client, tmp_path: Path, kind: Kind, form: str) -> None:
        answer = steward.get(template(kind, form))
        assert answer["Content-Disposition"].endswith(f'-template.{form}"')
        path = tmp_path / "template"
        path.write_bytes(answer.content)
        result = kind.run(path)
        assert result.errors == []
        assert result.notices == []
        assert result.counts.new == 2

    @each_kind
    def test_both_have_the_same_cells(self, steward: Client, kind: Kind) -> None:
        by_csv = list(csv.reader(StringIO(steward.get(template(kind, "csv")).content.decode())))
        sheet = load_workbook(BytesIO(steward.get(template(kind, "xlsx")).content)).worksheets[0]
        assert [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)] == by_csv
        assert [header.removesuffix(" (MM/DD/YYYY)") for header in by_csv[0]] == list(kind.row)

    @pytest.mark.parametrize("query", ["", "?format=", "?format=json", "?format=../csv"])
    def test_there_is_none_in_another_format(self, steward: Client, query: str) -> None:
        assert steward.get(f"{RECORDS.address('import')}template/{query}").status_code == 404
