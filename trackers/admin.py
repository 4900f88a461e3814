from typing import TYPE_CHECKING, Any, TypedDict

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, UniqueConstraint
from django.db.models.functions import Coalesce
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

from healthtrack.admin import CLEANED_TEXT, CarefulAdmin
from healthtrack.widgets import AutocompleteByNumber
from trackers.models import FitnessTracker, TrackerModel
from trackers.resources import FitnessTrackerResource, TrackerModelResource

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

LOOKS = ("color", "display", "strap_material")
UNIQUE_VARIANT = next(rule for rule in FitnessTracker._meta.constraints if isinstance(rule, UniqueConstraint))


class VariantForm(forms.ModelForm[FitnessTracker]):
    class Meta:
        # Eight columns are to fit beside each other.
        widgets = {
            **{field: forms.TextInput(attrs={"size": 16}) for field in LOOKS},
            "rating": AdminIntegerFieldWidget(),
        }
        labels = {"average_battery_life_days": "Battery days"}

    def _post_clean(self) -> None:
        # The database is asked only of a row that was changed: a model may have many variants.
        if self.has_changed():
            super()._post_clean()  # type: ignore[misc]


class VariantFormSet(BaseInlineFormSet[FitnessTracker, TrackerModel, forms.ModelForm[FitnessTracker]]):
    def clean(self) -> None:
        """Django leaves out a unique constraint that holds the parent; here all of its rows are at hand."""
        super().clean()
        seen = set()
        for form in self.forms:
            if not form.cleaned_data or form.cleaned_data.get(DELETION_FIELD_NAME):
                continue
            looks = tuple(str(form.cleaned_data.get(field)).lower() for field in LOOKS)
            if looks in seen:
                form.add_error(None, UNIQUE_VARIANT.get_violation_error_message())
            seen.add(looks)


class VariantInline(admin.TabularInline[FitnessTracker, TrackerModel]):
    model = FitnessTracker
    form = VariantForm
    formset = VariantFormSet
    formfield_overrides = CLEANED_TEXT
    fields = (
        "color",
        "display",
        "strap_material",
        "selling_price",
        "original_price",
        "rating",
        "average_battery_life_days",
        "reviews",
    )
    extra = 0
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[FitnessTracker]:
        return super().get_queryset(request).select_related("model")


def rows_per_model(rows: QuerySet[Any]) -> Coalesce:
    """How many of these rows belong to each tracker model."""
    counted = rows.filter(model=OuterRef("pk")).order_by().values("model").annotate(rows=Count("*"))
    return Coalesce(Subquery(counted.values("rows")), 0, output_field=IntegerField())


class _Counts(TypedDict):
    variant_count: int


@admin.register(TrackerModel)
class TrackerModelAdmin(CarefulAdmin):
    resource_classes = [TrackerModelResource]
    list_display = ("model_name", "brand_name", "device_type", "number_of_variants")
    list_filter = ("brand_name", "device_type")
    search_fields = ("brand_name", "model_name")
    search_help_text = "Words of the brand and the model name, in any order"
    fields = ("brand_name", "model_name", "device_type")
    inlines = (VariantInline,)

    class Media:
        css = {"all": ("trackers/lists.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        models = super().get_queryset(request)
        counted: QuerySet[Any] = models.annotate(variant_count=rows_per_model(FitnessTracker.objects.all()))
        return counted

    @admin.display(description="variants", ordering="variant_count")
    def number_of_variants(self, model: "WithAnnotations[TrackerModel, _Counts]") -> int:
        return model.variant_count


@admin.register(FitnessTracker)
class FitnessTrackerAdmin(AutocompleteByNumber, CarefulAdmin):  # type: ignore[misc]  # untyped bases disagree
    resource_classes = [FitnessTrackerResource]
    list_display = (
        "model_name",
        "brand_name",
        "color",
        "display",
        "strap",
        "selling",
        "original",
        "rating",
        "battery_days",
        "review_count",
    )
    list_filter = ("model__brand_name", "model__device_type", "display", "strap_material")
    list_select_related = ("model",)
    ordering = ("model__brand_name", "model__model_name", "color", "display", "strap_material")
    search_fields = ("model__brand_name", "model__model_name", "color")
    search_help_text = "Words of the brand, the model name and the color, in any order"
    autocomplete_fields = ("model",)
    fieldsets = (
        (None, {"fields": ("model", "color", "display", "strap_material")}),
        ("Prices in rupees", {"fields": ("selling_price", "original_price")}),
        ("In use", {"fields": ("average_battery_life_days", "rating", "reviews")}),
    )

    class Media:
        css = {"all": ("trackers/lists.css",)}

    @admin.display(ordering="model__model_name")
    def model_name(self, variant: FitnessTracker) -> str:
        return variant.model.model_name

    @admin.display(ordering="model__brand_name")
    def brand_name(self, variant: FitnessTracker) -> str:
        return variant.model.brand_name

    @admin.display(ordering="strap_material")
    def strap(self, variant: FitnessTracker) -> str:
        return variant.strap_material

    @admin.display(description="selling price", ordering="selling_price")
    def selling(self, variant: FitnessTracker) -> str:
        return f"{variant.selling_price:,}"

    @admin.display(description="original price", ordering="original_price")
    def original(self, variant: FitnessTracker) -> str:
        return f"{variant.original_price:,}"

    @admin.display(description="battery days", ordering="average_battery_life_days")
    def battery_days(self, variant: FitnessTracker) -> int:
        return variant.average_battery_life_days

    @admin.display(description="reviews", ordering="reviews")
    def review_count(self, variant: FitnessTracker) -> str | None:
        return None if variant.reviews is None else f"{variant.reviews:,}"
