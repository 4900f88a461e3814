"""An importer that has nothing to do with tables: upload, questions, check, import and undo."""

import html
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from healthtrack.audit.models import Access
from healthtrack.imports import registry
from healthtrack.imports.life_cycle import expiring
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.outcomes import AlreadyUndoneError
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from tests.support import factories
from tests.support.finished_imports import apply
from tests.support.forms import form_to
from tests.support.import_files import RECORDS
from tests.support.import_pages import last_run, messages, run_jobs, uploads_of
from tests.support.line_importer import MAKE_TABLE, NAME, PERMISSION, stored_counts
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

RUNS = "/admin/imports/importrun/"
UPLOAD = f"{RUNS}upload/{NAME}/"
WITH_BLANK_LINES = {"a.txt": "one\n\ntwo\n", "b.txt": "three\n"}
WITHOUT = {"a.txt": "one\ntwo\n", "b.txt": "three\n"}
TEMPLATES = Path(__file__).parents[2] / "support" / "templates"


@pytest.fixture(autouse=True)
def registered(data_folder: Path, settings: LazySettings) -> Iterator[None]:
    """Register the importer for the test, with its template and the table that it counts into."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE_TABLE)
    engine: dict[str, Any] = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], TEMPLATES]}]
    registry.register(NAME, "tests.support.line_importer.line_importer")
    yield
    registry.unregister(NAME)


@pytest.fixture
def counter(sign_in: SignIn) -> Client:
    return sign_in(PERMISSION, "imports.undo_importrun")


def upload(client: Client, files: Mapping[str, str], encoding: str = "utf-8") -> Any:
    sent = [SimpleUploadedFile(name, text.encode(encoding)) for name, text in files.items()]
    answer = client.post(UPLOAD, {"import_file": sent})
    run_jobs()
    return client.get(answer["Location"])


def answer(client: Client, page: Any, **answers: str) -> Any:
    form = form_to(page, "answer")
    sent = client.post(form.address, {**form.fields, **answers}, follow=True)
    run_jobs()
    return client.get(address(last_run())) if sent.redirect_chain else sent


def press(client: Client, page: Any, action: str) -> Any:
    form = form_to(page, action)
    client.post(form.address, form.fields)
    run_jobs()
    return client.get(address(last_run()))


def address(run: ImportRun, action: str = "change") -> str:
    return f"{RUNS}{run.pk}/{action}/"


def words(page: Any) -> str:
    return html.unescape(page.content.decode())


def test_the_importer_decides_who_may_upload(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, UPLOAD, PERMISSION, others=[*RECORDS.steward, "imports.view_importrun"])


def test_an_unknown_importer_has_no_upload_page(counter: Client) -> None:
    assert counter.get(f"{RUNS}upload/tests.nothing/").status_code == 404


def test_its_form_accepts_several_files(counter: Client) -> None:
    page = words(counter.get(UPLOAD))
    assert 'accept=".txt" multiple' in page
    assert "Plain text" in page
    assert counter.post(UPLOAD).context["form"].errors == {"import_file": ["Choose a file first."]}


def test_files_without_questions_are_checked_at_once(counter: Client) -> None:
    page = words(upload(counter, WITHOUT))
    run = last_run()
    assert (run.state, run.read_count, run.title) == (State.CHECKED, 3, "a.txt and 1 more")
    assert "3 lines in 2 files." in page
    assert "<li>a.txt: 2 lines</li><li>b.txt: 1 lines</li>" in page
    assert "a.txt and 1 more" in words(counter.get(RUNS))


def test_a_question_comes_before_the_check(counter: Client) -> None:
    page = upload(counter, WITH_BLANK_LINES)
    assert last_run().state == State.QUESTIONS
    assert "Needs answers" in words(page)
    assert "Do blank lines count?" in words(page)
    assert form_to(page, "answer").fields["blank_lines"] == "skip"  # as the importer suggests
    assert len(uploads_of(last_run())) == 2


@pytest.mark.parametrize(("choice", "lines"), [("skip", 3), ("count", 4)])
def test_the_check_uses_the_answer(counter: Client, choice: str, lines: int) -> None:
    page = answer(counter, upload(counter, WITH_BLANK_LINES), blank_lines=choice)
    run = last_run()
    assert (run.state, run.read_count, run.answers) == (State.CHECKED, lines, {"blank_lines": choice})
    assert f"{lines} lines in 2 files." in words(page)


@pytest.mark.parametrize("choice", ["", "perhaps"])
def test_an_invalid_answer_is_rejected(counter: Client, choice: str) -> None:
    page = answer(counter, upload(counter, WITH_BLANK_LINES), blank_lines=choice)
    assert list(page.context["page"].questions.errors) == ["blank_lines"]
    assert last_run().state == State.QUESTIONS


def test_a_second_answer_is_too_late(counter: Client) -> None:
    page = upload(counter, WITH_BLANK_LINES)
    answer(counter, page, blank_lines="skip")
    late = counter.post(address(last_run(), "answer"), {"blank_lines": "count"}, follow=True)
    assert messages(late) == ["This import no longer needs answers. Check its status."]
    assert last_run().answers == {"blank_lines": "skip"}


def test_other_people_neither_see_nor_answer_the_questions(counter: Client) -> None:
    upload(counter, WITH_BLANK_LINES)
    auditor = Client()
    auditor.force_login(factories.staff("imports.view_importrun", username="auditor"))
    assert "Do blank lines count?" not in words(auditor.get(address(last_run())))
    assert auditor.post(address(last_run(), "answer"), {"blank_lines": "skip"}).status_code == 403


def test_it_is_imported_and_undone(counter: Client) -> None:
    page = press(counter, upload(counter, WITHOUT), "apply")
    run = last_run()
    assert run.state == State.APPLIED
    assert stored_counts() == {"a.txt": 2, "b.txt": 1}
    assert (run.result, uploads_of(run)) == ({"lines": {"a.txt": 2, "b.txt": 1}, "stored": True}, [])
    assert "Undo this import" in words(page)
    assert "<li>a.txt: 2 lines</li>" in words(counter.get(address(run, "undo")))
    counter.post(address(run, "undo"))
    run_jobs()
    assert stored_counts() == {}
    undo = last_run()
    assert (undo.state, undo.undoes, undo.affected_count) == (State.APPLIED, run, 2)
    assert "2 counts are removed." in words(counter.get(address(undo)))
    assert "Nothing of it remains." in words(counter.get(address(run)))


def test_the_second_of_two_undos_fails(counter: Client) -> None:
    press(counter, upload(counter, WITHOUT), "apply")
    run = last_run()
    first, second = (factories.import_run(State.APPLYING, importer=NAME, undoes=run) for _ in range(2))
    apply(first)
    with pytest.raises(AlreadyUndoneError):
        apply(second)


def test_unreadable_files_are_rejected(counter: Client) -> None:
    page = words(upload(counter, {"a.txt": "é"}, encoding="latin-1"))
    assert (last_run().state, last_run().reason) == (State.REFUSED, Reason.UNREADABLE)
    assert "The upload cannot be read." in page


def test_a_run_that_needs_answers_can_be_cancelled(counter: Client) -> None:
    press(counter, upload(counter, WITH_BLANK_LINES), "cancel")
    assert (last_run().state, uploads_of(last_run())) == (State.CANCELLED, [])


def test_a_run_that_nobody_answers_expires_after_a_day(counter: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(counter, WITH_BLANK_LINES)
    later = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr("healthtrack.imports.life_cycle.runs.timezone.now", lambda: later)
    expiring.remove_expired()
    assert (last_run().state, last_run().reason) == (State.EXPIRED, Reason.EXPIRED)


def test_without_a_worker_a_run_with_questions_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n\ntwo\n")
    run = import_at_once(NAME, [path])
    assert (run.state, run.reason) == (State.REFUSED, Reason.NEEDS_ANSWERS)
    assert stored_counts() == {}


def test_the_same_file_among_others_links_to_the_earlier_run(counter: Client) -> None:
    upload(counter, WITHOUT)
    first = last_run()
    page = words(upload(counter, {"other.txt": "four\n", "again.txt": WITHOUT["b.txt"]}))
    assert "This file was already uploaded" in page
    assert address(first) in page


def test_the_access_log_does_not_record_it(counter: Client) -> None:
    press(counter, upload(counter, WITHOUT), "apply")
    assert not Access.objects.exists()
