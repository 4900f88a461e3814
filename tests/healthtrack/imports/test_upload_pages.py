"""Uploading a file in the admin: the form, the limits, and how long the file is stored."""

import re
import resource
import stat
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from healthtrack.accounts.limits import Limit
from healthtrack.accounts.models import SignInEvent
from healthtrack.imports.life_cycle import expiring
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.staging_tables import list_staged_runs
from tests.support import factories
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, Row, write_csv, write_xlsx
from tests.support.import_pages import last_run, run_commit_hooks, upload, uploads_of
from tests.support.page import Page, text_of
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

PERMISSIONS = {kind: kind.steward for kind in (RECORDS, CATALOGUE, MODELS)}
each_kind = pytest.mark.parametrize("kind", PERMISSIONS, ids=str)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))


def upload_address(kind: Kind) -> str:
    return f"/admin/imports/importrun/upload/{kind.importer}/"


def stored_files(data_folder: Path) -> list[Path]:
    folder = data_folder / "uploads"
    return sorted(folder.iterdir()) if folder.exists() else []


def post(client: Client, path: Path, **headers: str) -> Any:
    with path.open("rb") as file:
        return client.post(RECORDS.address("import"), {"import_file": file}, headers=headers)


class TestTheDailyLimit:
    def test_an_upload_over_it_is_refused_unread_and_says_when_to_try_again(
        self, steward: Client, path: Path, data_folder: Path, settings: LazySettings
    ) -> None:
        settings.UPLOADS_A_DAY = 2
        assert [post(steward, path).status_code for _ in range(2)] == [302, 302]
        answer = post(steward, path)
        assert (answer.status_code, ImportRun.objects.count(), len(stored_files(data_folder))) == (429, 2, 2)
        assert 0 < int(answer["Retry-After"]) <= 24 * 60 * 60
        assert SignInEvent.objects.get(kind="page-refused").page == "admin:patients_medicalrecord_import"
        text = answer.content.decode()
        assert re.search(r"You have uploaded 2 times today, which is the limit. Upload again in \d+ hours?\.", text)

    def test_it_counts_for_each_person_and_no_file_that_was_refused(
        self, steward: Client, path: Path, settings: LazySettings
    ) -> None:
        settings.UPLOADS_A_DAY = 1
        assert steward.post(RECORDS.address("import")).status_code == 200
        assert post(steward, path).status_code == 302
        other = Client()
        other.force_login(factories.staff(*RECORDS.steward, username="other"))
        assert post(other, path).status_code == 302
        assert post(other, path).status_code == 429

    def test_uploads_at_the_same_time_do_not_exceed_it(
        self, steward: Client, path: Path, data_folder: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.UPLOADS_A_DAY = 1
        monkeypatch.setattr(Limit, "is_used_up", lambda *_: False)  # as if all checked before any counted
        assert [post(steward, path).status_code for _ in range(3)] == [302, 429, 429]
        assert len(stored_files(data_folder)) == 1


class TestPermissions:
    @each_kind
    def test_it_takes_the_permission_to_import(self, sign_in: SignIn, kind: Kind) -> None:
        view, imports = PERMISSIONS[kind]
        others = [view, view.replace(".view_", ".add_"), view.replace(".view_", ".change_"), "imports.view_importrun"]
        others += [name for other, names in PERMISSIONS.items() if other is not kind for name in names]
        assert_page_needs(sign_in, kind.address("import"), view, imports, others=others)

    @each_kind
    def test_a_person_who_may_not_view_the_data_may_not_import_it(self, sign_in: SignIn, kind: Kind) -> None:
        assert sign_in(kind.steward[1]).get(kind.address("import")).status_code == 403

    @each_kind
    def test_nobody_else_may_upload(self, sign_in: SignIn, path: Path, kind: Kind, data_folder: Path) -> None:
        assert upload(sign_in(PERMISSIONS[kind][0]), kind, path).status_code == 403
        assert b'name="password"' in upload(Client(), kind, path).content
        assert not ImportRun.objects.exists()
        assert stored_files(data_folder) == []

    def test_an_upload_needs_the_csrf_token_of_the_page(self, path: Path, steward: Client, data_folder: Path) -> None:
        stranger = Client(enforce_csrf_checks=True)
        stranger.cookies = steward.cookies
        assert post(stranger, path).status_code == 403
        assert not ImportRun.objects.exists()
        assert stored_files(data_folder) == []


class TestTheForm:
    @each_kind
    def test_it_has_a_field_for_a_file(self, steward: Client, kind: Kind) -> None:
        assert b'type="file"' in steward.get(kind.address("import")).content

    def test_it_says_so_if_no_file_is_chosen(self, steward: Client, data_folder: Path) -> None:
        page = steward.post(RECORDS.address("import"))
        assert page.status_code == 200
        assert page.context["form"].errors == {"import_file": ["Choose a file first."]}
        assert stored_files(data_folder) == []

    @each_kind
    def test_the_list_links_to_it(self, steward: Client, kind: Kind) -> None:
        page = steward.get(f"/admin/{kind.page}/")
        links = Page.of(page).all("a.import_link")
        assert [(text_of(link), link.get("href")) for link in links] == [("Upload a file", upload_address(kind))]


class TestTheRun:
    @each_kind
    def test_it_stores_who_uploaded_which_file_and_waits_for_a_worker(
        self, steward: Client, path: Path, kind: Kind
    ) -> None:
        with path.open("rb") as file:
            answer = steward.post(kind.address("import"), {"import_file": file})
        run = last_run()
        assert answer["Location"] == f"/admin/imports/importrun/{run.run_id}/change/"
        assert (run.state, run.importer) == (State.CHECKING, kind.resource._meta.model._meta.label_lower)
        (file_of_run,) = run.files.all()
        assert (str(run.started_by), file_of_run.name, file_of_run.size) == ("staff", "rows.csv", path.stat().st_size)
        assert len(file_of_run.sha256) == 64

    def test_its_job_knows_the_number_of_the_run_and_nothing_else(self, steward: Client, path: Path) -> None:
        post(steward, path)
        assert [job.args for job in ProcrastinateJob.objects.all()] == [{"run_id": last_run().run_id}]

    def test_the_same_file_again_links_to_the_earlier_run(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, path)
        first = last_run()
        page = upload(steward, RECORDS, path)
        assert f"/admin/imports/importrun/{first.run_id}/change/" in page.content.decode()
        assert "This file was already uploaded" in page.content.decode()

    def test_the_same_file_for_another_importer_does_not_count(self, steward: Client, path: Path) -> None:
        upload(steward, CATALOGUE, path)
        upload(steward, RECORDS, write_csv(path.with_name("other.csv"), RECORDS.rows({"name": "Eve"})))
        page = upload(steward, RECORDS, path)
        assert "already uploaded" not in page.content.decode()


class TestTheUploadedFile:
    def test_only_the_program_can_read_it(self, steward: Client, path: Path, data_folder: Path) -> None:
        post(steward, path)
        (file,) = stored_files(data_folder)
        assert file.read_bytes() == path.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert re.fullmatch(r"[0-9a-f]{32}", file.name)
        assert uploads_of(last_run()) == [file.name]

    @pytest.mark.parametrize("change", [{"gender": "X"}, {"patient_id": ""}])
    def test_it_is_removed_at_once_if_no_row_is_valid(
        self, steward: Client, path: Path, data_folder: Path, change: Row
    ) -> None:
        upload(steward, RECORDS, write_csv(path, RECORDS.rows(change)))
        assert last_run().state == State.REFUSED
        assert stored_files(data_folder) == []

    def test_other_files_of_the_request_are_not_stored(self, steward: Client, path: Path, data_folder: Path) -> None:
        files = [SimpleUploadedFile(f"{number}.csv", path.read_bytes()) for number in range(3)]
        steward.post(RECORDS.address("import"), {"import_file": files[0], "other": files[1], "another": files[2]})
        assert [file.name for file in stored_files(data_folder)] == uploads_of(last_run())


class TestMisleadingNames:
    MESSAGES = {
        "rows.exe": "The name of the file must end in .csv, .tsv, .txt or .xlsx.",
        "rows": "The name of the file must end in .csv, .tsv, .txt or .xlsx.",
        "rows.xlsx": "The name ends in .xlsx, but this is not an Excel workbook.",
        "workbook.csv": "The name ends in .csv, but the file is a workbook or an archive.",
    }

    @pytest.mark.parametrize("name", MESSAGES)
    def test_a_name_that_does_not_fit_the_content_is_refused(
        self, steward: Client, tmp_path: Path, data_folder: Path, name: str
    ) -> None:
        path = write_xlsx(tmp_path / "any.xlsx", RECORDS.rows({})) if "workbook" in name else self.table(tmp_path)
        page = post(steward, path.rename(tmp_path / name))
        (message,) = page.context["form"].errors["import_file"]
        assert message.startswith(self.MESSAGES[name])
        assert stored_files(data_folder) == []
        assert not ImportRun.objects.exists()

    @pytest.mark.parametrize("name", ["rows.csv", "ROWS.CSV", "rows.tsv", "rows.txt", "rows.2026.csv"])
    def test_other_names_are_accepted(self, steward: Client, tmp_path: Path, name: str) -> None:
        assert post(steward, self.table(tmp_path).rename(tmp_path / name)).status_code == 302

    def table(self, folder: Path) -> Path:
        return write_csv(folder / "table", RECORDS.rows({}))


class TestFilesThatAreTooLarge:
    @pytest.fixture(autouse=True)
    def small_limit(self, settings: LazySettings) -> None:
        settings.IMPORT_MAX_BYTES = 100_000

    def large(self, path: Path, size: int) -> Path:
        path.write_bytes(b"x" * size)
        return path

    def assert_rejected(self, page: Any, data_folder: Path) -> None:
        assert page.status_code == 413
        assert "The file is larger than 97.7\xa0KB, the limit for an upload." in page.content.decode()
        assert stored_files(data_folder) == []
        assert not ImportRun.objects.exists()

    def test_one_is_rejected_before_it_is_read(self, steward: Client, path: Path, data_folder: Path) -> None:
        self.assert_rejected(post(steward, self.large(path, 200_000)), data_folder)

    def test_one_that_turns_out_too_large_while_it_is_read_is_rejected(
        self, steward: Client, path: Path, data_folder: Path
    ) -> None:
        self.assert_rejected(post(steward, self.large(path, 100_001)), data_folder)

    def test_a_file_of_exactly_the_limit_is_accepted(self, steward: Client, path: Path) -> None:
        assert post(steward, self.large(path, 100_000)).status_code == 302


class TestAFullDisk:
    ROOM = 2000

    @pytest.fixture
    def full(self) -> Iterator[None]:
        """Make the operating system refuse to write more, as if the disk were full."""
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.ROOM, usual[1]))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    def test_the_page_says_so_and_nothing_is_stored(
        self, steward: Client, path: Path, data_folder: Path, request: pytest.FixtureRequest
    ) -> None:
        write_csv(path, RECORDS.rows(*[{}] * 100))
        assert path.stat().st_size > self.ROOM
        request.getfixturevalue("full")
        page = post(steward, path)
        assert page.status_code == 507
        assert "The server has no space for the file." in page.content.decode()
        assert stored_files(data_folder) == []
        assert not ImportRun.objects.exists()


class TestRetention:
    @pytest.fixture
    def checked(self, steward: Client, path: Path) -> ImportRun:
        upload(steward, RECORDS, path)
        return last_run()

    @pytest.fixture
    def remove_expired_after(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        def remove(hours: float) -> None:
            clock, moment = time.time() + hours * 3600, timezone.now() + timedelta(hours=hours)
            monkeypatch.setattr("healthtrack.imports.uploads.stored.time.time", lambda: clock)
            monkeypatch.setattr("healthtrack.imports.life_cycle.runs.timezone.now", lambda: moment)
            with run_commit_hooks():
                expiring.remove_expired()

        return remove

    def test_a_file_that_nobody_imports_is_removed_after_a_day(
        self, checked: ImportRun, data_folder: Path, remove_expired_after: Callable[[float], None]
    ) -> None:
        remove_expired_after(23.9)
        checked.refresh_from_db()
        assert checked.state == State.CHECKED
        assert len(stored_files(data_folder)) == 1
        remove_expired_after(24.1)
        checked.refresh_from_db()
        assert (checked.state, checked.reason) == (State.EXPIRED, Reason.EXPIRED)
        assert stored_files(data_folder) == []
        assert last_run().run_id not in list_staged_runs()

    def test_the_invalid_rows_of_an_ended_run_are_removed_after_a_day(
        self, steward: Client, path: Path, remove_expired_after: Callable[[float], None]
    ) -> None:
        upload(steward, RECORDS, write_csv(path, RECORDS.rows({"gender": "X"})))
        remove_expired_after(23.9)
        assert last_run().run_id in list_staged_runs()
        remove_expired_after(24.1)
        assert last_run().run_id not in list_staged_runs()
        assert last_run().state == State.REFUSED

    def test_a_file_without_a_run_is_removed_after_an_hour(
        self, checked: ImportRun, data_folder: Path, remove_expired_after: Callable[[float], None]
    ) -> None:
        stray = data_folder / "uploads" / ("0" * 32)
        stray.touch()
        remove_expired_after(0.9)
        assert stray in stored_files(data_folder)
        remove_expired_after(1.1)
        assert [file.name for file in stored_files(data_folder)] == uploads_of(checked)
