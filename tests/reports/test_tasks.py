"""The tasks on Home: for whom, in which order, and how people dismiss them."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from healthtrack.imports.models import ImportFile, State
from patients.filters.records import RecordFilter
from patients.linking.tracker_names import count_unresolved_patients
from patients.models import MedicalRecord
from reports.models import DismissedTask
from tests.support import factories
from tests.support.page import Page
from tests.support.report_pages import page
from tests.support.signing_in import SignIn
from trackers.models import MissingModel

STEWARD = (
    "patients.view_medicalrecord",
    "patients.import_medicalrecord",
    "trackers.view_trackeralias",
    "trackers.add_trackeralias",
)


def tasks(client: Client) -> list[str]:
    """Return the sentences under “Needs attention”, in their order."""
    return [" ".join(text.split()) for text in Page.get(client, "/").texts(".tasks li > span")]


def dismiss(client: Client, key: str) -> None:
    assert client.post("/tasks/dismiss/", {"key": key})["Location"] == "/"


def make_patients(*reported: str) -> None:
    for number, tracker in enumerate(reported):
        factories.medical_record(f"P{number}", tracker=tracker)


def test_tasks_are_sorted_by_the_patients_that_they_affect(sign_in: SignIn) -> None:
    make_patients("Nobody's Watch", "Nobody's Watch", "Other")
    factories.import_run(State.FAILED, finished_at=timezone.now(), file_name="failed.csv")
    factories.import_run(State.CHECKED, read_count=2, file_name="small.csv")
    factories.import_run(State.CHECKED, read_count=9, file_name="large.csv")
    assert tasks(sign_in(*STEWARD)) == [
        "large.csv is ready to import. 9 patients",
        "2 tracker names match no model of the catalogue. 3 patients",
        "small.csv is ready to import. 2 patients",
        "failed.csv was not imported.",
    ]


@pytest.mark.parametrize("missing", STEWARD)
def test_only_people_who_may_act_see_a_task(sign_in: SignIn, missing: str) -> None:
    make_patients("Nobody's Watch")
    factories.import_run(State.CHECKED)
    seen = " ".join(tasks(sign_in(*(permission for permission in STEWARD if permission != missing))))
    of_imports = {"patients.view_medicalrecord", "patients.import_medicalrecord"}
    assert ("ready to import" in seen) == (missing not in of_imports)
    assert ("matches no model" in seen) == (missing == "patients.import_medicalrecord")


def test_who_only_views_imports_has_no_task_of_them(sign_in: SignIn) -> None:
    factories.import_run(State.CHECKED)
    assert tasks(sign_in("imports.view_importrun", "patients.view_medicalrecord")) == []


def test_a_file_that_is_imported_already_is_no_task(sign_in: SignIn) -> None:
    client = sign_in(*STEWARD)
    make_patients("")
    factories.import_run(State.CHECKED)
    other = factories.import_run(State.APPLIED, finished_at=timezone.now())
    assert tasks(client) == []
    ImportFile.objects.filter(run=other).update(sha256="1" * 64)
    assert tasks(client) == ["rows.csv is ready to import."]


def test_a_dismissed_task_returns_when_its_facts_change(sign_in: SignIn) -> None:
    client = sign_in(*STEWARD)
    make_patients("Nobody's Watch")
    dismiss(client, "names-unmatched")
    assert "Nothing needs your attention." in page(client, "/")
    assert "Show 1 dismissed" in page(client, "/")
    factories.medical_record("P8", tracker="nobody's watch")
    assert tasks(client) == []
    factories.medical_record("P9", tracker="Another")
    assert tasks(client) == ["2 tracker names match no model of the catalogue. 3 patients"]
    dismiss(client, "names-unmatched")
    assert tasks(client) == []
    assert DismissedTask.objects.count() == 1


def test_dismissing_is_for_one_person_only(sign_in: SignIn) -> None:
    make_patients("Nobody's Watch")
    dismiss(sign_in(*STEWARD), "names-unmatched")
    assert len(tasks(sign_in(*STEWARD))) == 1


def test_dismissed_tasks_can_be_shown_again(sign_in: SignIn) -> None:
    client = sign_in(*STEWARD)
    make_patients("Nobody's Watch")
    dismiss(client, "names-unmatched")
    assert client.post("/tasks/restore/")["Location"] == "/"
    assert len(tasks(client)) == 1


@pytest.mark.parametrize("key", ["", "no-patients", "names-unmatched", "x" * 500, "\x00"])
def test_only_tasks_of_the_person_that_have_facts_can_be_dismissed(sign_in: SignIn, key: str) -> None:
    client = sign_in(*STEWARD)
    assert tasks(client) == ["There are no patients yet."]
    dismiss(client, key)
    assert tasks(client) == ["There are no patients yet."]
    assert not DismissedTask.objects.exists()


def test_each_task_has_a_button_with_a_name_of_its_own(sign_in: SignIn) -> None:
    make_patients("Nobody's Watch")
    factories.import_run(State.CHECKED)
    names = re.findall(r'aria-label="(Dismiss: [^"]+)"', page(sign_in(*STEWARD), "/"))
    assert len(set(names)) == 2


@pytest.mark.django_db
def test_the_patients_of_names_are_those_that_the_list_of_records_finds() -> None:
    honor, xiaomi = factories.tracker_model("Honor", "Band 2"), factories.tracker_model("Xiaomi", "Band 2")
    make_patients("Band 2", "Band 2", "Loop", "Loop 9", "")
    factories.missing_model("Loop 9", MissingModel.Decision.DISMISSED)
    for number, source in enumerate(("import", "staff")):
        record = MedicalRecord.objects.get(pk=f"P{number}")
        factories.link(record, honor, source)
        factories.link(record, xiaomi, source)
    listed = (RecordFilter({"linked": linked}).qs.count() for linked in ("undecided", "brands"))
    assert count_unresolved_patients() == tuple(listed) == (1, 1)
