"""Invented patients in the format of the file of medical records, with trackers as patients report them."""

from collections.abc import Callable, Iterator
from datetime import date
from math import gcd
from random import Random

from trackers.sample import Row, SourceFile, get_brands_by_model, pick

HEADER: Row = (
    "patient_id",
    "name",
    "date_of_birth",
    "gender",
    "medical_conditions",
    "medications",
    "allergies",
    "last_appointment_date",
    "Tracker",
)

EARLIEST_BIRTH = date(1933, 1, 1)
APPOINTMENTS_GO_BACK_DAYS = 1500
FIRST_NUMBER = 1001
PATIENTS_PER_REPEAT = 1000

GIVEN_NAMES = (
    *(
        "Agnes",
        "Alan",
        "Amy",
        "Anthony",
        "Carla",
        "Chloë",
        "David",
        "Elizabeth",
        "Eugene",
        "Fatima",
        "George",
    ),
    *("Helen", "Ivan", "James", "Jasmine", "José", "Karin", "Linda", "Mary", "Michael", "Nadia", "Noah"),
    *("Olga", "Patricia", "Priya", "Robert", "Ruth", "Samuel", "Sean", "Thomas", "Wei", "Zoë"),
)
FAMILY_NAMES = (
    *("Adams", "Becker", "Brown", "Chen", "Clarke", "Davis", "Evans", "Garcia", "Hatfield", "Ivanova"),
    *("Jennings", "Johnson", "Kumar", "Lindqvist", "Martin", "Mcconnell", "Miller", "Müller", "Núñez"),
    *("O'Neil", "Okafor", "Osei-Mensah", "Ramos", "Rossi", "Serrano", "Smith", "Tanaka", "Van Dyk"),
)
CONDITIONS = ("None", "Asthma", "Cancer", "Diabetes", "Obesity")
ALLERGIES = ("None", "Peanuts", "Penicillin", "Pollen", "Shellfish")

BRANDS_BY_MODEL = get_brands_by_model()
OF_ONE_BRAND = tuple(model for model, brands in BRANDS_BY_MODEL.items() if len(brands) == 1)
OF_SEVERAL_BRANDS = tuple(model for model, brands in BRANDS_BY_MODEL.items() if len(brands) > 1)
WITH_BRAND = tuple(f"{brand} {model}" for model, brands in BRANDS_BY_MODEL.items() for brand in brands)
IN_OTHER_CASE = tuple(other for model in OF_ONE_BRAND for other in (model.lower(), model.upper()) if other != model)
NOT_IN_CATALOGUE = ("Loop 9", "Medirian", "Halo 3 Musik", "Vista Fit 3", "Smart tracker", "Trail Forty")

# The numbers are per cent of the patients of the source who report their tracker in this way.
REPORTED_TRACKERS = (
    *(("None",),) * 5,
    *(OF_SEVERAL_BRANDS,) * 18,
    *(NOT_IN_CATALOGUE,) * 15,
    *(WITH_BRAND,) * 3,
    *(IN_OTHER_CASE,) * 3,
    *(OF_ONE_BRAND,) * 56,
)


def _as_in_source(day: date) -> str:
    return f"{day.month:02}/{day.day:02}/{day.year}"


def _mixed(day: date) -> str:
    # The day itself decides, so that the chosen format changes nothing else in the file.
    return _as_in_source(day) if day.toordinal() % 2 else day.isoformat()


DATE_FORMS: dict[str, Callable[[date], str]] = {
    "source": _as_in_source,
    "iso": date.isoformat,
    "mixed": _mixed,
}


def make_source_file(rng: Random, patients: int, until: date, date_form: str) -> SourceFile:
    """Return a file with this number of patients; `date_form` is a key of DATE_FORMS."""
    return SourceFile("medical_records.csv", HEADER, _make_rows(rng, patients, until, DATE_FORMS[date_form]))


def _make_rows(rng: Random, patients: int, until: date, format_date: Callable[[date], str]) -> Iterator[Row]:
    numbers = _mix_numbers(rng, patients)
    for first in range(0, patients, PATIENTS_PER_REPEAT):
        size = min(PATIENTS_PER_REPEAT, patients - first)
        block = [_make_record(rng, next(numbers), until, format_date) for _ in range(size)]
        yield from block
        yield pick(rng, block)


def _mix_numbers(rng: Random, patients: int) -> Iterator[int]:
    """Yield each number of a range once, in mixed order, without a list to shuffle."""
    stride = patients * pick(rng, range(30, 70)) // 100 | 1
    while gcd(stride, patients) != 1:
        stride += 2
    for place in range(patients):
        yield FIRST_NUMBER + place * stride % patients


def _make_record(rng: Random, number: int, until: date, format_date: Callable[[date], str]) -> Row:
    last_day = until.toordinal() + 1
    birth = pick(rng, range(EARLIEST_BIRTH.toordinal(), last_day))
    appointment = pick(rng, range(max(birth, last_day - APPOINTMENTS_GO_BACK_DAYS), last_day))
    return (
        str(number),
        f"{pick(rng, GIVEN_NAMES)} {pick(rng, FAMILY_NAMES)}",
        format_date(date.fromordinal(birth)),
        pick(rng, "FM"),
        pick(rng, CONDITIONS),
        pick(rng, ("Yes", "No")),
        pick(rng, ALLERGIES),
        format_date(date.fromordinal(appointment)),
        pick(rng, pick(rng, REPORTED_TRACKERS)),
    )
