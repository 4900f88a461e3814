from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control

from reports.home_summary import HomeSummary
from reports.recent_activity import get_latest_changes
from reports.report import StaffPage
from reports.views.age_groups import PatientsByAgeGroup
from reports.views.brands import PatientsByBrand
from reports.views.without_tracker import PatientsWithoutTracker


@method_decorator(cache_control(no_store=True), name="dispatch")
class Home(StaffPage):
    def test_func(self) -> bool:
        return self.request.user.is_staff

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "title": "Home",
            "overview": HomeSummary(request),
            "changes": get_latest_changes(request.user),
            "shows_ages": PatientsByAgeGroup.is_open_to(request.user),
            "shows_tracked": PatientsWithoutTracker.is_open_to(request.user),
            "shows_brands": PatientsByBrand.is_open_to(request.user),
        }
        return self.page("home", context)
