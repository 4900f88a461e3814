"""The badge of finished imports that the person has not looked at."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from tests.support import factories
from tests.support.finished_imports import apply
from tests.support.import_files import RECORDS, write_csv
from tests.support.page import Page
from tests.support.signing_in import SignIn

BADGE = ".navigation .count-badge"
LIST = "/admin/imports/importrun/"


def make_run() -> ImportRun:
    return factories.import_run(State.CHECKING, started_by=User.objects.get())


def badges(client: Client, address: str = "/") -> list[str]:
    return Page.get(client, address).texts(BADGE)


def finish(run: ImportRun, state: State) -> None:
    runs.end(run, state, Reason.NONE)


@pytest.mark.parametrize("state", [State.APPLIED, State.REFUSED, State.FAILED])
def test_a_finished_import_is_a_badge_of_the_section_until_its_page_is_opened(steward: Client, state: State) -> None:
    run = make_run()
    assert badges(steward) == []
    finish(run, state)
    assert badges(steward) == ["1 finished since you last looked"]
    assert badges(steward, f"{LIST}{run.pk}/change/") == []
    assert badges(steward) == []


def test_a_checked_file_is_a_badge_too(steward: Client, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "records.csv", RECORDS.rows({}))
    run = make_run()
    steps.check(run, [StoredFile(file.name, file.stat().st_size, file)], steps.no_progress)
    assert ImportRun.objects.get().state == State.CHECKED
    assert badges(steward) == ["1 finished since you last looked"]


def test_the_list_of_imports_shows_all_as_seen(steward: Client) -> None:
    for _ in range(3):
        finish(make_run(), State.FAILED)
    assert badges(steward) == ["3 finished since you last looked"]
    assert badges(steward, LIST) == []


def test_one_page_shows_only_its_own_import_as_seen(steward: Client) -> None:
    first, second = make_run(), make_run()
    finish(first, State.FAILED)
    finish(second, State.FAILED)
    assert badges(steward, f"{LIST}{first.pk}/change/") == ["1 finished since you last looked"]


def test_imports_of_others_and_what_the_person_did_are_no_news(sign_in: SignIn, steward: Client) -> None:
    finish(factories.import_run(State.CHECKING), State.FAILED)
    finish(make_run(), State.CANCELLED)
    assert badges(steward) == []
    other = sign_in(*RECORDS.steward)
    finish(factories.import_run(State.CHECKING, started_by=User.objects.first()), State.FAILED)
    assert badges(other, LIST) == []
    assert badges(steward) == ["1 finished since you last looked"]


def test_an_undo_that_finished_is_news(steward: Client, tmp_path: Path) -> None:
    run = RECORDS.run(write_csv(tmp_path / "records.csv", RECORDS.rows({}))).run
    undo = runs.request_undo(run, User.objects.get())
    assert undo
    apply(undo)
    assert badges(steward) == ["1 finished since you last looked"]


def test_the_badge_needs_no_query_of_its_own(steward: Client) -> None:
    finish(make_run(), State.FAILED)
    with CaptureQueriesContext(connection) as queries:
        steward.get("/admin/tracker-names/")
    assert [query["sql"] for query in queries if "is_unseen" in query["sql"]] == [
        query["sql"] for query in queries if 'FROM "sessions"' in query["sql"]
    ]
