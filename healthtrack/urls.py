from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from healthtrack.audit.access_pages import Accesses
from healthtrack.audit.views import Changes
from healthtrack.health import healthz
from healthtrack.metrics import metrics
from healthtrack.policy_reports import policy_report
from reports.home import Home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", Home.as_view(), name="home"),
    path("admin/tracker-names/", include("patients.urls")),
    path("admin/changes/", Changes.as_view(), name="changes"),
    path("admin/accesses/", Accesses.as_view(), name="accesses"),
    path("admin/", admin.site.urls),
    path("reports/", include("reports.urls")),
    path("", include("healthtrack.roles.urls")),
    path("sign-in/", include("healthtrack.signin.urls")),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("policy-report", policy_report, name="policy-report"),
]
handler500 = "healthtrack.errors.server_error"
