"""The values of an Observation or of a component of it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from patients.fhir.elements import Content, UnreadableError, get_object, iterate_objects
from readings.formats.fhir.codes import DAILY, INTERVALS, LOINC_NAMES, METRICS, OWN, UNITS, get_code
from readings.formats.numbers import to_text

MAX_SAMPLES = 1_000_000
_SAMPLES_WITHOUT_VALUE = "samples without a value"
_MAX_EXPONENT = 30
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ANNOTATION = re.compile(r"\{[^{}]*\}")


class Time(NamedTuple):
    """When something was observed, as text of the file; `end` only for a period."""

    start: str | None = None
    end: str | None = None


class Value(NamedTuple):
    """A value of a metric, as text; without a value, `left_out` says why."""

    metric: str
    time: Time
    value: str | None = None
    unit: str | None = None
    left_out: str = ""


def find_metric(content: Content) -> str:
    """Return our code for what was measured; empty if it is something else."""
    for coding in iterate_objects(get_object(content, "code"), "coding"):
        if coding.get("system") in LOINC_NAMES and (metric := METRICS.get(get_code(coding, "code"))):
            return metric
        if coding.get("system") == OWN:
            return get_code(coding, "code")
    return ""


def read_time(content: Content) -> Time:
    """Return the time of an Observation. A period of no length is an instant."""
    period = get_object(content, "effectivePeriod")
    if period:
        start, end = get_code(period, "start") or None, get_code(period, "end") or None
        return Time(start, None if end == start else end)
    return Time(get_code(content, "effectiveDateTime") or get_code(content, "effectiveInstant") or None)


def read_values(content: Content, metric: str, time: Time) -> Iterator[Value]:
    """Yield the values of an Observation or component. Raise UnreadableError if a value is not a number."""
    if metric in DAILY and _DATE.fullmatch(time.start or ""):
        time = Time(f"{time.start}T00:00:00")
    if "valueQuantity" in content:
        yield _read_quantity(get_object(content, "valueQuantity"), metric, time)
    elif "valueInteger" in content:
        yield Value(metric, time, to_text(content["valueInteger"]))
    elif "valueSampledData" in content:
        yield from read_samples(get_object(content, "valueSampledData"), metric, time)
    elif other := next((name for name in content if name.startswith("value")), ""):
        raise UnreadableError(other, to_text(content[other]), "This is not a number with a unit. Use valueQuantity.")
    else:
        yield Value(metric, time, left_out="observations without a value")


def _read_quantity(quantity: Content, metric: str, time: Time) -> Value:
    if comparator := get_code(quantity, "comparator"):
        reason = "The value is only known to be less or more than this, which cannot be stored."
        raise UnreadableError("valueQuantity.comparator", f"{comparator}{to_text(quantity.get('value'))}", reason)
    return Value(metric, time, to_text(quantity.get("value")), _read_unit(quantity))


def _read_unit(quantity: Content) -> str | None:
    """Return the code of the unit, which UCUM has; or what its text means, if that is all there is."""
    if code := get_code(quantity, "code"):
        return _ANNOTATION.sub(lambda found: found[0].lower(), code)  # which means nothing
    text = get_code(quantity, "unit")
    return UNITS.get(text.strip().lower(), text) or None


def read_samples(data: Content, metric: str, time: Time) -> Iterator[Value]:
    """Yield the samples of a series: value = origin + number x factor, one in each period of milliseconds."""
    origin = get_object(data, "origin")
    zero, factor = _to_decimal(origin, "value", "0"), _to_decimal(data, "factor", "1")
    period = _to_decimal(data, "period")
    if data.get("dimensions", 1) != 1:
        raise UnreadableError(
            "valueSampledData.dimensions", to_text(data["dimensions"]), "Only one dimension can be read."
        )
    start = _parse(time.start)
    unit = _read_unit(origin)
    samples = get_code(data, "data").split()
    if len(samples) > MAX_SAMPLES:
        raise UnreadableError("valueSampledData.data", len(samples), f"More than {MAX_SAMPLES:,} samples.")
    for place, sample in enumerate(samples):
        at = Time(_move(start, period * place), _move(start, period * (place + 1)) if metric in INTERVALS else None)
        yield _read_sample(sample, Value(metric, at, unit=unit), zero, factor, data)


def _read_sample(sample: str, empty: Value, zero: Decimal, factor: Decimal, data: Content) -> Value:
    """Return a sample. L and H are below and above the limits of the device, E is an error."""
    if sample == "E":
        return empty._replace(left_out=_SAMPLES_WITHOUT_VALUE)
    if sample in {"L", "U"}:
        limit = "lowerLimit" if sample == "L" else "upperLimit"
        step = Decimal(-1 if sample == "L" else 1)
        if limit not in data:
            return empty._replace(value=sample)
        return empty._replace(value=f"{zero + (_to_decimal(data, limit) + step) * factor:f}")
    number = _parse_number(sample)
    return empty._replace(value=f"{zero + number * factor:f}" if _is_plain(number) else sample)


def _to_decimal(content: Content, name: str, default: str | None = None) -> Decimal:
    value = content.get(name, default)
    number = _parse_number(to_text(value) or "")
    if value is None or isinstance(value, bool) or not _is_plain(number):
        raise UnreadableError(f"valueSampledData.{name}", to_text(value), "This is not a number.")
    return number


def _parse_number(text: str) -> Decimal:
    """Return a number; NaN for what JSON and FHIR do not have, such as digits of other scripts."""
    try:
        return Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        return Decimal("NaN")


def _is_plain(number: Decimal) -> bool:
    """Return whether a number is finite, and not too long to be written out."""
    return (
        number.is_finite() and abs(number.adjusted()) < _MAX_EXPONENT and len(number.as_tuple().digits) < _MAX_EXPONENT
    )


def _parse(text: str | None) -> datetime:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError as error:
        raise UnreadableError("effective", text, "A series of samples needs the time of the first one.") from error


def _move(start: datetime, milliseconds: Decimal) -> str:
    try:
        return (start + timedelta(microseconds=int(milliseconds * 1000))).isoformat()
    except (OverflowError, ValueError) as error:
        raise UnreadableError(
            "valueSampledData.period", milliseconds, "The samples reach beyond the calendar."
        ) from error
