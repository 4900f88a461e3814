from pathlib import Path

from import_export.formats.base_formats import Format


class DataFile(Format):
    """What may be uploaded. The engine tells the kinds apart by content and reads the file itself, in batches."""

    def __init__(self, encoding: str | None = None) -> None:
        """The encoding that the package gives is of no account: the engine finds it in the file."""

    def get_title(self) -> str:
        return "CSV, TSV or XLSX"

    def create_dataset(self, path: Path) -> Path:
        return path

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def can_import(self) -> bool:
        return True
