from collections.abc import Sequence
from typing import Any

import polars as pl
from import_export.fields import Field

from healthtrack.imports.plan import RepeatedRows, RowRule
from healthtrack.imports.progress import Progress
from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import LinkCounts
from healthtrack.imports.staging import StagedRows
from healthtrack.imports.undo.engine import Undo
from healthtrack.imports.widgets import DecimalWidget, TextWidget, WholeNumberWidget
from trackers.models import FitnessTracker, TrackerModel
from trackers.names import describe
from trackers.signals import models_imported


class TrackerResource(SetResource):
    repeated_rows = RepeatedRows.MEAN

    def after_undo(self, undo: Undo) -> None:
        _linked(undo.came_back(TrackerModel, "model_name"), dry_run=False)

    def describe(self, links: LinkCounts) -> str:
        return describe(links)


class TrackerModelResource(TrackerResource):
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

    def preview(self, rows: StagedRows) -> LinkCounts:
        rows.take_turn()
        rows.insert_new()
        return _linked(rows.inserted_keys(), dry_run=True)

    def apply(self, rows: StagedRows, progress: Progress) -> LinkCounts:
        progress.advance(rows.insert_new())
        return _linked(rows.inserted_keys(), dry_run=False)


class FitnessTrackerResource(TrackerResource):
    """The catalogue: a row describes a variant and names the model that it is one of."""

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
    selling_price = Field("selling_price", "Selling Price", WholeNumberWidget())
    original_price = Field("original_price", "Original Price", WholeNumberWidget())
    display = Field("display", "Display", TextWidget())
    rating = Field("rating", "Rating (Out of 5)", DecimalWidget())
    strap_material = Field("strap_material", "Strap Material", TextWidget())
    average_battery_life_days = Field(
        "average_battery_life_days", "Average Battery Life (in days)", WholeNumberWidget()
    )
    reviews = Field("reviews", "Reviews", WholeNumberWidget())

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
        raised = pl.col("selling_price") > pl.col("original_price")
        return [RowRule("selling_price", raised, "is above the original price; correct one of them")]

    def preview(self, rows: StagedRows) -> LinkCounts:
        rows.take_turn()
        return _linked(rows.insert_parents(), dry_run=True)

    def apply(self, rows: StagedRows, progress: Progress) -> LinkCounts:
        links = _linked(rows.insert_parents(), dry_run=False)
        progress.advance(rows.insert_new())
        progress.advance(rows.update_changed())
        return links


def _linked(model_ids: Sequence[int], *, dry_run: bool) -> LinkCounts:
    """Tells those whom new models concern; nobody counts the same patients twice, for one receiver links them."""
    answers: list[tuple[Any, Any]] = models_imported.send(TrackerModel, primary_keys=model_ids, dry_run=dry_run)
    return next((counts for _, counts in answers), LinkCounts())
