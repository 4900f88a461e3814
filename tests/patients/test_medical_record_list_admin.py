"""The list of medical records: columns, filters, search, and what odd addresses get."""

from datetime import date
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from patients.models import MedicalRecord
from tests import factories
from tests.access import assert_page_needs
from tests.conftest import SignIn

LIST = "/admin/patients/medicalrecord/"


@pytest.fixture
def keeper(sign_in: SignIn) -> Client:
    return sign_in("patients.view_medicalrecord", "patients.delete_medicalrecord")


def found(browser: Client, **query: str) -> list[str]:
    answer = browser.get(LIST, query)
    assert answer.status_code == 200
    return [record.pk for record in answer.context["cl"].queryset]


def test_the_list_needs_the_permission_to_see_records(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, LIST, "patients.view_medicalrecord", others=["trackers.view_trackermodel"])


def test_a_row_says_who_the_patient_is_and_which_trackers_are_stated_and_linked(keeper: Client) -> None:
    models = [factories.tracker_model(brand_name=brand) for brand in ("Xiaomi", "Huawei")]
    born = date(timezone.localdate().year - 40, 1, 1)
    record = factories.medical_record(date_of_birth=born, medical_conditions="Asthma", tracker="band 2")
    for model in models:
        factories.link(record, model)
    text = keeper.get(LIST).content.decode()
    for cell in ("Ada Byron", "40", "Female", "Asthma", "band 2", "Huawei Band 2, Xiaomi Band 2"):
        assert f">{cell}</td>" in text


def test_long_conditions_are_shortened_and_stay_readable_whole(keeper: Client) -> None:
    conditions = ", ".join(f"Condition {number}" for number in range(20))
    factories.medical_record(medical_conditions=conditions)
    text = keeper.get(LIST).content.decode()
    assert f'title="{conditions}"' in text
    assert f">{conditions[:59]}…<" in text


def test_the_age_column_puts_the_young_first_and_on_a_second_click_the_old(keeper: Client) -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    factories.medical_record("P2", date_of_birth=date(2010, 1, 1))
    assert found(keeper, o="3") == ["P2", "P1"]
    assert found(keeper, o="-3") == ["P1", "P2"]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("P1", ["P1", "P12"]), ("P12", ["P12"]), ("byron ad", ["P1"]), ("2", []), ("hop P12", ["P12"])],
)
def test_search_takes_the_beginning_of_the_number_and_words_of_the_name(
    keeper: Client, words: str, numbers: list[str]
) -> None:
    factories.medical_record("P1")
    factories.medical_record("P12", name="Grace Hopper")
    assert found(keeper, q=words) == numbers


def test_gender_and_medication_filter_the_list(keeper: Client) -> None:
    factories.medical_record("P1")
    factories.medical_record("P2", gender="M", medications=True)
    assert found(keeper, gender__exact="M") == ["P2"]
    assert found(keeper, medications__exact="0") == ["P1"]


def test_the_link_filter_tells_the_linked_from_the_unlinked_and_those_to_settle(keeper: Client) -> None:
    none, one, settled, to_settle = (factories.medical_record(f"P{number}") for number in range(4))
    xiaomi = factories.tracker_model()
    other = factories.tracker_model(model_name="Band 3")
    huawei = factories.tracker_model(brand_name="Huawei")
    factories.link(one, xiaomi, "import")
    factories.link(one, other, "import")
    factories.link(settled, xiaomi, "import")
    factories.link(settled, huawei, "staff")
    factories.link(to_settle, xiaomi, "import")
    factories.link(to_settle, huawei, "import")
    assert found(keeper, linked="none") == [none.pk]
    assert found(keeper, linked="some") == [one.pk, settled.pk, to_settle.pk]
    assert found(keeper, linked="brands") == [to_settle.pk]


def test_the_patients_of_one_model_are_shown_with_the_models_name_among_the_filters(keeper: Client) -> None:
    model = factories.tracker_model()
    for number in ("P1", "P2", "P3"):
        factories.medical_record(number)
    factories.link(MedicalRecord.objects.get(pk="P2"), model)
    assert found(keeper, tracker_model=str(model.pk)) == ["P2"]
    chosen = keeper.get(LIST, {"tracker_model": model.pk}).content.decode()
    assert "Xiaomi Band 2</a>" in chosen
    assert "By tracker model" in chosen
    assert "By tracker model" not in keeper.get(LIST).content.decode()


def test_the_patients_who_state_one_tracker_are_shown_with_its_name_among_the_filters(keeper: Client) -> None:
    for number, tracker in enumerate(("Band 2", "BAND 2", "Band 22", "")):
        factories.medical_record(f"P{number}", tracker=tracker)
    assert found(keeper, tracker="band 2") == ["P0", "P1"]
    assert found(keeper, tracker="Fenix") == []
    assert "By stated tracker" in keeper.get(LIST, {"tracker": "Fenix"}).content.decode()
    assert "By stated tracker" not in keeper.get(LIST).content.decode()


def test_the_last_appointment_filters_by_year(keeper: Client) -> None:
    this_year = timezone.localdate().year
    factories.medical_record("P1", last_appointment_date=date(this_year, 1, 1))
    factories.medical_record("P2", last_appointment_date=date(this_year - 5, 12, 31))
    factories.medical_record("P3")
    assert found(keeper, appointment=str(this_year)) == ["P1"]
    assert found(keeper, appointment="earlier") == ["P2"]
    assert found(keeper, appointment="none") == ["P3"]


@pytest.mark.parametrize("rows", [3, 50])
@pytest.mark.parametrize("query", [{}, {"q": "ada"}, {"linked": "some"}, {"_facets": "1"}])
def test_the_list_asks_the_database_as_often_for_any_number_of_rows(
    keeper: Client, rows: int, query: dict[str, str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    models = [factories.tracker_model(), factories.tracker_model(brand_name="Huawei")]
    for number in range(rows):
        record = factories.medical_record(f"P{number}")
        for model in models:
            factories.link(record, model)
    with django_assert_max_num_queries(12):
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
        {"_facets": "1", "linked": "brands"},
    ],
    ids=urlencode,
)
def test_odd_parameters_do_no_harm(keeper: Client, query: dict[str, str]) -> None:
    factories.medical_record()
    assert keeper.get(LIST, query, follow=True).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_value_that_the_database_itself_refuses_does_no_harm(sign_in: SignIn) -> None:
    keeper = sign_in("patients.view_medicalrecord")
    assert keeper.get(LIST, {"unlinked_model_ids": "x"}, follow=True).status_code == 200


def test_a_filter_that_reaches_into_other_tables_is_refused(keeper: Client) -> None:
    assert keeper.get(LIST, {"tracker_models__brand_name": "x"}).status_code == 400
