"""The page of a run: progress, preview, errors, confirming, cancelling; and the list of runs."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.imports import registry
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import ImportRun, Stage, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.staging_tables import list_staged_runs
from healthtrack.imports.tasks import fail_abandoned
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.finished_imports import get_counts, get_result
from tests.support.forms import form_to
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, Row, tables, write_csv
from tests.support.import_pages import (
    last_run,
    messages,
    press_import,
    run_commit_hooks,
    run_jobs,
    upload,
    uploads_of,
)
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

KINDS = (RECORDS, CATALOGUE, MODELS)
PERMISSIONS = {kind: kind.steward for kind in KINDS}
RUNS = "/admin/imports/importrun/"
ERROR_REPORT = SHOW_ERRORS = "errors"
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def preview_of(client: Client, path: Path, *changes: Row, kind: Kind = RECORDS) -> Any:
    return upload(client, kind, write_csv(path, kind.rows(*changes)))


def address(run: ImportRun, action: str = "change") -> str:
    return f"{RUNS}{run.run_id}/{action}/"


def text_of(page: Any) -> str:
    return Page.of(page).text


def headline_of(run: ImportRun) -> str:
    return registry.get(run.importer).summary(run).headline


class TestPermissions:
    def test_a_person_who_may_import_something_sees_the_list(self, sign_in: SignIn) -> None:
        assert_page_needs(sign_in, RUNS, *RECORDS.steward, others=["patients.view_medicalrecord"])

    def test_a_person_who_may_view_all_imports_sees_the_list(self, sign_in: SignIn) -> None:
        assert_page_needs(sign_in, RUNS, "imports.view_importrun")

    def test_the_list_shows_only_the_types_that_the_person_may_import(self, sign_in: SignIn) -> None:
        factories.import_run()
        variants = factories.import_run(importer="trackers.fitnesstracker")
        page = sign_in(*CATALOGUE.steward).get(RUNS)
        assert [run.run_id for run in page.context["cl"].result_list] == [variants.run_id]

    @each_kind
    def test_only_people_who_may_import_its_type_find_a_run(self, sign_in: SignIn, path: Path, kind: Kind) -> None:
        run = factories.import_run(importer=kind.importer)
        others = [each for other in KINDS if other is not kind for each in other.steward]
        assert Client().get(address(run)).status_code == 302
        assert sign_in(*kind.steward).get(address(run)).status_code == 200
        stranger = Client()
        stranger.force_login(factories.staff(*others, username="stranger"))
        for action in ("change", "progress", ERROR_REPORT):
            assert stranger.get(address(run, action)).status_code == 404
        assert stranger.post(address(run, "cancel")).status_code == 404

    def test_a_person_who_may_only_view_imports_sees_no_rows(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {"name": "Ada Lovelace"}, {"gender": "secret"})
        auditor = Client()
        auditor.force_login(factories.staff("imports.view_importrun", username="auditor"))
        shown = text_of(auditor.get(address(last_run())))
        assert headline_of(last_run()) in shown
        assert "Ada Lovelace" not in shown
        assert "secret" not in shown
        assert auditor.get(address(last_run(), ERROR_REPORT)).status_code == 403
        assert auditor.post(address(last_run(), "cancel")).status_code == 403

    @each_kind
    def test_nobody_else_may_import_the_file(self, steward: Client, path: Path, kind: Kind) -> None:
        page = preview_of(steward, path, {}, kind=kind)
        before = tables()
        viewer = Client()
        viewer.force_login(factories.staff(PERMISSIONS[kind][0], username="viewer"))
        assert press_import(viewer, page).status_code == 403
        assert b'name="password"' in press_import(Client(), page).content
        assert tables() == before
        assert last_run().state == State.CHECKED

    @each_kind
    def test_importing_and_cancelling_are_not_pages_to_open(self, steward: Client, kind: Kind) -> None:
        assert steward.get(address(factories.import_run(), "apply")).status_code == 405
        assert steward.get(address(factories.import_run(), "cancel")).status_code == 405

    @each_kind
    def test_the_former_address_to_confirm_does_nothing(self, steward: Client, path: Path, kind: Kind) -> None:
        preview_of(steward, path, {}, kind=kind)
        steward.post(kind.address("process_import"), {"run": last_run().run_id})
        run_jobs()
        assert last_run().state == State.CHECKED

    @pytest.mark.parametrize("name", ["0", "7", "x", "1 or 1", "9" * 30, "../1"])
    def test_a_missing_run_is_not_found(self, steward: Client, name: str) -> None:
        assert steward.get(f"{RUNS}{name}/change/").status_code == 404


class TestTheList:
    def test_the_newest_run_comes_first_and_the_list_takes_few_queries(
        self, steward: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        made = [factories.import_run().run_id for _ in range(30)]
        with django_assert_max_num_queries(10):
            page = steward.get(RUNS)
        assert [run.run_id for run in page.context["cl"].result_list] == made[::-1]

    @pytest.mark.parametrize("query", ["state=checked", "kind=trackers.trackermodel", "state__exact=applied"])
    def test_it_filters_by_state_and_type(self, steward: Client, query: str) -> None:
        factories.import_run()
        found = factories.import_run(State.CHECKED, importer="trackers.trackermodel")
        applied = factories.import_run(State.APPLIED, finished_at=timezone.now())
        page = steward.get(f"{RUNS}?{query.replace('state=', 'state__exact=')}")
        expected = applied if "applied" in query else found
        assert [run.run_id for run in page.context["cl"].result_list] == [expected.run_id]

    def test_it_filters_by_person(self, steward: Client) -> None:
        factories.import_run()
        ada = factories.staff(username="ada")
        run = factories.import_run(started_by=ada)
        page = steward.get(f"{RUNS}?started_by__id__exact={ada.pk}")
        assert [found.run_id for found in page.context["cl"].result_list] == [run.run_id]


class TestProgress:
    def test_it_is_shown_in_words_and_in_a_bar_that_reloads_itself(self, steward: Client) -> None:
        begun = timezone.now() - timedelta(seconds=30)
        run = factories.import_run(
            stage=Stage.READING, items_done=350_000, items_total=1_000_000, fraction_done=0.25, work_began_at=begun
        )
        page = steward.get(address(run))
        shown = text_of(page)
        assert "25 % Reading and checking the rows: 350,000 of about 1,000,000 rows" in shown
        assert re.search(r"About (89|9\d|1\d\d) s left", shown)
        assert '<progress class="meter" id="progress-bar" max="100" value="25">' in page.content.decode()
        assert f'hx-get="{address(run, "progress")}?announced=20&amp;lacks_worker=1"' in page.content.decode()
        assert (
            '<noscript><meta http-equiv="refresh" content="2; url=?unattended=1"></noscript>' in page.content.decode()
        )

    def test_a_screen_reader_announces_every_tenth(self, steward: Client) -> None:
        run = factories.import_run(stage=Stage.READING, fraction_done=0.25)
        silent = steward.get(f"{address(run, 'progress')}?announced=20&lacks_worker=1").content.decode()
        assert "hx-swap-oob" not in silent
        announced = steward.get(f"{address(run, 'progress')}?announced=10").content.decode()
        assert "20 % done: Reading and checking the rows" in announced

    def test_the_whole_page_is_loaded_at_the_end(self, steward: Client) -> None:
        answer = steward.get(address(factories.import_run(State.CHECKED), "progress"))
        assert (answer["HX-Refresh"], answer.content) == ("true", b"")

    def test_it_takes_few_queries(self, steward: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        run = factories.import_run()
        with django_assert_max_num_queries(6):
            steward.get(address(run, "progress"))

    def test_it_says_that_no_worker_is_running(self, steward: Client) -> None:
        words = text_of(steward.get(address(factories.import_run())))
        assert "Your file is queued. The import service is not running; ask an administrator to start it." in words

    def test_it_says_when_a_worker_starts_or_stops(self, steward: Client) -> None:
        progress = address(factories.import_run(), "progress")
        was_lacking, was_running = f"{progress}?announced=0&lacks_worker=1", f"{progress}?announced=0&lacks_worker=0"
        assert "The import service is not running" in text_of(steward.get(was_running))
        assert "#worker" not in steward.get(was_lacking).content.decode()
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (clock_timestamp())")
        assert '<div hx-swap-oob="innerHTML:#worker"></div>' in steward.get(was_lacking).content.decode()
        assert "#worker" not in steward.get(was_running).content.decode()


class TestThePreview:
    @each_kind
    def test_it_shows_counts_and_rows_and_changes_nothing(self, steward: Client, path: Path, kind: Kind) -> None:
        before = tables()
        page = preview_of(steward, path, {}, {}, kind=kind)
        assert page.status_code == 200
        assert tables() == before
        shown = text_of(page)
        assert "2 rows read" in shown
        assert "New rows: 2" in shown
        assert headline_of(last_run()) in shown
        for text in ("Ada Byron", "1980") if kind is RECORDS else ("Xiaomi", "FitnessBand"):
            assert text in shown
        assert get_counts(last_run()).new == 2

    def test_it_shows_the_old_value_beside_the_new(self, steward: Client, path: Path) -> None:
        factories.medical_record("P1", name="Ada King", medical_conditions="Asthma", tracker="Band 2")
        page = preview_of(steward, path, {"name": "Ada <b>Byron</b>"})
        assert "Changed rows" in text_of(page)
        shown = re.sub(r"<span[^>]*>[^<]*</span>", "", page.content.decode())
        assert "<del>Ada King</del> <ins>Ada &lt;b&gt;Byron&lt;/b&gt;</ins>" in shown
        assert "<del>Asthma" not in shown

    def test_it_says_so_when_nothing_would_change(self, steward: Client, path: Path) -> None:
        first = preview_of(steward, path, {})
        would_change = headline_of(last_run())
        press_import(steward, first)
        page = preview_of(steward, path, {})
        assert would_change != headline_of(last_run()) != ""
        assert headline_of(last_run()) in text_of(page)
        assert Page.of(page).texts(".run-actions button") == ["Import without changes", "Cancel"]
        assert not Page.of(page).all(".run-actions button.default")

    def test_it_names_the_ignored_columns(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, {"Notes": "x"})
        assert "Ignored columns: Notes" in text_of(page)

    @pytest.mark.parametrize("column", ["name", "gender", "date_of_birth", "Tracker"])
    def test_cells_are_never_markup(self, steward: Client, path: Path, column: str) -> None:
        page = preview_of(steward, path, {column: '<img src="x" onerror="alert(1)">'})
        assert b'<img src="x"' not in page.content
        assert b"&lt;img src=&quot;x&quot; onerror=&quot;alert(1)&quot;&gt;" in page.content

    def test_headers_are_never_markup(self, steward: Client, path: Path) -> None:
        for row in ({**RECORDS.row, "<script>alert(1)</script>": "x"}, {"<script>alert(1)</script>": "x"}):
            page = upload(steward, RECORDS, write_csv(path, [row]))
            assert b"<script>alert" not in page.content

    @pytest.mark.parametrize("change", [{}, {"gender": "X"}], ids=["preview", "errors"])
    def test_the_page_is_never_cached(self, steward: Client, path: Path, change: Row) -> None:
        directives = preview_of(steward, path, change)["Cache-Control"]
        assert {"no-store", "private", "no-cache"} <= set(directives.split(", "))

    def test_its_pages_show_fifty_rows_and_take_few_queries(
        self, steward: Client, path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        preview_of(steward, path, *[{}] * 120)
        with django_assert_max_num_queries(20):
            page = steward.get(f"{address(last_run())}?show=new&page=3")
        assert "New rows: 101 to 120 of 120" in text_of(page)

    @pytest.mark.parametrize(
        "query", ["show=nothing", "page=x", "page=-1", "page=99999999999", "column=x&kind=y", f"show={SHOW_ERRORS}"]
    )
    def test_an_odd_address_shows_the_nearest_page(self, steward: Client, path: Path, query: str) -> None:
        preview_of(steward, path, {}, {})
        assert "New rows: 2" in text_of(steward.get(f"{address(last_run())}?{query}"))

    def test_a_run_of_a_command_says_that_it_is_being_imported(self, steward: Client) -> None:
        run = factories.import_run(State.CHECKED, upload="", result={"merged": 1})
        assert headline_of(run) == "No errors found. The command that read the file is importing it."
        page = Page.of(steward.get(address(run)))
        assert headline_of(run) in page.text
        assert not page.all("#counts-caption")


class TestErrors:
    CHANGES: tuple[Row, ...] = ({"gender": "X"}, {"date_of_birth": "soon"}, {"gender": "Y"}, {"name": "Eve"})

    def test_they_are_grouped_by_column_and_kind(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, *self.CHANGES)
        groups = [(group.column, group.rows, group.first_line) for group in get_result(last_run()).groups]
        assert groups == [("gender", 2, 2), ("date_of_birth", 1, 3)]

    def test_they_are_filtered_by_column_and_by_kind(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, *self.CHANGES)
        assert [error.line for error in page.context["page"].preview.view.errors] == [2, 3, 4]
        for query, lines in (
            ({"column": "gender"}, [2, 4]),
            ({"column": "date_of_birth"}, [3]),
            ({"kind": get_result(last_run()).groups[0].kind}, [2, 4]),
            ({"column": "date_of_birth", "kind": get_result(last_run()).groups[0].kind}, []),
        ):
            shown = steward.get(address(last_run()), {"show": SHOW_ERRORS, **query}).context["page"].preview.view
            assert [error.line for error in shown.errors] == lines

    def test_former_addresses_of_the_errors_still_work(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, *self.CHANGES)
        shown = steward.get(address(last_run()), {"show": "faulty"}).context["page"].preview.view.shown
        assert shown.name == SHOW_ERRORS
        assert steward.get(address(last_run(), "faulty")).status_code == 200

    def test_a_file_without_a_valid_row_cannot_be_imported(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, {"gender": "X"}, {"gender": "Y"})
        assert last_run().state == State.REFUSED
        assert "Every row of the file has an error." in text_of(page)
        assert address(last_run(), "apply") not in page.content.decode()

    def test_the_valid_rows_are_imported_if_a_person_chooses_to_skip_the_others(
        self, steward: Client, path: Path
    ) -> None:
        page = preview_of(steward, path, *self.CHANGES)
        assert "Import 1 valid row (skip 3)" in text_of(page)
        page = press_import(steward, page)
        assert list(MedicalRecord.objects.values_list("name", flat=True)) == ["Eve"]
        assert (last_run().state, last_run().without_invalid) == (State.APPLIED, True)
        assert headline_of(last_run()) in text_of(page)
        assert re.search(r"\b3\b", headline_of(last_run()))

    def test_a_file_with_errors_is_not_imported_without_that_choice(self, steward: Client, path: Path) -> None:
        button = form_to(preview_of(steward, path, *self.CHANGES), "apply")
        page = steward.post(button.address, button.fields, follow=True)
        assert messages(page) == ["This import can no longer be applied. Check its status."]
        assert last_run().state == State.CHECKED


class TestTheErrorReport:
    def download(self, steward: Client) -> list[list[str]]:
        answer = steward.get(address(last_run(), ERROR_REPORT))
        assert answer["Content-Disposition"] == f'attachment; filename="invalid-rows-of-import-{last_run().run_id}.csv"'
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # not in the stubs of responses
        return list(csv.reader(io.StringIO(text)))

    def test_it_has_the_invalid_rows_unchanged_with_their_errors(self, steward: Client, path: Path) -> None:
        changes = {"gender": "X", "date_of_birth": " soon ", "Notes": "a note"}
        preview_of(steward, path, {"Notes": ""}, changes, {"Notes": "", "medications": "perhaps"})
        header, first, second = self.download(steward)
        assert header[1:] == [*RECORDS.row, "Notes"]
        assert first[1:] == [*map(str, ({**RECORDS.row, "patient_id": "P2", **changes}).values())]
        assert first[0].startswith("date_of_birth: ")
        assert " gender: " in first[0]
        assert second[1] == "P3"

    def test_its_rows_can_be_corrected_and_imported(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {"gender": "X"}, {}, {"gender": "Y"})
        rows = self.download(steward)
        place = rows[0].index("gender")
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([rows[0], *([*row[:place], "F", *row[place + 1 :]] for row in rows[1:])])
        press_import(steward, upload(steward, RECORDS, path))
        assert last_run().state == State.APPLIED
        assert sorted(MedicalRecord.objects.values_list("pk", flat=True)) == ["P1", "P3"]

    def test_it_has_contradicting_rows_and_rows_of_another_length(self, steward: Client, path: Path) -> None:
        write_csv(path, RECORDS.rows({"patient_id": "A"}, {"patient_id": "A", "name": "Eve"}, {}))
        with path.open("a") as file:
            file.write('P9,too,few\r\nP10,"open\r\n')
        upload(steward, RECORDS, path)
        _, *rows = self.download(steward)
        assert [row[1:3] for row in rows] == [["A", "Ada Byron"], ["A", "Eve"], ["P9", "too"], ["P10", '"open']]
        assert rows[0][0].startswith("patient_id: ")
        assert {"3", "9"} <= set(re.findall(r"\d+", rows[2][0]))  # its cells, and those of the header

    def test_formulas_in_it_are_harmless(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {"name": "=1+1"}, {"allergies": "@x", "gender": "-"})
        assert self.download(steward)[1][2] == "'=1+1"

    def test_it_can_be_downloaded_after_the_import(self, steward: Client, path: Path) -> None:
        press_import(steward, preview_of(steward, path, {"gender": "X"}, {}))
        assert [row[1] for row in self.download(steward)] == ["patient_id", "P1"]

    def test_there_is_none_without_invalid_rows(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {})
        assert steward.get(address(last_run(), ERROR_REPORT)).status_code == 404


class TestAFileThatCannotBeRead:
    def test_it_offers_the_remedy_and_no_download(self, steward: Client, path: Path) -> None:
        path.write_bytes(b"%PDF-1.7 not a table")
        page = upload(steward, RECORDS, path)
        assert "What to do" in text_of(page)
        assert "Upload another file" in text_of(page)
        assert "rows read" not in text_of(page)
        assert address(last_run(), ERROR_REPORT) not in page.content.decode()
        assert steward.get(address(last_run(), ERROR_REPORT)).status_code == 404

    def test_nothing_is_summed_up_when_every_row_has_an_error(self, steward: Client, path: Path) -> None:
        shown = text_of(preview_of(steward, path, {"gender": "X"}))
        assert "rows read" not in shown
        assert "patients" not in shown.partition("Every row")[2]


class TestImporting:
    @each_kind
    def test_it_imports_the_rows_and_shows_the_counts(
        self, steward: Client, path: Path, kind: Kind, data_folder: Path
    ) -> None:
        page = press_import(steward, preview_of(steward, path, {}, {}, kind=kind))
        assert headline_of(last_run()) in text_of(page)
        assert "2" in headline_of(last_run())
        assert kind.resource._meta.model.objects.count() == 2
        run = last_run()
        assert (run.state, uploads_of(run)) == (State.APPLIED, [])
        assert run.finished_at is not None
        assert list((data_folder / "uploads").iterdir()) == []
        assert last_run().run_id not in list_staged_runs()

    def test_a_run_cannot_be_imported_twice(self, steward: Client, path: Path) -> None:
        preview = preview_of(steward, path, {})
        press_import(steward, preview)
        page = press_import(steward, preview)
        assert messages(page) == ["This import can no longer be applied. Check its status."]
        assert MedicalRecord.objects.count() == 1

    @pytest.mark.parametrize("number", ["", "0", "x", "9" * 30, "-1"])
    def test_a_missing_run_cannot_be_imported(self, steward: Client, number: str) -> None:
        assert steward.post(f"{RUNS}{number}/apply/").status_code == 404

    def test_a_run_of_another_importer_is_not_found(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {}, kind=CATALOGUE)
        stranger = Client()
        stranger.force_login(factories.staff(*RECORDS.steward, username="stranger"))
        assert stranger.post(address(last_run(), "apply")).status_code == 404
        assert last_run().state == State.CHECKED


class TestCancelling:
    def test_a_checked_run_ends_and_its_rows_are_removed(self, steward: Client, path: Path, data_folder: Path) -> None:
        preview_of(steward, path, {}, {"gender": "X"})
        with run_commit_hooks():
            page = steward.post(address(last_run(), "cancel"), follow=True)
        assert last_run().state == State.CANCELLED
        assert "Cancelled" in text_of(page)
        assert last_run().run_id not in list_staged_runs()
        assert list((data_folder / "uploads").iterdir()) == []

    def test_a_run_that_waits_for_a_worker_ends_and_is_never_checked(self, steward: Client, path: Path) -> None:
        with write_csv(path, RECORDS.rows({})).open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        steward.post(address(last_run(), "cancel"))
        run_jobs()
        assert last_run().state == State.CANCELLED

    def test_a_worker_is_requested_to_end_its_run(self, steward: Client) -> None:
        run = factories.import_run(stage=Stage.READING)
        page = steward.post(address(run, "cancel"), follow=True)
        assert last_run().cancel_requested
        assert "Cancelling" in text_of(page)

    def test_a_run_that_has_ended_stays_as_it_is(self, steward: Client, path: Path) -> None:
        press_import(steward, preview_of(steward, path, {}))
        steward.post(address(last_run(), "cancel"))
        assert last_run().state == State.APPLIED


class TestWorkThatFails:
    def test_a_run_fails_if_its_file_is_missing(self, steward: Client, path: Path, data_folder: Path) -> None:
        with write_csv(path, RECORDS.rows({})).open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        for stored in (data_folder / "uploads").iterdir():
            stored.unlink()
        run_jobs()
        assert (last_run().state, last_run().reason) == (State.FAILED, Reason.FILE_GONE)
        assert "The uploaded file is missing. Upload it again." in text_of(steward.get(address(last_run())))

    def test_an_error_of_the_program_ends_the_run_and_says_so(
        self, steward: Client, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        page = preview_of(steward, path, {})
        monkeypatch.setattr("healthtrack.imports.tables.engine.apply", broken)
        with pytest.raises(ZeroDivisionError):
            press_import(steward, page)
        assert last_run().state == State.FAILED
        assert last_run().reason == Reason.PROGRAM_ERROR
        assert "HealthTrack failed while working on this file." in text_of(steward.get(address(last_run())))
        assert not MedicalRecord.objects.exists()

    def test_a_run_without_a_job_fails_if_nobody_works_on_it(self) -> None:
        long_ago = timezone.now() - timedelta(minutes=1)
        run, fresh = factories.import_run(started_at=long_ago), factories.import_run(started_at=timezone.now())
        fail_abandoned()
        run.refresh_from_db()
        fresh.refresh_from_db()
        assert (run.state, fresh.state) == (State.FAILED, State.CHECKING)

    def test_a_run_with_a_job_is_left_alone(self, steward: Client, path: Path) -> None:
        with write_csv(path, RECORDS.rows({})).open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        ImportRun.objects.update(started_at=timezone.now() - timedelta(minutes=1))
        fail_abandoned()
        assert last_run().state == State.CHECKING

    def test_only_a_run_in_the_right_state_can_be_claimed(self) -> None:
        run = factories.import_run()
        with runs.claim_run(run.run_id, State.APPLYING) as none:
            assert none is None
        with runs.claim_run(run.run_id, State.CHECKING) as claimed:
            assert claimed == run
