"""An import writes exactly what its preview showed. If the data changed since, it shows a new preview and waits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access, Change
from healthtrack.imports import staging_tables
from healthtrack.imports.life_cycle import steps
from healthtrack.imports.models import ImportRun, State
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.finished_imports import check_file, get_counts, get_result
from tests.support.import_files import CATALOGUE, RECORDS, Kind, Row, tables, write_csv
from tests.support.import_pages import last_run, press_import, upload
from tests.support.page import Page
from trackers.models import TrackerModel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

WORDS = "The data changed after you saw the preview:"


@pytest.fixture
def preview(steward: Client, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that uploads rows and returns the page of their preview."""

    def show(*changes: Row, kind: Kind = RECORDS) -> Any:
        return upload(steward, kind, write_csv(tmp_path / "rows.csv", kind.rows(*changes)))

    return show


def text(page: Any) -> str:
    return Page.of(page).text


def add_record() -> None:
    factories.medical_record("P1", name="Ada King")


def edit_record() -> None:
    MedicalRecord.objects.filter(pk="P2").update(name="Eve King")


def delete_record() -> None:
    MedicalRecord.objects.filter(pk="P2").delete()


def make_the_same_change() -> None:
    MedicalRecord.objects.filter(pk="P2").update(allergies="Pollen")


def change_an_unchanged_record() -> None:
    MedicalRecord.objects.filter(pk="P3").update(name="Ida King")


@pytest.mark.parametrize(
    ("change", "now", "counts"),
    [
        (add_record, "2 Changed P1 from Ada King to Ada Byron", (0, 2, 1)),
        (edit_record, "3 Changed P2 from Eve King to Ada Byron", (1, 1, 1)),
        (delete_record, "3 New P2 Ada Byron", (2, 0, 1)),
        (make_the_same_change, "3 Unchanged P2 Ada Byron", (1, 0, 2)),
        (change_an_unchanged_record, "4 Changed P3 from Ida King to Ada Byron", (1, 2, 0)),
    ],
)
def test_it_shows_what_differs_and_imports_nothing(
    steward: Client,
    preview: Callable[..., Any],
    change: Callable[[], None],
    now: str,
    counts: tuple[int, int, int],
) -> None:
    for row in ({"patient_id": "P2"}, {"patient_id": "P3"}):
        press_import(steward, preview(row))
    page = preview({}, {"allergies": "Pollen"}, {})
    assert get_counts(last_run()).new == 1
    change()
    before = tables()
    page = press_import(steward, page)
    assert tables() == before
    assert last_run().state == State.CHECKED
    assert f"{WORDS} 1 row differs now." in text(page)
    assert "Rows that no longer match the last preview: 1" in text(page)
    assert now in text(page)
    found = get_counts(last_run())
    assert (found.new, found.changed, found.unchanged) == counts
    page = press_import(steward, page)
    assert last_run().state == State.APPLIED
    assert WORDS not in text(page)
    assert (get_counts(last_run()).new, get_counts(last_run()).changed) == counts[:2]


def test_it_asks_each_time_that_the_data_changes(steward: Client, preview: Callable[..., Any]) -> None:
    add_record()
    page = preview({}, {})
    for name in ("Eve", "Ida"):
        MedicalRecord.objects.update(name=name)
        page = press_import(steward, page)
        assert f"from {name} to Ada Byron" in text(page)
        assert get_result(last_run()).stale == 1
    press_import(steward, page)
    assert last_run().state == State.APPLIED


def test_other_changes_do_not_matter(steward: Client, preview: Callable[..., Any]) -> None:
    factories.medical_record("P1", name="Ada King")
    page = preview({}, {})
    factories.medical_record("Q1")
    press_import(steward, page)
    assert last_run().state == State.APPLIED


def test_a_change_that_nobody_can_see_does_not_matter(steward: Client, preview: Callable[..., Any]) -> None:
    press_import(steward, preview({}))
    page = preview({}, {})
    MedicalRecord.objects.filter(pk="P1").update(name="Ada\u00a0Byron")
    press_import(steward, page)
    assert last_run().state == State.APPLIED


def test_a_model_that_is_deleted_or_added_makes_the_preview_of_a_catalogue_stale(
    steward: Client, preview: Callable[..., Any]
) -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    page = preview({"Color": "Black"}, kind=CATALOGUE)
    assert get_result(last_run()).tables[0].unchanged == 1
    for change, new in ((model.delete, 1), (lambda: factories.tracker_model("Xiaomi", "Band 2"), 0)):
        change()
        page = press_import(steward, page)
        assert f"{WORDS} 1 row differs now." in text(page)
        assert get_result(last_run()).tables[0].new == new
    press_import(steward, page)
    assert last_run().state == State.APPLIED
    assert TrackerModel.objects.count() == 1


def test_other_links_than_the_preview_showed_make_it_stale(steward: Client, preview: Callable[..., Any]) -> None:
    page = preview({})
    assert "1 patient with an unmatched tracker" in text(page)
    factories.tracker_model("Xiaomi", "Band 2")
    page = press_import(steward, page)
    assert f"{WORDS} the links differ now." in text(page)
    assert "1 patient linked by the reported tracker" in text(page)
    assert not MedicalRecord.objects.exists()
    press_import(steward, page)
    assert MedicalRecord.objects.get().link_count == 1


def test_its_page_is_in_the_access_log_and_takes_few_queries(
    steward: Client, preview: Callable[..., Any], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    page = preview({}, {}, {})
    factories.medical_record("P2", name="Eve")
    press_import(steward, page)
    with django_assert_max_num_queries(20):
        steward.get(f"/admin/imports/importrun/{last_run().pk}/change/")
    assert Access.objects.latest("access_id").patient_ids == ["P2"]


def test_the_command_line_shows_no_preview_and_imports(tmp_path: Path) -> None:
    run = check_file(RECORDS.importer, write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {})))
    factories.medical_record("P1", name="Ada King")
    steps.apply(run, [], steps.no_progress)
    assert (run.state, get_counts(run).new, get_counts(run).changed) == (State.APPLIED, 1, 1)


def test_rows_that_an_earlier_version_staged_are_imported(steward: Client, preview: Callable[..., Any]) -> None:
    add_record()
    page = preview({}, {})
    with connection.cursor() as cursor:
        rows = staging_tables.find(last_run().pk).rows
        cursor.execute(f"ALTER TABLE {rows} DROP COLUMN seen, DROP COLUMN is_stale")
    press_import(steward, page)
    assert last_run().state == State.APPLIED


EDITS = st.dictionaries(
    st.sampled_from(["P1", "P2", "P3", "P4"]),
    st.sampled_from(["Ada Byron", "Ada King", "deleted", "Ada\u00a0Byron"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 10)
@given(stored=EDITS, edits=EDITS)
def test_whatever_was_written_is_what_the_last_preview_showed(
    steward: Client, preview: Callable[..., Any], stored: dict[str, str], edits: dict[str, str]
) -> None:
    MedicalRecord.objects.all().delete()
    edit_all(stored)
    page = preview({}, {}, {})
    edit_all(edits)
    written = 0
    for _ in range(2):
        shown = changes_of(last_run())
        written = Change.objects.count()
        page = press_import(steward, page)
        if last_run().state == State.APPLIED:
            break
    assert last_run().state == State.APPLIED
    assert changes_of(last_run()) == shown
    assert Change.objects.count() - written == shown[1]


def changes_of(run: ImportRun) -> tuple[int, int]:
    return get_counts(run).new, get_counts(run).changed


def edit_all(names: dict[str, str]) -> None:
    for number, name in names.items():
        MedicalRecord.objects.filter(pk=number).delete()
        if name != "deleted":
            values = {"medical_conditions": "Asthma", "last_appointment_date": "2024-06-14", "tracker": "Band 2"}
            factories.medical_record(number, name=name, **values)
