from datetime import date

import pytest

from patients.age import completed_years


@pytest.mark.parametrize(
    ("day", "years"),
    [
        (date(1980, 5, 17), 0),
        (date(1981, 5, 16), 0),
        (date(1981, 5, 17), 1),
        (date(1981, 5, 18), 1),
        (date(2020, 5, 16), 39),
        (date(2020, 5, 17), 40),
        (date(2020, 5, 18), 40),
        (date(2020, 4, 30), 39),
        (date(2020, 6, 1), 40),
    ],
)
def test_a_year_is_complete_on_the_birthday_and_not_before(day: date, years: int) -> None:
    assert completed_years(date(1980, 5, 17), day) == years


@pytest.mark.parametrize(
    ("day", "years"),
    [
        (date(2001, 2, 28), 0),
        (date(2001, 3, 1), 1),
        (date(2004, 2, 28), 3),
        (date(2004, 2, 29), 4),
        (date(2004, 3, 1), 4),
        (date(2100, 2, 28), 99),  # no leap year
        (date(2100, 3, 1), 100),
    ],
)
def test_people_born_on_29_february_have_their_birthday_on_1_march_in_a_common_year(day: date, years: int) -> None:
    assert completed_years(date(2000, 2, 29), day) == years


@pytest.mark.parametrize(
    ("born", "day", "years"),
    [
        (date(2000, 2, 28), date(2004, 2, 29), 4),
        (date(2000, 3, 1), date(2004, 2, 29), 3),
        (date(1999, 12, 31), date(2000, 1, 1), 0),
        (date(1999, 12, 31), date(2000, 12, 30), 0),
        (date(2000, 1, 1), date(2000, 12, 31), 0),
        (date.min, date.min, 0),
        (date.min, date.max, 9998),
        (date.max, date.max, 0),
        (date(1, 12, 31), date(9999, 12, 30), 9997),
    ],
)
def test_ages_are_right_on_leap_days_at_new_year_and_at_the_ends_of_the_calendar(
    born: date, day: date, years: int
) -> None:
    assert completed_years(born, day) == years


def test_the_age_before_birth_is_negative() -> None:
    assert completed_years(date(2000, 1, 1), date(1999, 12, 31)) == -1
