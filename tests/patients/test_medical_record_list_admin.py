"""The list of medical records: columns, filters, search, and invalid addresses."""

from datetime import date
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.search_tokens import with_search_token
from tests.support.signing_in import AsRole, SignIn

LIST = "/admin/patients/medicalrecord/"


def found(browser: Client, **query: str) -> list[str]:
    answer = browser.get(LIST, with_search_token(browser, LIST, query))
    assert answer.status_code == 200
    return [record.pk for record in answer.context["cl"].queryset]


def test_the_list_needs_the_permission_to_see_records(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, LIST, "patients.view_medicalrecord", others=["trackers.view_trackermodel"])


def test_a_row_shows_the_patient_and_the_reported_and_linked_trackers(keeper: Client) -> None:
    models = [factories.tracker_model(brand_name=brand) for brand in ("Xiaomi", "Huawei")]
    born = date(timezone.localdate().year - 40, 1, 1)
    record = factories.medical_record(date_of_birth=born, medical_conditions="Asthma", tracker="band 2")
    for model in models:
        factories.link(record, model)
    text = keeper.get(LIST).content.decode()
    for cell in ("Ada Byron", "40", "Female", "Asthma", "band 2", "Huawei Band 2, Xiaomi Band 2"):
        assert f">{cell}</td>" in text or f">{cell}</a></td>" in text


def test_yes_and_no_are_words(keeper: Client) -> None:
    factories.medical_record("P1", medications=True)
    factories.medical_record("P2", medications=False)
    page = Page.get(keeper, LIST)
    assert page.texts(".field-takes_medication") == ["Yes", "No"]
    assert not page.all("#result_list img")


def test_the_number_and_the_name_lead_to_the_record(keeper: Client) -> None:
    factories.medical_record("P1")
    record = "/admin/patients/medicalrecord/P1/change/"
    assert Page.get(keeper, LIST).addresses("#result_list tbody a") == [record, record]


def test_the_page_of_a_record_returns_to_the_filters_and_the_page_of_the_list(keeper: Client) -> None:
    factories.medical_record("P_1")
    filters = urlencode({"_changelist_filters": "gender=F&p=1"})
    record = f"/admin/patients/medicalrecord/P_5F1/change/?{filters}"
    assert Page.get(keeper, f"{LIST}?gender=F&p=1").addresses("#result_list tbody a") == [record, record]


def test_long_conditions_are_shortened_with_the_full_text_as_title(keeper: Client) -> None:
    conditions = ", ".join(f"Condition {number}" for number in range(20))
    factories.medical_record(medical_conditions=conditions)
    text = keeper.get(LIST).content.decode()
    assert f'title="{conditions}"' in text
    assert f">{conditions[:59]}…<" in text


def test_the_age_column_sorts_by_age_and_then_in_reverse(keeper: Client) -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    factories.medical_record("P2", date_of_birth=date(2010, 1, 1))
    assert found(keeper, o="3") == ["P2", "P1"]
    assert found(keeper, o="-3") == ["P1", "P2"]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("P1", ["P1", "P12"]), ("P12", ["P12"]), ("byron ad", ["P1"]), ("2", []), ("hop P12", ["P12"])],
)
def test_search_finds_the_beginning_of_the_number_and_words_of_the_name(
    keeper: Client, words: str, numbers: list[str]
) -> None:
    factories.medical_record("P1")
    factories.medical_record("P12", name="Grace Hopper")
    assert found(keeper, q=words) == numbers


def test_of_a_repeated_parameter_the_last_value_counts_and_the_body_of_a_form_does_not(keeper: Client) -> None:
    factories.medical_record("P1")
    factories.medical_record("P2", gender="M")
    page = keeper.get(f"{LIST}?gender=F&gender=M")
    assert [record.pk for record in page.context["cl"].queryset] == ["P2"]
    page = keeper.post(f"{LIST}?gender=M", {"gender": "F"})
    assert [record.pk for record in page.context["cl"].queryset] == ["P2"]


def test_gender_and_medication_filter_the_list(keeper: Client) -> None:
    factories.medical_record("P1")
    factories.medical_record("P2", gender="M", medications=True)
    assert found(keeper, gender="M") == ["P2"]
    assert found(keeper, medication="no") == ["P1"]


@pytest.mark.parametrize(
    "lookup",
    [
        "name__icontains",
        "name__iregex",
        "name",
        "patient_id",
        "medical_conditions__contains",
        "date_of_birth__year",
        "gender__exact",
        "tracker_models__brand_name",
        "unlinked_model_ids",
        "unheard",
    ],
)
def test_a_lookup_that_is_no_filter_shows_no_record_and_is_named(keeper: Client, lookup: str) -> None:
    factories.medical_record("P1", name="Wilhelmina Trelawney")
    for value in ("Trelawney", "Ada"):
        answer = keeper.get(LIST, {lookup: value, "gender": "F"})
        text = answer.content.decode()
        assert f"No records shown. “{lookup}” is not a filter of this list." in text
        assert not answer.context["cl"].result_list
        assert "Wilhelmina" not in text
        assert answer.context["cl"].clear_all_filters_qs == "?"
    assert not Access.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_lookup_that_is_no_filter_exports_no_record(as_role: AsRole, method: str) -> None:
    factories.medical_record("P1")
    address = f"{LIST}export/?name__icontains=Ada"
    answer = getattr(as_role("Analyst"), method)(address, {"format": "0", "resource": ""} if method == "post" else None)
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?name__icontains=Ada")
    assert not Access.objects.exists()


def test_an_action_on_a_lookup_that_is_no_filter_finds_no_record(sign_in: SignIn) -> None:
    factories.medical_record("P1")
    client = sign_in("patients.view_medicalrecord", "patients.bulk_delete_medicalrecord")
    form = {"action": "delete_records", "_selected_action": "P1", "step": "confirm", "count": "1"}
    client.post(f"{LIST}?name__icontains=Ada", form)
    assert MedicalRecord.objects.exists()


def test_an_active_filter_is_shown_with_a_link_that_removes_it(keeper: Client) -> None:
    model = factories.tracker_model()
    for number in ("P1", "P2", "P3"):
        factories.medical_record(number)
    factories.link(MedicalRecord.objects.get(pk="P2"), model)
    parameters = {"tracker_model": str(model.pk), "linked": "some", "tracker": "", "q": "ada"}
    query = with_search_token(keeper, LIST, parameters)
    token = query["found"]
    assert found(keeper, **query) == ["P2"]
    text = keeper.get(LIST, query).content.decode()
    assert "Tracker model: <strong>Xiaomi Band 2</strong>" in text
    assert f'<a href="?found={token}&amp;linked=some&amp;tracker=">Tracker model: ' in text
    assert f'<a href="?found={token}&amp;tracker=&amp;tracker_model={model.pk}">Linked trackers: ' in text
    assert "Tracker model:" not in keeper.get(LIST).content.decode()


def test_an_invalid_filter_gives_a_message_and_no_records(keeper: Client) -> None:
    factories.medical_record()
    answer = keeper.get(LIST, {"min_age": "x", "linked": "y"})
    text = answer.content.decode()
    assert "No records shown. “x” is not a valid value for “Age from”. Use whole years from 0 to 150." in text
    assert "No records shown. “y” is not a valid value for “Linked trackers”. Use some, none, brands" in text
    assert "Age from: <strong>x</strong>" in text
    assert not answer.context["cl"].result_list


def get_choices(browser: Client, **query: str) -> dict[str, list[str]]:
    """Return the choices of every filter beside the list; the selected one in brackets."""
    changelist = browser.get(LIST, query).context["cl"]
    return {
        spec.title: [
            f"[{choice['display']}]" if choice["selected"] else choice["display"] for choice in spec.choices(changelist)
        ]
        for spec in changelist.filter_specs
    }


def test_the_filters_are_listed_beside_the_records(keeper: Client) -> None:
    factories.tracker_model(brand_name="Xiaomi")
    factories.tracker_model(brand_name="huawei")
    for number, conditions in enumerate(("Obesity", "Asthma", "asthma, Obesity", "ASTHMA", "")):
        factories.medical_record(f"P{number}", medical_conditions=conditions)
    choices = get_choices(keeper, min_age="19", max_age="35", brand="huawei", condition="Gout")
    this_year = timezone.localdate().year
    assert choices == {
        "age group": ["All", "0-18", "[19-35]", "36-50", "51+"],
        "condition": ["All", "ASTHMA", "Obesity"],
        "linked trackers": [
            *("[All]", "Some", "None", "Ambiguous (several brands)"),
            *("No tracker reported", "No match for the reported tracker"),
            *("No match, without a decision", "No match: not in the catalogue"),
        ],
        "tracker brand": ["All", "[huawei]", "Xiaomi"],
        "gender": ["[All]", "Female", "Male", "Other", "Unknown"],
        "medication": ["[All]", "Yes", "No"],
        "last appointment": [
            *("[All]", *(str(this_year - ago) for ago in range(5))),
            *("Earlier", "None in 2 years", "Never"),
        ],
    }


def test_a_choice_keeps_the_other_filters_and_the_search(keeper: Client) -> None:
    parameters = {"min_age": "19", "max_age": "35", "gender": "F", "q": "ada", "p": "2"}
    query = with_search_token(keeper, LIST, parameters)
    token = query["found"]
    changelist = keeper.get(LIST, query).context["cl"]
    choices = {choice["display"]: choice["query_string"] for choice in changelist.filter_specs[0].choices(changelist)}
    assert choices["51+"] == f"?found={token}&gender=F&min_age=51"
    assert choices["All"] == f"?found={token}&gender=F"
    assert changelist.clear_all_filters_qs == f"?found={token}"


@pytest.mark.parametrize("rows", [3, 50])
@pytest.mark.parametrize("query", [{}, {"q": "ada"}, {"linked": "some"}, {"_facets": "1"}])
def test_the_list_needs_the_same_queries_for_any_number_of_rows(
    keeper: Client, rows: int, query: dict[str, str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    models = [factories.tracker_model(), factories.tracker_model(brand_name="Huawei")]
    for number in range(rows):
        record = factories.medical_record(f"P{number}")
        for model in models:
            factories.link(record, model)
    query = with_search_token(keeper, LIST, query)
    with django_assert_max_num_queries(14):
        keeper.get(LIST, query)


@pytest.mark.parametrize(
    "query",
    [
        {"age": "x"},
        {"q": "\0"},
        {"q": '"'},
        {"q": "'ada"},
        {"p": "abc"},
        {"p": "99"},
        {"o": "99"},
        {"o": "-x.3"},
        {"e": "1", "p": "99"},
        {"gender__exact": "\0"},
        {"gender": "x"},
        {"name": "\0"},
        {"medications__exact": "x"},
        {"linked": "x"},
        {"tracker": "\0"},
        {"tracker": ""},
        {"tracker_model": "x"},
        {"tracker_model": "99999999999999999999"},
        {"appointment": "x"},
        {"appointment": "99999"},
        {"appointment": "0"},
        {"last_appointment_date__year": "99999999999"},
        {"last_appointment_date__gte": "yesterday"},
        {"date_of_birth": "2000-02-30"},
        {"link_count": "99999999999999999999"},
        {"unlinked_model_ids": "x"},
        {"_facets": "1", "linked": "brands"},
    ],
    ids=urlencode,
)
def test_invalid_parameters_cause_no_error(keeper: Client, query: dict[str, str]) -> None:
    factories.medical_record()
    assert keeper.get(LIST, query, follow=True).status_code == 200
