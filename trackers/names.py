"""Find tracker models by name, ignoring case. The view tracker_model_names says which names a model has."""

from collections import defaultdict
from collections.abc import Collection

from healthtrack.core.replicas.routing import reading
from trackers.models import TrackerModel

MIN_SIMILARITY = 65
MAX_SUGGESTIONS = 3

_FIND_MODELS = """
    SELECT reported, model_id
      FROM unnest(%s::text[]) AS reported JOIN tracker_model_names ON name = lower(reported)
"""

_COUNT_REQUESTED = """
    SELECT count(*) FROM missing_models
     WHERE decision = 'requested' AND NOT EXISTS (SELECT FROM tracker_model_names AS named
                                                   WHERE named.name = lower(missing_models.name))
"""


def find_models_by_name(names: Collection[str]) -> dict[str, list[TrackerModel]]:
    """Return the models of each name; a name without a model is missing, and gives an empty list when looked up."""
    with reading().cursor() as cursor:
        cursor.execute(_FIND_MODELS, [list(names)])
        pairs = cursor.fetchall()
    found: dict[str, list[TrackerModel]] = defaultdict(list)
    for model in TrackerModel.objects.filter(pk__in={model_id for _, model_id in pairs}):
        for name in (name for name, model_id in pairs if model_id == model.pk):
            found[name].append(model)
    return found


def find_similar_models(names: Collection[str]) -> dict[str, list[TrackerModel]]:
    """Return the models with the most similar names for each name, the most similar first; empty if none is similar."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (only this page needs the library)

    models = {model.pk: model for model in TrackerModel.objects.all()} if names else {}
    model_names = {(pk, True): str(model).lower() for pk, model in models.items()}
    model_names |= {(pk, False): model.model_name.lower() for pk, model in models.items()}
    similar = {
        name: process.extract(
            name.lower(), model_names, scorer=fuzz.ratio, limit=2 * MAX_SUGGESTIONS, score_cutoff=MIN_SIMILARITY
        )
        for name in names
    }
    return {
        name: [models[pk] for pk in dict.fromkeys(pk for _, _, (pk, _) in found)][:MAX_SUGGESTIONS]
        for name, found in similar.items()
    }


def count_requested_models() -> int:
    """Return how many tracker names were requested for the catalogue and still mean no model."""
    with reading().cursor() as cursor:
        cursor.execute(_COUNT_REQUESTED)
        return int(cursor.fetchone()[0])


def split_brand(name: str) -> tuple[str, str]:
    """Return the brand that a tracker name begins with, as the catalogue spells it, and the rest of the name.

    The brand is empty if the name begins with none.
    """
    brands = TrackerModel.objects.order_by().values_list("brand_name", flat=True).distinct()
    found = [brand for brand in brands if name.lower().startswith(f"{brand.lower()} ")]
    brand = max(found, key=len, default="")
    return brand, name[len(brand) :].strip()
