"""Match the header of a file with the columns of an importer: by name, by known synonyms, and by similarity."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from healthtrack.imports.columns.header_names import normalize_header
from healthtrack.imports.columns.plan import Column

_SIMILAR = 78  # of 100: "Date birth" is similar to "date_of_birth", "Last name" is not similar to "name"


class MatchedBy(StrEnum):
    NAME = "name"
    SYNONYM = "synonym"


@dataclass(frozen=True)
class HeaderMatch:
    """Which field each column of a file belongs to, as far as its header says it.

    `fields` and `suggestions` have the names of fields by position, and `repeated` the positions by field.
    """

    fields: dict[int, str] = field(default_factory=dict)
    matched_by: dict[int, MatchedBy] = field(default_factory=dict)
    repeated: dict[str, list[int]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    suggestions: dict[int, str] = field(default_factory=dict)


def match_header(headers: Sequence[str], columns: Sequence[Column]) -> HeaderMatch:
    """Return which field each column of the file belongs to. A name counts before a synonym."""
    match = HeaderMatch()
    positions: dict[str, list[int]] = defaultdict(list)
    for position, header in enumerate(headers):
        positions[normalize_header(header)].append(position)
    for column in columns:
        for matched_by, spellings in ((MatchedBy.NAME, column.spellings), (MatchedBy.SYNONYM, column.synonyms)):
            found = sorted(position for spelling in spellings for position in positions.get(spelling, []))
            if len(found) == 1:
                match.fields[found[0]] = column.name
                match.matched_by[found[0]] = matched_by
            elif found and matched_by is MatchedBy.NAME:
                match.repeated[column.name] = found
            if found:
                break
        if column.name not in {*match.fields.values(), *match.repeated}:
            match.missing.append(column.name)
    _suggest(match, headers, columns)
    return match


def count_matches(headers: Sequence[str], columns: Sequence[Column]) -> int:
    """Return how many of the columns a header names."""
    normalized = {normalize_header(header) for header in headers}
    return sum(1 for column in columns if normalized & (column.spellings | column.synonyms))


def _suggest(match: HeaderMatch, headers: Sequence[str], columns: Sequence[Column]) -> None:
    """Suggest a missing field for each header that belongs to none and is similar to a name or synonym."""
    if not match.missing:
        return
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (most files name all columns)

    choices = {
        spelling: column.name
        for column in columns
        if column.name in match.missing
        for spelling in (column.header, *column.known_as)
    }
    for position, header in enumerate(headers):
        if position in match.fields or not header.strip():
            continue
        best = process.extractOne(header, list(choices), processor=_as_words, scorer=fuzz.token_sort_ratio)
        if best and best[1] >= _SIMILAR and choices[best[0]] not in match.suggestions.values():
            match.suggestions[position] = choices[best[0]]


def _as_words(header: str) -> str:
    return header.replace("_", " ").replace("-", " ").lower()
