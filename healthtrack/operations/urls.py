"""The addresses of this app."""

from django.urls import path

from healthtrack.operations.status_views import RecordDrill, SystemStatus

urlpatterns = [
    path("admin/status/", SystemStatus.as_view(), name="system-status"),
    path("admin/status/drill/", RecordDrill.as_view(), name="record-drill"),
]
