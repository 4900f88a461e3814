"""Units and currencies beside numbers: those of the column are left out, and a value with another one is an error."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from healthtrack.core.cleaning import SHORTENED_REASON

_DIGITS = r"[0-9](?:[0-9., '\u2019]*[0-9])?"
# What German, Swiss and Indian prices have instead of decimals: 1299,- and 1299/-.
_NO_DECIMALS = r"(?:[.,][\-\u2013\u2014]{1,2}|/-)"
_NEGATIVE = r"^-?\(.*[0-9].*\)$|^[0-9][0-9., ]*[\-\u2212]$|^\u2212"
_SHORTENED = r"^-?[0-9]+(?:[.,][0-9]+)?[eE]\+?0*[1-9][0-9]*$"
_RANGE = rf"^{_DIGITS} ?(?:-|\u2013|\u2014|to|bis|\u00e0) ?{_DIGITS}(?: ?[^0-9]*)?$"
_OTHER = rf"^[^0-9]*[^0-9\s(\-+=@.,][^0-9]*{_DIGITS}[^0-9]*$|^-?{_DIGITS}[^0-9]*[^0-9\s.,][^0-9]*$"


@dataclass(frozen=True)
class Unit:
    """What the numbers of a column count, in words, and how files write it before or after a number."""

    counts: str
    before: Sequence[str] = ()
    after: Sequence[str] = ()

    def remove(self, text: pl.Expr) -> pl.Expr:
        """Return the texts without the unit."""
        for shape in self._shapes:
            text = text.str.replace(shape, "${number}")
        return text

    @property
    def _shapes(self) -> list[str]:
        before, after = (rf"(?:{'|'.join(map(re.escape, words))})" for words in (self.before, self.after))
        shapes = [rf"(?i)^{before}\.? ?(?P<number>-?[0-9].*)$"] if self.before else []
        shapes += [rf"(?i)^(?P<number>-?{_DIGITS}{_NO_DECIMALS}?) ?{after}\.?$"] if self.after else []
        return [*shapes, rf"^(?P<number>-?{_DIGITS}){_NO_DECIMALS}$"] if self.before else shapes

    def list_reasons(self, text: pl.Expr) -> list[tuple[pl.Expr, str]]:
        """Return why texts without the unit are no numbers, for those with something beside their digits."""
        return [
            (text.str.contains(_SHORTENED), f"{SHORTENED_REASON} Enter all of its digits."),
            (text.str.contains(_NEGATIVE), "May be a negative number. Write it without parentheses or a minus."),
            (text.str.contains(f"(?i){_RANGE}"), "This is a range. Enter one number."),
            (text.str.contains(_OTHER), f"Has another unit, or other text. Enter {self.counts}, with digits only."),
        ]


NUMBER = Unit("the number")
