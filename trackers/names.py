"""The names that a tracker model answers to, without regard to case: its model name, and brand and model name.

A name that staff settled (tracker_aliases) is the name of the model that they chose, and of no other.
"""

from collections import defaultdict
from collections.abc import Collection

from django.db import connection

from healthtrack.imports.results import LinkCounts
from trackers.models import TrackerModel

LEAST_LIKENESS = 65
MOST_SUGGESTED = 3

NAMES_SQL = """
    SELECT name, model_id, brand
      FROM (SELECT lower(model_name) AS name, model_id, lower(brand_name) AS brand FROM tracker_models
            UNION
            SELECT lower(brand_name || ' ' || model_name), model_id, lower(brand_name) FROM tracker_models) AS called
     WHERE NOT EXISTS (SELECT FROM tracker_aliases AS alias WHERE lower(alias.name) = called.name)
    UNION ALL
    SELECT lower(alias.name), model_id, lower(brand_name)
      FROM tracker_aliases AS alias JOIN tracker_models USING (model_id)
"""
_MODELS_NAMED = f"""
    SELECT stated, model_id FROM unnest(%s::text[]) AS stated JOIN ({NAMES_SQL}) AS named ON name = lower(stated)
"""


def models_named(names: Collection[str]) -> dict[str, list[TrackerModel]]:
    """The models that each of the names stands for."""
    with connection.cursor() as cursor:
        cursor.execute(_MODELS_NAMED, [list(names)])
        pairs = cursor.fetchall()
    found: dict[str, list[TrackerModel]] = defaultdict(list)
    for model in TrackerModel.objects.filter(pk__in={model_id for _, model_id in pairs}):
        for name in (name for name, model_id in pairs if model_id == model.pk):
            found[name].append(model)
    return found


def models_of_like_names(names: Collection[str]) -> dict[str, list[TrackerModel]]:
    """The models whose names are the likest to each of the names, the likest first; none that is unlike."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (only this page needs the library)

    models = {model.pk: model for model in TrackerModel.objects.all()} if names else {}
    called = {(pk, True): str(model).lower() for pk, model in models.items()}
    called |= {(pk, False): model.model_name.lower() for pk, model in models.items()}
    likest = {
        name: process.extract(
            name.lower(), called, scorer=fuzz.ratio, limit=2 * MOST_SUGGESTED, score_cutoff=LEAST_LIKENESS
        )
        for name in names
    }
    return {
        name: [models[pk] for pk in dict.fromkeys(pk for _, _, (pk, _) in found)][:MOST_SUGGESTED]
        for name, found in likest.items()
    }


def describe(links: LinkCounts) -> str:
    return (
        f"{links.linked:,} patients linked by the tracker that they state, {links.ambiguous:,} of them to models of "
        f"several brands; {links.unmatched:,} patients state a tracker that no model answers to"
    )
