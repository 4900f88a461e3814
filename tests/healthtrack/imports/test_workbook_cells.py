"""Cells of a workbook are read as the same text, whichever way a program has written them."""

from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from healthtrack.imports.reading import open_table
from tests.support.import_files import write_parts
from tests.support.workbooks import MAIN, minimal_workbook

DATE_FORMATS = ["m/d/yy", "yyyy-mm-dd", "[$-409]d-mmm-yy;@", "dd/mm/yyyy hh:mm", 'yyyy"年"m"月"d"日"', "MMM D"]
OTHER_FORMATS = [
    "General",
    "0.00",
    "#,##0",
    "[Red]0.0",
    "0.00E+00",
    "@",
    "_-* #,##0.00_d",
    "[<=9]0;d",
]
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def read(path: Path) -> list[tuple[object, ...]]:
    with open_table(path) as table:
        return [row[1:] for batch in table.batches for row in batch.rows()]


def read_sheet(folder: Path, sheet: str, **parts: str) -> list[tuple[object, ...]]:
    return read(write_parts(folder / "table.xlsx", minimal_workbook(sheet, **parts)))


def sheet_with(cells: str) -> str:
    header = '<row><c t="inlineStr"><is><t>a</t></is></c></row>'
    return f'<worksheet xmlns="{MAIN}"><sheetData>{header}<row>{cells}</row></sheetData></worksheet>'


def formatted(path: Path, value: object, number_format: str, *, from_1904: bool = False) -> object:
    book = Workbook()
    if from_1904:
        book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001  (a cell has no zone)
    sheet = book.worksheets[0]
    sheet.append(["a"])
    sheet.append([value])
    sheet["A2"].number_format = number_format
    book.save(path)
    ((cell,),) = read(path)
    return cell


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "read_as"),
        [
            (7, "7"),
            (7.0, "7"),
            (-7.5, "-7.5"),
            (0.1 + 0.2, "0.3"),
            (123456789012345, "123456789012345"),
            (1e16, "10000000000000000"),
            (1e-7, "0.0000001"),
        ],
    )
    def test_they_are_written_in_full(self, tmp_path: Path, number: float, read_as: str) -> None:
        assert formatted(tmp_path / "table.xlsx", number, "General") == read_as

    @pytest.mark.parametrize("number", ["many", "1,5", "--1", "0x10"])
    def test_other_text_stays_unchanged(self, tmp_path: Path, number: str) -> None:
        assert read_sheet(tmp_path, sheet_with(f"<c><v>{number}</v></c>")) == [(number,)]

    @pytest.mark.parametrize("style", DATE_FORMATS)
    def test_a_date_format_makes_them_dates(self, tmp_path: Path, style: str) -> None:
        assert formatted(tmp_path / "table.xlsx", 45000, style) == "2023-03-15 00:00:00"

    @pytest.mark.parametrize("style", OTHER_FORMATS)
    def test_other_formats_leave_them_numbers(self, tmp_path: Path, style: str) -> None:
        assert formatted(tmp_path / "table.xlsx", 45000, style) == "45000"

    @pytest.mark.parametrize(
        ("style", "unit"),
        [
            ('0.0 "days"', "days"),
            (r"0\d", "d"),
            ('#,##0.00 "€";-#,##0.00 "€"', "€"),
            ("[$CHF-807] #,##0.00", "CHF"),
            ('_("$"* #,##0.00_)', "$"),
        ],
    )
    def test_a_unit_of_the_format_belongs_to_them(self, tmp_path: Path, style: str, unit: str) -> None:
        assert formatted(tmp_path / "table.xlsx", 45000, style) == f"45000 {unit}"

    @pytest.mark.parametrize(
        ("number", "day"),
        [
            (1, "1900-01-01 00:00:00"),
            (59, "1900-02-28 00:00:00"),
            (61, "1900-03-01 00:00:00"),
            (45000.75, "2023-03-15 18:00:00"),
            (2958465, "9999-12-31 00:00:00"),
            (2958466, "2958466"),
            (-1, "-1"),
        ],
    )
    def test_dates_are_counted_as_in_office(self, tmp_path: Path, number: float, day: str) -> None:
        assert formatted(tmp_path / "table.xlsx", number, "m/d/yy") == day

    def test_dates_may_be_counted_from_1904(self, tmp_path: Path) -> None:
        assert formatted(tmp_path / "table.xlsx", 1, "m/d/yy", from_1904=True) == "1904-01-02 00:00:00"


class TestTexts:
    @pytest.mark.parametrize(
        ("item", "text"),
        [
            ("<t>plain</t>", "plain"),
            ("<r><t>two</t></r><r><rPr><b/></rPr><t>fold</t></r>", "twofold"),
            ("<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh>", "東京"),
            ("\n  <t>in lines</t>\n", "in lines"),
            ("<t>a &amp; &lt;b&gt; &#233;</t>", "a & <b> é"),
            ("<t><![CDATA[a<b]]></t>", "a<b"),
            ("<t>two_x000a_lines _x4D_ _xD800_</t>", "two\nlines _x4D_ _xD800_"),
        ],
    )
    def test_they_are_joined_and_unescaped(self, tmp_path: Path, item: str, text: str) -> None:
        shared = f'<sst xmlns="{MAIN}"><si><t>other</t></si><si>{item}</si></sst>'
        assert read_sheet(tmp_path, sheet_with('<c t="s"><v>1</v></c>'), strings=shared) == [(text,)]
        assert read_sheet(tmp_path, sheet_with(f'<c t="inlineStr"><is>{item}</is></c>')) == [(text,)]

    @pytest.mark.parametrize(
        ("cell", "read_as"),
        [
            ('<c t="b"><v>1</v></c>', "true"),
            ('<c t="b"><v>0</v></c>', "false"),
            ('<c t="e"><v>#DIV/0!</v></c>', "#DIV/0!"),
            ('<c t="str"><v>text</v></c>', "text"),
            ('<c t="d"><v>2020-02-29</v></c>', "2020-02-29"),
            ("<c><f>A1+1</f><v>2</v></c>", "=A1+1"),
            ("<c t='str'><f>A1&amp;\"x\"</f><v>2</v></c>", '=A1&"x"'),
            ('<c><f t="shared" si="0"/><v>2</v></c>', "="),
        ],
    )
    def test_every_type_of_cell_has_a_text(self, tmp_path: Path, cell: str, read_as: str) -> None:
        assert read_sheet(tmp_path, sheet_with(cell)) == [(read_as,)]


class TestMarkup:
    def test_names_may_have_a_prefix_and_attributes_either_quote(self, tmp_path: Path) -> None:
        sheet = (
            f"<x:worksheet xmlns:x='{STRICT}'><!-- <row r='9'/> --><x:sheetData>"
            "<x:row r='1'><x:c r='B1' t='inlineStr'><x:is><x:t>b</x:t></x:is></x:c></x:row>"
            "<x:row r='3'><x:c r='B3'><x:f>1+1</x:f><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>"
        )
        assert read_sheet(tmp_path, sheet) == [("=1+1",)]

    def test_cells_without_a_reference_follow_each_other(self, tmp_path: Path) -> None:
        header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in "abc")
        cells = '<c/><c><v>2</v></c><c r="C2"><v>3</v></c>'
        sheet = f'<worksheet xmlns="{MAIN}"><sheetData><row>{header}</row><row>{cells}</row></sheetData></worksheet>'
        assert read_sheet(tmp_path, sheet) == [(None, "2", "3")]

    def test_rows_after_the_first_batch_have_the_same_columns(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("healthtrack.imports.reading.workbook.BATCH_ROWS", 1)
        monkeypatch.setattr("healthtrack.imports.reading.archive._CHUNK_BYTES", 64)
        book = Workbook()
        for row in (["a", "b"], *[["1", "2"]] * 20, ["3", "4", "beyond"]):
            book.worksheets[0].append(row)
        book.save(tmp_path / "table.xlsx")
        assert read(tmp_path / "table.xlsx") == [("1", "2")] * 20 + [("3", "4")]
