"""The summary at the top of a record's page, the parts that apps add, and the suggested conditions and allergies."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from healthtrack.audit.models import Access
from healthtrack.core.permissions import Person
from patients import summary_parts, terms
from patients.linking import links
from patients.models import MedicalRecord
from patients.summary_parts import SummaryPart
from tests.support import factories
from tests.support.forms import form_with
from tests.support.import_files import CATALOGUE, RECORDS, write_csv
from tests.support.page import Page, text_of
from tests.support.signing_in import AsRole, SignIn

ADDRESS = "/admin/patients/medicalrecord/P1/change/"
VIEW = "patients.view_medicalrecord"
VALUES = {
    "date_of_birth": date(1980, 1, 1),
    "medical_conditions": "Asthma,Obesity , ",
    "allergies": "Pollen",
    "medications": True,
    "last_appointment_date": date(2025, 6, 14),
    "tracker": "Band 2",
}


def facts(client: Client) -> dict[str, str]:
    """Return the facts of the summary by their names."""
    parts = Page.get(client, ADDRESS).all(".record-summary dl > div")
    return {text_of(part.cssselect("dt")[0]): text_of(part.cssselect("dd")[0]) for part in parts}


def test_it_has_what_matters_about_a_patient(sign_in: SignIn) -> None:
    factories.tracker_model()
    factories.medical_record("P1", **VALUES)
    links.relink(["P1"])
    client = sign_in(VIEW)
    age = timezone.localdate().year - 1980
    assert text_of(Page.get(client, ADDRESS).one(".record-summary .identity")) == (
        f"Female, {age} years, born 1 Jan 1980"
    )
    assert facts(client) == {
        "Conditions": "Asthma Obesity",
        "Allergies": "Pollen",
        "Medication": "Yes",
        "Last appointment": "14 Jun 2025",
        "Trackers": "Xiaomi Band 2 reported as Band 2",
    }


def test_it_says_what_there_is_none_of(sign_in: SignIn) -> None:
    factories.medical_record("P1")
    none = dict.fromkeys(("Conditions", "Allergies", "Last appointment"), "None")
    assert facts(sign_in(VIEW)) == none | {"Medication": "No", "Trackers": "None linked"}


def test_who_changed_the_record_last_is_shown_to_readers_of_histories(as_role: AsRole) -> None:
    factories.medical_record("P1")
    keeper = as_role("Record keeper")
    opened = form_with(keeper.get(ADDRESS), "name")
    keeper.post(opened.address, {**opened.fields, "name": "Ada King"})
    assert facts(keeper)["Latest change"].endswith("by staff")
    link = Page.get(keeper, ADDRESS).one(".record-summary a[href$='/history/']")
    assert link.get("href") == "/admin/patients/medicalrecord/P1/history/"


def test_an_import_is_the_latest_change_until_somebody_edits_the_record(as_role: AsRole, tmp_path: Path) -> None:
    RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({})))
    keeper = as_role("Record keeper")
    assert facts(keeper)["Latest change"].endswith("by the command line")
    opened = form_with(keeper.get(ADDRESS), "name")
    keeper.post(opened.address, {**opened.fields, "name": "Ada King"})
    assert facts(keeper)["Latest change"].endswith("by staff")


def test_possible_duplicates_follow_and_are_recorded_as_seen(sign_in: SignIn) -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number)
    page = Page.get(sign_in(VIEW), ADDRESS)
    assert "/admin/patients/medicalrecord/P2/change/" in page.addresses(".record-summary + section a")
    assert sorted(Access.objects.get().patient_ids or []) == ["P1", "P2"]


def test_people_who_may_only_read_see_no_advice_for_typing(sign_in: SignIn) -> None:
    factories.medical_record("P1")
    page = Page.get(sign_in(VIEW), ADDRESS)
    assert "Separate with commas" not in page.text
    assert page.texts(".no-rows") == ["None"]
    assert not page.all("main table")
    assert "Medication: No" in page.text


def show_first(record: MedicalRecord, _: Person) -> str | None:
    return "one" if record.pk == "P1" else None


@pytest.fixture
def part() -> Iterator[SummaryPart]:
    """Register a part that shows the number of patients P1, and nothing of others."""
    part = SummaryPart("Readings", "frame/request-id.html", f"{__name__}.show_first")
    summary_parts.register(part)
    yield part
    summary_parts.unregister(part)


def test_apps_add_parts_which_are_left_out_where_they_have_nothing_to_show(sign_in: SignIn, part: SummaryPart) -> None:
    factories.medical_record("P1")
    factories.medical_record("P2")
    client = sign_in(VIEW)
    assert "Readings" in facts(client)
    assert "Readings" not in Page.get(client, ADDRESS.replace("P1", "P2")).text


class TestSuggestions:
    def test_frequent_terms_come_first_in_their_usual_spelling(self, db: None) -> None:
        for number, text in enumerate(("Asthma", "asthma, Gout", "Gout,Asthma", "gout", "Obesity", "Gout", " , ")):
            factories.medical_record(f"P{number}", medical_conditions=text, allergies="Pollen")
        assert terms.list_conditions() == ["Gout", "Asthma", "Obesity"]
        assert terms.list_allergies() == ["Pollen"]

    def test_they_are_counted_again_after_ten_minutes(self, db: None) -> None:
        assert terms.list_conditions() == []
        factories.medical_record("P1", medical_conditions="Gout")
        assert terms.list_conditions() == []
        caches["reports"].clear()  # as time does
        assert terms.list_conditions() == ["Gout"]

    def test_only_people_who_may_edit_get_them(self, sign_in: SignIn) -> None:
        factories.medical_record("P1", medical_conditions="Gout")
        assert not Page.get(sign_in(VIEW), ADDRESS).all("datalist")


def test_a_link_that_a_later_import_made_is_the_latest_change(sign_in: SignIn, tmp_path: Path) -> None:
    record = factories.medical_record("P1", tracker="Band 9")
    client = sign_in(VIEW, "audit.view_change")
    assert facts(client)["Latest change"].partition("UTC by ")[2].startswith("the database role ")
    CATALOGUE.run(write_csv(tmp_path / "rows.csv", CATALOGUE.rows({"Model Name": "Band 9"})))
    assert record.tracker_models.exists()
    assert facts(client)["Latest change"].endswith("by the command line")
