"""Rows in the binary form of COPY. PostgreSQL reads arrays in it in half the time that it needs for text."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import polars as pl

_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
_END = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_EPOCH_DAYS = 10_957  # PostgreSQL counts from 1 January 2000
_EPOCH = _EPOCH_DAYS * 86_400 * 1_000_000
# Types of single values: how a field is packed after its length, and what is added to the value before.
_SCALARS: Mapping[str, tuple[str, int]] = {
    "smallint": ("h", 0),
    "integer": ("i", 0),
    "bigint": ("q", 0),
    "double precision": ("d", 0),
    "date": ("i", -_EPOCH_DAYS),
    "timestamptz": ("q", -_EPOCH),
}
# Types of the elements of arrays: their number in PostgreSQL, and the bytes of an element.
_ELEMENTS: Mapping[str, tuple[int, int]] = {
    "boolean": (16, 1),
    "smallint": (21, 2),
    "integer": (23, 4),
    "bigint": (20, 8),
}
_ARRAY = struct.Struct(">iiiiii")  # length of the field, dimensions, whether it has nulls, type, elements, first index
_SLICE = 2**19  # bytes that are written at once: larger pieces of memory are slower to get than to fill

_Parts = Sequence[bytes | memoryview]


def write_rows(rows: pl.DataFrame, types: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the rows for COPY, as columns of these PostgreSQL types by name.

    Dates are days since 1970, instants microseconds since 1970. Lists may be null, but not their elements.
    """
    yield _BEGIN
    count = struct.pack(">h", len(rows.columns))
    for part in rows.iter_slices(1 + len(rows) * _SLICE // (1 + int(rows.estimated_size()))):
        columns = [[count] * len(part), *chain(*(_write_column(part[name], types[name]) for name in part.columns))]
        yield b"".join(chain.from_iterable(zip(*columns, strict=True)))
    yield _END


def _write_column(column: pl.Series, kind: str) -> Sequence[_Parts]:
    """Return the parts of each row's field, one after the other."""
    if kind.endswith("[]"):
        return _write_arrays(column, *_ELEMENTS[kind.removesuffix("[]")])
    if kind == "text":
        encoded = (None if value is None else value.encode() for value in column)
        return [[_NULL if value is None else struct.pack(">i", len(value)) + value for value in encoded]]
    code, shift = _SCALARS[kind]
    packer, size = struct.Struct(f">i{code}"), struct.calcsize(f">{code}")
    values = (column + shift if shift else column).to_list()
    return [[_NULL if value is None else packer.pack(size, value) for value in values]]


def _write_arrays(column: pl.Series, kind: int, size: int) -> Sequence[_Parts]:
    """Return what precedes the elements of each array, and its elements."""
    elements = memoryview(_write_elements(column.drop_nulls().explode(empty_as_null=False), size))
    heads: list[bytes] = []
    bodies: list[bytes | memoryview] = []
    start, width = 0, 4 + size
    for count in column.list.len().to_list():
        heads.append(_NULL if count is None else _ARRAY.pack(20 + count * width, 1, 0, kind, count, 1))
        bodies.append(elements[start : start + (count or 0) * width])
        start += (count or 0) * width
    return heads, bodies


def _write_elements(values: pl.Series, size: int) -> bytearray:
    """Return the numbers with so many bytes each, the highest first, and each after its length."""
    assert not values.has_nulls()  # noqa: S101 (a null would be written as 0)
    written = bytearray((struct.pack(">i", size) + bytes(size)) * len(values))
    if values.is_empty():
        return written
    values = values.cast(pl.UInt8 if values.dtype == pl.Boolean else values.dtype)
    lowest, highest = values.min(), values.max()
    for place in range(size):
        if place and lowest >= 0 and highest < 256**place:  # type: ignore[operator]  # numbers
            break  # all higher bytes are 0
        plane = (values // 256**place if place else values).cast(pl.UInt8, wrap_numerical=True)
        written[3 + size - place :: 4 + size] = plane.implode().cast(pl.Binary).item()
    return written
