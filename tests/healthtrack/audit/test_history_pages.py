"""The history of a row, and the activity log of all changes."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import Change
from healthtrack.core.lists import log_pages
from healthtrack.imports.models import ImportRun
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.finished_imports import Imported
from tests.support.import_files import CATALOGUE, RECORDS, Kind, write_csv
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn
from trackers.models import TrackerModel

CHANGES = "/admin/changes/"
PATIENT = "/admin/patients/medicalrecord/P1/history/"
HAVE_HISTORY = ("patients.medicalrecord", "trackers.trackermodel", "trackers.fitnesstracker", "trackers.trackeralias")
SEES = ("audit.view_change", *(kind.replace(".", ".view_") for kind in HAVE_HISTORY))

Import = Callable[..., Imported]
pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(sign_in: SignIn) -> Client:
    """Return somebody who sees the history of data, but not of accounts."""
    return sign_in(*SEES)


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    def run(kind: Kind, *changes: dict[str, str]) -> Imported:
        return kind.run(write_csv(tmp_path / "rows.csv", kind.rows(*changes)))

    return run


def rows(client: Client, page_address: str) -> list[str]:
    """Return the text of each row of the table."""
    return Page.get(client, page_address).texts("tbody tr")


def by(person: User, run_id: int = 7) -> Any:
    """Attribute changes to a person, as a request of theirs does."""
    return acting_as(person.pk, run_id)


def make_records(count: int) -> None:
    MedicalRecord.objects.bulk_create(
        MedicalRecord(patient_id=f"P{n:02}", name="A", date_of_birth="1980-05-17", gender="F", medications=False)
        for n in range(count)
    )


class TestPermissions:
    @pytest.mark.parametrize("kind", HAVE_HISTORY)
    def test_the_history_of_a_row_needs_the_permissions_for_the_row_and_for_histories(
        self, sign_in: SignIn, kind: str
    ) -> None:
        model = factories.tracker_model()
        rows = factories.medical_record(), model, factories.variant(model), factories.tracker_alias("My band", model)
        page = reverse(f"admin:{kind.replace('.', '_')}_history", args=[rows[HAVE_HISTORY.index(kind)].pk])
        view = kind.replace(".", ".view_")
        assert_page_needs(sign_in, page, view, "audit.view_change", others=[view, "imports.view_importrun"])
        assert sign_in("audit.view_change").get(page).status_code == 403

    def test_the_activity_log_needs_its_permission(self, sign_in: SignIn) -> None:
        assert_page_needs(sign_in, CHANGES, "audit.view_change", others=SEES[1:])

    def test_changes_of_rows_that_a_person_may_not_view_are_not_listed(self, sign_in: SignIn) -> None:
        factories.link(factories.medical_record(), factories.tracker_model())
        (row,) = rows(sign_in("audit.view_change", "trackers.view_trackermodel"), CHANGES)
        assert "added tracker model Xiaomi Band 2" in row

    def test_a_record_links_to_its_history_for_people_with_the_permission(self, sign_in: SignIn) -> None:
        factories.medical_record()
        page = "/admin/patients/medicalrecord/P1/change/"
        keeper = sign_in("patients.view_medicalrecord")
        assert PATIENT not in keeper.get(page).content.decode()
        assert PATIENT in sign_in(*SEES).get(page).content.decode()


class TestPatientHistory:
    def test_fields_links_people_and_imports_are_in_one_history(self, auditor: Client, imported: Import) -> None:
        imported(CATALOGUE, {})
        first = imported(RECORDS, {}).run
        second = imported(RECORDS, {"Tracker": "None", "name": "Ada Lovelace"}).run
        MedicalRecord.objects.update(last_appointment_date=date(2025, 3, 1))
        third, removed, changed, *made = rows(auditor, PATIENT)
        assert "Medical record P1 changed Last appointment date: was 14 Jun 2024 became 1 Mar 2025" in third
        assert "Tracker P1 and Xiaomi Band 2 removed" in removed
        assert f"Added by import: was {first.pk}" in removed
        assert "the command line Medical record P1 changed Name: was Ada Byron became Ada Lovelace" in changed
        assert "Reported tracker: was Band 2 became none" in changed
        assert changed.endswith(f"Import {second.pk}")
        assert [row for row in made if f"Medical record P1 added Import {first.pk}" in row] == made

    def test_gender_and_yes_or_no_are_shown_in_words(self, auditor: Client) -> None:
        factories.medical_record()
        MedicalRecord.objects.update(gender="M", medications=True)
        row, *_ = rows(auditor, PATIENT)
        assert "Gender: was Female became Male" in row
        assert "Takes medication: was No became Yes" in row

    def test_a_deleted_patient_has_a_history(self, auditor: Client) -> None:
        factories.medical_record().delete()
        gone, came = rows(auditor, PATIENT)
        assert "Medical record P1 removed" in gone
        assert "Medical record P1 added" in came
        assert "This medical record was deleted. Its history is below." in auditor.get(PATIENT).content.decode()

    def test_a_deleted_patient_with_an_unusual_number_has_a_history(self, auditor: Client) -> None:
        factories.medical_record("A/1_x").delete()
        assert len(rows(auditor, "/admin/patients/medicalrecord/A_2F1_5Fx/history/")) == 2

    def test_an_internal_field_is_listed_without_its_values(self, auditor: Client) -> None:
        factories.medical_record()
        MedicalRecord.objects.update(unlinked_model_ids=[4711])
        row, *_ = rows(auditor, PATIENT)
        assert "Models unlinked by hand" in row
        assert "4711" not in row

    def test_the_number_of_queries_does_not_depend_on_the_number_of_changes(
        self, auditor: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        record = factories.medical_record()
        for number in range(30):
            factories.link(record, factories.tracker_model(f"Brand {number}"))
        with django_assert_max_num_queries(15):
            assert len(rows(auditor, PATIENT)) == 31


class TestTrackerHistory:
    def test_the_history_of_a_model_includes_its_variants_and_resolved_names(self, auditor: Client) -> None:
        model = factories.tracker_model()
        variant = factories.variant(model)
        factories.tracker_alias("My band", model)
        TrackerModel.objects.update(device_type="Smartwatch")
        factories.link(factories.medical_record(), model)
        shown = rows(auditor, f"/admin/trackers/trackermodel/{model.pk}/history/")
        assert "Tracker model Xiaomi Band 2 changed Device type: was FitnessBand became Smartwatch" in shown[0]
        assert "Resolved tracker name My band added" in shown[1]
        assert "Tracker model: became Xiaomi Band 2" in shown[1]
        assert "Variant Xiaomi Band 2: Black added" in shown[2]
        assert len(shown) == 4
        (row,) = rows(auditor, f"/admin/trackers/fitnesstracker/{variant.pk}/history/")
        assert "Selling price: became 2499" in row

    def test_a_resolved_name_has_a_history(self, auditor: Client) -> None:
        alias = factories.tracker_alias("My band", factories.tracker_model())
        (row,) = rows(auditor, f"/admin/trackers/trackeralias/{alias.pk}/history/")
        assert "Resolved tracker name My band added" in row

    def test_rows_added_by_an_import_name_the_run(self, auditor: Client, imported: Import) -> None:
        run = imported(CATALOGUE, {}, {}).run
        model = TrackerModel.objects.get()
        shown = rows(auditor, f"/admin/trackers/trackermodel/{model.pk}/history/")
        assert len(shown) == 3
        assert all(row.endswith(f"added Import {run.pk}") for row in shown)

    def test_who_imported_rows_is_shown_by_the_name_of_the_time(self, auditor: Client, imported: Import) -> None:
        person = factories.staff(username="steward")
        imported(CATALOGUE, {})
        ImportRun.objects.update(started_by=person)
        User.objects.filter(pk=person.pk).update(username="innocent")
        shown = rows(auditor, f"/admin/trackers/trackermodel/{TrackerModel.objects.get().pk}/history/")
        assert ["steward" in row for row in shown] == [True, True]

    def test_a_deleted_model_is_shown_with_its_former_name(self, auditor: Client) -> None:
        model = factories.tracker_model()
        number = model.pk
        model.delete()
        gone, _ = rows(auditor, f"/admin/trackers/trackermodel/{number}/history/")
        assert "Tracker model Xiaomi Band 2 removed" in gone


class TestActivityLog:
    def test_changes_are_listed_newest_first_with_links_to_their_histories(self, auditor: Client) -> None:
        model = factories.tracker_model()
        factories.link(factories.medical_record(), model)
        shown = rows(auditor, CHANGES)
        assert [re.sub(r".*The database role \w+ | (Patient|Brand|Name).*", "", row) for row in shown] == [
            "added tracker P1 and Xiaomi Band 2 Source: became Staff",
            "added medical record P1",
            "added tracker model Xiaomi Band 2",
        ]
        page = auditor.get(CHANGES).content.decode()
        assert page.count(f'<a href="{PATIENT}">') == 2
        assert f'<a href="/admin/trackers/trackermodel/{model.pk}/history/">' in page

    def test_changes_can_be_filtered_by_person_day_and_import(self, auditor: Client) -> None:
        person = factories.staff(username="ada")
        factories.medical_record()
        with transaction.atomic(), by(person):
            MedicalRecord.objects.update(allergies="Pollen")
        today = timezone.localdate()
        for query, count in (
            (f"person={person.pk}", 1),
            ("run=7", 1),
            (f"day={today}", 2),
            (f"day={today - timedelta(days=1)}", 0),
            (f"person={person.pk}&run=7&day={today}", 1),
            ("", 2),
        ):
            assert len(rows(auditor, f"{CHANGES}?{query}")) == count
        assert "ada" in rows(auditor, f"{CHANGES}?run=7")[0]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("day=2024-02-30", "Enter a valid date."),
            ("day=9999-12-31", "Enter a day of the years 1900 to 2999."),
            ("run=x", "Enter a whole number."),
            ("person=0", "Select a valid"),
        ],
    )
    def test_an_invalid_filter_shows_an_error(self, auditor: Client, query: str, sentence: str) -> None:
        factories.medical_record()
        page = auditor.get(f"{CHANGES}?{query}").content.decode()
        assert sentence in page
        assert "No changes match." in page

    def test_repeated_changes_are_one_line_that_shows_each_change(self, auditor: Client) -> None:
        # One statement, so that all changes have the same time.
        make_records(12)
        shown = Page.get(auditor, CHANGES)
        (row,) = shown.texts("tbody tr")
        assert "added 12 medical records: P11, P10, P09, P08, P07 and 7 more" in row.replace(" ,", ",")
        assert "Date of birth, " in row
        (link,) = [each for each in shown.addresses("tbody a") if "group=" in each]
        each = rows(auditor, f"{CHANGES}{link}")
        assert ["added medical record P11" in each[0], "added medical record P00" in each[11]] == [True, True]
        assert "Name: became A" in each[0]

    def test_a_deleted_variant_has_the_name_that_it_had(self, auditor: Client) -> None:
        variant = factories.variant(factories.tracker_model("Xiaomi", "Band 2"), color="Black")
        name = str(variant)
        variant.delete()
        assert f"removed variant {name}" in rows(auditor, CHANGES)[0]

    def test_the_next_page_continues_after_the_last_change_shown(
        self, auditor: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(log_pages, "PAGE_SIZE", 2)
        make_records(5)
        MedicalRecord.objects.filter(pk="P01").update(name="B")
        MedicalRecord.objects.filter(pk="P02").delete()
        factories.tracker_model()
        page, seen = CHANGES, list[str]()
        while page:
            seen += [re.sub(r".*The database role \w+ (\w+ .*? \w+ \w+).*", r"\1", row) for row in rows(auditor, page)]
            older = re.search(r'<a href="(\?after=\d+)">Older', auditor.get(page).content.decode())
            page = f"{CHANGES}{older[1]}" if older else ""
        assert [" ".join(each.split()[:3]) for each in seen] == [
            "added tracker model",
            "removed medical record",
            "changed medical record",
            "added 5 medical",
        ]

    @pytest.mark.parametrize(("query", "lines"), [("", 5), ("?each=on", 50)])
    def test_the_number_of_queries_does_not_depend_on_the_number_of_changes(
        self, auditor: Client, query: str, lines: int, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(20):
            model = factories.tracker_model(f"Brand {number}")
            factories.variant(model)
            factories.tracker_alias(f"Band {number}", model)
            MedicalRecordTracker.objects.create(patient=factories.medical_record(f"P{number}"), model=model)
        with django_assert_max_num_queries(12):
            assert len(rows(auditor, f"{CHANGES}{query}")) >= lines

    def test_an_emptied_table_is_listed(self, auditor: Client) -> None:
        Change.objects.create(table_name="medical_records", action="truncate", database_role="owner")
        assert "The database role owner emptied the table of medical records" in rows(auditor, CHANGES)[0]

    def test_a_person_whom_an_earlier_version_deleted_is_shown_by_number(self, auditor: Client) -> None:
        with transaction.atomic(), acting_as(4711):
            factories.medical_record(made_by_run=None)
        assert "deleted person 4711" in rows(auditor, CHANGES)[0]

    def test_a_person_is_shown_by_the_name_of_the_time(self, auditor: Client) -> None:
        person = factories.staff(username="keeper")
        with transaction.atomic(), by(person):
            factories.medical_record(made_by_run=None)
        User.objects.filter(pk=person.pk).update(username="innocent")
        with transaction.atomic(), by(person):
            MedicalRecord.objects.update(allergies="Pollen")
        assert ["innocent" in row for row in rows(auditor, CHANGES)] == [True, False]
        assert ["keeper" in row for row in rows(auditor, PATIENT)] == [False, True]
