from dataclasses import dataclass

SHOWN_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: the sentence that it makes says where, what stands there, and the way out.

    `line` counts the file's lines from 1 (in an XLSX file its rows); it is None for a fault of the file as a whole.
    Faults of one `kind` are counted together: it is the reason, unless that holds what differs from row to row.
    """

    reason: str
    line: int | None = None
    column: str = ""
    value: str | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.reason)

    @property
    def shown_value(self) -> str:
        value = self.value or ""
        return value if len(value) <= SHOWN_LETTERS else f"{value[:SHOWN_LETTERS]}…"

    def __str__(self) -> str:
        place = ", ".join(filter(None, (f"line {self.line}" if self.line else "", self.column)))
        said = f"“{self.shown_value}” {self.reason}" if self.value else self.reason
        return f"{place}: {said}" if place else said


class FileRefusedError(Exception):
    """The file cannot be read as a table at all."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults
