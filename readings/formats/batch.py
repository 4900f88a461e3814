"""What formats give to the importer: batches of rows as text columns, of episodes, and of errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.opening import Part
from healthtrack.imports.row_errors import RowError

# Text, null if absent. `metric` is our code or a LOINC code; `start` and `end` are ISO 8601 with a UTC offset, or local
# without; `unit` is UCUM; `device` names the source as the file does. A `serial_number` creates a missing device;
# `model` is the name of its model.
COLUMNS = ("patient_id", "metric", "start", "end", "value", "unit", "device", "serial_number", "model")
# Also text: one row for each stage of a night, or for a workout. `kind` is the code of a metric: sleep or workout.
# Rows with the same `episode`, a name within the part, belong together; rows without one do if they follow each other.
# `stage` is one of `SLEEP_STAGES`, or the name of the sport.
EPISODE_COLUMNS = ("patient_id", "kind", "episode", "start", "end", "stage", "device", "serial_number", "model")
# Also text: who wore a device, from the first day until before the second, as ISO 8601. A device that has no serial
# number is known by the maker's key.
ASSIGNMENT_COLUMNS = ("patient_id", "serial_number", "maker_key", "model", "worn_from", "worn_until")
# A column of assignments, true if they ended during their last day, on which the next one may begin.
MAY_SHARE = "may_share"
SLEEP_STAGES = ("in_bed", "asleep", "awake", "restless", "light", "deep", "rem")
# A whole number: the position within the part, such as that of a line; the format has the word for it.
LINE = "line"
# An optional column of rows, true if the source proves the UTC offset, such as by naming the time zone.
PROVEN = "proven"


@dataclass(frozen=True)
class Batch:
    """Rows of a part: `rows` has `COLUMNS` and `LINE`, `episodes` has `EPISODE_COLUMNS` and `LINE`,
    `assignments` has `ASSIGNMENT_COLUMNS`, `MAY_SHARE` and `LINE`, before the readings of the same devices.

    `errors` are the positions that are not rows. `left_out` counts by label what is not imported, such as notes. `size`
    is the number of bytes that were read for the batch. `part` is the one of a container that `LINE` belongs to.
    `position` is its word for `LINE`, where that of the format does not fit. `person` tells the people of several
    parts apart, such as by their names; it is compared and never stored.
    """

    rows: pl.DataFrame = field(default_factory=lambda: complete(pl.DataFrame({LINE: []})))
    errors: Sequence[RowError] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    episodes: pl.DataFrame | None = None
    size: int = 0
    part: Part | None = None
    person: str = ""
    position: str = ""
    assignments: pl.DataFrame | None = None


def complete(rows: pl.DataFrame, columns: Sequence[str] = COLUMNS) -> pl.DataFrame:
    """Return rows that have `LINE` with all columns as text, without blanks around the cells; empty cells are null."""
    missing = [pl.lit(None, pl.String).alias(name) for name in columns if name not in rows.columns]
    cells = [pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in columns]
    proven = [PROVEN] if PROVEN in rows.columns else []
    return rows.with_columns(missing).select(pl.col(LINE).cast(pl.Int64), *cells, *proven)
