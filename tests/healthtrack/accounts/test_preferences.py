"""People choose the time zone and the format of dates of their pages."""

from datetime import UTC, date, datetime

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries

from healthtrack.accounts.models import Preferences
from healthtrack.audit.models import Change
from healthtrack.core.date_formats import DATE_FORMATS, get_today, written_for
from healthtrack.environment import Environment
from tests.support import factories
from tests.support.page import Page
from tests.support.signing_in import client_for

pytestmark = pytest.mark.django_db

PAGE = "/sign-in/preferences/"
DAY = date(2026, 11, 3)
MOMENT = datetime(2026, 11, 3, 22, 30, tzinfo=UTC)


@pytest.fixture
def person() -> User:
    return factories.staff("patients.view_medicalrecord", "audit.view_change", username="kamala")


@pytest.fixture
def client(person: User) -> Client:
    return client_for(person)


@pytest.mark.parametrize(
    ("name", "written"), [("words", "3 Nov 2026"), ("iso", "2026-11-03"), ("us", "11/03/2026"), ("dots", "03.11.2026")]
)
def test_dates_are_written_in_the_chosen_format(name: str, written: str) -> None:
    with written_for("", name):
        assert date_format(DAY) == written
        assert Template("{{ day }} {{ day|date }}").render(Context({"day": DAY})) == f"{written} {written}"
    assert date_format(DAY) == "3 Nov 2026"


def test_times_are_written_in_the_chosen_zone_and_show_it() -> None:
    template = Template('{{ moment }} / {{ moment|date:"EXACT_DATETIME_FORMAT" }} / {{ moment|time:"TIME_FORMAT" }}')
    with written_for("Asia/Kolkata", "iso"):
        shown = template.render(Context({"moment": MOMENT}))
    assert shown == "2026-11-04, 04:00 IST / 2026-11-04, 04:00:00 IST / 04:00 IST"


@pytest.mark.parametrize("zone", ["", "Mars/Phobos", "../etc/passwd"])
def test_without_a_known_zone_times_are_in_that_of_the_program(zone: str) -> None:
    with written_for(zone, "no such format"):
        assert timezone.get_current_timezone_name() == settings.TIME_ZONE
        assert date_format(DAY) == "3 Nov 2026"


def test_the_day_is_that_of_the_program_for_everybody() -> None:
    days = set()
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # 25 hours apart
        with written_for(zone, ""):
            days.add(get_today())
    assert days == {datetime.now(UTC).date()}


def test_a_person_saves_preferences_and_every_page_follows(client: Client, person: User) -> None:
    factories.medical_record("P7", name="Ada Byron", last_appointment_date=date(2025, 12, 10))
    answer = client.post(PAGE, {"time_zone": "asia/kolkata", "date_format": "dots"}, follow=True)
    page = answer.content.decode()
    assert "Your preferences are saved." in page
    assert 'value="Asia/Kolkata"' in page
    assert "IST" in page
    assert "10.12.2025" in client.get("/admin/patients/medicalrecord/").content.decode()
    own = client.get("/sign-in/").content.decode()
    assert "IST" in own
    assert "UTC" not in own


def test_who_has_chosen_nothing_sees_what_applies(client: Client) -> None:
    page = Page.get(client, PAGE)
    assert page.one("#id_time_zone").get("value") is None
    assert page.one("input[type=radio][checked]").get("value") == ""


def test_preferences_apply_to_nobody_else(client: Client) -> None:
    client.post(PAGE, {"time_zone": "Asia/Kolkata", "date_format": "dots"})
    page = client_for(factories.staff(username="grace")).get("/sign-in/").content.decode()
    assert "UTC" in page
    assert "IST" not in page


def test_an_unknown_zone_is_refused_with_an_example(client: Client, person: User) -> None:
    answer = client.post(PAGE, {"time_zone": "Mars/Phobos", "date_format": "iso"})
    assert "There is no time zone Mars/Phobos. Write it as in Europe/Berlin" in answer.content.decode()
    assert not Preferences.objects.filter(user=person).exists()


def test_an_unknown_format_is_refused_by_the_form_and_by_the_database(client: Client, person: User) -> None:
    assert "Select a valid choice" in client.post(PAGE, {"date_format": "roman"}).content.decode()
    with pytest.raises(IntegrityError, match="preferences_date_format_known"):
        Preferences.objects.create(user=person, date_format="roman")


def test_the_history_of_the_account_has_changes_of_preferences(client: Client, person: User) -> None:
    client.post(PAGE, {"time_zone": "Asia/Kolkata", "date_format": "dots"})
    client.post(PAGE, {"time_zone": "", "date_format": "dots"})
    changes = Change.objects.filter(table_name="preferences").order_by("change_id")
    assert [(change.action, change.row_name, change.person_id) for change in changes] == [
        ("insert", "kamala", person.pk),
        ("update", "kamala", person.pk),
    ]
    assert changes[1].fields == {"time_zone": ["Asia/Kolkata", ""]}


def test_a_page_needs_no_query_for_preferences(
    client: Client, person: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with CaptureQueriesContext(connection) as without:
        client.get("/sign-in/")
    Preferences.objects.create(user=person, time_zone="Asia/Kolkata")
    with django_assert_num_queries(len(without)):
        assert "IST" in client.get("/sign-in/").content.decode()
    assert "preferences" in without[0]["sql"]
    assert not any("preferences" in query["sql"] for query in without.captured_queries[1:])


def test_preferences_need_a_sign_in() -> None:
    assert "/login/" in Client().get(PAGE)["Location"]


def test_files_have_dates_in_iso_8601(person: User) -> None:
    client = client_for(factories.staff("patients.view_medicalrecord", "patients.export_medicalrecord", username="ana"))
    client.post(PAGE, {"time_zone": "Asia/Kolkata", "date_format": "dots"})
    factories.medical_record("P7", date_of_birth=date(1980, 12, 10))
    form = {"format": "0"}
    answer = client.post("/admin/patients/medicalrecord/export/", form)
    text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()  # type: ignore[attr-defined]  # of streamed responses
    assert "1980-12-10" in text


@pytest.mark.parametrize("name", DATE_FORMATS)
def test_a_variable_sets_the_format_of_everybody(name: str) -> None:
    assert Environment.read({"HEALTHTRACK_DATE_FORMAT": name}).date_format == name


def test_an_unknown_format_in_the_variable_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATE_FORMAT is 'roman'; set it to one of words, iso, us, dots"):
        Environment.read({"HEALTHTRACK_DATE_FORMAT": "roman"})
