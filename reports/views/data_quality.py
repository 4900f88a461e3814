from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from django.urls import reverse
from django.utils.http import urlencode

from healthtrack.core.permissions import can_view
from healthtrack.roles.table import TOTALS
from reports.charts.rows import Bar
from reports.queries.data_quality import DataQuality, Name, data_quality, merged_rows
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
    question = "What in the data waits for a person, and how many patients does it touch?"
    columns = (
        Column("what", "What"),
        figure("found", "Found"),
        figure("patients", "Patients"),
        figure("share", "Share, %"),
        Column("settle", "How to settle it"),
    )
    published_order = "-patients"

    @cached_property
    def quality(self) -> DataQuality:
        return self.cached("quality", self.measured)

    def measured(self) -> DataQuality:
        return data_quality(self.asked)

    @property
    def sees_names(self) -> bool:
        """Return whether the person may open the page of tracker names."""
        return self.links.is_open and can_view(self.request.user, TrackerAlias)

    @property
    def findings(self) -> Sequence[Finding]:
        of_files = [] if self.asked.active_values.keys() - {"as_of"} else [self.of_files()]
        return [*self.of_names(), *of_files, *self.of_records()]

    def of_names(self) -> Iterator[Finding]:
        names = reverse("tracker-names:list") if self.sees_names else ""
        for what, found, linked, anchor in (
            ("Stated trackers without a match", self.quality.unmatched, "unmatched", "unknown"),
            ("Stated trackers of several brands", self.quality.shared, "brands", "shared"),
        ):
            patients = sum(name.patients for name in found)
            href = names and f"{names}#{anchor}"
            names_found = sum(1 for name in found if name.name)
            yield Finding(what, names_found, patients, self.links.to(linked=linked), "Settle the names", href)

    def of_records(self) -> Iterator[Finding]:
        stale, twins = self.links.to(appointment="stale"), self.links.to(twins="yes")
        yield Finding(
            "No appointment for two years",
            self.quality.stale,
            self.quality.stale,
            stale,
            "Call them, or put down the appointment",
            stale,
        )
        yield Finding(
            "Records that may be of one person",
            self.quality.groups_of_twins,
            self.quality.twins,
            twins,
            "Compare the records, and delete the one too many",
            twins,
        )

    def of_files(self) -> Finding:
        """Of all that was imported: which patients a row was of is not kept."""
        may_see = self.request.user.has_perm("imports.view_importrun")
        rows, of_patients = merged_rows()
        href = reverse("admin:imports_importrun_changelist") if may_see else ""
        return Finding("Rows that imports merged into others", rows, of_patients, "", "See the imports", href)

    def rows(self) -> Iterator[Row]:
        for finding in sorted(self.findings, key=lambda finding: -finding.patients):
            yield (
                Cell(finding.what),
                Cell(finding.found),
                Cell(finding.patients, finding.records),
                Cell(percent(finding.patients, self.quality.patients)),
                Cell(finding.action, finding.href),
            )

    def context(self) -> Mapping[str, object]:
        bars = [
            Bar(
                finding.what, finding.patients, finding.records, f"{percent(finding.patients, self.quality.patients)} %"
            )
            for finding in self.findings
        ]
        return {"quality": self.quality, "bars": bars, "names": list(self.names_to_settle()) if self.sees_names else []}

    def names_to_settle(self) -> Iterator[tuple[Name, str, str, str]]:
        """Each with its kind, its patients in the list of records, and where it is settled."""
        settle = reverse("tracker-names:settle") if self.request.user.has_perm("trackers.add_trackeralias") else ""
        of_kind = (
            ((name, "No match", "unmatched") for name in self.quality.unmatched[:NAMES_SHOWN]),
            ((name, "Several brands", "brands") for name in self.quality.shared[:NAMES_SHOWN]),
        )
        for name, kind, linked in chain(*of_kind):
            if not name.name:  # linked as by an import, though nothing is stated
                continue
            patients = self.links.to(linked=linked, tracker=name.name)
            yield name, kind, patients, settle and f"{settle}?{urlencode({'name': name.name})}"
