"""The addresses of all pages."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from healthtrack.accounts.pages.event_views import SignInEvents
from healthtrack.audit.access_views import Accesses
from healthtrack.audit.views import Changes
from healthtrack.core.help_views import show_help, show_tour, skip_tour
from healthtrack.operations.csp_reports import policy_report
from healthtrack.operations.health import healthz
from healthtrack.operations.metrics import metrics
from patients.search.views import Search, Suggestions
from reports.views.home import DismissTask, Home, RestoreTasks

urlpatterns: list[URLPattern | URLResolver] = [
    path("", Home.as_view(), name="home"),
    path("tasks/dismiss/", DismissTask.as_view(), name="dismiss-task"),
    path("tasks/restore/", RestoreTasks.as_view(), name="restore-tasks"),
    path("help/", show_help, name="help"),
    path("help/tour/", show_tour, name="help-tour"),
    path("help/tour/skip/", skip_tour, name="help-skip-tour"),
    path("search/", Search.as_view(), name="search"),
    path("search/suggestions/", Suggestions.as_view(), name="search-suggestions"),
    path("admin/tracker-names/", include("patients.linking.urls")),
    path("admin/unassigned-sources/", include("readings.source_urls")),
    path("admin/changes/", Changes.as_view(), name="changes"),
    path("admin/accesses/", Accesses.as_view(), name="accesses"),
    path("admin/sign-in-events/", SignInEvents.as_view(), name="sign-in-events"),
    path("", include("healthtrack.operations.urls")),
    path("admin/", admin.site.urls),
    path("reports/", include("reports.urls")),
    path("readings/", include("readings.urls")),
    path("", include("healthtrack.roles.urls")),
    path("sign-in/", include("healthtrack.accounts.urls")),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("policy-report", policy_report, name="policy-report"),
]
handler500 = "healthtrack.errors.server_error"
