"""The readers return a file's rows as texts below its header, whatever its format."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from healthtrack.imports.reading import archive, lines, open_table, workbook
from tests.support.file_reading import Records, read, read_or_get_error, rows_of, write_cells
from tests.support.import_files import FIXTURES, Row, write_csv, write_parts, write_xlsx
from tests.support.workbooks import MAIN, SHEETS, minimal_workbook

Write = Callable[[Path, Sequence[Row]], Path]

TEXT_FILES = sorted(path for path in FIXTURES.glob("*/*") if path.suffix in {".csv", ".tsv"})


def cells(rows: Records) -> list[list[object]]:
    return [[cell or "" for cell in row[1:]] for row in rows]


def write_tsv(path: Path, rows: Sequence[Row]) -> Path:
    return write_csv(path, rows, delimiter="\t")


def write_semicolons(path: Path, rows: Sequence[Row]) -> Path:
    return write_csv(path, rows, delimiter=";")


def text_file(folder: Path, content: str) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content.encode())
    return path


class TestEveryFormat:
    @pytest.mark.parametrize("write", [write_tsv, write_semicolons, write_xlsx])
    def test_it_has_the_same_rows_as_csv(self, tmp_path: Path, write: Write) -> None:
        texts = ("plain", 'a "quoted" text', "a, b; c\td", "two\nlines", "فاطمة 🩺", "2,499", "")
        rows = [{"first": text, "second": "x", "third": f"{text}!"} for text in texts]
        by_csv, found = (read(way(tmp_path / "table", rows)) for way in (write_csv, write))
        assert found[0] == by_csv[0] == ["first", "second", "third"]
        assert cells(found[1]) == cells(by_csv[1])
        assert found[2] == by_csv[2] == []


class TestText:
    def test_a_row_has_the_number_of_its_first_line(self, tmp_path: Path) -> None:
        content = 'a,b\r\n1,2\r\n\r\n"3\r\n\r\n3",4\n5,"6\n6"\r7,8\r\n'
        assert rows_of(text_file(tmp_path, content)) == [
            (2, "1", "2"),
            (4, "3\r\n\r\n3", "4"),
            (7, "5", "6\n6"),
            (9, "7", "8"),
        ]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_lines_may_end_in_lf_crlf_or_cr(self, tmp_path: Path, end: str) -> None:
        assert rows_of(text_file(tmp_path, end.join(["a,b", "1,2", "", "3,4"]))) == [(2, "1", "2"), (4, "3", "4")]

    @pytest.mark.parametrize("separator", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"])
    def test_other_separators_do_not_end_a_line(self, tmp_path: Path, separator: str) -> None:
        content = f"a,b\n1{separator}1,2\n3,4\n"
        assert rows_of(text_file(tmp_path, content)) == [(2, f"1{separator}1", "2"), (3, "3", "4")]

    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_a_byte_order_mark_is_not_part_of_the_header(self, tmp_path: Path, mark: str) -> None:
        assert read(text_file(tmp_path, f"{mark}a,b\n1,2\n"))[0] == ["a", "b"]

    @pytest.mark.parametrize(
        ("line", "cells"),
        [
            ('1,"2"', ("1", "2")),
            ('"1","2"', ("1", "2")),
            ('1,""', ("1", "")),
            ('"1,1","2""2"', ("1,1", '2"2')),
            ('1"1,2', ('1"1', "2")),
            ('1""1,2"', ('1""1', '2"')),
            ('1, "2"', ("1", "2")),
            ('"""1""",2', ('"1"', "2")),
            (" 1 ,\t2 ", (" 1 ", "\t2 ")),
            ("#1,2", ("#1", "2")),
            ("\x02,\x02x", ("\x02", "\x02x")),
            ("null,NA", ("null", "NA")),
            ("1,\ufeff", ("1", "\ufeff")),
            ("1\x00,2", ("1\x00", "2")),
        ],
    )
    @pytest.mark.parametrize("further", ["", '"x\nx",y\n'])
    def test_polars_and_csv_read_a_line_alike(
        self, tmp_path: Path, line: str, cells: tuple[str, ...], further: str
    ) -> None:
        assert rows_of(text_file(tmp_path, f"a,b\n{line}\n{further}"))[0] == (2, *cells)

    @pytest.mark.parametrize("path", TEXT_FILES, ids=lambda path: "/".join(path.parts[-2:]))
    @pytest.mark.parametrize("rows", [1, 2, 3])
    def test_small_batches_and_blocks_have_the_same_rows_as_one(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, rows: int
    ) -> None:
        at_once = read_or_get_error(path)
        monkeypatch.setattr(lines, "BATCH_ROWS", rows)
        monkeypatch.setattr(lines, "_BLOCK_CHARACTERS", rows)
        assert read_or_get_error(path) == at_once

    @pytest.mark.parametrize(
        ("line", "cells"),
        [
            ("1,2,3", ["1", "2", "3"]),
            ("1", ["1"]),
            ('"1,1"', ["1,1"]),
            ('1,"2', ["1", '"2']),
            ('"1"1,2', ['"1"1', "2"]),
            ('"1,2', ['"1', "2"]),
            ('a""b,"c ""d"', ['a""b', 'c "d']),
            (f'1,"{"x" * 131_072}y",z', ["1", "x" * 131_072 + "y", "z"]),
        ],
    )
    def test_a_malformed_row_has_its_cells(self, tmp_path: Path, line: str, cells: list[str]) -> None:
        content = f"a,b\n1,2\n{line}\n3,4\n" if line[0] != "a" else f"a,b,c\n1,2,3\n{line}\n3,4,5\n"
        with open_table(text_file(tmp_path, content)) as table:
            assert [len(batch) for batch in table.batches] == [2]
            assert [(row.error.line, row.cells) for row in table.take_malformed_rows()] == [(3, cells)]
            assert table.take_malformed_rows() == []

    def test_rows_with_too_many_cells_have_one_kind_of_error(self, tmp_path: Path) -> None:
        with open_table(text_file(tmp_path, "a,b\n1,2,3\n1,2,3,4\n1\n")) as table:
            list(table.batches)
            kinds = [row.error.kind for row in table.take_malformed_rows()]
        assert kinds == ["Has more cells than the header."] * 2 + ["Has fewer cells than the header."]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("last", ["", "end"])
    @pytest.mark.parametrize("rows", [0, 1, 3])
    def test_the_number_of_its_rows_is_expected(self, tmp_path: Path, end: str, last: str, rows: int) -> None:
        lines = ["a,b", *["1,2"] * rows, *([""] if last else [])]
        with open_table(text_file(tmp_path, end.join(lines))) as table:
            assert table.rows_expected == rows

    def test_an_unclosed_quote_costs_only_its_own_line(self, tmp_path: Path) -> None:
        lines = [f'{number},"{number}' if number % 3 else f"{number},x" for number in range(2, 100)]
        _, rows, errors = read(text_file(tmp_path, "\n".join(["a,b", *lines])))
        assert [row[0] for row in rows] == [number for number in range(2, 100) if number % 3 == 0]
        assert [error.partition(" “")[0] for error in errors] == [f"Line {n}" for n in range(2, 100) if n % 3]


class TestWorkbooks:
    def test_cells_come_as_a_csv_file_would_write_them(self, tmp_path: Path) -> None:
        row = {
            "whole": 2499,
            "float": 2499.0,
            "rating": 4.1,
            "sum": 0.1 + 0.2,
            "large": 12345678901,
            "date": date(2020, 2, 29),
            "moment": datetime(2020, 2, 29, 13, 30),  # noqa: DTZ001 (a cell has no zone)
            "yes": True,
            "no": False,
            "none": None,
            "text": " 2,499 ",
        }
        assert rows_of(write_xlsx(tmp_path / "table.xlsx", [row])) == [
            (
                2,
                "2499",
                "2499",
                "4.1",
                "0.3",
                "12345678901",
                "2020-02-29 00:00:00",
                "2020-02-29 13:30:00",
                "true",
                "false",
                None,
                " 2,499 ",
            )
        ]

    def test_blank_rows_are_skipped_but_counted_as_lines(self, tmp_path: Path) -> None:
        book = Workbook()
        for place, value in {"C3": "a", "D3": "b", "C4": "1", "D6": "2", "C9": "3"}.items():
            book.worksheets[0][place] = value
        book.save(tmp_path / "table.xlsx")
        assert read(tmp_path / "table.xlsx")[:2] == (["a", "b"], [(4, "1", None), (6, None, "2"), (9, "3", None)])

    def test_small_batches_have_the_same_rows_as_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write_xlsx(tmp_path / "table.xlsx", [{"a": number, "b": "x"} for number in range(10)])
        at_once = read(path)
        monkeypatch.setattr(workbook, "BATCH_ROWS", 3)
        assert read(path) == at_once

    def test_the_first_sheet_of_the_list_is_read_whatever_its_number(self, tmp_path: Path) -> None:
        listed = '<sheet name="B" sheetId="2" r:id="rId2"/><sheet name="A" sheetId="1" r:id="rId1"/>'
        formula = (
            f'<worksheet xmlns="{MAIN}"><sheetData><row r="2"><c r="A2"><f>1+1</f></c></row></sheetData></worksheet>'
        )
        parts = minimal_workbook(formula, workbook=SHEETS.format(listed))
        assert read(write_parts(tmp_path / "table.xlsx", parts)) == (["second"], [(2, "sheet")], [])

    def test_other_sheets_are_ignored(self, tmp_path: Path) -> None:
        book = Workbook()
        book.worksheets[0].append(["a"])
        book.worksheets[0].append(["1"])
        book.create_sheet("Notes").append(["=1+1", "b", "c"])
        book.save(tmp_path / "table.xlsx")
        assert read(tmp_path / "table.xlsx") == (["a"], [(2, "1")], [])

    @pytest.mark.parametrize("piece", [1, 7, 1024, 1024**2])
    def test_formulas_and_errors_are_read_as_their_text(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
    ) -> None:
        cells = {"B2": "a", "C2": "b", "C3": '=IF(B4<>"","&",1)', "B4": "x", "C4": "#N/A", "B60": "=B4", "E70": "=1"}
        write_cells(tmp_path / "table.xlsx", cells)
        monkeypatch.setattr(archive, "_CHUNK_BYTES", piece)
        assert rows_of(tmp_path / "table.xlsx") == [
            (3, None, '=IF(B4<>"","&",1)', None, None),
            (4, "x", "#N/A", None, None),
            (60, "=B4", None, None, None),
            (70, None, None, None, "=1"),
        ]
