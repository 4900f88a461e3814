"""A figure is the same in the chart, the table, the files, the linked list of records, and in plain SQL."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils.http import urlencode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from patients.models import MedicalRecord, MedicalRecordTracker
from patients.record_list import paging
from tests.support import factories
from tests.support.report_pages import check_figures, csv_rows, table, xlsx_table

MODELS = [
    *[("Xiaomi", "Band 2", "FitnessBand"), ("Xiaomi", "Band 3", "FitnessBand"), ("XIAOMI", "Watch", "Smartwatch")],
    *[("Honor", "Band 2", "FitnessBand"), ("boAt", "Storm", "Smartwatch")],
]
DAYS = st.sampled_from(
    [date(1950, 1, 1), date(1988, 2, 29), date(1989, 3, 1), date(2004, 2, 28), date(2004, 2, 29), date(2020, 6, 1)]
)
CONDITIONS = ["", "Asthma", "asthma", "Diabetes", "Diabetes, Asthma", "Asthma ,  Gout", "Gout,Gout"]
PATIENTS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["Ada Byron", "ada byron", "Alan Turing"]),
            "date_of_birth": DAYS,
            "gender": st.sampled_from("FM"),
            "medical_conditions": st.sampled_from(CONDITIONS),
            "allergies": st.sampled_from(["", "Pollen", "Pollen, Nuts"]),
            "medications": st.booleans(),
            "last_appointment_date": st.sampled_from([None, date(2021, 1, 1), date(2022, 2, 28), date(2024, 2, 29)]),
            "tracker": st.sampled_from(["", "Band 2", "Loop 9", "loop 9", "Storm"]),
            "models": st.sets(st.integers(0, len(MODELS) - 1)),
            "source": st.sampled_from(["import", "staff"]),
        }
    ),
    min_size=1,
    max_size=12,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "gender": st.sampled_from("FM"),
        "condition": st.sampled_from(["asthma", "Diabetes", "Asthma, Diabetes", ["Gout", "Asthma, Diabetes"]]),
        "medication": st.sampled_from(["yes", "no", ["yes", "no"]]),
        "allergy": st.sampled_from(["pollen", "Nuts", ["Nuts", "Pollen"]]),
        "brand": st.sampled_from(["xiaomi", "Honor", ["Honor", "boAt"]]),
        "device_type": st.sampled_from(["Smartwatch", "fitnessband"]),
        "min_age": st.sampled_from(["0", "20", "35"]),
        "max_age": st.sampled_from(["35", "36", "80"]),
        "appointment_after": st.just("2021-06-01"),
        "appointment_before": st.just("2023-12-31"),
        "linked": st.sampled_from(["some", "none"]),
        "as_of": st.sampled_from(["2024-02-28", "2024-02-29", "2023-03-01"]),
    },
)

Filters: TypeAlias = Mapping[str, str | list[str]]
AGE = "extract(year FROM age(%(as_of)s::date, date_of_birth))"
LINKS = (
    "SELECT FROM medical_record_and_trackers JOIN tracker_models USING (model_id) WHERE patient_id = record.patient_id"
)
HAS_CONDITION = "lower(%({0})s) = ANY (regexp_split_to_array(lower(medical_conditions), ' *, *'))"
OF_BRAND = f"EXISTS ({LINKS} AND lower(brand_name) = lower(%({{0}})s))"
PLAIN = {
    "gender": "gender = %(gender)s",
    "condition": "regexp_split_to_array(lower(%(condition)s), ' *, *')"
    " <@ regexp_split_to_array(lower(medical_conditions), ' *, *')",
    "medication": "medications = (%(medication)s = 'yes')",
    "allergy": "lower(%(allergy)s) = ANY (regexp_split_to_array(lower(allergies), ' *, *'))",
    "brand": OF_BRAND.format("brand"),
    "device_type": f"EXISTS ({LINKS} AND lower(device_type) = lower(%(device_type)s))",
    "min_age": f"date_of_birth <= %(as_of)s AND {AGE} >= %(min_age)s::integer",
    "max_age": f"date_of_birth <= %(as_of)s AND {AGE} <= %(max_age)s::integer",
    "appointment_after": "last_appointment_date >= %(appointment_after)s",
    "appointment_before": "last_appointment_date <= %(appointment_before)s",
    "linked": f"EXISTS ({LINKS}) = (%(linked)s = 'some')",
    "as_of": "true",
}
QUALITY = {
    "Unmatched tracker names": f"tracker <> '' AND NOT EXISTS ({LINKS})",
    "Ambiguous tracker names": "1 < (SELECT count(DISTINCT lower(brand_name))"
    " FROM medical_record_and_trackers JOIN tracker_models USING (model_id)"
    " WHERE patient_id = record.patient_id AND source = 'import')",
    "No appointment for two years": "coalesce(last_appointment_date, '-infinity')"
    " < %(as_of)s::date - interval '2 years'",
    "Possible duplicates": "EXISTS (SELECT FROM medical_records AS other"
    " WHERE other.patient_id <> record.patient_id AND lower(other.name) = lower(record.name)"
    " AND other.date_of_birth = record.date_of_birth)",
}


def make(patients: list[dict[str, Any]]) -> None:
    models = [factories.tracker_model(*model) for model in MODELS]
    links = []
    for number, values in enumerate(patients):
        chosen, source = values.pop("models"), values.pop("source")
        if values["last_appointment_date"] and values["last_appointment_date"] < values["date_of_birth"]:
            values["last_appointment_date"] = None
        links += [MedicalRecordTracker(patient_id=f"P{number}", model=models[model], source=source) for model in chosen]
    MedicalRecord.objects.bulk_create(
        MedicalRecord(patient_id=f"P{number}", **values) for number, values in enumerate(patients)
    )
    MedicalRecordTracker.objects.bulk_create(links)


def plain_count(filters: Filters, condition: str = "true", **values: str) -> int:
    parts = []
    for name, chosen in filters.items():
        alternatives = chosen if isinstance(chosen, list) else [chosen]
        places = {f"{name}{place}": value for place, value in enumerate(alternatives)}
        values |= places
        parts.append(" OR ".join(f"({PLAIN[name].replace(f'%({name})s', f'%({place})s')})" for place in places))
    conditions = " AND ".join(f"({part})" for part in parts)
    statement = f"SELECT count(*) FROM medical_records AS record WHERE {conditions or 'true'} AND ({condition})"
    day = filters.get("as_of", date.today().isoformat())  # noqa: DTZ011 (any day will do)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"as_of": day, **values})
        count: int = cursor.fetchone()[0]
    return count


def rows_of(client: Client, address: str) -> list[list[str]]:
    """Return the rows of the page, after checking that its files have the same rows."""
    read = table(client, address)
    assert csv_rows(client, f"{address}&format=csv") == [
        *read["thead"],
        *([cell.replace(",", "") if cell[:1].isdigit() else cell for cell in row] for row in read["tbody"]),
    ]
    written = [[str(cell or 0) for cell in row] for row in xlsx_table(client, f"{address}&format=xlsx")]
    assert len(written) == 1 + len(read["tbody"]) + len(read["tfoot"])
    return read["tbody"]


def check_ages(client: Client, filters: Filters) -> None:
    for bands, ends in (("", [(0, 18), (19, 35), (36, 50), (51, 999)]), ("20,36", [(0, 20), (21, 36), (37, 999)])):
        address = f"/reports/age-groups/?{urlencode({**filters, 'bands': bands}, doseq=True)}"
        check_figures(client, address)
        rows = {row[0]: row[1:] for row in rows_of(client, address)}
        assert len(rows) == len(ends)
        for low, high in ends:
            label = f"{low}+" if high == 999 else f"{low}-{high}"
            aged = f"date_of_birth <= %(as_of)s AND {AGE} BETWEEN {low} AND {high}"
            assert rows[label][0] == str(plain_count(filters, aged))
            for place, gender in ((2, "F"), (3, "M")):
                assert rows[label][place] == str(plain_count(filters, f"{aged} AND gender = '{gender}'"))


def check_without_tracker(client: Client, filters: Filters) -> None:
    address = f"/reports/without-tracker/?{urlencode(filters, doseq=True)}"
    check_figures(client, address)
    assert len(rows_of(client, address)) == plain_count(filters, f"NOT EXISTS ({LINKS})")


def check_brands(client: Client, filters: Filters) -> None:
    address = f"/reports/brands/?{urlencode(filters, doseq=True)}"
    check_figures(client, address)
    for name, *rest, patients, _ in rows_of(client, address):
        of_it = "lower(model_name) = lower(%(it)s) AND device_type = %(type)s AND lower(brand_name) = lower(%(brand)s)"
        condition = f"EXISTS ({LINKS} AND {of_it})" if rest else OF_BRAND.format("it")
        of_brand = {"type": rest[0], "brand": str(filters["brand"])} if rest else {}
        assert patients == str(plain_count(filters, condition, it=name, **of_brand))
    assert table(client, address)["tfoot"][0][-2] == str(plain_count(filters, f"EXISTS ({LINKS})"))


def check_conditions(client: Client, filters: Filters) -> None:
    address = f"/reports/conditions/?{urlencode(filters, doseq=True)}"
    check_figures(client, address)
    having = HAS_CONDITION.format("it")
    for condition, brand, patients, of_it, *_ in rows_of(client, address):
        using = f"EXISTS ({LINKS})" if brand == "Any brand" else OF_BRAND.format("used")
        assert patients == str(plain_count(filters, f"{having} AND {using}", it=condition, used=brand))
        assert of_it == str(plain_count(filters, having, it=condition))


def check_data_quality(client: Client, filters: Filters) -> None:
    address = f"/reports/data-quality/?{urlencode(filters, doseq=True)}"
    check_figures(client, address)
    patients = {row[0]: row[2] for row in rows_of(client, address) if row[0] in QUALITY}
    assert patients == {what: str(plain_count(filters, condition)) for what, condition in QUALITY.items()}


@pytest.fixture(scope="module", autouse=True)
def _many_patients() -> Iterator[None]:
    """Make lists count only if requested, as with very large tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "MAX_ROWS_COUNTED", 1)
        patch.setattr(paging, "MAX_TABLE_ROWS_COUNTED", -1)
        yield


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(PATIENTS, FILTERS)
def test_counts_are_the_same_everywhere(patients: list[dict[str, Any]], filters: dict[str, str]) -> None:
    with transaction.atomic():
        make(patients)
        client = Client()
        client.force_login(User.objects.create_superuser("analyst"))
        for check in (check_ages, check_without_tracker, check_brands, check_conditions, check_data_quality):
            check(client, filters)
        transaction.set_rollback(True)
