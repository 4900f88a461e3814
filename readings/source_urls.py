from django.urls import path

from readings.pages.sources import DecideSource, Sources

app_name = "unassigned-sources"
urlpatterns = [
    path("", Sources.as_view(), name="list"),
    path("<int:stream_id>/", DecideSource.as_view(), name="decide"),
]
