"""Large files that a browser sends in chunks: who may send them, what is refused, and what continues."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from healthtrack.accounts.models import Session, SignInEvent
from healthtrack.imports.life_cycle import expiring
from healthtrack.imports.models import ImportRun, State, UnfinishedUpload
from healthtrack.imports.pages import chunk_views, upload_view
from healthtrack.imports.uploads import unfinished_uploads
from healthtrack.imports.uploads.receiving import ReceivedFile
from healthtrack.imports.uploads.stored import Upload
from tests.support import factories
from tests.support.chunked_uploads import CHUNK_BYTES, UPLOAD, cut, finish, send, send_all, start
from tests.support.import_files import CATALOGUE, RECORDS, Kind, write_csv, write_xlsx
from tests.support.import_pages import last_run, run_commit_hooks, run_jobs
from tests.support.page import Page, text_of
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder", "small_chunks")]

DAMAGED = {"error": chunk_views.DAMAGED}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished_uploads, "CHUNK_BYTES", CHUNK_BYTES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))


def stored(data_folder: Path) -> list[Path]:
    return sorted(path for path in data_folder.rglob("*") if path.is_file())


class TestSending:
    def test_the_chunks_become_a_run_with_the_facts_of_the_whole_file(self, steward: Client, path: Path) -> None:
        answer = finish(steward, [send_all(steward, path)])
        (file,) = last_run().all_files
        assert answer["Location"] == f"/admin/imports/importrun/{last_run().pk}/change/"
        assert (file.name, file.size) == ("rows.csv", path.stat().st_size)
        assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert last_run().importer == "patients.medicalrecord"
        assert not UnfinishedUpload.objects.exists()

    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE], ids=str)
    @pytest.mark.parametrize("write", [write_csv, write_xlsx])
    def test_a_worker_reads_them_and_leaves_nothing(
        self, steward: Client, tmp_path: Path, data_folder: Path, kind: Kind, write: Any
    ) -> None:
        path = write(tmp_path / ("rows.csv" if write is write_csv else "rows.xlsx"), kind.rows({}, {}, {}))
        finish(steward, [send_all(steward, path)])
        run_jobs()
        assert (last_run().state, last_run().read_count) == (State.CHECKED, 3)
        assert all("-chunks" in str(each) for each in stored(data_folder))  # and no copy
        with run_commit_hooks():
            steward.post(f"/admin/imports/importrun/{last_run().pk}/cancel/")
        assert stored(data_folder) == []

    def test_only_the_program_can_read_them(self, steward: Client, path: Path, data_folder: Path) -> None:
        send_all(steward, path)
        for each in stored(data_folder):
            assert each.stat().st_mode & 0o777 == 0o600
            assert each.parent.stat().st_mode & 0o777 == 0o700
            assert re.fullmatch(r"[0-9a-f]{32}-chunks/\d{6}", f"{each.parent.name}/{each.name}")

    def test_several_files_become_one_run(self, sign_in: SignIn, tmp_path: Path) -> None:
        steward = sign_in("readings.import_reading", "readings.view_readingday")
        paths = [tmp_path / f"{name}.csv" for name in ("first", "second")]
        for path in paths:
            path.write_text("patient_id,metric,start,value\n" + f"P1,heart_rate,{path.stem},72\n" * 20)
        finish(steward, [send_all(steward, path) for path in reversed(paths)])
        assert [file.name for file in last_run().all_files] == ["second.csv", "first.csv"]

    def test_an_archive_of_which_only_the_beginning_is_looked_at_is_of_the_only_kind_that_takes_archives(
        self, steward: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upload_view, "MAX_RECOGNIZED_BYTES", 100)
        with ZipFile(tmp_path / "readings.zip", "w") as archive:
            archive.writestr("readings.csv", "patient_id,metric,start,value\n" + "P1,heart_rate,x,72\n" * 20)
        finish(steward, [send_all(steward, tmp_path / "readings.zip")])
        assert last_run().importer == "readings.reading"

    def test_a_file_that_may_be_of_several_kinds_leads_back_to_the_form_and_is_not_sent_again(
        self, steward: Client, tmp_path: Path
    ) -> None:
        path = tmp_path / "rows.csv"
        path.write_text("a,b\n" * 100)
        number = send_all(steward, path)
        page = finish(steward, [number])
        assert "Choose the kind below" in page.content.decode()
        assert start(steward, path).json()["digests"] == [
            hashlib.sha256(content).hexdigest() for content in cut(path.read_bytes())
        ]
        assert finish(steward, [number], "patients.medicalrecord").status_code == 302


class TestContinuing:
    def test_the_same_file_continues_after_the_last_chunk_that_arrived(self, steward: Client, path: Path) -> None:
        number = start(steward, path).json()["number"]
        first, *_ = cut(path.read_bytes())
        send(steward, number, 1, first)
        again = start(steward, path).json()
        assert again == {"number": number, "chunk_bytes": 100, "digests": [hashlib.sha256(first).hexdigest()]}

    @pytest.mark.parametrize("change", [{"name": "other.csv"}, {"size": 7777}, {"modified_ms": 1}])
    def test_another_file_is_another_upload(self, steward: Client, path: Path, change: dict[str, object]) -> None:
        assert start(steward, path).json()["number"] != start(steward, path, **change).json()["number"]

    def test_the_page_lists_ones_own_and_discards_them(self, steward: Client, path: Path, data_folder: Path) -> None:
        number = start(steward, path).json()["number"]
        send(steward, number, 1, cut(path.read_bytes())[0])
        page = Page.of(steward.get(UPLOAD))
        assert "rows.csv : 100 bytes of" in text_of(page.one(".unfinished li"))
        with run_commit_hooks():
            answer = steward.post(page.one(".unfinished form").get("action", ""))
        assert answer["Location"] == UPLOAD
        assert not UnfinishedUpload.objects.exists()
        assert stored(data_folder) == []
        assert not Page.of(steward.get(UPLOAD)).all(".unfinished")

    def test_a_repeated_chunk_changes_nothing(self, steward: Client, path: Path) -> None:
        number = start(steward, path).json()["number"]
        first, second, *_ = cut(path.read_bytes())
        assert [send(steward, number, 1, first).status_code for _ in range(2)] == [200, 200]
        assert send(steward, number, 1, second).status_code == 409
        assert len(UnfinishedUpload.objects.get().digests) == 1

    def test_a_chunk_out_of_order_is_refused(self, steward: Client, path: Path) -> None:
        number = start(steward, path).json()["number"]
        assert send(steward, number, 2, cut(path.read_bytes())[1]).status_code == 409

    def test_chunks_do_not_extend_the_session(self, steward: Client, path: Path) -> None:
        number = start(steward, path).json()["number"]
        Session.objects.update(active_at=timezone.now() - timedelta(minutes=14))
        before = Session.objects.values_list("active_at").get()
        address = f"/admin/imports/importrun/unfinished/{number}/1/?unattended=1"
        steward.post(address, cut(path.read_bytes())[0], "application/octet-stream")
        assert Session.objects.values_list("active_at").get() == before


class TestRefusals:
    def test_a_damaged_chunk_is_refused(self, steward: Client, path: Path, data_folder: Path) -> None:
        number = start(steward, path).json()["number"]
        answer = send(steward, number, 1, b"x" * 100, claimed=b"y" * 100)
        assert (answer.status_code, answer.json()) == (400, DAMAGED)
        assert stored(data_folder) == []

    @pytest.mark.parametrize("size", [0, 99, 101])
    def test_a_chunk_of_another_size_is_refused(self, steward: Client, path: Path, size: int) -> None:
        number = start(steward, path).json()["number"]
        assert send(steward, number, 1, b"x" * size).json() == DAMAGED

    @pytest.mark.parametrize("chunk", [0, 1000])
    def test_a_chunk_that_the_file_does_not_have_is_refused(self, steward: Client, path: Path, chunk: int) -> None:
        assert send(steward, start(steward, path).json()["number"], chunk, b"x" * 100).status_code == 404

    def test_an_incomplete_file_cannot_be_finished(self, steward: Client, path: Path) -> None:
        number = start(steward, path).json()["number"]
        page = finish(steward, [number]).content.decode()
        assert "The file has not arrived completely." in page
        assert not ImportRun.objects.exists()

    def test_a_file_is_finished_once(self, steward: Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        number = send_all(steward, path)
        usual = ReceivedFile.__init__

        def finish_meanwhile(file: ReceivedFile, *facts: Any) -> None:
            usual(file, *facts)
            UnfinishedUpload.objects.all().delete()  # as if another request had finished it

        monkeypatch.setattr(ReceivedFile, "__init__", finish_meanwhile)
        assert "has not arrived completely" in finish(steward, [number]).content.decode()
        assert not ImportRun.objects.exists()

    def test_a_file_over_the_limit_is_refused_before_it_is_sent(self, steward: Client, path: Path) -> None:
        answer = start(steward, path, size=5 * 1024**3)
        assert (answer.status_code, UnfinishedUpload.objects.count()) == (413, 0)
        assert "the limit for an upload" in answer.json()["error"]

    def test_a_file_over_the_limit_of_its_kind_is_refused_when_it_is_finished(
        self, steward: Client, path: Path, settings: LazySettings
    ) -> None:
        number = send_all(steward, path)
        settings.IMPORT_MAX_BYTES = 200
        page = finish(steward, [number], "patients.medicalrecord")
        assert "the limit for an upload" in page.content.decode()
        assert not ImportRun.objects.exists()

    def test_the_daily_limit_counts(self, steward: Client, path: Path, settings: LazySettings) -> None:
        settings.UPLOADS_A_DAY = 1
        assert finish(steward, [send_all(steward, path)]).status_code == 302
        answer = start(steward, path, name="other.csv")
        assert (answer.status_code, answer.json()["error"][:29]) == (429, "You have uploaded 1 times tod")
        assert int(answer["Retry-After"]) > 0

    def test_a_person_may_have_five(self, steward: Client, path: Path) -> None:
        answers = [start(steward, path, name=f"{number}.csv").status_code for number in range(6)]
        assert answers == [200] * 5 + [429]
        assert start(steward, path, name="0.csv").status_code == 200

    @pytest.mark.parametrize(
        "change", [{"size": 0}, {"size": "many"}, {"name": ""}, {"name": "\0"}, {"modified_ms": -1}, {"size": 2**70}]
    )
    def test_odd_facts_are_refused(self, steward: Client, path: Path, change: dict[str, object]) -> None:
        assert start(steward, path, **change).status_code == 400

    @pytest.mark.parametrize("numbers", [["9" * 40], ["0"], ["-1"], ["x"], ["1", "1"], ["٣"]])
    def test_odd_numbers_are_refused(self, steward: Client, numbers: Any) -> None:
        assert finish(steward, numbers).status_code == 200
        assert not ImportRun.objects.exists()


class TestPermissions:
    def test_it_takes_the_permission_to_import(self, sign_in: SignIn, path: Path) -> None:
        assert start(sign_in("patients.view_medicalrecord"), path).status_code == 403
        assert start(Client(), path).status_code == 302

    def test_nobody_else_can_send_finish_or_discard_a_persons_upload(self, steward: Client, path: Path) -> None:
        number = send_all(steward, path)
        other = Client()
        other.force_login(factories.staff(*RECORDS.steward, username="other"))
        assert send(other, number, 1, cut(path.read_bytes())[0]).status_code == 404
        assert "has not arrived" in finish(other, [number]).content.decode()
        assert other.post(f"/admin/imports/importrun/unfinished/{number}/discard/").status_code == 404
        assert "rows.csv" not in other.get(UPLOAD).content.decode()
        assert start(other, path).json()["number"] != number

    def test_a_chunk_needs_the_csrf_token(self, steward: Client, path: Path, data_folder: Path) -> None:
        number = start(steward, path).json()["number"]
        stranger = Client(enforce_csrf_checks=True)
        stranger.cookies = steward.cookies
        assert send(stranger, number, 1, cut(path.read_bytes())[0]).status_code == 403
        assert start(stranger, path).status_code == 403
        assert stored(data_folder) == []
        assert SignInEvent.objects.filter(kind="page-refused").count() == 2


class TestRetention:
    def expire(self, hours: float) -> None:
        UnfinishedUpload.objects.update(changed_at=timezone.now() - timedelta(hours=hours))
        with run_commit_hooks():
            expiring.remove_expired()

    def test_an_unfinished_upload_ends_a_day_after_its_last_chunk(
        self, steward: Client, path: Path, data_folder: Path
    ) -> None:
        send_all(steward, path)
        self.expire(23.9)
        assert UnfinishedUpload.objects.exists()
        assert stored(data_folder)
        self.expire(24.1)
        assert not UnfinishedUpload.objects.exists()
        assert stored(data_folder) == []

    def test_chunks_and_copies_that_nobody_uses_are_removed(
        self, data_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Upload("0" * 32).save_chunk(1, b"stray")
        (data_folder / "copies").mkdir()
        (data_folder / "copies" / "of-a-killed-process").touch()
        expiring.remove_expired()
        assert len(stored(data_folder)) == 2
        later = timezone.now().timestamp() + 25 * 3600
        monkeypatch.setattr("healthtrack.imports.uploads.stored.time.time", lambda: later)
        expiring.remove_expired()
        assert stored(data_folder) == []
        assert list((data_folder / "uploads").iterdir()) == []
