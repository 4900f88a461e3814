from django.urls import path

from reports.views import REPORTS, Index

app_name = "reports"
urlpatterns = [
    path("", Index.as_view(), name="index"),
    *(path(f"{report.name}/", report.as_view(), name=report.name) for report in REPORTS),
]
