"""Find the plan's columns in the header of a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from healthtrack.imports.plan import Column, normalize_header
from healthtrack.imports.reading.table import Table
from healthtrack.imports.reasons import UNKNOWN_COLUMNS, Notice
from healthtrack.imports.row_errors import RowError


@dataclass
class Layout:
    """Where in a file the plan's columns are: their names by position, as texts."""

    positions: dict[str, str] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def find_layout(table: Table, columns: Sequence[Column]) -> Layout:
    """Return where the columns are, the missing and repeated ones as errors, and a notice of ignored columns."""
    layout = Layout()
    headers = [normalize_header(header) for header in table.headers]
    for column in columns:
        places = [place for place, header in enumerate(headers) if header in column.spellings]
        if len(places) == 1:
            layout.positions[str(places[0])] = column.name
        elif not places:
            reason = f"The column {column.header} is missing. Add it to the header."
            layout.errors.append(RowError(reason, table.header_line, "header"))
        else:
            shown = " and ".join(dict.fromkeys(table.headers[place].strip() for place in places))
            reason = f"Appears {len(places)} times in the header. Keep one of the columns."
            layout.errors.append(RowError(reason, table.header_line, "header", shown))
    ignored = [
        table.headers[place].strip() or place + 1  # a column without a name is identified by its number
        for place in range(len(headers))
        if str(place) not in layout.positions
    ]
    if ignored and not layout.errors:
        layout.notices.append(Notice(UNKNOWN_COLUMNS, {"columns": ignored}))
    return layout
