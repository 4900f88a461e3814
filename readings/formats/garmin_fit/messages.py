"""The messages of FIT files, checked for damage."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fitdecode import CrcCheck, ErrorHandling, FitDataMessage, FitHeader, FitReader
from fitdecode.exceptions import FitCRCError, FitEOFError, FitError, FitHeaderError
from fitdecode.records import FitCRC

# A week and a half of a record each second. What is read of a file is in memory until its checksum is reached.
MAX_MESSAGES = 1_000_000
_CHECKSUM_BYTES = 2
_CUT_OFF = "The FIT file was cut off after this record: it is shorter than its header says. Get it again."
# What fitdecode raises on damaged files besides its own errors: its checks are assertions, look-ups and conversions.
_DAMAGE = (AssertionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)


class BrokenFileError(Exception):
    """A FIT file is damaged; `record` is the number of the last record that could be read."""

    def __init__(self, reason: str, record: int) -> None:
        super().__init__(reason)
        self.record = record or None


@dataclass(frozen=True, slots=True)
class Message:
    """A data message: the number of its record in the part, its name, and its fields.

    `values` are the whole numbers of the file, without scale and offset; `texts` what fitdecode makes of them, such as
    the name of a product. Fields without a value are missing.
    """

    record: int
    name: str
    values: Mapping[str, int]
    texts: Mapping[str, str]


# Messages in which names matter as well as numbers.
_NAMED = {"file_id", "device_info", "session", "sleep_level"}


class Collector(Protocol):
    """What takes the messages of a file, in their order."""

    def add(self, message: Message) -> None: ...


_Collector = TypeVar("_Collector", bound=Collector)


def read_files(data: bytes, make_collector: Callable[[], _Collector]) -> Iterator[_Collector]:
    """Yield a collector with the messages of each FIT file in the data, after its checksum was found to be right.

    Raise BrokenFileError at the first file that is damaged. If it was cut off, its messages up to there are yielded
    before. With other damage, nobody knows which of its messages are right.
    """
    collector = make_collector()
    first = end = 0
    frames = _read_frames(data)
    while True:
        try:
            record, frame = next(frames, (0, None))
        except BrokenFileError as error:
            if end <= len(data):
                raise
            yield collector
            raise BrokenFileError(_CUT_OFF, error.record or 0) from error
        if frame is None:
            return
        if isinstance(frame, FitHeader):
            collector, first = make_collector(), record
            end += frame.header_size + frame.body_size + _CHECKSUM_BYTES
        elif isinstance(frame, FitDataMessage):
            collector.add(_to_message(record, frame))
            if record - first > MAX_MESSAGES:
                raise BrokenFileError(f"The FIT file has more than {MAX_MESSAGES:,} records.", record)
        elif isinstance(frame, FitCRC):
            yield collector
            collector = make_collector()


def _read_frames(data: bytes) -> Iterator[tuple[int, object]]:
    """Yield the frames, each with the number of records so far."""
    record = 0
    frames = iter(FitReader(data, processor=None, check_crc=CrcCheck.RAISE, error_handling=ErrorHandling.IGNORE))
    while True:
        try:
            frame = next(frames, None)
        except FitError as error:
            raise BrokenFileError(_explain(error), record) from error
        except _DAMAGE as error:
            raise BrokenFileError("The FIT file is damaged. Get it again.", record) from error
        if frame is None:
            return
        record += isinstance(frame, FitDataMessage)
        yield record, frame


def _explain(error: FitError) -> str:
    if isinstance(error, FitEOFError):
        return _CUT_OFF
    if isinstance(error, FitCRCError):
        return "The FIT file is damaged: its checksum is wrong. Get it again."
    if isinstance(error, FitHeaderError):
        return "The bytes here are not a FIT file: they do not begin with its header."
    return "The FIT file is damaged: a record does not match its definition. Get it again."


def _to_message(record: int, frame: FitDataMessage) -> Message:
    values, texts = {}, {}
    for field in frame.fields:
        if field.field_def is not None and field.field_def.is_dev:
            continue  # developers of apps define the meaning of their fields
        if isinstance(field.raw_value, int):
            values[field.name] = field.raw_value
        if frame.name in _NAMED and isinstance(field.value, str):
            texts[field.name] = field.value
    return Message(record, frame.name, values, texts)
