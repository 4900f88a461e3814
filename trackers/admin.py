"""The admin pages of tracker models, variants and resolved tracker names."""

from typing import TYPE_CHECKING, Any, TypedDict

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.db.models import Count, Min, QuerySet, UniqueConstraint
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.audit.admin_history import HistoryAdmin
from healthtrack.core.admin import CLEANED_TEXT, ReadOnlyModelAdmin
from healthtrack.core.forms.concurrent_edits import ConcurrentEditForm
from healthtrack.core.forms.concurrent_formsets import ConcurrentEditFormSet
from healthtrack.imports.pages.model_admin import ImportableModelAdmin
from trackers.counts import rows_per_model
from trackers.model_extensions import extensions
from trackers.models import FitnessTracker, MissingModel, TrackerAlias, TrackerModel
from trackers.resources import FitnessTrackerResource, TrackerModelResource

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

VARIANT_FIELDS = ("color", "display", "strap_material")
UNIQUE_VARIANT = next(rule for rule in FitnessTracker._meta.constraints if isinstance(rule, UniqueConstraint))


class VariantForm(ConcurrentEditForm):
    class Meta:
        # Narrow fields, so that eight columns fit next to each other.
        widgets = {
            **{field: forms.TextInput(attrs={"size": 16}) for field in VARIANT_FIELDS},
            "rating": AdminIntegerFieldWidget(),
        }
        labels = {"average_battery_life_days": "Battery days"}

    def _post_clean(self) -> None:
        # Only changed rows need the queries of this check: a model may have many variants.
        if self.has_changed():
            super()._post_clean()  # type: ignore[misc]  # a private method of Django


class VariantFormSet(ConcurrentEditFormSet):
    add_text = "Add a variant"

    def clean(self) -> None:
        """Reject equal variants. Django skips a unique constraint with the parent model, whose rows are all here."""
        super().clean()
        seen = set()
        for form in self.forms:
            if not form.cleaned_data or form.cleaned_data.get(DELETION_FIELD_NAME):
                continue
            attributes = tuple(str(form.cleaned_data.get(field)).lower() for field in VARIANT_FIELDS)
            if attributes in seen:
                form.add_error(None, UNIQUE_VARIANT.get_violation_error_message())
            seen.add(attributes)


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
        variants = super().get_queryset(request).select_related("model")
        return variants.select_for_update(of=("self",), no_key=True) if request.method == "POST" else variants


class _Counts(TypedDict):
    variant_count: int


class _Aliases(TypedDict):
    alias_count: int
    alias: str


@admin.register(TrackerModel)
class TrackerModelAdmin(ImportableModelAdmin):
    resource_classes = [TrackerModelResource]
    list_display = ("model_name", "brand_name", "device_type", "number_of_variants")
    list_filter = ("brand_name", "device_type")
    search_fields = ("brand_name", "model_name")
    search_help_text = "Search by brand or model name, with words in any order."
    fields = ("brand_name", "model_name", "device_type")
    inlines = (VariantInline,)

    class Media:
        css = {"all": ("trackers/lists.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        models: QuerySet[Any] = super().get_queryset(request)
        models = models.annotate(variant_count=rows_per_model(FitnessTracker.objects.all()))
        for extension in extensions:
            models = extension.annotate(models)
        return models

    def get_standard_columns(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*super().get_standard_columns(request), *_extra_columns(request))

    def get_fields(self, request: HttpRequest, obj: TrackerModel | None = None) -> tuple[Any, ...]:
        return (*super().get_fields(request, obj), *(_extra_columns(request) if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: TrackerModel | None = None) -> tuple[Any, ...]:
        return (*super().get_readonly_fields(request, obj), *_extra_columns(request))

    def response_post_save_add(self, request: HttpRequest, obj: TrackerModel) -> HttpResponseRedirect:
        """Return to the page that led here to add the model, or else to the list."""
        page = request.GET.get("next", "")
        if page and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
            return redirect(page)
        return super().response_post_save_add(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        keys = [model.pk for model in objs]
        named = TrackerModel.objects.filter(pk__in=keys, aliases__isnull=False)
        counted: QuerySet[Any] = named.annotate(alias_count=Count("aliases"), alias=Min("aliases__name"))
        chosen = self.get_queryset(request).filter(pk__in=keys)
        errors = [sentence for extension in extensions for sentence in extension.list_deletion_errors(chosen)]
        if errors := errors or [_explain_deletion_error(model) for model in counted]:
            return [], {}, set(), errors
        return super().get_deleted_objects(objs, request)

    @admin.display(description="variants", ordering="variant_count")
    def number_of_variants(self, model: "WithAnnotations[TrackerModel, _Counts]") -> int:
        return model.variant_count


def _extra_columns(request: HttpRequest) -> list[Any]:
    return [column for extension in extensions for column in extension.get_columns(request.user)]


def _explain_deletion_error(model: "WithAnnotations[TrackerModel, _Aliases]") -> str:
    several = f"{model.alias_count:,} resolved tracker names mean it, such as “{model.alias}”. Undo these first."
    one = f"the resolved tracker name “{model.alias}” means it. Undo that first."
    return f"{model} cannot be deleted: {one if model.alias_count == 1 else several}"


@admin.register(FitnessTracker)
class FitnessTrackerAdmin(ImportableModelAdmin):
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
    search_help_text = "Search by brand, model name or color, with words in any order."
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


@admin.register(TrackerAlias)
class TrackerAliasAdmin(HistoryAdmin, PersonalListAdmin):
    first_step = "Decide on the page Tracker names what a name means."
    list_display = ("name", "model", "created_by", "created_at")
    list_select_related = ("model", "created_by")
    search_fields = ("name", "model__brand_name", "model__model_name")
    search_help_text = "Search by reported tracker, brand or model name, with words in any order."
    autocomplete_fields = ("model",)

    def get_fields(self, request: HttpRequest, obj: TrackerAlias | None = None) -> tuple[str, ...]:
        return ("name", "model", "created_by", "created_at") if obj else ("name", "model")

    def get_readonly_fields(self, request: HttpRequest, obj: TrackerAlias | None = None) -> tuple[str, ...]:
        return ("name", "created_by", "created_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: TrackerAlias, form: forms.ModelForm[Any], change: bool) -> None:
        # The person who chooses another model is the one who resolved the name.
        obj.created_by_id, obj.created_at = request.user.pk, timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(MissingModel)
class MissingModelAdmin(HistoryAdmin, ReadOnlyModelAdmin, PersonalListAdmin):
    """All decisions; people make them on the page of tracker names."""

    list_display = ("name", "decision", "decided_by", "decided_at")
    list_filter = ("decision",)
    list_select_related = ("decided_by",)
    search_fields = ("name",)
    search_help_text = "Search by reported tracker, with words in any order."
