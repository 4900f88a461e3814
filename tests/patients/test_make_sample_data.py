import csv
import hashlib
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from io import StringIO
from itertools import islice
from pathlib import Path
from random import Random
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command

import patients.sample

CATALOGUE, RECORDS = "fitness_trackers.csv", "medical_records.csv"
HEADERS = {
    CATALOGUE: (
        "Brand Name,Device Type,Model Name,Color,Selling Price,Original Price,Display,Rating (Out of 5),"
        "Strap Material,Average Battery Life (in days),Reviews"
    ),
    RECORDS: (
        "patient_id,name,date_of_birth,gender,medical_conditions,medications,allergies,last_appointment_date,Tracker"
    ),
}
PATIENTS = 5000
NO_NUMBERS = ("-1", "many", "1.5", "", "²")
DATES_OF_A_RECORD = ("date_of_birth", "last_appointment_date")
TEXTS_OF_A_VARIANT = ("Brand Name", "Model Name", "Color", "Display", "Strap Material")

Rows = list[dict[str, str]]
Brands = dict[str, set[str]]


def make(folder: Path, *options: str, patients: int = 100) -> str:
    printed = StringIO()
    call_command("make_sample_data", str(folder), f"--patients={patients}", *options, stdout=printed)
    return printed.getvalue()


def made(folder: Path, *options: str) -> dict[str, bytes]:
    make(folder, *options)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def rows(file: Path) -> Rows:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def cleaned(text: str) -> str:
    return " ".join(text.split()).casefold()


def rupees(text: str) -> int:
    return int(text.replace(",", ""))


def american(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007  (a day has no zone)


def values_by(key: tuple[str, ...], column: str, rows: Rows) -> dict[tuple[str, ...], set[str]]:
    values = defaultdict(set)
    for row in rows:
        values[tuple(cleaned(row[part]) for part in key)].add(cleaned(row[column]))
    return values


def classify(tracker: str, brands: Brands) -> str:
    reported = cleaned(tracker)
    if reported == "none":
        return "none"
    if reported in brands:
        return "known" if len(brands[reported]) == 1 else "ambiguous"
    with_brand = {f"{brand} {model}" for model in brands for brand in brands[model]}
    return "with brand" if reported in with_brand else "unknown"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    make(folder, patients=PATIENTS)
    return folder


@pytest.fixture(scope="module")
def catalogue(folder: Path) -> Rows:
    return rows(folder / CATALOGUE)


@pytest.fixture(scope="module")
def records(folder: Path) -> Rows:
    return rows(folder / RECORDS)


@pytest.fixture(scope="module")
def brands(catalogue: Rows) -> Brands:
    return {model: of_one for (model,), of_one in values_by(("Model Name",), "Brand Name", catalogue).items()}


class TestTheFormatOfTheFiles:
    @pytest.mark.parametrize("name", HEADERS)
    def test_it_has_a_byte_order_mark_and_line_ends_of_windows(self, folder: Path, name: str) -> None:
        content = (folder / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\r\n")
        assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")

    @pytest.mark.parametrize(("name", "header"), HEADERS.items())
    def test_the_headers_are_those_of_the_source(self, folder: Path, name: str, header: str) -> None:
        assert (folder / name).read_text("utf-8-sig").split("\n")[0] == header

    def test_thousands_are_quoted_and_hundreds_are_not(self, folder: Path) -> None:
        content = (folder / CATALOGUE).read_text("utf-8-sig")
        assert ',"2,499",' in content
        assert ",899," in content


class TestTheCatalogue:
    def test_it_has_dozens_of_models_of_one_device_type_each(self, catalogue: Rows) -> None:
        types = values_by(("Brand Name", "Model Name"), "Device Type", catalogue).values()
        assert len(types) > 36
        assert {" or ".join(of_one_model) for of_one_model in types} == {"fitnessband", "smartwatch"}

    def test_at_least_three_model_names_belong_to_two_or_three_brands(self, brands: Brands) -> None:
        shared = [len(of_one_name) for of_one_name in brands.values() if len(of_one_name) > 1]
        assert len(shared) >= 3
        assert set(shared) == {2, 3}

    @pytest.mark.parametrize("column", ["Selling Price", "Rating (Out of 5)"])
    def test_some_variants_have_rows_that_differ(self, catalogue: Rows, column: str) -> None:
        values = values_by(TEXTS_OF_A_VARIANT, column, catalogue).values()
        assert len(values) > 100
        assert any(len(of_one_variant) > 1 for of_one_variant in values)

    def test_every_number_passes_the_rules_of_the_import(self, catalogue: Rows) -> None:
        for row in catalogue:
            assert 0 < rupees(row["Selling Price"]) <= rupees(row["Original Price"])
            assert re.fullmatch(r"|[1-4](\.[1-9])?|5", row["Rating (Out of 5)"])
            assert int(row["Average Battery Life (in days)"]) > 0
            assert re.fullmatch(r"|\d+|\d{1,3}(,\d{3})+", row["Reviews"])

    @pytest.mark.parametrize(
        ("column", "ways"),
        [
            ("Brand Name", r"Orvika|Orvika "),
            ("Color", r"Black|Black "),
            ("Strap Material", r"Leather|leather|Leather "),
            ("Rating (Out of 5)", r"|4|4\.2"),
            ("Reviews", r"|\d{4,}|\d+,\d{3}"),
        ],
    )
    def test_its_values_are_spelled_as_in_the_source(self, catalogue: Rows, column: str, ways: str) -> None:
        for way in ways.split("|"):
            assert any(re.fullmatch(way, row[column]) for row in catalogue), way

    def test_a_few_rows_repeat_another_exactly(self, catalogue: Rows) -> None:
        different = {tuple(row.values()) for row in catalogue}
        assert 1 <= len(catalogue) - len(different) <= 5


class TestTheRecords:
    @pytest.mark.parametrize("patients", [0, 1, 2, 3, 30, 999, 1000, 1001])
    def test_each_patient_has_a_number(self, tmp_path: Path, patients: int) -> None:
        make(tmp_path, patients=patients)
        numbers = {row["patient_id"] for row in rows(tmp_path / RECORDS)}
        assert len(numbers) == patients
        assert all(re.fullmatch(r"[1-9]\d+", number) for number in numbers)

    def test_a_few_rows_repeat_another_exactly_and_no_patient_differs(self, records: Rows) -> None:
        assert len({row["patient_id"] for row in records}) == PATIENTS
        assert len({tuple(row.values()) for row in records}) == PATIENTS
        assert len(records) == PATIENTS + 5

    def test_nobody_is_born_before_1933_or_after_the_last_appointment(self, records: Rows) -> None:
        for row in records:
            birth, appointment = (american(row[column]) for column in DATES_OF_A_RECORD)
            assert date(1933, 1, 1) <= birth <= appointment <= date(2026, 6, 30)

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            ("gender", "F M"),
            ("medications", "No Yes"),
            ("medical_conditions", "Asthma Cancer Diabetes None Obesity"),
            ("allergies", "None Peanuts Penicillin Pollen Shellfish"),
        ],
    )
    def test_a_column_holds_the_values_of_the_source(self, records: Rows, column: str, values: str) -> None:
        assert sorted({row[column] for row in records}) == values.split()

    def test_names_have_accents_and_apostrophes(self, records: Rows) -> None:
        assert {"José Núñez", "Sean O'Neil"} <= {row["name"] for row in records}

    def test_trackers_are_named_as_in_the_source(self, records: Rows, brands: Brands) -> None:
        ways = Counter(classify(row["Tracker"], brands) for row in records)
        shares = {way: 100 * count / len(records) for way, count in ways.items()}
        source = {"none": 5, "ambiguous": 18, "unknown": 15, "with brand": 3, "known": 59}
        assert shares == pytest.approx(source, abs=2.5)

    def test_some_trackers_are_named_in_another_letter_case(self, catalogue: Rows, records: Rows) -> None:
        names = {row["Model Name"] for row in catalogue}
        reported = {row["Tracker"] for row in records} - names
        assert {name.upper() for name in names} & reported
        assert {name.lower() for name in names} & reported

    def test_records_are_created_one_by_one_while_writing(self) -> None:
        file = patients.sample.make_source_file(Random(1), 10**15, date(2026, 6, 30), "source")  # noqa: S311 (not for secrets)
        assert len(list(islice(file.rows, 3))) == 3


class TestTheOptions:
    def test_dates_are_iso_on_request_and_nothing_else_changes(self, tmp_path: Path) -> None:
        make(tmp_path / "source")
        make(tmp_path / "iso", "--dates=iso")
        expected = rows(tmp_path / "source" / RECORDS)
        for row in expected:
            row.update({column: american(row[column]).isoformat() for column in DATES_OF_A_RECORD})
        assert rows(tmp_path / "iso" / RECORDS) == expected

    def test_both_forms_are_mixed_on_request_in_both_columns(self, tmp_path: Path) -> None:
        make(tmp_path, "--dates=mixed")
        for column in DATES_OF_A_RECORD:
            shapes = {re.sub(r"\d", "0", row[column]) for row in rows(tmp_path / RECORDS)}
            assert shapes == {"00/00/0000", "0000-00-00"}

    def test_no_date_is_later_than_the_given_day(self, tmp_path: Path) -> None:
        make(tmp_path, "--until=1933-01-02", "--dates=iso")
        days = {row[column] for row in rows(tmp_path / RECORDS) for column in DATES_OF_A_RECORD}
        assert days == {"1933-01-01", "1933-01-02"}

    def test_the_same_seed_gives_the_same_files_and_another_seed_others(self, tmp_path: Path) -> None:
        first, other, again = (made(tmp_path, f"--seed={seed}") for seed in (7, 8, 7))
        assert first == again
        assert all(first[name] != other[name] for name in HEADERS)

    def test_the_files_do_not_depend_on_day_process_or_python_version(self, tmp_path: Path) -> None:
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in made(tmp_path).items()}
        assert digests == {
            CATALOGUE: "5620b728944a12dd5a9dd865f985dfd85961927b99a94c20b88ee98a4ca00719",
            RECORDS: "382a1b00352b7ed3309fbaa980cf9d10e7b8eb3d2d78db3ca816d611b8746cd7",
        }

    def test_a_missing_folder_is_created_and_the_command_says_what_it_wrote(self, tmp_path: Path) -> None:
        folder = tmp_path / "not" / "yet there"
        assert make(folder, patients=1500).splitlines() == [
            f"Wrote {folder / CATALOGUE}: {len(rows(folder / CATALOGUE))} rows.",
            f"Wrote {folder / RECORDS}: 1,502 rows.",
        ]


class TestInvalidOptions:
    @pytest.mark.parametrize(
        ("option", "sentence"),
        [
            *((f"--patients={text}", f"'{text}' is not a whole number of 0 or more.") for text in NO_NUMBERS),
            ("--seed=-1", "'-1' is not a whole number of 0 or more."),
            ("--dates=french", "invalid choice: 'french'"),
            ("--until=30/06/2026", "'30/06/2026' is not a valid date. Use YYYY-MM-DD."),
            ("--until=1932-12-31", "1932-12-31 is too early. The first possible day is 1933-01-01."),
        ],
    )
    def test_an_invalid_option_is_reported(self, tmp_path: Path, option: str, sentence: str) -> None:
        words = f"argument {option.partition('=')[0]}: {sentence}"
        with pytest.raises(CommandError, match=re.escape(words)):
            make(tmp_path, option)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("place", "sentence"),
        [
            ("notes.txt", r"notes\.txt is a file. Give a folder to write into\."),
            ("notes.txt/inside", r"Cannot write to the folder .*inside: Not a directory\."),
        ],
    )
    def test_a_file_is_rejected_as_a_folder(self, tmp_path: Path, place: str, sentence: str) -> None:
        (tmp_path / "notes.txt").write_text("notes")
        with pytest.raises(CommandError, match=sentence):
            make(tmp_path / place)
        assert (tmp_path / "notes.txt").read_text() == "notes"

    def test_a_folder_where_a_file_should_go_leaves_no_draft(self, tmp_path: Path) -> None:
        (tmp_path / CATALOGUE).mkdir()
        with pytest.raises(CommandError, match=r"Cannot write to the folder .*: Is a directory\."):
            make(tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == [CATALOGUE]

    def test_a_full_disk_leaves_the_files_that_were_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = made(tmp_path)
        full = Mock(side_effect=OSError(28, "No space left on device"))
        monkeypatch.setattr(patients.sample, "_make_record", full)
        with pytest.raises(CommandError, match=r"Cannot write to the folder .*: No space left on device\."):
            make(tmp_path, "--seed=2")
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
