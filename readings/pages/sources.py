"""The pages on which people decide which device readings came from."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.mixins import UserPassesTestMixin
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core.admin import NUL
from healthtrack.roles.who_can import describe_who_can
from readings.devices.attribution import BEGINNING
from readings.devices.decisions import Source, decide, find_source, undo_decisions
from readings.devices.midnights import get_day
from readings.devices.sources import PAGE_SIZE, Period, Show, Summary, fetch_periods, list_sources
from readings.models import Device, DeviceAssignment, StreamDevice
from readings.pages.source_forms import DeviceForm, NewDeviceForm, PeriodForm, find_model

DECIDE = "readings.decide_streamdevice"
VIEW = ("readings.view_readingstream", "readings.view_device", "readings.view_deviceassignment")
MAX_PAGE_DIGITS = 6
MAX_SEARCH_CHARACTERS = 300
LABELS = {
    Show.WAITING: "Waiting for a decision",
    Show.LEFT: "Left without a device",
    Show.ASSIGNED: "Assigned by a person",
}


@method_decorator(cache_control(no_store=True), name="dispatch")
class SourceView(UserPassesTestMixin, View):
    """A page for people who may see devices, who wore them, and where readings came from."""

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perms(VIEW)

    def render_page(self, template: str, context: Mapping[str, object]) -> HttpResponse:
        may = {
            "may_decide": self.request.user.has_perm(DECIDE),
            "may_create": self.request.user.has_perms([DECIDE, "readings.add_device"]),
            "who_decides": describe_who_can(DECIDE),
        }
        return render(
            self.request, f"readings/{template}.html", {**admin.site.each_context(self.request), **may, **context}
        )


class Sources(SourceView):
    """The list of sources that wait for a decision, or about which somebody decided."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        name, number = request.GET.get("show", ""), request.GET.get("page", "")
        show = Show(name) if name in list(Show) else Show.WAITING
        search = request.GET.get("find", "").replace(NUL, "").strip()[:MAX_SEARCH_CHARACTERS]
        page = int(number) if number.isascii() and number.isdecimal() and len(number) <= MAX_PAGE_DIGITS else 1
        found = list_sources(show, search, max(page, 1))
        if not found.sources and page > 1:
            return redirect(request.path)
        record_patient_access([each.source.patient_id for each in found.sources])
        devices = Device.objects.select_related("model").in_bulk({pk for each in found.sources for pk in each.devices})
        context = {
            "title": "Unassigned sources",
            "show": show,
            "choices": LABELS,
            "words": search,
            "found": found,
            "rows": [(each, [devices[pk] for pk in sorted(each.devices) if pk in devices]) for each in found.sources],
            "has_models": any(each.source.model for each in found.sources),
            "page": Paginator(range(found.total), PAGE_SIZE).get_page(page),
        }
        return self.render_page("sources", context)


class DecideSource(SourceView):
    """The page of a source: its periods, and the decision about its device."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, stream_id: int) -> HttpResponse:
        return self.show(self.get_source(stream_id))

    def post(self, request: HttpRequest, stream_id: int) -> HttpResponse:
        if not request.user.has_perm(DECIDE):
            return self.handle_no_permission()
        source = self.get_source(stream_id)
        actions = {"assign": self.assign, "create": self.create, "leave": self.leave, "undo": self.undo}
        action = actions.get(request.POST.get("action", ""), self.show)
        return action(source) or redirect("unassigned-sources:list")

    def get_source(self, stream_id: int) -> Source:
        source = find_source(stream_id)
        if source is None:
            raise Http404
        return source

    def assign(self, source: Source) -> HttpResponse | None:
        form = DeviceForm(self.list_worn(source), self.request.POST)
        if not form.is_valid():
            return self.show(source, device_form=form)
        self.decide(source, Device.objects.get(pk=form.cleaned_data["device"]), form)
        return None

    @transaction.atomic
    def create(self, source: Source) -> HttpResponse | None:
        if not self.request.user.has_perm("readings.add_device"):
            return self.handle_no_permission()
        form, period = NewDeviceForm(source, self.request.POST), PeriodForm(self.request.POST, prefix="new")
        if not (form.is_valid() and period.is_valid()):
            return self.show(source, new_form=form, new_period=period)
        self.decide(source, form.save(), period)
        return None

    def leave(self, source: Source) -> HttpResponse | None:
        form = DeviceForm(self.list_worn(source), self.request.POST, needs_device=False)
        if not form.is_valid():
            return self.show(source, device_form=form)
        self.decide(source, None, form)
        return None

    def undo(self, source: Source) -> HttpResponse | None:
        undo_decisions(source)
        messages.success(self.request, "The decisions about this source were undone.")
        return None

    def decide(self, source: Source, device: Device | None, period: PeriodForm) -> None:
        days = {name: period.cleaned_data[name] for name in ("begins", "ends")}
        decide(source, device.pk if device else None, cast("int", self.request.user.pk), **days)
        what = f"now come from {device}" if device else "were left without a device"
        messages.success(self.request, f"The readings {what}.")

    def list_worn(self, source: Source) -> Sequence[DeviceAssignment]:
        worn = DeviceAssignment.objects.filter(patient_id=source.patient_id)
        return list(worn.select_related("device__model").order_by("worn_from"))

    def show(self, source: Source, **given: forms.BaseForm) -> HttpResponse:
        periods = fetch_periods([source])
        record_patient_access([source.patient_id])
        summary = Summary(source, periods)
        used = {period.device_id for period in periods if period.device_id}
        model = find_model(source)
        context: dict[str, Any] = {
            "title": "Device of a source",
            "source": source,
            "summary": summary,
            "periods": list(_unite(periods, Device.objects.select_related("model").in_bulk(used))),
            "is_decided": any(period.decision == StreamDevice.Decision.PERSON for period in periods),
            "model": model,
            "unknown_name": "" if model else source.model or source.name,
            "device_form": DeviceForm(self.list_worn(source), summary=summary),
            "new_form": NewDeviceForm(source),
            "new_period": PeriodForm(prefix="new"),
            **given,
        }
        return self.render_page("source", context)


def _unite(periods: Sequence[Period], devices: dict[Any, Device]) -> Any:
    """Yield one row for the periods of several metrics with the same days, device and decision."""
    labels = dict(StreamDevice.Decision.choices)

    def key(period: Period) -> tuple[Any, ...]:
        ends = str(get_day(period.ends_at)) if period.ends_at else "no end"
        return get_day(period.starts_at), ends, period.device_id or 0, period.decision

    for _, equal in groupby(sorted(periods, key=key), key=key):
        first, *others = equal
        yield {
            "begins": get_day(first.starts_at) if first.starts_at > BEGINNING else None,
            "ends": get_day(first.ends_at) if first.ends_at else None,
            "metrics": ", ".join(sorted({first.metric, *(each.metric for each in others)})),
            "device": devices.get(first.device_id),
            "decision": labels[first.decision],
            "readings": first.readings + sum(each.readings for each in others),
        }
