"""What people change on a patient's page of readings: exclusions, and the consent."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from healthtrack.audit.access_recorder import record_patient_access
from readings.addresses import get_address
from readings.consents import ConsentError, record_consent
from readings.exclusions import ExclusionError, count_again, exclude
from readings.pages.forms import ConsentForm, ExclusionForm
from readings.pages.views import CONSENT, EXCLUDE, PatientReadings, PeriodError


class Change(PatientReadings):
    """Receives a form of the page, and returns to it. A form that is not valid is shown again."""

    http_method_names = ["post"]

    @property
    def return_address(self) -> str:
        try:
            return get_address(self.number, self.period)
        except PeriodError:
            return self.address

    def show_again(
        self, exclusion_form: ExclusionForm | None = None, consent_form: ConsentForm | None = None
    ) -> HttpResponse:
        record_patient_access([self.number])
        try:
            period = self.period
        except PeriodError:
            period = self.latest_period
        return self.show(period, exclusion_form, consent_form)


class Exclude(Change):
    """Leaves a period of a stream out of statistics."""

    permission = EXCLUDE

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        form = ExclusionForm(self.streams, request.POST)
        if not form.is_valid():
            return self.show_again(exclusion_form=form)
        values = form.cleaned_data
        period = values["starts"], values["ends"]
        try:
            exclude(self.number, int(values["stream"]), period, values["reason"], request.user.pk)
        except ExclusionError as error:
            form.add_error("starts", str(error))
            return self.show_again(exclusion_form=form)
        messages.success(request, "These readings no longer count in charts and statistics. They stay stored.")
        return redirect(self.return_address)


class CountAgain(Change):
    """Lets an excluded period count again."""

    permission = EXCLUDE

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        streams = {str(stream.stream_id): stream.stream_id for stream in self.streams}
        stream = streams.get(request.POST.get("stream", ""))
        if stream is not None and count_again(self.number, stream, request.POST.get("key", "")):
            messages.success(request, "These readings count again in charts and statistics.")
        else:
            messages.warning(request, "This period is no longer excluded: somebody else changed that.")
        return redirect(self.return_address)


class RecordConsent(Change):
    """Records that the patient withdraws the consent to readings, or gives it again."""

    permission = CONSENT

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        form = ConsentForm(request.POST)
        if not form.is_valid():
            return self.show_again(consent_form=form)
        is_given = form.cleaned_data["decision"] == "give"
        try:
            record_consent(self.number, form.cleaned_data["since"], is_given=is_given, person=request.user.pk)
        except ConsentError as error:
            form.add_error("since", str(error))
            return self.show_again(consent_form=form)
        words = (
            "The patient consents again: readings are shown, and can be imported."
            if is_given
            else "The consent is withdrawn: readings are hidden, and imports of this patient's readings are refused."
        )
        messages.success(request, words)
        return redirect(self.return_address)
