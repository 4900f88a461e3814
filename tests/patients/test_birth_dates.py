"""Dates of birth in the text of a search."""

from datetime import date

import pytest

from patients.search.birth_dates import split_birth_dates

APRIL_10, OCTOBER_4 = date(1953, 4, 10), date(1953, 10, 4)


@pytest.mark.parametrize(
    "text",
    [
        *("1953-04-10", "1953/4/10", "1953.04.10", "19530410"),
        *("10 Apr 1953", "10 April 1953", "10. April 1953", "10-APR-1953", "10apr1953", "10th April 1953", "10 apr 53"),
        *("Apr 10 1953", "April 10, 1953", "Apr. 10, 1953", "1953 Apr 10"),
    ],
)
def test_notations_with_one_meaning_are_read(text: str) -> None:
    assert split_birth_dates(text)[0] == [APRIL_10]


@pytest.mark.parametrize(
    "text", ["10/04/1953", "4/10/1953", "10.4.1953", "10. 4. 1953", "04-10-1953", "10/4/53", "10041953"]
)
def test_day_and_month_in_an_open_order_mean_both_days(text: str) -> None:
    assert split_birth_dates(text)[0] == [APRIL_10, OCTOBER_4]


def test_two_digits_of_a_year_mean_each_century_in_which_somebody_may_be_born() -> None:
    assert split_birth_dates("13.1.12")[0] == [date(1912, 1, 13), date(2012, 1, 13)]


@pytest.mark.parametrize(
    "text", ["", "Ada", "1001", "31/31/1980", "30 Feb 1980", "1.2", "1800-01-01", "2999-01-01", "P-1953-04-10"]
)
def test_other_texts_have_no_date(text: str) -> None:
    assert split_birth_dates(text) == ([], text)


@pytest.mark.parametrize("text", ["Mary Serrano 10 Apr 1953", "1953-04-10 mary serrano", "mary 10/4/1953 serrano"])
def test_the_words_around_a_date_stay(text: str) -> None:
    dates, rest = split_birth_dates(text)
    assert APRIL_10 in dates
    assert rest.lower().split() == ["mary", "serrano"]


def test_may_is_a_month_only_between_numbers() -> None:
    assert split_birth_dates("may 10 May 1953") == ([date(1953, 5, 10)], "may  ")
