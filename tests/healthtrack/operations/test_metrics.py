import re
import time
from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.test import Client

from healthtrack import __version__
from healthtrack.core.replicas import routing
from healthtrack.core.replicas.lag import Lag
from healthtrack.imports.models import State
from tests.support import factories

pytestmark = pytest.mark.django_db

OUTSIDE = "203.0.113.7"


def read_metrics(client: Client | None = None) -> dict[str, float]:
    answer = (client or Client()).get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def count_requests(view: str, status: int) -> float:
    return read_metrics().get(f'healthtrack_requests_total{{status="{status}",view="{view}"}}', 0)


def test_requests_are_counted_by_page_and_status() -> None:
    before = count_requests("healthz", 200)
    Client().get("/healthz")
    Client().get("/healthz")
    assert count_requests("healthz", 200) == before + 2


def test_requests_are_timed_by_page() -> None:
    Client().get("/healthz")
    found = read_metrics()
    assert found['healthtrack_request_seconds_count{view="healthz"}'] >= 1
    assert found['healthtrack_request_seconds_sum{view="healthz"}'] > 0


def test_the_version_is_a_metric() -> None:
    assert read_metrics()[f'healthtrack_info{{version="{__version__}"}}'] == 1


def test_no_address_appears_in_the_metrics() -> None:
    Client().get("/admin/patients/medicalrecord/P4711/change/?q=Byron")
    Client().get("/nowhere/P4711/")
    page = Client().get("/metrics").content.decode()
    assert not re.search("P4711|Byron|nowhere", page)
    assert 'status="404",view="none"' in page
    assert 'view="admin:patients_medicalrecord_change"' in page


def test_it_says_whether_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_metrics()["healthtrack_database_up"] == 1

    def refuse() -> None:
        raise OperationalError("down")

    monkeypatch.setattr(connection, "cursor", refuse)
    assert read_metrics()["healthtrack_database_up"] == 0


def test_imports_and_jobs_are_counted_by_state() -> None:
    factories.import_run(State.CHECKED)
    factories.import_run(State.CHECKED)
    found = read_metrics()
    assert found['healthtrack_import_runs{state="checked"}'] == 2
    assert found['healthtrack_import_runs{state="failed"}'] == 0
    assert found['healthtrack_jobs{status="todo"}'] == 0
    assert found["healthtrack_worker_up"] == 0


def test_the_age_of_the_data_of_replicas_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    lags = {"replica1": Lag(1, 0.5, time.monotonic()), "replica2": Lag(measured_at=time.monotonic())}
    monkeypatch.setattr(routing, "get_lags", lambda: lags)
    found = read_metrics()
    assert found['healthtrack_replica_up{replica="replica1"}'] == 1
    assert found['healthtrack_replica_lag_seconds{replica="replica1"}'] == 0.5
    assert found['healthtrack_replica_up{replica="replica2"}'] == 0
    assert 'healthtrack_replica_lag_seconds{replica="replica2"}' not in found


def test_another_machine_is_refused() -> None:
    assert Client(REMOTE_ADDR=OUTSIDE).get("/metrics").status_code == 403
    assert Client(REMOTE_ADDR="").get("/metrics").status_code == 403


def test_another_machine_can_be_allowed(settings: LazySettings) -> None:
    settings.METRICS_ADDRESSES = [ip_network("203.0.113.0/24")]
    assert "healthtrack_database_up" in read_metrics(Client(REMOTE_ADDR=OUTSIDE))
    assert Client().get("/metrics").status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_request_through_an_unknown_proxy_does_not_count_as_this_machine(header: str) -> None:
    assert Client(headers={header: "127.0.0.1"}).get("/metrics").status_code == 403


def test_behind_a_trusted_proxy_the_address_of_the_client_counts(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    assert Client(headers={"X-Forwarded-For": OUTSIDE}).get("/metrics").status_code == 403
    assert Client(headers={"X-Forwarded-For": f"{OUTSIDE}, 127.0.0.2"}).get("/metrics").status_code == 200


def test_other_methods_are_not_allowed() -> None:
    assert Client().post("/metrics").status_code == 405
