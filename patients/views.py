from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.mixins import UserPassesTestMixin
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.core.admin import NUL
from patients.models import MedicalRecord
from patients.naming import Kind, stated_name, stated_names, stating
from trackers.models import TrackerAlias, TrackerModel

MOST_MODELS_FOUND = 50
MOST_DIGITS = 9  # of a page's number


class SettleForm(forms.ModelForm[TrackerAlias]):
    class Meta:
        model = TrackerAlias
        fields = ("name", "model")
        widgets = {"name": forms.HiddenInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The admin's site is not there yet where the class is made.
        relation: Any = TrackerAlias._meta.get_field("model")
        model: Any = self.fields["model"]
        model.widget = AutocompleteSelect(relation, admin.site, choices=model.choices)
        model.widget.is_required = True


@method_decorator(cache_control(no_store=True), name="dispatch")
class NamesView(UserPassesTestMixin, View):
    """For who may see both the settled names and the records, whose words the stated trackers are."""

    def test_func(self) -> bool:
        records = admin.site.get_model_admin(MedicalRecord)
        return (
            admin.site.has_permission(self.request)
            and self.aliases.has_view_permission(self.request)
            and records.has_view_permission(self.request)
        )

    @property
    def aliases(self) -> admin.ModelAdmin[TrackerAlias]:
        return admin.site.get_model_admin(TrackerAlias)

    def page(self, template: str, context: dict[str, object]) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        return render(self.request, f"patients/{template}.html", {**frame, **context})

    def back_to_list(self) -> HttpResponse:
        """To the pages of the list that the person came from."""
        pages = {kind.value: self.request.GET[kind] for kind in Kind if kind in self.request.GET}
        return redirect(f"{reverse('tracker-names:list')}?{urlencode(pages)}")


class TrackerNames(NamesView):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        kinds = stated_names({kind: _page_asked(request.GET.get(kind, "")) for kind in Kind})
        context: dict[str, object] = {kind.value: names for kind, names in kinds.items()}
        context["title"] = "Tracker names"
        context["may_settle"] = self.aliases.has_add_permission(request)
        context["may_undo"] = self.aliases.has_delete_permission(request)
        return self.page("tracker-names", context)


class SettleName(NamesView):
    http_method_names = ["get", "head", "post"]

    def test_func(self) -> bool:
        return super().test_func() and self.aliases.has_add_permission(self.request)

    def get(self, request: HttpRequest) -> HttpResponse:
        name = request.GET.get("name", "").replace(NUL, "").strip()
        return self.choice(name) if name else self.back_to_list()

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SettleForm(request.POST)
        faults = ["Somebody else changed this name or this model at the same moment. Look at it again."]
        with suppress(IntegrityError):
            if form.is_valid():
                messages.success(request, self.settle(form))
                return self.back_to_list()
            faults = list(_sentences(form))
        return self.choice(request.POST.get("name", "").replace(NUL, ""), faults)

    @transaction.atomic
    def settle(self, form: SettleForm) -> str:
        alias = form.save(commit=False)
        self.aliases.save_model(self.request, alias, form, change=False)
        moved = stating(alias.name, MedicalRecord.objects.filter(tracker_links__model=alias.model)).count()
        return f"“{alias}” stands for {alias.model} from now on. Patients moved: {moved:,}."

    def choice(self, name: str, faults: Sequence[str] = ()) -> HttpResponse:
        words = self.request.GET.get("q", "").replace(NUL, "")
        models = admin.site.get_model_admin(TrackerModel)
        may_search = models.has_view_permission(self.request)
        found, _ = models.get_search_results(self.request, TrackerModel.objects.all(), words)
        context = {
            "title": f"Settle “{name}”",
            "stated": stated_name(name),
            "faults": faults,
            "form": SettleForm(),
            "words": words,
            "most_found": MOST_MODELS_FOUND,
            "may_search": may_search,
            "found": found[:MOST_MODELS_FOUND] if words and may_search else [],
        }
        return self.page("settle-name", context)


class UndoName(NamesView):
    http_method_names = ["post"]

    def test_func(self) -> bool:
        return super().test_func() and self.aliases.has_delete_permission(self.request)

    @transaction.atomic
    def post(self, request: HttpRequest) -> HttpResponse:
        alias = self.aliases.get_object(request, request.POST.get("alias", ""))
        if alias is None:
            messages.warning(request, "This name is not settled any more: somebody else undid it meanwhile.")
            return self.back_to_list()
        alias.delete()
        patients = stating(alias.name, MedicalRecord.objects.all()).count()
        messages.success(
            request,
            f"“{alias}” is not settled any more: the catalogue's own names count again."
            f" Patients who state it: {patients:,}.",
        )
        return self.back_to_list()


def _sentences(form: SettleForm) -> Iterator[str]:
    for name, faults in form.errors.items():
        label = f"{form.fields[name].label}: " if name in form.fields else ""
        yield from (f"{label}{fault}" for fault in faults)


def _page_asked(text: str) -> int:
    return max(int(text), 1) if text.isdecimal() and len(text) <= MOST_DIGITS else 1
