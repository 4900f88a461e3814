"""The pages on which staff resolve tracker names, and undo that."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.mixins import UserPassesTestMixin
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.core.admin import NUL
from healthtrack.core.forms.widgets import RowChoice
from healthtrack.core.permissions import can_view
from healthtrack.roles.who_can import describe_who_can
from patients.linking.tracker_names import (
    Match,
    filter_by_reported_tracker,
    find_missing_model,
    get_tracker_name,
    get_tracker_names,
)
from patients.models import MedicalRecord
from trackers.models import MissingModel, TrackerAlias, TrackerModel
from trackers.names import find_models_by_name, split_brand

MAX_MODELS_FOUND = 50
MAX_PAGE_DIGITS = 9
MAX_SEARCH_CHARACTERS = 300
SEARCH = "find"  # the parameter with the words that the listed names contain


class ResolveForm(forms.ModelForm[TrackerAlias]):
    class Meta:
        model = TrackerAlias
        fields = ("name", "model")
        widgets = {"name": forms.HiddenInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The admin site does not exist yet when this class is created.
        relation: Any = TrackerAlias._meta.get_field("model")
        model: Any = self.fields["model"]
        model.widget = RowChoice(relation, admin.site, choices=model.choices)
        model.widget.is_required = True


@method_decorator(cache_control(no_store=True), name="dispatch")
class NamesView(UserPassesTestMixin, View):
    """A page for people who may see resolved names and records: a tracker name is in the patients' own words."""

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and all(
            can_view(self.request.user, model) for model in (TrackerAlias, MedicalRecord)
        )

    @property
    def aliases(self) -> admin.ModelAdmin[TrackerAlias]:
        return admin.site.get_model_admin(TrackerAlias)

    def render_page(self, template: str, context: dict[str, object]) -> HttpResponse:
        may = {
            "may_resolve": self.aliases.has_add_permission(self.request),
            "who_resolves": describe_who_can("trackers.add_trackeralias"),
            "may_undo": self.aliases.has_delete_permission(self.request),
            "may_add_model": self.request.user.has_perm("trackers.add_trackermodel"),
            "may_decide": self.request.user.has_perm("trackers.add_missingmodel"),
            "may_undecide": self.request.user.has_perm("trackers.delete_missingmodel"),
        }
        return render(
            self.request, f"patients/{template}.html", {**admin.site.each_context(self.request), **may, **context}
        )

    def redirect_to_list(self) -> HttpResponse:
        """Redirect to the list, on the pages and with the search that the person came from."""
        place = {name: self.request.GET[name] for name in (*Match, SEARCH) if name in self.request.GET}
        return redirect(f"{reverse('tracker-names:list')}?{urlencode(place)}")


class TrackerNames(NamesView):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        words = request.GET.get(SEARCH, "").replace(NUL, "").strip()[:MAX_SEARCH_CHARACTERS]
        numbers = {match: _parse_page_number(request.GET.get(match, "")) for match in Match}
        pages = get_tracker_names(numbers, words)
        context: dict[str, object] = {match.name.lower(): page for match, page in pages.items()}
        return self.render_page("tracker-names", {**context, "title": "Tracker names", "words": words})


class ResolveName(NamesView):
    http_method_names = ["get", "head", "post"]

    def test_func(self) -> bool:
        return super().test_func() and self.aliases.has_add_permission(self.request)

    def get(self, request: HttpRequest) -> HttpResponse:
        name = request.GET.get("name", "").replace(NUL, "").strip()
        return self.show_choices(name) if name else self.redirect_to_list()

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ResolveForm(request.POST)
        errors = ["Somebody else changed this name or model at the same moment. Check it and try again."]
        with suppress(IntegrityError):
            if form.is_valid():
                messages.success(request, self.resolve(form))
                return self.redirect_to_list()
            errors = list(_list_errors(form))
        return self.show_choices(request.POST.get("name", "").replace(NUL, ""), errors)

    @transaction.atomic
    def resolve(self, form: ResolveForm) -> str:
        """Save the chosen model, which links the patients, and return the message for the person."""
        if missing := find_missing_model(form.cleaned_data["name"]):
            missing.delete()
        alias = form.save(commit=False)
        self.aliases.save_model(self.request, alias, form, change=False)
        linked = MedicalRecord.objects.filter(tracker_links__model=alias.model)
        patients = filter_by_reported_tracker(alias.name, linked).count()
        return f"“{alias}” now means {alias.model}. {_count_patients(patients, 'was', 'were')} updated."

    def show_choices(self, name: str, errors: Sequence[str] = ()) -> HttpResponse:
        """Return the page on which a person chooses the model that a name means."""
        words = self.request.GET.get("q", "").replace(NUL, "")
        models = admin.site.get_model_admin(TrackerModel)
        may_search = models.has_view_permission(self.request)
        found, _ = models.get_search_results(self.request, TrackerModel.objects.all(), words)
        context = {
            "title": f"Resolve “{name}”",
            "tracker_name": get_tracker_name(name),
            "errors": errors,
            "form": ResolveForm(),
            "words": words,
            "max_found": MAX_MODELS_FOUND,
            "may_search": may_search,
            "found": found[:MAX_MODELS_FOUND] if words and may_search else [],
        }
        return self.render_page("resolve-name", context)


class UndoName(NamesView):
    http_method_names = ["post"]

    def test_func(self) -> bool:
        return super().test_func() and self.aliases.has_delete_permission(self.request)

    @transaction.atomic
    def post(self, request: HttpRequest) -> HttpResponse:
        alias = self.aliases.get_object(request, request.POST.get("alias", ""))
        if alias is None:
            messages.warning(request, "This name is no longer resolved: somebody else undid it.")
            return self.redirect_to_list()
        alias.delete()
        patients = filter_by_reported_tracker(alias.name, MedicalRecord.objects.all()).count()
        messages.success(
            request,
            f"“{alias}” is no longer resolved: it means the models of that name again."
            f" {_count_patients(patients, 'reports', 'report')} it.",
        )
        return self.redirect_to_list()


class AddModel(NamesView):
    """Leads to the form for a new tracker model, filled in with the parts of a tracker name."""

    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return super().test_func() and self.request.user.has_perm("trackers.add_trackermodel")

    def get(self, request: HttpRequest) -> HttpResponse:
        brand, model = split_brand(request.GET.get("name", "").replace(NUL, "").strip())
        values = {"brand_name": brand, "model_name": model, "next": reverse("tracker-names:list")}
        return redirect(f"{reverse('admin:trackers_trackermodel_add')}?{urlencode(values)}")


class MissingModelForm(forms.ModelForm[MissingModel]):
    class Meta:
        model = MissingModel
        fields = ("name",)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].replace(NUL, "").strip()
        if models := find_models_by_name([name])[name]:
            raise forms.ValidationError(f"The catalogue has a model of this name: {models[0]}.")
        return name


class DecideMissingModel(NamesView):
    """Stores what somebody decides about a name that the catalogue lacks: to request the model, or to dismiss it."""

    http_method_names = ["post"]
    decision = MissingModel.Decision.DISMISSED

    def test_func(self) -> bool:
        return super().test_func() and self.request.user.has_perm("trackers.add_missingmodel")

    @transaction.atomic
    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "")
        form = MissingModelForm(request.POST, instance=find_missing_model(name.replace(NUL, "").strip()))
        if not form.is_valid():
            for error in _list_errors(form):
                messages.error(request, error)
            return self.redirect_to_list()
        missing = form.save(commit=False)
        missing.decision, missing.decided_by_id, missing.decided_at = self.decision, request.user.pk, timezone.now()
        missing.save()
        messages.success(request, _DECIDED[self.decision].format(name=missing.name))
        return self.redirect_to_list()


class UndoMissingModel(NamesView):
    """Undoes such a decision, or declines a request."""

    http_method_names = ["post"]

    def test_func(self) -> bool:
        return super().test_func() and self.request.user.has_perm("trackers.delete_missingmodel")

    def post(self, request: HttpRequest) -> HttpResponse:
        missing = find_missing_model(request.POST.get("name", "").replace(NUL, ""))
        if missing is None:
            messages.warning(request, "There is no decision about this name any more: somebody else undid it.")
            return self.redirect_to_list()
        missing.delete()
        messages.success(request, _UNDECIDED[MissingModel.Decision(missing.decision)].format(name=missing.name))
        return self.redirect_to_list()


_DECIDED = {
    MissingModel.Decision.REQUESTED: "“{name}” was requested. People who may add models see the request on Home.",
    MissingModel.Decision.DISMISSED: "“{name}” is marked as not in the catalogue, and needs no decision any more.",
}
_UNDECIDED = {
    MissingModel.Decision.REQUESTED: "The request for “{name}” was removed.",
    MissingModel.Decision.DISMISSED: "“{name}” is no longer marked as not in the catalogue: it needs a decision again.",
}


def _count_patients(number: int, singular: str, plural: str) -> str:
    """Return the number of patients with the form of the verb that fits it."""
    return f"1 patient {singular}" if number == 1 else f"{number:,} patients {plural}"


def _list_errors(form: forms.ModelForm[Any]) -> Iterator[str]:
    """Yield each error of the form, after the label of its field."""
    for name, errors in form.errors.items():
        label = f"{form.fields[name].label}: " if name in form.fields else ""
        yield from (f"{label}{error}" for error in errors)


def _parse_page_number(text: str) -> int:
    """Return the page number of an address; 1 if it has none or an invalid one."""
    return max(int(text), 1) if text.isdecimal() and len(text) <= MAX_PAGE_DIGITS else 1
