"""The stated trackers that wait for a person's decision which model they name, and those that were settled."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from patients.models import MedicalRecord
from trackers.models import TrackerAlias, TrackerModel
from trackers.names import models_named, models_of_like_names

NAMES_A_PAGE = 25
MOST_NAMES_WALKED = 2000


class Kind(StrEnum):
    UNKNOWN = "unknown"
    SHARED = "shared"
    SETTLED = "settled"


@dataclass(frozen=True)
class StatedName:
    """A stated tracker, and how many patients state it in whatever letter case."""

    name: str
    patients: int
    choices: Sequence[TrackerModel] = ()
    alias: TrackerAlias | None = None
    known: bool = True  # the choices are the models that it names, and not only the closest


@dataclass(frozen=True)
class NamesOfKind:
    """The names of a page, of which there may be several."""

    names: Sequence[StatedName]
    page: Page[int]


# Grouped as they are spelt first: that leaves few texts to fold.
_NAMES = """
WITH spelt AS (
    SELECT tracker, count(*) AS patients FROM medical_records WHERE tracker <> '' GROUP BY tracker
), stated AS (
    SELECT lower(tracker) AS name, (array_agg(tracker ORDER BY patients DESC, tracker))[1] AS spelling,
           sum(patients)::bigint AS patients
      FROM spelt GROUP BY lower(tracker)
), answers AS (
    SELECT name, count(DISTINCT brand) AS brands FROM tracker_model_names GROUP BY name
), names AS (
    SELECT CASE WHEN alias_id IS NOT NULL THEN %(settled)s
                WHEN brands IS NULL THEN %(unknown)s ELSE %(shared)s END AS kind,
           coalesce(alias.spelling, stated.spelling) AS name, coalesce(patients, 0) AS patients, alias_id
      FROM stated
      FULL JOIN (SELECT lower(name) AS name, name AS spelling, alias_id FROM tracker_aliases) AS alias USING (name)
      LEFT JOIN answers USING (name)
     WHERE alias_id IS NOT NULL OR brands IS NULL OR brands > 1
), pages AS (
    SELECT names.*, count(*) OVER (PARTITION BY kind) AS total,
           (row_number() OVER (PARTITION BY kind ORDER BY patients DESC, name) - 1) / %(size)s + 1 AS page
      FROM names
)
SELECT kind, total, name, patients, alias_id
  FROM pages
 WHERE page = least((%(asked)s::jsonb ->> kind)::bigint, (total - 1) / %(size)s + 1)
 ORDER BY patients DESC, name
"""


# Walks the index from one name to the next, where counting would read every record. It ends at some length, for then
# there are more names than anybody needs to know the number of.
_TO_SETTLE = """
WITH RECURSIVE walk AS (
    (SELECT lower(tracker) AS name FROM medical_records WHERE tracker <> '' ORDER BY lower(tracker) LIMIT 1)
    UNION ALL
    SELECT (SELECT lower(tracker) FROM medical_records
             WHERE tracker <> '' AND lower(tracker) > walk.name ORDER BY lower(tracker) LIMIT 1)
      FROM walk WHERE walk.name IS NOT NULL
), stated AS (
    SELECT name FROM walk WHERE name IS NOT NULL LIMIT %(most)s
), answers AS (
    SELECT name, count(DISTINCT brand) AS brands FROM tracker_model_names GROUP BY name
)
SELECT count(*) FILTER (WHERE brands IS DISTINCT FROM 1), count(*) = %(most)s FROM stated LEFT JOIN answers USING (name)
"""


class ToSettle(NamedTuple):
    names: int
    or_more: bool


def names_to_settle() -> ToSettle:
    """How many stated trackers no model answers to, or models of several brands."""
    with connection.cursor() as cursor:
        cursor.execute(_TO_SETTLE, {"most": MOST_NAMES_WALKED})
        return ToSettle(*cursor.fetchone())


class _Row(NamedTuple):
    kind: str
    total: int
    name: str
    patients: int
    alias_id: int | None


def stated_names(asked: Mapping[Kind, int]) -> dict[Kind, NamesOfKind]:
    """The names to settle and those settled, most patients first: of each kind the page asked for, or the last."""
    with connection.cursor() as cursor:
        kinds = {kind.value: kind.value for kind in Kind}
        cursor.execute(_NAMES, {"size": NAMES_A_PAGE, "asked": json.dumps(asked), **kinds})
        rows = [_Row(*row) for row in cursor.fetchall()]
    of_kind = {kind: [row for row in rows if row.kind == kind] for kind in Kind}
    choices = models_named([row.name for row in of_kind[Kind.SHARED]])
    choices |= models_of_like_names([row.name for row in of_kind[Kind.UNKNOWN]])
    aliases: dict[Any, TrackerAlias] = TrackerAlias.objects.select_related("model", "created_by").in_bulk(
        [row.alias_id for row in of_kind[Kind.SETTLED]]
    )
    return {
        kind: NamesOfKind(
            [StatedName(row.name, row.patients, choices.get(row.name, ()), aliases.get(row.alias_id)) for row in found],
            Paginator(range(found[0].total if found else 0), NAMES_A_PAGE).get_page(asked[kind]),
        )
        for kind, found in of_kind.items()
    }


def stated_name(name: str) -> StatedName:
    named = models_named([name])[name]
    return StatedName(
        name,
        patients=stating(name, MedicalRecord.objects.all()).count(),
        choices=named or models_of_like_names([name])[name],
        alias=TrackerAlias.objects.alias(folded=Lower("name")).filter(folded=Lower(Value(name))).first(),
        known=bool(named),
    )


def stating(name: str, records: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
    return records.exclude(tracker="").alias(stated=Lower("tracker")).filter(stated=Lower(Value(name)))
