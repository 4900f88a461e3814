"""Large files in a browser: they are sent in chunks, and an interrupted upload continues."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, Route, expect

from healthtrack.imports.models import ImportRun, UnfinishedUpload
from healthtrack.imports.uploads import unfinished_uploads
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit
from tests.support.complaints import Complaints
from tests.support.import_browser import press
from tests.support.import_files import RECORDS, write_csv

pytestmark = pytest.mark.usefixtures("_data_folder", "_small_chunks")

FIELD = "Choose a file, or drop it here"
CHUNK = "**/unfinished/*/*/?unattended=1"


@pytest.fixture
def _data_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.UPLOAD_COPIES = tmp_path / "copies"


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished_uploads, "CHUNK_BYTES", 1000)


@pytest.fixture
def form(page: Page, sign_in_as: SignInAs) -> Page:
    sign_in_as(*RECORDS.steward)
    visit(page, RECORDS.address("import"))
    return page


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rows.csv", RECORDS.rows(*[{}] * 200))


class Line:
    """The line between the browser and the server, which breaks after some chunks."""

    def __init__(self, page: Page, chunks: int) -> None:
        self.left = chunks
        self.sent: list[str] = []
        page.route(CHUNK, self._pass)

    def _pass(self, route: Route) -> None:
        if self.left <= 0:
            route.abort()
            return
        self.left -= 1
        self.sent.append(route.request.url.rpartition("/")[0].rpartition("/")[2])
        route.continue_()


def choose(page: Page, file: Path) -> None:
    page.get_by_label(FIELD).set_input_files(file)
    page.get_by_role("button", name="Check the file").click()


def number_of_chunks(file: Path) -> int:
    return -(-file.stat().st_size // 1000)


def test_a_large_file_is_sent_in_chunks_and_becomes_a_run(form: Page, file: Path) -> None:
    line = Line(form, 1000)
    form.get_by_label(FIELD).set_input_files(file)
    press(form, "Check the file")
    assert form.url.endswith("/change/")
    assert line.sent == [f"{number}" for number in range(1, number_of_chunks(file) + 1)]
    (stored,) = ImportRun.objects.get().all_files
    assert (stored.name, stored.size) == (file.name, file.stat().st_size)


def test_a_small_file_is_sent_with_the_form(form: Page, tmp_path: Path) -> None:
    line = Line(form, 1000)
    form.get_by_label(FIELD).set_input_files(write_csv(tmp_path / "rows.csv", RECORDS.rows({})))
    press(form, "Check the file")
    assert (line.sent, ImportRun.objects.count()) == ([], 1)


def test_a_broken_connection_is_tried_again_and_continues(form: Page, file: Path, complaints: Complaints) -> None:
    line = Line(form, 5)
    choose(form, file)
    problem = form.locator(".sending [data-problem]")
    expect(problem).to_contain_text("The connection is interrupted. Next attempt in")
    assert_accessible(form)
    assert_fits_a_phone(form)
    assert len(UnfinishedUpload.objects.get().digests) == 5
    with form.expect_navigation(url="**/change/"):
        line.left = 1000
    assert line.sent == [f"{number}" for number in range(1, number_of_chunks(file) + 1)]
    complaints.take()


def test_an_interrupted_upload_continues_after_the_page_was_loaded_again(
    form: Page, file: Path, complaints: Complaints
) -> None:
    Line(form, 7)
    choose(form, file)
    expect(form.locator(".sending [data-problem]")).to_contain_text("interrupted")
    form.unroute(CHUNK)
    visit(form, RECORDS.address("import"))
    expect(form.locator(".unfinished li")).to_contain_text("rows.csv: 6.8 KB of")
    assert_accessible(form)
    assert_fits_a_phone(form)
    line = Line(form, 1000)
    form.get_by_label(FIELD).set_input_files(file)
    press(form, "Check the file")
    assert line.sent[0] == "8"
    assert ImportRun.objects.get().all_files[0].size == file.stat().st_size
    complaints.take()


def test_a_file_that_has_changed_since_is_sent_from_its_beginning(
    form: Page, file: Path, complaints: Complaints
) -> None:
    Line(form, 7)
    choose(form, file)
    expect(form.locator(".sending [data-problem]")).to_contain_text("interrupted")
    form.unroute(CHUNK)
    content, times = file.read_bytes(), file.stat()
    file.write_bytes(content.replace(b",F,", b",M,"))
    UnfinishedUpload.objects.update(size=times.st_size)
    visit(form, RECORDS.address("import"))
    line = Line(form, 1000)
    form.get_by_label(FIELD).set_input_files(file)
    UnfinishedUpload.objects.update(
        modified_ms=form.get_by_label(FIELD).evaluate("field => field.files[0].lastModified")
    )
    press(form, "Check the file")
    assert line.sent[0] == "1"
    complaints.take()


def test_sending_can_be_stopped_and_the_upload_be_discarded(form: Page, file: Path, complaints: Complaints) -> None:
    Line(form, 3)
    choose(form, file)
    expect(form.locator(".sending [data-problem]")).to_contain_text("interrupted")
    form.get_by_role("button", name="Stop sending").click()
    expect(form.locator(".sending")).to_be_hidden()
    expect(form.get_by_role("button", name="Check the file")).to_be_enabled()
    visit(form, RECORDS.address("import"))
    press(form, "Discard rows.csv")
    assert not UnfinishedUpload.objects.exists()
    complaints.take()


def test_a_refusal_is_shown(form: Page, file: Path, complaints: Complaints) -> None:
    form.route(CHUNK, lambda route: route.fulfill(status=507, json={"error": "The server has no space for the file."}))
    choose(form, file)
    expect(form.locator(".sending [data-problem]")).to_have_text("The server has no space for the file.")
    expect(form.get_by_role("button", name="Check the file")).to_be_enabled()
    complaints.take()
