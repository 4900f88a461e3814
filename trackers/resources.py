"""How the catalogue is imported and exported."""

from collections.abc import Sequence

import polars as pl
from import_export.fields import Field

from healthtrack.imports.columns.number_units import Unit
from healthtrack.imports.columns.number_widgets import DecimalWidget, WholeNumberWidget
from healthtrack.imports.columns.plan import DuplicateRows, RowRule
from healthtrack.imports.columns.widgets import TextWidget
from healthtrack.imports.tables.hooks import Effects, UndoneRows
from healthtrack.imports.tables.resources import BulkModelResource
from trackers import model_hooks
from trackers.links import LinkCounts
from trackers.models import FitnessTracker, TrackerModel

_RUPEES = ("₹", "Rs", "INR", "Rupees")
RUPEES = Unit("whole rupees", before=_RUPEES, after=_RUPEES)
DAYS = Unit("days", after=("d", "day", "days", "Tag", "Tage", "jour", "jours", "día", "días", "giorni", "dagen"))
STARS = Unit("a number out of 5", after=("/5", "/ 5", "out of 5", "out of 5 stars", "stars", "★"))
REVIEWS = Unit("the number of reviews", after=("review", "reviews", "rating", "ratings"))


def _in_rupees(name: str) -> list[str]:
    return [f"{name} ({unit})" for unit in _RUPEES]


MODEL_KNOWN_AS = {"brand_name": ["brand", "manufacturer"], "device_type": ["type"], "model_name": ["model"]}


class LinkingResource(BulkModelResource):
    """An importer whose rows link patients to tracker models."""

    def describe(self, effects: Effects) -> str:
        """Return the link counts of an import as a sentence fragment."""
        return str(LinkCounts(**effects))


class TrackerResource(LinkingResource):
    """An importer that may add tracker models, which patients are then linked to."""

    duplicate_rows = DuplicateRows.MEAN
    watched_model = TrackerModel

    def after_insert(self, keys: Sequence[int], *, dry_run: bool) -> Effects:
        counts = model_hooks.follower().count_links(keys)
        if not dry_run:
            model_hooks.announce_models(keys)
        return counts.as_effects()

    def after_undo(self, rows: UndoneRows) -> None:
        inserted = [int(key) for (key,) in rows.get_inserted(TrackerModel, "model_id")]
        model_hooks.announce_models([*inserted, *rows.get_restored_keys(TrackerModel, "model_name")])


class TrackerModelResource(TrackerResource):
    known_as = MODEL_KNOWN_AS
    examples = [
        {"brand_name": "Example Brand", "device_type": "FitnessBand", "model_name": "Example Band 1"},
        {"brand_name": "Example Brand", "device_type": "Smartwatch", "model_name": "Example Watch"},
    ]
    brand_name = Field("brand_name", "Brand Name", TextWidget())
    device_type = Field("device_type", "Device Type", TextWidget())
    model_name = Field("model_name", "Model Name", TextWidget())

    class Meta:
        model = TrackerModel
        fields = ["brand_name", "device_type", "model_name"]
        import_id_fields = ["brand_name", "device_type", "model_name"]


class FitnessTrackerResource(TrackerResource):
    """The catalogue: each row describes a variant and the model that it belongs to."""

    known_as = {
        **MODEL_KNOWN_AS,
        "color": ["colour"],
        "selling_price": ["sale price", "discounted price", *_in_rupees("selling price")],
        "original_price": ["list price", "MRP", *_in_rupees("original price")],
        "rating": ["rating", "average rating"],
        "strap_material": ["strap", "band material"],
        "average_battery_life_days": ["battery life", "battery life (days)", "average battery life"],
        "reviews": ["number of reviews", "review count"],
    }
    examples = [
        {
            "brand_name": "Example Brand",
            "device_type": "FitnessBand",
            "model_name": "Example Band 1",
            "color": "Black",
            "selling_price": "2,499",
            "original_price": "2,999",
            "display": "AMOLED Display",
            "rating": "4.1",
            "strap_material": "Silicone",
            "average_battery_life_days": "14",
            "reviews": "1,250",
        },
        {
            "brand_name": "Example Brand",
            "device_type": "Smartwatch",
            "model_name": "Example Watch",
            "color": "Silver, Leather",
            "selling_price": "12499",
            "original_price": "12499",
            "display": "AMOLED Display",
            "rating": "",
            "strap_material": "Leather",
            "average_battery_life_days": "7",
            "reviews": "",
        },
    ]
    brand_name = Field("model__brand_name", "Brand Name", TextWidget())
    device_type = Field("model__device_type", "Device Type", TextWidget())
    model_name = Field("model__model_name", "Model Name", TextWidget())
    color = Field("color", "Color", TextWidget())
    selling_price = Field("selling_price", "Selling Price", WholeNumberWidget(RUPEES))
    original_price = Field("original_price", "Original Price", WholeNumberWidget(RUPEES))
    display = Field("display", "Display", TextWidget())
    rating = Field("rating", "Rating (Out of 5)", DecimalWidget(STARS))
    strap_material = Field("strap_material", "Strap Material", TextWidget())
    average_battery_life_days = Field(
        "average_battery_life_days", "Average Battery Life (in days)", WholeNumberWidget(DAYS)
    )
    reviews = Field("reviews", "Reviews", WholeNumberWidget(REVIEWS))

    class Meta:
        model = FitnessTracker
        fields = [
            "brand_name",
            "device_type",
            "model_name",
            "color",
            "selling_price",
            "original_price",
            "display",
            "rating",
            "strap_material",
            "average_battery_life_days",
            "reviews",
        ]
        import_id_fields = ["brand_name", "device_type", "model_name", "color", "display", "strap_material"]

    def row_rules(self) -> Sequence[RowRule]:
        is_higher = pl.col("selling_price") > pl.col("original_price")
        return [RowRule("selling_price", is_higher, "Higher than the original price. Correct one of them.")]
