from django.urls import path

from patients.views import ResolveName, TrackerNames, UndoName

app_name = "tracker-names"
urlpatterns = [
    path("", TrackerNames.as_view(), name="list"),
    # Links that people saved use the first name of this page.
    path("resolve/", ResolveName.as_view(), name="resolve"),
    path("undo/", UndoName.as_view(), name="undo"),
]
