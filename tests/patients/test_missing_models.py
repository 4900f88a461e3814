"""Names that the catalogue lacks: adding the model, requesting it, or deciding that it is not in the catalogue."""

from typing import Any

import pytest
from django.test import Client

from patients.filters.records import RecordFilter
from patients.linking.tracker_names import Match, count_unresolved_names, get_tracker_names
from tests.support import factories
from tests.support.report_pages import page, table
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole, SignIn, client_for
from tests.support.tracker_links import links, make_catalogue, make_patients
from trackers.models import MissingModel, TrackerModel

LIST = "/admin/tracker-names/"
DISMISS, REQUEST, UNDECIDE, ADD = (f"{LIST}{name}/" for name in ("dismiss", "request", "undecide", "add"))
VIEWER = ("trackers.view_trackeralias", "patients.view_medicalrecord")
Decision = MissingModel.Decision


def send(browser: Client, address: str, name: str) -> str:
    """Send the form of a button, and return the text of the page that follows."""
    answer: Any = browser.post(address, {"name": name}, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def listed(match: Match, search: str = "") -> list[tuple[str, int]]:
    return [(each.name, each.patients) for each in get_tracker_names(dict.fromkeys(Match, 1), search)[match].names]


def found(linked: str) -> list[str]:
    return sorted(RecordFilter({"linked": linked}).qs.values_list("tracker", flat=True))


@pytest.mark.django_db
def test_a_name_marked_as_not_in_the_catalogue_needs_no_decision_until_that_is_undone(steward: Client) -> None:
    make_patients("Smart tracker", "smart tracker", "Band 8 Pro")
    assert "“Smart tracker” is marked as not in the catalogue" in send(steward, DISMISS, "Smart tracker")
    assert (listed(Match.UNMATCHED), listed(Match.NOT_IN_CATALOGUE)) == ([("Band 8 Pro", 1)], [("Smart tracker", 2)])
    assert count_unresolved_names() == (1, 0, False)
    assert (found("missing"), found("undecided")) == (["Smart tracker", "smart tracker"], ["Band 8 Pro"])
    assert len(found("unmatched")) == 3
    rows = {row[0]: row[1:3] for row in table(steward, "/reports/data-quality/")["tbody"]}
    assert rows["Trackers not in the catalogue"] == ["1", "2"]
    assert rows["Unmatched tracker names"] == ["1", "1"]
    assert "needs a decision again" in send(steward, UNDECIDE, "SMART TRACKER")
    assert not MissingModel.objects.exists()
    assert count_unresolved_names() == (2, 0, False)


@pytest.mark.django_db
def test_a_steward_requests_a_model_and_a_record_keeper_adds_it(steward: Client) -> None:
    factories.tracker_model("Xiaomi", "Band 7")
    make_patients("Xiaomi Band 8 Pro")
    assert "“Xiaomi Band 8 Pro” was requested" in send(steward, REQUEST, "Xiaomi Band 8 Pro")
    assert "requested for the catalogue" not in page(steward, "/")
    keeper = client_for(make_person("Record keeper"))
    assert "1 tracker model was requested for the catalogue." in page(keeper, "/")
    assert "Requested by staff on" in page(keeper, LIST)
    form = keeper.get(f"{ADD}?name=Xiaomi+Band+8+Pro")["Location"]
    assert "brand_name=Xiaomi&model_name=Band+8+Pro" in form
    values = {"brand_name": "Xiaomi", "model_name": "Band 8 Pro", "device_type": "FitnessBand"}
    no_variants = {"variants-TOTAL_FORMS": "0", "variants-INITIAL_FORMS": "0"}
    assert keeper.post(form, {**values, **no_variants})["Location"] == LIST
    assert links() == {"P0": {"Xiaomi Band 8 Pro"}}
    assert "requested for the catalogue" not in page(keeper, "/")
    assert listed(Match.UNMATCHED) == []


@pytest.mark.django_db
def test_a_record_keeper_declines_a_request(as_role: AsRole) -> None:
    make_patients("Smart tracker")
    factories.missing_model("Smart tracker")
    keeper = as_role("Record keeper")
    assert "Decline the request" in page(keeper, LIST)
    assert "The request for “Smart tracker” was removed." in send(keeper, UNDECIDE, "Smart tracker")
    assert "somebody else undid it" in send(keeper, UNDECIDE, "Smart tracker")


@pytest.mark.django_db
def test_a_later_decision_replaces_an_earlier_one(steward: Client) -> None:
    catalogue = make_catalogue()
    make_patients("Fenix")
    send(steward, REQUEST, "Fenix")
    send(steward, DISMISS, "fenix")
    assert [(each.name, each.decision) for each in MissingModel.objects.all()] == [("fenix", Decision.DISMISSED)]
    steward.post(f"{LIST}resolve/", {"name": "Fenix", "model": catalogue["Amazfit Bip U"].pk})
    assert not MissingModel.objects.exists()
    assert listed(Match.RESOLVED) == [("Fenix", 1)]


@pytest.mark.django_db
def test_a_model_added_later_wins_over_the_decision_that_there_is_none(steward: Client) -> None:
    make_patients("Loop")
    send(steward, DISMISS, "Loop")
    factories.tracker_model("Polar", "Loop")
    assert links() == {"P0": {"Polar Loop"}}
    assert listed(Match.NOT_IN_CATALOGUE) == []
    assert "The catalogue has a model of this name: Polar Loop." in send(steward, REQUEST, "loop")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "sentence"), [("", "Reported tracker: This field is required."), ("x" * 301, "has 301")]
)
def test_an_invalid_name_is_refused_with_a_sentence(steward: Client, name: str, sentence: str) -> None:
    assert sentence in send(steward, DISMISS, name)
    assert not MissingModel.objects.exists()


@pytest.mark.django_db
def test_names_are_found_by_any_of_their_words_in_any_order(steward: Client) -> None:
    make_catalogue()
    make_patients("Mi Band 8 Pro", "Watch Fit 3", "100% band", "Band 2", "My_band")
    assert listed(Match.UNMATCHED, "band PRO") == listed(Match.UNMATCHED, " pro  band ") == [("Mi Band 8 Pro", 1)]
    assert listed(Match.UNMATCHED, "%") == [("100% band", 1)]
    assert listed(Match.UNMATCHED, "y_b") == [("My_band", 1)]
    assert listed(Match.AMBIGUOUS, "band") == [("Band 2", 1)]
    text = page(steward, f"{LIST}?find=watch")
    assert "Watch Fit 3" in text
    assert "No such name has these words." in text


@pytest.mark.parametrize(
    ("address", "permission"),
    [
        (DISMISS, "trackers.add_missingmodel"),
        (REQUEST, "trackers.add_missingmodel"),
        (UNDECIDE, "trackers.delete_missingmodel"),
    ],
)
def test_each_decision_needs_its_permission(sign_in: SignIn, address: str, permission: str) -> None:
    factories.missing_model("Loop")
    before = list(MissingModel.objects.values())
    assert "/login/" in Client().post(address, {"name": "Loop"})["Location"]
    others = {"trackers.add_missingmodel", "trackers.delete_missingmodel"} - {permission}
    assert sign_in(*VIEWER, *others).post(address, {"name": "Loop"}).status_code == 403
    assert list(MissingModel.objects.values()) == before


@pytest.mark.parametrize("next_page", ["https://example.org/", "//example.org", "", "javascript:x"])
def test_after_adding_a_model_nobody_is_led_to_another_site(as_role: AsRole, next_page: str) -> None:
    values = {"brand_name": "Polar", "model_name": "Loop", "device_type": "FitnessBand"}
    no_variants = {"variants-TOTAL_FORMS": "0", "variants-INITIAL_FORMS": "0"}
    answer: Any = as_role("Record keeper").post(
        f"/admin/trackers/trackermodel/add/?next={next_page}", {**values, **no_variants}
    )
    assert answer["Location"] == "/admin/trackers/trackermodel/"
    assert TrackerModel.objects.filter(model_name="Loop").exists()
