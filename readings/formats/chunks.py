"""Lists of what is read one by one, so that a batch is made of many at once."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from healthtrack.imports.row_errors import DamageError

_Item = TypeVar("_Item")


def read_chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield the items in lists of at most `size`, also those before a DamageError, which is then raised again."""
    chunk: list[_Item] = []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) >= size:
                yield chunk
                chunk = []
    except DamageError:
        yield chunk
        raise
    yield chunk
