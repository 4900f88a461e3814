"""Files that people drop on a patient's page of readings: the page answers whose readings they are."""

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.imports.pages.upload_view import show_upload_page
from readings.importing.importer import readings as importer
from readings.importing.questions import ONLY_PATIENT
from readings.pages.views import PatientView


@method_decorator(csrf_exempt, name="dispatch")  # the upload page checks the token once it knows the size
class UploadReadings(PatientView):
    """The upload page for the readings of one patient."""

    http_method_names = ["get", "head", "post"]

    def test_func(self) -> bool:
        return super().test_func() and importer.may_import(self.request.user)

    def get(self, request: HttpRequest, number: str) -> HttpResponseBase:
        record_patient_access([self.number])
        frame = {
            **admin.site.each_context(request),
            "lead": f"For patient {self.number}.",
            "place": "Upload a file",
            "parent": self.number,
            "parent_address": self.address,
        }
        return show_upload_page(request, importer.name, frame, answers={ONLY_PATIENT: self.number})

    post = get
