import html
import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.actor import acting_as
from healthtrack.imports.models import State
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page
from tests.support.page_permissions import TO_SEE_REPORTS
from tests.support.report_pages import page
from tests.support.signing_in import SignIn

PAGE = "/"
EVERYTHING = [
    "patients.view_medicalrecord",
    "patients.import_medicalrecord",
    "trackers.view_trackermodel",
    "trackers.view_fitnesstracker",
    "trackers.view_trackeralias",
    *TO_SEE_REPORTS,
]


def figure(words: str, label: str) -> str:
    """What the card of this label says."""
    cards = [card.removeprefix(label) for card in Page(words).texts("dl > div") if card.startswith(label)]
    return cards[0].strip() if cards else ""


def patients(with_tracker: int, without: int) -> None:
    model = factories.tracker_model()
    for number in range(with_tracker):
        factories.link(factories.medical_record(f"W{number}"), model)
    for number in range(without):
        factories.medical_record(f"N{number}")


def test_every_member_of_the_staff_has_a_front_page_and_nobody_else(sign_in: SignIn) -> None:
    assert Client().get(PAGE)["Location"] == "/admin/login/?next=/"
    client = sign_in()
    assert client.get(PAGE).status_code == 200
    User.objects.update(is_staff=False)
    assert client.get(PAGE)["Location"] == "/admin/login/?next=%2F&ended=over"


def test_who_may_see_nothing_is_told_what_to_do(sign_in: SignIn) -> None:
    patients(1, 1)
    words = page(sign_in(), PAGE)
    assert "Welcome to HealthTrack, staff" in words
    assert "Ask an administrator for the permissions" in words
    assert "<dl" not in words
    assert "<figure" not in words


def test_whoever_signs_in_comes_to_the_front_page(db: None) -> None:
    person = factories.staff()
    form = {"username": person.username, "password": factories.DEFAULT_PASSWORD}
    client = Client()
    words = page(client, "/admin/login/")
    assert '<input type="hidden" name="next" value="/">' in words
    assert client.post("/admin/login/", {**form, "next": "/"})["Location"] == PAGE


def test_whoever_asked_for_another_page_comes_there(db: None) -> None:
    assert 'name="next" value="/reports/"' in page(Client(), "/admin/login/?next=/reports/")


def test_counts_patients_models_variants_and_names(sign_in: SignIn) -> None:
    patients(3, 1)
    factories.variant(factories.tracker_model("Honor", "Band 5"))
    factories.medical_record("P1", tracker="Nobody's Watch")
    words = page(sign_in(*EVERYTHING), PAGE)
    assert figure(words, "Patients") == "5"
    assert figure(words, "With a tracker") == "60.0 % 3 patients"
    assert figure(words, "Tracker models") == "2"
    assert figure(words, "Variants") == "1"
    assert figure(words, "Names to settle") == "1"


def test_patients_who_are_yet_to_be_born_count_too(sign_in: SignIn) -> None:
    factories.medical_record(date_of_birth=date(9000, 1, 1))
    assert figure(page(sign_in(*EVERYTHING), PAGE), "Patients") == "1"


def test_figures_lead_to_what_they_count(sign_in: SignIn) -> None:
    patients(1, 0)
    words = page(sign_in(*EVERYTHING), PAGE)
    for address in (
        "/admin/patients/medicalrecord/",
        "/admin/patients/medicalrecord/?linked=some&amp;count=1",
        "/admin/trackers/trackermodel/",
        "/admin/trackers/fitnesstracker/",
        "/admin/tracker-names/",
    ):
        assert f'<dd><a href="{address}">' in words


@pytest.mark.parametrize(
    ("permissions", "labels"),
    [
        (["reports.view_age_groups"], ["Patients", "With a tracker"]),
        (["patients.view_medicalrecord"], ["Patients", "With a tracker"]),
        (["trackers.view_trackermodel"], ["Tracker models"]),
        (["trackers.view_fitnesstracker"], ["Variants"]),
        (["trackers.view_trackeralias"], []),
        (["reports.view_without_tracker"], []),
    ],
)
def test_each_figure_is_for_who_may_see_it(sign_in: SignIn, permissions: list[str], labels: list[str]) -> None:
    patients(1, 1)
    assert re.findall(r"<dt>(.*?)</dt>", page(sign_in(*permissions), PAGE)) == labels


def test_who_sees_totals_alone_is_led_to_no_record(sign_in: SignIn) -> None:
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
def test_charts_lead_to_the_reports_that_the_person_may_see(
    sign_in: SignIn, permission: str, reports: list[str]
) -> None:
    patients(1, 1)
    assert re.findall(r'<h2><a href="/reports/([a-z-]+)/">', page(sign_in(permission), PAGE)) == reports


def test_charts_show_what_the_reports_count(sign_in: SignIn) -> None:
    patients(2, 1)
    names = re.findall(r"<title>([^<]*: [^<]*)</title>", page(sign_in(*EVERYTHING), PAGE))
    assert "36-50: 3 patients" in names
    assert "Xiaomi: 2 patients" in names
    assert "All patients, With a tracker: 2 patients" in names
    assert "All patients, Without: 1 patient" in names


def test_the_smaller_brands_are_left_to_the_report(sign_in: SignIn) -> None:
    for number in range(7):
        model = factories.tracker_model(f"Brand {number}", f"Model {number}")
        factories.link(factories.medical_record(f"P{number}"), model)
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "Brand 4: 1 patient<" in words
    assert "Brand 5: 1 patient<" not in words
    assert "And 2 more brands" in words


def test_names_to_settle_ask_for_attention(sign_in: SignIn) -> None:
    factories.medical_record("P1", tracker="Nobody's Watch")
    factories.medical_record("P2", tracker="nobody's watch")
    client = sign_in(*EVERYTHING)
    words = page(client, PAGE)
    assert "Stated trackers without a model, or with models of several brands: 1." in words
    assert '<a class="button" href="/admin/tracker-names/">Settle the names</a>' in words


def test_nothing_asks_for_attention_when_all_is_well(sign_in: SignIn) -> None:
    patients(1, 0)
    assert "Needs attention" not in page(sign_in(*EVERYTHING), PAGE)


def test_an_empty_database_leads_to_the_import(sign_in: SignIn) -> None:
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "There are no patients yet." in words
    assert 'href="/admin/patients/medicalrecord/import/"' in words
    assert figure(words, "With a tracker") == ""


def test_bars_lead_to_the_patients_whom_they_count(sign_in: SignIn) -> None:
    patients(2, 1)
    client = sign_in(*EVERYTHING)
    bars = re.findall(r'<a href="([^"]*)"> <title>[^<]*: ([\d,]+) patients?</title>', page(client, PAGE))
    assert [count for _, count in bars] == ["3", "0", "0", "0", "2", "2", "1"]
    for address, count in bars:
        assert client.get(html.unescape(address)).context["cl"].result_count == int(count)


def test_who_sees_totals_alone_has_bars_that_lead_nowhere(sign_in: SignIn) -> None:
    patients(2, 1)
    assert '<g role="img"> <title>36-50: 3 patients</title>' in page(sign_in("reports.view_age_groups"), PAGE)


def test_the_latest_imports_stand_with_their_state_and_lead_to_their_pages(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    now = timezone.now()
    old = factories.import_run(State.APPLIED, file_name="old.csv", read_count=1200, finished_at=now)
    for number in range(5):
        factories.import_run(State.CANCELLED, file_name=f"new {number}.csv", finished_at=now)
    words = page(client, PAGE)
    assert 'new 4.csv</a> <span class="badge ">Cancelled</span>' in words
    assert "old.csv" not in words
    assert figure(words, "Last import") == f"{date_format(now, 'j M Y')} medical records"
    assert f'<dd><a href="/admin/imports/importrun/{old.pk}/change/">' in words


def test_imports_are_shown_to_those_alone_who_may_see_them(sign_in: SignIn) -> None:
    factories.import_run(State.APPLIED, finished_at=timezone.now())
    for permission in ("reports.view_age_groups", "trackers.import_fitnesstracker"):
        words = page(sign_in(permission), PAGE)
        assert "rows.csv" not in words
        assert figure(words, "Last import") == ""
        User.objects.all().delete()
    assert "rows.csv" in page(sign_in("imports.view_importrun"), PAGE)


def test_a_checked_file_asks_for_a_word(sign_in: SignIn) -> None:
    run = factories.import_run(State.CHECKED)
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "rows.csv is checked, and waits for a word whether to import it." in words
    assert f'<a class="button" href="/admin/imports/importrun/{run.pk}/change/">See import {run.pk}</a>' in words


@pytest.mark.parametrize("state", [State.FAILED, State.REFUSED])
def test_an_import_that_ended_badly_asks_for_attention_until_a_later_one_is_applied(
    sign_in: SignIn, state: State
) -> None:
    client = sign_in(*EVERYTHING)
    now = timezone.now()
    factories.import_run(state, finished_at=now)
    factories.import_run(State.APPLIED, finished_at=now, importer="trackers.fitnesstracker")
    assert "rows.csv was not imported." in page(client, PAGE)
    factories.import_run(State.APPLIED, finished_at=now)
    assert "was not imported." not in page(client, PAGE)


def test_an_import_that_ended_badly_long_ago_asks_for_nothing(sign_in: SignIn) -> None:
    factories.import_run(State.FAILED, finished_at=timezone.now() - timedelta(days=8))
    assert "was not imported." not in page(sign_in(*EVERYTHING), PAGE)


def test_imports_that_no_worker_takes_up_ask_for_one(sign_in: SignIn) -> None:
    factories.import_run(State.CHECKING)
    assert "Imports wait, for no worker is running." in page(sign_in(*EVERYTHING), PAGE)


def test_the_latest_changes_name_what_who_and_when(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING, "audit.view_change", "patients.add_medicalrecord")
    record = {"patient_id": "P1", "name": "Ada Byron", "date_of_birth": "1980-05-17", "gender": "F"}
    added = form_with(client.get("/admin/patients/medicalrecord/add/"), "name")
    client.post(added.address, {**added.fields, **record}, follow=True)
    words = page(client, PAGE)
    assert '<a href="/admin/patients/medicalrecord/P1/history/">P1</a>' in words
    assert "Medical record added by staff" in words
    assert "Ada Byron" not in words


def test_without_the_right_to_see_the_history_changes_lead_nowhere(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    factories.medical_record()
    words = page(client, PAGE)
    assert "<span>P1</span>" in words
    assert "/history/" not in words


def test_what_an_import_changed_is_not_among_the_changes_by_hand(sign_in: SignIn) -> None:
    with transaction.atomic(), acting_as(None, 1):
        factories.medical_record("brought", made_by_run=2)
    factories.medical_record("by hand")
    words = page(sign_in(*EVERYTHING), PAGE)
    assert "by hand" in words
    assert "brought" not in words


def test_changes_of_what_the_person_may_not_see_stay_hidden(sign_in: SignIn) -> None:
    client = sign_in("trackers.view_trackermodel")
    factories.link(factories.medical_record(), factories.tracker_model())
    words = page(client, PAGE)
    assert "P1" not in words
    assert "Xiaomi Band 2" in words


def test_it_costs_the_same_few_queries_however_much_there_is(
    sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(*EVERYTHING)
    patients(3, 3)
    for number in range(10):
        factories.medical_record(f"L{number}")
    with django_assert_max_num_queries(19):
        client.get(PAGE)
    with django_assert_max_num_queries(11):
        client.get(PAGE)


def test_a_change_shows_at_the_next_look(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    patients(1, 0)
    assert figure(page(client, PAGE), "Patients") == "1"
    factories.medical_record("N1")
    assert figure(page(client, PAGE), "Patients") == "2"
