"""The conditions and allergies that records have, most frequent first, to suggest when somebody types one."""

from typing import Any

from django.core.cache import caches
from django.db import connection

MAX_SUGGESTED = 200
MAX_SAMPLED_ROWS = 50_000
_SECONDS = 600

# A large table is sampled: a term is missing only if few patients have it. Texts are counted before they are split,
# because there are far fewer of them than patients.
_TERMS = r"""
WITH texts AS (
    SELECT {column} AS text, count(*) AS patients
      FROM medical_records TABLESAMPLE SYSTEM (
           (SELECT 100 * least(1, %(rows)s / greatest(reltuples, 1))
              FROM pg_class WHERE oid = 'medical_records'::regclass))
     WHERE {column} <> ''
     GROUP BY 1
), terms AS (
    SELECT term, sum(patients) AS patients FROM texts, regexp_split_to_table(text, '\s*,\s*') AS term
     WHERE term <> ''
     GROUP BY 1
)
SELECT (array_agg(term ORDER BY patients DESC, term))[1] FROM terms
 GROUP BY lower(term) ORDER BY sum(patients) DESC, 1 LIMIT %(limit)s
"""


def list_conditions() -> list[str]:
    """Return the conditions of patients in their most frequent spellings, at most ten minutes old."""
    return _list_terms("medical_conditions")


def list_allergies() -> list[str]:
    """Return the allergies of patients in their most frequent spellings, at most ten minutes old."""
    return _list_terms("allergies")


def _list_terms(column: str) -> list[str]:
    # They may name patients, so they are stored where only this process can read them.
    terms: Any = caches["reports"].get_or_set(f"terms:{column}", lambda: _count_terms(column), _SECONDS)
    return list(terms)


def _count_terms(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TERMS.format(column=column), {"rows": MAX_SAMPLED_ROWS, "limit": MAX_SUGGESTED})
        return [term for (term,) in cursor.fetchall()]
