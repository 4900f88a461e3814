"""Count what the values of a column say about its notation: which order its dates have, and its decimal mark."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.columns.checking import read_valid, text_name
from healthtrack.imports.columns.notation import DOCUMENTED, Notation
from healthtrack.imports.columns.plan import Column

_AMBIGUOUS = -1
_DOCUMENTED = (Notation(DOCUMENTED.date_order), Notation(None, DOCUMENTED.decimal_mark))


@dataclass
class Evidence:
    """How many values of a column only one notation reads, by notation, and how many several read differently.

    `proof` has a value of each notation. `ambiguous` counts the values that nothing decides: values of another form,
    such as dates with another separator, say nothing about them. `proved_forms` are the forms that have proofs, and
    `ambiguous_forms` those of the values that nothing decides.
    """

    only: dict[Notation, int] = field(default_factory=dict)
    ambiguous: int = 0
    proof: dict[Notation, str] = field(default_factory=dict)
    ambiguous_example: str = ""
    proved_forms: str = ""
    ambiguous_forms: str = ""

    @property
    def decided(self) -> Notation | None:
        """Return the notation that the values prove: some can only be read so, and none only otherwise."""
        return next(iter(self.only)) if len(self.only) == 1 and not self.ambiguous else None

    @property
    def commonest(self) -> Notation | None:
        """Return the notation of most values that only one notation reads; of several, the documented one."""
        return max(self.only, key=lambda notation: (self.only[notation], notation in _DOCUMENTED), default=None)


class EvidenceCounter:
    """Collects the evidence of all columns that have several notations, batch by batch."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [column for column in columns if column.widget.notations]
        self._kinds = {column.name: Counter[tuple[str, int]]() for column in self.columns}
        self._examples: dict[str, dict[int, str]] = {column.name: {} for column in self.columns}

    def add(self, cleaned: pl.DataFrame) -> None:
        """Count the values of a batch with cleaned texts."""
        counts = pl.collect_all([_count(column, cleaned.lazy()) for column in self.columns])
        for column, counted in zip(self.columns, counts, strict=True):
            for form_of_value, kind, times, example in counted.iter_rows():
                self._kinds[column.name][form_of_value, kind] += times
                self._examples[column.name].setdefault(kind, example)

    def get_evidence(self, column: Column) -> Evidence:
        """Return what the values of a column say that have been counted so far."""
        kinds, examples, notations = self._kinds[column.name], self._examples[column.name], column.widget.notations
        evidence = Evidence(ambiguous_example=examples.get(_AMBIGUOUS, ""))
        decided = {form for form, kind in kinds if kind != _AMBIGUOUS}
        evidence.proved_forms = "".join(sorted(decided))
        for (form, kind), times in kinds.items():
            if kind == _AMBIGUOUS:
                evidence.ambiguous += 0 if form in decided else times
                evidence.ambiguous_forms += "" if form in decided else form
            else:
                evidence.only[notations[kind]] = evidence.only.get(notations[kind], 0) + times
                evidence.proof[notations[kind]] = examples[kind]
        if len(evidence.only) > 1:
            evidence.ambiguous = sum(times for (_, kind), times in kinds.items() if kind == _AMBIGUOUS)
        return evidence


def _count(column: Column, cleaned: pl.LazyFrame) -> pl.LazyFrame:
    """Return how often the column has values of each form and kind, with an example of them."""
    text = pl.col("text")
    different = cleaned.group_by(pl.col(text_name(column)).alias("text")).len("times").filter(text.is_not_null())
    form = column.widget.get_form(text).fill_null("").alias("form")
    counted = _classify(column, different.with_columns(form)).drop_nulls("kind")
    return counted.group_by("form", "kind").agg(pl.col("times").sum(), text.min()).sort("form", "kind")


def _classify(column: Column, texts: pl.LazyFrame) -> pl.LazyFrame:
    """Add the place of the only notation that reads each text, as `kind`.

    It is -1 if several notations read a text differently, and null if all read it alike. Of texts that none reads, it
    is the only notation that they show.
    """
    notations = column.widget.notations
    values = [f"value {place}" for place in range(len(notations))]
    for value, notation in zip(values, notations, strict=True):
        texts = read_valid(column, texts, notation, value)
    is_read = [pl.col(value).is_not_null() for value in values]
    count = pl.sum_horizontal(each.cast(pl.Int8) for each in is_read)
    first = pl.coalesce(pl.when(each).then(place) for place, each in enumerate(is_read))
    differs = pl.any_horizontal(pl.col(value) != pl.col(values[0]) for value in values[1:])
    shown = [column.widget.shows_notation(pl.col("text"), notation) for notation in notations]
    is_shown_once = pl.sum_horizontal(each.cast(pl.Int8) for each in shown) == 1
    first_shown = pl.coalesce(pl.when(each).then(place) for place, each in enumerate(shown))
    return texts.with_columns(
        pl.when(count == 1)
        .then(first)
        .when((count > 1) & differs)
        .then(_AMBIGUOUS)
        .when((count == 0) & is_shown_once)
        .then(first_shown)
        .alias("kind")
    )
