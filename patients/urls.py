from django.urls import path

from patients.views import SettleName, TrackerNames, UndoName

app_name = "tracker-names"
urlpatterns = [
    path("", TrackerNames.as_view(), name="list"),
    path("settle/", SettleName.as_view(), name="settle"),
    path("undo/", UndoName.as_view(), name="undo"),
]
