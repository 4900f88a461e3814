"""Find tracker models by name, ignoring case. The view tracker_model_names says which names a model has."""

from collections import defaultdict
from collections.abc import Collection

from django.db import connection

from trackers.models import TrackerModel

LEAST_LIKENESS = 65
MOST_SUGGESTED = 3

_MODELS_NAMED = """
    SELECT reported, model_id
      FROM unnest(%s::text[]) AS reported JOIN tracker_model_names ON name = lower(reported)
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
