import html
import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.actor import acting_as, acting_as_command
from healthtrack.core.date_formats import get_today
from healthtrack.imports.models import State
from reports.models import TrackedPatients
from reports.tasks import count_tracked_patients
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page, text_of
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.report_pages import page
from tests.support.signing_in import SignIn

PAGE = "/"
EVERYTHING = [
    "patients.view_medicalrecord",
    "patients.import_medicalrecord",
    "trackers.view_trackermodel",
    "trackers.view_fitnesstracker",
    "trackers.view_trackeralias",
    "trackers.add_trackeralias",
    *REPORT_PERMISSIONS,
]


def figure(words: str, label: str) -> list[str]:
    """Return the figure with this label, and the note below it."""
    cards = [[text_of(part) for part in card] for card in Page(words).all("dl > div")]
    return next((parts[1:] for parts in cards if parts[0] == label), [])


def patients(with_tracker: int, without: int) -> None:
    model = factories.tracker_model()
    for number in range(with_tracker):
        factories.link(factories.medical_record(f"W{number}"), model)
    for number in range(without):
        factories.medical_record(f"N{number}")


def test_home_is_for_staff_only(sign_in: SignIn) -> None:
    assert Client().get(PAGE)["Location"] == "/admin/login/?next=/"
    client = sign_in()
    assert client.get(PAGE).status_code == 200
    User.objects.update(is_staff=False)
    assert client.get(PAGE)["Location"] == "/admin/login/?next=%2F&ended=over"


def test_a_person_without_permissions_learns_to_request_a_role(sign_in: SignIn) -> None:
    patients(1, 1)
    words = page(sign_in(), PAGE)
    assert "Welcome to HealthTrack, staff" in words
    assert "Ask an administrator for the roles" in words
    assert "<dl" not in words
    assert "<figure" not in words


def test_a_person_with_only_emergency_access_finds_it(sign_in: SignIn) -> None:
    words = page(sign_in("roles.use_emergencyaccess"), PAGE)
    assert "You may use" in words
    assert "You do not have access" not in words


def test_signing_in_leads_to_home(db: None) -> None:
    person = factories.staff()
    form = {"username": person.username, "password": factories.DEFAULT_PASSWORD}
    client = Client()
    words = page(client, "/admin/login/")
    assert '<input type="hidden" name="next" value="/">' in words
    assert client.post("/admin/login/", {**form, "next": "/"})["Location"] == PAGE


def test_signing_in_leads_to_the_requested_page(db: None) -> None:
    assert 'name="next" value="/reports/"' in page(Client(), "/admin/login/?next=/reports/")


def test_key_figures_count_patients_edits_and_imports(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    patients(3, 1)
    factories.medical_record("P1", tracker="Nobody's Watch")
    for days in (1, 2, 31, 59, 61):
        factories.import_run(State.APPLIED, finished_at=timezone.now() - timedelta(days=days))
    factories.import_run(State.UNDONE, finished_at=timezone.now())
    words = page(client, PAGE)
    assert figure(words, "Patients") == ["5", "+5 in 30 days"]
    assert figure(words, "With a tracker") == ["60.0 %", "3 patients"]
    assert figure(words, "Imports in 30 days") == ["2", "2 in the 30 days before"]


@pytest.mark.parametrize(
    ("stored", "note"),
    [
        ({40: 9}, "3 patients"),
        ({0: 1, 40: 9}, "3 patients"),
        ({30: 1, 12: 2}, "3 patients, +2 in 30 days"),
        ({12: 4}, "3 patients, −1 in 12 days"),  # noqa: RUF001 (a minus sign)
        ({1: 3}, "3 patients, unchanged since yesterday"),
    ],
)
def test_the_change_of_patients_with_a_tracker_is_since_the_first_counted_day_of_30(
    sign_in: SignIn, stored: dict[int, int], note: str
) -> None:
    patients(3, 1)
    for days, number in stored.items():
        TrackedPatients.objects.create(day=get_today() - timedelta(days=days), patients=number)
    assert figure(page(sign_in(*EVERYTHING), PAGE), "With a tracker")[1] == note


@pytest.mark.django_db
def test_each_night_the_patients_with_a_tracker_are_counted() -> None:
    patients(3, 1)
    TrackedPatients.objects.create(day=get_today() - timedelta(days=500), patients=7)
    count_tracked_patients(0)
    count_tracked_patients(0)
    assert [(each.day, each.patients) for each in TrackedPatients.objects.all()] == [(get_today(), 3)]


def test_edits_of_patients_by_people_are_counted_once_for_each_patient(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING, "audit.view_change")
    with transaction.atomic(), acting_as(User.objects.get().pk):
        record = factories.medical_record("P1")
        factories.link(record, factories.tracker_model())
        factories.medical_record("P2")
    factories.medical_record("P3")  # by nobody who is signed in
    with transaction.atomic(), acting_as(User.objects.get().pk, 1):
        factories.medical_record("P4", made_by_run=2)
    assert figure(page(client, PAGE), "Patients edited in 30 days") == ["2", "0 in the 30 days before"]


def test_patients_with_a_future_date_of_birth_count_too(sign_in: SignIn) -> None:
    factories.medical_record(date_of_birth=date(9000, 1, 1))
    assert figure(page(sign_in(*EVERYTHING), PAGE), "Patients") == ["1", "+1 in 30 days"]


def test_imports_that_a_person_may_not_view_are_not_counted(sign_in: SignIn) -> None:
    factories.import_run(State.APPLIED, finished_at=timezone.now(), importer="trackers.fitnesstracker")
    assert figure(page(sign_in(*EVERYTHING), PAGE), "Imports in 30 days")[0] == "0"
    assert figure(page(sign_in("imports.view_importrun"), PAGE), "Imports in 30 days")[0] == "1"


def test_key_figures_link_to_what_they_count(sign_in: SignIn) -> None:
    patients(1, 0)
    words = page(sign_in(*EVERYTHING), PAGE)
    for address in (
        "/admin/patients/medicalrecord/",
        "/admin/patients/medicalrecord/?linked=some&amp;count=1",
        "/admin/imports/importrun/",
    ):
        assert f'<dd><a href="{address}">' in words


@pytest.mark.parametrize(
    ("permissions", "labels"),
    [
        (["reports.view_age_groups"], ["Patients", "With a tracker"]),
        (["patients.view_medicalrecord"], ["Patients", "With a tracker"]),
        (
            ["patients.view_medicalrecord", "audit.view_change"],
            ["Patients", "With a tracker", "Patients edited in 30 days"],
        ),
        (["imports.view_importrun"], ["Imports in 30 days"]),
        (["trackers.import_fitnesstracker", "trackers.view_fitnesstracker"], ["Imports in 30 days"]),
        (["audit.view_change"], []),
        (["trackers.view_trackeralias"], []),
        (["reports.view_without_tracker"], []),
    ],
)
def test_each_key_figure_needs_its_permission(sign_in: SignIn, permissions: list[str], labels: list[str]) -> None:
    patients(1, 1)
    assert re.findall(r"<dt>(.*?)</dt>", page(sign_in(*permissions), PAGE)) == labels


def test_with_the_permission_for_totals_only_nothing_links_to_records(sign_in: SignIn) -> None:
    patients(1, 1)
    assert "/medicalrecord/" not in page(sign_in("reports.view_age_groups"), PAGE)


@pytest.mark.parametrize(
    ("permission", "reports"),
    [
        ("reports.view_age_groups", ["age-groups"]),
        ("reports.view_brands", ["brands"]),
        ("reports.view_without_tracker", ["without-tracker"]),
        ("patients.view_medicalrecord", []),
    ],
)
def test_charts_link_to_the_reports_that_the_person_may_open(
    sign_in: SignIn, permission: str, reports: list[str]
) -> None:
    patients(1, 1)
    assert re.findall(r'<h2><a href="/reports/([a-z-]+)/">', page(sign_in(permission), PAGE)) == reports


def test_charts_show_the_counts_of_the_reports(sign_in: SignIn) -> None:
    patients(2, 1)
    factories.medical_record("P1", tracker="Nobody's Watch")
    names = re.findall(r"<title>([^<]*: [^<]*)</title>", page(sign_in(*EVERYTHING), PAGE))
    assert names[-8:-4] == [
        "0-18: 0 patients, 0.0 %",
        "19-35: 0 patients, 0.0 %",
        "36-50: 4 patients, 100.0 %",
        "51+: 0 patients, 0.0 %",
    ]
    assert names[-4:] == [
        "Xiaomi: 2 patients, 50.0 %",
        "With a tracker: 2 patients, 50.0 %",
        "No tracker reported: 1 patient, 25.0 %",
        "Reported tracker not matched: 1 patient, 25.0 %",
    ]


def test_the_line_ends_with_the_patients_of_today(sign_in: SignIn) -> None:
    patients(2, 1)
    names = re.findall(r"<title>([^<]*: [^<]*)</title>", page(sign_in("reports.view_age_groups"), PAGE))
    days = [f"{timezone.localdate() - timedelta(days=back):%-d %b %Y}" for back in (1, 0)]
    assert names[:2] == [f"{days[0]}: 0 patients", f"{days[1]}: 3 patients"]


def test_only_the_five_largest_brands_are_shown(sign_in: SignIn) -> None:
    for number in range(7):
        model = factories.tracker_model(f"Brand {number}", f"Model {number}")
        factories.link(factories.medical_record(f"P{number}"), model)
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "Brand 4: 1 patient," in words
    assert "Brand 5: 1 patient," not in words
    assert "And 2 more brands" in words


def test_names_to_resolve_need_attention(sign_in: SignIn) -> None:
    factories.medical_record("P1", tracker="Nobody's Watch")
    factories.medical_record("P2", tracker="nobody's watch")
    client = sign_in(*EVERYTHING)
    words = page(client, PAGE)
    assert "1 tracker name matches no model of the catalogue." in words
    assert '<span class="note">2 patients</span>' in words
    assert '<a class="button" href="/admin/tracker-names/#unmatched">Resolve unmatched names</a>' in words


def test_without_problems_nothing_needs_attention(sign_in: SignIn) -> None:
    patients(1, 0)
    assert "Needs attention" not in page(sign_in(*EVERYTHING), PAGE)


def test_an_empty_database_links_to_the_import(sign_in: SignIn) -> None:
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "There are no patients yet." in words
    assert 'href="/admin/patients/medicalrecord/import/"' in words
    assert figure(words, "With a tracker") == []


def test_bars_link_to_the_patients_that_they_count(sign_in: SignIn) -> None:
    patients(2, 1)
    client = sign_in(*EVERYTHING)
    bars = re.findall(r'<a href="([^"]*)"> <title>[^<]*: ([\d,]+) patients?, [\d.]+ %</title>', page(client, PAGE))
    assert [count for _, count in bars] == ["0", "0", "3", "0", "2", "2", "1", "0"]
    for address, count in bars:
        assert client.get(html.unescape(address)).context["cl"].result_count == int(count)


def test_with_the_permission_for_totals_only_bars_have_no_links(sign_in: SignIn) -> None:
    patients(2, 1)
    assert '<g role="img"> <title>36-50: 3 patients, 100.0 %</title>' in page(sign_in("reports.view_age_groups"), PAGE)


def test_the_latest_imports_are_listed_with_their_state_and_link(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    now = timezone.now()
    factories.import_run(State.APPLIED, file_name="old.csv", read_count=1200, finished_at=now)
    for number in range(5):
        factories.import_run(State.CANCELLED, file_name=f"new {number}.csv", finished_at=now)
    words = page(client, PAGE)
    assert 'new 4.csv</a> <span class="badge ">Cancelled</span>' in words
    assert "old.csv" not in words


def test_imports_need_their_permission(sign_in: SignIn) -> None:
    factories.import_run(State.APPLIED, finished_at=timezone.now())
    for permission in ("reports.view_age_groups", "trackers.import_fitnesstracker"):
        words = page(sign_in(permission), PAGE)
        assert "rows.csv" not in words
    assert "rows.csv" in page(sign_in("imports.view_importrun"), PAGE)


def test_a_checked_file_is_ready_to_import(sign_in: SignIn) -> None:
    run = factories.import_run(State.CHECKED)
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "rows.csv is ready to import." in words
    assert f'<a class="button" href="/admin/imports/importrun/{run.pk}/change/">See import {run.pk}</a>' in words


@pytest.mark.parametrize("state", [State.FAILED, State.REFUSED])
def test_a_failed_import_needs_attention_until_a_later_one_succeeds(sign_in: SignIn, state: State) -> None:
    client = sign_in(*EVERYTHING)
    now = timezone.now()
    factories.import_run(state, finished_at=now)
    factories.import_run(State.APPLIED, finished_at=now, importer="trackers.fitnesstracker")
    assert "rows.csv was not imported." in page(client, PAGE)
    factories.import_run(State.APPLIED, finished_at=now)
    assert "was not imported." not in page(client, PAGE)


def test_an_old_failure_needs_no_attention(sign_in: SignIn) -> None:
    factories.import_run(State.FAILED, finished_at=timezone.now() - timedelta(days=8))
    assert "was not imported." not in page(sign_in(*EVERYTHING), PAGE)


def test_waiting_imports_without_a_worker_need_attention(sign_in: SignIn) -> None:
    factories.import_run(State.CHECKING)
    assert "Imports are waiting, but no worker is running." in page(sign_in(*EVERYTHING), PAGE)


def test_recent_edits_show_what_who_and_when(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING, "audit.view_change", "patients.add_medicalrecord")
    record = {"patient_id": "P1", "name": "Ada Byron", "date_of_birth": "1980-05-17", "gender": "F"}
    added = form_with(client.get("/admin/patients/medicalrecord/add/"), "name")
    client.post(added.address, {**added.fields, **record}, follow=True)
    words = page(client, PAGE)
    assert '<a href="/admin/patients/medicalrecord/P1/history/">P1</a>' in words
    assert "Medical record added by staff" in words
    assert "Ada Byron" not in words


def test_without_the_permission_for_histories_recent_edits_have_no_links(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    factories.medical_record()
    words = page(client, PAGE)
    assert "<span>P1</span>" in words
    assert "/history/" not in words


def test_changes_by_imports_are_not_among_the_recent_edits(sign_in: SignIn) -> None:
    with transaction.atomic(), acting_as(None, 1):
        factories.medical_record("uploaded", made_by_run=2)
    factories.medical_record("by hand")
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "by hand" in words
    assert "uploaded" not in words


def test_changes_by_commands_are_not_among_the_recent_edits(sign_in: SignIn) -> None:
    with acting_as_command("make_sample_readings"), transaction.atomic():
        factories.medical_record("by command")
    factories.medical_record("by hand")
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "by hand" in words
    assert "by command" not in words


def test_edits_of_rows_that_the_person_may_not_view_are_not_listed(sign_in: SignIn) -> None:
    client = sign_in("trackers.view_trackermodel")
    factories.link(factories.medical_record(), factories.tracker_model())
    words = page(client, PAGE)
    assert "P1" not in words
    assert "Xiaomi Band 2" in words


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(*EVERYTHING)
    patients(3, 3)
    for number in range(10):
        factories.medical_record(f"L{number}")
    with django_assert_max_num_queries(23):
        client.get(PAGE)
    with django_assert_max_num_queries(12):
        client.get(PAGE)


def test_a_change_is_shown_when_the_page_is_opened_again(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    patients(1, 0)
    assert figure(page(client, PAGE), "Patients") == ["1", "+1 in 30 days"]
    factories.medical_record("N1")
    assert figure(page(client, PAGE), "Patients") == ["2", "+2 in 30 days"]


def test_a_person_with_own_imports_sees_these(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    factories.import_run(
        State.CANCELLED, file_name="mine.csv", finished_at=timezone.now(), started_by=User.objects.get()
    )
    factories.import_run(State.CANCELLED, file_name="other.csv", finished_at=timezone.now())
    words = page(client, PAGE)
    assert "mine.csv" in words
    assert "other.csv" not in words


def test_people_with_other_rights_get_other_figures(sign_in: SignIn) -> None:
    patients(1, 1)
    assert "/medicalrecord/" in page(sign_in(*EVERYTHING), PAGE)
    assert "/medicalrecord/" not in page(sign_in("reports.view_age_groups"), PAGE)
