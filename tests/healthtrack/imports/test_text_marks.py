"""Marks that protect texts from spreadsheets: ="00123" and '00123 are 00123, and 't Hooft is a name."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from healthtrack.imports.detection.structure import SAMPLE_ROWS
from healthtrack.imports.profiles import save_profile
from patients.models import MedicalRecord
from tests.support.finished_imports import Imported, import_file
from tests.support.import_files import RECORDS, write_csv
from tests.support.styled_workbooks import table_of, write_workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

REMOVED = "Apostrophe before values in patient_id: Remove it. "


def run(path: Path, *rows: Mapping[str, object], answers: Mapping[str, str] | None = None) -> Imported:
    return import_file(RECORDS.importer, write_csv(path, RECORDS.rows(*rows)), answers=answers)


def numbers(*texts: str) -> list[dict[str, str]]:
    return [{"patient_id": text} for text in texts]


def stored(field: str = "patient_id") -> Sequence[object]:
    return list(MedicalRecord.objects.order_by("patient_id").values_list(field, flat=True))


class TestFormulasAroundTexts:
    def test_the_text_is_imported(self, path: Path) -> None:
        assert run(path, {"patient_id": '="00123"', "name": '="Ada ""Countess"" Byron"'}).assumptions == []
        assert (stored(), stored("name")) == (["00123"], ['Ada "Countess" Byron'])

    def test_dates_may_be_protected_too(self, path: Path) -> None:
        run(path, {"date_of_birth": '="1980-05-17"', "gender": '="F"'})
        assert [str(day) for day in stored("date_of_birth")] == ["1980-05-17"]

    @pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_NONE])
    def test_it_is_read_with_and_without_quotes_around_it(self, path: Path, quoting: int) -> None:
        (row,) = RECORDS.rows({"patient_id": "00123"})
        with path.open("w", newline="") as file:
            cells = [[f'="{cell}"' for cell in line] for line in (row.keys(), map(str, row.values()))]
            if quoting == csv.QUOTE_NONE:
                file.writelines(",".join(line) + "\n" for line in cells)
            else:
                csv.writer(file, quoting=csv.QUOTE_ALL).writerows(cells)
        assert RECORDS.run(path).errors == []
        assert stored() == ["00123"]

    def test_a_formula_of_a_workbook_is_read_too(self, tmp_path: Path) -> None:
        rows = RECORDS.rows({"patient_id": '="00123"'})
        RECORDS.run(write_workbook(tmp_path / "rows.xlsx", {"Rows": table_of(RECORDS, *rows)}))
        assert stored() == ["00123"]

    @pytest.mark.parametrize("formula", ['="1"&"2"', "=A1", '=CONCAT("a")', '="a'])
    def test_other_formulas_are_errors(self, path: Path, formula: str) -> None:
        (error,) = run(path, {"name": formula}).errors
        assert error.value == formula
        assert "Looks like a formula." in error.reason


class TestApostrophes:
    def test_before_most_values_it_is_a_mark(self, path: Path) -> None:
        finished = run(path, *numbers("'00123", "'00124", "125"))
        assert finished.assumptions == [f"{REMOVED}2 values begin with it; spreadsheets use it to mark text."]
        assert stored() == ["00123", "00124", "125"]

    def test_before_a_patient_number_it_is_a_mark_wherever_it_appears(self, path: Path) -> None:
        rows = [*numbers(*(f"P{number}" for number in range(SAMPLE_ROWS + 10))), {"patient_id": "'00123"}]
        assert run(path, *rows).assumptions == [f"{REMOVED}1 value begins with it; spreadsheets use it to mark text."]
        assert "00123" in stored()

    def test_a_few_values_have_it_if_another_column_has_it(self, path: Path) -> None:
        run(path, {"patient_id": "'P1", "allergies": "'Dust"}, {"patient_id": "'P2"}, {"patient_id": "'P3"})
        assert stored("allergies") == ["Dust", "", ""]

    @pytest.mark.parametrize("name", ["'t Hooft", "'s Gravesande", "'Ada"])
    def test_a_name_keeps_it(self, path: Path, name: str) -> None:
        assert run(path, {"name": name}).assumptions == []
        assert stored("name") == [name]

    def test_names_that_all_begin_with_it_in_dutch_keep_it(self, path: Path) -> None:
        assert run(path, *[{"name": "'t Hooft"}, {"name": "'s Gravesande"}] * 3).assumptions == []
        assert stored("name").count("'t Hooft") == 3

    def test_a_dutch_name_among_marked_ones_keeps_its_own(self, path: Path) -> None:
        run(path, {"name": "'Ada"}, {"name": "'Eva"}, {"name": "''t Hooft"}, {"name": "'t Sas"}, {"name": "'Zoë"})
        assert stored("name") == ["Ada", "Eva", "'t Hooft", "'t Sas", "Zoë"]

    def test_values_of_other_types_have_none(self, path: Path) -> None:
        assert run(path, {"date_of_birth": "'05/17/1980", "gender": "'F"}).assumptions == []
        assert [str(day) for day in stored("date_of_birth")] == ["1980-05-17"]

    def test_a_person_may_say_that_it_belongs_to_the_values(self, path: Path) -> None:
        run(path, *numbers("'00123", "'00124"), answers={"text_mark:patient_id": "text"})
        assert stored() == ["'00123", "'00124"]

    def test_a_profile_remembers_it(self, path: Path) -> None:
        save_profile(RECORDS.importer, "Clinic 7", list(RECORDS.row), {"text_mark:patient_id": "text"}, None)
        assert any("Clinic 7" in each for each in run(path, *numbers("'00123", "'00124")).assumptions)
        assert stored() == ["'00123", "'00124"]

    def test_that_before_a_formula_is_no_evidence(self, path: Path) -> None:
        assert run(path, {"name": "'=1"}, {"name": "'+1"}, {"name": "'-1"}).assumptions == []
        assert stored("name") == ["=1", "+1", "-1"]
