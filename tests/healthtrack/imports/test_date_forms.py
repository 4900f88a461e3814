"""Dates in other forms than the documented ones: year, day, month; eight digits; names of months."""

from pathlib import Path

import pytest

from healthtrack.imports.detection.structure import SAMPLE_ROWS
from healthtrack.imports.profiles import save_profile
from patients.models import MedicalRecord
from tests.support.finished_imports import import_file
from tests.support.import_files import RECORDS, write_csv
from tests.support.styled_workbooks import Number, table_of, write_workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

BORN, LAST = "date_of_birth", "last_appointment_date"


def write(path: Path, *dates: str, header: str = BORN, last: str = "2024-06-14") -> Path:
    rows = RECORDS.rows(*({LAST: last, BORN: date} for date in dates))
    return write_csv(path, [{header if name == BORN else name: value for name, value in row.items()} for row in rows])


def born() -> list[str]:
    return [str(day) for day in MedicalRecord.objects.order_by("pk").values_list(BORN, flat=True)]


class TestTheDayBeforeTheMonth:
    def test_a_value_that_proves_it_decides_for_the_column(self, path: Path) -> None:
        assert RECORDS.run(write(path, "1980-03-04", "1980-31-12")).reason == ""
        assert born() == ["1980-04-03", "1980-12-31"]

    @pytest.mark.parametrize("proof", ["1980-31-12", "1980/31/12"])
    def test_a_proof_far_below_decides_too(self, path: Path, proof: str) -> None:
        ambiguous = proof.replace("31", "03").replace("12", "04")
        assert RECORDS.run(write(path, *[ambiguous] * (SAMPLE_ROWS + 10), proof)).reason == ""
        assert set(born()) == {"1980-04-03", "1980-12-31"}

    def test_without_a_proof_the_month_comes_first(self, path: Path) -> None:
        run = RECORDS.run(write(path, "1980-03-04", "1980/05/06"))
        assert (run.questions, run.assumptions, run.reason) == ([], [], "")
        assert born() == ["1980-03-04", "1980-05-06"]

    @pytest.mark.parametrize("other", ["1980-12-31", "17/05/1980", "1980/03/04"])
    def test_values_that_do_not_fit_it_are_a_question(self, path: Path, other: str) -> None:
        run = RECORDS.run(write(path, "1980-03-04", "1980-31-12", other))
        assert run.questions
        assert "Add --date-order mdy or --date-order dmy or --date-order ydm." in run.questions[0]
        assert born() == []

    def test_an_answer_makes_other_dates_errors(self, path: Path) -> None:
        write(path, "1980-31-12", "1980-12-31")
        run = import_file(RECORDS.importer, path, answers={f"date_order:{BORN}": "ydm"})
        (error,) = run.errors
        assert (error.line, error.value) == (3, "1980-12-31")
        assert "Use YYYY-DD-MM, because the dates of this column have the day before the month." in error.reason

    def test_an_answer_about_all_columns_leaves_what_is_proved(self, path: Path) -> None:
        write(path, "1980-31-12", "1980-03-04", last="01/02/2024")
        import_file(RECORDS.importer, path, answers={"date_order": "dmy"})
        assert born() == ["1980-12-31", "1980-04-03"]

    def test_a_proof_in_another_column_makes_ambiguous_dates_a_question(self, path: Path) -> None:
        assert RECORDS.run(write(path, "1980-03-04", last="2024-31-05")).questions

    @pytest.mark.parametrize("others", [0, SAMPLE_ROWS])
    def test_one_among_many_others_is_a_typing_error(self, path: Path, others: int) -> None:
        proofs, ambiguous = [f"1980-05-{day}" for day in range(13, 18)], ["1980-03-04"] * (others + 1)
        run = RECORDS.run(write(path, *ambiguous, *proofs, "1980-31-12"))
        assert [(error.line, error.value) for error in run.errors] == [(others + 8, "1980-31-12")]
        assert "year, month, day" in run.assumptions[0]
        assert (run.questions, run.rows_invalid) == ([], 1)

    def test_two_among_as_many_others_are_a_question(self, path: Path) -> None:
        proofs = [f"1980-05-{day}" for day in range(13, 18)]
        assert RECORDS.run(write(path, "1980-03-04", *proofs, "1980-31-12", "1980-30-11")).questions

    def test_others_with_another_separator_say_nothing_about_it(self, path: Path) -> None:
        proofs = [f"1980/05/{day}" for day in range(13, 18)]
        assert RECORDS.run(write(path, "1980-03-04", *proofs, "1980-31-12")).questions

    def test_a_date_cell_is_never_read_so(self, tmp_path: Path) -> None:
        rows = RECORDS.rows({BORN: "1980-31-12"}, {BORN: Number("29648", 14)})  # 3 March 1981
        run = RECORDS.run(write_workbook(tmp_path / "rows.xlsx", {"Rows": table_of(RECORDS, *rows)}))
        assert "1980-31-12" in str(run.errors[0])
        assert born() == []

    @pytest.mark.parametrize(("stated", "day"), [("YYYY-DD-MM", "1980-04-03"), ("YYYY-MM-DD", "1980-03-04")])
    def test_the_header_may_state_it(self, path: Path, stated: str, day: str) -> None:
        RECORDS.run(write(path, "1980-03-04", header=f"DOB ({stated})"))
        assert born() == [day]

    def test_values_that_contradict_the_header_are_a_question(self, path: Path) -> None:
        assert RECORDS.run(write(path, "1980-31-12", header="DOB (YYYY-MM-DD)")).questions

    def test_a_profile_remembers_it(self, path: Path) -> None:
        write(path, "1980-03-04")
        save_profile(RECORDS.importer, "Clinic 7", list(RECORDS.row), {f"date_order:{BORN}": "ydm"}, None)
        run = RECORDS.run(path)
        assert any("Year, day, month" in assumption for assumption in run.assumptions)
        assert born() == ["1980-04-03"]


class TestEightDigits:
    @pytest.mark.parametrize("date", ["19800517", "19800517.0", "17051980", "05171980", "19801705"])
    def test_a_date_that_can_only_be_read_in_one_way_is_read(self, path: Path, date: str) -> None:
        RECORDS.run(write(path, date))
        assert born() == ["1980-05-17"]

    def test_numbers_of_a_workbook_are_read_too(self, tmp_path: Path) -> None:
        rows = RECORDS.rows({BORN: Number("19800517"), LAST: Number("20240614", "#,##0")})
        RECORDS.run(write_workbook(tmp_path / "rows.xlsx", {"Rows": table_of(RECORDS, *rows)}))
        assert born() == ["1980-05-17"]

    @pytest.mark.parametrize("dates", [["03041980"], ["20062010"], ["03041980", "17/05/1980"]])
    def test_an_unclear_one_is_a_question(self, path: Path, dates: list[str]) -> None:
        assert RECORDS.run(write(path, *dates)).questions

    def test_one_that_appears_far_below_is_a_question_too(self, path: Path) -> None:
        assert RECORDS.run(write(path, *["17/05/1980"] * (SAMPLE_ROWS + 10), "03041980")).questions

    @pytest.mark.parametrize("number", ["29358", "1980051", "198005170", "19801317", "19800230", "00000000"])
    def test_other_numbers_are_errors(self, path: Path, number: str) -> None:
        run = RECORDS.run(write(path, number))
        assert list(map(str, run.errors)) == [
            f"Line 2, date_of_birth “{number}”: Not a valid date. Use MM/DD/YYYY or YYYY-MM-DD."
        ]


class TestPoints:
    @pytest.mark.parametrize("date", ["17. 5. 1980", "17. 05. 1980", "17.5.1980.", "1980. 05. 17.", "1980.5.17"])
    def test_spaces_after_them_and_a_last_one_mean_nothing(self, path: Path, date: str) -> None:
        assert RECORDS.run(write(path, date)).errors == []
        assert born() == ["1980-05-17"]

    def test_they_say_nothing_about_other_dates(self, path: Path) -> None:
        assert RECORDS.run(write(path, "17. 5. 1980", "03/04/1980")).questions


class TestNamesOfMonths:
    @pytest.mark.parametrize(
        "date",
        [
            *("17 May 1980", "17-May-1980", "May 17, 1980", "May 17th, 1980", "17MAY1980", "1980-May-17"),
            *("17. Mai 1980", "17.Mai.1980", "17 mai 1980", "17 de mayo de 1980", "17 maggio 1980", "17 mei 1980"),
            *("17 de maio de 1980", "17 mag. 1980", "17MAY1980:00:00:00", "17 May 1980 12:00:00 AM"),
        ],
    )
    def test_they_are_read(self, path: Path, date: str) -> None:
        assert RECORDS.run(write(path, date)).assumptions == []
        assert born() == ["1980-05-17"]

    @pytest.mark.parametrize(
        ("date", "day"),
        [
            *(("1er août 1980", "1980-08-01"), ("24 déc. 1980", "1980-12-24"), ("3. März 1980", "1980-03-03")),
            *(("5 Jänner 1980", "1980-01-05"), ("5 gen 1980", "1980-01-05"), ("1 de outubro de 1980", "1980-10-01")),
            *(("2 sept. 1980", "1980-09-02"), ("2 septiembre 1980", "1980-09-02"), ("9 mrt 1980", "1980-03-09")),
        ],
    )
    def test_each_month_has_its_number(self, path: Path, date: str, day: str) -> None:
        RECORDS.run(write(path, date))
        assert born() == [day]

    @pytest.mark.parametrize("date", ["17-May-80", "17MAY80", "May 17, 80", "17. Mai 80"])
    def test_two_digits_of_the_year_are_an_error(self, path: Path, date: str) -> None:
        run = RECORDS.run(write(path, date))
        assert list(map(str, run.errors)) == [
            f"Line 2, date_of_birth “{date}”: The year has two digits. Write all four."
        ]

    @pytest.mark.parametrize("date", ["31 Feb 1980", "17 Marx 1980", "May 1980", "17 May 1980 BC"])
    def test_what_is_no_date_is_an_error(self, path: Path, date: str) -> None:
        run = RECORDS.run(write(path, date))
        assert list(map(str, run.errors)) == [
            f"Line 2, date_of_birth “{date}”: Not a valid date. Use MM/DD/YYYY or YYYY-MM-DD."
        ]

    def test_a_time_of_day_is_named(self, path: Path) -> None:
        run = RECORDS.run(write(path, "17MAY1980:14:30:00"))
        assert "contains a time of day" in str(run.errors[0])

    def test_they_say_nothing_about_other_dates(self, path: Path) -> None:
        assert RECORDS.run(write(path, "17 May 1980", "03-04-1980")).questions
