"""Any file that resembles FHIR ends in a preview or a list of errors; entries of Bundles are those that JSON has."""

import io
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthtrack.imports.fhir.bundle_stream import BundleStream
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.models import State
from healthtrack.imports.progress import NoProgress
from healthtrack.imports.row_errors import FileError
from patients.fhir.upload import FhirRecords
from tests.support.fhir_files import (
    allergy,
    as_ndjson,
    bundle,
    condition,
    encounter,
    medication,
    patient,
    write_gzip,
    write_zip,
)

RESOURCES = (
    patient(),
    patient("P2", meta={"lastUpdated": "2024-01-01T00:00:00Z"}, link=[{"type": "seealso"}], deceasedBoolean=True),
    condition(contained=[{"resourceType": "Patient", "id": "x", "identifier": [{"value": "P2"}]}]),
    condition("Gout", number="P2"),
    allergy(),
    medication(),
    medication(kind="MedicationStatement"),
    encounter(),
    {"resourceType": "Observation", "status": "final"},
)
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1.5, "", "x", "P1", "1970", "2024-02-30", [], {}, [[]], [{}], [None], "\0", "é" * 70]
)
VALUES = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("code"), inner), max_leaves=3
)


def list_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for name, found in inner for each in list_paths(found, (*path, name)))]


@st.composite
def mutated_resources(draw: st.DrawFn) -> list[Any]:
    """Return valid resources, of which some values are replaced or removed."""
    resources: list[Any] = json.loads(json.dumps(RESOURCES))
    for _ in range(draw(st.integers(1, 4))):
        *path, last = draw(st.sampled_from(list_paths(resources)[1:]))
        place: Any = resources
        for name in path:
            place = place[name]
        if draw(st.booleans()):
            place[last] = json.loads(json.dumps(draw(VALUES)))  # a copy, because it may be changed next
        elif isinstance(place, dict):
            del place[last]
    return resources


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """Return a file of such resources, of which bytes may be missing or wrong."""
    resources = draw(mutated_resources())
    made: Any = bundle(*resources)
    content = draw(
        st.sampled_from(
            [
                as_ndjson(*resources),
                json.dumps(made).encode(),
                json.dumps(made, indent=2).encode(),
                as_ndjson(made, made),
            ]
        )
    )
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.sampled_from([0, 1, 3, 100, 10_000]))
        content = content[:start] + draw(st.binary(max_size=4)) + content[end:]
    return content


def write(folder: Path, content: bytes, form: str) -> Path:
    path = folder / f"{uuid4()}.{form}"
    if form == "zip":
        return write_zip(path, {"a.json": content, "b/c.ndjson": as_ndjson(patient("P3"))})
    if form == "gz":
        return write_gzip(path, content=content)
    path.write_bytes(content)
    return path


@given(content=mutated_files(), form=st.sampled_from(["json", "zip", "gz"]))
def test_any_file_becomes_a_table_or_an_error(tmp_path: Path, content: bytes, form: str) -> None:
    path = write(tmp_path, content, form)
    fhir = FhirRecords()
    fhir.recognize(path)
    fhir.find_misleading_name(path.name, path)
    source = fhir.make_source([StoredFile(path.name, 0, path)], NoProgress())
    with suppress(FileError), source.open() as table:
        rows = sum(len(batch) for batch in table.batches)
        assert rows + len(table.take_malformed_rows()) == table.rows_expected
    path.unlink()


@pytest.mark.django_db
@settings(max_examples=settings().max_examples // 10)
@given(content=mutated_files())
def test_any_import_ends_in_a_preview_or_errors(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, content, "json")
    run = import_at_once("patients.medicalrecord", [path], dry_run=True)
    assert run.state == State.CANCELLED or run.error_count or run.reason
    path.unlink()


class _Slow(io.BytesIO):
    """A file that returns a few bytes at once, however many are wanted."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(random.randint(1, 60))  # noqa: S311 (no secret)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a"\\{}[], \n'), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "entry", "}"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    entries=st.lists(st.dictionaries(st.sampled_from(["fullUrl", "resource", "{"]), NESTED, max_size=3), max_size=12),
    indent=st.sampled_from([None, 0, 2]),
)
def test_the_entries_of_a_bundle_are_those_of_json(entries: list[Any], indent: int | None) -> None:
    document = {"resourceType": "Bundle", "link": [{"relation": "self"}], "entry": entries, "total": 3}
    found = BundleStream(_Slow(json.dumps(document, indent=indent).encode()), b"", "b.json").read_entries()
    assert found is not None
    assert [*found] == entries
