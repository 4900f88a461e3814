"""The list of patients with readings, where imports of readings lead."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core.admin import NUL
from healthtrack.core.replicas.routing import reading
from readings.addresses import VIEW, get_address

PAGE_SIZE = 50
# A page of patients from a number on, each with the metrics, and the first and last day of the streams. The keys of the
# day rows give the days, so that the query reads nothing of other patients.
_PATIENTS = """
    WITH page AS MATERIALIZED (
        SELECT DISTINCT patient_id FROM reading_streams
         WHERE patient_id >= %(from)s AND patient_id NOT LIKE 'deleted/%%' ORDER BY patient_id LIMIT %(count)s
    )
    SELECT record.patient_id, record.name,
           coalesce((SELECT NOT is_given FROM reading_consents AS consent
                      WHERE consent.patient_id = record.patient_id ORDER BY since DESC LIMIT 1), false),
           array_agg(DISTINCT metric.label), min(days.first), max(days.last)
      FROM page JOIN medical_records AS record ON record.patient_id = page.patient_id
      JOIN reading_streams AS stream ON stream.patient_id = page.patient_id
      JOIN metrics AS metric USING (metric_id)
      JOIN LATERAL (SELECT min(day) AS first, max(day) AS last FROM reading_days AS own
                     WHERE own.patient_id = stream.patient_id AND own.stream_id = stream.stream_id) AS days
        ON days.last IS NOT NULL
     GROUP BY record.patient_id, record.name ORDER BY record.patient_id COLLATE "C"
"""


class Patient(NamedTuple):
    """A patient with readings."""

    number: str
    name: str
    has_withdrawn: bool
    metrics: Sequence[str]
    first_day: date
    last_day: date

    @property
    def address(self) -> str:
        return get_address(self.number)


@method_decorator(cache_control(no_store=True), name="dispatch")
class PatientsWithReadings(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perms(VIEW)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show a page of patients, sorted by number, from the number in the address on."""
        start = request.GET.get("from", "").replace(NUL, "")
        with reading().cursor() as cursor:
            cursor.execute(_PATIENTS, {"from": start, "count": PAGE_SIZE + 1})
            found = [Patient(*row) for row in cursor.fetchall()]
        shown = found[:PAGE_SIZE]
        record_patient_access(patient.number for patient in shown)
        context = {
            **admin.site.each_context(request),
            "title": "Patients with readings",
            "patients": shown,
            "is_first": not start,
            "next": f"?{urlencode({'from': found[PAGE_SIZE].number})}" if len(found) > PAGE_SIZE else "",
        }
        return render(request, "readings/patients.html", context)
