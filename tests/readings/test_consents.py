"""Consents to readings: withdrawn and given again, on the patient's page and everywhere else."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client

from healthtrack.audit.models import Change
from healthtrack.core.date_formats import get_today
from readings.models import Consent, ReadingDay
from tests.support import factories
from tests.support.every_address import client_of
from tests.support.page import Page
from tests.support.readings import make_readings, streams, write_run
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole

pytestmark = pytest.mark.django_db

PAGE = "/readings/P1/"


@pytest.fixture
def keeper(as_role: AsRole) -> Client:
    """Sign in somebody who may record consents, of a patient with readings."""
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    write_run(1, [make_readings()], streams())
    return as_role("Administrator")


def decide(client: Client, decision: str, since: str = "2026-03-01") -> Page:
    return Page.of(client.post(f"{PAGE}consent/", {"decision": decision, "since": since}, follow=True))


def test_after_a_withdrawal_readings_are_hidden_and_stay_stored(keeper: Client) -> None:
    page = decide(keeper, "withdraw")
    assert "The consent is withdrawn" in page.text
    assert "Readings are hidden." in page.text
    assert "withdrew the consent on 1 Mar 2026" in page.text
    assert not page.all(".plot, #streams-caption, input[type=file], [name=stream]")
    row = page.rows("consents-caption")[0]
    assert row[:2] == ["1 Mar 2026", "Withdrawn"]
    assert row[2] != "–"  # noqa: RUF001 (as on the page)
    assert ReadingDay.objects.exists()
    assert "there is no file of them" in Page.of(keeper.get(f"{PAGE}file/", follow=True)).text
    record = Page.get(keeper, "/admin/patients/medicalrecord/P1/change/").text
    assert "Hidden: the consent was withdrawn." in record
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM readings")
        assert cursor.fetchone() == (0,)


def test_a_new_consent_shows_them_again(keeper: Client) -> None:
    decide(keeper, "withdraw")
    page = decide(keeper, "give", "2026-03-02")
    assert "The patient consents again" in page.text
    assert page.all(".plot")
    assert [row[1] for row in page.rows("consents-caption")] == ["Consents", "Withdrawn"]


def test_the_second_decision_of_a_day_replaces_the_first_and_the_history_has_both(keeper: Client) -> None:
    decide(keeper, "withdraw")
    decide(keeper, "give")
    assert Consent.objects.get().is_given
    changes = Change.objects.filter(table_name="reading_consents", patient_id="P1").order_by("change_id")
    assert [change.action for change in changes] == ["insert", "update"]


def test_an_entry_that_a_later_one_would_override_is_refused(keeper: Client) -> None:
    decide(keeper, "withdraw", "2026-03-05")
    page = decide(keeper, "give", "2026-03-01")
    assert "An entry of 2026-03-05 is later, and decides. Choose that day or a later one." in page.text
    assert Consent.objects.count() == 1


@pytest.mark.parametrize("since", ["", "yesterday", "2026-02-30"])
def test_a_day_that_does_not_exist_gets_a_message(keeper: Client, since: str) -> None:
    page = decide(keeper, "withdraw", since)
    assert page.all(".errorlist")
    assert not Consent.objects.exists()


def test_a_day_in_the_future_is_refused(keeper: Client) -> None:
    page = decide(keeper, "withdraw", f"{get_today() + timedelta(days=1)}")
    assert "The day is in the future. Record the decision when it applies." in page.text


def test_a_request_that_decides_nothing_changes_nothing(keeper: Client) -> None:
    decide(keeper, "perhaps")
    assert not Consent.objects.exists()


def test_only_people_with_the_permission_record_consents(keeper: Client) -> None:
    analyst = client_of(make_person("Analyst"))
    assert analyst.post(f"{PAGE}consent/", {"decision": "withdraw", "since": "2026-03-01"}).status_code == 403
    assert "The patient withdraws the consent" not in Page.get(analyst, PAGE).text
    assert not Consent.objects.exists()
