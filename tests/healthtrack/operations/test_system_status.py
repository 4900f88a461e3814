"""Administrators see the state of the system, and warnings about it on Home."""

import time
from collections import namedtuple
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.accounts.models import Mail
from healthtrack.core.date_formats import get_today
from healthtrack.core.environment_values import parse_mail_server
from healthtrack.core.replicas import routing
from healthtrack.core.replicas.lag import Lag
from healthtrack.operations import attention, database_size, status
from healthtrack.operations.models import Backup, DatabaseSize, RestoreDrill
from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.role_holders import make_person
from tests.support.signing_in import SignIn, client_for, enrol_app

pytestmark = pytest.mark.django_db

STATUS, DRILL = "/admin/status/", "/admin/status/drill/"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def office() -> Client:
    return client_for(make_person("Administrator", "office"))


@pytest.fixture(autouse=True)
def no_outdated_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "describe_if_outdated", lambda _: "")


@pytest.fixture
def worker() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


def warnings(client: Client) -> list[str]:
    return Page.get(client, STATUS).texts(".system-warnings li")


def value_of(page: Page, label: str) -> str:
    """Return what the page says beside a label."""
    texts = page.texts(".system-parts dl > div")
    return next(text.removeprefix(label).strip() for text in texts if text.startswith(label))


def test_the_page_needs_the_permission(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, STATUS, "operations.view_systemstatus", others=["auth.view_user"])


def test_recording_a_drill_needs_the_permission(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, DRILL, "operations.add_restoredrill", others=["operations.view_systemstatus"])


def test_the_page_takes_few_queries(office: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(30):
        factories.staff(username=f"p{number}")
    with django_assert_max_num_queries(16):
        page = Page.get(office, STATUS)
    assert "31 active accounts" in page.text
    assert "and 11 more" in page.text


@pytest.mark.usefixtures("worker")
def test_a_system_in_order_has_no_warning(office: Client) -> None:
    page = Page.get(office, STATUS)
    assert "Nothing needs attention." in page.text
    assert value_of(page, "Worker").startswith("Running")


def test_a_missing_worker_is_a_warning_on_the_page_and_on_home(office: Client) -> None:
    sentence = "No worker is running, so files are neither checked nor imported."
    assert warnings(office) == [sentence]
    home = Page.get(office, "/")
    assert sentence in home.text
    assert f"{STATUS}#worker" in [link.get("href") for link in home.all("a")]


class TestReplicas:
    @pytest.fixture
    def set_lags(self, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Return a function that sets how many seconds each of two replicas is behind."""

        def set_lags(*ages: float | None) -> None:
            lags = {f"replica{number}": Lag(1, age, time.monotonic()) for number, age in enumerate(ages, start=1)}
            monkeypatch.setattr(routing, "get_lags", lambda: lags)

        for number in (1, 2):
            server = {**settings.DATABASES["default"], "HOST": "db2.example", "PORT": 5432 + number}
            monkeypatch.setitem(settings.DATABASES, f"replica{number}", server)
        return set_lags

    @pytest.mark.usefixtures("worker")
    def test_each_is_shown_with_its_server_and_how_far_it_is_behind(
        self, office: Client, set_lags: Callable[..., None]
    ) -> None:
        set_lags(0.42, 9.0)
        page = Page.get(office, STATUS)
        assert value_of(page, "Replica1") == "0.4 s behind the primary; db2.example:5433"
        assert value_of(page, "Replica2") == "9.0 s behind the primary; db2.example:5434"
        assert "Nothing needs attention." in page.text

    @pytest.mark.usefixtures("worker")
    def test_those_that_are_not_read_are_a_warning(self, office: Client, set_lags: Callable[..., None]) -> None:
        set_lags(None, 11.0)
        page = Page.get(office, STATUS)
        assert value_of(page, "Replica1").startswith("Does not answer, or is not a replica")
        assert value_of(page, "Replica2").startswith("11.0 s behind the primary, too much to be read")
        sentence = "No page is read from replica1, replica2, so the primary server has more work."
        assert warnings(office) == [sentence]
        assert sentence in Page.get(office, "/").text

    def test_without_replicas_there_is_nothing(self, office: Client) -> None:
        assert "Replicas" not in Page.get(office, STATUS).text


def test_only_people_who_see_the_status_are_warned_on_home() -> None:
    assert "No worker is running" not in Page.get(client_for(make_person("Data steward")), "/").text


@pytest.mark.usefixtures("worker")
def test_a_worker_without_a_heartbeat_is_none(office: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 minutes'")
    assert len(warnings(office)) == 1


@pytest.mark.usefixtures("worker")
def test_jobs_that_failed_lately_are_a_warning(office: Client) -> None:
    with connection.cursor() as cursor:
        for status in ("failed", "failed", "todo"):
            cursor.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('q', 'x', %s) RETURNING id",
                [status],
            )
            (job,) = cursor.fetchone()
            if status == "failed":
                cursor.execute("INSERT INTO procrastinate_events (job_id, type) VALUES (%s, 'failed')", [job])
    assert warnings(office) == ["2 jobs failed in the last 7 days."]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '8 days'")
    assert warnings(office) == []


@pytest.mark.usefixtures("worker")
def test_production_warns_of_missing_backups_and_drills(office: Client, settings: LazySettings) -> None:
    settings.PRODUCTION = True
    assert warnings(office) == ["No backup is recorded.", "No restore drill succeeded in the last 100 days."]
    days_ago = timezone.now() - timedelta(days=3)
    Backup.objects.create(database_role="owner", file_name="monday.backup", size=5_000_000, written_at=days_ago)
    RestoreDrill.objects.create(
        done_on=get_today(), file_name="monday.backup", minutes=12, succeeded=True, recorded_by=make_person("Viewer")
    )
    page = Page.get(office, STATUS)
    assert page.texts(".system-warnings li") == ["The last backup is older than 48 hours."]
    assert "monday.backup, 4.8 MB" in value_of(page, "Last backup").replace("\xa0", " ")
    assert value_of(page, "Last restore drill").startswith("Complete")
    assert value_of(page, "Last restore drill").endswith("12 minutes, monday.backup")


@pytest.mark.usefixtures("worker")
def test_an_outdated_server_is_a_warning_that_can_be_dismissed_on_home(
    office: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "describe_if_outdated", lambda _: "PostgreSQL 18.4 lacks security fixes.")
    assert warnings(office) == ["PostgreSQL 18.4 lacks security fixes."]
    tasks = list(attention.SOURCES[0].find(AnonymousUser(), None))
    assert [(task.sentence, bool(task.facts)) for task in tasks] == [("PostgreSQL 18.4 lacks security fixes.", True)]


@pytest.mark.usefixtures("worker")
def test_a_nearly_full_disk_is_a_warning(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10 * 1024**3, 9 * 1024**3, 1024**3))
    assert warnings(office) == ["The disk of the data folder is nearly full: 1,024 MB are free."]


@pytest.mark.usefixtures("worker")
def test_a_mail_that_failed_last_is_a_warning(office: Client, settings: LazySettings) -> None:
    settings.MAIL_SERVER = parse_mail_server("smtps://mail.example")
    account = factories.staff(username="grace")
    Mail.objects.create(account=account, purpose="sign-in link", error="SMTPServerDisconnected")
    assert warnings(office) == ["The last mail could not be sent."]
    Mail.objects.create(account=account, purpose="sign-in link", sent_at=timezone.now() + timedelta(seconds=1))
    assert warnings(office) == []


def test_people_without_a_second_factor_are_listed(office: Client) -> None:
    enrol_app(factories.staff(username="with-app"))
    factories.staff(username="without-app")
    names = Page.get(office, STATUS).texts(".people a")
    assert names == ["office", "without-app"]


def test_the_size_of_the_database_is_stored_each_day_and_shown_with_its_growth(office: Client) -> None:
    assert "growth is known from tomorrow" in value_of(Page.get(office, STATUS), "Size of the database")
    size = database_size.measure()
    DatabaseSize.objects.create(day=get_today() - timedelta(days=20), size=size - 3 * 1024**2)
    DatabaseSize.objects.create(day=get_today() - timedelta(days=500), size=1)
    database_size.store()
    database_size.store()
    assert DatabaseSize.objects.count() == 2
    assert "3.0 MB more in 20 days" in value_of(Page.get(office, STATUS), "Size of the database").replace("\xa0", " ")


class TestDrills:
    FORM = {"done_on": "2026-03-02", "file_name": "monday.backup", "minutes": "25", "succeeded": "on", "note": "Counts"}

    def test_an_administrator_records_a_drill(self, office: Client) -> None:
        answer = office.post(DRILL, self.FORM, follow=True)
        assert "The restore drill is recorded." in answer.content.decode()
        drill = RestoreDrill.objects.get()
        assert (drill.file_name, drill.minutes, drill.recorded_by.username) == ("monday.backup", 25, "office")

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("done_on", "2999-01-01", "The day of the drill is in the future."),
            ("minutes", "0", "greater than or equal to 1"),
            ("minutes", "x", "Enter a whole number."),
            ("file_name", "", "This field is required."),
        ],
    )
    def test_bad_values_are_refused_at_their_field(self, office: Client, field: str, value: str, message: str) -> None:
        page = office.post(DRILL, {**self.FORM, field: value}).content.decode()
        assert message in page
        assert not RestoreDrill.objects.exists()
