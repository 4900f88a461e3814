"""Collect what the resources of an upload say about its patients, in little memory however many there are."""

from array import array
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import polars as pl

from healthtrack.imports.fhir.resources import Place, Resource
from healthtrack.imports.row_errors import FileError, RowError
from patients.fhir.elements import Content, OtherVersionError, UnreadableError, get_object, get_text
from patients.fhir.facts import READERS, Fact
from patients.fhir.patients import Person, read_person
from patients.fhir.references import References, list_names, read_reference

WANTED = frozenset({"Patient", *READERS})
_MAX_PROBLEMS = 100_000
_TYPES = {kind: place for place, kind in enumerate(READERS)}
_COLUMNS = ("type", "id", "reference", "fact", "updated", *Place._fields)


class FoundPerson(NamedTuple):
    """A patient, where the resource stands, and when it was updated, in microseconds; 0 if that is not known."""

    person: Person
    place: Place
    updated: int


class Problem(NamedTuple):
    """A resource that cannot be read, and the number of its reference to a patient."""

    reference: int
    type: str
    place: Place
    error: UnreadableError


class Collection:
    """The patients of an upload, and for each other resource: its type, id, reference to a patient, fact and place.

    Texts that many resources share are stored once, and the resources refer to them by numbers.
    """

    def __init__(self, describe: Callable[[Place], str]) -> None:
        self.describe = describe
        self.people: list[FoundPerson] = []
        self.references = References()
        self.counts: Counter[str] = Counter()
        self.deletions: Counter[str] = Counter()
        self.repeated: list[tuple[FoundPerson, FoundPerson]] = []  # the same resource, with different contents
        self.problems: list[Problem] = []
        self._numbers: dict[str, int] = {}
        self._facts: dict[Fact, int] = {}
        self._names: dict[str, int] = {}
        self._values = array("q")  # those of `_COLUMNS`, for one resource after the other

    def add(self, resource: Resource) -> None:
        """Add a resource. Raise FileError if it is of another version of FHIR."""
        if resource.is_deletion:
            self.deletions[resource.type] += 1
            return
        self.counts[resource.type] += 1
        try:
            if resource.type == "Patient":
                self._add_person(resource)
            else:
                self._add_fact(resource)
        except OtherVersionError as error:
            source, column = self.describe(resource.place), f"{resource.type}.{error.path}"
            raise FileError(RowError(error.reason, None, column, error.value, source=source)) from error

    def _add_person(self, resource: Resource) -> None:
        found = FoundPerson(read_person(resource.content), resource.place, _get_updated(resource.content))
        names = list_names(resource, found.person)
        known = self._numbers.get(names[0]) if names else None
        if known is None:
            known = len(self.people)
            self.people.append(found)
        else:
            self._choose(known, found)
        self._numbers.update(dict.fromkeys(names[:1], known))
        self.references.add(known, found.person, names)

    def _choose(self, place: int, found: FoundPerson) -> None:
        """Let the later version of a patient replace the other one."""
        known = self.people[place]
        if found.updated > known.updated:
            self.people[place] = found
        elif found.updated == known.updated and found.person != known.person:
            self.repeated.append((known, found))

    def _add_fact(self, resource: Resource) -> None:
        reader, content = READERS[resource.type], resource.content
        reference = self._names.setdefault(read_reference(content, reader.patient, resource.place), len(self._names))
        try:
            fact = reader.read(content)
        except OtherVersionError:
            raise
        except UnreadableError as error:
            self._add_problem(Problem(reference, resource.type, resource.place, error))
            return
        identity = get_text(content, "id")
        self._values.extend(
            (
                _TYPES[resource.type],
                hash((resource.type, identity)) if identity else 0,
                reference,
                self._facts.setdefault(fact, len(self._facts)),
                _get_updated(content),
                *resource.place,
            )
        )

    def _add_problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) > _MAX_PROBLEMS:
            raise FileError(RowError(f"More than {_MAX_PROBLEMS:,} resources cannot be read. Is this another format?"))

    def find_people(self) -> list[int | None]:
        """Return, by the number of a reference, which patient it means."""
        return [self.references.find(name) for name in self._names]

    def list_references(self) -> list[str]:
        """Return the references by their numbers, as people read them."""
        return [name.rpartition(" ")[2].lstrip("?") for name in self._names]

    def make_frame(self) -> pl.DataFrame:
        """Return the resources as a table, with the patient whom each is about, and its fact."""
        width = len(_COLUMNS)
        columns = {name: pl.Series(self._values[place::width], dtype=pl.Int64) for place, name in enumerate(_COLUMNS)}
        facts = [*self._facts]
        return pl.DataFrame(columns).with_columns(
            person=_gather(pl.Series(self.find_people(), dtype=pl.Int64), "reference"),
            field=_gather(pl.Series([fact.field for fact in facts], dtype=pl.String), "fact"),
            text=_gather(pl.Series([fact.text for fact in facts], dtype=pl.String), "fact"),
            left=_gather(pl.Series([fact.left for fact in facts], dtype=pl.String), "fact"),
        )


def _gather(values: pl.Series, place: str) -> pl.Expr:
    return pl.lit(values).gather(pl.col(place)) if len(values) else pl.lit(None, values.dtype)


def _get_updated(content: Content) -> int:
    text = get_text(get_object(content, "meta"), "lastUpdated")
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
        return int(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        return 0
