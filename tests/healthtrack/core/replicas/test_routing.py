"""Which pages read from a replica. Here the replica is the primary under another name; see test_real_replicas too."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg.errors import QueryCanceled

from healthtrack.audit.models import Access
from healthtrack.core.replicas import routing
from healthtrack.core.replicas.lag import Lag, Monitor
from healthtrack.imports.models import ImportRun
from patients.record_list import paging
from readings.devices.attribution import attribute
from readings.models import ReadingStream
from tests.support import factories
from tests.support.import_files import RECORDS as RECORDS_OF_FILES
from tests.support.import_files import write_csv
from tests.support.import_pages import press_import, upload
from tests.support.page import Page
from tests.support.readings import make_readings, streams, write_run
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole, client_for

pytestmark = pytest.mark.django_db(transaction=True)

RECORDS, REPORT, RECORD = (
    "/admin/patients/medicalrecord/",
    "/reports/age-groups/",
    "/admin/patients/medicalrecord/P1/change/",
)
SetLag = Callable[..., None]


@pytest.fixture
def set_lag(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetLag]:
    """Return a function that sets what is known of the replica; at first its data is as new as that of the primary."""
    settings.REPLICAS = ("replica1",)
    monkeypatch.setitem(connections.settings, "replica1", {**connections["default"].settings_dict})
    connections["replica1"].connect()  # the test case forbids to connect later
    monitor = Monitor(["replica1"])
    monkeypatch.setattr(monitor, "start", lambda: None)
    monkeypatch.setattr(routing, "get_monitor", lambda: monitor)

    def set_lag(age: float | None = 0.0, position: int = 2**62, seconds_ago: float = 0.0) -> None:
        monitor.lags["replica1"] = Lag(position, age, time.monotonic() - seconds_ago)

    set_lag()
    yield set_lag
    connections["replica1"].close()
    del connections["replica1"]


def get_log_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])


def count_replica_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connections["replica1"]) as queries:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.getvalue()
    return len(queries)


@pytest.mark.parametrize(
    "address", [RECORDS, REPORT, "/reports/brands/?format=csv", "/admin/trackers/trackermodel/", "/", "/search/"]
)
def test_home_lists_and_reports_are_read_from_a_replica(set_lag: SetLag, as_role: AsRole, address: str) -> None:
    factories.medical_record("P1")
    assert count_replica_queries(as_role("Analyst"), address) > 0


@pytest.mark.parametrize(
    "address",
    [
        *("/readings/", "/readings/P1/", "/readings/P1/?span=month", "/readings/P1/file/?span=month&day=2025-03-05"),
        *("/admin/unassigned-sources/", "/admin/readings/device/", "/admin/readings/deviceassignment/"),
    ],
)
def test_readings_are_read_from_a_replica_with_charts_and_files(set_lag: SetLag, as_role: AsRole, address: str) -> None:
    factories.medical_record("P1")
    write_run(1, [make_readings()], streams())
    attribute(["P1"])
    client = as_role("Administrator")
    client.get(address)
    set_lag()  # measured just now, however long the first request took
    with CaptureQueriesContext(connection) as queries:
        assert count_replica_queries(client, address) > 0
    assert not [each["sql"] for each in queries if re.search(r"FROM (reading_|devices|\"?device)", each["sql"])]


@pytest.mark.parametrize("address", ["/readings/P1/upload/", "/admin/unassigned-sources/{stream}/"])
def test_pages_that_write_readings_read_from_the_primary(set_lag: SetLag, as_role: AsRole, address: str) -> None:
    factories.medical_record("P1")
    write_run(1, [make_readings()], streams())
    attribute(["P1"])
    stream = ReadingStream.objects.earliest("stream_id").stream_id
    assert count_replica_queries(as_role("Administrator"), address.format(stream=stream)) == 0


@pytest.mark.parametrize("address", [RECORD, "/admin/imports/importrun/", "/sign-in/"])
def test_other_pages_are_read_from_the_primary(set_lag: SetLag, as_role: AsRole, address: str) -> None:
    factories.medical_record("P1")
    assert count_replica_queries(as_role("Data steward"), address) == 0


@pytest.mark.parametrize(
    "state",
    [{"age": None}, {"age": 10.5}, {"seconds_ago": 60.0}],
    ids=["it does not answer", "it is too far behind", "nobody measured it lately"],
)
def test_a_replica_that_is_not_fit_is_not_read_until_it_has_recovered(
    set_lag: SetLag, as_role: AsRole, state: dict[str, Any]
) -> None:
    keeper = as_role("Record keeper")
    set_lag(**state)
    assert count_replica_queries(keeper, RECORDS) == 0
    set_lag(age=9.5)
    assert count_replica_queries(keeper, RECORDS) > 0


def test_a_person_reads_what_they_have_written(set_lag: SetLag, as_role: AsRole) -> None:
    record = factories.medical_record("P1")
    keeper = as_role("Record keeper")
    keeper.post(f"{RECORDS}{record.pk}/delete/", {"post": "yes"})
    set_lag(position=1)
    assert count_replica_queries(keeper, RECORDS) == 0
    other = client_for(make_person("Record keeper", "other"))
    set_lag(position=1)
    assert count_replica_queries(other, RECORDS) > 0
    set_lag()
    assert count_replica_queries(keeper, RECORDS) > 0
    assert routing.WRITTEN not in keeper.session


def test_a_person_reads_what_a_worker_has_written_for_them(
    set_lag: SetLag, as_role: AsRole, settings: LazySettings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    steward = as_role("Data steward")
    page = upload(steward, RECORDS_OF_FILES, write_csv(tmp_path / "rows.csv", RECORDS_OF_FILES.rows({})))
    before = get_log_position()
    press_import(steward, page)
    set_lag(position=before)
    other = client_for(make_person("Data steward", "other"))
    set_lag(position=2**62)
    assert count_replica_queries(steward, RECORDS) > 0  # which has what the session wrote: only the run is left
    set_lag(position=before)
    assert count_replica_queries(steward, RECORDS) == 0
    assert count_replica_queries(other, RECORDS) > 0
    ImportRun.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    assert count_replica_queries(steward, RECORDS) > 0


def test_suggestions_of_the_search_are_read_from_a_replica_and_are_no_write(set_lag: SetLag, as_role: AsRole) -> None:
    factories.medical_record("P1", name="Ada Byron")
    keeper = as_role("Record keeper")
    with CaptureQueriesContext(connections["replica1"]) as queries:
        answer = keeper.post("/search/suggestions/", {"q": "Ada"})
        assert "Ada Byron" in answer.content.decode()
    assert len(queries) > 0
    assert routing.WRITTEN not in keeper.session


def test_access_is_recorded_on_the_primary_whatever_the_page_reads(set_lag: SetLag, as_role: AsRole) -> None:
    factories.medical_record("P1")
    as_role("Record keeper").get(RECORDS)
    assert list(Access.objects.values_list("patient_ids", flat=True)) == [["P1"]]


def test_a_page_says_how_old_its_data_is_if_that_is_more_than_two_seconds(set_lag: SetLag, as_role: AsRole) -> None:
    keeper = as_role("Record keeper")
    assert "seconds old" not in Page.of(keeper.get(RECORDS)).text
    set_lag(age=4.2)
    assert "The data on this page is 4 seconds old." in Page.of(keeper.get(RECORDS)).text


def test_a_page_whose_replica_fails_is_read_from_the_primary(
    set_lag: SetLag, as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.medical_record("P1", name="Ada Byron")
    keeper = as_role("Record keeper")
    fail_on_replica(monkeypatch, OperationalError("the replica was stopped"))
    page = keeper.get(RECORDS)
    assert "Ada Byron" in Page.of(page).text
    assert routing.get_lags()["replica1"].age is None


def test_a_statement_that_took_too_long_is_not_repeated(
    set_lag: SetLag, as_role: AsRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = as_role("Record keeper")
    keeper.raise_request_exception = False
    cancelled = OperationalError("canceled")
    cancelled.__cause__ = QueryCanceled()
    fail_on_replica(monkeypatch, cancelled)
    assert keeper.get(RECORDS).status_code == 503


def test_an_export_is_read_from_a_replica(set_lag: SetLag, as_role: AsRole) -> None:
    factories.medical_record("P1")
    keeper = as_role("Analyst")
    keeper.get(RECORDS)
    with CaptureQueriesContext(connections["replica1"]) as queries:
        answer = keeper.post(f"{RECORDS}export/", {"format": "0"})
        assert b"P1" in answer.getvalue()
    assert len(queries) > 0


def test_without_replicas_a_request_costs_no_query_more(as_role: AsRole) -> None:
    keeper = as_role("Record keeper")
    keeper.get(RECORDS)
    assert routing.WRITTEN not in keeper.session


def fail_on_replica(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the list of records fail while it reads from a replica."""
    get_row_page = paging.get_row_page

    def fail(*arguments: Any, **options: Any) -> Any:
        if not routing.is_reading_primary():
            raise error
        return get_row_page(*arguments, **options)

    monkeypatch.setattr("patients.record_list.changelist.get_row_page", fail)
