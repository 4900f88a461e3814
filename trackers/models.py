"""The catalogue of tracker models and variants, and the tracker names that staff resolved."""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Lower, Now

from healthtrack.audit.triggers import Subject, history, made_by_run
from healthtrack.core.database.constraints import not_blank

MAX_RATING = Decimal(5)
TRACKER_MODEL = Subject("model_id", stored_in="model_id")


class TrackerModel(models.Model):
    """A wearable as its maker sells it: one name of one brand, in however many variants.

    Saving one links it to the patients whose reported tracker names it, and removes links by its former name
    (trackers/signals.py). Bulk operations of querysets do not: an import calls `model_hooks` itself.
    """

    model_id = models.AutoField(primary_key=True, db_comment="Number of the tracker model")
    brand_name = models.CharField(max_length=100, db_comment="Brand, such as Xiaomi")
    device_type = models.CharField(max_length=50, db_comment="Type of device: Smartwatch or FitnessBand")
    model_name = models.CharField(max_length=200, db_comment="Model name, such as Band 2; brands may share one")
    made_by_run = made_by_run()

    class Meta:
        db_table = "tracker_models"
        db_table_comment = "Tracker models by brand and name; each is sold in variants (fitness_trackers)"
        ordering = ["brand_name", "model_name", "device_type"]
        permissions = [
            ("import_trackermodel", "Can import tracker models"),
            ("export_trackermodel", "Can export tracker models"),
        ]
        constraints = [
            UniqueConstraint(
                Lower("brand_name"),
                Lower("model_name"),
                Lower("device_type"),
                name="tracker_models_unique",
                violation_error_message="This brand already has a model with this name and device type.",
            ),
            not_blank("tracker_models", "brand_name"),
            not_blank("tracker_models", "model_name"),
            not_blank("tracker_models", "device_type"),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            *history(TRACKER_MODEL),
        ]

    def __str__(self) -> str:
        return f"{self.brand_name} {self.model_name}"


class FitnessTracker(models.Model):
    """A variant of a tracker model, with its prices in whole rupees."""

    tracker_id = models.AutoField(primary_key=True, db_comment="Number of the variant")
    model = models.ForeignKey(
        TrackerModel,
        on_delete=models.CASCADE,
        related_name="variants",
        db_index=False,  # fitness_trackers_unique begins with it
        db_comment="The tracker model of this variant",
    )
    color = models.CharField(
        max_length=100, blank=True, default="", db_default="", db_comment="Color, empty if unknown"
    )
    selling_price = models.PositiveIntegerField(db_comment="Selling price in whole rupees")
    original_price = models.PositiveIntegerField(db_comment="Price before any discount, in whole rupees")
    display = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        db_comment="Type of display, empty if unknown",
    )
    rating = models.DecimalField(
        max_digits=2,
        decimal_places=1,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(MAX_RATING)],
        db_comment="Customer rating from 0 to 5, with one decimal; null if not rated",
    )
    strap_material = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        db_comment="Material of the strap, empty if unknown",
    )
    average_battery_life_days = models.PositiveIntegerField(
        "average battery life in days", db_comment="Average battery life in days"
    )
    reviews = models.PositiveIntegerField(
        null=True, blank=True, db_comment="Number of customer reviews, null if unknown"
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "fitness_trackers"
        db_table_comment = "Variants of the tracker models: color, display, strap, prices, rating"
        verbose_name = "variant"
        ordering = ["model", "color", "display", "strap_material"]
        permissions = [
            ("import_fitnesstracker", "Can import variants"),
            ("export_fitnesstracker", "Can export variants"),
        ]
        constraints = [
            UniqueConstraint(
                F("model"),
                Lower("color"),
                Lower("display"),
                Lower("strap_material"),
                name="fitness_trackers_unique",
                violation_error_message="This model already has a variant with this color, display and strap.",
            ),
            CheckConstraint(
                name="fitness_trackers_price_not_raised",
                condition=Q(selling_price__lte=F("original_price")),
                violation_error_message="The selling price is higher than the original price.",
            ),
            CheckConstraint(
                name="fitness_trackers_rating_0_to_5",
                condition=Q(rating__range=(Decimal(0), MAX_RATING)),
                violation_error_message="The rating must be from 0 to 5.",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            *history(TRACKER_MODEL),
        ]

    def __str__(self) -> str:
        attributes = ", ".join(filter(None, (self.color, self.display, self.strap_material)))
        return f"{self.model}: {attributes}" if attributes else str(self.model)


class TrackerAlias(models.Model):
    """A person's decision which model a tracker name means, whatever the models are called.

    Saving or deleting one links the patients who report this tracker again (trackers/signals.py).
    """

    alias_id = models.AutoField(primary_key=True, db_comment="Number of the resolved name")
    name = models.CharField(
        "reported tracker",
        max_length=300,
        db_comment="The tracker in the patients' own words, in any letter case; it never changes",
    )
    model = models.ForeignKey(
        TrackerModel,
        on_delete=models.PROTECT,
        related_name="aliases",
        db_index=False,  # the table is small
        verbose_name="tracker model",
        db_comment="The only tracker model that the name means",
    )
    created_at = models.DateTimeField(
        "resolved at",
        db_default=Now(),
        editable=False,
        db_comment="When the name was resolved",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,  # the table is small
        verbose_name="resolved by",
        db_comment="Who resolved the name, null if unknown",
    )

    class Meta:
        db_table = "tracker_aliases"
        db_table_comment = "Tracker names that staff resolved to a tracker model: misspelled, unknown or ambiguous ones"
        verbose_name = "resolved tracker name"
        ordering = ["name"]
        constraints = [
            UniqueConstraint(
                Lower("name"),
                name="tracker_aliases_unique",
                violation_error_message="This name is already resolved.",
            ),
            not_blank("tracker_aliases", "name"),
        ]
        # Saving relinks the patients who report this name. If it changed, those of the old name would keep their links.
        triggers = [
            pgtrigger.ReadOnly(name="name_never_changes", fields=["name"]),
            *history(TRACKER_MODEL, internal=["created_at", "created_by_id"]),
        ]

    def __str__(self) -> str:
        return self.name


class MissingModel(models.Model):
    """A tracker name that the catalogue lacks, and what staff decided about it.

    The decision has no effect any more once a model has this name, or once the name is resolved.
    """

    class Decision(models.TextChoices):
        REQUESTED = "requested", "Requested for the catalogue"
        DISMISSED = "dismissed", "Not in the catalogue"

    missing_id = models.AutoField(primary_key=True, db_comment="Number of the decision")
    name = models.CharField(
        "reported tracker",
        max_length=300,
        db_comment="The tracker in the patients' own words, in any letter case",
    )
    decision = models.CharField(
        max_length=9,
        choices=Decision,
        db_comment="requested: somebody asked to add the model; dismissed: the catalogue does not get it",
    )
    decided_at = models.DateTimeField("decided at", db_default=Now(), editable=False, db_comment="When it was decided")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,  # the table is small
        verbose_name="decided by",
        db_comment="Who decided it, null if unknown",
    )

    class Meta:
        db_table = "missing_models"
        db_table_comment = "Tracker names that the catalogue lacks, and whether staff requested or dismissed the model"
        verbose_name = "missing tracker model"
        ordering = ["name"]
        default_permissions = ("view", "add", "delete")
        constraints = [
            UniqueConstraint(Lower("name"), name="missing_models_unique"),
            CheckConstraint(name="missing_models_decision_known", condition=Q(decision__in=["requested", "dismissed"])),
            not_blank("missing_models", "name"),
        ]
        triggers = history(internal=["decided_at", "decided_by_id"])

    def __str__(self) -> str:
        return self.name
