import random

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.models import MedicalRecord
from reports.queries.brands import patients_by_brand
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import counts, csv_rows, page, table, xlsx_table
from tests.support.signing_in import SignIn
from trackers.models import TrackerModel

PAGE = "/reports/brands/"


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in("reports.view_brands")


def patient(number: int, *models: TrackerModel) -> None:
    record = factories.medical_record(f"P{number}")
    for model in models:
        factories.link(record, model)


def test_needs_the_permission_for_totals(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, "reports.view_brands", others=["reports.view_without_tracker"])


def test_brands_are_listed_by_number_of_patients_then_by_name(analyst: Client) -> None:
    models = [factories.tracker_model(brand) for brand in ("realme", "boAt", "Xiaomi")]
    for number, model in enumerate([models[0], models[1], models[2], models[2]]):
        patient(number, model)
    assert list(counts(analyst, PAGE).items()) == [("Xiaomi", 2), ("boAt", 1), ("realme", 1)]


def test_a_brand_counts_a_patient_with_two_of_its_models_once(analyst: Client) -> None:
    patient(1, factories.tracker_model("Xiaomi", "Band 2"), factories.tracker_model("Xiaomi", "Band 3"))
    assert counts(analyst, PAGE) == {"Xiaomi": 1}
    assert table(analyst, PAGE)["tfoot"] == [["Total, each patient once", "1", "100.0"]]
    assert "several brands" not in page(analyst, PAGE)


def test_a_patient_with_several_brands_counts_for_each_and_once_in_the_total(analyst: Client) -> None:
    honor, xiaomi = factories.tracker_model("Honor"), factories.tracker_model("Xiaomi")
    patient(1, honor, xiaomi)
    patient(2, honor)
    assert counts(analyst, PAGE) == {"Honor": 2, "Xiaomi": 1}
    assert table(analyst, PAGE)["tfoot"] == [["Total, each patient once", "2", "100.0"]]
    assert "1 patient is linked to models of several brands" in page(analyst, PAGE)


def test_brands_that_differ_only_in_case_are_one_brand_in_its_usual_spelling(analyst: Client) -> None:
    upper, lower = factories.tracker_model("FOSSIL", "Gen 5"), factories.tracker_model("Fossil", "Gen 6")
    another = factories.tracker_model("Fossil", "Sport")
    patient(1, upper, lower)
    patient(2, lower)
    patient(3, another)
    assert counts(analyst, PAGE) == {"Fossil": 3}


@pytest.mark.parametrize("links", [1, 2, 3, 4, 7])
@pytest.mark.django_db
def test_any_number_of_models_of_one_brand_and_one_of_another(links: int) -> None:
    own = [factories.tracker_model("Honor", f"Band {number}") for number in range(links)]
    patient(1, factories.tracker_model("Xiaomi"), *own)
    answer = patients_by_brand()
    assert {brand.name: brand.patients for brand in answer.brands} == {"Honor": 1, "Xiaomi": 1}
    assert (answer.patients, answer.with_several_brands) == (1, 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.django_db
def test_the_counts_equal_those_of_the_published_sql(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (the same patients each time)
    brands = ("Honor", "Xiaomi", "Huawei", "realme")
    models = [factories.tracker_model(brand, f"Band {number}") for brand in brands for number in range(3)]
    for number in range(60):
        patient(number, *chance.sample(models, chance.choice((0, 1, 1, 1, 2, 3, 4, 6))))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tm.brand_name, COUNT(DISTINCT mr.patient_id) FROM medical_records mr"
            " JOIN medical_record_and_trackers mrt USING (patient_id) JOIN tracker_models tm USING (model_id)"
            " GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        published = cursor.fetchall()
    answer = patients_by_brand()
    used = {
        record.pk: {model.brand_name for model in record.tracker_models.all()}
        for record in MedicalRecord.objects.prefetch_related("tracker_models")
    }
    assert sorted((brand.name, brand.patients) for brand in answer.brands) == sorted(published)
    assert [brand.patients for brand in answer.brands] == [count for _, count in published]
    assert answer.patients == sum(1 for brands in used.values() if brands)
    assert answer.with_several_brands == sum(1 for brands in used.values() if len(brands) > 1)


def test_without_a_link_it_says_so(analyst: Client) -> None:
    factories.tracker_model()
    factories.medical_record()
    assert counts(analyst, PAGE) == {}
    assert "No patient is linked to a tracker model yet." in page(analyst, PAGE)


def test_files_contain_the_rows_of_the_page(analyst: Client) -> None:
    patient(1, factories.tracker_model("Honor"), factories.tracker_model("Xiaomi"))
    patient(2, TrackerModel.objects.get(brand_name="Xiaomi"))
    read = table(analyst, PAGE)
    assert csv_rows(analyst, f"{PAGE}?format=csv") == [*read["thead"], *read["tbody"]]
    assert xlsx_table(analyst, f"{PAGE}?format=xlsx") == [
        ["Brand", "Patients", "Share, %"],
        ["Xiaomi", 2, 100],
        ["Honor", 1, 50],
        ["Total, each patient once", 2, 100],
    ]


def test_it_needs_few_queries(analyst: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    patient(1, factories.tracker_model("Honor"), factories.tracker_model("Xiaomi"))
    with django_assert_max_num_queries(14):
        analyst.get(PAGE)
