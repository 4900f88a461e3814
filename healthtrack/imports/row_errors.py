"""The validation errors of a file: those of single rows, and those that make the whole file unreadable."""

from dataclasses import dataclass

from healthtrack.core.cleaning import show_invisible

MAX_SHOWN_CHARACTERS = 100


def show_value(value: str) -> str:
    """Return a value for people to read: cut off after 100 characters, with code points for invisible characters."""
    shown = show_invisible(value[: MAX_SHOWN_CHARACTERS + 1])
    return shown if len(shown) <= MAX_SHOWN_CHARACTERS else f"{shown[:MAX_SHOWN_CHARACTERS]}…"


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong in a file, with its place, its value and a reason that also says how to correct it.

    `line` counts the lines of the file from 1 (in an XLSX file its rows). It is None for an error of the file as a
    whole. Errors of one `kind` are counted together. The kind is the reason, unless the reason differs from row to row.
    `source` says where it is in an upload whose rows are not lines of one file, such as "Patient.ndjson, line 3".
    """

    reason: str
    line: int | None = None
    column: str = ""
    value: str | None = None
    kind: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.reason)

    @property
    def shown_value(self) -> str:
        """Return the value, cut off after 100 characters, with code points for invisible characters."""
        return show_value(self.value or "")

    def __str__(self) -> str:
        line = self.source or (f"Line {self.line}" if self.line else "")
        place = ", ".join(filter(None, (line, self.column)))
        value = f"“{self.shown_value}”" if self.value else ""
        subject = " ".join(filter(None, (place, value)))
        return f"{subject}: {self.reason}" if subject else self.reason


class FileError(Exception):
    """The file cannot be read as a table at all; `errors` say why."""

    def __init__(self, *errors: RowError) -> None:
        super().__init__(" ".join(map(str, errors)))
        self.errors = errors


class DamageError(FileError):
    """The file is damaged or was cut off here. What was read of it before is right."""
