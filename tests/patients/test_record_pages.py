"""The pages of the list of records: the same rows in a short list and in one that is too long to count."""

from datetime import date
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.admin import MedicalRecordAdmin
from patients.models import MedicalRecord
from patients.record_list import paging
from tests.support import factories
from tests.support.search_tokens import with_search_token
from tests.support.signing_in import AsRole

LIST = "/admin/patients/medicalrecord/"
SIZE = 4
ORDERS = ("1", "-1", "2", "-2", "3", "-3", "9", "-9", "2.-3")


@pytest.fixture
def keeper(as_role: AsRole, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(MedicalRecordAdmin, "list_per_page", SIZE)
    return as_role("Record keeper")


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the table were too large to count and to sort."""
    monkeypatch.setattr(paging, "MAX_ROWS_COUNTED", 5)
    monkeypatch.setattr(paging, "MAX_TABLE_ROWS_COUNTED", -1)
    monkeypatch.setattr(paging, "SAMPLE_ROWS", 6)


def make_records(count: int) -> None:
    for number in range(count):
        factories.medical_record(
            f"P{number:02}",
            name=("Ada Byron", "ada lovelace", "Grace Hopper")[number % 3],
            gender="FM"[number % 2],
            date_of_birth=date(1980, 1, 1 + number % 5),
            last_appointment_date=date(2024, 1, 1 + number % 4) if number % 4 else None,
        )


def page(browser: Client, **query: str) -> list[str]:
    answer = browser.get(LIST, with_search_token(browser, LIST, query))
    assert answer.status_code == 200
    return [record.pk for record in answer.context["cl"].result_list]


def follow_links(browser: Client, link: str, **query: str) -> list[list[str]]:
    """Return the pages from the query on, reached by following the link again and again."""
    pages = []
    address = f"{LIST}?{urlencode(with_search_token(browser, LIST, query))}"
    while address:
        changelist = browser.get(address).context["cl"]
        pages.append([record.pk for record in changelist.result_list])
        address = LIST + next_address if (next_address := dict(changelist.page_addresses)[link]) else ""
    return pages


def expected(**query: str) -> list[str]:
    records = MedicalRecord.objects.all()
    if "gender" in query:
        records = records.filter(gender=query["gender"])
    if "q" in query:
        records = records.filter(name__icontains=query["q"])
    keys = {
        "1": lambda record: (record.pk,),
        "2": lambda record: (record.name.lower(), record.pk),
        "3": lambda record: (-record.date_of_birth.toordinal(), [-ord(letter) for letter in record.pk]),
        "9": lambda record: (record.last_appointment_date or date.min, record.pk),
        "2.-3": lambda record: (record.name.lower(), record.date_of_birth, record.pk),
    }
    order = query.get("o", "1")
    reverse = order.startswith("-")
    return [record.pk for record in sorted(records, key=keys[order.removeprefix("-")], reverse=reverse)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("query", [{}, {"gender": "F"}, {"q": "ada"}])
@pytest.mark.parametrize("counted", [True, False])
def test_the_pages_contain_every_record_once_in_order(
    keeper: Client, order: str, query: dict[str, str], counted: bool, request: pytest.FixtureRequest
) -> None:
    if not counted:
        request.getfixturevalue("uncounted")
    make_records(21)
    pages = follow_links(keeper, "Next", o=order, **query)
    assert [pk for rows in pages for pk in rows] == expected(o=order, **query)
    assert {len(rows) for rows in pages[:-1]} == {SIZE}


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("query", [{}, {"gender": "M"}])
def test_the_pages_can_be_read_backwards_from_the_last(keeper: Client, order: str, query: dict[str, str]) -> None:
    make_records(21)
    every_record = expected(o=order, **query)
    assert page(keeper, p="-1", o=order, **query) == every_record[-SIZE:]
    pages = follow_links(keeper, "Previous", p="-1", o=order, **query)
    assert [pk for rows in reversed(pages[:2]) for pk in rows] == every_record[-2 * SIZE :]


def test_the_last_page_of_a_counted_list_has_the_rest(keeper: Client) -> None:
    make_records(21)
    assert page(keeper, p="-1") == ["P20"]
    assert page(keeper, p="6") == ["P20"]
    assert page(keeper, p="5") == ["P16", "P17", "P18", "P19"]


@pytest.mark.parametrize(
    ("number", "first"), [("0", "P00"), ("x", "P00"), ("7", "P20"), ("-99", "P00"), ("9" * 400, "P20")]
)
def test_a_page_that_does_not_exist_shows_the_nearest(keeper: Client, number: str, first: str) -> None:
    make_records(21)
    assert page(keeper, p=number)[0] == first


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize(("number", "first"), [("0", "P00"), ("99", "P17"), ("-99", "P00"), ("9" * 400, "P17")])
def test_a_page_beyond_an_uncounted_list_shows_its_end(keeper: Client, number: str, first: str) -> None:
    make_records(21)
    assert page(keeper, p=number)[0] == first


@pytest.mark.parametrize(
    ("query", "total", "pages"),
    [
        ({}, "21 medical records", "Page 1 of 6"),
        ({"p": "2"}, "21 medical records", "Page 2 of 6"),
        ({"p": "-1"}, "21 medical records", "Page 6 of 6"),
        ({"q": "P07"}, "1 medical record", None),
    ],
)
def test_the_list_says_how_many_records_there_are(
    keeper: Client, query: dict[str, str], total: str, pages: str | None
) -> None:
    make_records(21)
    text = " ".join(keeper.get(LIST, with_search_token(keeper, LIST, query)).content.decode().split())
    assert f"> {total} <" in text
    assert (pages in text) if pages else ('aria-label="Pages"' not in text)


def test_a_list_without_a_match_says_so(keeper: Client) -> None:
    make_records(21)
    text = keeper.get(LIST, with_search_token(keeper, LIST, {"q": "x"})).content.decode()
    assert "No medical records match this search" in text
    assert 'aria-label="Pages"' not in text


@pytest.mark.usefixtures("uncounted")
def test_a_list_that_is_not_counted_says_so_and_offers_to_count(keeper: Client) -> None:
    make_records(21)
    narrowed = " ".join(keeper.get(LIST, {"gender": "F"}).content.decode().split())
    assert 'More than 5 medical records (<a href="?count=1&amp;gender=F">count them</a>)' in narrowed
    assert "Page 1 " in narrowed
    assert "Page 1 of" not in narrowed
    assert "Last page" in keeper.get(LIST, {"gender": "F", "p": "-1"}).content.decode()
    assert "2nd page from the end" in keeper.get(LIST, {"gender": "F", "p": "-2"}).content.decode()
    counted = " ".join(keeper.get(LIST, {"gender": "F", "count": "1"}).content.decode().split())
    assert "> 11 medical records <" in counted
    assert "Page 1 of 3" in counted
    assert "About " in keeper.get(LIST).content.decode()


@pytest.mark.usefixtures("uncounted")
def test_a_counted_list_is_found_from_whichever_end_is_nearer(keeper: Client) -> None:
    make_records(21)
    every_record = expected()
    for number in range(1, 7):
        assert page(keeper, p=str(number), count="1") == every_record[(number - 1) * SIZE : number * SIZE]


@pytest.mark.parametrize("order", ["patient_id", "-patient_id"])
def test_the_order_of_numbers_has_an_index(keeper: Client, order: str) -> None:
    numbers = keeper.get(LIST, {"o": order}).context["cl"].queryset.values("pk")[:SIZE]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = numbers.explain()
    assert "medical_records_number" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("counted", [True, False])
def test_only_a_short_list_can_be_sorted_without_an_index(
    keeper: Client, counted: bool, request: pytest.FixtureRequest
) -> None:
    if not counted:
        request.getfixturevalue("uncounted")
    make_records(12)
    by_gender = [*(f"P{number:02}" for number in range(0, 8, 2))]
    assert page(keeper, o="gender") == (by_gender if counted else ["P00", "P01", "P02", "P03"])
    headers = {header.name: header for header in keeper.get(LIST, {"o": "gender"}).context["cl"].headers}
    assert bool(headers["gender"].address) == counted
    assert headers["gender"].direction == ("ascending" if counted else "")
    assert ("Sorted by patient number: only lists" in keeper.get(LIST, {"o": "gender"}).content.decode()) != counted


@pytest.mark.parametrize("counted", [True, False])
def test_numbers_sort_by_length_and_then_by_value(
    keeper: Client, counted: bool, request: pytest.FixtureRequest
) -> None:
    if not counted:
        request.getfixturevalue("uncounted")
    numbers = ["7", "12", "100", "1002", "10444", "P1003", "100085", "100620"]
    for number in reversed(numbers):
        factories.medical_record(number)
    assert [pk for rows in follow_links(keeper, "Next") for pk in rows] == numbers
    assert [pk for rows in follow_links(keeper, "Next", o="-patient_id") for pk in rows] == numbers[::-1]
    assert page(keeper, gender="F") == numbers[:SIZE]


def test_all_records_can_be_selected_only_if_their_number_is_known(
    keeper: Client, request: pytest.FixtureRequest
) -> None:
    make_records(21)
    across = "Click here to select the objects across all pages"
    assert across in keeper.get(LIST).content.decode()
    request.getfixturevalue("uncounted")
    assert across not in keeper.get(LIST).content.decode()


@pytest.mark.parametrize("query", [{}, {"q": "ada"}, {"gender": "F", "o": "2", "p": "-1"}])
@pytest.mark.parametrize("rows", [3, 21])
def test_a_page_needs_the_same_queries_for_any_number_of_rows(
    keeper: Client, rows: int, query: dict[str, str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_linked_records(rows)
    query = with_search_token(keeper, LIST, query)
    with django_assert_max_num_queries(14):
        keeper.get(LIST, query)


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("query", [{}, {"q": "ada"}, {"gender": "F", "o": "2", "p": "-1"}])
def test_a_page_of_an_uncounted_list_needs_few_queries(
    keeper: Client, query: dict[str, str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_linked_records(21)
    query = with_search_token(keeper, LIST, query)
    with django_assert_max_num_queries(17):
        keeper.get(LIST, query)


def make_linked_records(count: int) -> None:
    models = [factories.tracker_model(), factories.tracker_model(brand_name="Huawei")]
    make_records(count)
    for record in MedicalRecord.objects.all():
        for model in models:
            factories.link(record, model)
