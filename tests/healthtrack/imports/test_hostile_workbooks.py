"""Workbooks that are made to harm are rejected, before they use much memory or lead to other files."""

import struct
import zlib
from pathlib import Path
from zipfile import ZIP_LZMA, ZipFile

import pytest

from healthtrack.imports.reading import archive
from healthtrack.imports.row_errors import FileError
from tests.support.file_reading import get_file_error, read, read_or_get_error, rows_of, write_cells
from tests.support.import_files import RECORDS, write_parts, write_xlsx
from tests.support.workbooks import MAIN, OFFICE, PACKAGE, SHEET, SHEETS, STRINGS, make_row, minimal_workbook

BOMB = b"<sst>" + b"<si><t>abc</t></si>" * 1_000_000


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
