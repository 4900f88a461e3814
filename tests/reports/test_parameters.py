"""The parameters of every report: filters, order and page."""

from datetime import date
from urllib.parse import urlencode

import pytest
from django.core.cache import caches
from django.test import Client

from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.report_pages import counts, csv_rows, page, table
from tests.support.search_tokens import with_search_token
from tests.support.signing_in import SignIn

AGES, BRANDS, WITHOUT = "/reports/age-groups/", "/reports/brands/", "/reports/without-tracker/"
EVERY_REPORT = (
    *(AGES, BRANDS, WITHOUT, "/reports/conditions/", "/reports/data-quality/"),
    *("/reports/over-time/", "/reports/comparison/"),
)
EVERY_PERMISSION = (*REPORT_PERMISSIONS, "patients.view_medicalrecord")


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in(*EVERY_PERMISSION)


@pytest.mark.parametrize("address", EVERY_REPORT)
def test_the_form_with_the_filters_needs_no_script(analyst: Client, address: str) -> None:
    words = page(analyst, f"{address}?gender=F&linked=some")
    way = f'post" action="{address}"' if address == WITHOUT else 'get"'  # so that search terms are not in the address
    assert f'<form class="filters" method="{way}>' in words
    assert '<option value="F" selected>Female</option>' in words
    assert '<input type="hidden" name="linked" value="some">' in words


@pytest.mark.parametrize("address", EVERY_REPORT)
def test_each_filter_can_be_removed(analyst: Client, address: str) -> None:
    words = page(analyst, f"{address}?gender=F&min_age=20&page=7")
    assert 'href="?min_age=20"' in words
    assert 'href="?gender=F"' in words


@pytest.mark.parametrize("address", EVERY_REPORT)
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("gender=x", "“x” is not a valid value for “Gender”. Use F, M, O or U."),
        ("min_age=-1", "“-1” is not a valid value for “Age from”. Use whole years from 0 to 150."),
        ("min_age=9&max_age=8", "“Age from” (9) must not be greater than “Age to” (8)."),
        ("appointment_after=yesterday", "“yesterday” is not a valid value for “Last appointment from”."),
        ("as_of=x", "“x” is not a valid value for “Age on”. Use a date such as 2024-12-31."),
        ("sort=x", "“x” is not a valid value for “sort”. Use "),
        ("sort=--patients", "“--patients” is not a valid value for “sort”."),
    ],
)
def test_an_invalid_parameter_is_an_error(analyst: Client, address: str, query: str, sentence: str) -> None:
    assert sentence in page(analyst, f"{address}?{query}", status=400)
    assert sentence in page(analyst, f"{address}?{query}&format=csv", status=400)


def test_the_fields_suggest_values_of_the_records_and_the_catalogue(analyst: Client) -> None:
    caches["reports"].clear()
    factories.tracker_model("Honor", device_type="Smartwatch")
    factories.medical_record(medical_conditions="Gout, Asthma", allergies="Pollen")
    words = page(analyst, AGES)
    for name, value in (("condition", "Gout"), ("condition", "Asthma"), ("allergy", "Pollen"), ("brand", "Honor")):
        assert f'<input type="checkbox" name="{name}" value="{value}"> {value}' in words
    assert '<option value="Smartwatch">Smartwatch</option>' in words


def test_frequent_values_come_first_and_chosen_ones_before_them(analyst: Client) -> None:
    caches["reports"].clear()
    for number, text in enumerate(("Gout, Asthma", "Asthma", "asthma, Gout", "Eczema")):
        factories.medical_record(f"P{number}", medical_conditions=text)
    offered = "#content [name=condition][type=checkbox]"
    assert [box.get("value") for box in Page.get(analyst, AGES).all(offered)] == ["Asthma", "Gout", "Eczema"]
    chosen = Page.get(analyst, f"{AGES}?condition=eczema&condition=None+of+these")
    assert [box.get("value") for box in chosen.all(offered)] == ["eczema", "None of these", "Asthma", "Gout"]
    assert [box.get("value") for box in chosen.all(f"{offered}[checked]")] == ["eczema", "None of these"]


def test_several_values_of_a_filter_find_who_matches_one_of_them(analyst: Client) -> None:
    for number, text in enumerate(("Gout, Asthma", "Asthma", "Eczema", "")):
        factories.medical_record(f"P{number}", medical_conditions=text)
    address = f"{AGES}?condition=asthma&condition=Eczema"
    assert counts(analyst, address)["36-50"] == 3
    words = page(analyst, address)
    assert 'href="?condition=Eczema"' in words
    assert 'href="?condition=asthma"' in words


def test_errors_are_at_their_fields_and_keep_the_other_filters(analyst: Client) -> None:
    factories.medical_record()
    found = Page.get(analyst, f"{AGES}?min_age=80&max_age=20&gender=F&condition=Gout&bands=x", status=400)
    assert found.one("#min_age-error").text_content() == "“Age from” (80) must not be greater than “Age to” (20)."
    assert found.one("#bands-error").text_content().startswith("“x” is not a valid value for “Age group limits”")
    assert found.one("[name=min_age]").get("aria-describedby") == "min_age-error"
    assert [found.one(f"[name={name}]").get("value") for name in ("min_age", "max_age", "bands")] == ["80", "20", "x"]
    assert found.one("[name=gender] [selected]").get("value") == "F"
    assert found.one("[name=condition][checked]").get("value") == "Gout"
    assert found.all(".filter-box[open]")
    assert not found.all("#report-caption")
    assert not found.all(".save-view")


def test_an_error_without_a_field_has_a_way_out(analyst: Client) -> None:
    found = Page.get(analyst, f"{AGES}?sort=x&gender=F", status=400)
    assert found.addresses(".errornote a") == ["?gender=F"]


def test_the_view_can_be_saved_beside_the_filters(analyst: Client) -> None:
    found = Page.get(analyst, f"{AGES}?gender=F")
    assert found.addresses(".save-view") == ["/reports/views/save/?of=%2Freports%2Fage-groups%2F%3Fgender%3DF"]


def test_the_day_of_the_ages_says_whom_it_counts(analyst: Client) -> None:
    found = Page.get(analyst, AGES)
    assert found.one("[name=as_of]").get("aria-describedby") == "as_of-help"
    assert "for the patients of today" in found.one("#as_of-help").text_content()


def test_an_unknown_brand_stays_selected(analyst: Client) -> None:
    assert '<input type="checkbox" name="brand" value="Nokia" checked> Nokia' in page(analyst, f"{BRANDS}?brand=Nokia")


@pytest.mark.parametrize(
    ("sort", "order", "state"),
    [
        ("ages", ["0-18", "19-35", "36-50", "51+"], "ascending"),
        ("-ages", ["51+", "36-50", "19-35", "0-18"], "descending"),
        ("patients", ["36-50", "0-18", "51+", "19-35"], "ascending"),
        ("-patients", ["19-35", "0-18", "51+", "36-50"], "descending"),
        ("", ["0-18", "19-35", "36-50", "51+"], "ascending"),
    ],
)
def test_the_table_and_its_files_are_sorted_by_the_parameter(
    analyst: Client, sort: str, order: list[str], state: str
) -> None:
    for number, year in enumerate((1950, 1990, 1991, 2020)):
        factories.medical_record(f"P{number}", date_of_birth=date(year, 1, 1))
    address = f"{AGES}?as_of=2024-06-01&sort={sort}"
    assert [row[0] for row in table(analyst, address)["tbody"]] == order
    assert [row[0] for row in csv_rows(analyst, f"{address}&format=csv")[1:]] == order
    assert f'aria-sort="{state}"' in page(analyst, address)


def test_the_heading_of_the_sorted_column_reverses_the_order(analyst: Client) -> None:
    assert 'href="?sort=-patients">Patients</a>' in page(analyst, AGES)
    assert 'href="?sort=patients">Patients</a>' in page(analyst, f"{AGES}?sort=-patients")
    assert 'href="?sort=-ages">Age group</a>' in page(analyst, f"{AGES}?sort=ages")


def test_age_group_limits_can_be_chosen(analyst: Client) -> None:
    for number, age in enumerate((10, 20, 21, 64, 65)):
        factories.medical_record(f"P{number}", date_of_birth=date(2024 - age, 1, 1))
    answer = counts(analyst, f"{AGES}?as_of=2024-06-01&bands=20,64")
    assert answer == {"21-64": 2, "0-20": 2, "65+": 1}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("x", "is not a list of ages"),
        ("18,,35", "is not a list of ages"),
        ("-1", "is not a list of ages"),
        ("35,18", "is not in ascending order"),
        ("18,18", "is not in ascending order"),
        ("18,150", "has more than 20 ages or an age of 150 or more"),
        (",".join(map(str, range(30))), "has more than 20 ages or an age of 150 or more"),
    ],
)
def test_invalid_age_group_limits_are_an_error(analyst: Client, value: str, why: str) -> None:
    words = page(analyst, f"{AGES}?bands={value}", status=400)
    assert f"it {why}. Enter the last age of each group except the oldest, such as 18,35,50." in words


def test_links_of_age_groups_include_the_age_filters(analyst: Client) -> None:
    factories.medical_record(date_of_birth=date(2000, 1, 1))
    words = page(analyst, f"{AGES}?as_of=2024-06-01&min_age=20&max_age=30")
    assert "?as_of=2024-06-01&amp;min_age=20&amp;max_age=30&amp;gender=F" in words
    assert "max_age=18" not in words


def test_a_brand_links_to_its_models_and_these_to_their_patients(analyst: Client) -> None:
    models = [factories.tracker_model("Honor", f"Band {number}") for number in (1, 2)]
    factories.link(factories.medical_record(), models[0])
    assert 'href="?gender=F&amp;brand=Honor">Honor</a>' in page(analyst, f"{BRANDS}?gender=F")
    words = page(analyst, f"{BRANDS}?gender=F&brand=honor")
    assert f"?gender=F&amp;brand=honor&amp;tracker_model={models[0].pk}" in words
    assert table(analyst, f"{BRANDS}?brand=honor")["tbody"] == [["Band 1", "FitnessBand", "1", "100.0"]]


def test_patients_without_a_tracker_can_be_searched_and_sorted(analyst: Client) -> None:
    for number, name in (("P1", "Ada Byron"), ("P2", "Zoe Byron"), ("P3", "Bob Ross")):
        factories.medical_record(number, name=name)
    address = f"{WITHOUT}?{urlencode(with_search_token(analyst, WITHOUT, {'q': 'byron', 'sort': '-name'}))}"
    assert [row[0] for row in table(analyst, address)["tbody"]] == ["P2", "P1"]
    assert [row[0] for row in csv_rows(analyst, f"{address}&format=csv")[1:]] == ["P2", "P1"]


def test_it_shows_why_a_patient_has_no_tracker(analyst: Client) -> None:
    factories.tracker_model("Honor", "Band 2")
    for number, tracker in enumerate(("", "Loop 9", "band 2")):
        factories.medical_record(f"P{number}", tracker=tracker)
    assert [row[2] for row in table(analyst, WITHOUT)["tbody"]] == [
        "No tracker reported",
        "“Loop 9” is not in the catalogue",
        "“band 2” is in the catalogue; the link was removed",
    ]


@pytest.mark.parametrize("address", EVERY_REPORT)
def test_without_the_permission_for_records_nothing_links_to_them(sign_in: SignIn, address: str) -> None:
    factories.link(factories.medical_record(medical_conditions="Asthma"), factories.tracker_model())
    factories.medical_record("P2", tracker="Loop 9")
    client = sign_in(*REPORT_PERMISSIONS)
    assert "medicalrecord" not in page(client, address)


@pytest.mark.parametrize("address", EVERY_REPORT)
def test_a_report_without_matching_patients_says_so(analyst: Client, address: str) -> None:
    factories.link(factories.medical_record(gender="F", medical_conditions="Gout"), factories.tracker_model())
    assert 'class="nobody"' in page(analyst, f"{address}?gender=M")
