"""The search of the list of records: by patient number or name, from the first letters on."""

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from django.db import connection
from django.db.models import F, Q, QuerySet, Value

from healthtrack.core.admin import NUL
from patients.expressions import Matches, NamePrefixes, NameWords
from patients.models import MedicalRecord

# More than a name or a number holds; each costs a look into the index.
MOST_WORDS = 20
PARTING = re.compile("[-'`\u2018\u2019\u02bc\u2010\u2011\u2013\u2014]")  # apostrophes and hyphens

# Most words of a name begin no patient's number: without the question, none of them could be found in one index.
_BEGINNING_NUMBERS = """
SELECT DISTINCT asked
  FROM unnest(%s::text[]) AS asked, unnest(ARRAY[asked, upper(asked), lower(asked)]) AS start
 WHERE starts_with((SELECT patient_id FROM medical_records WHERE patient_id >= start COLLATE "C"
                     ORDER BY patient_id LIMIT 1), start)
"""


def found_by(text: str, records: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
    """Those whose number begins with the text, or whose number or name has a word beginning with each of its words."""
    words = list(dict.fromkeys(text.replace(NUL, " ").split()))
    if not words:
        return records
    if len(words) > MOST_WORDS:
        return records.none()
    whole = " ".join(words)
    numbers = _beginning_numbers([whole, *words])
    ways = [_numbered(whole)] if whole in numbers else []
    telling = [word for word in words if word in numbers or any(map(str.isalnum, word))]
    if telling:
        ways.append(
            reduce(and_, (_named(word) | _numbered(word) if word in numbers else _named(word) for word in telling))
        )
    return records.filter(reduce(or_, ways)) if ways else records.none()


def _beginning_numbers(words: Sequence[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_BEGINNING_NUMBERS, [list(words)])
        return {word for (word,) in cursor.fetchall()}


def _numbered(start: str) -> Q:
    return reduce(or_, (Q(patient_id__startswith=spelling) for spelling in {start, start.upper(), start.lower()}))


def _named(word: str) -> Q:
    """Anna-Maria is Anna Maria too, and O'Neil is ONeil."""
    spellings = {PARTING.sub(" ", word), PARTING.sub("", word)}
    return reduce(or_, (Q(Matches(NameWords(F("name")), NamePrefixes(Value(spelling)))) for spelling in spellings))
