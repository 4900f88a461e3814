import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from healthtrack import settings as project
from healthtrack.core import logs
from healthtrack.core.logs import RedactingJsonFormatter


def format_error(name: str = "django.request", **extra: object) -> dict[str, Any]:
    try:
        int("Ada Byron")
    except ValueError:
        record = logging.LogRecord(name, 40, "file.py", 1, "Error: %s", ("/P1/",), sys.exc_info())
    record.__dict__.update(extra)
    text = RedactingJsonFormatter().format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_an_error_is_logged_with_its_place_and_type() -> None:
    page = SimpleNamespace(resolver_match=SimpleNamespace(view_name="admin:patients_medicalrecord_change"))
    line = format_error(request=page)
    assert (line["level"], line["logger"]) == ("ERROR", "django.request")
    assert line["place"] == "admin:patients_medicalrecord_change"
    assert line["error"] == "builtins.ValueError"
    assert line["time"].endswith("+00:00")
    (frame,) = line["trace"]
    assert "test_logs.py:" in frame
    assert frame.endswith(" format_error")


@pytest.mark.parametrize("name", ["django.request", "healthtrack.imports", "gunicorn.error", "healthtracker"])
def test_no_value_of_an_error_is_logged(name: str) -> None:
    text = json.dumps(format_error(name))
    assert "Byron" not in text
    assert "P1" not in text


def test_an_error_outside_of_a_request_names_the_module() -> None:
    record = logging.LogRecord("django.db", 40, "/x/backend.py", 1, "%s", ("Ada",), None)
    assert json.loads(RedactingJsonFormatter().format(record))["place"] == "backend"


def test_only_trusted_loggers_log_their_messages() -> None:
    assert format_error("gunicorn.error")["message"] == "Error: %s"
    assert "message" not in format_error("django.request")


def test_a_line_has_the_request_id_and_its_fields() -> None:
    token = logs.request_id.set("0123abcd")
    try:
        line = format_error(fields={"directive": "img-src"})
    finally:
        logs.request_id.reset(token)
    assert (line["request"], line["directive"]) == ("0123abcd", "img-src")
    assert "request" not in format_error()


def test_no_value_can_begin_a_line_of_its_own() -> None:
    assert format_error(fields={"page": 'a\n{"level": "INFO"}'})["page"] == 'a\n{"level": "INFO"}'


def test_everything_is_logged_to_standard_error() -> None:
    handlers: dict[str, dict[str, str]] = project.LOGGING["handlers"]  # type: ignore[assignment]  # a dictionary of anything
    assert [handler["class"] for handler in handlers.values()] == ["logging.StreamHandler"]
