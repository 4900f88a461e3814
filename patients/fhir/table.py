"""Make the table of medical records from what was collected of an upload."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from healthtrack.core.downloads.formula_escaping import escape_formula
from healthtrack.imports.fhir.resources import Place
from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table, TableFacts
from healthtrack.imports.reasons import ABSENT_TYPES, DELETIONS, LEFT_OUT, NOT_IMPORTED, OTHER_IMPORTS, Notice
from healthtrack.imports.row_errors import FileError, RowError
from patients.fhir.collecting import WANTED, Collection, FoundPerson
from patients.fhir.elements import is_partial, make_partial_error
from patients.fhir.facts import READERS

# The fields of the table in its order, and what the header calls them: the elements that they come from.
HEADERS = {
    "patient_id": "Patient.identifier",
    "name": "Patient.name",
    "date_of_birth": "Patient.birthDate",
    "gender": "Patient.gender",
    "medical_conditions": "Condition.code",
    "medications": "MedicationRequest.status",
    "allergies": "AllergyIntolerance.code",
    "last_appointment_date": "Encounter.period",
    "tracker": "Device",
}
_EMPTY = {"medications": "No"}
_LISTS = ("medical_conditions", "allergies")
_FIELD_NAMES = {
    "medical_conditions": "their conditions",
    "allergies": "their allergies",
    "medications": "whether they take medication",
    "last_appointment_date": "their last appointment",
}
_FOR_READINGS = ("Observation", "Device", "DeviceUseStatement")
_SCHEMA = {LINE: pl.Int64, **{str(place): pl.String for place in range(len(HEADERS))}}


def make_table(collected: Collection) -> Table:
    """Return the table: a row for each patient whose resources can all be read. Raise FileError if there is no patient.

    Lines count the patients in their order. Every resource that cannot be read is an error.
    """
    if not collected.people:
        reason = "The upload has no Patient. Upload the patients together with their other resources."
        raise FileError(RowError(reason))
    check_rows(len(collected.people))
    maker = _TableMaker(collected)
    errors = [*maker.iterate_errors()]
    invalid = {error.line for error in errors}
    rows = maker.make_rows(invalid)
    table = Table([*HEADERS.values()], 0, len(collected.people), iter(rows))
    for line in sorted(line for line in invalid if line):
        table.add_malformed_row(maker.by_line[line][-1], [])
    rest = [error for error in errors if not error.line or error is not maker.by_line[error.line][-1]]
    table.facts = TableFacts(
        maker.describe_line, maker.absent, _LISTS, maker.make_marks(), rest, [*_iterate_notices(collected, maker)]
    )
    return table


class _TableMaker:
    def __init__(self, collected: Collection) -> None:
        self.collected = collected
        self.frame = collected.make_frame()
        self.by_line: dict[int, list[RowError]] = {}
        fields = {reader.field for kind, reader in READERS.items() if collected.counts[kind]}
        self.absent = [name for name in [*HEADERS][4:] if name not in fields]

    def describe_line(self, line: int) -> str:
        return self.collected.describe(self.collected.people[line - 1].place)

    def make_marks(self) -> Mapping[int, Sequence[str]]:
        marks = {
            line: [word for word in ("inactive", "deceased") if getattr(found.person, f"is_{word}")]
            for line, found in enumerate(self.collected.people, start=1)
        }
        return {line: words for line, words in marks.items() if words}

    def iterate_errors(self) -> Iterator[RowError]:
        """Yield all errors. Those of resources that are about a patient of the upload have the patient's line."""
        self._choose_versions()
        for error in self._iterate_all():
            if error.line:
                self.by_line.setdefault(error.line, []).append(error)
            yield error

    def _iterate_all(self) -> Iterator[RowError]:
        yield from self._check_people()
        yield from self._check_numbers()
        yield from self._contradictory
        yield from self._check_problems()
        yield from self._check_references()
        yield from self._check_partial_dates()

    def _check_people(self) -> Iterator[RowError]:
        for line, found in enumerate(self.collected.people, start=1):
            for problem in found.person.problems:
                yield self._make(problem.reason, found.place, f"Patient.{problem.path}", problem.value, line)
        lines = {found.place: line for line, found in enumerate(self.collected.people, start=1)}
        for known, other in self.collected.repeated:
            place = self.collected.describe(other.place)
            reason = f"The same Patient is also in {place}, with other contents. Keep one of them."
            yield self._make(reason, known.place, "Patient.id", known.person.id, lines.get(known.place))

    def _check_numbers(self) -> Iterator[RowError]:
        by_number: dict[str, list[tuple[int, FoundPerson]]] = {}
        for line, found in enumerate(self.collected.people, start=1):
            if found.person.number:
                by_number.setdefault(found.person.number, []).append((line, found))
        for number, owners in by_number.items():
            for (line, found), (_, other) in zip(owners, [*owners[1:], owners[0]], strict=True):
                if len(owners) > 1:
                    place = self.collected.describe(other.place)
                    reason = f"Another Patient, in {place}, has this number too. Keep one, or correct a number."
                    yield self._make(reason, found.place, "Patient.identifier", number, line)

    def _choose_versions(self) -> None:
        """Of resources that appear several times, leave the latest version; report those that contradict each other."""
        frame = self.frame
        repeated = frame.filter((pl.col("id") != 0) & pl.struct("type", "id").is_duplicated())
        self._contradictory: list[RowError] = []
        if repeated.is_empty():
            return
        latest = repeated.filter(pl.col("updated") == pl.col("updated").max().over("type", "id"))
        latest = latest.unique(["type", "id", "person", "fact"], keep="first", maintain_order=True)
        for kind, part, line, entry, person in (
            latest.filter(pl.struct("type", "id").is_duplicated()).select("type", *Place._fields, "person").iter_rows()
        ):
            reason = "The upload has this resource several times, with different contents. Keep one of them."
            name = f"{[*READERS][kind]}.id"
            self._contradictory.append(self._make(reason, Place(part, line, entry), name, "", _to_line(person)))
        others = frame.join(repeated.select(Place._fields), on=Place._fields, how="anti")
        self.frame = pl.concat([others, latest])

    def _check_problems(self) -> Iterator[RowError]:
        people = self.collected.find_people()
        for problem in self.collected.problems:
            line = _to_line(people[problem.reference])
            column = f"{problem.type}.{problem.error.path}"
            yield self._make(problem.error.reason, problem.place, column, problem.error.value, line)

    def _check_references(self) -> Iterator[RowError]:
        references = self.collected.list_references()
        unknown = self.frame.filter(pl.col("person").is_null()).select("type", "reference", *Place._fields)
        for kind, reference, *place in unknown.iter_rows():
            name, reader = [*READERS.items()][kind]
            reason = "The upload has no such Patient. Upload the patients together with their other resources."
            if not references[reference]:
                reason = "The resource does not say which patient it is about. Add a reference to a Patient."
            yield self._make(reason, Place(*place), f"{name}.{reader.patient}", references[reference])

    def _check_partial_dates(self) -> Iterator[RowError]:
        """Yield the incomplete dates of encounters that may be the last ones of their patients."""
        partial = self._dates.filter(~pl.col("is_full"))
        last = self._last_dates
        for person, text, *place in partial.select("person", "text", *Place._fields).iter_rows():
            if text >= last.get(person, "")[: len(text)]:
                error = make_partial_error(text, "period")
                yield self._make(error.reason, Place(*place), "Encounter.period", text, _to_line(person))

    def _make(self, reason: str, place: Place, column: str, value: str, line: int | None = None) -> RowError:
        kind = "" if " in " not in reason else reason.partition(", in ")[0].partition(" also in ")[0]
        return RowError(reason, line, column, value, kind=kind, source=self.collected.describe(place))

    @property
    def _facts(self) -> pl.DataFrame:
        return self.frame.filter(pl.col("left").is_null() & pl.col("person").is_not_null())

    @property
    def _dates(self) -> pl.DataFrame:
        dates = self._facts.filter(pl.col("field") == "last_appointment_date")
        return dates.with_columns(is_full=~pl.col("text").map_elements(is_partial, pl.Boolean))

    @property
    def _last_dates(self) -> dict[int, str]:
        """Return the last complete date of an encounter, by patient."""
        full = self._dates.filter("is_full").group_by("person").agg(pl.max("text"))
        return dict(full.select("person", "text").iter_rows())

    def make_rows(self, invalid: set[int | None]) -> list[pl.DataFrame]:
        """Return the valid patients in batches."""
        values: dict[str, dict[int, str]] = {name: self._join_terms(name) for name in _LISTS}
        medicated = self._facts.filter(pl.col("field") == "medications")["person"].unique()
        values["medications"] = dict.fromkeys(medicated, "Yes")
        values["last_appointment_date"] = self._last_dates
        rows = []
        for place, found in enumerate(self.collected.people):
            if place + 1 not in invalid:
                person = found.person
                own = (escape_formula(person.number), escape_formula(person.name), person.birth_date, person.gender)
                said = (values.get(name, {}).get(place, _EMPTY.get(name)) for name in [*HEADERS][4:])
                rows.append((place + 1, *own, *said))
        frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
        return [*frame.iter_slices(BATCH_ROWS)] if rows else []

    def _join_terms(self, field: str) -> dict[int, str]:
        """Return the sorted terms of each patient; those that differ in letter case only count once."""
        terms = (
            self._facts.filter(pl.col("field") == field)
            .select("person", "text", folded=pl.col("text").str.to_lowercase())
            .sort("person", "folded", "text")
            .unique(["person", "folded"], keep="first", maintain_order=True)
            .group_by("person", maintain_order=True)
            .agg(pl.col("text").str.join(", "))
        )
        return {person: escape_formula(text) for person, text in terms.iter_rows()}


def _to_line(person: int | None) -> int | None:
    return None if person is None else person + 1


def _iterate_notices(collected: Collection, maker: _TableMaker) -> Iterator[Notice]:
    counts = collected.counts
    if left := {kind: counts[kind] for kind in _FOR_READINGS if counts[kind]}:
        yield Notice(OTHER_IMPORTS, {"label": "readings", "counts": _list_counts(left)})
    if others := {kind: counts[kind] for kind in sorted(counts) if kind not in WANTED and kind not in left}:
        yield Notice(NOT_IMPORTED, {"counts": _list_counts(others)})
    for field in maker.absent:
        if field in _FIELD_NAMES:
            kinds = [kind for kind, reader in READERS.items() if reader.field == field]
            value = "“No”" if field in _EMPTY else "none"
            params = {"types": " or ".join(kinds), "fields": _FIELD_NAMES[field], "value": value}
            yield Notice(ABSENT_TYPES, params)
    if reasons := _count_left_out(maker.frame):
        yield Notice(LEFT_OUT, {"counts": reasons})
    if collected.deletions:
        yield Notice(DELETIONS, {"counts": _list_counts(collected.deletions)})


def _count_left_out(frame: pl.DataFrame) -> list[str]:
    """Return how many resources say nothing that a record stores, by type and reason."""
    left = frame.filter(pl.col("left").fill_null("") != "").group_by("type", "left").len().sort("type", "left")
    return [f"{count:,} {[*READERS][kind]} {reason}" for kind, reason, count in left.iter_rows()]


def _list_counts(counts: Mapping[str, int] | Counter[str]) -> list[str]:
    return [f"{count:,} {kind}" for kind, count in counts.items()]
