"""Compare the name of an uploaded file with its content, so that no file is taken for what it is not."""

from pathlib import Path

WORKBOOK_ENDING = ".xlsx"
TEXT_ENDINGS = (".csv", ".tsv", ".txt")
_ZIP = b"PK"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # also a workbook with a password, which the reader explains


def find_misleading_ending(name: str, path: Path) -> str:
    """Return why the ending of a file's name does not fit its content, and what to do; an empty text if it fits."""
    ending = Path(name).suffix.lower()
    if ending not in (WORKBOOK_ENDING, *TEXT_ENDINGS):
        return "The name of the file must end in .csv, .tsv, .txt or .xlsx. Save the table in one of these formats."
    with path.open("rb") as file:
        head = file.read(len(_OLD_OFFICE))
    if ending == WORKBOOK_ENDING and not head.startswith((_ZIP, _OLD_OFFICE)):
        return "The name ends in .xlsx, but this is not an Excel workbook. Save the table as XLSX, or rename the file."
    if ending != WORKBOOK_ENDING and head.startswith(_ZIP):
        return f"The name ends in {ending}, but the file is a workbook or an archive. Save the table as CSV or XLSX."
    return ""
