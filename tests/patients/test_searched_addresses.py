"""Search terms appear in no address: neither in that of the results nor in the links of their page."""

import pytest
from django.test import Client

from healthtrack.core import search_terms
from tests.support import factories
from tests.support.page import Page
from tests.support.search_tokens import with_search_token
from tests.support.signing_in import SignIn

LIST = "/admin/patients/medicalrecord/"
EXPORT = f"{LIST}export/"
REPORT = "/reports/without-tracker/"
EVERY_SEARCH = pytest.mark.parametrize("page", [LIST, REPORT])
SEARCHERS = ("patients.view_medicalrecord", "patients.export_medicalrecord", "reports.view_without_tracker")


@pytest.fixture
def searcher(sign_in: SignIn) -> Client:
    factories.medical_record("P1", name="Ada Byron")
    factories.medical_record("P2", name="Grace Hopper", gender="M")
    return sign_in(*SEARCHERS)


def links(text: str) -> list[str]:
    page = Page(text)
    return [*page.addresses("[href]"), *(form.get("action", "") for form in page.all("form"))]


def shown(text: str) -> list[str]:
    return [name for name in ("Ada Byron", "Grace Hopper") if f">{name}<" in text]


@EVERY_SEARCH
def test_a_form_sends_the_search_and_no_address_contains_its_words(searcher: Client, page: str) -> None:
    assert '<form id="changelist-search" method="post"' in searcher.get(LIST).content.decode()
    answer = searcher.post(page, {"q": "hopp", "gender": "M", "sort": ""}, follow=True)
    ((address, status),) = answer.redirect_chain
    assert status == 302
    assert "hopp" not in address
    assert "gender=M" in address
    assert "sort" not in address
    text = answer.content.decode()
    assert shown(text) == ["Grace Hopper"]
    assert 'value="hopp"' in text
    assert not [link for link in links(text) if "hopp" in link]


@EVERY_SEARCH
def test_an_old_address_still_works_and_loses_the_words(searcher: Client, page: str) -> None:
    answer = searcher.get(page, {"q": "hopp", "p": "3", "gender": "M"}, follow=True)
    ((address, _),) = answer.redirect_chain
    assert "hopp" not in address
    assert "p=3" not in address
    assert shown(answer.content.decode()) == ["Grace Hopper"]


@EVERY_SEARCH
@pytest.mark.parametrize("words", ["", "  ", "\0"])
def test_a_search_without_words_shows_everybody_and_ends_the_old_search(
    searcher: Client, page: str, words: str
) -> None:
    token = with_search_token(searcher, page, {"q": "hopp"})["found"]
    answer = searcher.post(page, {"q": words, "found": token}, follow=True)
    assert "found" not in answer.redirect_chain[0][0]
    assert len(shown(answer.content.decode())) == 2


def test_an_unknown_token_shows_no_record_and_says_what_to_do(searcher: Client) -> None:
    answer = searcher.get(LIST, {"found": "unheard"})
    assert answer.status_code == 200
    assert f"No records shown. {search_terms.EXPIRED}" in answer.content.decode().replace("&#x27;", "'")
    assert shown(answer.content.decode()) == []
    report = searcher.get(REPORT, {"found": "unheard"})
    assert report.status_code == 400
    assert search_terms.EXPIRED in report.content.decode().replace("&#x27;", "'")


def test_a_token_works_only_for_its_own_session(searcher: Client) -> None:
    token = with_search_token(searcher, LIST, {"q": "ada"})["found"]
    other = Client()
    other.force_login(factories.staff(*SEARCHERS, username="other"))
    assert shown(other.get(LIST, {"found": token}).content.decode()) == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_export_of_an_expired_search_leads_to_the_list_with_a_message(searcher: Client, method: str) -> None:
    answer = getattr(searcher, method)(f"{EXPORT}?found=unheard", follow=True)
    assert answer.redirect_chain == [(f"{LIST}?found=unheard", 302)]
    assert "No records shown." in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_export_from_an_old_address_loses_the_words_first(searcher: Client, method: str) -> None:
    answer = getattr(searcher, method)(f"{EXPORT}?q=hopp&gender=M")
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{EXPORT}?gender=M&found=")


def test_the_report_leads_to_the_records_that_it_found(searcher: Client) -> None:
    query = with_search_token(searcher, REPORT, {"q": "hopp"})
    text = searcher.get(REPORT, query).content.decode()
    address = next(link for link in links(text) if link.startswith(LIST) and "linked=none" in link)
    assert shown(searcher.get(address.replace("&amp;", "&")).content.decode()) == ["Grace Hopper"]


def test_the_same_words_have_one_token_and_only_the_latest_searches_are_stored(searcher: Client) -> None:
    first = with_search_token(searcher, LIST, {"q": "ada"})
    assert with_search_token(searcher, LIST, {"q": "ada"}) == first
    for number in range(search_terms.MAX_SEARCHES):
        with_search_token(searcher, LIST, {"q": f"word{number}"})
    assert shown(searcher.get(LIST, first).content.decode()) == []


def test_a_search_longer_than_any_name_is_not_stored_in_full(searcher: Client) -> None:
    with_search_token(searcher, LIST, {"q": "x" * 100_000})
    assert all(len(words) <= search_terms.MAX_LENGTH for words in searcher.session["searches"].values())
