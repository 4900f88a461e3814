"""The access log records which patients the pages of an import show."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from healthtrack.audit.models import Access
from tests.support.import_files import CATALOGUE, RECORDS, write_csv
from tests.support.import_pages import last_run, press_import, upload
from tests.support.signing_in import SignIn

NAME = "Wilhelmina Trelawney"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

ERROR_REPORT = "admin:imports_importrun_errors"


def test_the_preview_and_the_error_report_are_recorded_with_the_run(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(*RECORDS.steward)
    rows = RECORDS.rows({"name": NAME}, {"patient_id": "P2", "gender": "X"})
    shown = upload(client, RECORDS, write_csv(tmp_path / "rows.csv", rows))
    run = last_run()
    assert "show=errors" in shown.content.decode()
    access = Access.objects.latest("access_id")
    assert (access.page, access.run_id) == ("admin:imports_importrun_change", run.run_id)
    assert access.filters == ["errors", "page 1"]
    assert NAME in client.get(f"/admin/imports/importrun/{run.run_id}/change/?show=new").content.decode()
    access = Access.objects.latest("access_id")
    assert (access.filters, access.patient_ids) == (["new", "page 1"], ["P1"])
    client.get(reverse(ERROR_REPORT, args=[run.run_id]))
    part, _ = Access.objects.filter(page=ERROR_REPORT).order_by("access_id")
    assert (part.run_id, part.file_patients) == (run.run_id, ["P2"])
    access = Access.objects.latest("access_id")
    assert (access.page, access.run_id, access.file_rows) == (ERROR_REPORT, run.run_id, 1)


@pytest.mark.parametrize(
    ("number", "recorded"),
    [("P7", "P7"), ("  P   7 ", "P 7"), ("'=P7", "=P7"), ("", None), ("7" * 51, None), ("P7\nP8", "P7 P8")],
)
def test_downloaded_invalid_rows_are_recorded_by_the_numbers_that_an_import_would_store(
    sign_in: SignIn, tmp_path: Path, number: str, recorded: str | None
) -> None:
    client = sign_in(*RECORDS.steward)
    rows = [dict(reversed([*row.items()])) for row in RECORDS.rows({}, {"patient_id": number, "gender": "X"})]
    upload(client, RECORDS, write_csv(tmp_path / "rows.csv", rows))
    answer: Any = client.get(reverse(ERROR_REPORT, args=[last_run().run_id]))
    # Recorded as a whole, even if nothing of the file is read.
    parts = Access.objects.filter(page=ERROR_REPORT, file_patients__isnull=False)
    assert [part.file_patients for part in parts] == ([[recorded]] if recorded else [])
    assert answer.getvalue()


def test_a_row_that_does_not_fit_the_header_is_recorded_too(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(*RECORDS.steward)
    path = write_csv(tmp_path / "rows.csv", RECORDS.rows({}))
    path.write_text(f"{path.read_text()}P9,too,few\n")
    upload(client, RECORDS, path)
    client.get(reverse(ERROR_REPORT, args=[last_run().run_id]))
    assert Access.objects.filter(page=ERROR_REPORT, file_patients=["P9"]).exists()


def test_an_import_of_trackers_is_not_recorded(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(*CATALOGUE.steward)
    upload(client, CATALOGUE, write_csv(tmp_path / "rows.csv", CATALOGUE.rows({})))
    assert not Access.objects.exists()


def test_the_preview_of_an_undo_is_recorded_with_its_patients(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(*RECORDS.steward, "imports.undo_importrun")
    press_import(client, upload(client, RECORDS, write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))))
    assert "P2" in client.get(f"/admin/imports/importrun/{last_run().run_id}/undo/").content.decode()
    access = Access.objects.latest("access_id")
    assert (access.page, sorted(access.patient_ids)) == ("admin:imports_importrun_undo", ["P1", "P2"])
