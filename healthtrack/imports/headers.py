from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from healthtrack.imports.faults import Fault
from healthtrack.imports.plan import Column, bare
from healthtrack.imports.reading.table import Table


@dataclass
class Layout:
    """Where in a file the plan's columns stand: names by position."""

    positions: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def lay_out(table: Table, columns: Sequence[Column]) -> Layout:
    layout = Layout()
    headers = [bare(header) for header in table.headers]
    for header, times in Counter(headers).items():
        if header and times > 1:
            shown = table.headers[headers.index(header)].strip()
            layout.faults.append(
                Fault(
                    f"stands {times} times in the header; keep one of them",
                    table.header_line,
                    "header",
                    shown,
                )
            )
    for column in columns:
        found = next((spelling for spelling in column.spellings if spelling in headers), None)
        if found is None:
            layout.faults.append(
                Fault(
                    f"The column {column.header} is missing; add it to the header.",
                    table.header_line,
                    "header",
                )
            )
        else:
            layout.positions[str(headers.index(found))] = column.name
    unknown = [
        table.headers[place].strip() or f"number {place + 1}, which has no name"
        for place in range(len(headers))
        if str(place) not in layout.positions
    ]
    if unknown and not layout.faults:
        layout.notices.append(f"Left out, because unknown here: column {', '.join(unknown)}.")
    return layout
