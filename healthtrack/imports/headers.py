from collections.abc import Sequence
from dataclasses import dataclass, field

from healthtrack.imports.plan import Column, bare
from healthtrack.imports.reading.table import Table
from healthtrack.imports.reasons import UNKNOWN_COLUMNS, Notice
from healthtrack.imports.row_errors import Fault


@dataclass
class Layout:
    """Where in a file the plan's columns stand: names by position."""

    positions: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def lay_out(table: Table, columns: Sequence[Column]) -> Layout:
    layout = Layout()
    headers = [bare(header) for header in table.headers]
    for column in columns:
        places = [place for place, header in enumerate(headers) if header in column.spellings]
        if len(places) == 1:
            layout.positions[str(places[0])] = column.name
        elif not places:
            reason = f"The column {column.header} is missing; add it to the header."
            layout.faults.append(Fault(reason, table.header_line, "header"))
        else:
            shown = " and ".join(dict.fromkeys(table.headers[place].strip() for place in places))
            reason = f"stands {len(places)} times in the header; keep one of them"
            layout.faults.append(Fault(reason, table.header_line, "header", shown))
    unknown = [
        table.headers[place].strip() or place + 1  # a column without a name is identified by its number
        for place in range(len(headers))
        if str(place) not in layout.positions
    ]
    if unknown and not layout.faults:
        layout.notices.append(Notice(UNKNOWN_COLUMNS, {"columns": unknown}))
    return layout
