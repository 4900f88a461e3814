"""Search for names with one typing error: a letter too many, too few, wrong, or changed places with the next one.

No list of known words is needed: the index of the words of names says which spellings that are one error away exist.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from healthtrack.core.database.planner_settings import planner_settings
from healthtrack.core.replicas.routing import reading

MIN_LETTERS = 4  # in shorter words one error leaves too little
MIN_LETTERS_OF_BEGINNING = 5  # of a word that may go on
MAX_WORDS = 5
MAX_LETTERS = 20
# As name_words() folds them: without accents and in lower case.
_ALPHABETS = (ascii_lowercase, "αβγδεζηθικλμνξοπρσςτυφχψω", "абвгдежзиклмнопрстуфхцчшщъыьэюя")
_FOLD = """
SELECT coalesce(tsvector_to_array(name_words(word)), '{}') FROM unnest(%s::text[]) WITH ORDINALITY AS _(word, place)
 ORDER BY place
"""
# A look-up in the index for each spelling. The time of a query with all of them grows with the square of their number.
_EXIST = """
SELECT spelling FROM unnest(%s::text[]) AS spelling
 WHERE (SELECT true FROM medical_records WHERE name_words(name) @@ spelling::tsquery LIMIT 1)
"""


def make_lenient_query(words: Sequence[str]) -> str:
    """Return a query of PostgreSQL's text search for names that match the words but for one error; empty if none does.

    The words are those that somebody typed, in their order, without hyphens and apostrophes.
    """
    if not 0 < len(words) <= MAX_WORDS:
        return ""
    with reading().cursor() as cursor:
        cursor.execute(_FOLD, [list(words)])
        folded = [word for (found,) in cursor.fetchall() for word in found]
        corrections = list(_correct(folded))
        spellings = sorted({spelling for correction in corrections for spelling in correction.spellings})
        # The planner believes that any spelling is in one name of 200, and would read the table to find the first one.
        with planner_settings(reading(), enable_seqscan="off"):
            cursor.execute(_EXIST, [spellings])
        existing = {spelling for (spelling,) in cursor.fetchall()}
    return " | ".join(filter(None, (correction.as_query(existing) for correction in corrections)))


@dataclass(frozen=True)
class _Correction:
    """What may be meant instead of one word or two, and the other words."""

    others: Sequence[str]
    spellings: Sequence[str]

    def as_query(self, existing: Container[str]) -> str:
        found = [spelling for spelling in self.spellings if spelling in existing]
        return _all([*map(_beginning, self.others), _any(found)]) if found else ""


def _correct(words: Sequence[str]) -> Iterator[_Correction]:
    for place, word in enumerate(words):
        before, after = words[:place], words[place + 1 :]
        if MIN_LETTERS <= len(word) <= MAX_LETTERS:
            yield _Correction([*before, *after], list(_spellings(word)))
        if after:  # a space too many
            yield _Correction([*before, *after[1:]], [_beginning(word + after[0])])


def _spellings(word: str) -> Iterator[str]:
    """Yield the word with each possible error corrected, as parts of a query."""
    letters = next((alphabet for alphabet in _ALPHABETS if set(word) & set(alphabet)), "".join(set(word)))
    pairs = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    corrected = {start + rest[1:] for start, rest in pairs if rest}
    corrected |= {start + rest[1] + rest[0] + rest[2:] for start, rest in pairs if len(rest) > 1}
    corrected |= {start + letter + rest for start, rest in pairs for letter in letters}
    corrected |= {start + letter + rest[1:] for start, rest in pairs if rest for letter in letters}
    begins = len(word) >= MIN_LETTERS_OF_BEGINNING
    yield from (_beginning(spelling) if begins else _quote(spelling) for spelling in sorted(corrected - {word}))
    yield from (
        _all([_quote(start), _beginning(rest)]) for start, rest in pairs if start and rest
    )  # a space is missing


def _all(parts: Iterable[str]) -> str:
    return f"({' & '.join(parts)})"


def _any(parts: Iterable[str]) -> str:
    return f"({' | '.join(parts)})"


def _beginning(word: str) -> str:
    return f"{_quote(word)}:*"


def _quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
