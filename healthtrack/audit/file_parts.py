"""How the access log finds a patient among the parts of files.

A part has up to thousands of patients. To put each into the index would take as long as a third of an export, so the
index has only beginnings of their numbers. An export in the order of the numbers, which is the usual one, then has few
parts in which a number can be. The others are read as a whole.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import takewhile

_MARK = "*"  # ends a beginning
_LAST_CHARACTER = "\U0010ffff"
_MAX_LENGTH = 49  # of a beginning without its mark: the column holds one more


def get_beginnings(numbers: Sequence[str]) -> list[str]:
    """Return the beginnings of sorted numbers, one character longer than what the first and the last share."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(numbers[0], numbers[-1], strict=False)))
    length = min(shared + 1, _MAX_LENGTH)
    beginnings = []
    place = 0
    while place < len(numbers):
        beginning = numbers[place][:length]
        beginnings.append(beginning + _MARK)
        place = max(place + 1, bisect_right(numbers, beginning + _LAST_CHARACTER, place))
    return beginnings


def get_possible_beginnings(number: str) -> list[str]:
    """Return every beginning by which a part may be found that has this number."""
    return [number[:length] + _MARK for length in range(1, min(len(number), _MAX_LENGTH) + 1)]
