"""An upgrade keeps the data of an earlier version: its records and history, its imports in every state, its jobs.

The program of commit 1fb8805 itself created and filled the database of the dump. The tests read what they expect from
that database before it is migrated, so that they contain no sentence of either version. The first line of the dump is a
comment with what belongs to the database: uploaded files, and the invented secrets of the person who signs in.
"""

import asyncio
import csv
import html
import json
import lzma
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from healthtrack.operations.worker import work
from tests.support.databases import connected_to, temporary_database
from tests.support.import_files import RECORDS, write_csv

pytestmark = pytest.mark.slow  # it migrates an old database, and copies it for each worker

DUMP = Path(__file__).parent / "fixtures" / "healthtrack-1fb8805.sql.xz"
RUNS = "/admin/imports/importrun/"
PATIENCE_SECONDS = 90

# Tables to which a migration may add rows; no person does. Renamed tables: the old and the new name.
GROWING = {"django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
GROWING |= {"changes"}
RENAMED: dict[str, str] = {}
TRAIL = ("changes", "access_log", "emergency_accesses", "emergency_ends")
# Columns whose sentences the new version stores as codes; another test compares what they say.
TRANSLATED = {("undo_conflicts", "reason")}
# The end of the runs that the old version left open, once a worker has done its jobs a day or more later.
ENDS = {"checking": "checked", "applying": "applied", "checked": "expired"}

TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname ~ '^(public|import_run_[0-9]+)$'
"""


class Run(NamedTuple):
    """A run, as the old version stored it."""

    number: int
    state: str
    reason: str
    cancel_requested: bool
    undoes: int | None
    file_name: str
    rows_read: int
    links: str
    notices: str


def ask(sql: str, *values: str | int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


def counts() -> dict[str, int]:
    return {name.removeprefix("public."): ask(f"SELECT count(*) FROM {name}")[0][0] for (name,) in ask(TABLES)}


def rows(table: str, patient: str = "") -> list[dict[str, Any]]:
    """Return all rows of the table, or those of a patient."""
    condition = "WHERE patient_id = %s" if patient else ""
    statement = f"SELECT to_jsonb(one)::text AS row FROM {table} AS one {condition} ORDER BY row"
    return [json.loads(row) for (row,) in ask(statement, *filter(None, [patient]))]


def sorted_rows(table: list[dict[str, Any]], columns: list[str]) -> list[str]:
    return sorted(json.dumps([row[column] for column in columns]) for row in table)


def roles() -> list[tuple[str, str]]:
    return ask("""
        SELECT username, name FROM auth_user_groups AS held
          JOIN auth_user ON auth_user.id = user_id JOIN auth_group ON auth_group.id = group_id ORDER BY 1, 2
    """)


@dataclass(frozen=True)
class Old:
    """The database as the old version left it, and the files and secrets that belong to it."""

    beside: dict[str, Any]
    counts: dict[str, int] = field(default_factory=counts)
    trail: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {table: rows(table) for table in TRAIL})
    conflicts: list[dict[str, Any]] = field(default_factory=lambda: rows("undo_conflicts"))
    roles: list[tuple[str, str]] = field(default_factory=roles)
    runs: list[Run] = field(
        default_factory=lambda: [
            Run(*run)
            for run in ask("""
                SELECT run_id, state, reason, cancel_asked, undoes_id, file_name, rows_read, link_summary, notices::text
                  FROM import_runs ORDER BY run_id
            """)
        ]
    )

    def run(self, file_name: str) -> Run:
        (found,) = (run for run in self.runs if run.file_name == file_name)
        return found


@pytest.fixture(scope="module")
def upgraded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Old, str]]:
    """The old data as they were, and the name of a migrated database with them."""
    with django_db_blocker.unblock(), temporary_database() as database:
        name = str(database.params["dbname"])
        dump = lzma.decompress(DUMP.read_bytes()).decode()
        beside = json.loads(dump.partition("\n")[0].removeprefix("-- "))
        with connected_to(name):
            ask(dump)
        with connected_to(name):  # a new session, because the dump changes the settings of the first
            old = Old(beside)
            call_command("migrate", interactive=False, verbosity=0)
        yield old, name


@pytest.fixture
def old(upgraded: tuple[Old, str], django_db_blocker: DjangoDbBlocker) -> Iterator[Old]:
    """The migrated database; whatever the test does is rolled back."""
    left, name = upgraded
    with django_db_blocker.unblock(), connected_to(name), transaction.atomic():
        yield left
        transaction.set_rollback(True)


@pytest.fixture
def old_at_work(
    upgraded: tuple[Old, str],
    django_db_blocker: DjangoDbBlocker,
    settings: LazySettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Old]:
    """A copy of the migrated database with its files, for a worker, which commits."""
    left, name = upgraded
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.MEDIA_ROOT.mkdir()
    for upload, content in left.beside["uploads"].items():
        (settings.MEDIA_ROOT / upload).write_text(content, newline="")
    # The worker's threads end with it, and would leave their connections open.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    with django_db_blocker.unblock(), temporary_database(name) as own, connected_to(str(own.params["dbname"])):
        yield left


def browser_of(username: str = "admin") -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username))
    return client


@pytest.fixture
def admin(old: Old) -> Client:
    return browser_of()


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return html.unescape(answer.content.decode())


def run_page(client: Client, number: int, query: str = "") -> str:
    return page(client, f"{RUNS}{number}/change/{query}")


def reason_on(text: str) -> str:
    """Return the sentence of a page that says why a run ended without importing."""
    found = re.search(r'<p class="errornote">(.*?)</p>', text, re.DOTALL)
    return found[1] if found else ""


def conflicts_on(text: str) -> list[str]:
    """Return the reasons of the conflicts, in the order of the page."""
    table = text.partition('id="conflicts-caption"')[2].partition("</table>")[0]
    return re.findall(r"<td>(.*?)</td></tr>", table, re.DOTALL)


def undone_runs(old: Old) -> dict[int, int]:
    """Return the number of each undone run, with that of its undo. An undo that was undone itself does not count."""
    found: dict[int, int] = {}
    for run in reversed(old.runs):
        if run.undoes and run.state == "applied" and run.number not in found:
            found[run.undoes] = run.number
    return found


def states() -> dict[int, str]:
    return dict(ask("SELECT run_id, state FROM import_runs"))


def run_jobs() -> None:
    """Let a worker work until no job is left."""
    asyncio.run(_run_jobs())


async def _run_jobs() -> None:
    worker = asyncio.create_task(work())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await sync_to_async(_has_jobs)():
                await asyncio.wait({worker}, timeout=0.1)
                assert not worker.done(), "the worker ended by itself"
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        await sync_to_async(connections.close_all)()


def _has_jobs() -> bool:
    ((jobs,),) = ask("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
    return bool(jobs)


def test_every_row_is_still_there(old: Old) -> None:
    found = counts()
    expected = {RENAMED.get(table, table): rows for table, rows in old.counts.items()}
    assert {table: found.get(table) for table in expected if table not in GROWING} == {
        table: rows for table, rows in expected.items() if table not in GROWING
    }
    assert all(found[table] >= expected[table] for table in GROWING)


@pytest.mark.parametrize("table", TRAIL)
def test_the_history_and_the_access_log_are_unchanged(old: Old, table: str) -> None:
    before = old.trail[table]
    assert before
    upgraded = rows(RENAMED.get(table, table))
    # Without what the upgrade did: it names rows of accounts, and adds metrics.
    now = [row for row in upgraded if not row.get("row_name") and row.get("table_name") != "metrics"]
    unchanged = [column for column in before[0] if (table, column) not in TRANSLATED]
    assert sorted_rows(now, unchanged) == sorted_rows(before, unchanged)


def test_people_still_have_their_roles(old: Old) -> None:
    assert roles() == old.roles != []


def test_the_tables_are_up_to_date(old: Old) -> None:
    call_command("migrate", check_unapplied=True, verbosity=0)


# The mark makes pytest-django create the test database even if only this module runs.
@pytest.mark.django_db
def test_the_models_need_no_further_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_import_has_a_page_that_says_why_it_ended(old: Old, admin: Client) -> None:
    pages = {run: run_page(admin, run.number) for run in old.runs}
    pairs = {(run.reason, reason_on(text)) for run, text in pages.items() if run.state not in ENDS}
    assert len(pairs) > 10
    assert [(before, now) for before, now in pairs if bool(before) != bool(now)] == []
    # There are as many different sentences as there were reasons.
    assert len({now for _, now in pairs}) == len(pairs) == len({before for before, _ in pairs})
    assert all(re.fullmatch(r"[A-Z].* .*\.", now, re.DOTALL) for _, now in pairs if now)


def test_every_import_still_says_what_it_found(old: Old, admin: Client) -> None:
    read = [run for run in old.runs if run.links and run.state in {"checked", "applied"}]
    assert len(read) > 5
    assert any(run.notices != "[]" for run in read)
    for run in read:
        text = run_page(admin, run.number)
        assert re.search(rf"\b{run.rows_read:,} rows? read", text)
        numbers = r"\D+".join(number for number in re.findall(r"[\d,]*\d", run.links) if number != "0")
        assert re.search(rf"<p>\D*{numbers}\D*</p>", text) or not numbers, run
        # The name of the column in a notice, or the whole notice if it has no single column.
        notices = [notice.partition(": column ")[2].rstrip(".") or notice for notice in json.loads(run.notices)]
        assert all(notice in text for notice in notices)


def test_a_checked_import_shows_its_rows_and_errors(old: Old, admin: Client) -> None:
    waiting = [run for run in old.runs if run.state == "checked"]
    assert waiting
    for run in waiting:
        for outcome in ("new", "changed", "unchanged", "faulty"):
            run_page(admin, run.number, f"?show={outcome}")


def test_stored_invalid_rows_can_still_be_downloaded(old: Old, admin: Client, settings: LazySettings) -> None:
    settings.FILES_A_MINUTE = 1000
    tables = [table for table in old.counts if table.endswith(".faulty_rows")]
    stored = {int(table.split(".")[0].rpartition("_")[2]): old.counts[table] for table in tables}
    assert any(stored.values())
    for number, invalid_rows in stored.items():
        if invalid_rows:
            answer: Any = admin.get(f"{RUNS}{number}/faulty/")
            text = b"".join(answer.streaming_content).decode("utf-8-sig")
            csv.field_size_limit(len(text))
            assert len(list(csv.reader(text.splitlines(keepends=True)))) == invalid_rows


def test_an_undone_import_links_to_its_undo_and_cannot_be_undone_again(old: Old, admin: Client) -> None:
    undos = [run for run in old.runs if run.undoes and run.state == "applied"]
    undone = undone_runs(old)
    for number, undo in undone.items():
        assert states()[number] == "undone"
        text = run_page(admin, number)
        assert f"{RUNS}{undo}/change/" in text
        assert f"{RUNS}{number}/undo/" not in text
    assert len(undos) > len(undone) > 1


def test_the_conflicts_of_an_undo_are_listed_with_their_reasons(old: Old, admin: Client) -> None:
    before: dict[int, list[str]] = {}
    for row in old.conflicts:
        before.setdefault(row["run_id"], []).append(row["reason"])
    pairs = set()
    for number, reasons in before.items():
        shown = conflicts_on(run_page(admin, number))
        assert len(shown) == len(reasons)
        pairs |= set(zip(sorted(reasons), sorted(shown), strict=True)) if len(set(reasons)) == 1 else set()
    assert len(pairs) == len({old_words for old_words, _ in pairs}) == len({words for _, words in pairs}) > 3


@pytest.mark.parametrize(
    "address",
    [
        *("/", RUNS, "/admin/changes/", "/admin/accesses/", "/admin/tracker-names/", "/reports/views/"),
        *("/reports/data-quality/", "/reports/brands/", "/reports/without-tracker/", "/admin/roles/emergencyaccess/"),
        *("/admin/patients/medicalrecord/", "/admin/trackers/trackermodel/", "/admin/trackers/fitnesstracker/"),
        *("/admin/auth/user/", "/roles/", "/sign-in/", "/admin/trackers/trackeralias/"),
    ],
)
def test_the_pages_show_the_old_data(old: Old, admin: Client, address: str) -> None:
    page(admin, address)


def test_every_patient_has_a_page_and_a_history(old: Old, admin: Client) -> None:
    known = "SELECT patient_id FROM medical_records UNION SELECT patient_id FROM changes WHERE patient_id IS NOT NULL"
    for (number,) in ask("SELECT patient_id FROM medical_records ORDER BY random() LIMIT 5"):
        page(admin, f"/admin/patients/medicalrecord/{number}/change/")
    for (number,) in ask(f"SELECT * FROM ({known}) AS one ORDER BY random() LIMIT 10"):
        page(admin, f"/admin/patients/medicalrecord/{number}/history/")


def test_saved_views_link_to_their_pages(old: Old) -> None:
    owners = ask("SELECT username, count(*) FROM saved_views JOIN auth_user ON auth_user.id = owner_id GROUP BY 1")
    assert owners
    for owner, saved in owners:
        client = browser_of(owner)
        menu = re.search(r'<section class="saved-views"(.*?)</section>', page(client, "/reports/views/"), re.DOTALL)
        assert menu
        addresses = [address for address in re.findall(r'href="([^"]+)"', menu[1]) if address != "/reports/views/"]
        assert len(addresses) >= saved
        for address in addresses:
            page(client, address)


def test_an_old_password_and_an_old_recovery_code_work(old: Old, settings: LazySettings) -> None:
    settings.SECRET_KEY = old.beside["secret_key"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    settings.SECOND_FACTOR = True
    ((name,),) = ask("SELECT username FROM auth_user JOIN recovery_codes ON user_id = auth_user.id")
    client = Client()
    client.post("/admin/login/", {"username": name, "password": old.beside["password"]})
    assert client.get("/admin/auth/user/").status_code == 302
    client.post("/sign-in/code/", {"code": old.beside["recovery_codes"][0]})
    page(client, "/admin/auth/user/")


def test_the_queued_jobs_are_done(old_at_work: Old) -> None:
    old, admin = old_at_work, browser_of()
    waiting = ask("SELECT DISTINCT task_name FROM procrastinate_jobs WHERE status <> 'failed'")
    failed = ask("SELECT id FROM procrastinate_jobs WHERE status = 'failed'")
    assert len(waiting) > 3
    # Make the age of the runs independent of the clock: files to be checked are new, all others are too old.
    ask("UPDATE import_runs SET started_at = now() - CASE state WHEN 'checking' THEN interval '0' ELSE '2 days' END")
    run_jobs()
    expected = {
        run.number: "cancelled" if run.cancel_requested and run.state in ENDS else ENDS.get(run.state, run.state)
        for run in old.runs
    }
    done = [run.undoes for run in old.runs if run.undoes and run.state == "applying" and not run.cancel_requested]
    expected |= dict.fromkeys([*undone_runs(old), *done], "undone")
    # The old version knew no warnings. A file with some waits for another confirmation, which nobody gives in time.
    warned = [run for (run,) in ask("SELECT run_id FROM import_runs WHERE result -> 'warnings' <> '{}'")]
    unconfirmed = [run.number for run in old.runs if run.state == "applying" and run.number in warned]
    assert unconfirmed
    expected |= dict.fromkeys(unconfirmed, "expired")
    assert states() == expected
    assert {expected[run.number] for run in old.runs if run.state in ENDS} == {*ENDS.values(), "cancelled"}
    # A job whose task was renamed would have failed.
    assert ask("SELECT id FROM procrastinate_jobs") == failed
    for run in old.runs:
        if run.state in ENDS:
            run_page(admin, run.number)


def test_a_new_file_can_be_imported(old_at_work: Old, tmp_path: Path) -> None:
    admin = browser_of()
    file = write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}, {"Tracker": "Meridian"}))
    with file.open("rb") as content:
        assert admin.post(RECORDS.address("import"), {"import_file": content}).status_code == 302
    ((number,),) = ask("SELECT max(run_id) FROM import_runs")
    assert number > max(run.number for run in old_at_work.runs)
    run_jobs()
    assert states()[number] == "checked"
    assert admin.post(f"{RUNS}{number}/apply/").status_code == 302
    run_jobs()
    assert states()[number] == "applied"
    assert ask("SELECT count(*) FROM medical_records WHERE made_by_run = %s", number) == [(3,)]
    run_page(admin, number)


def test_an_old_import_can_be_undone(old_at_work: Old) -> None:
    old, admin = old_at_work, browser_of()
    run = old.run("to-undo.csv").number
    changed = [row for row in old.trail["changes"] if row["run_id"] == run and row["action"] == "update"]
    changed = [row for row in changed if row["table_name"] == "medical_records"]
    made = "SELECT count(*) FROM medical_records WHERE made_by_run = %s"
    assert changed
    assert ask(made, run)[0][0] > 0
    page(admin, f"{RUNS}{run}/undo/")
    assert admin.post(f"{RUNS}{run}/undo/").status_code == 302
    ((undo,),) = ask("SELECT max(run_id) FROM import_runs WHERE undoes_id = %s", run)
    run_jobs()
    assert states()[undo] == "applied"
    assert ask(made, run) == [(0,)]
    for row in changed:
        (now,) = rows("medical_records", row["patient_id"])
        before = {column: values[0] for column, values in row["fields"].items()}
        assert {column: now[column] for column in before} == before
    assert f"{RUNS}{undo}/change/" in run_page(admin, run)
