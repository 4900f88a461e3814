from django.urls import path

from reports.gallery import Gallery
from reports.views.index import REPORTS, Index

app_name = "reports"
urlpatterns = [
    path("", Index.as_view(), name="index"),
    path("charts/", Gallery.as_view(), name="charts"),
    *(path(f"{report.name}/", report.as_view(), name=report.name) for report in REPORTS),
]
