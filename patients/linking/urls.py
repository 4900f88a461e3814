from django.urls import path

from patients.linking.views import AddModel, DecideMissingModel, ResolveName, TrackerNames, UndoMissingModel, UndoName
from trackers.models import MissingModel

app_name = "tracker-names"
urlpatterns = [
    path("", TrackerNames.as_view(), name="list"),
    # Links that people saved use the first name of this page.
    path("resolve/", ResolveName.as_view(), name="resolve"),
    path("undo/", UndoName.as_view(), name="undo"),
    path("add/", AddModel.as_view(), name="add"),
    path("request/", DecideMissingModel.as_view(decision=MissingModel.Decision.REQUESTED), name="request"),
    path("dismiss/", DecideMissingModel.as_view(decision=MissingModel.Decision.DISMISSED), name="dismiss"),
    path("undecide/", UndoMissingModel.as_view(), name="undecide"),
]
