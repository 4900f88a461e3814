"""Read the files of a run, check their rows, and stage their readings."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import polars as pl

from healthtrack.imports.importer import RunInput
from healthtrack.imports.models import Stage
from healthtrack.imports.opening import Container, Part, damaged, open_files
from healthtrack.imports.progress import Progress
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.base import Format
from readings.formats.batch import Batch
from readings.formats.registry import divide, is_data
from readings.importing.assignments import StagedAssignments
from readings.importing.checking import REASONS, Answers, Missing, RowChecker
from readings.importing.episodes import EpisodeStaging
from readings.importing.lookups import Patients, get_serial_numbers, get_units_of_metrics
from readings.importing.repetition import find_repeated, stage_again
from readings.importing.shared_devices import remove_shared_days
from readings.importing.unreadable import LINES_OF_PART, Place, UnreadableRows
from readings.store.columns import LINE, MAX_DECIMALS, READINGS, shorten_decimals
from readings.store.ranges import make_ranges
from readings.store.staging import StagedReadings, Stream

UNKNOWN_FORMAT = (
    "The file {name} has none of the formats that can be read. A table of your own needs the columns metric, start,"
    " value: its first line has no column metric."
)
SEVERAL_PEOPLE = (
    "The files are of several people. Put them into a zip archive, and name each file or its folder after the number of"
    " its patient."
)
_STREAM = ["patient_id", "metric_id", "device", "unit"]


class SeveralPeopleError(FileError):
    """The files are of several people, and do not say whose readings are whose."""


class FileStaging:
    """Stages the readings of a run's files. `missing` says what its rows would need a person for."""

    def __init__(self, work: RunInput, answers: Answers) -> None:
        self.work, self.answers = work, answers
        self.units = get_units_of_metrics()
        self.metrics = {metric.metric_id: metric for metric in self.units.metrics}
        self.checker = RowChecker(self.units, get_serial_numbers(), answers)
        self.staged = StagedReadings(work.run_id)
        self.episodes = EpisodeStaging(self.staged)
        self.assignments = StagedAssignments(work.run_id)
        self.unreadable = UnreadableRows(work.run_id)
        self.missing = Missing()
        self.left_out: Counter[str] = Counter()
        self.places: dict[int, Place] = {}
        self.people: set[str] = set()
        self.is_single = True
        self.read = 0

    def run(self, progress: Progress) -> None:
        """Stage all readings. Raise FileError if a file cannot be read."""
        self.staged.create()
        self.unreadable.create()
        self.episodes.create()
        self.assignments.create()
        if repeated := find_repeated(self.work):
            stage_again(self.staged, repeated.run_id)
            self.read, self.episodes.count = repeated.readings, repeated.episodes
            self.left_out.update(repeated.left_out)
        else:
            self._read_files(progress)
            self._resolve_assignments()
        for contradictory in self.staged.unite():
            self.unreadable.add_contradictory(self.places, contradictory)
        self.unreadable.add_shared(self.places, remove_shared_days(self.staged))
        is_workout = {metric.metric_id: metric.code == "workout" for metric in self.units.metrics}
        workouts = {number for stream, number in self.staged.numbers.items() if is_workout[stream.metric_id]}
        self.unreadable.add_contradictory_episodes(self.places, self.episodes.unite(workouts))

    def _read_files(self, progress: Progress) -> None:
        with open_files(self.work.files) as parts:
            progress.begin(Stage.READING, sum(part.size for part in parts), in_bytes=True)
            self.is_single = len(parts) == 1
            for each, source in divide(parts):
                self._read(each, source, progress)

    def _read(self, reader: Format | None, source: Part | Container, progress: Progress) -> None:
        """Stage a part or container. If it is not the only one, an error of the whole of it is one among others."""
        try:
            if reader is None:
                self._refuse(source)
            else:
                self._stage(reader, source, progress)
        except FileError as error:
            is_partly_read = isinstance(error, DamageError) and (self.read or self.episodes.count)
            if isinstance(error, SeveralPeopleError) or (self.is_single and not is_partly_read):
                raise
            self.read += len(error.errors)
            self.unreadable.add_lines(Place(source.number, "" if self.is_single else source.name, ""), error.errors)

    def _refuse(self, source: Part | Container) -> None:
        if isinstance(source, Part) and source.is_damaged:
            raise damaged(source.name)
        if isinstance(source, Part) and not is_data(source):
            self.left_out["files of other kinds"] += 1
            return
        raise FileError(RowError(UNKNOWN_FORMAT.format(name=source.name)))

    def _stage(self, reader: Format, source: Part | Container, progress: Progress) -> None:
        patient = find_patient(source)
        for batch in reader.read(source):
            part = batch.part or source
            self._check_person(batch, patient)
            is_whole = self.is_single and batch.part is None
            place = Place(part.number, "" if is_whole else part.name, batch.position or reader.position)
            self.places[part.number] = place
            self._stage_batch(place, batch, patient)
            progress.advance(batch.size)

    def _check_person(self, batch: Batch, patient: str) -> None:
        """Raise SeveralPeopleError if one question cannot say whose the readings are."""
        if batch.person and not patient:
            self.people.add(batch.person)
            if len(self.people) > 1:
                raise SeveralPeopleError(RowError(SEVERAL_PEOPLE))

    def _stage_batch(self, place: Place, batch: Batch, patient: str) -> None:
        self.read += len(batch.rows) + len(batch.errors)
        self.left_out.update({label: count for label, count in batch.left_out.items() if count})
        self.unreadable.add_lines(place, batch.errors)
        if batch.assignments is not None:
            self._stage_assignments(place, batch.assignments, patient)
        readings = self._check(place, batch.rows, patient)
        if not readings.is_empty():
            self.staged.add(shorten_decimals(readings.select(*READINGS, LINE)))
        if batch.episodes is not None:
            named = batch.episodes.rename({"kind": "metric"})
            episodes = self._check(place, named.with_columns(unit=pl.lit("min"), value=pl.lit("0")), patient)
            self.read += len(batch.episodes) - len(episodes)
            if not episodes.is_empty():
                self.episodes.add(episodes)

    def _stage_assignments(self, place: Place, rows: pl.DataFrame, patient: str) -> None:
        whose = patient or self.answers.patient
        rows = rows.with_columns(pl.col("patient_id").fill_null(pl.lit(whose or None, pl.String)))
        self.missing.patient |= not whose and rows["patient_id"].has_nulls()
        known = set(self.checker.patients.get(rows["patient_id"].drop_nulls().unique().to_list())["patient_id"])
        is_known = pl.col("patient_id").is_in(list(known)).fill_null(value=False)
        is_other = pl.lit(self.answers.is_only_patient) & (pl.col("patient_id") != self.answers.patient)
        codes = {
            "no_patient": pl.col("patient_id").is_null(),
            "another_patient": is_other,
            "unknown_patient": ~is_known,
        }
        coded = rows.with_columns(code=pl.coalesce(pl.when(each).then(pl.lit(code)) for code, each in codes.items()))
        wrong = coded.filter(pl.col("code").is_not_null()).select("code", LINE, "patient_id")
        self._add_errors(
            place, [RowError(REASONS[code][1], line, REASONS[code][0], of) for code, line, of in wrong.rows()]
        )
        self.assignments.add(coded.filter(pl.col("code").is_null()), place.part)

    def _resolve_assignments(self) -> None:
        """Find the devices of the assignments, and let readings be compared with who wore them then."""
        if not self.assignments.is_open:
            return
        errors, unnamed = self.assignments.resolve()
        for part, error in errors:
            self._add_errors(self.places[part], [error])
        self.left_out.update({"uses of devices that nobody has entered": unnamed} if unnamed else {})
        self.checker.add_wearers(self.assignments.fetch_wearers())

    def _add_errors(self, place: Place, errors: list[RowError]) -> None:
        self.read += len(errors)
        self.unreadable.add_lines(place, errors)

    def _check(self, place: Place, rows: pl.DataFrame, patient: str) -> pl.DataFrame:
        """Return the valid rows, with the number of their stream; report the others."""
        if rows.is_empty():
            return rows
        self._resolve_assignments()
        names_patients = rows["patient_id"].count() > 0
        checked = self.checker.check(rows, "" if names_patients else patient)
        self.missing.add(checked.missing)
        self.unreadable.add_rows(place, checked.wrong)
        number = pl.col(LINE) + place.part * LINES_OF_PART
        return self._number_streams(checked.rows).with_columns(number)

    def _number_streams(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the number of their stream."""
        device = pl.col("serial_number", "model").fill_null("").first()
        stated = pl.col("stated").min().clip(upper_bound=MAX_DECIMALS)
        found = rows.group_by(_STREAM, maintain_order=True).agg(device, stated)
        known = len(self.staged.numbers)
        numbers = [self.staged.number(Stream(*values)) for *values, _, _, _ in found.iter_rows()]
        for number, (*_, serial_number, model, decimals) in zip(numbers, found.iter_rows(), strict=True):
            if serial_number or model:
                self.staged.devices.setdefault(number, (serial_number, model))
            self.staged.stated[number] = min(decimals, self.staged.stated.get(number, decimals))
        if len(self.staged.numbers) > known:
            self.staged.ranges = make_ranges(self._list_ranges())
        numbered = found.select(_STREAM).with_columns(stream=pl.Series(numbers, dtype=pl.Int32))
        return rows.join(numbered, on=_STREAM, how="left", maintain_order="left")

    def _list_ranges(self) -> Iterator[tuple[int, list[Decimal], Decimal | None, str, str]]:
        for stream, number in self.staged.numbers.items():
            metric = self.metrics[stream.metric_id]
            if metric.range_limits:
                yield number, metric.range_limits, metric.target_low, metric.unit, stream.unit


def find_patient(part: Part | Container) -> str:
    """Return the number of the patient after whom the part or its folder is named; empty if there is none."""
    found = set(Patients().get(list(part.patient_names))["patient_id"])
    return next((name for name in part.patient_names if name in found), "")
