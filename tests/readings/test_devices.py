"""The pages of devices: who wears which, and no device belongs to two patients at once."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access, Change
from readings.models import Device, DeviceAssignment
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page
from tests.support.signing_in import AsRole

pytestmark = pytest.mark.django_db

DEVICES = "/admin/readings/device/"


@pytest.fixture
def keeper(as_role: AsRole) -> Client:
    """Sign in somebody who assigns devices, with two patients to choose from."""
    for number in ("P1", "P2"):
        factories.medical_record(number)
    return as_role("Record keeper")


def page_of(device: Device) -> str:
    return f"{DEVICES}{device.pk}/change/"


def make_device(serial_number: str = "S1", **values: Any) -> Device:
    return Device.objects.create(serial_number=serial_number, **values)


def assign(device: Device, patient: str, worn_from: str, worn_until: str | None = None) -> DeviceAssignment:
    return DeviceAssignment.objects.create(
        device=device, patient_id=patient, worn_from=worn_from, worn_until=worn_until
    )


def save(client: Client, device: Device, *assignments: tuple[str, str, str]) -> Page:
    """Send the form with these assignments: the stored ones in their order, then new ones."""
    fields = form_with(client.get(page_of(device)), "serial_number").fields
    for place, (patient, worn_from, worn_until) in enumerate(assignments):
        name = f"assignments-{place}-"
        fields |= {f"{name}patient": patient, f"{name}worn_from": worn_from, f"{name}worn_until": worn_until}
        fields.setdefault(f"{name}rank", "1")
    fields["assignments-TOTAL_FORMS"] = str(len(assignments))
    return Page.of(client.post(page_of(device), fields, follow=True))


def stored(device: Device) -> list[tuple[str, date, date | None]]:
    return list(device.assignments.order_by("worn_from").values_list("patient_id", "worn_from", "worn_until"))


def test_a_patient_is_assigned_and_the_history_says_so(keeper: Client) -> None:
    device = make_device()
    assert "was changed successfully" in save(keeper, device, ("P1", "2026-03-01", "")).text
    assert stored(device) == [("P1", date(2026, 3, 1), None)]
    assert device.assignments.get().entered_by is not None
    assert Change.objects.filter(table_name="device_assignments", patient_id="P1", action="insert").exists()


def test_a_handover_on_one_day_is_allowed_in_one_form(keeper: Client) -> None:
    device = make_device()
    assign(device, "P1", "2026-03-01")
    save(keeper, device, ("P1", "2026-03-01", "2026-05-10"), ("P2", "2026-05-10", ""))
    assert stored(device) == [
        ("P1", date(2026, 3, 1), date(2026, 5, 10)),
        ("P2", date(2026, 5, 10), None),
    ]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("", "Patient P1 wears this device from 1 Mar 2026 and still wears it. End that assignment first"),
        ("2026-05-11", "Patient P1 wears this device from 1 Mar 2026 until 11 May 2026. End that assignment first"),
    ],
)
def test_a_device_never_belongs_to_two_patients_at_once(keeper: Client, until: str, words: str) -> None:
    device = make_device()
    assign(device, "P1", "2026-03-01")
    page = save(keeper, device, ("P1", "2026-03-01", until), ("P2", "2026-05-10", ""))
    assert words in page.text
    assert stored(device) == [("P1", date(2026, 3, 1), None)]


def test_an_unknown_patient_is_refused(keeper: Client) -> None:
    device = make_device()
    assert "No record has this number." in save(keeper, device, ("P9", "2026-03-01", "")).text
    assert stored(device) == []


def test_an_end_that_means_never_is_refused(keeper: Client) -> None:
    device = make_device()
    assert "The date is too far in the future." in save(keeper, device, ("P1", "2026-03-01", "9999-12-31")).text
    assert stored(device) == []


def test_an_assignment_that_ends_before_it_begins_is_refused(keeper: Client) -> None:
    device = make_device()
    page = save(keeper, device, ("P1", "2026-03-01", "2026-02-01"))
    assert "The assignment must end after the day on which it begins." in page.text
    assert stored(device) == []


def test_the_list_shows_who_wears_each_device_and_records_the_access(keeper: Client) -> None:
    assign(make_device("S1"), "P1", "2026-03-01")
    assign(make_device("S2"), "P2", "2026-01-01", "2026-02-01")
    rows = Page.of(keeper.get(DEVICES)).rows()
    assert ["P1" in row for row in rows] == [False, True] or ["P1" in row for row in rows] == [True, False]
    assert not any("P2" in row for row in rows)
    assert Access.objects.latest("pk").patient_ids == ["P1"]


def test_the_page_of_a_device_records_whom_it_shows(keeper: Client) -> None:
    device = make_device()
    assign(device, "P1", "2026-03-01")
    keeper.get(page_of(device))
    assert Access.objects.latest("pk").patient_ids == ["P1"]


def test_more_devices_need_no_more_queries(
    keeper: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        assign(make_device(f"S{number}"), "P1", f"2025-01-{number % 28 + 1:02}", None)
    with django_assert_max_num_queries(12):
        keeper.get(DEVICES)
    device = Device.objects.get(serial_number="S1")
    with django_assert_max_num_queries(14):
        keeper.get(page_of(device))
