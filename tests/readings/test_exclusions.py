"""Readings that are left out of statistics, and counted again; on the page and in the days of the store."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from healthtrack.audit.models import Change
from readings.models import Exclusion, ReadingDay, ReadingStream
from tests.support import factories
from tests.support.every_address import client_of
from tests.support.page import Page
from tests.support.readings import Reading, streams, undo_run, write_run
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole

pytestmark = pytest.mark.django_db

PAGE = "/readings/P1/"
HOUR = 3_600_000_000
MIDNIGHT = int(datetime(2026, 3, 4, 23, tzinfo=UTC).timestamp()) * 1_000_000  # of 5 March in Berlin


@pytest.fixture
def keeper(as_role: AsRole) -> Client:
    """Sign in somebody who may exclude readings, of a patient with a heart rate for each hour of two days."""
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    write_run(1, [[Reading(1, MIDNIGHT + hour * HOUR, 60 + hour, utc_offset=3600) for hour in range(48)]], streams())
    return as_role("Record keeper")


def send(client: Client, **values: str) -> Page:
    stream = str(ReadingStream.objects.order_by("stream_id")[0].stream_id)
    sent = {"stream": stream, "starts": "2026-03-05T08:00", "ends": "2026-03-05T10:00", "reason": "Loose", **values}
    return Page.of(client.post(f"{PAGE}exclude/?span=day&day=2026-03-05", sent, follow=True))


def figures() -> Mapping[date, tuple[Any, ...]]:
    fields = ("counted", "lowest", "highest", "total", "reading_count", "run_id")
    return {row.day: tuple(getattr(row, field) for field in fields) for row in ReadingDay.objects.all()}


def test_excluded_readings_count_nowhere_and_stay_stored(keeper: Client) -> None:
    page = send(keeper)
    assert "These readings no longer count" in page.text
    assert figures()[date(2026, 3, 5)] == (22, 60, 83, sum(range(60, 84)) - 68 - 69, 24, 1)
    assert "08:00 to 09:00" not in page.texts("details")[0]
    assert "10:00 to 11:00" in page.texts("details")[0]
    assert page.all(".excluded")
    row = page.rows("excluded-caption")[0]
    assert row[:3] == ["Heart rate, Watch", "5 Mar 2026, 08:00 to 5 Mar 2026, 10:00", "Loose"]
    assert "(2 excluded)" in page.text
    exclusion = Exclusion.objects.get()
    assert exclusion.starts_at == datetime(2026, 3, 5, 7, tzinfo=UTC)
    assert exclusion.excluded_by_id is not None


def test_counting_them_again_leaves_the_days_as_they_were(keeper: Client) -> None:
    before = figures()
    send(keeper, ends="2026-03-06T12:00")
    assert figures() != before
    exclusion = Exclusion.objects.get()
    sent = {"stream": str(exclusion.stream_id), "key": exclusion.starts_at.isoformat()}
    page = Page.of(keeper.post(f"{PAGE}count-again/", sent, follow=True))
    assert "These readings count again" in page.text
    assert figures() == before
    assert not Exclusion.objects.exists()
    again = Page.of(keeper.post(f"{PAGE}count-again/", sent, follow=True))
    assert "This period is no longer excluded: somebody else changed that." in again.text


def test_both_are_in_the_history(keeper: Client) -> None:
    send(keeper)
    exclusion = Exclusion.objects.get()
    keeper.post(f"{PAGE}count-again/", {"stream": str(exclusion.stream_id), "key": exclusion.starts_at.isoformat()})
    changes = Change.objects.filter(table_name="reading_streams", patient_id="P1").order_by("change_id")
    text = "5 Mar 2026, 08:00 to 5 Mar 2026, 10:00: Loose"
    assert [change.fields["excluded"] for change in changes] == [[None, text], [text, None]]
    assert all(change.person_id for change in changes)
    history = Page.get(keeper, "/admin/patients/medicalrecord/P1/history/").text
    assert "Excluded from statistics" in history
    assert "Loose" in history


def test_readings_that_are_imported_later_into_the_period_are_excluded_too(keeper: Client) -> None:
    send(keeper)
    write_run(2, [[Reading(1, MIDNIGHT + 9 * HOUR + 1, 200, utc_offset=3600)]], streams())
    counted, _, highest, *_ = figures()[date(2026, 3, 5)]
    assert (counted, highest) == (22, 83)
    undo_run(2)
    assert figures()[date(2026, 3, 5)][0] == 22


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"ends": "2026-03-05T08:00"}, "The end is not after the beginning."),
        ({"starts": "yesterday"}, "“yesterday” is not a date and time. Write it as 2026-03-05T08:00."),
        ({"starts": "2026-03-05T08:00+01:00"}, "is not a date and time."),
        ({"starts": "0001-01-01T00:00"}, "is not a date and time."),
        ({"ends": "2026-07-05T08:00"}, "At most 92 days can be excluded at once. Exclude the rest separately."),
        ({"reason": " "}, "This field is required."),
        ({"reason": "x" * 501}, "at most 500 characters"),
        ({"stream": "999999"}, "Select a valid choice."),
        ({"reason": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_excluded_gets_a_message(keeper: Client, sent: Mapping[str, str], words: str) -> None:
    assert words in send(keeper, **sent).text
    assert not Exclusion.objects.exists()


def test_periods_that_overlap_are_refused(keeper: Client) -> None:
    send(keeper)
    page = send(keeper, starts="2026-03-05T09:00", ends="2026-03-05T11:00")
    assert "This overlaps a period that is already excluded: 5 Mar 2026, 08:00 to 5 Mar 2026, 10:00." in page.text
    send(keeper, starts="2026-03-05T10:00", ends="2026-03-05T11:00")
    assert Exclusion.objects.count() == 2


def test_people_without_the_permission_see_exclusions_and_change_none(keeper: Client) -> None:
    send(keeper)
    analyst = client_of(make_person("Analyst"))
    page = Page.get(analyst, PAGE)
    assert "Loose" in page.text
    assert "Count again" not in page.text
    assert analyst.post(f"{PAGE}exclude/", {}).status_code == 403
    assert analyst.post(f"{PAGE}count-again/", {}).status_code == 403
    assert Exclusion.objects.count() == 1
