"""A change that nobody can see is not a change: Unicode normal form, whitespace, invisible characters."""

import re
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.audit.models import Change
from healthtrack.core.appearance import appearance
from healthtrack.core.cleaning import INVISIBLE
from patients.models import MedicalRecord
from tests.support.finished_imports import Imported
from tests.support.import_files import RECORDS, write_csv

pytestmark = pytest.mark.django_db

STORED = [
    "Zoe\u0308 Smith",  # a letter and its accent
    "Zoë\u00a0Smith",  # a space that does not break
    "Zoë  Smith",
    "Zoë\u200b Smith",  # a space without width
    "\ufeffZoë Smith",
    "Zoë\u00ad Smith",  # a hyphen that shows only at the end of a line
]

ImportName = Callable[..., Imported]


@pytest.fixture
def import_name(tmp_path: Path) -> ImportName:
    """Return a function that imports patient P1 with this name, and other changes to a valid row."""

    def run(name: str, **changes: str) -> Imported:
        return RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({"name": name, **changes})))

    return run


@pytest.fixture(params=STORED, ids=ascii)
def stored(request: pytest.FixtureRequest, import_name: ImportName) -> MedicalRecord:
    import_name("Zoë Smith")
    MedicalRecord.objects.update(name=request.param)
    return MedicalRecord.objects.get()


def test_a_text_that_looks_the_same_is_unchanged(stored: MedicalRecord, import_name: ImportName) -> None:
    changes = Change.objects.count()
    assert import_name("Zoë Smith").counts.unchanged == 1
    assert MedicalRecord.objects.get().name == stored.name
    assert Change.objects.count() == changes


def test_only_the_visible_change_of_a_row_is_written(stored: MedicalRecord, import_name: ImportName) -> None:
    assert import_name("Zoë Smith", allergies="Pollen").counts.changed == 1
    assert (MedicalRecord.objects.get().name, MedicalRecord.objects.get().allergies) == (stored.name, "Pollen")
    assert list(Change.objects.latest("change_id").fields) == ["allergies"]


@pytest.mark.parametrize("name", ["Zoe Smith", "zoë Smith", "Zoë-Smith", "ZoëSmith"])
def test_a_visible_difference_is_a_change(import_name: ImportName, name: str) -> None:
    import_name("Zoë Smith")
    assert import_name(name).counts.changed == 1
    assert MedicalRecord.objects.get().name == name


def as_seen(text: str) -> str:
    return " ".join(re.sub(INVISIBLE, "", normalize("NFC", text)).split())


@given(st.text(st.sampled_from("ab\u0308\u00a0\u200b\u2003\u00ad\ufeffë \t\u3000\u202e"), max_size=8))
def test_the_database_sees_texts_as_people_do(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {appearance('%s::text')}", [text])
        assert cursor.fetchone() == (as_seen(text),)
