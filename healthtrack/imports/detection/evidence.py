"""Count what the values of a column say about its notation: which order its dates have, and its decimal mark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.checking import clean_batch, is_valid, text_name
from healthtrack.imports.notation import DOCUMENTED, Notation
from healthtrack.imports.plan import Column

_AMBIGUOUS = -1
_DOCUMENTED = (Notation(DOCUMENTED.date_order), Notation(None, DOCUMENTED.decimal_mark))


@dataclass
class Evidence:
    """How many values of a column only one notation reads, by notation, and how many several read differently.

    `examples` has one value of each kind, and `proof` a value of a notation.
    """

    only: dict[Notation, int] = field(default_factory=dict)
    ambiguous: int = 0
    proof: dict[Notation, str] = field(default_factory=dict)
    ambiguous_example: str = ""

    @property
    def decided(self) -> Notation | None:
        """Return the notation that the values prove: some can only be read so, and none only otherwise."""
        return next(iter(self.only)) if len(self.only) == 1 else None

    @property
    def most_frequent(self) -> Notation | None:
        """Return the notation of most values that only one notation reads; of several, the documented one."""
        return max(self.only, key=lambda notation: (self.only[notation], notation in _DOCUMENTED), default=None)


class EvidenceCounter:
    """Collects the evidence of all columns that have several notations, batch by batch."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [column for column in columns if column.widget.notations]
        self.found: Mapping[str, Evidence] = {column.name: Evidence() for column in self.columns}

    def add(self, batch: pl.DataFrame) -> None:
        """Count the values of a batch whose columns have the names of the fields."""
        cleaned = clean_batch(batch.select(column.name for column in self.columns), self.columns)
        for column in self.columns:
            self._count(column, cleaned.select(pl.col(text_name(column)).alias("text")))

    def _count(self, column: Column, texts: pl.DataFrame) -> None:
        text, notations = pl.col("text"), column.widget.notations
        different = texts.group_by(text).len("times").filter(text.is_not_null())
        counted = different.with_columns(_classify(column, text).alias("kind")).filter(pl.col("kind").is_not_null())
        found = self.found[column.name]
        for kind, times, example in (
            counted.group_by("kind").agg(pl.col("times").sum(), text.min()).sort("kind").iter_rows()
        ):
            if kind == _AMBIGUOUS:
                found.ambiguous += times
                found.ambiguous_example = found.ambiguous_example or example
            else:
                found.only[notations[kind]] = found.only.get(notations[kind], 0) + times
                found.proof.setdefault(notations[kind], example)


def _classify(column: Column, text: pl.Expr) -> pl.Expr:
    """Return the place of the only notation that reads a text; -1 if several read it differently; otherwise null."""
    notations = column.widget.notations
    valid = [is_valid(column, text, notation) for notation in notations]
    values = [column.widget.read(text, column.field, notation) for notation in notations]
    count = pl.sum_horizontal(each.cast(pl.Int8) for each in valid)
    first = pl.coalesce(pl.when(each).then(place) for place, each in enumerate(valid))
    differs = pl.any_horizontal(value != values[0] for value in values[1:])
    return pl.when(count == 1).then(first).when((count > 1) & differs).then(_AMBIGUOUS)
