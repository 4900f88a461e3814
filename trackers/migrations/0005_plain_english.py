import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


# Written out, because AlterField would also set each column's type again: with a lock, and impossible under a view.
COMMENTS = """
    COMMENT ON COLUMN fitness_trackers.average_battery_life_days IS 'Average battery life in days';
    COMMENT ON COLUMN fitness_trackers.color IS 'Color, empty if unknown';
    COMMENT ON COLUMN fitness_trackers.display IS 'Type of display, empty if unknown';
    COMMENT ON COLUMN fitness_trackers.model_id IS 'The tracker model of this variant';
    COMMENT ON COLUMN fitness_trackers.rating IS 'Customer rating from 0 to 5, with one decimal; null if not rated';
    COMMENT ON COLUMN fitness_trackers.reviews IS 'Number of customer reviews, null if unknown';
    COMMENT ON COLUMN fitness_trackers.selling_price IS 'Selling price in whole rupees';
    COMMENT ON COLUMN fitness_trackers.strap_material IS 'Material of the strap, empty if unknown';
    COMMENT ON COLUMN tracker_aliases.alias_id IS 'Number of the resolved name';
    COMMENT ON COLUMN tracker_aliases.created_at IS 'When the name was resolved';
    COMMENT ON COLUMN tracker_aliases.created_by_id IS 'Who resolved the name, null if unknown';
    COMMENT ON COLUMN tracker_aliases.model_id IS 'The only tracker model that the name means';
    COMMENT ON COLUMN tracker_aliases.name IS 'The tracker in the patients'' own words, in any letter case; it never changes';
    COMMENT ON COLUMN tracker_models.brand_name IS 'Brand, such as Xiaomi';
    COMMENT ON COLUMN tracker_models.device_type IS 'Type of device: Smartwatch or FitnessBand';
    COMMENT ON COLUMN tracker_models.model_name IS 'Model name, such as Band 2; brands may share one';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("trackers", "0004_tracker_model_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="trackeralias",
            options={"ordering": ["name"], "verbose_name": "resolved tracker name"},
        ),
        migrations.AlterModelTableComment(
            name="trackeralias",
            table_comment="Tracker names that staff resolved to a tracker model: misspelled, unknown or ambiguous ones",
        ),
        migrations.AlterModelTableComment(
            name="trackermodel",
            table_comment="Tracker models by brand and name; each is sold in variants (fitness_trackers)",
        ),
        migrations.AlterConstraint(
            model_name="fitnesstracker",
            name="fitness_trackers_unique",
            constraint=models.UniqueConstraint(
                models.F("model"),
                django.db.models.functions.text.Lower("color"),
                django.db.models.functions.text.Lower("display"),
                django.db.models.functions.text.Lower("strap_material"),
                name="fitness_trackers_unique",
                violation_error_message="This model already has a variant with this color, display and strap.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="fitnesstracker",
            name="fitness_trackers_price_not_raised",
            constraint=models.CheckConstraint(
                condition=models.Q(("selling_price__lte", models.F("original_price"))),
                name="fitness_trackers_price_not_raised",
                violation_error_message="The selling price is higher than the original price.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="fitnesstracker",
            name="fitness_trackers_rating_0_to_5",
            constraint=models.CheckConstraint(
                condition=models.Q(("rating__range", (Decimal("0"), Decimal("5")))),
                name="fitness_trackers_rating_0_to_5",
                violation_error_message="The rating must be from 0 to 5.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="trackeralias",
            name="tracker_aliases_unique",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"),
                name="tracker_aliases_unique",
                violation_error_message="This name is already resolved.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="trackermodel",
            name="tracker_models_unique",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("brand_name"),
                django.db.models.functions.text.Lower("model_name"),
                django.db.models.functions.text.Lower("device_type"),
                name="tracker_models_unique",
                violation_error_message="This brand already has a model with this name and device type.",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COMMENTS, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="average_battery_life_days",
                    field=models.PositiveIntegerField(
                        db_comment="Average battery life in days", verbose_name="average battery life in days"
                    ),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="color",
                    field=models.CharField(
                        blank=True, db_comment="Color, empty if unknown", db_default="", default="", max_length=100
                    ),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="display",
                    field=models.CharField(
                        blank=True,
                        db_comment="Type of display, empty if unknown",
                        db_default="",
                        default="",
                        max_length=100,
                    ),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="model",
                    field=models.ForeignKey(
                        db_comment="The tracker model of this variant",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="variants",
                        to="trackers.trackermodel",
                    ),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="rating",
                    field=models.DecimalField(
                        blank=True,
                        db_comment="Customer rating from 0 to 5, with one decimal; null if not rated",
                        decimal_places=1,
                        max_digits=2,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0")),
                            django.core.validators.MaxValueValidator(Decimal("5")),
                        ],
                    ),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="reviews",
                    field=models.PositiveIntegerField(
                        blank=True, db_comment="Number of customer reviews, null if unknown", null=True
                    ),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="selling_price",
                    field=models.PositiveIntegerField(db_comment="Selling price in whole rupees"),
                ),
                migrations.AlterField(
                    model_name="fitnesstracker",
                    name="strap_material",
                    field=models.CharField(
                        blank=True,
                        db_comment="Material of the strap, empty if unknown",
                        db_default="",
                        default="",
                        max_length=100,
                    ),
                ),
                migrations.AlterField(
                    model_name="trackeralias",
                    name="alias_id",
                    field=models.AutoField(db_comment="Number of the resolved name", primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name="trackeralias",
                    name="created_at",
                    field=models.DateTimeField(
                        db_comment="When the name was resolved",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="resolved at",
                    ),
                ),
                migrations.AlterField(
                    model_name="trackeralias",
                    name="created_by",
                    field=models.ForeignKey(
                        db_comment="Who resolved the name, null if unknown",
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="resolved by",
                    ),
                ),
                migrations.AlterField(
                    model_name="trackeralias",
                    name="model",
                    field=models.ForeignKey(
                        db_comment="The only tracker model that the name means",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="aliases",
                        to="trackers.trackermodel",
                        verbose_name="tracker model",
                    ),
                ),
                migrations.AlterField(
                    model_name="trackeralias",
                    name="name",
                    field=models.CharField(
                        db_comment="The tracker in the patients' own words, in any letter case; it never changes",
                        max_length=300,
                        verbose_name="reported tracker",
                    ),
                ),
                migrations.AlterField(
                    model_name="trackermodel",
                    name="brand_name",
                    field=models.CharField(db_comment="Brand, such as Xiaomi", max_length=100),
                ),
                migrations.AlterField(
                    model_name="trackermodel",
                    name="device_type",
                    field=models.CharField(db_comment="Type of device: Smartwatch or FitnessBand", max_length=50),
                ),
                migrations.AlterField(
                    model_name="trackermodel",
                    name="model_name",
                    field=models.CharField(
                        db_comment="Model name, such as Band 2; brands may share one", max_length=200
                    ),
                ),
            ],
        ),
    ]
