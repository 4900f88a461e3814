"""The readers return a file's rows as texts below its header, whatever its format."""

import struct
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from zipfile import ZIP_LZMA, ZipFile

import pytest
from openpyxl import Workbook

from healthtrack.imports.reading import archive, lines, open_table, workbook
from healthtrack.imports.row_errors import FileError
from tests.support.import_files import FIXTURES, RECORDS, Row, write_csv, write_parts, write_xlsx
from tests.support.workbooks import MAIN, OFFICE, PACKAGE, SHEET, SHEETS, STRINGS, make_row, minimal_workbook

Records = list[tuple[object, ...]]
Write = Callable[[Path, Sequence[Row]], Path]

BOMB = b"<sst>" + b"<si><t>abc</t></si>" * 1_000_000
TEXT_FILES = sorted(path for path in FIXTURES.glob("*/*") if path.suffix in {".csv", ".tsv"})


def read(path: Path) -> tuple[list[str], Records, list[str]]:
    """Return the headers, the rows, each after its line, and the errors in the order of the file."""
    with open_table(path) as table:
        rows = [row for batch in table.batches for row in batch.rows()]
        errors = [row.error for row in table.take_malformed_rows()]
    return table.headers, rows, [str(error) for error in errors]


def read_or_get_error(path: Path) -> object:
    try:
        return read(path)
    except FileError as error:
        return str(error)


def get_file_error(path: Path) -> str:
    with pytest.raises(FileError) as raised:
        read(path)
    return str(raised.value)


def rows_of(path: Path) -> Records:
    return read(path)[1]


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


def write_cells(path: Path, cells: dict[str, str]) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for place, value in cells.items():
        sheet[place] = value
    book.save(path)


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
            ('1, "2"', ("1", ' "2"')),
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


class TestHostileWorkbooks:
    UNREADABLE = "This is not a readable XLSX workbook. Save it again as XLSX or as CSV."
    TOO_MUCH = "The file unpacks to far more than its size. Save the table as CSV."

    @pytest.mark.parametrize("part", [SHEET, STRINGS, "docProps/notes.xml"])
    def test_one_that_unpacks_to_far_more_is_rejected_before_unpacking(self, tmp_path: Path, part: str) -> None:
        path = write_parts(tmp_path / "bomb.xlsx", {**minimal_workbook(), part: BOMB})
        assert get_file_error(path) == self.TOO_MUCH

    @pytest.mark.parametrize("part", [SHEET, STRINGS])
    def test_one_that_understates_its_size_is_not_unpacked_further(self, tmp_path: Path, part: str) -> None:
        path = write_parts(tmp_path / "bomb.xlsx", {**minimal_workbook(), part: BOMB})
        understate(path, part, BOMB[:100])
        assert get_file_error(path) == self.UNREADABLE

    def test_parts_that_together_unpack_to_too_much_are_rejected(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 5000)
        parts = {f"part{number}.xml": "x" * 1000 for number in range(5)}
        assert get_file_error(write_parts(tmp_path / "bomb.xlsx", {**minimal_workbook(), **parts})) == self.TOO_MUCH

    def test_one_of_very_many_parts_is_rejected(self, tmp_path: Path) -> None:
        parts = {f"part{number}.xml": "" for number in range(archive.MAX_PARTS)}
        assert get_file_error(write_parts(tmp_path / "bomb.xlsx", {**minimal_workbook(), **parts})) == self.TOO_MUCH

    @pytest.mark.parametrize(
        "extra", ["../evil.xml", "/etc/passwd", "xl/../../evil.xml", "xl\\evil.xml", "XL/workbook.xml"]
    )
    def test_one_with_unsafe_or_repeated_names_is_rejected(self, tmp_path: Path, extra: str) -> None:
        assert get_file_error(write_parts(tmp_path / "odd.xlsx", {**minimal_workbook(), extra: "x"})) == self.UNREADABLE

    def test_one_whose_parts_overlap_is_rejected(self, tmp_path: Path) -> None:
        path = write_parts(tmp_path / "overlap.xlsx", minimal_workbook())
        with ZipFile(path) as book:
            first, second = book.getinfo(SHEET).header_offset, book.getinfo("xl/worksheets/sheet2.xml").header_offset
        content = path.read_bytes()
        entry = content.rindex(b"xl/worksheets/sheet2.xml") - 4
        assert content[entry : entry + 4] == struct.pack("<I", second)
        path.write_bytes(content[:entry] + struct.pack("<I", first) + content[entry + 4 :])
        assert get_file_error(path) == self.UNREADABLE

    @pytest.mark.parametrize("offset", [b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00"])
    def test_one_whose_list_has_wrong_offsets_is_rejected(self, tmp_path: Path, offset: bytes) -> None:
        path = write_parts(tmp_path / "nowhere.xlsx", minimal_workbook())
        content = path.read_bytes()
        end = content.rindex(b"PK\x05\x06")
        path.write_bytes(content[: end + 16] + offset + content[end + 20 :])
        assert get_file_error(path) == self.UNREADABLE

    def test_one_with_a_name_in_no_encoding_is_rejected(self, tmp_path: Path) -> None:
        path = write_parts(tmp_path / "odd.xlsx", {**minimal_workbook(), "xl/né.xml": "x"})
        path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
        assert get_file_error(path) == self.UNREADABLE

    def test_one_with_a_password_is_rejected(self, tmp_path: Path) -> None:
        path = write_parts(tmp_path / "locked.xlsx", minimal_workbook())
        content = bytearray(path.read_bytes())
        content[content.rindex(SHEET.encode()) - 46 + 8] |= 1
        path.write_bytes(content)
        assert get_file_error(path) == "The file is protected by a password. Save it as XLSX without a password."

    def test_one_with_another_compression_is_rejected(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "odd.xlsx", "w", ZIP_LZMA) as book:
            for name, content in minimal_workbook().items():
                book.writestr(name, content)
        assert get_file_error(tmp_path / "odd.xlsx") == self.UNREADABLE

    @pytest.mark.parametrize("part", ["xl/vbaProject.bin", "xl/vbaData.xml", "xl/macrosheets/sheet1.xml"])
    def test_one_with_macros_is_rejected(self, tmp_path: Path, part: str) -> None:
        path = write_parts(tmp_path / "macros.xlsx", {**minimal_workbook(), part: "x"})
        assert get_file_error(path) == "The workbook contains macros. Save it as XLSX without macros, or as CSV."

    def test_references_to_other_files_are_not_followed(self, tmp_path: Path) -> None:
        relation = (
            f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" TargetMode="External" Target="file:///etc/passwd"/>'
        )
        parts = minimal_workbook()
        parts["xl/_rels/workbook.xml.rels"] = (
            f'<Relationships xmlns="{PACKAGE}/relationships">{relation}</Relationships>'
        )
        assert get_file_error(write_parts(tmp_path / "out.xlsx", parts)) == self.UNREADABLE

    @pytest.mark.parametrize("cell", ["XFD1048576", "IW1", "AAAAAAAAAAAA2"])
    def test_one_with_a_cell_far_outside_the_table_is_rejected(self, tmp_path: Path, cell: str) -> None:
        sheet = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{make_row("A1", 1)}{make_row(cell, 1048576)}</sheetData></worksheet>'
        )
        assert "cells far outside the table" in get_file_error(
            write_parts(tmp_path / "far.xlsx", minimal_workbook(sheet))
        )

    @pytest.mark.parametrize("cell", ["AZ5000", "IV1048576"])
    def test_one_with_a_few_more_columns_is_read(self, tmp_path: Path, cell: str) -> None:
        write_cells(tmp_path / "wide.xlsx", {"A1": "name", "A2": "Ada", cell: "x"})
        assert rows_of(tmp_path / "wide.xlsx")[0][:2] == (2, "Ada")

    @pytest.mark.parametrize(
        "rows",
        [
            '<row r="1"/><row r="1"/>',
            '<row r="2"/><row r="1"/>',
            '<row r="1048577"/>',
            '<row r="-1"/><row r="0"/>',
            '<row r="1"><c r="1"><v>1</v></c></row>',
            '<row r="1"><c r="a1"><v>1</v></c></row>',
            '<row r="1"><c r="Ä1"><v>1</v></c></row>',
            '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
            '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
            f'<row r="{"1" * 5000}"/>',
            f'<row r="1"><c r="A1" t="s"><v>{"1" * 5000}</v></c></row>',
            f'<row r="1"><c r="A1"><v>{"1" * 140_000}</v></c></row>',
            f'<row r="1"><c r="A1" s="{"1" * 2_000_000}"><v>1</v></c></row>',
        ],
        ids=lambda rows: rows[:40],
    )
    def test_one_with_invalid_rows_or_cells_is_rejected(self, tmp_path: Path, rows: str) -> None:
        sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        assert get_file_error(write_parts(tmp_path / "odd.xlsx", minimal_workbook(sheet))) == self.UNREADABLE

    @pytest.mark.parametrize(
        "declared",
        ['<!ENTITY a SYSTEM "file:///etc/passwd">', '<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">'],
        ids=["external", "nested"],
    )
    def test_one_that_declares_entities_is_rejected(self, tmp_path: Path, declared: str) -> None:
        sheets = SHEETS.format('<sheet name="&a;" sheetId="1" r:id="rId1"/>')
        parts = minimal_workbook(workbook=f"<!DOCTYPE workbook [{declared}]>{sheets}")
        with pytest.raises(FileError) as raised:
            read(write_parts(tmp_path / "entity.xlsx", parts))
        assert str(raised.value) == self.UNREADABLE

    @pytest.mark.parametrize("lost", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
    def test_one_without_a_part_is_rejected(self, tmp_path: Path, lost: str) -> None:
        parts = {name: content for name, content in minimal_workbook().items() if name != lost}
        with pytest.raises(FileError) as raised:
            read(write_parts(tmp_path / "table.xlsx", parts))
        assert str(raised.value) == self.UNREADABLE

    @pytest.mark.parametrize("sheet", ["<worksheet", "<html/>", '<worksheet><sheetData><row r="x"></sheetData>'])
    def test_one_whose_sheet_is_not_a_worksheet_is_rejected(self, tmp_path: Path, sheet: str) -> None:
        with pytest.raises(FileError):
            read(write_parts(tmp_path / "table.xlsx", minimal_workbook(sheet)))

    def test_one_damaged_at_any_byte_is_read_or_rejected(self, tmp_path: Path) -> None:
        content = write_xlsx(tmp_path / "table.xlsx", RECORDS.rows({}, {})).read_bytes()
        for place in range(4, len(content), 61):
            path = tmp_path / "damaged.xlsx"
            path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
            read_or_get_error(path)


def understate(path: Path, part: str, beginning: bytes) -> None:
    """Make the archive state that a part unpacks to no more than these bytes."""
    with ZipFile(path) as archive:
        local = archive.getinfo(part).header_offset
    content = bytearray(path.read_bytes())
    entry = content.rindex(part.encode()) - 46  # in the archive's list, which comes last
    for header in (local + 14, entry + 16):
        struct.pack_into("<I", content, header, zlib.crc32(beginning))
        struct.pack_into("<I", content, header + 8, len(beginning))
    path.write_bytes(content)
