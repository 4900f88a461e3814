import logging
import sys
from types import SimpleNamespace

from healthtrack.logs import DiscreetFormatter


def written(**extra: object) -> str:
    try:
        int("Ada Byron")
    except ValueError:
        record = logging.LogRecord("django.request", 40, "file.py", 1, "Error: %s", ("/P1/",), sys.exc_info())
    record.__dict__.update(extra)
    return DiscreetFormatter().format(record)


def test_a_fault_is_told_with_its_place_and_kind() -> None:
    page = SimpleNamespace(resolver_match=SimpleNamespace(view_name="admin:patients_medicalrecord_change"))
    text = written(request=page)
    assert "ERROR django.request: admin:patients_medicalrecord_change" in text
    assert text.endswith("builtins.ValueError")
    assert "test_logs.py" in text


def test_no_value_of_a_fault_reaches_the_log() -> None:
    text = written()
    assert "Byron" not in text.replace('int("Ada Byron")', "")
    assert "P1" not in text


def test_a_fault_without_an_address_names_the_module() -> None:
    record = logging.LogRecord("django.db", 40, "/x/backend.py", 1, "%s", ("Ada",), None)
    assert DiscreetFormatter().format(record).endswith("ERROR django.db: backend")
