"""Duplicate rows are combined, rows are compared with the tables, and an import is all or nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.http import QueryDict

from healthtrack.imports.models import ImportRun
from healthtrack.imports.progress import Progress
from healthtrack.imports.results import StagedRow, TableCounts
from healthtrack.imports.row_warnings import Decisions
from healthtrack.imports.tables import writing
from healthtrack.imports.tables.hooks import Effects, ImportHooks
from healthtrack.imports.tables.staging import StagedRows
from healthtrack.imports.tabular.preview import TabularPreview
from patients.models import MedicalRecord
from patients.resources import MedicalRecordResource
from tests.support.finished_imports import Imported, check_file
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, Row, links, tables, write_csv, write_xlsx
from trackers.links import LinkCounts
from trackers.models import FitnessTracker, TrackerModel
from trackers.resources import FitnessTrackerResource

RATING, BATTERY = "Rating (Out of 5)", "Average Battery Life (in days)"
ONE = {"Color": "Black"}  # rows of one variant

Import = Callable[..., Imported]


@pytest.fixture
def imported(db: None, tmp_path: Path) -> Import:
    """Return a function that imports rows of a kind, each given by its changes to the valid row."""

    def run(kind: Kind, *changes: Row, dry_run: bool = False) -> Imported:
        result = kind.run(write_csv(tmp_path / "rows.csv", kind.rows(*changes)), dry_run=dry_run)
        assert [str(error) for error in result.errors] == []
        return result

    return run


def outcome(result: Imported) -> tuple[int, int, int]:
    return result.counts.new, result.counts.changed, result.counts.unchanged


def alike_in_database(*texts: str) -> bool:
    """Return whether this database, by its collation, takes the texts for the same regardless of case."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT lower(text)) FROM unnest(%s::text[]) AS text", [list(texts)])
        return bool(cursor.fetchone()[0] == 1)


class TestMeans:
    @pytest.mark.parametrize(
        ("column", "values", "mean"),
        [
            ("selling_price", ["2,499", "2,469"], 2484),
            ("selling_price", ["1", "2"], 2),
            ("selling_price", ["1", "2", "4"], 2),
            ("original_price", ["3,000", "3,001", "3,002", "3,003"], 3002),
            ("average_battery_life_days", ["1", "2"], 2),
            ("reviews", ["", "7", "none", "10"], 9),
            ("reviews", ["0", "1"], 1),
            ("reviews", ["", "None"], None),
            ("rating", ["4.1", "4.2"], Decimal("4.2")),
            ("rating", ["4", "4.1", "4.3"], Decimal("4.1")),
            ("rating", ["4", "", "4.5"], Decimal("4.3")),
            ("rating", ["", "none"], None),
        ],
    )
    def test_duplicates_are_combined_to_their_mean_rounded_half_up(
        self, imported: Import, column: str, values: list[str], mean: object
    ) -> None:
        result = imported(CATALOGUE, *({**ONE, column: value} for column, value in self.by_header(column, values)))
        assert getattr(FitnessTracker.objects.get(), column) == mean
        assert (result.rows_read, result.rows_merged) == (len(values), len(values) - 1)

    @staticmethod
    def by_header(column: str, values: list[str]) -> list[tuple[str, str]]:
        fields: dict[str, Any] = FitnessTrackerResource().fields
        return [(fields[column].column_name, value) for value in values]

    def test_identical_rows_count_once(self, imported: Import) -> None:
        cheap, dear = {**ONE, "Selling Price": "1,000"}, {**ONE, "Selling Price": "2,000"}
        imported(CATALOGUE, cheap, cheap, {**cheap, "Brand Name": " xiaomi "}, dear, {**cheap, "Selling Price": "1000"})
        assert FitnessTracker.objects.get().selling_price == 1500

    def test_each_variant_has_its_own_means(self, imported: Import) -> None:
        imported(CATALOGUE, *({"Color": color, "Reviews": n} for color, n in (("a", 1), ("b", 5), ("A", 2), ("B", 6))))
        assert list(FitnessTracker.objects.order_by("color").values_list("color", "reviews")) == [("a", 2), ("b", 6)]

    def test_the_mean_selling_price_stays_within_the_original_price(self, imported: Import) -> None:
        prices = [("1", "2"), ("2", "2"), ("2", "3")]
        imported(CATALOGUE, *({**ONE, "Selling Price": a, "Original Price": b} for a, b in prices))
        assert FitnessTracker.objects.values_list("selling_price", "original_price").get() == (2, 2)


class TestKeys:
    def test_letter_case_and_spaces_do_not_matter_and_the_first_spelling_wins(self, imported: Import) -> None:
        first = {"Brand Name": "FOSSIL ", "Color": "Jet  Black", "Strap Material": "leather"}
        imported(CATALOGUE, first, {"Brand Name": "Fossil", "Color": "JET BLACK", "Strap Material": " Leather "})
        variant = FitnessTracker.objects.select_related("model").get()
        assert (variant.model.brand_name, variant.color, variant.strap_material) == ("FOSSIL", "Jet Black", "leather")

    def test_the_stored_spelling_wins_over_that_of_the_file(self, imported: Import) -> None:
        imported(CATALOGUE, {"Brand Name": "FOSSIL", "Color": "black"})
        result = imported(CATALOGUE, {"Brand Name": "Fossil", "Color": "Black"}, {"Brand Name": "fossil", "Color": "x"})
        assert outcome(result) == (1, 0, 1)
        assert TrackerModel.objects.get().brand_name == "FOSSIL"

    @pytest.mark.parametrize("texts", [("ÉCLAIR", "éclair"), ("İ", "i̇"), ("İ", "i"), ("STRASSE", "Straße"), ("Σ", "ς")])
    def test_the_database_decides_which_letters_are_the_same(self, imported: Import, texts: tuple[str, str]) -> None:
        result = imported(CATALOGUE, *({**ONE, "Model Name": text} for text in texts))
        assert result.counts.new == (1 if alike_in_database(*texts) else 2)
        again = imported(CATALOGUE, *({**ONE, "Model Name": text} for text in reversed(texts)))
        assert outcome(again) == (0, 0, result.counts.new)

    def test_the_letter_case_of_patient_numbers_matters(self, imported: Import) -> None:
        assert outcome(imported(RECORDS, {"patient_id": "p1"}, {"patient_id": "P1"})) == (2, 0, 0)

    def test_identical_records_count_once(self, imported: Import) -> None:
        same = {"patient_id": "A", "allergies": "None"}
        result = imported(RECORDS, same, {**same, "allergies": "", "name": " Ada  Byron "}, {}, same)
        assert outcome(result) == (2, 0, 0)
        assert (result.rows_read, result.rows_merged) == (4, 2)

    def test_duplicate_models_count_once(self, imported: Import) -> None:
        band = {"Model Name": "Band 2"}
        assert outcome(imported(MODELS, band, {"Model Name": "BAND 2"}, {})) == (2, 0, 0)
        assert outcome(imported(MODELS, band, {"Model Name": "Band 3"})) == (0, 0, 2)


class TestCleaning:
    @pytest.mark.parametrize("none", ["", "None", "none", " NONE ", "\t"])
    def test_none_and_an_empty_cell_mean_no_value(self, imported: Import, none: str) -> None:
        columns = ("medical_conditions", "allergies", "last_appointment_date", "Tracker")
        imported(RECORDS, dict.fromkeys(columns, none))
        record = MedicalRecord.objects.get()
        assert (record.medical_conditions, record.allergies, record.tracker) == ("", "", "")
        assert record.last_appointment_date is None
        assert outcome(imported(RECORDS, dict.fromkeys(columns, "None"))) == (0, 0, 1)

    def test_a_text_that_only_begins_like_none_stays(self, imported: Import) -> None:
        imported(RECORDS, {"allergies": "None known"})
        assert MedicalRecord.objects.get().allergies == "None known"

    @pytest.mark.parametrize(
        ("text", "number"),
        [("1,00,000", 100_000), ("1,000,000", 1_000_000), ("12,34,567", 1_234_567), ("100000", 100_000), ("7.0", 7)],
    )
    def test_thousands_may_be_separated_by_commas_in_the_western_or_indian_way(
        self, imported: Import, text: str, number: int
    ) -> None:
        imported(CATALOGUE, {"Reviews": text})
        assert FitnessTracker.objects.get().reviews == number

    @pytest.mark.parametrize(
        "text", ["05/17/1980", "5/17/1980", "1980-05-17", "1980-5-17", "1980-05-17 00:00:00", "1980-05-17T00:00:00"]
    )
    def test_dates_are_read_in_either_format(self, imported: Import, text: str) -> None:
        imported(RECORDS, {"date_of_birth": text, "last_appointment_date": text})
        record = MedicalRecord.objects.get()
        assert record.date_of_birth == record.last_appointment_date == date(1980, 5, 17)

    def test_whitespace_and_line_ends_become_one_space(self, imported: Import) -> None:
        imported(RECORDS, {"name": " Ada\u00a0\u2003King \r\n of\tLovelace "})
        assert MedicalRecord.objects.get().name == "Ada King of Lovelace"

    @pytest.mark.parametrize(
        "name", ["Zoë 🩺 Ångström", "فاطمة الزهراء", "שרה לוי", "李小龍", "N" * 150, 'a"b', "O'Neil"]
    )
    def test_names_in_all_scripts_are_stored_unchanged(self, imported: Import, name: str) -> None:
        imported(RECORDS, {"name": name})
        assert MedicalRecord.objects.get().name == name

    @pytest.mark.parametrize("name", ["=1", "+1", "-1", "@x", "'=1", "''@x"])
    def test_an_apostrophe_before_a_formula_makes_it_text(self, imported: Import, name: str) -> None:
        imported(RECORDS, {"name": f"'{name}"})
        assert MedicalRecord.objects.get().name == name

    @pytest.mark.parametrize("name", ["'", "''", "'Ada", "'s Gravenhage"])
    def test_any_other_apostrophe_stays(self, imported: Import, name: str) -> None:
        imported(RECORDS, {"name": name})
        assert MedicalRecord.objects.get().name == name


class TestHeaders:
    @pytest.mark.parametrize(
        "spelling", ["patient_id", "Patient ID", " PATIENT__ID ", "patientid", "Patient-ID", "Patient\nid"]
    )
    def test_case_spaces_hyphens_and_underscores_do_not_matter(self, db: None, tmp_path: Path, spelling: str) -> None:
        (row,) = RECORDS.rows({})
        renamed = {spelling if column == "patient_id" else column: value for column, value in row.items()}
        path = write_xlsx(tmp_path / "rows.xlsx", [renamed])
        assert outcome(RECORDS.run(path)) == (1, 0, 0)

    def test_another_character_makes_another_column(self, db: None, tmp_path: Path) -> None:
        (row,) = RECORDS.rows({})
        path = write_csv(tmp_path / "rows.csv", [{"PATIENT/ID": "P1", **row}])
        result = RECORDS.run(path)
        assert result.notices == ["Ignored columns: PATIENT/ID"]
        del row["patient_id"]  # type: ignore[attr-defined]  # not in the stubs of responses
        result = RECORDS.run(write_csv(path, [{"PATIENT/ID": "P1", **row}]))
        assert result.reason == "The file can be read in several ways."

    def test_a_column_may_have_the_name_of_its_field(self, db: None, tmp_path: Path) -> None:
        (row,) = CATALOGUE.rows({})
        renamed = {column.replace(BATTERY, "average_battery_life_days"): value for column, value in row.items()}
        assert outcome(CATALOGUE.run(write_csv(tmp_path / "rows.csv", [renamed]))) == (1, 0, 0)

    def test_two_spellings_of_one_column_are_an_error(self, db: None, tmp_path: Path) -> None:
        (row,) = CATALOGUE.rows({})
        path = write_csv(tmp_path / "rows.csv", [{**row, "average_battery_life_days": "15"}])
        (error,) = CATALOGUE.run(path).errors
        assert error.value == f"{BATTERY} and average_battery_life_days"
        assert error.reason == "Appears 2 times in the header. Keep one of the columns."

    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE], ids=str)
    def test_columns_may_be_in_any_order(self, db: None, tmp_path: Path, kind: Kind) -> None:
        rows = kind.rows({}, {})
        path = write_csv(tmp_path / "rows.csv", rows)
        assert outcome(kind.run(path)) == (2, 0, 0)
        reversed_rows = [dict(reversed([*row.items()])) for row in rows]
        assert outcome(kind.run(write_csv(path, reversed_rows))) == (0, 0, 2)

    def test_unknown_columns_are_ignored_and_named(self, db: None, tmp_path: Path) -> None:
        (row,) = RECORDS.rows({})
        result = RECORDS.run(write_csv(tmp_path / "rows.csv", [{"Notes": "x", **row, "": "y"}]))
        assert result.notices == ["Ignored columns: Notes, number 11 (without a name)"]
        assert outcome(result) == (1, 0, 0)

    def test_a_formula_in_an_ignored_column_is_not_an_error(self, db: None, tmp_path: Path) -> None:
        (row,) = RECORDS.rows({})
        result = RECORDS.run(write_xlsx(tmp_path / "rows.xlsx", [{**row, "Total": "=1+1"}]))
        assert result.errors == []
        assert outcome(result) == (1, 0, 0)


def get_shown_rows(run: ImportRun, kind: Kind, **parameters: str) -> list[StagedRow]:
    query = QueryDict(mutable=True)
    query.update(parameters)
    rows: list[StagedRow] = TabularPreview(run, kind.resource().plan, query, Decisions()).rows
    return rows


class TestComparing:
    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE, MODELS], ids=str)
    def test_a_second_import_changes_nothing(self, imported: Import, kind: Kind) -> None:
        assert outcome(imported(kind, {}, {}, {})) == (3, 0, 0)
        before = tables()
        assert outcome(imported(kind, {}, {}, {})) == (0, 0, 3)
        assert tables() == before

    def test_new_changed_and_unchanged_rows_are_distinguished(self, imported: Import) -> None:
        imported(RECORDS, {"name": "Ada"}, {}, {"medications": "Yes"})
        assert outcome(imported(RECORDS, {"name": "Eve"}, {}, {}, {})) == (1, 2, 1)
        assert list(MedicalRecord.objects.values_list("name", "medications")) == [
            ("Eve", False),
            *[("Ada Byron", False)] * 3,
        ]

    @pytest.mark.parametrize(
        ("kind", "column", "texts", "shown"),
        [
            (RECORDS, "name", ("Ada", "Eve"), ("Ada", "Eve")),
            (RECORDS, "medications", ("No", "Yes"), ("No", "Yes")),
            (RECORDS, "last_appointment_date", ("", "01/02/2024"), (None, date(2024, 1, 2))),
            (RECORDS, "Tracker", ("Band 2", "none"), ("Band 2", "")),
            (CATALOGUE, "Selling Price", ("2,499", "2,469"), (2499, 2469)),
            (CATALOGUE, RATING, ("4.1", ""), (Decimal("4.1"), None)),
        ],
    )
    def test_a_changed_row_shows_the_old_value_beside_the_new(  # noqa: PLR0917 (fixtures)
        self,
        imported: Import,
        tmp_path: Path,
        kind: Kind,
        column: str,
        texts: tuple[str, str],
        shown: tuple[object, object],
    ) -> None:
        imported(kind, {column: texts[0]}, {})
        run = check_file(kind.importer, write_csv(tmp_path / "rows.csv", kind.rows({column: texts[1]}, {}, {})))
        assert outcome(Imported(run)) == (1, 1, 1)
        (changed,) = get_shown_rows(run, kind, show="changed")
        assert changed.line == 2
        headers = [each.header for each in kind.resource().plan.columns]
        cells = dict(zip(headers, changed.cells, strict=True))
        assert {header for header, cell in cells.items() if cell.changed} == {column}
        assert (cells[column].old, cells[column].value) == shown
        assert [row.line for row in get_shown_rows(run, kind, show="unchanged")] == [3]
        assert [row.line for row in get_shown_rows(run, kind, show="new")] == [4]

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("page", "lines"), [("1", (2, 52)), ("2", (52, 102)), ("3", (102, 152)), ("4", (152, 162)), ("9", (152, 162))]
    )
    def test_every_row_is_on_one_page(self, tmp_path: Path, page: str, lines: tuple[int, int]) -> None:
        run = check_file(RECORDS.importer, write_csv(tmp_path / "rows.csv", RECORDS.rows(*[{}] * 160)))
        assert [row.line for row in get_shown_rows(run, RECORDS, show="new", page=page)] == list(range(*lines))

    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE, MODELS], ids=str)
    def test_a_dry_run_changes_nothing(self, imported: Import, kind: Kind) -> None:
        imported(CATALOGUE, {"Color": "Red"})
        imported(RECORDS, {"patient_id": "P1", "name": "Eve"})
        before = tables()
        result = imported(kind, {"Tracker": "x"} if kind is RECORDS else {}, {}, dry_run=True)
        assert result.counts.new + result.counts.changed > 0
        assert tables() == before

    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE, MODELS], ids=str)
    def test_a_dry_run_has_the_same_counts_as_the_import(self, imported: Import, kind: Kind) -> None:
        imported(CATALOGUE, {"Brand Name": "Honor"}, {"Model Name": "Band 9"})
        imported(RECORDS, {}, {"Tracker": "unheard-of"}, {"patient_id": "B", "Tracker": "band 3"})
        changes: list[Row] = [{}, {"Tracker": "Honor Band 2"} if kind is RECORDS else {"Model Name": "Band 3"}, {}]
        expected, found = (imported(kind, *changes, dry_run=dry_run) for dry_run in (True, False))
        assert (found.tables, found.links, found.rows_merged) == (expected.tables, expected.links, expected.rows_merged)

    def test_a_workbook_of_numbers_and_dates_is_read_like_csv(self, imported: Import, tmp_path: Path) -> None:
        imported(CATALOGUE, {**ONE, "Reviews": "1,234"})
        imported(RECORDS, {"patient_id": "17"})
        variant = {"Selling Price": 2499, "Original Price": 2999.0, RATING: 4.1, BATTERY: 14, "Reviews": 1234}
        record = {
            "patient_id": 17,
            "date_of_birth": date(1980, 5, 17),
            "last_appointment_date": date(2024, 6, 14),
            "medications": False,
            "allergies": None,
        }
        for kind, row in ((CATALOGUE, {**ONE, **variant}), (RECORDS, record)):
            result = kind.run(write_xlsx(tmp_path / "rows.xlsx", kind.rows(row)))
            assert [str(error) for error in result.errors] == []
            assert outcome(result) == (0, 0, 1)


class TestOrderOfFiles:
    CATALOGUE_ROWS: list[Row] = [
        {"Brand Name": "Xiaomi"},
        {"Brand Name": "Honor"},
        {"Brand Name": "realme", "Model Name": "Watch"},
    ]
    RECORD_ROWS: list[Row] = [
        {"Tracker": tracker}
        for tracker in ("Band 2", "BAND 2 ", "Honor band 2", "Watch", "realme", "None", "Band 22", "xiaomi  band 2")
    ]
    LINKS = {
        ("P1", "Xiaomi", "Band 2"),
        ("P1", "Honor", "Band 2"),
        ("P2", "Xiaomi", "Band 2"),
        ("P2", "Honor", "Band 2"),
        ("P3", "Honor", "Band 2"),
        ("P4", "realme", "Watch"),
        ("P8", "Xiaomi", "Band 2"),
    }

    def test_the_records_after_the_catalogue(self, imported: Import) -> None:
        imported(CATALOGUE, *self.CATALOGUE_ROWS)
        assert imported(RECORDS, *self.RECORD_ROWS).links == LinkCounts(linked=5, unmatched=2, ambiguous=2)
        assert links() == self.LINKS

    def test_the_records_before_the_catalogue(self, imported: Import) -> None:
        assert imported(RECORDS, *self.RECORD_ROWS).links == LinkCounts(linked=0, unmatched=7, ambiguous=0)
        assert imported(CATALOGUE, *self.CATALOGUE_ROWS).links == LinkCounts(linked=5, unmatched=2, ambiguous=2)
        assert links() == self.LINKS

    def test_patients_are_linked_to_models_that_come_alone(self, imported: Import) -> None:
        imported(RECORDS, *self.RECORD_ROWS)
        imported(MODELS, *({"Model Name": "Band 2", **row} for row in self.CATALOGUE_ROWS))
        assert links() == self.LINKS


@pytest.mark.usefixtures("areas_dropped")
class TestAllOrNothing:
    SOMEBODY = "Somebody changed the same data meanwhile, so nothing was imported. Import the file again."

    @pytest.fixture(autouse=True)
    def stored(self, areas_dropped: None, imported: Import) -> dict[str, list[dict[str, Any]]]:
        imported(CATALOGUE, {}, {})
        imported(RECORDS, {}, {"Tracker": "Band 3"})
        return tables()

    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE], ids=str)
    def test_an_import_that_fails_after_its_inserts_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: dict[str, Any], kind: Kind
    ) -> None:
        def broken(self: StagedRows) -> None:
            assert tables() != stored
            raise RuntimeError("the power fails")

        monkeypatch.setattr(StagedRows, "check_foreign_keys", broken)
        with pytest.raises(RuntimeError, match="the power fails"):
            kind.run(write_csv(tmp_path / "rows.csv", kind.rows({}, {}, {})))
        assert tables() == stored

    def test_rows_that_somebody_else_adds_meanwhile_are_reported_and_not_lost(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: dict[str, Any]
    ) -> None:
        def beaten(self: StagedRows, *_: object, **__: object) -> None:
            raise IntegrityError("duplicate key")

        monkeypatch.setattr(StagedRows, "insert_new", beaten)
        result = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}, {})))
        assert result.reason == self.SOMEBODY
        assert tables() == stored

    def test_a_link_to_a_deleted_patient_is_found_before_the_commit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: dict[str, Any]
    ) -> None:
        def lose_a_patient(self: MedicalRecordResource, rows: StagedRows, rematched: Sequence[str]) -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO medical_record_and_trackers (patient_id, model_id, source)"
                    " SELECT 'nobody', min(model_id), 'import' FROM tracker_models"
                )

        monkeypatch.setattr(MedicalRecordResource, "after_write", lose_a_patient)
        result = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}, {})))
        assert result.reason == self.SOMEBODY
        assert tables() == stored

    def test_an_invalid_row_prevents_the_import_of_valid_rows(self, tmp_path: Path, stored: dict[str, Any]) -> None:
        result = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({"name": "Eve"}, {}, {}, {"gender": "X"})))
        assert len(result.errors) == 1
        assert tables() == stored

    def test_two_imports_at_once_go_one_after_the_other(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write_csv(tmp_path / "many.csv", RECORDS.rows(*[{"name": "Eve"}] * 50))
        write = writing.write
        events: list[str] = []

        def watched(hooks: ImportHooks, rows: StagedRows, counts: TableCounts, progress: Progress) -> Effects:
            events.append("begins")
            if len(events) == 1:
                wait_until_another_waits()
            effects = write(hooks, rows, counts, progress)
            events.append("ends")
            return effects

        monkeypatch.setattr(writing, "write", watched)
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(run_and_disconnect, [path] * 2))
        assert events == ["begins", "ends"] * 2
        assert [result.errors for result in results] == [[], []]
        assert sorted(map(outcome, results)) == [(0, 0, 50), (48, 2, 0)]


def run_and_disconnect(path: Path) -> Imported:
    try:
        return RECORDS.run(path)
    finally:
        connection.close()


def wait_until_another_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(600):
            cursor.execute(
                "SELECT count(*), pg_sleep(0.05) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waited")
