"""The page of a run: progress, preview, faults, going ahead, cancelling; and the list of runs."""

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

from healthtrack.imports import runs
from healthtrack.imports.models import ImportRun, Stage, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.tasks import fail_abandoned
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.finished_imports import counts_of, result_of
from tests.support.forms import form_to
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, Row, tables, write_csv
from tests.support.import_pages import (
    get_staged_run_ids,
    run_commit_hooks,
    press_import,
    last_run,
    messages,
    upload,
    uploads_of,
    run_jobs,
)
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import AsRole, SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

KINDS = (RECORDS, CATALOGUE, MODELS)
PERMISSIONS = {kind: kind.steward for kind in KINDS}
RUNS = "/admin/imports/importrun/"
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


@pytest.fixture
def steward(as_role: AsRole) -> Client:
    return as_role("Data steward")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def preview_of(client: Client, path: Path, *changes: Row, kind: Kind = RECORDS) -> Any:
    return upload(client, kind, write_csv(path, kind.rows(*changes)))


def address(run: ImportRun, action: str = "change") -> str:
    return f"{RUNS}{run.run_id}/{action}/"


def text_of(page: Any) -> str:
    return Page.of(page).text


class TestWhoMaySeeThem:
    def test_the_list_needs_the_permission_to_import_something(self, sign_in: SignIn) -> None:
        assert_page_needs(sign_in, RUNS, *RECORDS.steward, others=["patients.view_medicalrecord"])

    def test_or_to_see_all_imports(self, sign_in: SignIn) -> None:
        assert_page_needs(sign_in, RUNS, "imports.view_importrun")

    def test_the_list_holds_the_kinds_that_a_person_may_import(self, sign_in: SignIn) -> None:
        factories.import_run()
        variants = factories.import_run(importer="trackers.fitnesstracker")
        page = sign_in(*CATALOGUE.steward).get(RUNS)
        assert [run.run_id for run in page.context["cl"].result_list] == [variants.run_id]

    @each_kind
    def test_a_run_is_there_for_who_may_import_its_kind(self, sign_in: SignIn, path: Path, kind: Kind) -> None:
        run = factories.import_run(importer=kind.importer)
        others = [each for other in KINDS if other is not kind for each in other.steward]
        assert Client().get(address(run)).status_code == 302
        assert sign_in(*kind.steward).get(address(run)).status_code == 200
        stranger = Client()
        stranger.force_login(factories.staff(*others, username="stranger"))
        for action in ("change", "progress", "faulty"):
            assert stranger.get(address(run, action)).status_code == 404
        assert stranger.post(address(run, "cancel")).status_code == 404

    def test_who_may_only_see_imports_sees_no_rows(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {"name": "Ada Lovelace"}, {"gender": "secret"})
        auditor = Client()
        auditor.force_login(factories.staff("imports.view_importrun", username="auditor"))
        shown = text_of(auditor.get(address(last_run())))
        assert "1 of 2 rows is faulty" in shown
        assert "Ada Lovelace" not in shown
        assert "secret" not in shown
        assert auditor.get(address(last_run(), "faulty")).status_code == 403
        assert auditor.post(address(last_run(), "cancel")).status_code == 403

    @each_kind
    def test_nobody_else_may_go_ahead(self, steward: Client, path: Path, kind: Kind) -> None:
        page = preview_of(steward, path, {}, kind=kind)
        before = tables()
        viewer = Client()
        viewer.force_login(factories.staff(PERMISSIONS[kind][0], username="viewer"))
        assert press_import(viewer, page).status_code == 403
        assert b'name="password"' in press_import(Client(), page).content
        assert tables() == before
        assert last_run().state == State.CHECKED

    @each_kind
    def test_going_ahead_is_no_page_to_open(self, steward: Client, kind: Kind) -> None:
        assert steward.get(address(factories.import_run(), "apply")).status_code == 405
        assert steward.get(address(factories.import_run(), "cancel")).status_code == 405

    @each_kind
    def test_the_former_address_of_going_ahead_does_nothing(self, steward: Client, path: Path, kind: Kind) -> None:
        preview_of(steward, path, {}, kind=kind)
        steward.post(kind.address("process_import"), {"run": last_run().run_id})
        run_jobs()
        assert last_run().state == State.CHECKED

    @pytest.mark.parametrize("name", ["0", "7", "x", "1 or 1", "9" * 30, "../1"])
    def test_a_run_that_is_not_there_is_not_found(self, steward: Client, name: str) -> None:
        assert steward.get(f"{RUNS}{name}/change/").status_code == 404


class TestTheList:
    def test_the_newest_stands_first_and_costs_few_queries(
        self, steward: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        made = [factories.import_run().run_id for _ in range(30)]
        with django_assert_max_num_queries(9):
            page = steward.get(RUNS)
        assert [run.run_id for run in page.context["cl"].result_list] == made[::-1]

    @pytest.mark.parametrize("query", ["state=checked", "kind=trackers.trackermodel", "state__exact=applied"])
    def test_it_is_filtered(self, steward: Client, query: str) -> None:
        factories.import_run()
        found = factories.import_run(State.CHECKED, importer="trackers.trackermodel")
        applied = factories.import_run(State.APPLIED, finished_at=timezone.now())
        page = steward.get(f"{RUNS}?{query.replace('state=', 'state__exact=')}")
        expected = applied if "applied" in query else found
        assert [run.run_id for run in page.context["cl"].result_list] == [expected.run_id]

    def test_it_is_filtered_by_person(self, steward: Client) -> None:
        factories.import_run()
        ada = factories.staff(username="ada")
        run = factories.import_run(started_by=ada)
        page = steward.get(f"{RUNS}?started_by__id__exact={ada.pk}")
        assert [found.run_id for found in page.context["cl"].result_list] == [run.run_id]


class TestProgress:
    def test_it_is_told_in_words_and_in_a_bar_that_renews_itself(self, steward: Client) -> None:
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

    def test_a_reader_of_the_screen_is_told_every_tenth(self, steward: Client) -> None:
        run = factories.import_run(stage=Stage.READING, fraction_done=0.25)
        silent = steward.get(f"{address(run, 'progress')}?announced=20&lacks_worker=1").content.decode()
        assert "hx-swap-oob" not in silent
        told = steward.get(f"{address(run, 'progress')}?announced=10").content.decode()
        assert "20 % done: Reading and checking the rows" in told

    def test_it_ends_with_the_whole_page(self, steward: Client) -> None:
        answer = steward.get(address(factories.import_run(State.CHECKED), "progress"))
        assert (answer["HX-Refresh"], answer.content) == ("true", b"")

    def test_it_costs_few_queries(self, steward: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        run = factories.import_run()
        with django_assert_max_num_queries(6):
            steward.get(address(run, "progress"))

    def test_that_no_worker_runs_is_told(self, steward: Client) -> None:
        assert "No worker is running, so the file waits." in text_of(steward.get(address(factories.import_run())))

    def test_the_page_is_told_when_a_worker_comes_or_goes(self, steward: Client) -> None:
        progress = address(factories.import_run(), "progress")
        told_lacking, told_running = f"{progress}?announced=0&lacks_worker=1", f"{progress}?announced=0&lacks_worker=0"
        assert "No worker is running" in text_of(steward.get(told_running))
        assert "#worker" not in steward.get(told_lacking).content.decode()
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (clock_timestamp())")
        assert '<div hx-swap-oob="innerHTML:#worker"></div>' in steward.get(told_lacking).content.decode()
        assert "#worker" not in steward.get(told_running).content.decode()


class TestThePreview:
    @each_kind
    def test_it_counts_shows_rows_and_changes_nothing(self, steward: Client, path: Path, kind: Kind) -> None:
        before = tables()
        page = preview_of(steward, path, {}, {}, kind=kind)
        assert page.status_code == 200
        assert tables() == before
        shown = text_of(page)
        assert "2 rows read" in shown
        assert "New rows: 1 to 2 of 2" in shown
        assert "Nothing is changed yet." in shown
        for text in ("Ada Byron", "1980") if kind is RECORDS else ("Xiaomi", "FitnessBand"):
            assert text in shown
        assert counts_of(last_run()).new == 2

    def test_it_shows_the_old_value_beside_the_new(self, steward: Client, path: Path) -> None:
        factories.medical_record("P1", name="Ada King", medical_conditions="Asthma", tracker="Band 2")
        page = preview_of(steward, path, {"name": "Ada <b>Byron</b>"})
        assert "Changed rows" in text_of(page)
        shown = re.sub(r"<span[^>]*>[^<]*</span>", "", page.content.decode())
        assert "<del>Ada King</del> <ins>Ada &lt;b&gt;Byron&lt;/b&gt;</ins>" in shown
        assert "<del>Asthma" not in shown

    def test_it_says_so_when_nothing_would_change(self, steward: Client, path: Path) -> None:
        press_import(steward, preview_of(steward, path, {}))
        assert "this file would change nothing" in text_of(preview_of(steward, path, {}))

    def test_unknown_columns_are_named(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, {"Notes": "x"})
        assert "Left out, because unknown here: column Notes." in text_of(page)

    @pytest.mark.parametrize("column", ["name", "gender", "date_of_birth", "Tracker"])
    def test_what_cells_hold_is_never_markup(self, steward: Client, path: Path, column: str) -> None:
        page = preview_of(steward, path, {column: '<img src="x" onerror="alert(1)">'})
        assert b'<img src="x"' not in page.content
        assert b"&lt;img src=&quot;x&quot; onerror=&quot;alert(1)&quot;&gt;" in page.content

    def test_what_headers_hold_is_never_markup(self, steward: Client, path: Path) -> None:
        for row in ({**RECORDS.row, "<script>alert(1)</script>": "x"}, {"<script>alert(1)</script>": "x"}):
            page = upload(steward, RECORDS, write_csv(path, [row]))
            assert b"<script>alert" not in page.content

    @pytest.mark.parametrize("change", [{}, {"gender": "X"}], ids=["preview", "faults"])
    def test_nobody_keeps_the_page(self, steward: Client, path: Path, change: Row) -> None:
        directives = preview_of(steward, path, change)["Cache-Control"]
        assert {"no-store", "private", "no-cache"} <= set(directives.split(", "))

    def test_its_pages_hold_fifty_rows_and_cost_few_queries(
        self, steward: Client, path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        preview_of(steward, path, *[{}] * 120)
        with django_assert_max_num_queries(20):
            page = steward.get(f"{address(last_run())}?show=new&page=3")
        assert "New rows: 101 to 120 of 120" in text_of(page)

    @pytest.mark.parametrize(
        "query", ["show=nothing", "page=x", "page=-1", "page=99999999999", "column=x&kind=y", "show=faulty"]
    )
    def test_an_odd_address_shows_the_page_nearest_to_it(self, steward: Client, path: Path, query: str) -> None:
        preview_of(steward, path, {}, {})
        assert "New rows: 1 to 2 of 2" in text_of(steward.get(f"{address(last_run())}?{query}"))


class TestFaults:
    CHANGES: tuple[Row, ...] = ({"gender": "X"}, {"date_of_birth": "soon"}, {"gender": "Y"}, {"name": "Eve"})

    def test_they_are_grouped_by_column_and_kind(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, *self.CHANGES)
        groups = [(group.column, group.rows, group.first_line) for group in result_of(last_run()).groups]
        assert groups == [("gender", 2, 2), ("date_of_birth", 1, 3)]

    def test_they_are_filtered_by_column_and_by_kind(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, *self.CHANGES)
        assert [fault.line for fault in page.context["page"].preview.view.faults] == [2, 3, 4]
        for asked, lines in (
            ({"column": "gender"}, [2, 4]),
            ({"column": "date_of_birth"}, [3]),
            ({"kind": result_of(last_run()).groups[0].kind}, [2, 4]),
            ({"column": "date_of_birth", "kind": result_of(last_run()).groups[0].kind}, []),
        ):
            shown = steward.get(address(last_run()), {"show": "faulty", **asked}).context["page"].preview.view
            assert [fault.line for fault in shown.faults] == lines

    def test_a_file_of_faults_alone_offers_no_going_ahead(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, {"gender": "X"}, {"gender": "Y"})
        assert last_run().state == State.REFUSED
        assert "Every row of the file is faulty." in text_of(page)
        assert address(last_run(), "apply") not in page.content.decode()

    def test_the_good_rows_go_in_without_the_faulty_when_a_person_chooses_so(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, *self.CHANGES)
        assert "Import the 1 good row without the 3 faulty" in text_of(page)
        page = press_import(steward, page)
        assert list(MedicalRecord.objects.values_list("name", flat=True)) == ["Eve"]
        assert (last_run().state, last_run().without_invalid) == (State.APPLIED, True)
        assert "3 faulty rows were left out." in text_of(page)

    def test_they_cannot_go_ahead_unasked(self, steward: Client, path: Path) -> None:
        button = form_to(preview_of(steward, path, *self.CHANGES), "apply")
        page = steward.post(button.address, button.fields, follow=True)
        assert messages(page) == ["This import is not there to go ahead with any more; look at how it stands."]
        assert last_run().state == State.CHECKED


class TestTheFaultyRows:
    def faulty(self, steward: Client) -> list[list[str]]:
        answer = steward.get(address(last_run(), "faulty"))
        assert answer["Content-Disposition"] == f'attachment; filename="faulty-rows-of-import-{last_run().run_id}.csv"'
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        return list(csv.reader(io.StringIO(text)))

    def test_they_come_back_as_they_stood_with_what_is_wrong(self, steward: Client, path: Path) -> None:
        changes = {"gender": "X", "date_of_birth": " soon ", "Notes": "kept"}
        preview_of(steward, path, {"Notes": ""}, changes, {"Notes": "", "medications": "perhaps"})
        header, first, second = self.faulty(steward)
        assert header == ["What is wrong", *RECORDS.row, "Notes"]
        assert first[1:] == [*map(str, ({**RECORDS.row, "patient_id": "P2", **changes}).values())]
        assert first[0].startswith("date_of_birth: is not a date")
        assert "; gender: is not known here; write F or M" in first[0]
        assert second[1] == "P3"

    def test_corrected_and_uploaded_again_they_go_in(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {"gender": "X"}, {}, {"gender": "Y"})
        rows = self.faulty(steward)
        place = rows[0].index("gender")
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([rows[0], *([*row[:place], "F", *row[place + 1 :]] for row in rows[1:])])
        press_import(steward, upload(steward, RECORDS, path))
        assert last_run().state == State.APPLIED
        assert sorted(MedicalRecord.objects.values_list("pk", flat=True)) == ["P1", "P3"]

    def test_rows_that_contradict_each_other_and_ragged_ones_are_among_them(self, steward: Client, path: Path) -> None:
        write_csv(path, RECORDS.rows({"patient_id": "A"}, {"patient_id": "A", "name": "Eve"}, {}))
        with path.open("a") as file:
            file.write('P9,too,few\r\nP10,"open\r\n')
        upload(steward, RECORDS, path)
        _, *rows = self.faulty(steward)
        assert [row[1:3] for row in rows] == [["A", "Ada Byron"], ["A", "Eve"], ["P9", "too"], ["P10", "open"]]
        assert rows[0][0].startswith("patient_id: stands in line 3 too, with another name")
        assert rows[2][0].startswith("has 3 cells, fewer than the 9 of the header")

    def test_formulas_in_them_are_harmless(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {"name": "=1+1"}, {"allergies": "@x", "gender": "-"})
        assert self.faulty(steward)[1][2] == "'=1+1"

    def test_they_stay_when_the_good_ones_went_in(self, steward: Client, path: Path) -> None:
        press_import(steward, preview_of(steward, path, {"gender": "X"}, {}))
        assert [row[1] for row in self.faulty(steward)] == ["patient_id", "P1"]

    def test_without_any_there_is_no_such_file(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {})
        assert steward.get(address(last_run(), "faulty")).status_code == 404


class TestGoingAhead:
    @each_kind
    def test_it_imports_and_says_the_counts(self, steward: Client, path: Path, kind: Kind, data_folder: Path) -> None:
        page = press_import(steward, preview_of(steward, path, {}, {}, kind=kind))
        assert "2 new and 0 changed rows are in the tables." in text_of(page)
        assert kind.resource._meta.model.objects.count() == 2
        run = last_run()
        assert (run.state, uploads_of(run)) == (State.APPLIED, [])
        assert run.finished_at is not None
        assert list((data_folder / "uploads").iterdir()) == []
        assert last_run().run_id not in get_staged_run_ids()

    def test_a_second_time_it_says_how_the_run_stands(self, steward: Client, path: Path) -> None:
        preview = preview_of(steward, path, {})
        press_import(steward, preview)
        page = press_import(steward, preview)
        assert messages(page) == ["This import is not there to go ahead with any more; look at how it stands."]
        assert MedicalRecord.objects.count() == 1

    @pytest.mark.parametrize("number", ["", "0", "x", "9" * 30, "-1"])
    def test_a_run_that_is_not_there_is_not_gone_ahead_with(self, steward: Client, number: str) -> None:
        assert steward.post(f"{RUNS}{number}/apply/").status_code == 404

    def test_another_importers_run_is_not_there(self, steward: Client, path: Path) -> None:
        preview_of(steward, path, {}, kind=CATALOGUE)
        stranger = Client()
        stranger.force_login(factories.staff(*RECORDS.steward, username="stranger"))
        assert stranger.post(address(last_run(), "apply")).status_code == 404
        assert last_run().state == State.CHECKED

    def test_rows_that_changed_after_the_preview_are_compared_anew(self, steward: Client, path: Path) -> None:
        preview = preview_of(steward, path, {}, {}, {})
        factories.medical_record("P1", name="Ada King")
        press_import(steward, preview)
        assert (counts_of(last_run()).new, counts_of(last_run()).changed) == (2, 1)
        assert set(MedicalRecord.objects.values_list("name", flat=True)) == {"Ada Byron"}

    def test_rows_that_went_after_the_preview_are_new_again(self, steward: Client, path: Path) -> None:
        factories.medical_record("P1", name="Ada King")
        preview = preview_of(steward, path, {}, {})
        assert (counts_of(last_run()).new, counts_of(last_run()).changed) == (1, 1)
        MedicalRecord.objects.all().delete()
        press_import(steward, preview)
        assert (counts_of(last_run()).new, counts_of(last_run()).changed) == (2, 0)

    def test_a_model_that_went_after_the_preview_is_new_again(self, steward: Client, path: Path) -> None:
        model = factories.tracker_model("Xiaomi", "Band 2")
        preview = preview_of(steward, path, {"Color": "Black"}, kind=CATALOGUE)
        assert result_of(last_run()).tables[0].unchanged == 1
        model.delete()
        factories.tracker_model("Honor", "Band 2")
        press_import(steward, preview)
        assert result_of(last_run()).tables[0].new == 1


class TestCancelling:
    def test_a_checked_run_ends_and_its_rows_go(self, steward: Client, path: Path, data_folder: Path) -> None:
        preview_of(steward, path, {}, {"gender": "X"})
        with run_commit_hooks():
            page = steward.post(address(last_run(), "cancel"), follow=True)
        assert last_run().state == State.CANCELLED
        assert "Cancelled" in text_of(page)
        assert last_run().run_id not in get_staged_run_ids()
        assert list((data_folder / "uploads").iterdir()) == []

    def test_a_run_that_waits_for_a_worker_ends_and_is_not_taken_up(self, steward: Client, path: Path) -> None:
        with write_csv(path, RECORDS.rows({})).open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        steward.post(address(last_run(), "cancel"))
        run_jobs()
        assert last_run().state == State.CANCELLED

    def test_a_run_that_is_worked_on_is_asked_to_end(self, steward: Client) -> None:
        run = factories.import_run(stage=Stage.READING)
        page = steward.post(address(run, "cancel"), follow=True)
        assert last_run().cancel_requested
        assert "Cancelling" in text_of(page)

    def test_a_run_that_has_ended_stays_as_it_is(self, steward: Client, path: Path) -> None:
        press_import(steward, preview_of(steward, path, {}))
        steward.post(address(last_run(), "cancel"))
        assert last_run().state == State.APPLIED


class TestWorkThatFails:
    def test_a_file_that_is_gone_is_told(self, steward: Client, path: Path, data_folder: Path) -> None:
        with write_csv(path, RECORDS.rows({})).open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        for kept in (data_folder / "uploads").iterdir():
            kept.unlink()
        run_jobs()
        assert (last_run().state, last_run().reason) == (State.FAILED, Reason.FILE_GONE)
        assert "The uploaded file is gone; upload it again." in text_of(steward.get(address(last_run())))

    def test_a_fault_of_the_program_ends_the_run_and_says_so(
        self, steward: Client, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        page = preview_of(steward, path, {})
        monkeypatch.setattr("healthtrack.imports.engine.apply", broken)
        with pytest.raises(ZeroDivisionError):
            press_import(steward, page)
        assert last_run().state == State.FAILED
        assert last_run().reason == Reason.PROGRAM_ERROR
        assert "HealthTrack itself failed at this file" in text_of(steward.get(address(last_run())))
        assert not MedicalRecord.objects.exists()

    def test_a_run_without_a_job_is_failed_when_nobody_works_on_it(self) -> None:
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

    def test_a_run_is_its_first_workers_alone(self) -> None:
        run = factories.import_run()
        with runs.claim_run(run.run_id, State.APPLYING) as none:
            assert none is None
        with runs.claim_run(run.run_id, State.CHECKING) as taken:
            assert taken == run
