"""The reported trackers that need a decision which model they mean, and those that staff resolved."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from healthtrack.core.replicas.routing import reading
from patients.models import MedicalRecord
from trackers.models import MissingModel, TrackerAlias, TrackerModel
from trackers.names import find_models_by_name, find_similar_models

PAGE_SIZE = 25
MAX_NAMES_COUNTED = 2000
Named = TypeVar("Named", TrackerAlias, MissingModel)


class Match(StrEnum):
    """Whether a tracker name matches a model. The values are parameters of the page's address."""

    UNMATCHED = "unmatched"
    AMBIGUOUS = "ambiguous"
    RESOLVED = "resolved"
    NOT_IN_CATALOGUE = "missing"


@dataclass(frozen=True)
class TrackerName:
    """A reported tracker, and the number of patients who report it in any letter case.

    `choices` are the models that a person may choose from: those of this name, or the most similar ones if
    `is_in_catalogue` is false. `missing` is what staff decided about a name that the catalogue lacks.
    """

    name: str
    patients: int
    choices: Sequence[TrackerModel] = ()
    alias: TrackerAlias | None = None
    missing: MissingModel | None = None
    is_in_catalogue: bool = True


@dataclass(frozen=True)
class NamePage:
    """The tracker names on one page of a table, with the page itself."""

    names: Sequence[TrackerName]
    page: Page[int]


# Grouping by the exact spelling first leaves few texts to put in lower case.
_NAMES = """
WITH spellings AS (
    SELECT tracker, count(*) AS patients FROM medical_records WHERE tracker <> '' GROUP BY tracker
), reported AS (
    SELECT lower(tracker) AS name, (array_agg(tracker ORDER BY patients DESC, tracker))[1] AS spelling,
           sum(patients)::bigint AS patients
      FROM spellings GROUP BY lower(tracker)
), matches AS (
    SELECT name, count(DISTINCT brand) AS brands FROM tracker_model_names GROUP BY name
), alias AS (
    SELECT lower(name) AS name, name AS spelling, alias_id FROM tracker_aliases
), missing AS (
    SELECT lower(name) AS name, name AS spelling, missing_id, decision FROM missing_models
), names AS (
    SELECT CASE WHEN alias_id IS NOT NULL THEN %(resolved)s
                WHEN brands IS NOT NULL THEN %(ambiguous)s
                WHEN decision = 'dismissed' THEN %(not_in_catalogue)s ELSE %(unmatched)s END AS match,
           coalesce(alias.spelling, reported.spelling, missing.spelling) AS name, coalesce(patients, 0) AS patients,
           alias_id, missing_id
      FROM reported FULL JOIN alias USING (name) FULL JOIN missing USING (name) LEFT JOIN matches USING (name)
     WHERE (alias_id IS NOT NULL OR brands IS NULL OR brands > 1 AND patients IS NOT NULL)
       AND name LIKE ALL (%(words)s)
), pages AS (
    SELECT names.*, count(*) OVER (PARTITION BY match) AS total,
           (row_number() OVER (PARTITION BY match ORDER BY patients DESC, name) - 1) / %(size)s + 1 AS page
      FROM names
)
SELECT match, total, name, patients, alias_id, missing_id
  FROM pages
 WHERE page = least((%(pages)s::jsonb ->> match)::bigint, (total - 1) / %(size)s + 1)
 ORDER BY patients DESC, name
"""


# Goes through the index from one name to the next; counting would read every record. It stops at a limit, beyond which
# nobody needs the exact number.
_COUNT_UNRESOLVED = """
WITH RECURSIVE walk AS (
    (SELECT lower(tracker) AS name FROM medical_records WHERE tracker <> '' ORDER BY lower(tracker) LIMIT 1)
    UNION ALL
    SELECT (SELECT lower(tracker) FROM medical_records
             WHERE tracker <> '' AND lower(tracker) > walk.name ORDER BY lower(tracker) LIMIT 1)
      FROM walk WHERE walk.name IS NOT NULL
), reported AS (
    SELECT name FROM walk WHERE name IS NOT NULL LIMIT %(limit)s
), matches AS (
    SELECT name, count(DISTINCT brand) AS brands FROM tracker_model_names GROUP BY name
)
SELECT count(*) FILTER (WHERE brands IS NULL AND NOT is_dismissed), count(*) FILTER (WHERE brands > 1),
       count(*) = %(limit)s
  FROM reported LEFT JOIN matches USING (name),
       LATERAL (SELECT EXISTS (SELECT FROM missing_models AS missing
                                WHERE lower(missing.name) = reported.name AND decision = 'dismissed')
                       AS is_dismissed) AS decided
"""


# Partial indexes find the patients without a link and those with several, so that neither count reads all records.
_COUNT_PATIENTS = """
SELECT (SELECT count(*) FROM medical_records AS record
         WHERE link_count = 0 AND tracker <> ''
           AND NOT EXISTS (SELECT FROM missing_models AS missing
                            WHERE lower(missing.name) = lower(record.tracker) AND decision = 'dismissed')),
       (SELECT count(*)
          FROM (SELECT FROM medical_records JOIN medical_record_and_trackers USING (patient_id)
                            JOIN tracker_models USING (model_id)
                 WHERE link_count > 1 AND source = 'import'
                 GROUP BY patient_id HAVING min(lower(brand_name)) < max(lower(brand_name))) AS of_several_brands)
"""


class UnresolvedNames(NamedTuple):
    """The number of tracker names that need a decision; `or_more` says that counting stopped at its limit."""

    unmatched: int
    ambiguous: int
    or_more: bool


class UnresolvedPatients(NamedTuple):
    """The number of patients without a match, and of those whom an import linked to models of several brands."""

    unmatched: int
    ambiguous: int


def count_unresolved_names() -> UnresolvedNames:
    """Count the unmatched and ambiguous tracker names, up to a limit."""
    with reading().cursor() as cursor:
        cursor.execute(_COUNT_UNRESOLVED, {"limit": MAX_NAMES_COUNTED})
        return UnresolvedNames(*cursor.fetchone())


def count_unresolved_patients() -> UnresolvedPatients:
    """Count the patients whom the filters `linked=undecided` and `linked=brands` of the list of records find."""
    with reading().cursor() as cursor:
        cursor.execute(_COUNT_PATIENTS)
        return UnresolvedPatients(*cursor.fetchone())


class _Row(NamedTuple):
    match: str
    total: int
    name: str
    patients: int
    alias_id: int | None
    missing_id: int | None


def get_tracker_names(pages: Mapping[Match, int], search: str = "") -> dict[Match, NamePage]:
    """Return one page of the names of each match, most patients first.

    `pages` has the number of each page, from 1. A number beyond the last page gives the last page. With a `search`,
    the names contain all its words, in any order and letter case.
    """
    with reading().cursor() as cursor:
        states = {match.name.lower(): match.value for match in Match}
        words = [f"%{reading().ops.prep_for_like_query(word)}%" for word in search.lower().split()]
        cursor.execute(_NAMES, {"size": PAGE_SIZE, "pages": json.dumps(pages), "words": words, **states})
        rows = [_Row(*row) for row in cursor.fetchall()]
    names = _describe_rows(rows)
    found = {match: [place for place, row in enumerate(rows) if row.match == match] for match in Match}
    return {
        match: NamePage(
            [names[place] for place in places],
            Paginator(range(rows[places[0]].total if places else 0), PAGE_SIZE).get_page(pages[match]),
        )
        for match, places in found.items()
    }


def _describe_rows(rows: Sequence[_Row]) -> list[TrackerName]:
    """Return the tracker names of the rows in their order, with the models to choose from and what staff decided."""
    choices = find_models_by_name([row.name for row in rows if row.match == Match.AMBIGUOUS])
    choices |= find_similar_models([row.name for row in rows if row.match == Match.UNMATCHED])
    aliases: dict[Any, TrackerAlias] = TrackerAlias.objects.select_related("model", "created_by").in_bulk(
        [row.alias_id for row in rows if row.match == Match.RESOLVED]
    )
    missing: dict[Any, MissingModel] = MissingModel.objects.select_related("decided_by").in_bulk(
        [row.missing_id for row in rows if row.missing_id]
    )
    return [
        TrackerName(
            row.name,
            row.patients,
            choices.get(row.name, ()),
            aliases.get(row.alias_id),
            missing.get(row.missing_id),
        )
        for row in rows
    ]


def get_tracker_name(name: str) -> TrackerName:
    """Return a tracker name, even one that no patient reports, with the models to choose from."""
    models = find_models_by_name([name])[name]
    return TrackerName(
        name,
        patients=filter_by_reported_tracker(name, MedicalRecord.objects.all()).count(),
        choices=models or find_similar_models([name])[name],
        alias=_find_by_name(TrackerAlias.objects.all(), name),
        missing=None if models else find_missing_model(name),
        is_in_catalogue=bool(models),
    )


def find_missing_model(name: str) -> MissingModel | None:
    """Return the decision about a tracker name that the catalogue lacks, or None."""
    return _find_by_name(MissingModel.objects.select_related("decided_by"), name)


def filter_by_reported_tracker(name: str, records: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
    """Return the records whose reported tracker is this name, in any letter case."""
    return records.exclude(tracker="").alias(reported=Lower("tracker")).filter(reported=Lower(Value(name)))


def _find_by_name(rows: QuerySet[Named], name: str) -> Named | None:
    return rows.alias(folded=Lower("name")).filter(folded=Lower(Value(name))).first()
