"""Numbers with units and currencies: the unit of the column is left out, and any other one is an error."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.import_files import CATALOGUE, write_csv
from tests.support.styled_workbooks import Number, table_of, write_workbook
from trackers.models import FitnessTracker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

PRICE, DAYS, RATING = "Original Price", "Average Battery Life (in days)", "Rating (Out of 5)"
REVIEWS = "Reviews"
FIELDS = {PRICE: "original_price", DAYS: "average_battery_life_days", RATING: "rating", REVIEWS: "reviews"}
OTHER_UNIT = "Has another unit, or other text. Enter whole rupees, with digits only."
NEGATIVE = "May be a negative number. Write it without parentheses or a minus."
RANGE = "This is a range. Enter one number."
SHORTENED = "A spreadsheet has shortened or changed this number. Enter all of its digits."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows"


def import_values(path: Path, column: str, *values: object) -> tuple[list[object], list[str]]:
    """Import a row with each value. Return the stored values, and the reasons of errors."""
    rows = CATALOGUE.rows(*({"Selling Price": "0", column: value} for value in values))
    if any(isinstance(value, Number) for value in values):
        write_workbook(path, {"Rows": table_of(CATALOGUE, *rows)})
    else:
        write_csv(path, rows, delimiter=";")
    run = CATALOGUE.run(path)
    stored = FitnessTracker.objects.order_by("tracker_id").values_list(FIELDS[column], flat=True)
    return list(stored), [error.reason for error in run.errors]


@pytest.mark.parametrize(
    ("column", "texts", "meant"),
    [
        (PRICE, ["₹ 1299", "₹1,299", "Rs. 1,299.00", "rs 1299", "INR\u00a01,299", "1299 Rs", "1,299/-"], 1299),
        (PRICE, ["₹ 1.299,00", "1.299,- INR", "1.299,\u2013", "1\u202f299,00"], 1299),
        (PRICE, ["1'299.--", "1\u2009299", "01299", "₹1,299/-"], 1299),
        (DAYS, ["14", "14 days", "14d", "14 Tage", "014 d"], 14),
        (RATING, ["4.1/5", "4.1 out of 5", "4.1 out of 5 stars", "4.1★"], Decimal("4.1")),
        (RATING, ["4,1/5", "4,1"], Decimal("4.1")),
        (REVIEWS, ["1,250 ratings", "1,250 reviews", "1250"], 1250),
    ],
)
def test_the_unit_of_the_column_is_left_out(path: Path, column: str, texts: Sequence[str], meant: object) -> None:
    assert import_values(path, column, *texts) == ([meant] * len(texts), [])


@pytest.mark.parametrize("sign", ["€", "$", "£", "CHF", "EUR", "USD", "¥"])
@pytest.mark.parametrize("form", ["{} 1299", "{}1,299", "1299 {}", "1.299,00{}"])
def test_a_price_in_another_currency_is_an_error(path: Path, sign: str, form: str) -> None:
    assert import_values(path, PRICE, form.format(sign)) == ([], [OTHER_UNIT])


@pytest.mark.parametrize("text", ["12 h", "24 hours", "2 weeks", "38 g", "45 mm", "up to 7", "7+", "~7", "85 %"])
def test_another_unit_of_time_is_an_error(path: Path, text: str) -> None:
    assert import_values(path, DAYS, text) == ([], [OTHER_UNIT.replace("whole rupees", "days")])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, NEGATIVE) for text in ("(299)", "(1,299)", "299-", "\u2212299")),
        *((text, RANGE) for text in ("3-5", "3\u20135", "3 - 5 d", "3 to 5 days", "3 bis 5")),
        *((text, SHORTENED) for text in ("1E+05", "1.2E+3", "4,7E12")),
        ("TBD", "Not a whole number. Use digits only, such as 2499."),
    ],
)
def test_the_reason_of_an_error_says_what_is_wrong(path: Path, text: str, reason: str) -> None:
    assert import_values(path, DAYS, text) == ([], [reason])


class TestFormatsOfCells:
    @pytest.mark.parametrize(
        "form", ['#,##0.00\\ "€"', "[$€-407] #,##0.00", '"$"#,##0.00', '_("$"* #,##0.00_)', '#,##0,"k"']
    )
    def test_a_price_that_the_sheet_shows_in_another_currency_is_an_error(self, path: Path, form: str) -> None:
        assert import_values(path, PRICE, Number("1299", form)) == ([], [OTHER_UNIT])

    @pytest.mark.parametrize("form", ["[$₹-4009] #,##0.00", '"Rs." #,##0', "#,##0.00", "0", "General", 44])
    def test_rupees_and_numbers_without_a_unit_are_read(self, path: Path, form: str | int) -> None:
        assert import_values(path, PRICE, Number("1299", form)) == ([1299], [])

    @pytest.mark.parametrize(("form", "days"), [('0 "h"', []), ('0.0" hours"', []), ('0 "days"', [14]), ('0"d"', [14])])
    def test_hours_are_not_read_as_days(self, path: Path, form: str, days: list[object]) -> None:
        assert import_values(path, DAYS, Number("14", form))[0] == days

    def test_a_date_is_not_a_number(self, path: Path) -> None:
        assert import_values(path, PRICE, Number("29358", 14)) == ([], ["This cell contains a date. Enter a number."])


@pytest.mark.parametrize(("header", "is_read"), [("(Rs.)", True), ("(₹)", True), ("(EUR)", False), ("[€]", False)])
def test_a_unit_in_the_header_counts_too(path: Path, header: str, *, is_read: bool) -> None:
    names = {name: f"{name} {header}" if "Price" in name else name for name in CATALOGUE.row}
    run = CATALOGUE.run(
        write_csv(path, [{names[name]: value for name, value in row.items()} for row in CATALOGUE.rows({})])
    )
    assert (run.counts.new, bool(run.questions)) == (int(is_read), not is_read)
