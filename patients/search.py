"""Search records by patient number or name; the beginning of each is enough."""

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from django.db import connection
from django.db.models import F, Q, QuerySet, Value

from healthtrack.core.admin import NUL
from patients.expressions import Matches, NamePrefixes, NameWords
from patients.models import MedicalRecord

# No name has more words, and each word costs a look-up in the index.
MAX_WORDS = 20
WORD_JOINERS = re.compile("[-'`\u2018\u2019\u02bc\u2010\u2011\u2013\u2014]")  # apostrophes and hyphens

# Few words of a name begin a patient number too. Only those need a condition over both columns, for which the database
# has to combine two indexes.
_FIND_NUMBER_PREFIXES = """
SELECT DISTINCT word
  FROM unnest(%s::text[]) AS word, unnest(ARRAY[word, upper(word), lower(word)]) AS start
 WHERE starts_with((SELECT patient_id FROM medical_records WHERE patient_id >= start COLLATE "C"
                     ORDER BY patient_id LIMIT 1), start)
"""


def search_records(text: str, records: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
    """Return the records whose number begins with the text, or that match each of its words.

    A record matches a word that begins its number or a word of its name. A text without words finds all records.
    """
    words = list(dict.fromkeys(text.replace(NUL, " ").split()))
    if not words:
        return records
    if len(words) > MAX_WORDS:
        return records.none()
    whole = " ".join(words)
    numbers = _find_number_prefixes([whole, *words])
    conditions = [_number_starts_with(whole)] if whole in numbers else []
    searchable = [word for word in words if word in numbers or any(map(str.isalnum, word))]
    if searchable:
        conditions.append(reduce(and_, (_matches(word, may_be_number=word in numbers) for word in searchable)))
    return records.filter(reduce(or_, conditions)) if conditions else records.none()


def _find_number_prefixes(words: Sequence[str]) -> set[str]:
    """Return those of the words that begin a patient number."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND_NUMBER_PREFIXES, [list(words)])
        return {word for (word,) in cursor.fetchall()}


def _matches(word: str, *, may_be_number: bool) -> Q:
    return _name_has(word) | _number_starts_with(word) if may_be_number else _name_has(word)


def _number_starts_with(start: str) -> Q:
    return reduce(or_, (Q(patient_id__startswith=spelling) for spelling in {start, start.upper(), start.lower()}))


def _name_has(word: str) -> Q:
    # Anna-Maria also finds Anna Maria, and O'Neil also finds ONeil.
    spellings = {WORD_JOINERS.sub(" ", word), WORD_JOINERS.sub("", word)}
    return reduce(or_, (Q(Matches(NameWords(F("name")), NamePrefixes(Value(spelling)))) for spelling in spellings))
