"""Find the plan's columns in the header of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.widgets import TextWidget
from healthtrack.imports.detection.columns import match_header
from healthtrack.imports.reading.table import Table
from healthtrack.imports.reasons import UNKNOWN_COLUMNS, Notice
from healthtrack.imports.row_errors import RowError, show_value


@dataclass
class Layout:
    """Where in a file the plan's columns are: their names by position, as texts; and their headers by name."""

    positions: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    # The positions of texts, and how many cells a row has at least: up to the last column that needs a value.
    text_columns: frozenset[int] = frozenset()
    min_cells: int = 1

    def describe_cells(self, columns: Sequence[Column]) -> None:
        """Find out from the positions of the columns which cells are texts, and how many a row needs."""
        named = {column.name: column for column in columns}
        placed = [(int(place), named[name]) for place, name in self.positions.items()]
        self.text_columns = frozenset(place for place, column in placed if isinstance(column.widget, TextWidget))
        self.min_cells = max((place + 1 for place, column in placed if column.required), default=1)

    def prepare(self, table: Table) -> None:
        """Tell the table what its columns mean."""
        table.text_columns, table.min_cells = self.text_columns, self.min_cells


def find_layout(table: Table, columns: Sequence[Column], fields: Mapping[int, str] | None = None) -> Layout:
    """Return where the columns are, the missing and repeated ones as errors, and a notice of ignored columns.

    `fields` says which field a column of the file belongs to, by position. Without it, the header alone says it.
    """
    layout = Layout()
    match = match_header(table.headers, columns)
    fields = fields or match.fields
    if not fields and not match.repeated:
        reason = "No column has an expected name. Check that this is the right file, and that its header is complete."
        found = ", ".join(filter(None, (header.strip() for header in table.headers)))
        return Layout(errors=[RowError(reason, table.header_line, "header", found)])
    for column in columns:
        places = [place for place, name in fields.items() if name == column.name] or match.repeated.get(column.name, [])
        if len(places) == 1:
            layout.positions[str(places[0])] = column.name
            layout.headers[column.name] = table.headers[places[0]].strip()
        elif not places:
            reason = f"The column {column.header} is missing. Add it to the header."
            layout.errors.append(RowError(reason, table.header_line, "header"))
        else:
            shown = " and ".join(dict.fromkeys(table.headers[place].strip() for place in places))
            reason = f"Appears {len(places)} times in the header. Keep one of the columns."
            layout.errors.append(RowError(reason, table.header_line, "header", shown))
    layout.describe_cells(columns)
    ignored = _list_ignored(table, layout)
    if ignored and not layout.errors:
        layout.notices.append(Notice(UNKNOWN_COLUMNS, {"columns": ignored}))
    return layout


def _list_ignored(table: Table, layout: Layout) -> list[str | int]:
    """Return the names of the columns that belong to no field; a column without a name is identified by its number."""
    return [
        show_value(header.strip()) or place + 1
        for place, header in enumerate(table.headers)
        if str(place) not in layout.positions
    ]
