"""Uploads in object storage: what is stored there, what is read, and what happens without it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as project
from django.test import Client

from healthtrack.imports.life_cycle import expiring
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.uploads import unfinished_uploads
from healthtrack.imports.uploads.storage_errors import StorageError
from healthtrack.imports.uploads.stored import Upload
from tests.support.chunked_uploads import CHUNK_BYTES, cut, finish, send_all
from tests.support.import_files import RECORDS, write_csv, write_xlsx
from tests.support.import_pages import last_run, press_import, run_commit_hooks, run_jobs, upload
from tests.support.object_storage import BUCKET, CREDENTIALS, ObjectStorage, object_storage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder", "bucket")]


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStorage]:
    with object_storage() as storage:
        yield storage


@pytest.fixture
def bucket(server: ObjectStorage, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStorage]:
    """Let the program store uploads in the bucket."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    use_bucket(settings, server.endpoint)
    yield server
    server.empty()


def use_bucket(settings: LazySettings, endpoint: str) -> None:
    options = {**project.UPLOADS_BUCKET_OPTIONS, "bucket_name": BUCKET, "endpoint_url": endpoint}
    settings.UPLOADS_BUCKET = BUCKET
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "Ada Byron.csv", RECORDS.rows({}, {}))


def local_files(data_folder: Path) -> list[Path]:
    return [each for each in data_folder.rglob("*") if each.is_file()]


class TestAnImport:
    def test_reads_a_file_from_the_bucket_and_leaves_nothing(
        self, steward: Client, path: Path, bucket: ObjectStorage, data_folder: Path
    ) -> None:
        page = upload(steward, RECORDS, path)
        assert (last_run().state, last_run().read_count) == (State.CHECKED, 2)
        assert [each["ContentLength"] for each in bucket.list_objects()] == [path.stat().st_size]
        assert local_files(data_folder) == []
        with run_commit_hooks():
            press_import(steward, page)
        assert last_run().state == State.APPLIED
        assert bucket.list_objects() == []

    def test_reads_a_workbook_that_arrived_in_chunks(
        self, steward: Client, tmp_path: Path, bucket: ObjectStorage, data_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(unfinished_uploads, "CHUNK_BYTES", CHUNK_BYTES)
        path = write_xlsx(tmp_path / "rows.xlsx", RECORDS.rows({}, {}, {}))
        number = send_all(steward, path)
        assert len(bucket.list_objects()) == len(cut(path.read_bytes()))
        assert finish(steward, [number]).status_code == 302
        run_jobs()
        assert (last_run().state, last_run().read_count) == (State.CHECKED, 3)
        assert local_files(data_folder) == []
        with run_commit_hooks():
            steward.post(f"/admin/imports/importrun/{last_run().pk}/cancel/")
        assert bucket.list_objects() == []

    def test_shows_the_first_rows_to_somebody_who_answers_questions(
        self, steward: Client, tmp_path: Path, data_folder: Path
    ) -> None:
        path = write_csv(
            tmp_path / "rows.csv", RECORDS.rows({"date_of_birth": "03/04/1980", "last_appointment_date": "2024-06-14"})
        )
        page = upload(steward, RECORDS, path)
        assert last_run().state == State.QUESTIONS
        assert "03/04/1980" in page.content.decode()
        assert local_files(data_folder) == []


class TestTheObjects:
    def test_have_random_names_and_are_encrypted(self, steward: Client, path: Path, bucket: ObjectStorage) -> None:
        upload(steward, RECORDS, path)
        (stored,) = bucket.list_objects()
        assert re.fullmatch(r"[0-9a-f]{32}", stored["Key"])
        assert stored["ServerSideEncryption"] == "AES256"
        assert "Ada" not in str(stored)

    def test_that_no_run_uses_are_removed(
        self, steward: Client, path: Path, bucket: ObjectStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload(steward, RECORDS, path)
        Upload("0" * 32).save_chunk(1, b"stray")
        expiring.remove_expired()
        assert len(bucket.list_objects()) == 2
        monkeypatch.setattr("healthtrack.imports.uploads.stored._MIN_AGE_SECONDS", -60)
        expiring.remove_expired()
        assert [each["Key"] for each in bucket.list_objects()] == [last_run().all_files[0].upload]


class TestWithoutTheStorage:
    @pytest.fixture
    def unreachable(self, bucket: ObjectStorage, settings: LazySettings) -> None:
        use_bucket(settings, "http://127.0.0.1:9")

    @pytest.mark.usefixtures("unreachable")
    def test_the_upload_page_says_so_and_opens_no_run(self, steward: Client, path: Path, data_folder: Path) -> None:
        with path.open("rb") as file:
            page: Any = steward.post(RECORDS.address("import"), {"import_file": file})
        assert page.status_code == 503
        assert "The storage of uploads cannot be reached." in page.content.decode()
        assert not ImportRun.objects.exists()
        assert local_files(data_folder) == []

    def test_an_import_is_tried_again_before_it_fails(
        self, steward: Client, path: Path, settings: LazySettings
    ) -> None:
        with path.open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        use_bucket(settings, "http://127.0.0.1:9")
        with pytest.raises(StorageError):
            run_jobs()
        assert last_run().state == State.CHECKING

    def test_a_missing_object_ends_the_import(self, steward: Client, path: Path, bucket: ObjectStorage) -> None:
        with path.open("rb") as file:
            steward.post(RECORDS.address("import"), {"import_file": file})
        bucket.empty()
        run_jobs()
        assert (last_run().state, last_run().reason) == (State.FAILED, Reason.FILE_GONE)
