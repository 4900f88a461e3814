"""The parts of a plan that say what the words for yes, no and no value are in each column."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from healthtrack.imports.columns.checking import text_name
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.words import (
    Meaning,
    get_documented_words,
    get_unsure_words,
    get_usual_words,
    has_few_words,
    is_yes_no,
    list_meanings,
)
from healthtrack.imports.detection import names
from healthtrack.imports.detection.column_parts import ColumnParts
from healthtrack.imports.detection.memory import Remembered
from healthtrack.imports.detection.reasons import Why, count_values
from healthtrack.imports.reading_plans import VALUE_IN_NAME, Certainty, DetectedPart, Question
from healthtrack.imports.row_errors import show_value

MAX_UNLISTED = 8  # of the words of a column that are in no list, the commonest ones
_MAX_LENGTH = 20
_MAX_COUNTED = 200
# A word that nobody knows is a question if so many rows, and such a part of them, have it. Otherwise it is an error.
_MIN_ROWS = 5
_MIN_SHARE = 0.1


class WordCounter:
    """Counts the words of columns of few words, and the usual words for no value in columns that may be empty."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [column for column in columns if has_few_words(column) or not column.required]
        self.counts = {column.name: Counter[str]() for column in self.columns}

    def add(self, cleaned: pl.DataFrame) -> None:
        """Count the words of a batch with cleaned texts."""
        counts = pl.collect_all([_count(column, cleaned.lazy()) for column in self.columns])
        for column, counted in zip(self.columns, counts, strict=True):
            counter = self.counts[column.name]
            counter.update(dict(counted.iter_rows()))
            self.counts[column.name] = Counter(dict(counter.most_common(_MAX_COUNTED)))


def _count(column: Column, cleaned: pl.LazyFrame) -> pl.LazyFrame:
    words = cleaned.select(pl.col(text_name(column)).str.to_lowercase().alias("word")).drop_nulls()
    if not has_few_words(column):
        words = words.filter(pl.col("word").is_in([*get_usual_words(column)]))
    return words.group_by("word").len().sort("word")


def make_word_parts(
    counter: WordCounter, found: ColumnParts, answers: Mapping[str, str], remembered: Remembered
) -> tuple[list[DetectedPart], list[Question]]:
    """Return the parts, and a question for each word that many rows have and that is in no list."""
    positions = {name: position for position, name in found.likely_fields.items()}
    parts: list[DetectedPart] = []
    questions: list[Question] = []
    for column in counter.columns:
        header = show_value(found.headers[positions[column.name]].strip())
        made = list(_make_parts(column, header, counter.counts[column.name], answers, remembered))
        parts += made
        open_parts = [part for part in made if part.certainty is Certainty.UNKNOWN]
        questions += [Question(part.name, list_meanings(column), "", part.params) for part in open_parts]
    return parts, questions


def _make_parts(
    column: Column, header: str, counts: Counter[str], answers: Mapping[str, str], remembered: Remembered
) -> Iterator[DetectedPart]:
    documented, usual = get_documented_words(column), get_usual_words(column)
    ranked = [word for word, _ in counts.most_common()]
    unsure = {word for word, others in get_unsure_words(column).items() if any(other in counts for other in others)}
    unlisted = [word for word in ranked if word not in {*documented, *usual} and len(word) <= _MAX_LENGTH]
    for word in ranked:
        if word not in {*documented, *usual, *unlisted[:MAX_UNLISTED], *unsure}:
            continue
        if word in documented and word not in unsure and not is_yes_no(column):
            continue  # F and M need no explanation
        name, params = names.word(column.name, word), {"header": header, "count": count_values(counts[word])}
        answer = answers.get(name) or answers.get(names.word("", word), "")
        earlier = remembered.answers.get(name, "")
        if answer in list_meanings(column):
            yield DetectedPart(name, answer, reason=Why.CHOSEN, params=params)
        elif earlier in list_meanings(column) and (word in unsure or earlier != documented.get(word)):
            yield remembered.make_part(name, earlier, params)
        elif word in unsure:
            yield DetectedPart(name, None, Certainty.UNKNOWN, Why.UNSURE_WORD, params)
        elif word in documented:
            yield DetectedPart(name, documented[word], reason=Why.DOCUMENTED_WORD, params=params)
        elif word in usual:
            yield DetectedPart(name, usual[word], Certainty.ASSUMED, Why.USUAL_WORD, params)
        else:
            yield _make_unlisted_part(name, counts[word], counts.total(), params)


def _make_unlisted_part(name: str, count: int, total: int, params: Mapping[str, Any]) -> DetectedPart:
    """Return the part of a word that is in no list: open if many values are this word, and otherwise an error."""
    if count >= _MIN_ROWS and count >= _MIN_SHARE * total:
        return DetectedPart(name, None, Certainty.UNKNOWN, Why.UNKNOWN_WORD, params)
    return DetectedPart(name, Meaning.AS_IT_IS, reason=Why.RARE_WORD, params={**params, VALUE_IN_NAME: True})
