from django.urls import path

from readings.pages.changes import CountAgain, Exclude, RecordConsent
from readings.pages.list import PatientsWithReadings
from readings.pages.uploads import UploadReadings
from readings.pages.views import PatientReadings, ReadingsFile

app_name = "readings"
urlpatterns = [
    path("", PatientsWithReadings.as_view(), name="patients"),
    path("<str:number>/", PatientReadings.as_view(), name="patient"),
    path("<str:number>/file/", ReadingsFile.as_view(), name="file"),
    path("<str:number>/upload/", UploadReadings.as_view(), name="upload"),
    path("<str:number>/exclude/", Exclude.as_view(), name="exclude"),
    path("<str:number>/count-again/", CountAgain.as_view(), name="count-again"),
    path("<str:number>/consent/", RecordConsent.as_view(), name="consent"),
]
