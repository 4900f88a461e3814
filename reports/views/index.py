from django.http import HttpRequest, HttpResponse

from reports.registry import reports
from reports.report import StaffPage


class Index(StaffPage):
    def test_func(self) -> bool:
        return any(report.is_open_to(self.request.user) for report in reports())

    def get(self, request: HttpRequest) -> HttpResponse:
        shown = [report for report in reports() if report.is_open_to(request.user)]
        return self.page("index", {"title": "Reports", "reports": shown})
