"""Read the Observations of an upload, after the patients and devices that they refer to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import polars as pl

from healthtrack.imports.fhir.resources import Resource, ResourceReader
from healthtrack.imports.opening import Part
from healthtrack.imports.row_errors import FileError, RowError
from patients.fhir.elements import Content, UnreadableError, get_object, iterate_objects
from readings.formats.batch import ASSIGNMENT_COLUMNS, COLUMNS, LINE, MAY_SHARE, Batch, complete
from readings.formats.fhir.codes import CODE, FOR_RECORDS, get_code
from readings.formats.fhir.sources import Source, Sources
from readings.formats.fhir.subjects import Subjects
from readings.formats.fhir.uses import STATEMENT, find_reason, read_period
from readings.formats.fhir.values import Time, find_metric, read_time, read_values

_BATCH_ROWS = 50_000
# After so many bytes there is a batch, to show the progress.
_STEP_BYTES = 32 * 2**20
_IMPORTED = {"final", "amended", "corrected"}
_REFERRED = frozenset({"Patient", "Device", "DeviceMetric"})
_WANTED = frozenset({"Observation"})
# Counted by whether Observations refer to them, or read before those.
_READ = frozenset({"Device", "DeviceMetric", STATEMENT})
_OTHER_SUBJECTS = ("Group/", "Device/", "Location/")
_ROW = ("patient_id", "metric", "start", "end", "value", "unit", *Source._fields)


class Contents:
    """Collects the rows of the parts of an upload."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.subjects, self.sources = Subjects(), Sources()
        self._begin()

    def _begin(self) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.assignments: list[tuple[object, ...]] = []
        self.errors: list[RowError] = []
        self.left_out: Counter[str] = Counter()

    def read(self) -> Iterator[Batch]:
        """Yield everything, in batches of one part each."""
        with_statements = []
        for part in self.parts:
            with_statements += [part] if self._find_referred(part) else []
            yield self._take_batch(part, 0)
        for part in with_statements:
            yield from self._read_statements(part)
        for part in self.parts:
            yield from self._read_part(part)
        if self.sources.unused:
            yield Batch(left_out={"devices without readings": self.sources.unused})

    def _find_referred(self, part: Part) -> bool:
        """Note the patients and devices of a part, and return whether it has statements about the use of devices.

        If it is damaged, reading it again reports that.
        """
        reader = ResourceReader(_REFERRED, [])
        with suppress(FileError):
            for resource in reader.read(part):
                if not resource.is_deletion:
                    self._add(resource)
        return reader.others[STATEMENT] > 0

    def _read_statements(self, part: Part) -> Iterator[Batch]:
        """Yield who used devices. The same readings may be by them, so this comes before all readings."""
        with suppress(FileError):
            for resource in ResourceReader({STATEMENT}, []).read(part):
                if not resource.is_deletion:
                    self._add(resource)
                if len(self.assignments) + len(self.errors) >= _BATCH_ROWS:
                    yield self._take_batch(part, 0)
        yield self._take_batch(part, 0)

    def _read_part(self, part: Part) -> Iterator[Batch]:
        damaged: list[RowError] = []
        reader = ResourceReader(_WANTED, damaged)
        reported = 0
        try:
            for resource in reader.read(part):
                if not resource.is_deletion:
                    self._add(resource)
                unreported = reader.read_bytes - reported
                if len(self.rows) + len(self.errors) >= _BATCH_ROWS or unreported >= _STEP_BYTES:
                    reported += unreported
                    yield self._take_batch(part, unreported)
        except FileError as error:
            damaged += error.errors
        self.errors += damaged
        self._count_others(reader.others)
        yield self._take_batch(part, max(0, part.size - reported))

    def _take_batch(self, part: Part, size: int) -> Batch:
        schema = {LINE: pl.Int64, **dict.fromkeys(_ROW, pl.String)}
        rows = complete(pl.DataFrame(self.rows, schema=schema, orient="row"), COLUMNS)
        own = part if len(self.parts) > 1 else None
        worn = None
        if self.assignments:
            names = {LINE: pl.Int64, **dict.fromkeys(ASSIGNMENT_COLUMNS, pl.String), MAY_SHARE: pl.Boolean}
            worn = pl.DataFrame(self.assignments, schema=names, orient="row")
        batch = Batch(rows, self.errors, dict(self.left_out), size=size, part=own, assignments=worn)
        self._begin()
        return batch

    def _count_others(self, counts: Mapping[str, int]) -> None:
        for kind, count in counts.items():
            if kind in FOR_RECORDS:
                self.left_out[f"{kind}, for the import of medical records"] += count
            elif kind not in _READ:
                self.left_out[kind if CODE.fullmatch(kind) else "other resources"] += count

    def _add(self, resource: Resource) -> None:
        line = resource.place.entry or resource.place.line
        try:
            if resource.type == STATEMENT:
                self._add_statement(resource.content, resource, line)
            elif resource.type in _WANTED:
                self._add_observation(resource.content, resource, line)
            else:
                (self.subjects if resource.type == "Patient" else self.sources).add(resource)
        except UnreadableError as error:
            kind = f"{error.path}: {error.reason}"
            self.errors.append(RowError(error.reason, line, error.path, error.value, kind))

    def _add_statement(self, content: Content, resource: Resource, line: int) -> None:
        if label := find_reason(content) or _find_other_subject(content, "uses of devices"):
            self.left_out[label] += 1
            return
        period = read_period(content)
        patient = self.subjects.find(content, resource.place)
        source, key = self.sources.find_worn(content, resource.place)
        if not source.serial_number and not key:
            self.left_out["uses of devices without a serial number"] += 1
            return
        self.assignments.append((line, patient, source.serial_number, key, source.model, *period))

    def _add_observation(self, content: Content, resource: Resource, line: int) -> None:
        measured = [(find_metric(each), each) for each in (content, *iterate_objects(content, "component"))]
        measured = [(metric, each) for metric, each in measured if metric]
        if label := _find_reason(content, is_measured=bool(measured)):
            self.left_out[label] += 1
            return
        if "note" in content:
            self.left_out["notes"] += 1
        patient = self.subjects.find(content, resource.place)
        source = self.sources.find(content, resource.place)
        time = read_time(content)
        for metric, each in measured:
            self._add_values(each, metric, time, (line, patient, source))

    def _add_values(self, content: Content, metric: str, time: Time, of: tuple[int, str | None, Source]) -> None:
        line, patient, source = of
        for value in read_values(content, metric, time):
            if value.left_out:
                self.left_out[value.left_out] += 1
            else:
                self.rows.append((line, patient, metric, *value.time, value.value, value.unit, *source))


def _find_reason(content: Content, *, is_measured: bool) -> str:
    """Return why an Observation is not imported; empty if it is."""
    if not is_measured:
        return "observations of other kinds"
    status = get_code(content, "status")
    if status not in _IMPORTED:
        return f"observations with the status {status if CODE.fullmatch(status) else 'unknown'}"
    return _find_other_subject(content, "observations")


def _find_other_subject(content: Content, label: str) -> str:
    is_other = get_code(get_object(content, "subject"), "reference").startswith(_OTHER_SUBJECTS)
    return f"{label} about something else than a patient" if is_other else ""
