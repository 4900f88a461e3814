"""The formats that are read, and which of them the files of an upload have."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from healthtrack.imports.importer import PERHAPS, StoredFile
from healthtrack.imports.opening import Container, Part, open_files
from healthtrack.imports.row_errors import FileError
from readings.formats.apple_health import AppleHealth
from readings.formats.base import Format
from readings.formats.dexcom_clarity import DexcomClarity
from readings.formats.fhir import Fhir
from readings.formats.fitbit_takeout import FitbitTakeout
from readings.formats.garmin_fit import GarminFit
from readings.formats.health_connect import HealthConnect
from readings.formats.libreview import LibreView
from readings.formats.open_mhealth import OpenMHealth
from readings.formats.own import REQUIRED, OwnForm, find_columns

# In the order in which they are tried. Files of others may have names that our own form has too, such as value.
FORMATS: Sequence[Format] = (
    AppleHealth(),
    FitbitTakeout(),
    DexcomClarity(),
    LibreView(),
    GarminFit(),
    HealthConnect(),
    Fhir(),
    OpenMHealth(),
    OwnForm(),
)

# How well files of a vendor fit: better than any table whose columns happen to have the same names.
_VENDORS_FIT = 1000
# Archives have other files beside data: these endings are those of data, whose loss people must know of.
_DATA_ENDINGS = (
    ".csv",
    ".tsv",
    ".txt",
    ".ndjson",
    ".jsonl",
    ".json",
    ".xml",
    ".fit",
    ".db",
    ".gz",
    ".zip",
    ".tgz",
    ".tar",
)


def divide(parts: Sequence[Part]) -> Iterator[tuple[Format | None, Part | Container]]:
    """Yield what is read as a whole, a part or a container, with its format; None for parts without a known format."""
    left: dict[int, Part] = {}
    for _, alike in groupby(parts, key=lambda part: part.file):
        own = {part.number: part for part in alike}
        yield from _take_containers(own, [each for each in FORMATS if not each.spans_files])
        left |= own
    yield from _take_containers(left, [each for each in FORMATS if each.spans_files])
    for part in left.values():
        yield next((each for each in FORMATS if each.recognize(part)), None), part


def _take_containers(left: dict[int, Part], formats: Sequence[Format]) -> Iterator[tuple[Format, Container]]:
    """Yield the containers among these parts, and remove their parts."""
    for each in formats:
        for members in each.find_containers(list(left.values())):
            for member in members:
                del left[member.number]
            yield each, Container(members)


def is_data(part: Part) -> bool:
    """Return whether a part without a known format looks as if it held data, such as a table."""
    return not part.path or part.name.lower().endswith(_DATA_ENDINGS)


def count_fit(path: Path) -> int:
    """Return how well an uploaded file fits, as `Importer.recognize` says; for our own form how many columns it has."""
    try:
        with open_files([StoredFile(path.name, 0, path)], is_quick=True) as parts:
            found = [(each, of) for each, of in divide(parts) if each]
            if not found:
                return PERHAPS if any(part.beginning.startswith(b"PK") for part in parts) else 0
            best, of = found[0]
            if not best.is_meant(of):
                return PERHAPS
            if not isinstance(best, OwnForm) or isinstance(of, Container):
                return _VENDORS_FIT
            columns = find_columns(of)
            return len(columns) if columns.issuperset(REQUIRED) else 0
    except FileError:
        return 0
