"""Read the files of a run, check their rows, and stage their readings."""

from collections.abc import Iterator
from decimal import Decimal

import polars as pl

from healthtrack.imports.importer import RunInput
from healthtrack.imports.models import Stage
from healthtrack.imports.progress import Progress
from readings.importing.checking import Answers, Missing, RowChecker
from readings.importing.lookups import Patients, get_serial_numbers, get_units_of_metrics
from readings.importing.opening import Part, list_parts
from readings.importing.rows import Chunk, read_chunks
from readings.importing.unreadable import LINES_OF_PART, UnreadableRows
from readings.store.columns import LINE, READINGS, shorten_decimals
from readings.store.ranges import make_ranges
from readings.store.staging import StagedReadings, Stream

_STREAM = ["patient_id", "metric_id", "device", "unit"]


class FileStaging:
    """Stages the readings of a run's files. `missing` says what its rows would need a person for."""

    def __init__(self, work: RunInput, answers: Answers) -> None:
        self.work, self.answers = work, answers
        self.units = get_units_of_metrics()
        self.metrics = {metric.metric_id: metric for metric in self.units.metrics}
        self.checker = RowChecker(self.units, get_serial_numbers(), answers)
        self.staged = StagedReadings(work.run_id)
        self.unreadable = UnreadableRows(work.run_id)
        self.missing = Missing()
        self.read = 0

    def run(self, progress: Progress) -> None:
        """Stage all readings. Raise FileError if a file cannot be read."""
        progress.begin(Stage.READING, sum(file.size for file in self.work.files))
        self.staged.create()
        self.unreadable.create()
        names: dict[int, str] = {}
        parts = list_parts(self.work.files)
        for part in parts:
            names[part.number] = part.name if len(parts) > 1 else ""
            self._stage_part(part, names[part.number], progress)
        for contradictory in self.staged.unite():
            self.unreadable.add_contradictory(names, contradictory)

    def _stage_part(self, part: Part, name: str, progress: Progress) -> None:
        patient = ""
        for chunk in read_chunks(part):
            if "patient_id" not in chunk.columns and not patient:
                patient = find_patient(part)
            self._stage_chunk(part, name, chunk, patient)
            progress.advance(chunk.size)

    def _stage_chunk(self, part: Part, name: str, chunk: Chunk, patient: str) -> None:
        self.read += len(chunk.rows) + len(chunk.errors)
        self.unreadable.add_lines(part.number, name, chunk.errors)
        if chunk.rows.is_empty():
            return
        checked = self.checker.check(chunk.rows, patient)
        self.missing.add(checked.missing)
        self.unreadable.add_rows(part.number, name, checked.wrong)
        if not checked.rows.is_empty():
            place = pl.col(LINE) + part.number * LINES_OF_PART
            numbered = self._number_streams(checked.rows).with_columns(place)
            self.staged.add(shorten_decimals(numbered.select(*READINGS, LINE)))

    def _number_streams(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the number of their stream."""
        found = rows.select(_STREAM).unique(maintain_order=True)
        known = len(self.staged.numbers)
        numbers = [self.staged.number(Stream(*values)) for values in found.iter_rows()]
        if len(self.staged.numbers) > known:
            self.staged.ranges = make_ranges(self._list_ranges())
        numbered = found.with_columns(stream=pl.Series(numbers, dtype=pl.Int32))
        return rows.join(numbered, on=_STREAM, how="left", maintain_order="left")

    def _list_ranges(self) -> Iterator[tuple[int, list[Decimal], Decimal | None, str, str]]:
        for stream, number in self.staged.numbers.items():
            metric = self.metrics[stream.metric_id]
            if metric.range_limits:
                yield number, metric.range_limits, metric.target_low, metric.unit, stream.unit


def find_patient(part: Part) -> str:
    """Return the number of the patient after whom the part or its folder is named; empty if there is none."""
    found = set(Patients().get(list(part.patient_names))["patient_id"])
    return next((name for name in part.patient_names if name in found), "")
