import json
import logging
import time

import pytest
from django.test import Client

from healthtrack.operations import csp_reports
from healthtrack.operations.csp_reports import Allowance

PATIENT_PAGE = "http://testserver/admin/patients/medicalrecord/P4711/change/?q=Byron"


@pytest.fixture(autouse=True)
def fresh_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csp_reports, "_allowance", Allowance(2))


def send(body: object) -> int:
    text = body if isinstance(body, str) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post("/policy-report", text, "application/csp-report").status_code


def report(**more: object) -> dict[str, object]:
    return {"csp-report": {"document-uri": PATIENT_PAGE, "effective-directive": "img-src", **more}}


def facts(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    return [record.__dict__["facts"] for record in caplog.records if record.levelno == logging.WARNING]


def test_a_report_is_logged_by_page_and_rule(caplog: pytest.LogCaptureFixture) -> None:
    assert send(report(**{"blocked-uri": "https://evil.example/?Ada", "script-sample": "Ada"})) == 204
    assert facts(caplog) == [{"page": "admin:patients_medicalrecord_change", "directive": "img-src"}]
    assert "P4711" not in caplog.text
    assert "Ada" not in caplog.text


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "7", "[" * 5000, {}, {"csp-report": None}, {"csp-report": {"document-uri": "x"}}],
)
def test_what_is_no_report_does_no_harm(body: object, caplog: pytest.LogCaptureFixture) -> None:
    assert send(body) == 204
    assert facts(caplog) == [{"page": "none"}]


def test_names_that_are_none_of_ours_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    send(report(**{"effective-directive": "Ada-Byron"}))
    send(report(**{"document-uri": "http://testserver/Ada/"}))
    assert facts(caplog) == [
        {"page": "admin:patients_medicalrecord_change", "directive": "unknown"},
        {"page": "none"},
    ]


def test_a_big_report_is_not_read(caplog: pytest.LogCaptureFixture) -> None:
    assert send(report(padding="x" * csp_reports.MOST_BYTES)) == 204
    assert facts(caplog) == []


def test_only_so_many_a_minute_are_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 600.0)
    assert {send(report()) for _ in range(5)} == {204}
    assert len(facts(caplog)) == 2
    monkeypatch.setattr(time, "monotonic", lambda: 660.0)
    send(report())
    assert len(facts(caplog)) == 3


def test_it_takes_no_other_methods() -> None:
    assert Client().get("/policy-report").status_code == 405
