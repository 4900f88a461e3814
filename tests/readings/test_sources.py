"""The page of unassigned sources: what waits, and what people decide about it."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access, Change
from readings.devices.attribution import BEGINNING, Row, attribute, keep_decisions
from readings.devices.decisions import Source, decide, find_source, put_decision, undo_decisions
from readings.devices.midnights import get_day
from readings.devices.sources import Show, Summary, count_waiting, fetch_periods, list_sources
from readings.models import Consent, Device, DeviceAssignment, ReadingStream, StreamDevice
from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.readings import Reading, streams, write_run
from tests.support.signing_in import AsRole, SignIn
from trackers import model_hooks
from trackers.models import TrackerModel

SOURCES = "/admin/unassigned-sources/"
VIEW = ("readings.view_readingstream", "readings.view_device", "readings.view_deviceassignment")
NOON = 1_709_640_000_000_000  # of 5 March 2024
HOUR = 3_600_000_000
DAY = 24 * HOUR
WATCH = Source("P1", "Watch", "")


@pytest.fixture(autouse=True)
def _patients(db: None) -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number)


def write(run_id: int, patient: str = "P1", source: str = "Watch", days: int = 1) -> None:
    """Write readings of two metrics, one of each on each of these days."""
    of = streams(patient, source)[:2]
    write_run(run_id, [[Reading(stream, NOON + day * DAY, 5) for stream in (1, 2) for day in range(days)]], of)
    attribute([patient])


def waiting(search: str = "") -> list[tuple[str, str, int]]:
    found = list_sources(Show.WAITING, search).sources
    return [(each.source.patient_id, each.source.name, each.readings) for each in found]


def page_of(source: str = "Watch") -> str:
    stream = ReadingStream.objects.filter(source=source).earliest("stream_id")
    return f"{SOURCES}{stream.stream_id}/"


def stored() -> list[tuple[Any, int | None, str]]:
    rows = StreamDevice.objects.order_by("stream_id", "starts_at")
    return [(row.starts_at.date(), row.device_id, row.decision) for row in rows]


@pytest.mark.parametrize("permission", VIEW)
def test_the_page_needs_the_permissions_to_see_sources_and_devices(sign_in: SignIn, permission: str) -> None:
    assert_page_needs(sign_in, SOURCES, *VIEW, others=[permission])


def test_sources_wait_once_for_all_of_their_metrics_and_the_access_is_recorded(keeper: Client) -> None:
    write(1, days=3)
    write(2, "P2", "Phone")
    page = Page.of(keeper.get(SOURCES))
    assert page.rows() == [
        ["Watch of patient P1", "P1", "Glucose (sensor), Heart rate", "6", "5 Mar 2024 to 7 Mar 2024"],
        ["Phone of patient P2", "P2", "Glucose (sensor), Heart rate", "2", "5 Mar 2024"],
    ]
    assert set(Access.objects.latest("pk").patient_ids) == {"P1", "P2"}


def test_only_periods_with_readings_wait() -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    device = Device.objects.create(serial_number="S1", model=model)
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01", worn_until="2024-03-07")
    write(1, source="Xiaomi Band 2", days=2)
    assert waiting() == []
    write(2, source="Xiaomi Band 2", days=4)
    assert waiting() == [("P1", "Xiaomi Band 2", 4)]


def test_sources_are_found_by_patient_and_by_words_and_hidden_after_a_withdrawal() -> None:
    write(1)
    write(2, "P2", "Old phone")
    assert waiting("P1") == [("P1", "Watch", 2)]
    assert waiting("phone old") == waiting("P") == [("P2", "Old phone", 2)]
    Consent.objects.create(patient_id="P1", since="2024-01-01", is_given=False)
    assert waiting() == [("P2", "Old phone", 2)]
    assert count_waiting() == (1, 1, False)


def test_a_device_that_the_patient_wore_is_chosen_for_all_readings(keeper: Client) -> None:
    device = Device.objects.create(serial_number="S1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01")
    write(1)
    page = Page.of(keeper.get(page_of()))
    assert "S1: the patient wore it from 1 Mar 2024 and still wears it" in page.text
    page = Page.of(keeper.post(page_of(), {"action": "assign", "device": device.pk}, follow=True))
    assert "The readings now come from S1." in page.text
    assert stored() == [(date(1900, 1, 1), device.pk, "person")] * 2
    assert waiting() == []
    change = Change.objects.filter(table_name="reading_streams", patient_id="P1").latest("pk")
    assert change.fields == {"devices": ["unassigned", str(device.pk)]}
    assert change.person is not None


@pytest.mark.parametrize(
    ("worn_from", "worn_until", "chosen"),
    [("2024-03-01", None, 1), ("2024-03-06", None, 0), ("2024-03-01", "2024-03-06", 0)],
)
def test_the_only_device_is_chosen_beforehand_if_it_was_worn_at_that_time(
    keeper: Client, worn_from: str, worn_until: str | None, chosen: int
) -> None:
    device = Device.objects.create(serial_number="S1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from=worn_from, worn_until=worn_until)
    write(1, days=2)
    page = Page.get(keeper, page_of())
    assert len(page.all("input[name=device]")) == 2
    assert len(page.all("input[name=device][checked]")) == chosen


def test_a_decision_stays_when_readings_are_imported_and_attributed_again(keeper: Client) -> None:
    device = Device.objects.create(serial_number="S1")
    write(1)
    keeper.post(page_of(), {"action": "assign", "device": "other", "name": "s1"})
    write(2, days=9)
    Device.objects.create(serial_number="Watch")
    attribute(["P1"])
    assert stored() == [(date(1900, 1, 1), device.pk, "person")] * 2


def test_a_decision_can_be_limited_to_days(keeper: Client) -> None:
    device = Device.objects.create(serial_number="S1")
    write(1, days=5)
    days = {"begins": "2024-03-06", "ends": "2024-03-08"}
    keeper.post(page_of(), {"action": "assign", "device": "other", "name": "S1", **days})
    one = [
        (date(1900, 1, 1), None, "open"),
        (date(2024, 3, 6), device.pk, "person"),
        (date(2024, 3, 8), None, "open"),
    ]
    assert stored() == one * 2
    assert waiting() == [("P1", "Watch", 6)]


def test_a_device_is_created_from_the_source(keeper: Client) -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    write(1, source="Xiaomi Band 2")
    page = Page.of(keeper.get(page_of("Xiaomi Band 2")))
    assert page.one("#id_label").get("value") == "Xiaomi Band 2"
    keeper.post(page_of("Xiaomi Band 2"), {"action": "create", "serial_number": "S7", "label": "Spare"})
    device = Device.objects.get()
    assert (device.serial_number, device.label, device.model) == ("S7", "Spare", model)
    assert stored() == [(date(1900, 1, 1), device.pk, "person")] * 2


def test_a_source_is_left_without_a_device_and_the_decision_undone(keeper: Client) -> None:
    write(1)
    keeper.post(page_of(), {"action": "leave"})
    assert stored() == [(date(1900, 1, 1), None, "person")] * 2
    assert waiting() == []
    assert [each.source for each in list_sources(Show.LEFT).sources] == [WATCH]
    assert "Watch" in Page.of(keeper.get(f"{SOURCES}?show=left")).text
    page = Page.of(keeper.post(page_of(), {"action": "undo"}, follow=True))
    assert "The decisions about this source were undone." in page.text
    assert stored() == [(date(1900, 1, 1), None, "open")] * 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "assign"}, "This field is required."),
        ({"action": "assign", "device": "other", "name": "S9"}, "No device has this name. Create it below."),
        ({"action": "assign", "device": "other", "name": " "}, "Enter one of these, or create the device below."),
        ({"action": "assign", "device": "other", "name": "Ward"}, "Several devices have this name."),
        ({"action": "assign", "device": "999"}, "Select a valid choice."),
        ({"action": "leave", "begins": "2024-03-06", "ends": "2024-03-06"}, "Enter a day after the first one."),
        ({"action": "leave", "begins": "yesterday"}, "Enter a valid date."),
        ({"action": "create", "serial_number": "s1", "label": ""}, "Another device has this serial number."),
        ({"action": "create", "serial_number": "", "label": ""}, "Enter a serial number, the maker's key or a label."),
    ],
)
def test_wrong_input_is_explained_and_changes_nothing(keeper: Client, fields: dict[str, str], words: str) -> None:
    Device.objects.create(serial_number="S1", label="Ward")
    Device.objects.create(serial_number="S2", label="Ward")
    write(1)
    page = Page.of(keeper.post(page_of(), fields))
    assert words in page.text
    assert page.all("#id_device input[type=radio]")
    assert stored() == [(date(1900, 1, 1), None, "open")] * 2
    assert Device.objects.count() == 2


def test_people_who_may_only_look_cannot_decide(as_role: AsRole) -> None:
    write(1)
    analyst = as_role("Analyst")
    page = Page.get(analyst, page_of())
    assert not page.all("form button[name=action]")
    assert analyst.post(page_of(), {"action": "leave"}).status_code == 403
    assert stored() == [(date(1900, 1, 1), None, "open")] * 2


def test_a_source_that_does_not_exist_is_not_found(keeper: Client) -> None:
    assert keeper.get(f"{SOURCES}999999/").status_code == 404


def test_a_resolved_tracker_name_and_a_new_model_answer_what_waits() -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    device = Device.objects.create(serial_number="S1", model=model)
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01")
    write(1)
    alias = factories.tracker_alias("watch", model)
    assert waiting() == []
    alias.delete()
    assert waiting() == [("P1", "Watch", 2)]


def test_a_model_that_an_undo_or_another_program_renames_attributes_readings_again() -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    device = Device.objects.create(serial_number="S1", model=model)
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01")
    write(1, source="Band 3")
    assert waiting() == [("P1", "Band 3", 2)]
    TrackerModel.objects.filter(pk=model.pk).update(model_name="Band 3")
    model_hooks.announce_models([model.pk])
    assert waiting() == []
    assert {row[1] for row in stored()} == {device.pk}


def test_devices_change_at_midnight_of_the_patient() -> None:
    """A device worn from 6 March gets what local clocks say is 6 March, east and west of Greenwich and on a journey."""
    model = factories.tracker_model("Xiaomi", "Band 2")
    device = Device.objects.create(serial_number="S1", model=model)
    factories.medical_record("P3")
    for patient, offsets in {"P1": (3, 3), "P2": (-8, -8), "P3": (-5, 1)}.items():
        DeviceAssignment.objects.filter(device=device).delete()
        DeviceAssignment.objects.create(device=device, patient_id=patient, worn_from="2024-03-06")
        midnight = NOON + DAY // 2  # of 6 March in UTC
        last, first = (midnight - offset * HOUR for offset in offsets)
        before, after = last - HOUR // 60, max(last, first) + HOUR // 60
        readings = [
            Reading(1, at, 70, utc_offset=offset * 3600) for at, offset in zip((before, after), offsets, strict=True)
        ]
        write_run(int(patient[1]), [readings], streams(patient, "Xiaomi Band 2")[:1])
        attribute([patient])
        with connection.cursor() as cursor:
            cursor.execute("SELECT day, device_id FROM readings WHERE patient_id = %s ORDER BY at", [patient])
            assert cursor.fetchall() == [(date(2024, 3, 5), None), (date(2024, 3, 6), device.pk)]
        row = StreamDevice.objects.filter(patient_id=patient).latest("starts_at")
        assert get_day(row.starts_at) == date(2024, 3, 6)


def test_a_decision_for_days_means_those_of_the_patient() -> None:
    device = Device.objects.create(serial_number="S1")
    evening = NOON + 11 * HOUR  # of 5 March in UTC, 6 March in Helsinki
    write_run(1, [[Reading(1, at, 70, utc_offset=7200) for at in (NOON, evening, evening + DAY)]], streams()[:1])
    attribute(["P1"])
    summary = Summary(WATCH, fetch_periods([WATCH]))
    assert (summary.first_day, summary.last_day) == (date(2024, 3, 5), date(2024, 3, 7))
    decide(WATCH, device.pk, 1, date(2024, 3, 6), date(2024, 3, 7))
    with connection.cursor() as cursor:
        cursor.execute("SELECT device_id FROM readings ORDER BY at")
        assert cursor.fetchall() == [(None,), (device.pk,), (None,)]
    assert Change.objects.latest("pk").fields == {
        "devices": ["unassigned", f"unassigned, {device.pk} from 2024-03-06, unassigned from 2024-03-07"]
    }


def test_all_readings_of_a_source_are_attributed_in_one_statement() -> None:
    device = Device.objects.create(serial_number="S1")
    write(1, days=3)
    with CaptureQueriesContext(connection) as queries:
        decide(WATCH, device.pk, 1)
    written = [each["sql"] for each in queries if re.search(r"INSERT|UPDATE|DELETE|COPY", each["sql"])]
    assert len(written) == 1
    undo_decisions(WATCH)
    assert stored() == [(date(1900, 1, 1), None, "open")] * 2


@pytest.mark.parametrize(("role", "is_for_them"), [("Record keeper", True), ("Analyst", False)])
def test_home_counts_what_waits_for_those_who_decide(as_role: AsRole, role: str, is_for_them: bool) -> None:
    write(1)
    write(2, "P2", "Phone")
    words = "2 sources of readings wait for a decision about their device."
    assert (words in Page.get(as_role(role), "/").text) == is_for_them


def test_the_lists_of_devices_and_of_readings_lead_to_the_page(keeper: Client) -> None:
    assert SOURCES in Page.get(keeper, "/admin/readings/device/").addresses()


def test_more_sources_need_no_more_queries(
    keeper: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        write(number + 1, source=f"Source {number:02}")
    with django_assert_max_num_queries(9):
        keeper.get(SOURCES)
    with django_assert_max_num_queries(12):
        keeper.get(page_of("Source 03"))


INSTANTS = [BEGINNING, *(datetime(2024, 3, day, tzinfo=UTC) for day in (1, 5, 9))]
DECISIONS = st.tuples(st.sampled_from(INSTANTS), st.sampled_from([*INSTANTS, None]), st.sampled_from([None, 1, 2]))


def device_at(rows: list[Row], instant: datetime) -> int | None:
    """Return the device at an instant, as the view of readings finds it."""
    return next((row.device_id for row in reversed(rows) if row.starts_at <= instant), None)


@given(decisions=st.lists(DECISIONS, max_size=4), worn=st.lists(st.sampled_from([None, 7, 8]), min_size=4, max_size=4))
def test_what_people_decided_stays_and_the_rest_follows_the_assignments(
    decisions: list[tuple[datetime, datetime | None, int | None]], worn: list[int | None]
) -> None:
    rows = [Row(BEGINNING, None, "open")]
    expected: dict[datetime, int | None] = {}
    for start, end, device in decisions:
        if end is None or start < end:
            rows = put_decision(rows, Row(start, device, "person", 1), end)
            expected |= {each: device for each in INSTANTS if each >= start and (end is None or each < end)}
    pairs = zip(INSTANTS, worn, strict=True)
    automatic = [Row(instant, device, "model" if device else "open") for instant, device in pairs]
    kept = keep_decisions(automatic, rows)
    for instant, device in zip(INSTANTS, worn, strict=True):
        assert device_at(kept, instant) == expected.get(instant, device)
    assert [row.starts_at for row in kept] == sorted({row.starts_at for row in kept})


def test_decisions_of_the_store_need_no_page() -> None:
    device = Device.objects.create(serial_number="S1")
    write(1)
    stream = ReadingStream.objects.earliest("stream_id")
    assert find_source(stream.stream_id) == WATCH
    decide(WATCH, device.pk, person_id=1)
    decide(WATCH, None, person_id=1, begins=date(2024, 3, 6))
    assert stored()[:2] == [(date(1900, 1, 1), device.pk, "person"), (date(2024, 3, 6), None, "person")]
    undo_decisions(WATCH)
    assert stored() == [(date(1900, 1, 1), None, "open")] * 2
