from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control

from healthtrack.imports.permissions import can_upload
from reports.home_summary import HomeSummary
from reports.recent_activity import get_latest_changes
from reports.report import StaffPage
from reports.tasks_of_person import TasksOfPerson


@method_decorator(cache_control(no_store=True), name="dispatch")
class Home(StaffPage):
    def test_func(self) -> bool:
        return self.request.user.is_staff

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "title": "Home",
            "overview": HomeSummary(request),
            "changes": get_latest_changes(request.user),
            "may_upload": can_upload(request.user),
        }
        return self.page("home", context)


class ChangeTasks(StaffPage):
    """Changes which tasks Home shows to the person, and returns to Home."""

    http_method_names = ["post"]

    def test_func(self) -> bool:
        return self.request.user.is_staff

    @property
    def tasks(self) -> TasksOfPerson:
        return HomeSummary(self.request).tasks


class DismissTask(ChangeTasks):
    def post(self, request: HttpRequest) -> HttpResponse:
        self.tasks.dismiss(request.POST.get("key", ""))
        return redirect("home")


class RestoreTasks(ChangeTasks):
    def post(self, request: HttpRequest) -> HttpResponse:
        self.tasks.restore()
        return redirect("home")
