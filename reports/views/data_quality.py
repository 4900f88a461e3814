from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from django.urls import reverse
from django.utils.http import urlencode

from healthtrack.core.permissions import can_view
from healthtrack.roles.table import TOTALS
from healthtrack.roles.who_can import describe_who_can
from patients.linking.tracker_names import Match
from reports.caching import cached
from reports.charts.declaration import BarChart, Chart
from reports.charts.rows import Bar
from reports.queries.data_quality import DataQuality, Name, count_combined_rows, data_quality, find_duplicates
from reports.registry import register
from reports.report import Report
from reports.tables import Cell, Column, Row, figure, percent
from trackers.models import TrackerAlias

NAMES_SHOWN = 10


@dataclass(frozen=True)
class Finding:
    what: str
    found: int
    patients: int
    records: str
    action: str
    href: str


@register
class DataQualityReport(Report):
    name = "data-quality"
    title = "Data quality"
    label = "Data quality"
    order = 50
    right = TOTALS
    question = "What needs review, and how many patients are affected?"
    columns = (
        Column("what", "Problem"),
        figure("found", "Found"),
        figure("patients", "Patients"),
        figure("share", "Share, %"),
        Column("action", "Action"),
    )
    published_order = "-patients"
    is_stacked = True

    @cached_property
    def quality(self) -> DataQuality:
        return self.cached("quality", self.measure)

    def measure(self) -> DataQuality:
        # Whatever the filters are: the duplicates are found once for each state of the data.
        duplicates = cached("duplicates", None, find_duplicates, self._state)
        return data_quality(self.record_filter, duplicates)

    @property
    def may_view_names(self) -> bool:
        """Return whether the person may open the page of tracker names."""
        return self.links.is_open and can_view(self.request.user, TrackerAlias)

    @property
    def findings(self) -> Sequence[Finding]:
        file_findings = [] if self.record_filter.active_values.keys() - {"as_of"} else [self.get_file_finding()]
        return [*self.get_name_findings(), *file_findings, *self.get_record_findings()]

    def get_name_findings(self) -> Iterator[Finding]:
        names = reverse("tracker-names:list") if self.may_view_names else ""
        ask = self._describe_who_can("trackers.add_trackeralias")
        for what, found, linked, action, anchor in (
            ("Unmatched tracker names", self.quality.unmatched, "undecided", "Resolve the names", Match.UNMATCHED),
            ("Ambiguous tracker names", self.quality.ambiguous, "brands", "Resolve the names", Match.AMBIGUOUS),
            (
                "Trackers not in the catalogue",
                self.quality.missing,
                "missing",
                "Review the names",
                Match.NOT_IN_CATALOGUE,
            ),
        ):
            patients = sum(name.patients for name in found)
            href = names and f"{names}#{anchor}"
            names_found = sum(1 for name in found if name.name)
            records = self.links.get_address(linked=linked)
            yield Finding(what, names_found, patients, records, f"{ask} about the names" if ask else action, href)

    def _describe_who_can(self, *permissions: str) -> str:
        """Return whom to ask, if the person lacks one of these permissions."""
        return "" if self.request.user.has_perms(permissions) else f"Ask {describe_who_can(*permissions)}"

    def get_record_findings(self) -> Iterator[Finding]:
        stale, duplicates = self.links.get_address(appointment="stale"), self.links.get_address(duplicates="yes")
        ask_editor = self._describe_who_can("patients.change_medicalrecord")
        ask_merger = self._describe_who_can("patients.merge_medicalrecord", "patients.view_medicalrecord")
        yield Finding(
            "No appointment for two years",
            self.quality.stale,
            self.quality.stale,
            stale,
            f"{ask_editor} to record the appointment"
            if ask_editor
            else "Contact the patient or record the appointment",
            stale,
        )
        yield Finding(
            "Possible duplicates",
            self.quality.duplicate_groups,
            self.quality.duplicates,
            duplicates,
            f"{ask_merger} to merge them" if ask_merger else "Compare the records and merge them",
            duplicates if ask_merger else reverse("admin:patients_medicalrecord_merge"),
        )

    def get_file_finding(self) -> Finding:
        """Return the finding for all imports: combined rows do not store their patients, so filters do not apply."""
        ask = self._describe_who_can("imports.view_importrun")
        rows, of_patients = count_combined_rows()
        href = f"{reverse('admin:imports_importrun_changelist')}?duplicates=yes" if not ask else ""
        return Finding("Duplicate rows combined by imports", rows, of_patients, "", ask or "See the imports", href)

    def rows(self) -> Iterator[Row]:
        for finding in sorted(self.findings, key=lambda finding: -finding.patients):
            yield (
                Cell(finding.what),
                Cell(finding.found),
                Cell(finding.patients, finding.records),
                Cell(percent(finding.patients, self.quality.patients)),
                Cell(finding.action, finding.href),
            )

    def get_chart(self) -> Chart:
        bars = [
            Bar(
                finding.what, finding.patients, finding.records, f"{percent(finding.patients, self.quality.patients)} %"
            )
            for finding in self.findings
        ]
        return BarChart("Patients affected", bars, "Each bar links to its patients.")

    def context(self) -> Mapping[str, object]:
        names = list(self.get_unresolved_names()) if self.may_view_names else []
        return {"quality": self.quality, "names": names}

    def get_unresolved_names(self) -> Iterator[tuple[Name, str, str, str]]:
        """Yield tracker names, each with its problem, the list of its patients, and the page to resolve it."""
        resolve = reverse("tracker-names:resolve") if self.request.user.has_perm("trackers.add_trackeralias") else ""
        by_problem = (
            ((name, "No match", "undecided") for name in self.quality.unmatched[:NAMES_SHOWN]),
            ((name, "Ambiguous", "brands") for name in self.quality.ambiguous[:NAMES_SHOWN]),
        )
        for name, problem, linked in chain(*by_problem):
            if not name.name:  # linked by an import although no tracker is reported
                continue
            patients = self.links.get_address(linked=linked, tracker=name.name)
            yield name, problem, patients, resolve and f"{resolve}?{urlencode({'name': name.name})}"
