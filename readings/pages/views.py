"""A patient's page of readings: what exists, charts, the same as a file, what is excluded, and the consent."""

from datetime import date
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.mixins import UserPassesTestMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core.admin import NUL
from healthtrack.core.date_formats import get_today
from healthtrack.core.downloads.responses import Sheet, stream_csv
from healthtrack.core.text import quote as quote_text
from healthtrack.imports.pages.upload_form import UploadForm
from healthtrack.imports.uploads.unfinished_uploads import CHUNK_BYTES
from patients.models import FormerNumber, MedicalRecord
from readings.addresses import VIEW, get_address
from readings.charts.chart import make_charts
from readings.charts.episodes import list_episodes
from readings.charts.periods import FIRST_DAY, LAST_DAY, SPANS, Period
from readings.charts.streams import Stream, list_streams
from readings.consents import has_withdrawn, list_consents
from readings.exclusions import list_excluded
from readings.formats.own import OWN_COLUMNS
from readings.importing.importer import readings as importer
from readings.pages.files import list_readings
from readings.pages.forms import ConsentForm, ExclusionForm

EXPORT, EXCLUDE, CONSENT = "readings.export_reading", "readings.exclude_reading", "readings.add_consent"
DEFAULT_SPAN = "week"


class PeriodError(Exception):
    """A parameter of the address that is not a period; the message is for people."""


@method_decorator(cache_control(no_store=True), name="dispatch")
class PatientView(UserPassesTestMixin, View):
    """A page about the readings of one patient, for people who may view them."""

    http_method_names = ["get", "head"]
    permission = ""  # what it takes besides viewing

    def test_func(self) -> bool:
        user = self.request.user
        may = admin.site.has_permission(self.request) and user.has_perms(VIEW)
        return may and (not self.permission or user.has_perm(self.permission))

    @cached_property
    def record(self) -> MedicalRecord:
        number = unquote(self.kwargs["number"])
        found = MedicalRecord.objects.filter(pk=number).first() if NUL not in number else None
        if found is None:
            raise Http404
        return found

    @property
    def number(self) -> str:
        return self.record.patient_id

    @property
    def address(self) -> str:
        return get_address(self.number)

    @cached_property
    def is_hidden(self) -> bool:
        """Whether the readings are hidden, because the patient has withdrawn the consent."""
        return has_withdrawn(self.consents)

    @cached_property
    def consents(self) -> Any:
        return list_consents(self.number)

    @cached_property
    def streams(self) -> list[Stream]:
        return [] if self.is_hidden else list_streams(self.number)

    @cached_property
    def period(self) -> Period:
        """Return the period of the address. Raise PeriodError if a parameter of the address is wrong."""
        span, text = self.request.GET.get("span", DEFAULT_SPAN), self.request.GET.get("day", "")
        if span not in SPANS:
            raise PeriodError(f"{quote_text(span[:40])} is not a span. Choose {', '.join(SPANS)}.")
        if not text:
            return self.latest_period
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            raise PeriodError(f"{quote_text(text[:40])} is not a day. Write it as 2026-03-05.")
        return Period.around(span, day)

    @property
    def latest_period(self) -> Period:
        span = self.request.GET.get("span", DEFAULT_SPAN)
        last = max((stream.last_day for stream in self.streams), default=get_today())
        return Period.around(span if span in SPANS else DEFAULT_SPAN, last)


class PatientReadings(PatientView):
    """The page itself."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        former = FormerNumber.objects.filter(number=unquote(number)).first() if NUL not in number else None
        if former:
            return redirect(get_address(former.patient_id))
        record_patient_access([self.number])
        try:
            return self.show(self.period)
        except PeriodError as error:
            return self.show(self.latest_period, error=str(error), status=400)

    def show(
        self,
        period: Period,
        exclusion_form: ExclusionForm | None = None,
        consent_form: ConsentForm | None = None,
        *,
        error: str = "",
        status: int = 200,
    ) -> HttpResponse:
        """Return the page with the charts of a period, and with forms that were sent and are not valid."""
        user = self.request.user
        context = {
            **admin.site.each_context(self.request),
            "title": f"Readings of {self.record}",
            "opts": MedicalRecord._meta,
            "record": self.record,
            "address": self.address,
            "error": error,
            **self.get_readings(period),
            "period": period,
            "navigation": self.get_navigation(period),
            "exclusion_form": exclusion_form or self.make_exclusion_form(period),
            "consent_form": consent_form or ConsentForm(initial={"since": get_today()}),
            "upload_form": UploadForm([importer]) if importer.may_import(user) and not self.is_hidden else None,
            "chunk_bytes": CHUNK_BYTES,
            "may_export": user.has_perm(EXPORT),
            "may_exclude": user.has_perm(EXCLUDE),
            "may_consent": user.has_perm(CONSENT),
        }
        return render(self.request, "readings/patient.html", context, status=status)

    def get_readings(self, period: Period) -> dict[str, Any]:
        """Return what the page shows of the patient's readings: nothing but the consents if they are hidden."""
        excluded = [] if self.is_hidden else list_excluded(self.number)
        names = {stream.stream_id: f"{stream.metric}, {stream.name}" for stream in self.streams}
        return {
            "is_hidden": self.is_hidden,
            "consents": self.consents,
            "streams": self.streams,
            "episodes": [] if self.is_hidden else list_episodes(self.number),
            "charts": make_charts(self.number, self.streams, excluded, period) if self.streams else None,
            "excluded": [(each, names[each.stream_id]) for each in excluded if each.stream_id in names],
        }

    def get_navigation(self, period: Period) -> dict[str, Any]:
        """Return the addresses of other spans and of the periods next to this one, as far as there are readings."""
        first = min((stream.first_day for stream in self.streams), default=period.first)
        last = max((stream.last_day for stream in self.streams), default=period.last)
        day = min(max(period.first, first), last) if period.first <= last and first <= period.last else period.first
        spans = [
            (label, f"{self.address}?{urlencode({'span': span, 'day': f'{day}'})}", span == period.span)
            for span, label in SPANS.items()
        ]
        before, after = period.previous, period.next
        return {
            "spans": spans,
            "previous": get_address(self.number, before) if before and before.last >= first else "",
            "next": get_address(self.number, after) if after and after.first <= last else "",
            "first": first,
            "last": last,
        }

    def make_exclusion_form(self, period: Period) -> ExclusionForm:
        initial = {"starts": f"{period.first}T00:00", "ends": f"{period.after}T00:00"}
        return ExclusionForm(self.streams, initial=initial)


class ReadingsFile(PatientView):
    """The readings of the page's period as a CSV file."""

    permission = EXPORT

    def get(self, request: HttpRequest, number: str) -> HttpResponseBase:
        try:
            period = self.period
        except PeriodError as error:
            messages.error(request, str(error))
            return redirect(self.address)
        if self.is_hidden:
            messages.error(request, "The patient has withdrawn the consent to readings, so there is no file of them.")
            return redirect(self.address)
        record_patient_access([self.number])
        rows = list_readings(self.number, self.streams, period)
        return stream_csv(Sheet(f"readings-{period.span}-{period.first}", OWN_COLUMNS, rows))
