"""The capacity model, and its table in the documentation."""

import pytest
from django.conf import settings

from benchmarks.scale import READINGS, estimate, format_bytes, format_table


def test_the_documentation_has_the_table_that_the_model_prints() -> None:
    assert format_table() in (settings.BASE_DIR / "docs" / "operations.md").read_text()


def test_twice_as_many_devices_need_twice_as_much() -> None:
    one, two = (estimate(1_000_000, devices, 60, 12) for devices in (100_000, 200_000))
    assert two.reading_bytes == pytest.approx(2 * one.reading_bytes)
    assert two.log_bytes_per_day == pytest.approx(2 * one.log_bytes_per_day)
    assert two.record_bytes == one.record_bytes


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: f"every {reading.cadence} s")
def test_a_device_for_a_month_takes_what_was_measured(reading: object) -> None:
    assert isinstance(reading, type(READINGS[0]))
    need = estimate(1, 1, reading.cadence, 1)
    assert need.reading_bytes == pytest.approx(30.44 * 86_400 / reading.cadence * reading.stored_bytes)


@pytest.mark.parametrize(
    ("count", "text"),
    [(450_000, "0.45 MB"), (57e6, "57 MB"), (1.14e12, "1.1 TB"), (2.5e15, "2.5 PB"), (45.2e9, "45 GB")],
)
def test_bytes_have_two_digits_and_a_unit(count: float, text: str) -> None:
    assert format_bytes(count) == text
