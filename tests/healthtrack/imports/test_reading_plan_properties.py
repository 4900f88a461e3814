"""Values are never read as something else than was written, however a file writes them.

Each test makes a file, and knows what its values mean. The file may be read, need an answer or be refused: but every
value that is read must be the one that was meant. Answers are those of the person who made the file.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.imports.columns.checking import ColumnCheck, check_batch
from healthtrack.imports.columns.notation import DOCUMENTED, DateOrder, DecimalMark
from healthtrack.imports.detection import names
from healthtrack.imports.detection.planner import make_plan
from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.tables.headers import find_layout
from tests.support.import_files import CATALOGUE, RECORDS, Kind
from tests.support.styled_workbooks import write_workbook

YEAR_FIRST = "ymd"
RARE = DateOrder.YEAR_DAY_MONTH
FORMS = {
    DateOrder.MONTH_FIRST: "{m}{s}{d}{s}{y}",
    DateOrder.DAY_FIRST: "{d}{s}{m}{s}{y}",
    YEAR_FIRST: "{y}{s}{m}{s}{d}",
    RARE: "{y}{s}{d}{s}{m}",
}
NAMED = "named"  # dates with the name of a month
NAMED_FORMS = ["{d} {b} {y}", "{d}-{b}-{y}", "{b} {d}, {y}", "{d}. {b} {y}", "{d}{b}{y}", "{y}-{b}-{d}"]
MONTHS = ["Januar", "Feb", "März", "April", "may", "juin", "jul.", "agosto", "sept.", "outubro", "november", "déc."]
# How prices are written with a currency, and whether that is rupees.
UNITS = [
    *(("{}", True), ("₹{}", True), ("{} INR", True), ("Rs. {}", True)),
    *(("€ {}", False), ("{} €", False), ("${}", False), ("({})", False), ("{}-", False), ("{} %", False)),
]
days = st.dates(date(1930, 1, 1), date(2020, 12, 31))
early_days = days.map(lambda day: day.replace(day=1 + day.day % 12))  # most of them can be read in two ways
orders = st.sampled_from([*DateOrder, YEAR_FIRST])
separators = st.sampled_from(["/", "-", ".", ""])
midnights = st.sampled_from(["", " 00:00", "T00:00:00Z", " 12:00:00 AM"])
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman", "cp850"])
people = st.lists(
    st.sampled_from(["José Núñez", "Zoë Müller", "André Lefèvre", "Jürgen Größe", "Søren Ærø", "Ada Byron", "Łukasz"]),
    min_size=1,
    max_size=6,
)


@dataclass(frozen=True)
class Written:
    """A value as a file writes it, what it means, and the order or mark that its writer had in mind."""

    text: str
    meant: object
    notation: str = ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@st.composite
def written_dates(draw: st.DrawFn, order: str) -> Written:
    day = draw(st.one_of(days, early_days))
    separator = draw(separators)
    pads = draw(st.booleans())
    if separator == "." and order == DateOrder.MONTH_FIRST:
        separator = "/"  # nobody writes month first with points
    number = "{:02}" if pads or not separator else "{}"
    if order == NAMED:
        form = draw(st.sampled_from(NAMED_FORMS))
        return Written(form.format(d=number.format(day.day), b=MONTHS[day.month - 1], y=day.year), day, order)
    text = FORMS[order].format(d=number.format(day.day), m=number.format(day.month), y=day.year, s=separator)
    return Written(text + draw(midnights), day, order)


@st.composite
def columns_of_dates(draw: st.DrawFn) -> tuple[list[Written], str]:
    """Dates of one file: all in one order with ISO dates and names of months among them, or in mixed orders."""
    order = draw(st.sampled_from(list(DateOrder)))
    mixed = [[order], [order, NAMED], [order, YEAR_FIRST], [*DateOrder], [YEAR_FIRST], [*FORMS, NAMED]]
    used: list[str] = draw(st.sampled_from(mixed))
    dates = st.sampled_from(used).flatmap(written_dates)
    return draw(st.lists(dates, min_size=1, max_size=12)), str(order)


def group(whole: int, sign: str) -> str:
    return f"{whole:,}".replace(",", sign)


@st.composite
def columns_of_numbers(draw: st.DrawFn, *, whole: bool) -> tuple[list[Written], str]:
    """Numbers of one file: with one decimal mark, or with both."""
    mark = draw(st.sampled_from(list(DecimalMark)))
    marks = draw(st.sampled_from([[mark], [*DecimalMark]]))
    written = []
    for _ in range(draw(st.integers(1, 8))):
        own = draw(st.sampled_from(marks))
        value = draw(st.integers(0, 2_000_000)) if whole else draw(st.integers(0, 5))
        text = draw(st.sampled_from([str(value), group(value, own.thousands_sign), group(value, " ")]))
        if whole:
            text += draw(st.sampled_from(["", f"{own.sign}00"]))
            written.append(Written(text, value, own))
        else:
            tenths = draw(st.integers(0, 9)) if value < 5 else 0
            written.append(Written(f"{value}{own.sign}{tenths}", Decimal(f"{value}.{tenths}"), own))
    return written, mark


def make_text(rows: Sequence[Mapping[str, str]], delimiter: str = ";") -> str:
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read(kind: Kind, path: Path, answers: Mapping[str, str]) -> Mapping[int, Mapping[str, object]] | None:
    """Return the rows that are read, by their line, or None if the plan has a question that the answers leave open."""
    resource = kind.resource()
    columns = resource.plan.columns
    for whole in (False, True):
        plan = make_plan(path, columns, answers, whole=whole)
        if plan.questions:
            return None
        reading = FileReading.of(plan)
        rows, is_contradicted = check(kind, path, reading)
        if reading.is_final or not is_contradicted:
            return rows
    raise AssertionError("The plan of a whole file is not final.")


def check(kind: Kind, path: Path, reading: FileReading) -> tuple[dict[int, Mapping[str, object]], bool]:
    resource = kind.resource()
    columns = resource.plan.columns
    rows: dict[int, Mapping[str, object]] = {}
    is_contradicted = False
    with open_table(path, reading.structure) as table:
        layout = find_layout(table, columns, reading.fields)
        if layout.errors:
            return {}, False
        layout.prepare(table)
        checks = [
            ColumnCheck(column, reading.notations.get(column.name, DOCUMENTED), layout.headers[column.name])
            for column in columns
        ]
        for batch in table.batches:
            named = batch.select(LINE, *layout.positions).rename(layout.positions)
            checked = check_batch(named, columns, [], checks)
            rows |= {row[LINE]: row for row in checked.rows.iter_rows(named=True)}
            is_contradicted |= bool(checked.contradicted)
    return rows, is_contradicted


def assert_read_as_meant(
    found: Mapping[int, Mapping[str, object]] | None, field: str, written: Sequence[Written]
) -> None:
    """Assert that every row that is read has the value that its text means. Others are errors or questions."""
    for line, row in (found or {}).items():
        if is_hidden(written[line - 2], written):
            continue
        value = row[field]
        meant = written[line - 2].meant
        assert (Decimal(str(value)) if isinstance(meant, Decimal) else value) == meant


def is_outnumbered(each: Written, order: str, written: Sequence[Written]) -> bool:
    """Return whether dates with the year first that are only in this order make those of the other order errors."""
    if order != YEAR_FIRST:
        return False
    like = [other for other in written if form_of(other) == form_of(each)]
    proofs = [
        sum(read_as(other, order) is not None and not read_as(other, rival) for other in like)
        for order, rival in ((YEAR_FIRST, RARE), (RARE, YEAR_FIRST))
    ]
    return proofs[0] >= 5 * proofs[1] > 0


def is_hidden(date_written: Written, written: Sequence[Written]) -> bool:
    """Return whether nobody could know from the file that this date is in another order than its neighbours.

    That is so if all dates of its form could be in one order that is not its own, in which some of them are, or which
    is the usual one for dates with the year first.
    """
    if not isinstance(date_written.meant, date) or date_written.notation == NAMED:
        return False
    like = [each for each in written if each.notation != NAMED and form_of(each) == form_of(date_written)]
    return any(
        read_as(date_written, order) not in (None, date_written.meant)
        and (order == YEAR_FIRST or any(each.notation == order for each in like))
        and (
            is_outnumbered(date_written, order, like)
            or all(read_as(each, order) or is_read_beside(each, order) for each in like)
        )
        for order in FORMS
    )


def is_read_beside(each: Written, order: str) -> bool:
    """Return whether a column with this order also has the date: ISO dates and those with the year last go together."""
    others = {DateOrder.MONTH_FIRST: [YEAR_FIRST], DateOrder.DAY_FIRST: [YEAR_FIRST], YEAR_FIRST: [*DateOrder][:2]}
    return any(read_as(each, other) is not None for other in others.get(order, []))


def read_as(each: Written, order: str) -> date | None:
    """Return the date that a text is in an order, as the standard library reads it."""
    separator = separator_of(each)
    if separator == "." and order == DateOrder.MONTH_FIRST:
        return None
    form = FORMS[order].format(d="%d", m="%m", y="%Y", s=separator)
    digits = each.text.split(separator) if separator else []
    places = ("y" if len(digits[0]) > 2 else "d") if digits else FORMS[order][1]
    if places != FORMS[order][1] and "y" in (places, FORMS[order][1]):
        return None
    try:
        found = datetime.strptime(re.split("[ T]", each.text)[0], form).date()  # noqa: DTZ007 (dates have no zone)
    except ValueError:
        return None
    return found if 1800 <= found.year < 2200 else None


def form_of(each: Written) -> tuple[str, bool]:
    """Return the separator of a date, and whether the year is first: dates of other forms say nothing about it."""
    separator = separator_of(each)
    return separator, bool(separator) and each.text.index(separator) > 2


def separator_of(each: Written) -> str:
    return next((letter for letter in re.split("[ T]", each.text)[0] if not letter.isdecimal()), "")


class TestDates:
    @given(column=columns_of_dates(), documented=st.booleans())
    def test_they_are_read_as_meant_or_not_at_all(
        self, file: Path, column: tuple[list[Written], str], *, documented: bool
    ) -> None:
        written, _ = column
        rows = RECORDS.rows(*({"date_of_birth": each.text, "last_appointment_date": ""} for each in written))
        header = [name if documented else name.upper() for name in RECORDS.row]
        file.write_text(make_text([dict(zip(header, map(str, row.values()), strict=True)) for row in rows]))
        assert_read_as_meant(read(RECORDS, file, {}), "date_of_birth", written)

    @given(column=columns_of_dates())
    def test_all_are_read_once_the_writer_answers(self, file: Path, column: tuple[list[Written], str]) -> None:
        written, order = column
        rows = RECORDS.rows(*({"date_of_birth": each.text, "last_appointment_date": ""} for each in written))
        file.write_text(make_text([{name: str(value) for name, value in row.items()} for row in rows]))
        found = read(RECORDS, file, {names.ALL_DATE_ORDERS: order})
        assert found is not None
        if {each.notation for each in written} <= {order, NAMED, *([] if order == RARE else [YEAR_FIRST])}:
            assert len(found) == len(written)
            assert_read_as_meant(found, "date_of_birth", written)


class TestNumbers:
    @given(column=columns_of_numbers(whole=True))
    def test_whole_numbers_are_read_as_meant_or_not_at_all(self, file: Path, column: tuple[list[Written], str]) -> None:
        written, _ = column
        rows = CATALOGUE.rows(*({"Original Price": each.text, "Selling Price": "0"} for each in written))
        file.write_text(make_text([{name: str(value) for name, value in row.items()} for row in rows]))
        assert_read_as_meant(read(CATALOGUE, file, {}), "original_price", written)

    @given(column=columns_of_numbers(whole=True), units=st.lists(st.sampled_from(UNITS), min_size=8, max_size=8))
    def test_a_price_is_never_read_as_one_in_another_currency(
        self, file: Path, column: tuple[list[Written], str], units: list[tuple[str, bool]]
    ) -> None:
        numbers, _ = column
        written = [
            Written(unit.format(each.text), each.meant if in_rupees else None, each.notation)
            for each, (unit, in_rupees) in zip(numbers, units, strict=False)
        ]
        rows = CATALOGUE.rows(*({"Original Price": each.text, "Selling Price": "0"} for each in written))
        file.write_text(make_text([{name: str(value) for name, value in row.items()} for row in rows]))
        assert_read_as_meant(read(CATALOGUE, file, {}), "original_price", written)

    @given(column=columns_of_numbers(whole=False))
    def test_decimals_are_read_as_meant_or_not_at_all(self, file: Path, column: tuple[list[Written], str]) -> None:
        written, _ = column
        rows = CATALOGUE.rows(*({"Rating (Out of 5)": each.text} for each in written))
        file.write_text(make_text([{name: str(value) for name, value in row.items()} for row in rows]))
        assert_read_as_meant(read(CATALOGUE, file, {}), "rating", written)


class TestEncodings:
    @given(names_of_people=people, encoding=encodings, delimiter=st.sampled_from(",;\t|"))
    def test_a_name_is_read_as_written_or_its_encoding_is_a_question(
        self, file: Path, names_of_people: list[str], encoding: str, delimiter: str
    ) -> None:
        rows = RECORDS.rows(*({"name": name} for name in names_of_people))
        text = make_text([{name: str(value) for name, value in row.items()} for row in rows], delimiter)
        try:
            file.write_bytes(text.encode(encoding))
        except UnicodeEncodeError:
            return  # the code page has no such letter
        found = read(RECORDS, file, {})
        if found is not None:
            assert [row["name"] for row in found.values()] == names_of_people
        answered = read(RECORDS, file, {names.ENCODING: encoding})
        assert answered is not None
        assert [row["name"] for row in answered.values()] == names_of_people


spellings = st.sampled_from(
    [
        str.upper,
        str.title,
        lambda name: name.replace("_", " "),
        lambda name: name.replace("_", "-"),
        lambda name: f" {name}\u200b",
        lambda name: f"\ufeff{name}",
    ]
)
OTHERS = {"patient_id": "MRN", "name": "Full name", "date_of_birth": "DOB", "gender": "Sex", "Tracker": "Device"}


class TestHeaders:
    @given(
        order=st.permutations(list(RECORDS.row)),
        spell=st.lists(spellings, min_size=9, max_size=9),
        synonyms=st.sets(st.sampled_from(sorted(OTHERS))),
        above=st.lists(st.sampled_from(["", "Patients of ward 3", "x;y"]), max_size=3),
        as_workbook=st.booleans(),
    )
    def test_each_column_gets_its_own_values(
        self,
        file: Path,
        order: list[str],
        spell: list[object],
        synonyms: set[str],
        above: list[str],
        *,
        as_workbook: bool,
    ) -> None:
        (row,) = RECORDS.rows({})
        header = [OTHERS[name] if name in synonyms else how(name) for name, how in zip(order, spell, strict=True)]  # type: ignore[operator]  # each is a function
        cells = [str(row[name]) for name in order]
        if as_workbook:
            write_workbook(file, {"Rows": [*([text] for text in above), header, cells]})
        else:
            file.write_text("\n".join([*above, ";".join(header), ";".join(cells)]))
        found = read(RECORDS, file, {})
        assert found is not None
        (values,) = found.values()
        assert values["patient_id"] == row["patient_id"]
        assert (values["name"], values["tracker"], values["gender"]) == ("Ada Byron", "Band 2", "F")
        assert (values["date_of_birth"], values["last_appointment_date"]) == (date(1980, 5, 17), date(2024, 6, 14))
