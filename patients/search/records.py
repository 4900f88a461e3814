"""Search records by patient number, name or date of birth; the beginning of a number or word is enough."""

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from django.db.models import F, Q, QuerySet, Value

from healthtrack.core.admin import NUL
from healthtrack.core.replicas.routing import reading
from patients.expressions import LenientQuery, Matches, NamePrefixes, NameWords
from patients.models import MedicalRecord
from patients.search.birth_dates import split_birth_dates
from patients.search.typing_errors import make_lenient_query

# No name has more words, and each word costs a look-up in the index.
MAX_WORDS = 20
MAX_FORMER_NUMBERS = 100
WORD_JOINERS = re.compile("[-'`\u2018\u2019\u02bc\u2010\u2011\u2013\u2014]")  # apostrophes and hyphens

# Few words of a name begin a patient number too. Only those need a condition over both columns, for which the database
# has to combine two indexes. The same query finds the records into which records with such a number were merged.
_FIND_NUMBERS = """
WITH starts AS (
    SELECT word, start FROM unnest(%(words)s::text[]) AS word, unnest(ARRAY[word, upper(word), lower(word)]) AS start
)
SELECT DISTINCT word, NULL FROM starts
 WHERE starts_with((SELECT patient_id FROM medical_records WHERE patient_id >= start COLLATE "C"
                     ORDER BY patient_id LIMIT 1), start)
 UNION ALL
(SELECT NULL, patient_id FROM starts JOIN former_patient_numbers ON starts_with(number, start)
  WHERE word = %(whole)s LIMIT %(limit)s)
"""


def search_records(text: str, records: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
    """Return the records whose number or former number begins with the text, or that match each of its words.

    A record matches a word that begins its number or a word of its name. A text without words finds all records. A date
    in the text is the date of birth.
    """
    whole = _clean(text)
    if not whole:
        return records
    dates, rest = split_birth_dates(whole)
    words = list(dict.fromkeys(rest.split()))
    if len(words) > MAX_WORDS:
        return records.none()
    numbers, merged = _find_numbers(whole, words)
    conditions = [_number_starts_with(whole)] if whole in numbers else []
    searchable = [word for word in words if word in numbers or any(map(str.isalnum, word))]
    named = reduce(and_, (_matches(word, may_be_number=word in numbers) for word in searchable), Q())
    if dates and not (whole in numbers and whole.isdigit()):
        conditions.append(named & Q(date_of_birth__in=dates))
    elif searchable:
        conditions.append(named)
    if merged:
        conditions.append(Q(pk__in=merged))
    return records.filter(reduce(or_, conditions)) if conditions else records.none()


def search_with_one_error(text: str, records: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
    """Return the records whose names match the words but for one typing error in one of them; dates must be right."""
    dates, rest = split_birth_dates(_clean(text))
    words = [word for word in WORD_JOINERS.sub("", rest).split() if any(map(str.isalpha, word))]
    query = make_lenient_query(words)
    if not query:
        return records.none()
    found = records.filter(Matches(NameWords(F("name")), LenientQuery(Value(query))))
    return found.filter(date_of_birth__in=dates) if dates else found


def _clean(text: str) -> str:
    return " ".join(text.replace(NUL, " ").split())


def _find_numbers(whole: str, words: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the texts that begin a patient number, and the records whose former number begins with the whole text."""
    with reading().cursor() as cursor:
        cursor.execute(_FIND_NUMBERS, {"words": [whole, *words], "whole": whole, "limit": MAX_FORMER_NUMBERS})
        found = cursor.fetchall()
    return {word for word, _ in found if word}, {number for _, number in found if number}


def _matches(word: str, *, may_be_number: bool) -> Q:
    return _name_has(word) | _number_starts_with(word) if may_be_number else _name_has(word)


def _number_starts_with(start: str) -> Q:
    return reduce(or_, (Q(patient_id__startswith=spelling) for spelling in {start, start.upper(), start.lower()}))


def _name_has(word: str) -> Q:
    # Anna-Maria also finds Anna Maria, and O'Neil also finds ONeil.
    spellings = {WORD_JOINERS.sub(" ", word), WORD_JOINERS.sub("", word)}
    return reduce(or_, (Q(Matches(NameWords(F("name")), NamePrefixes(Value(spelling)))) for spelling in spellings))
