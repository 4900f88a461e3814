from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote as urlquote

from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from healthtrack.audit.access_recorder import record_patient_access, record_rows
from healthtrack.core import search_terms
from healthtrack.core.downloads.responses import Sheet
from healthtrack.roles.table import NAMED_LISTS
from patients.filters.records import Records, get_filter_names
from patients.models import MedicalRecord
from patients.search.records import search_records
from reports.charts.declaration import BarChart, Chart
from reports.charts.rows import Bar
from reports.parameters import ParameterError
from reports.queries.without_tracker import (
    Patient,
    Reasons,
    count_reasons_without_tracker,
    patients_without_tracker,
    patients_without_tracker_between,
)
from reports.registry import register
from reports.report import Report
from reports.tables import Cell, Column, Row, percent

MAX_NAMES = 10


@register
class PatientsWithoutTracker(Report):
    http_method_names = ["get", "head", "post"]
    name = "without-tracker"
    title = "Patients without a tracker"
    label = "Without a tracker"
    order = 20
    right = NAMED_LISTS
    question = "Which patients are linked to no tracker model?"
    columns = (Column("patient_id", "Patient number"), Column("name", "Name"), Column("why", "Why"))
    published_order = "patient_id"
    extra_parameters = (search_terms.QUERY,)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return search_terms.redirect_to_search_token(request) or super().get(request)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return search_terms.redirect_to_search_token(request) or self.http_method_not_allowed(request)

    def get_readers(self) -> Sequence[Callable[[], object]]:
        return [*super().get_readers(), self.validate_search]

    def validate_search(self) -> None:
        if search_terms.is_expired(self.request):
            raise ParameterError(search_terms.QUERY, search_terms.EXPIRED)

    @property
    def words(self) -> str:
        return search_terms.get_query(self.request)

    @property
    def records(self) -> Records:
        """Return the records that the list of records finds for the same search terms."""
        return search_records(self.words, self.record_filter.qs)

    @cached_property
    def reasons(self) -> Reasons:
        return self.cached("reasons", self.count_reasons, self.words)

    def count_reasons(self) -> Reasons:
        return count_reasons_without_tracker(self.records)

    def count_rows(self) -> int:
        return self.reasons.patients

    def rows_between(self, start: int, stop: int) -> Sequence[Row]:
        def page() -> list[Patient]:
            return patients_without_tracker_between(self.records, self.sort, start, stop)

        patients = self.cached("page", page, self.words, self.sort, start, stop)
        record_patient_access((patient.patient_id for patient in patients), filters=get_filter_names(self.request))
        return list(map(self.row, patients))

    def sheet(self) -> Sheet:
        record_patient_access(file_rows=self.count_rows(), filters=get_filter_names(self.request))
        sheet = super().sheet()
        return replace(sheet, rows=record_rows(self.request, sheet.rows, lambda row: str(row[0])))

    def ordered_rows(self) -> Iterator[Row]:
        return map(self.row, patients_without_tracker(self.records, self.sort))

    def row(self, patient: Patient) -> Row:
        # Looking up an address takes as long as showing a row, so all addresses are built from that of the list.
        address = f"{self.links.list}{urlquote(quote(patient.patient_id))}/change/" if self.links.is_open else ""
        return Cell(patient.patient_id, address), Cell(patient.name, address), Cell(self.reasons.get_reason(patient))

    def totals(self) -> Sequence[Row]:
        count = self.reasons.patients
        return [
            (
                Cell("Total"),
                Cell(f"{count:,} patient{'' if count == 1 else 's'}", self.links.get_address(linked="none")),
                Cell(""),
            )
        ]

    def get_chart(self) -> Chart:
        description = "Each bar is a reason: no tracker reported, or the reported name. It links to its patients."
        return BarChart("Why patients have no tracker", list(self.bars()), description)

    def context(self) -> Mapping[str, object]:
        return {
            "reasons": self.reasons,
            "words": self.words,
            "any_patient": self.reasons.patients > 0 or MedicalRecord.objects.exists(),
        }

    def bars(self) -> Iterator[Bar]:
        if self.reasons.not_reported:
            yield self.bar("No tracker reported", self.reasons.not_reported, self.links.get_address(linked="unstated"))
        for name in self.reasons.reported[:MAX_NAMES]:
            yield self.bar(name.name, name.patients, self.links.get_address(linked="unmatched", tracker=name.name))
        if others := sum(name.patients for name in self.reasons.reported[MAX_NAMES:]):
            yield self.bar(f"{len(self.reasons.reported) - MAX_NAMES:,} other names", others, "")

    def bar(self, label: str, patients: int, href: str) -> Bar:
        return Bar(label, patients, href, f"{percent(patients, self.reasons.patients)} %")
