"""Exported files can be imported again unchanged."""

import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from openpyxl import load_workbook

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, tables
from tests.support.import_pages import messages
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.search_tokens import with_search_token
from tests.support.signing_in import AsRole, SignIn
from trackers.models import FitnessTracker

pytestmark = pytest.mark.django_db

CSV, XLSX = "0", "1"
PERMISSIONS = {
    RECORDS: ("patients.view_medicalrecord", "patients.export_medicalrecord"),
    CATALOGUE: ("trackers.view_fitnesstracker", "trackers.export_fitnesstracker"),
    MODELS: ("trackers.view_trackermodel", "trackers.export_trackermodel"),
}
ODD_TEXTS = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "'x",
    "'",
    "''",
    "'=x",
    "''=x",
    "a,b;c",
    'say "a"',
    '"',
    "Zoë 🩺 Öst",
    "فاطمة",
    "007",
    "1E5",
    "2,499",
    "TRUE",
    "01/02/2020",
    "None known",
]
each_kind = pytest.mark.parametrize("kind", PERMISSIONS, ids=str)

Budget = Callable[[int], AbstractContextManager[Any]]


@pytest.fixture
def clerk(as_role: AsRole) -> Client:
    return as_role("Analyst")


@pytest.fixture
def stored() -> int:
    """Store rows with texts of every sort, and with empty values where these are allowed. Return how many."""
    for number, text in enumerate(ODD_TEXTS):
        model = factories.tracker_model(text, text, text)
        factories.variant(model, color=text, display=text, strap_material=text, rating=None, reviews=number)
        factories.medical_record(
            f"P{number}",
            name=text,
            medical_conditions=text,
            allergies=text,
            tracker=text,
            last_appointment_date=date(2024, 2, 29) if number % 2 else None,
        )
    FitnessTracker.objects.filter(color="'x").update(rating="4.1", reviews=None, strap_material="", display="")
    MedicalRecord.objects.filter(name="'x").update(medical_conditions="", allergies="", tracker="", medications=True)
    return len(ODD_TEXTS)


def export(client: Client, kind: Kind, form: str, query: str = "") -> bytes:
    answer = client.post(f"{kind.address('export')}{query}", {"format": form, "resource": "0"})
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    assert answer.streaming
    return answer.getvalue()


def cells(content: bytes, form: str) -> list[list[object]]:
    if form == CSV:
        return [list(row) for row in csv.reader(StringIO(content.decode("utf-8-sig")), strict=True)]
    sheet = load_workbook(BytesIO(content)).worksheets[0]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@each_kind
def test_the_page_needs_the_permission_to_export(sign_in: SignIn, kind: Kind) -> None:
    view, exports = PERMISSIONS[kind]
    assert_page_needs(
        sign_in, kind.address("export"), view, exports, others=[view, exports.replace(".export_", ".import_")]
    )


@each_kind
def test_nobody_else_can_download_a_file(sign_in: SignIn, kind: Kind) -> None:
    viewer = sign_in(PERMISSIONS[kind][0])
    assert viewer.post(kind.address("export"), {"format": CSV, "resource": "0"}).status_code == 403
    assert Client().post(kind.address("export"), {"format": CSV, "resource": "0"}).status_code == 302


@each_kind
@pytest.mark.parametrize("form", [CSV, XLSX], ids=["csv", "xlsx"])
def test_an_exported_file_changes_nothing(clerk: Client, stored: int, tmp_path: Path, kind: Kind, form: str) -> None:
    path = tmp_path / "export"
    path.write_bytes(export(clerk, kind, form))
    before = tables()
    for dry_run in (True, False):
        result = kind.run(path, dry_run=dry_run)
        assert [str(error) for error in result.errors] == []
        assert result.notices == []
        assert (result.counts.new, result.counts.changed, result.counts.unchanged) == (0, 0, stored)
        assert result.tables[0].unchanged == stored
    assert tables() == before


@each_kind
@pytest.mark.parametrize("form", [CSV, XLSX], ids=["csv", "xlsx"])
def test_an_exported_file_restores_deleted_rows(
    clerk: Client, stored: int, tmp_path: Path, kind: Kind, form: str
) -> None:
    path = tmp_path / "export"
    path.write_bytes(export(clerk, kind, form))
    kind.resource._meta.model.objects.all().delete()
    assert kind.run(path).counts.new == stored
    assert cells(export(clerk, kind, form), form) == cells(path.read_bytes(), form)


@each_kind
@pytest.mark.parametrize("form", [CSV, XLSX], ids=["csv", "xlsx"])
def test_no_cell_begins_like_a_formula(clerk: Client, stored: int, kind: Kind, form: str) -> None:
    header, *rows = cells(export(clerk, kind, form), form)
    assert header == list(kind.row)
    assert len(rows) == stored
    assert not [cell for row in rows for cell in row if str(cell or "").startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_dates_too_early_for_a_spreadsheet_are_exported_as_text(clerk: Client, tmp_path: Path) -> None:
    for number, born in enumerate((date(1897, 6, 1), date(1899, 12, 30), date(1900, 2, 28))):
        factories.medical_record(f"P{number}", date_of_birth=born)
    path = tmp_path / "export"
    path.write_bytes(export(clerk, RECORDS, XLSX))
    assert RECORDS.run(path).counts.unchanged == 3


@each_kind
@pytest.mark.parametrize("query", ["foo=1", "id=1", "rating=x", "appointment=abc", "tracker_model=x"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_filter_does_not_fail(clerk: Client, kind: Kind, query: str, method: str) -> None:
    answer = getattr(clerk, method)(f"{kind.address('export')}?{query}", {"format": CSV, "resource": "0"}, follow=True)
    assert answer.status_code == 200


def test_the_rows_of_the_list_are_exported(clerk: Client, stored: int) -> None:
    _, *rows = cells(export(clerk, RECORDS, CSV, "?medication=yes"), CSV)
    assert [row[0] for row in rows] == [f"P{ODD_TEXTS.index(chr(39) + 'x')}"]


@pytest.mark.parametrize(
    "filters", [{"medication": "yes"}, {"tracker": "x"}, {"q": "P7"}, {"linked": "unstated", "medication": "yes"}]
)
def test_the_filters_and_the_search_of_the_list_apply_to_the_export(
    clerk: Client, stored: int, filters: dict[str, str]
) -> None:
    query = f"?{urlencode(with_search_token(clerk, '/admin/patients/medicalrecord/', filters))}"
    MedicalRecord.objects.filter(pk="P7").update(medications=True, tracker="")
    listed = [record.pk for record in clerk.get(f"/admin/patients/medicalrecord/{query}").context["cl"].result_list]
    for form in (CSV, XLSX):
        _, *rows = cells(export(clerk, RECORDS, form, query), form)
        assert [row[0] for row in rows] == listed


def test_the_page_names_the_filters_and_the_number_of_rows_and_has_a_format(clerk: Client, stored: int) -> None:
    MedicalRecord.objects.filter(pk__in=["P1", "P2"]).update(medical_conditions="Asthma")
    filters = {"condition": "Asthma", "gender": "F", "q": "P"}
    query = urlencode(with_search_token(clerk, "/admin/patients/medicalrecord/", filters))
    page = Page.get(clerk, f"{RECORDS.address('export')}?{query}")
    assert "2 medical records with gender: Female , condition: Asthma , search: P ." in page.text
    assert page.one("input[name=format][checked]").get("value") == CSV
    assert "Download 2 rows" in page.texts("button")
    assert f"/admin/patients/medicalrecord/?{query}" in page.addresses("#content a")


def test_the_page_of_the_catalogue_names_its_filters_too(clerk: Client) -> None:
    for brand in ("Honor", "Xiaomi"):
        factories.variant(factories.tracker_model(brand))
    assert "2 variants , without a filter." in Page.get(clerk, CATALOGUE.address("export")).text
    page = Page.get(clerk, f"{CATALOGUE.address('export')}?model__brand_name=Honor&q=Band")
    assert "1 variant with brand name: Honor , search: Band ." in page.text


@each_kind
def test_the_page_needs_few_queries(clerk: Client, kind: Kind, django_assert_max_num_queries: Budget) -> None:
    with django_assert_max_num_queries(16):
        clerk.get(kind.address("export"))


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_invalid_filter_redirects_to_the_list_which_says_why(clerk: Client, method: str) -> None:
    address = f"{RECORDS.address('export')}?min_age=x&gender=F"
    answer = getattr(clerk, method)(
        address, {"format": CSV, "resource": "0"} if method == "post" else None, follow=True
    )
    assert answer.redirect_chain == [("/admin/patients/medicalrecord/?min_age=x&gender=F", 302)]
    assert [message.count("from 0 to 150") for message in messages(answer)] == [1]


def test_selected_rows_that_exist_are_exported(clerk: Client, stored: int) -> None:
    answer = clerk.post(
        RECORDS.address("export"), {"format": CSV, "resource": "0", "export_items": ["P1", "P2", "P99"]}
    )
    _, *rows = cells(answer.getvalue(), CSV)
    assert [row[0] for row in rows] == ["P1", "P2"]


@each_kind
@pytest.mark.parametrize("form", [CSV, XLSX], ids=["csv", "xlsx"])
@pytest.mark.parametrize("rows", [3, 50])
def test_the_number_of_queries_does_not_depend_on_the_rows(
    clerk: Client, django_assert_max_num_queries: Budget, kind: Kind, form: str, rows: int
) -> None:
    for number in range(rows):
        factories.variant(factories.tracker_model(model_name=f"Band {number}"))
        factories.medical_record(f"P{number}", tracker="Band 1")
    with django_assert_max_num_queries(15):  # two count downloads for the rate limit, and three write the access log
        export(clerk, kind, form)


@each_kind
def test_an_empty_table_has_a_header(clerk: Client, kind: Kind) -> None:
    assert cells(export(clerk, kind, CSV), CSV) == [list(kind.row)]
