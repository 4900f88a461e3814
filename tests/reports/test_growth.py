"""How many patients there were on earlier days, from imports and the history."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import ImportRun
from patients.models import MedicalRecord
from reports.queries.growth import Growth, count_growth
from tests.support import factories
from tests.support.finished_imports import apply
from tests.support.import_files import RECORDS, write_csv

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 31)


def growth() -> Growth:
    return count_growth(MedicalRecord.objects.count())


def move_to(days_ago: int) -> None:
    """Let everything that happened so far have happened some days earlier."""
    ImportRun.objects.update(finished_at=timezone.now() - timedelta(days=days_ago))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE changes DISABLE TRIGGER USER")
        cursor.execute("UPDATE changes SET changed_at = changed_at - make_interval(days => %s)", [days_ago])
        cursor.execute("ALTER TABLE changes ENABLE TRIGGER USER")


def test_patients_that_people_added_and_deleted_count_from_that_day() -> None:
    factories.medical_record("P1")
    factories.medical_record("P2")
    move_to(10)
    MedicalRecord.objects.filter(pk="P1").delete()
    today = timezone.localdate()
    assert [growth().count_on(today - timedelta(days=back)) for back in (11, 10, 1, 0)] == [0, 2, 2, 1]
    assert growth().get_change_since(today - timedelta(days=5)) == -1


def test_an_edit_changes_no_number() -> None:
    factories.medical_record("P1")
    MedicalRecord.objects.update(name="Another name")
    assert list(growth().changes.values()) == [1]


def test_an_import_counts_on_the_day_when_it_ended_and_its_undo_on_another(tmp_path: Path) -> None:
    factories.medical_record("Z")
    file = write_csv(tmp_path / "records.csv", RECORDS.rows({}, {"name": "Bob"}, {"name": "Eve"}))
    run = RECORDS.run(file).run
    today = timezone.localdate()
    assert growth().changes == {today: 4}
    move_to(10)
    undo = runs.request_undo(run, factories.staff())
    assert undo
    apply(undo)
    assert MedicalRecord.objects.count() == 1
    assert growth().changes == {today - timedelta(days=10): 4, today: -3}
    undo_of_undo = runs.request_undo(undo, factories.staff())
    assert undo_of_undo
    apply(undo_of_undo)
    assert [growth().count_on(today - timedelta(days=back)) for back in (11, 10, 0)] == [0, 4, 4]


def test_before_the_table_was_emptied_nothing_is_known() -> None:
    factories.medical_record("P1")
    move_to(20)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE medical_records CASCADE")
    factories.medical_record("P2")
    assert growth().changes == {timezone.localdate(): 1}


@pytest.mark.parametrize("days", [0, 1, 29, 30, 31, 364, 365, 400, 4000])
def test_the_series_ends_today_and_has_few_points_with_equal_distances(days: int) -> None:
    series = Growth(7, {TODAY - timedelta(days=days): 7}).get_series(TODAY, 31)
    assert series[-1] == (TODAY, 7)
    assert 2 <= len(series) <= 31
    assert len({later - earlier for (earlier, _), (later, _) in pairwise(series)}) == 1
    assert series[0][0] >= TODAY - timedelta(days=365)


def test_without_patients_the_series_has_today() -> None:
    assert Growth(0, {}).get_series(TODAY, 31)[-1] == (TODAY, 0)
