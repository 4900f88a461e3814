"""Count what the values of a column say about its notation: which order its dates have, and its decimal mark."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.columns.checking import read_valid, text_name
from healthtrack.imports.columns.notation import DOCUMENTED, Notation
from healthtrack.imports.columns.plan import Column

# Kinds of values beside the places of notations. What only the rare notation would read differently counts only if
# values prove that notation, or if somebody says so.
_AMBIGUOUS = -1
_RARELY_AMBIGUOUS = -2  # the rare notation reads it differently
_NOT_RARE = -3  # the rare notation does not read it
# So many values that the rare notation does not read make one that only it reads a typing error.
_PROOFS_FOR_EACH_ERROR = 5
_DOCUMENTED = (Notation(DOCUMENTED.date_order), Notation(None, DOCUMENTED.decimal_mark))


@dataclass
class Evidence:
    """How many values of a column only one notation reads, by notation, and how many several read differently.

    `possible` has the notations to choose from, and `proof` a value of each notation. `ambiguous` counts the values
    that nothing decides: values of another form, such as dates with another separator, say nothing about them.
    `proved_forms` are the forms that have proofs, and `ambiguous_forms` those of the values that nothing decides.
    """

    only: dict[Notation, int] = field(default_factory=dict)
    ambiguous: int = 0
    proof: dict[Notation, str] = field(default_factory=dict)
    ambiguous_example: str = ""
    proved_forms: str = ""
    ambiguous_forms: str = ""
    possible: Sequence[Notation] = ()

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

    def get_evidence(self, column: Column, *, may_be_rare: bool = False) -> Evidence:
        """Return what the values of a column say that have been counted so far.

        The rare notation is possible if a value of any column proves it, or if somebody says so.
        """
        notations = column.widget.all_notations
        is_rare_possible = may_be_rare or any(map(self._proves_rare, self.columns))
        kinds, examples = self._list_kinds(column, is_rare_possible=is_rare_possible)
        evidence = Evidence(ambiguous_example=examples.get(_AMBIGUOUS, ""))
        evidence.possible = notations if is_rare_possible else column.widget.notations
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

    def _has_typing_errors(self, column: Column) -> bool:
        """Return whether only the rare notation reads few values, and does not read many others of their form."""
        kinds, rare = self._kinds[column.name], len(column.widget.notations)
        errors = {form: times for (form, kind), times in kinds.items() if kind == rare}
        return bool(errors) and all(
            kinds[form, _NOT_RARE] >= times * _PROOFS_FOR_EACH_ERROR for form, times in errors.items()
        )

    def _proves_rare(self, column: Column) -> bool:
        """Return whether only the rare notation reads values of the column that are no typing errors."""
        has_rare = any(kind == len(column.widget.notations) for _, kind in self._kinds[column.name])
        return has_rare and not self._has_typing_errors(column)

    def _list_kinds(
        self, column: Column, *, is_rare_possible: bool
    ) -> tuple[Mapping[tuple[str, int], int], Mapping[int, str]]:
        """Return how many values of the column have each form and kind, and an example of each kind.

        What the rare notation does not read belongs to the usual notation of most values, if it counts at all.
        """
        counted, examples = self._kinds[column.name], self._examples[column.name]
        usual = Counter[int]()
        for (_, kind), times in counted.items():
            usual[kind] += times if 0 <= kind < len(column.widget.notations) else 0
        commonest = max(usual, key=lambda kind: (usual[kind], -kind), default=0)
        counts = {_RARELY_AMBIGUOUS, _NOT_RARE} if is_rare_possible else set[int]()
        counts |= {_NOT_RARE} if self._has_typing_errors(column) else set()
        replaced = {_RARELY_AMBIGUOUS: _AMBIGUOUS, _NOT_RARE: max(commonest, 0)}
        kinds = Counter[tuple[str, int]]()
        shown: dict[int, str] = {}
        for (form, kind), times in counted.items():
            if kind >= _AMBIGUOUS or kind in counts:
                kinds[form, replaced.get(kind, kind)] += times
                shown.setdefault(replaced.get(kind, kind), examples[kind])
        return kinds, shown


def _count(column: Column, cleaned: pl.LazyFrame) -> pl.LazyFrame:
    """Return how often the column has values of each form and kind, with an example of them."""
    text = pl.col("text")
    different = cleaned.group_by(pl.col(text_name(column)).alias("text")).len("times").filter(text.is_not_null())
    form = column.widget.get_form(text).fill_null("").alias("form")
    counted = _classify(column, different.with_columns(form)).drop_nulls("kind")
    return counted.group_by("form", "kind").agg(pl.col("times").sum(), text.min()).sort("form", "kind")


def _classify(column: Column, texts: pl.LazyFrame) -> pl.LazyFrame:
    """Add the place of the only notation that reads each text, as `kind`.

    It is negative if notations read a text differently, and null if all read it alike. Of texts that none reads, it
    is the only notation that they show.
    """
    notations = column.widget.notations
    values = [f"value {place}" for place in range(len(notations))]
    rare = f"value {len(notations)}"
    for value, notation in zip([*values, rare], column.widget.all_notations, strict=False):
        texts = read_valid(column, texts, notation, value)
    is_read = [pl.col(value).is_not_null() for value in values]
    count = pl.sum_horizontal(each.cast(pl.Int8) for each in is_read)
    first = pl.coalesce(pl.when(each).then(place) for place, each in enumerate(is_read))
    differs = pl.any_horizontal(pl.col(value) != pl.col(values[0]) for value in values[1:])
    shown = [column.widget.shows_notation(pl.col("text"), notation) for notation in notations]
    is_shown_once = pl.sum_horizontal(each.cast(pl.Int8) for each in shown) == 1
    first_shown = pl.coalesce(pl.when(each).then(place) for place, each in enumerate(shown))
    has_rare = column.widget.rare_notation is not None
    is_rare, read_usual = (pl.col(rare).is_not_null() if has_rare else pl.lit(value=False)), pl.coalesce(values)
    differs_rarely = is_rare & (pl.col(rare) != read_usual) if has_rare else is_rare
    return texts.with_columns(
        pl.when((count == 0) & is_rare)
        .then(len(notations))
        .when((count == 1) & ~differs_rarely)
        .then(first)
        .when((count == 1) | ((count > 1) & differs))
        .then(_AMBIGUOUS)
        .when((count > 1) & differs_rarely)
        .then(_RARELY_AMBIGUOUS)
        .when((count > 1) & ~is_rare & has_rare)
        .then(_NOT_RARE)
        .when((count == 0) & is_shown_once)
        .then(first_shown)
        .alias("kind")
    )
