import json
import logging
import time

import pytest
from django.test import Client

from healthtrack.operations import csp_reports
from healthtrack.operations.csp_reports import RateLimit

PATIENT_PAGE = "http://testserver/admin/patients/medicalrecord/P4711/change/?q=Byron"


@pytest.fixture(autouse=True)
def small_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csp_reports, "_rate_limit", RateLimit(2))


def send(body: object) -> int:
    text = body if isinstance(body, str) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post("/policy-report", text, "application/csp-report").status_code


def report(**more: object) -> dict[str, object]:
    return {"csp-report": {"document-uri": PATIENT_PAGE, "effective-directive": "img-src", **more}}


def logged_fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    return [record.__dict__["fields"] for record in caplog.records if record.levelno == logging.WARNING]


def test_a_report_is_logged_with_its_page_and_directive(caplog: pytest.LogCaptureFixture) -> None:
    assert send(report(**{"blocked-uri": "https://evil.example/?Ada", "script-sample": "Ada"})) == 204
    assert logged_fields(caplog) == [{"page": "admin:patients_medicalrecord_change", "directive": "img-src"}]
    assert "P4711" not in caplog.text
    assert "Ada" not in caplog.text


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "7", "[" * 5000, {}, {"csp-report": None}, {"csp-report": {"document-uri": "x"}}],
)
def test_a_body_that_is_not_a_report_does_no_harm(body: object, caplog: pytest.LogCaptureFixture) -> None:
    assert send(body) == 204
    assert logged_fields(caplog) == [{"page": "none"}]


def test_unknown_names_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    send(report(**{"effective-directive": "Ada-Byron"}))
    send(report(**{"document-uri": "http://testserver/Ada/"}))
    assert logged_fields(caplog) == [
        {"page": "admin:patients_medicalrecord_change", "directive": "unknown"},
        {"page": "none"},
    ]


def test_a_large_report_is_not_read(caplog: pytest.LogCaptureFixture) -> None:
    assert send(report(padding="x" * csp_reports.MAX_BYTES)) == 204
    assert logged_fields(caplog) == []


def test_the_rate_limit_applies_to_logged_reports(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 600.0)
    assert {send(report()) for _ in range(5)} == {204}
    assert len(logged_fields(caplog)) == 2
    monkeypatch.setattr(time, "monotonic", lambda: 660.0)
    send(report())
    assert len(logged_fields(caplog)) == 3


def test_other_methods_are_not_allowed() -> None:
    assert Client().get("/policy-report").status_code == 405
