from django.http import HttpRequest, HttpResponse

from reports.views.age_groups import PatientsByAgeGroup
from reports.views.base import Report, StaffPage
from reports.views.brands import PatientsByBrand
from reports.views.conditions import TrackerUseByCondition
from reports.views.data_quality import DataQualityReport
from reports.views.without_tracker import PatientsWithoutTracker

REPORTS: tuple[type[Report], ...] = (
    PatientsByAgeGroup,
    PatientsWithoutTracker,
    PatientsByBrand,
    TrackerUseByCondition,
    DataQualityReport,
)


class Index(StaffPage):
    def test_func(self) -> bool:
        return any(report.open_to(self.request.user) for report in REPORTS)

    def get(self, _: HttpRequest) -> HttpResponse:
        reports = [report for report in REPORTS if report.open_to(self.request.user)]
        return self.page("index", {"title": "Reports", "reports": reports})
