"""Long rows store their gaps in 16 bits, and rows from before there was a column for them still count as the same."""

from pathlib import Path

import pytest
from django.db import connection

from readings.models import Contribution, ReadingDay
from readings.store import writing
from tests.support import factories
from tests.support.old_rows import store_gaps_as_before
from tests.support.reading_imports import counts, run_command
from tests.support.readings import Reading, streams, to_frame, undo_run, write_run

pytestmark = pytest.mark.django_db

SECOND = 1_000_000
MIDNIGHT = 1_741_132_800 * SECOND  # 5 March 2025
MANY = 1_000


def every(seconds: int, count: int, last_pause: int = 0) -> list[Reading]:
    """Return readings of the heart rate, so many seconds apart, the last one after a pause as well."""
    pauses = [0] * (count - 1) + [last_pause]
    return [
        Reading(1, MIDNIGHT + place * seconds * SECOND + pause, 60 + place % 40) for place, pause in enumerate(pauses)
    ]


def write(run_id: int, readings: list[Reading]) -> tuple[int, int, int]:
    """Write a run, and return how many readings are new, changed and unchanged."""
    found = writing.write_run(run_id, streams()[:1], [to_frame(readings)]).counts
    return found["new"], found["changed"], found["unchanged"]


def times_of_view() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM at) * 1000000 FROM readings ORDER BY at")
        return [int(at) for (at,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("readings", "is_small"),
    [
        (every(60, MANY), True),
        (every(60, MANY - 1), False),
        (every(1, MANY, last_pause=32_766 * SECOND), True),
        (every(1, MANY, last_pause=32_767 * SECOND), False),
        (every(60, MANY, last_pause=SECOND // 1000), False),  # gaps of 60,000 milliseconds
    ],
    ids=["long", "short", "longest gap", "too long a gap", "milliseconds"],
)
def test_long_rows_whose_gaps_fit_have_them_in_16_bits(readings: list[Reading], is_small: bool) -> None:
    factories.medical_record("P1")
    write_run(1, [readings], streams())
    row = ReadingDay.objects.get()
    assert (row.small_gaps is not None, row.gaps is None) == (is_small, is_small)
    assert times_of_view() == [each.at for each in readings]


def test_a_row_that_was_stored_before_counts_as_the_same() -> None:
    assert write(1, every(60, MANY)) == (MANY, 0, 0)
    store_gaps_as_before()
    assert write(2, every(60, MANY)) == (0, 0, MANY)
    assert Contribution.objects.get().same_as == 1
    undo_run(1)
    assert ReadingDay.objects.get().run_id == 2
    undo_run(2)
    assert not ReadingDay.objects.exists()


def test_other_gaps_are_a_difference() -> None:
    write(1, every(60, MANY))
    store_gaps_as_before()
    assert write(2, every(60, MANY, last_pause=SECOND)) == (1, 0, MANY - 1)
    undo_run(2)
    row = ReadingDay.objects.get()
    assert (row.run_id, row.reading_count, row.small_gaps) == (1, MANY, [0] + [60] * (MANY - 1))


def test_a_file_whose_rows_were_stored_before_changes_nothing_again(tmp_path: Path) -> None:
    factories.medical_record("P1")
    path = tmp_path / "readings.csv"
    lines = [f"P1,heart_rate,2025-03-05T{n // 60:02}:{n % 60:02}:00Z,,72,/min" for n in range(MANY)]
    path.write_text("\n".join(["patient_id,metric,start,end,value,unit", *lines, ""]))
    run_command(path)
    store_gaps_as_before()
    again = [run_command(path)]
    path.write_text(path.read_text() + "\n")  # so that it is read
    again.append(run_command(path))
    assert [(counts(found), errors) for found, errors in again] == [((0, 0, MANY, 0), "")] * 2
