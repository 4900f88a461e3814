import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from healthtrack.core import logs
from healthtrack.core.logs import DiscreetFormatter


def written(name: str = "django.request", **extra: object) -> dict[str, Any]:
    try:
        int("Ada Byron")
    except ValueError:
        record = logging.LogRecord(name, 40, "file.py", 1, "Error: %s", ("/P1/",), sys.exc_info())
    record.__dict__.update(extra)
    text = DiscreetFormatter().format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_a_fault_is_told_with_its_place_and_kind() -> None:
    page = SimpleNamespace(resolver_match=SimpleNamespace(view_name="admin:patients_medicalrecord_change"))
    line = written(request=page)
    assert (line["level"], line["logger"]) == ("ERROR", "django.request")
    assert line["place"] == "admin:patients_medicalrecord_change"
    assert line["fault"] == "builtins.ValueError"
    assert line["time"].endswith("+00:00")
    (frame,) = line["trace"]
    assert "test_logs.py:" in frame
    assert frame.endswith(" written")


@pytest.mark.parametrize("name", ["django.request", "healthtrack.imports", "gunicorn.error", "healthtracker"])
def test_no_value_of_a_fault_reaches_the_log(name: str) -> None:
    text = json.dumps(written(name))
    assert "Byron" not in text
    assert "P1" not in text


def test_a_fault_without_an_address_names_the_module() -> None:
    record = logging.LogRecord("django.db", 40, "/x/backend.py", 1, "%s", ("Ada",), None)
    assert json.loads(DiscreetFormatter().format(record))["place"] == "backend"


def test_a_message_is_told_where_it_was_written_for_a_log() -> None:
    assert written("gunicorn.error")["message"] == "Error: %s"
    assert "message" not in written("django.request")


def test_a_line_names_its_request_and_its_facts() -> None:
    outer = logs.request_id.set("0123abcd")
    try:
        line = written(facts={"directive": "img-src"})
    finally:
        logs.request_id.reset(outer)
    assert (line["request"], line["directive"]) == ("0123abcd", "img-src")
    assert "request" not in written()
