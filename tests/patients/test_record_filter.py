"""The filters that the list of records and the reports share: what each parameter finds, and invalid values."""

from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.utils import timezone

from patients.age import completed_years
from patients.filters.records import RecordFilter
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.signing_in import AsRole

pytestmark = pytest.mark.django_db


def make_filter(**parameters: str) -> RecordFilter:
    return RecordFilter(QueryDict(urlencode(parameters)), MedicalRecord.objects.all())


def test_several_values_find_who_matches_one_of_them() -> None:
    for number, text in enumerate(["Asthma", "Gout, Asthma", "Gout, Eczema", "Gout", ""]):
        record = factories.medical_record(f"P{number}", medical_conditions=text, medications=number == 0)
        factories.link(record, factories.tracker_model(f"Brand {number}"))
    found_by = lambda *pairs: [  # noqa: E731 (short, and used only here)
        record.pk for record in RecordFilter(QueryDict(urlencode(pairs)), MedicalRecord.objects.all()).qs
    ]
    assert found_by(("condition", "asthma"), ("condition", "Eczema")) == ["P0", "P1", "P2"]
    assert found_by(("condition", "Asthma, Gout"), ("condition", "Eczema, Gout")) == ["P1", "P2"]
    assert found_by(("brand", "brand 1"), ("brand", "Brand 3"), ("brand", "Brand 9")) == ["P1", "P3"]
    assert found_by(("medication", "yes"), ("medication", "no")) == ["P0", "P1", "P2", "P3", "P4"]
    assert found_by(("gender", "M"), ("gender", "F")) == ["P0", "P1", "P2", "P3", "P4"]  # the last value counts


def found(**parameters: str) -> list[str]:
    records = make_filter(**parameters)
    assert records.error_messages == []
    return [record.pk for record in records.qs]


def test_without_parameters_all_records_are_found() -> None:
    factories.medical_record()
    assert found() == ["P1"]
    assert found(gender="", as_of="", condition=" ") == ["P1"]


def test_gender_and_medication_find_their_patients() -> None:
    factories.medical_record("P1")
    factories.medical_record("P2", gender="M", medications=True)
    assert found(gender="F") == ["P1"]
    assert found(gender="M") == ["P2"]
    assert found(medication="yes") == ["P2"]
    assert found(medication="no") == ["P1"]


@pytest.mark.parametrize(("parameter", "column"), [("condition", "medical_conditions"), ("allergy", "allergies")])
def test_a_condition_or_allergy_is_one_of_the_list_in_any_letter_case(parameter: str, column: str) -> None:
    for number, text in enumerate(["Asthma", "Diabetes, asthma", "ASTHMA ,Obesity", "Asthma attacks", ""]):
        factories.medical_record(f"P{number}", **{column: text})
    assert found(**{parameter: "asthma"}) == ["P0", "P1", "P2"]
    assert found(**{parameter: "Obesity"}) == ["P2"]
    assert found(**{parameter: "asth"}) == []
    assert found(**{parameter: "%"}) == []


def test_condition_and_allergy_together_find_patients_with_both() -> None:
    factories.medical_record("P1", medical_conditions="Asthma", allergies="Pollen")
    factories.medical_record("P2", medical_conditions="Asthma")
    assert found(condition="Asthma", allergy="Pollen") == ["P1"]


def test_brand_type_and_model_find_linked_patients_in_any_letter_case() -> None:
    for number in range(4):
        factories.medical_record(f"P{number}")
    band = factories.tracker_model()
    watch = factories.tracker_model(brand_name="xiaomi", model_name="Watch", device_type="Smartwatch")
    other = factories.tracker_model(brand_name="Huawei", model_name="Watch GT", device_type="Smartwatch")
    for patient, model in (("P0", band), ("P1", watch), ("P2", other), ("P2", watch)):
        factories.link(MedicalRecord.objects.get(pk=patient), model)
    assert found(brand="XIAOMI") == ["P0", "P1", "P2"]
    assert found(brand="Huawei") == ["P2"]
    assert found(brand="Fossil") == []
    assert found(device_type="smartwatch") == ["P1", "P2"]
    assert found(tracker_model=str(watch.pk)) == ["P1", "P2"]
    assert found(tracker_model="2147483647") == []


def test_tracker_is_the_reported_tracker_in_any_letter_case() -> None:
    for number, tracker in enumerate(("Band 2", "BAND 2", "Band 22", "")):
        factories.medical_record(f"P{number}", tracker=tracker)
    assert found(tracker="band 2") == ["P0", "P1"]
    assert found(tracker="Fenix") == []


def test_linked_finds_linked_patients_and_unlinked_ones_by_reason() -> None:
    for number in ("P0", "P1"):
        factories.medical_record(number, tracker="" if number == "P0" else "Loop 9")
    one, decided, ambiguous = (factories.medical_record(f"P{number}") for number in (2, 3, 4))
    xiaomi, other = factories.tracker_model(), factories.tracker_model(model_name="Band 3")
    huawei = factories.tracker_model(brand_name="Huawei")
    for record, model, source in (
        *((one, xiaomi, "import"), (one, other, "import")),
        *((decided, xiaomi, "import"), (decided, huawei, "staff")),
        *((ambiguous, xiaomi, "import"), (ambiguous, huawei, "import")),
    ):
        factories.link(record, model, source)
    assert found(linked="none") == ["P0", "P1"]
    assert found(linked="unstated") == ["P0"]
    assert found(linked="unmatched") == ["P1"]
    assert found(linked="some") == ["P2", "P3", "P4"]
    assert found(linked="brands") == ["P4"]


@pytest.mark.parametrize("as_of", ["2023-02-28", "2023-03-01", "2024-02-28", "2024-02-29", "2024-03-01", "2025-05-17"])
@pytest.mark.parametrize(("youngest", "oldest"), [(None, 18), (19, None), (19, 35), (23, 23), (24, 24), (0, 0)])
def test_ages_are_completed_years_on_the_day(as_of: str, youngest: int | None, oldest: int | None) -> None:
    day = date.fromisoformat(as_of)
    births = [
        *(date(year, month, of_month) for year in (2000, 2004, 2005) for month, of_month in ((2, 28), (3, 1))),
        *(date(2000, 2, 29), date(2004, 2, 29), date(2006, 5, 17), date(2025, 5, 16), day, day + timedelta(days=1)),
    ]
    for number, born in enumerate(births):
        factories.medical_record(f"P{number:02}", date_of_birth=born)
    bounds = {"min_age": youngest, "max_age": oldest}
    expected = [
        f"P{number:02}"
        for number, born in enumerate(births)
        if (youngest or 0) <= completed_years(born, day) <= (200 if oldest is None else oldest)
    ]
    assert found(as_of=as_of, **{name: str(years) for name, years in bounds.items() if years is not None}) == expected


def test_ages_are_counted_today_unless_another_day_is_given() -> None:
    today = timezone.localdate()
    factories.medical_record("P1", date_of_birth=date(today.year - 30, 1, 1))
    assert found(min_age="30", max_age="30") == ["P1"]
    assert found(min_age="30", as_of=f"{today.year - 1}-12-31") == []


def test_nobody_is_150_years_old_in_the_year_100() -> None:
    factories.medical_record(date_of_birth=date.min)
    assert found(min_age="150", as_of="0100-01-01") == []
    assert found(max_age="150", as_of="0100-01-01") == ["P1"]


def test_the_last_appointment_is_between_two_days_inclusive() -> None:
    for number, day in enumerate(("2024-01-01", "2024-01-02", "2024-01-03", None)):
        factories.medical_record(f"P{number}", last_appointment_date=day)
    assert found(appointment_after="2024-01-02") == ["P1", "P2"]
    assert found(appointment_before="2024-01-02") == ["P0", "P1"]
    assert found(appointment_after="2024-01-02", appointment_before="2024-01-02") == ["P1"]


def test_the_last_appointment_is_in_a_year_or_earlier_or_missing() -> None:
    this_year = timezone.localdate().year
    factories.medical_record("P1", last_appointment_date=date(this_year, 1, 1))
    factories.medical_record("P2", last_appointment_date=date(this_year - 5, 12, 31))
    factories.medical_record("P3")
    assert found(appointment=str(this_year)) == ["P1"]
    assert found(appointment="earlier") == ["P2"]
    assert found(appointment="none") == ["P3"]


@pytest.mark.parametrize(("as_of", "since"), [("2024-06-15", "2022-06-15"), ("2024-02-29", "2022-02-28")])
def test_stale_means_no_appointment_in_two_years(as_of: str, since: str) -> None:
    first = date.fromisoformat(since)
    factories.medical_record("P1", last_appointment_date=first - timedelta(days=1))
    factories.medical_record("P2", last_appointment_date=first)
    factories.medical_record("P3")
    assert found(appointment="stale", as_of=as_of) == ["P1", "P3"]
    assert found(appointment="stale", as_of="0001-01-01") == ["P3"]


def test_possible_duplicates_share_name_and_date_of_birth() -> None:
    born = date(1980, 5, 17)
    factories.medical_record("P1", name="Ada Byron")
    factories.medical_record("P2", name="ADA byron")
    factories.medical_record("P3", name="Ada Byron", date_of_birth=born + timedelta(days=1))
    factories.medical_record("P4", name="Ada Lovelace")
    assert found(duplicates="yes") == ["P1", "P2"]


@pytest.mark.parametrize("page", ["/admin/patients/medicalrecord/", "/reports/brands/"])
def test_addresses_with_the_former_name_of_a_filter_are_redirected(as_role: AsRole, page: str) -> None:
    answer = as_role("Administrator").get(f"{page}?brand=Noise&brand=boAt&twins=yes")
    assert answer["Location"] == f"{page}?brand=Noise&brand=boAt&duplicates=yes"


def test_parameters_together_find_records_that_meet_them_all() -> None:
    model = factories.tracker_model()
    for number, gender in (("P1", "F"), ("P2", "M"), ("P3", "F")):
        record = factories.medical_record(number, gender=gender, medical_conditions="Asthma")
        if number != "P3":
            factories.link(record, model)
    assert found(gender="F", condition="asthma", brand="xiaomi", linked="some", min_age="1") == ["P1"]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"gender": "x"}, "“x” is not a valid value for “Gender”. Use F, M, O or U."),
        ({"medication": "1"}, "“1” is not a valid value for “Medication”. Use yes or no."),
        ({"condition": "\0"}, "“\0” is not a valid value for “Condition”. Use the name of a condition."),
        ({"tracker_model": "x"}, "“x” is not a valid value for “Tracker model”. Use the number of a tracker model."),
        ({"tracker_model": "2147483648"}, "“2147483648” is not a valid value for “Tracker model”."),
        (
            {"linked": "x"},
            "“x” is not a valid value for “Linked trackers”. Use some, none, brands, unstated, unmatched,",
        ),
        ({"min_age": "-1"}, "“-1” is not a valid value for “Age from”. Use whole years from 0 to 150."),
        ({"max_age": "151"}, "“151” is not a valid value for “Age to”. Use whole years from 0 to 150."),
        ({"max_age": "٣"}, "“٣” is not a valid value for “Age to”. Use whole years from 0 to 150."),
        ({"min_age": "9" * 90}, f"“{'9' * 60}…” is not a valid value for “Age from”. Use whole years from 0 to 150."),
        ({"as_of": "2023-02-29"}, "“2023-02-29” is not a valid value for “Age on”. Use a date such as 2024-12-31."),
        ({"as_of": "2023-2-9"}, "“2023-2-9” is not a valid value for “Age on”. Use a date such as 2024-12-31."),
        (
            {"appointment_after": "12/31/2024"},
            "“12/31/2024” is not a valid value for “Last appointment from”. Use a date",
        ),
        ({"appointment": "0"}, "“0” is not a valid value for “Last appointment”. Use none, stale, earlier or a year"),
        ({"duplicates": "no"}, "“no” is not a valid value for “Possible duplicates”. Use yes."),
        (
            {"min_age": "36", "max_age": "35"},
            "“Age from” (36) must not be greater than “Age to” (35).",
        ),
        (
            {"appointment_after": "2024-01-02", "appointment_before": "2024-01-01"},
            "“Last appointment from” (2024-01-02) must not be greater than “Last appointment to” (2024-01-01).",
        ),
    ],
    ids=lambda value: urlencode(value) if isinstance(value, dict) else "",
)
def test_an_invalid_value_gives_an_error_message_and_finds_no_record(parameters: dict[str, str], sentence: str) -> None:
    factories.medical_record()
    records = make_filter(**parameters)
    (message,) = records.error_messages
    assert message.startswith(sentence)
    assert not records.qs.exists()


def test_all_errors_are_reported_at_once() -> None:
    assert len(make_filter(gender="x", min_age="x", as_of="x").error_messages) == 3


def test_the_active_filters_have_labels_and_values_to_show() -> None:
    model = factories.tracker_model()
    parameters = {
        "gender": "F",
        "tracker_model": str(model.pk),
        "linked": "none",
        "min_age": "19",
        "allergy": "",
        "condition": "x",
    }
    assert [(active.label, active.value) for active in make_filter(**parameters).active_filters] == [
        ("Gender", "Female"),
        ("Condition", "x"),
        ("Tracker model", "Xiaomi Band 2"),
        ("Linked trackers", "None"),
        ("Age from", "19"),
    ]
    assert [active.value for active in make_filter(tracker_model="7").active_filters] == ["“7”"]
