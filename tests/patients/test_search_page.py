"""The search of every page: patients by number, name and date of birth, and pages by title."""

from datetime import date

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access
from patients.models import FormerNumber, MedicalRecord
from patients.search.views import MAX_RESULTS, MAX_SUGGESTIONS
from tests.support import factories
from tests.support.page import Page
from tests.support.signing_in import SignIn

SEARCH, SUGGESTIONS = "/search/", "/search/suggestions/"
VIEWER = "patients.view_medicalrecord"
EVERY_SEARCH = pytest.mark.parametrize("address", [SEARCH, SUGGESTIONS])


@pytest.fixture
def searcher(sign_in: SignIn) -> Client:
    for number, day in (("32190", 10), ("32191", 11)):
        factories.medical_record(number, name="Mary Serrano", date_of_birth=date(1953, 4, day))
    factories.medical_record("P7", name="Grace Hopper", date_of_birth=date(1906, 12, 9))
    return sign_in(VIEWER, "reports.view_brands")


def find(client: Client, words: str, address: str = SEARCH) -> Page:
    return Page(client.post(address, {"q": words}, follow=True).content)


def patients(page: Page) -> list[str]:
    return [text for text in page.texts(".search-results a, section a") if "born" in text]


def test_everybody_who_is_signed_in_can_search(sign_in: SignIn) -> None:
    assert Client().get(SEARCH).status_code == 302
    assert sign_in().get(SEARCH).status_code == 200
    assert Client().post(SUGGESTIONS, {"q": "ada"}).status_code == 302


@EVERY_SEARCH
def test_results_show_number_name_date_of_birth_and_age(searcher: Client, address: str) -> None:
    age = timezone.localdate().year - 1953 - (timezone.localdate() < timezone.localdate().replace(month=4, day=11))
    page = find(searcher, "serrano 11 Apr 1953", address)
    assert patients(page) == [f"Mary Serrano 32191 born 11 Apr 1953 {age} years"]
    assert "/admin/patients/medicalrecord/32191/change/" in page.addresses("section a")


@EVERY_SEARCH
@pytest.mark.parametrize("words", ["mary", "32190", "1953-04-10", "serrano"])
def test_people_without_the_permission_find_no_patient(sign_in: SignIn, address: str, words: str) -> None:
    factories.medical_record("32190", name="Mary Serrano", date_of_birth=date(1953, 4, 10))
    page = find(sign_in("reports.view_brands"), words, address)
    assert patients(page) == []
    assert "Serrano" not in page.text.replace("“serrano”", "")
    assert not Access.objects.exists()


@EVERY_SEARCH
def test_the_access_log_names_the_patients_whom_a_search_shows(searcher: Client, address: str) -> None:
    find(searcher, "mary", address)
    assert sorted(Access.objects.get().patient_ids) == ["32190", "32191"]
    find(searcher, "nobody", address)
    assert Access.objects.count() == 1


def test_no_address_contains_the_words(searcher: Client) -> None:
    answer = searcher.post(SEARCH, {"q": "serrano"}, follow=True)
    assert "serrano" not in answer.redirect_chain[0][0]
    page = Page(answer.content)
    assert page.one("#search-words").get("value") == "serrano"
    assert not [address for address in page.addresses("[href]") if "serrano" in address]


def test_a_number_typed_in_full_opens_the_record(searcher: Client) -> None:
    assert searcher.post(SEARCH, {"q": " 32190 "})["Location"] == "/admin/patients/medicalrecord/32190/change/"
    assert len(patients(find(searcher, "3219"))) == 2


@EVERY_SEARCH
def test_a_former_number_finds_the_record_that_it_was_merged_into(searcher: Client, address: str) -> None:
    FormerNumber.objects.create(number="OLD-1", patient_id="P7")
    (found,) = patients(find(searcher, "OLD-1", address))
    assert "Grace Hopper" in found


@EVERY_SEARCH
def test_without_an_exact_match_one_typing_error_is_forgiven(searcher: Client, address: str) -> None:
    page = find(searcher, "Mary Serano", address)
    assert len(patients(page)) == 2
    assert "No exact match." in page.text
    assert "No exact match." not in find(searcher, "Mary Serrano", address).text


@EVERY_SEARCH
def test_pages_are_found_by_title_and_section_if_the_person_may_open_them(searcher: Client, address: str) -> None:
    assert "/reports/brands/" in find(searcher, "by BRAND", address).addresses("section a")
    assert "/reports/brands/" in find(searcher, "reports tracker", address).addresses("section a")
    assert find(searcher, "administration users", address).addresses("section a") == []


def test_long_results_are_cut_and_lead_to_the_list(searcher: Client) -> None:
    MedicalRecord.objects.bulk_create(
        MedicalRecord(
            pk=f"X{number}", name="Alan Martin", date_of_birth=date(1980, 1, 1), gender="M", medications=False
        )
        for number in range(MAX_RESULTS + 1)
    )
    assert len(patients(find(searcher, "martin", SUGGESTIONS))) == MAX_SUGGESTIONS
    page = find(searcher, "martin")
    assert len(patients(page)) == MAX_RESULTS
    assert "More patients match." in page.text
    (address,) = page.addresses(".more a")
    assert f"{MAX_RESULTS + 1} medical records" in Page.get(searcher, address).text


def test_the_patient_with_the_number_comes_first(searcher: Client) -> None:
    factories.medical_record("P70", name="Ada Byron")
    assert [text.split()[2] for text in patients(find(searcher, "p7", SUGGESTIONS))] == ["P7", "P70"]


def test_one_letter_is_too_little_for_suggestions(searcher: Client) -> None:
    assert not searcher.post(SUGGESTIONS, {"q": "m"}).content.strip()


@pytest.mark.parametrize("words", ["", " ", "\0"])
def test_a_search_for_nothing_shows_the_empty_page(searcher: Client, words: str) -> None:
    page = find(searcher, words)
    assert patients(page) == []
    assert not page.all(".search-results:not(form *)")


def test_an_expired_search_says_what_to_do(searcher: Client) -> None:
    assert "has expired" in Page.get(searcher, f"{SEARCH}?found=unknown").text


@pytest.mark.parametrize(("words", "queries"), [("mary", 9), ("serano", 14)])
def test_a_search_takes_few_queries(
    searcher: Client, words: str, queries: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(queries):
        searcher.post(SUGGESTIONS, {"q": words})
