"""The import commands: what they print, on which stream, and how they end."""

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from healthtrack.imports.models import ImportRun, State
from patients.models import MedicalRecord
from tests.support.factories import medical_record, tracker_model
from tests.support.import_files import CATALOGUE, FIXTURES, RECORDS, Kind, tables, write_csv
from trackers.models import FitnessTracker, TrackerModel

pytestmark = pytest.mark.django_db

KEYS = ["new", "changed", "unchanged", "invalid", "faulty", "held", "linked", "unmatched", "ambiguous", "seconds"]
SOURCE = project.BASE_DIR.parent / "shared" / "data" / "fitness_trackers.csv"
each_kind = pytest.mark.parametrize("kind", [RECORDS, CATALOGUE], ids=str)


def run(kind: Kind, path: Path, *options: str) -> tuple[str, str]:
    out, errors = StringIO(), StringIO()
    call_command(kind.command, str(path), *options, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def run_json(kind: Kind, path: Path, *options: str) -> dict[str, Any]:
    out, errors = run(kind, path, "--json", *options)
    assert errors == ""
    assert out.count("\n") == 1
    counts: dict[str, Any] = json.loads(out)
    return counts


class TestOutput:
    @each_kind
    def test_json_is_one_object_with_stable_keys(self, path: Path, kind: Kind) -> None:
        counts = run_json(kind, write_csv(path, kind.rows({}, {}, {})))
        assert list(counts)[: len(KEYS)] == KEYS
        assert [counts[key] for key in ("new", "changed", "unchanged", "invalid", "faulty")] == [3, 0, 0, 0, 0]
        assert isinstance(counts["seconds"], float)
        assert counts["tables"][kind.resource._meta.model._meta.db_table] == {"new": 3, "changed": 0, "unchanged": 0}

    def test_the_links_are_counted(self, path: Path) -> None:
        for brand in ("Xiaomi", "Honor"):
            tracker_model(brand, "Band 2")
        tracker_model("Xiaomi", "Band 3")
        trackers = ("Band 2", "band 3", "unheard-of", "None")
        counts = run_json(RECORDS, write_csv(path, RECORDS.rows(*({"Tracker": tracker} for tracker in trackers))))
        assert (counts["linked"], counts["ambiguous"], counts["unmatched"]) == (2, 1, 1)

    def test_text_has_the_counts_of_each_table(self, path: Path) -> None:
        out, errors = run(CATALOGUE, write_csv(path, CATALOGUE.rows({}, {}, {"Color": "shade 1"})))
        assert errors == ""
        assert out.splitlines()[:4] == [
            "Imported:",
            "Tracker models: 1 new, 0 changed, 0 unchanged",
            "Variants: 2 new, 0 changed, 0 unchanged",
            "3 rows read, 1 duplicate combined",
        ]

    def test_a_dry_run_prints_what_would_change_and_changes_nothing(self, path: Path) -> None:
        medical_record("P1", name="Ada King")
        before = tables()
        write_csv(path, RECORDS.rows({}, {}))
        out, _ = run(RECORDS, path, "--dry-run")
        assert out.splitlines()[:2] == ["This would change:", "Medical records: 1 new, 1 changed, 0 unchanged"]
        assert run_json(RECORDS, path, "--dry-run")["changed"] == 1
        assert tables() == before
        assert run_json(RECORDS, path)["changed"] == 1
        assert tables() != before

    def test_notices_go_to_standard_error(self) -> None:
        out, errors = run(RECORDS, FIXTURES / "records" / "unknown_column.csv", "--json")
        assert errors == "Ignored columns: Notes, Notes, number 12 (without a name)\n"
        assert json.loads(out)["new"] == 3

    @pytest.mark.parametrize("option", ["--json", "--dry-run"])
    def test_errors_go_to_standard_error_one_per_line(self, option: str) -> None:
        out, errors = StringIO(), StringIO()
        with pytest.raises(CommandError, match=r"^Nothing was imported: 3 of 6 rows are invalid\.$") as ended:
            call_command(
                RECORDS.command, FIXTURES / "records" / "gender.csv", option, "--json", stdout=out, stderr=errors
            )
        assert ended.value.returncode == 1
        assert [line.partition(",")[0] for line in errors.getvalue().splitlines()] == [f"Line {n}" for n in (3, 5, 7)]
        counts = json.loads(out.getvalue())
        assert (counts["invalid"], counts["faulty"]) == (3, 3)


AMBIGUOUS = {"date_of_birth": "03/04/1980", "last_appointment_date": "2024-06-14"}


class TestOptionsForReading:
    def test_an_open_question_ends_with_the_option_that_answers_it(self, path: Path) -> None:
        errors = StringIO()
        with pytest.raises(CommandError, match=r"^Nothing was imported\.$"):
            call_command(RECORDS.command, write_csv(path, RECORDS.rows(AMBIGUOUS)), stdout=StringIO(), stderr=errors)
        first, second = errors.getvalue().splitlines()
        assert first == "The file can be read in several ways."
        assert second == ("In which order are the dates in “date_of_birth”? Add --date-order mdy or --date-order dmy.")

    @pytest.mark.parametrize(("order", "born"), [("mdy", date(1980, 3, 4)), ("dmy", date(1980, 4, 3))])
    def test_the_order_of_dates_is_that_of_the_option(self, path: Path, order: str, born: date) -> None:
        run(RECORDS, write_csv(path, RECORDS.rows(AMBIGUOUS)), f"--date-order={order}")
        assert MedicalRecord.objects.get().date_of_birth == born

    def test_dates_that_do_not_fit_the_option_are_errors(self, path: Path) -> None:
        with pytest.raises(CommandError, match=r"^Nothing was imported: 1 of 1 rows is invalid\.$"):
            run(RECORDS, write_csv(path, RECORDS.rows({})), "--date-order=dmy")

    @pytest.mark.parametrize("mark", ["comma", ","])
    def test_the_decimal_mark_is_that_of_the_option(self, path: Path, mark: str) -> None:
        with pytest.raises(CommandError, match="1 of 1 rows is invalid"):
            run(CATALOGUE, write_csv(path, CATALOGUE.rows({"Selling Price": "2,499"})), f"--decimal={mark}")

    def test_the_structure_is_that_of_the_options(self, path: Path) -> None:
        header, row = (",".join(map(str, part)) for part in (RECORDS.row, RECORDS.rows({"name": "Zoë"})[0].values()))
        path.write_text("\n".join([header, row, header, row]).replace(",", "\t"), "mac_roman")
        run(RECORDS, path, "--encoding=mac-roman", "--delimiter=tab", "--header-row=3")
        assert MedicalRecord.objects.get().name == "Zoë"

    def test_the_sheet_is_that_of_the_option(self, path: Path) -> None:
        book = Workbook()
        for name in ("first", "second"):
            sheet = book.create_sheet(name)
            for row in (list(RECORDS.row), list(RECORDS.rows({"name": name})[0].values())):
                sheet.append(row)
        book.save(path)
        run(RECORDS, path, "--sheet=second")
        assert MedicalRecord.objects.get().name == "second"

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ("--date-order=ymd", "--date-order must be mdy or dmy or ydm."),
            ("--decimal=x", "--decimal must be point or comma or . or ,."),
            ("--encoding=utf-99", "There is no encoding “utf-99”. Choose one such as utf-8 or cp1252."),
            ("--delimiter=ab", "--delimiter must be one character, or tab."),
            ("--header-row=0", "--header-row must be the number of a row, from 1."),
        ],
    )
    def test_an_option_that_says_nothing_is_refused(self, path: Path, option: str, message: str) -> None:
        with pytest.raises(CommandError) as raised:
            run(RECORDS, write_csv(path, RECORDS.rows({})), option)
        assert str(raised.value) == message


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class TestProgress:
    def test_a_terminal_shows_a_bar_until_the_end(self, path: Path) -> None:
        terminal = Terminal()
        write_csv(path, RECORDS.rows({}, {}))
        call_command(RECORDS.command, str(path), stdout=StringIO(), stderr=terminal, no_color=True)
        shown = terminal.getvalue()
        assert "[........................................] Reading and checking the rows" in shown
        assert "[########################################] Writing the rows" in shown
        assert shown.endswith("\r\x1b[K")

    def test_a_pipe_shows_no_bar(self, path: Path) -> None:
        assert run(RECORDS, write_csv(path, RECORDS.rows({})))[1] == ""

    def test_each_import_records_a_run(self, path: Path) -> None:
        run(RECORDS, write_csv(path, RECORDS.rows({})))
        run(RECORDS, path, "--dry-run")
        dry, real = ImportRun.objects.all()
        assert (real.state, real.title, real.started_by) == (State.APPLIED, "rows.csv", None)
        assert (dry.state, dry.all_files[0].sha256) == (State.CANCELLED, real.all_files[0].sha256)


class TestFilesThatCannotBeRead:
    @each_kind
    def test_a_missing_file_is_named(self, path: Path, kind: Kind) -> None:
        with pytest.raises(CommandError, match=r"^There is no file .*/rows\.csv\.$"):
            run(kind, path)

    @each_kind
    def test_a_folder_is_rejected(self, tmp_path: Path, kind: Kind) -> None:
        with pytest.raises(CommandError, match=r"^The file .* cannot be read: Is a directory\.$"):
            run(kind, tmp_path)

    def test_a_name_that_is_too_long_is_rejected(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"cannot be read: File name too long\.$"):
            run(RECORDS, tmp_path / ("x" * 5000))

    def test_an_unreadable_file_is_reported(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("healthtrack.imports.tables.engine.open_table", forbidden)
        with pytest.raises(CommandError, match=r"rows\.csv cannot be read: Permission denied\.$"):
            run(RECORDS, write_csv(path, RECORDS.rows({})))

    def test_a_missing_argument_is_reported(self) -> None:
        with pytest.raises(CommandError, match="the following arguments are required: file"):
            call_command(RECORDS.command)


def write_stand_in(path: Path) -> Path:
    """Write a catalogue like the real one: duplicates, other spellings, and names that several brands have."""
    rows = CATALOGUE.rows(
        {"Brand Name": "Xiaomi", "Color": "Black"},
        {"Brand Name": "Xiaomi ", "Color": "Black"},
        {"Brand Name": "XIAOMI", "Color": "black ", "Selling Price": "2,469"},
        {"Brand Name": "Honor", "Rating (Out of 5)": ""},
        {"Brand Name": "Honor", "Strap Material": "leather"},
        {"Brand Name": "Honor", "Model Name": "Band 3", "Reviews": "1,234"},
    )
    return write_csv(path, rows)


class TestRealCatalogue:
    @pytest.fixture
    def catalogue(self, path: Path) -> tuple[Path, int, int]:
        """Return the real file if it is beside the project, otherwise our own, and its models and variants."""
        return (SOURCE, 387, 539) if SOURCE.exists() else (write_stand_in(path), 3, 4)

    def test_its_models_and_variants_are_imported_once(self, catalogue: tuple[Path, int, int]) -> None:
        path, models, variants = catalogue
        first = run_json(CATALOGUE, path)
        assert first["tables"]["tracker_models"] == {"new": models, "changed": 0, "unchanged": 0}
        assert first["tables"]["fitness_trackers"] == {"new": variants, "changed": 0, "unchanged": 0}
        assert (TrackerModel.objects.count(), FitnessTracker.objects.count()) == (models, variants)
        second = run_json(CATALOGUE, path)
        assert (second["new"], second["changed"], second["unchanged"]) == (0, 0, variants)
        assert second["tables"]["tracker_models"] == {"new": 0, "changed": 0, "unchanged": models}

    def test_the_stand_in_has_the_expected_counts(self, path: Path) -> None:
        counts = run_json(CATALOGUE, write_stand_in(path))
        assert (counts["tables"]["tracker_models"]["new"], counts["new"], counts["merged"]) == (3, 4, 2)

    def test_its_averages_are_right(self, catalogue: tuple[Path, int, int]) -> None:
        run_json(CATALOGUE, catalogue[0])
        black = FitnessTracker.objects.filter(model__brand_name="Xiaomi", color="Black")
        name = "Smart Band 5" if catalogue[0] == SOURCE else "Band 2"
        assert 2484 in black.filter(model__model_name=name).values_list("selling_price", flat=True)


class TestSampleData:
    def test_a_second_import_of_the_sample_data_changes_nothing(self, tmp_path: Path) -> None:
        call_command("make_sample_data", str(tmp_path), "--patients=300", stdout=StringIO())
        files = {CATALOGUE: tmp_path / "fitness_trackers.csv", RECORDS: tmp_path / "medical_records.csv"}
        first = [run_json(kind, path) for kind, path in files.items()]
        assert MedicalRecord.objects.count() == first[1]["new"] == 300
        assert first[1]["linked"] > first[1]["ambiguous"] > 0
        assert first[1]["unmatched"] > 0
        again = [run_json(kind, path) for kind, path in files.items()]
        assert [(counts["new"], counts["changed"]) for counts in again] == [(0, 0), (0, 0)]
        assert [counts["unchanged"] for counts in again] == [counts["new"] for counts in first]
