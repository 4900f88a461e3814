from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event, Lock

import pytest
from django.core.cache import caches
from django.db import connection, transaction
from django.utils import timezone

from patients.models import MedicalRecord, MedicalRecordTracker
from reports import caching
from reports.caching import cached_stale, read_state
from reports.models import ReportChange
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.plain_sql import execute
from trackers.models import FitnessTracker, TrackerAlias, TrackerModel

TABLES = ("medical_record_and_trackers", "fitness_trackers", "tracker_aliases", "tracker_models", "medical_records")


def cached(key: str, parameters: object, count: Callable[[], int]) -> int:
    """Return the cached count, as a page does that reads the state of the data first."""
    return caching.cached(key, parameters, count, read_state())


def patients() -> int:
    return cached("patients", None, MedicalRecord.objects.count)


class Counter:
    def __init__(self) -> None:
        self.counts = 0

    def __call__(self) -> int:
        self.counts += 1
        return self.counts


@pytest.fixture
def counter(db: None) -> Counter:
    caches["reports"].clear()
    return Counter()


@pytest.fixture
def rows(db: None) -> None:
    """Create a row in each table."""
    model = factories.tracker_model()
    factories.variant(model)
    factories.tracker_alias("Bend 2", model)
    factories.link(factories.medical_record(), model)
    connection.check_constraints()  # otherwise deferred constraints prevent truncating a table


def test_a_count_is_cached_while_nothing_changes(counter: Counter) -> None:
    assert [cached("report", "question", counter) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("other", [("another report", "question"), ("report", "another question")])
def test_each_key_and_parameter_has_its_own_count(counter: Counter, other: tuple[str, str]) -> None:
    cached("report", "question", counter)
    assert cached(*other, counter) == 2


def copy_a_record() -> None:
    with connection.cursor() as cursor, cursor.copy("COPY medical_records FROM STDIN") as copied:
        copied.write_row(("P9", "Ada", date(1980, 5, 17), "F", "", False, "", None, "", 0, [], None))


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: factories.medical_record("P2"), id="a new patient"),
        pytest.param(lambda: MedicalRecord.objects.update(gender="M"), id="a changed patient"),
        pytest.param(lambda: MedicalRecord.objects.get().delete(), id="a deleted patient"),
        pytest.param(copy_a_record, id="a copied patient"),
        pytest.param(lambda: MedicalRecordTracker.objects.update(source="import"), id="a changed link"),
        pytest.param(lambda: TrackerModel.objects.update(brand_name="Mi"), id="a renamed brand"),
        pytest.param(lambda: FitnessTracker.objects.update(color="Red"), id="a changed variant"),
        pytest.param(lambda: TrackerAlias.objects.all().delete(), id="a match undone"),
        *(
            pytest.param(lambda table=table: execute(f"DELETE FROM {table} WHERE false"), id=f"SQL on {table}")
            for table in TABLES
        ),
        *(pytest.param(lambda table=table: execute(f"TRUNCATE {table} CASCADE"), id=f"no {table}") for table in TABLES),
    ],
)
def test_after_any_change_of_the_data_it_is_counted_again(counter: Counter, change: Callable[[], object]) -> None:
    cached("report", "question", counter)
    change()
    assert cached("report", "question", counter) == 2
    assert cached("report", "question", counter) == 2


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_has_no_effect() -> None:
    with transaction.atomic():
        factories.medical_record()
        assert patients() == 1
        transaction.set_rollback(True)
    assert patients() == 0


@pytest.mark.django_db(transaction=True)
def test_a_change_takes_effect_when_it_is_committed_however_late() -> None:
    with transaction.atomic():
        factories.medical_record("P1")
        start_in_another_session(lambda: factories.medical_record("P2")).result()
        assert start_in_another_session(patients).result() == 1
    assert patients() == 2


@pytest.mark.django_db(transaction=True)
def test_a_count_is_not_cached_if_data_changed_meanwhile() -> None:
    def count() -> int:
        counted = MedicalRecord.objects.count()
        start_in_another_session(factories.medical_record).result()
        return counted

    assert cached("patients", None, count) == 0
    assert patients() == 1


def test_of_people_who_ask_at_once_one_counts_and_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    caches["reports"].clear()
    monkeypatch.setattr(caching, "read_state", lambda: "state")
    counter, somebody_waits = Counter(), Event()

    class WatchedLock:
        def __init__(self) -> None:
            self.lock = Lock()

        def acquire(self, timeout: float) -> bool:
            if self.lock.locked():
                somebody_waits.set()
            return bool(self.lock.acquire(timeout=timeout))

        def release(self) -> None:
            self.lock.release()

    def count() -> int:
        assert somebody_waits.wait(timeout=60)
        return counter()

    monkeypatch.setattr(caching, "Lock", WatchedLock)
    with ThreadPoolExecutor(2) as people:
        answers = [people.submit(caching.cached, "report", "question", count, "state") for _ in range(2)]
        assert [answer.result() for answer in answers] == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_sessions_that_change_data_do_not_wait_for_each_other() -> None:
    with transaction.atomic():
        factories.medical_record("P1")
        assert start_in_another_session(lambda: factories.medical_record("P2")).done()


def test_the_table_of_changes_is_pruned_when_it_is_long(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "MAX_CHANGES", 3)
    for number in range(5):
        factories.medical_record(f"P{number}")
    before = set(ReportChange.objects.values_list("pk", flat=True))
    assert cached("report", "question", counter) == 1
    assert cached("report", "question", counter) == 1
    assert ReportChange.objects.exclude(pk__in=before).count() == ReportChange.objects.count() == 1


def test_a_count_cached_before_pruning_is_not_used_again(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    cached("report", "question", counter)
    monkeypatch.setattr(caching, "MAX_CHANGES", 0)
    factories.medical_record()
    assert cached("report", "question", counter) == 2


@pytest.mark.django_db(transaction=True)
def test_the_table_can_be_pruned_while_others_change_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "MAX_CHANGES", 0)
    with transaction.atomic():
        factories.medical_record("P1")
        start_in_another_session(lambda: factories.medical_record("P2")).result()
        assert start_in_another_session(patients).result() == 1
    assert patients() == 2


class TestCachedStale:
    def test_a_quick_count_is_valid_until_a_change(self, counter: Counter) -> None:
        assert (
            cached_stale("count", counter, read_state()).answer
            == cached_stale("count", counter, read_state()).answer
            == 1
        )
        factories.medical_record()
        assert cached_stale("count", counter, read_state()).answer == 2

    def test_it_says_when_it_was_counted(self, counter: Counter) -> None:
        before = timezone.now()
        first = cached_stale("count", counter, read_state())
        assert before <= first.at <= timezone.now()
        assert cached_stale("count", counter, read_state()).at == first.at

    def test_a_slow_count_is_valid_for_a_while_after_a_change(
        self, counter: Counter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(caching, "QUICK_SECONDS", -1)
        monkeypatch.setattr(caching, "PATIENCE", 10**9)
        cached_stale("count", counter, read_state())
        factories.medical_record()
        assert cached_stale("count", counter, read_state()).answer == 1

    def test_a_slow_count_is_repeated_after_a_while(self, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(caching, "QUICK_SECONDS", -1)
        monkeypatch.setattr(caching, "PATIENCE", 0)
        cached_stale("count", counter, read_state())
        factories.medical_record()
        assert cached_stale("count", counter, read_state()).answer == 2
