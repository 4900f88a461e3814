"""The page on which people choose their time zone and the format of dates."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from healthtrack.accounts import mail
from healthtrack.accounts.pages.views import AccountPage
from healthtrack.accounts.preferences import Preferences
from healthtrack.core.date_formats import get_today, list_examples
from healthtrack.core.environment_values import InvalidValueError, parse_time_zone


class PreferencesForm(forms.ModelForm[Preferences]):
    class Meta:
        model = Preferences
        fields = ("time_zone", "date_format", "mails_of_imports")
        labels = {
            "time_zone": "Time zone",
            "date_format": "Dates",
            "mails_of_imports": "E-mail me when an import of mine has finished",
        }
        widgets = {
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
            "date_format": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        if not (mail.is_configured() and self.instance.user.email):
            del self.fields["mails_of_imports"]
        examples = dict(list_examples(get_today()))
        usual = examples[settings.DEFAULT_DATE_FORMAT]
        self.fields["date_format"].choices = [("", f"As HealthTrack is set up: {usual}"), *examples.items()]  # type: ignore[attr-defined]  # of a field with choices
        self.fields[
            "time_zone"
        ].help_text = f"Type the name of a city, such as Kolkata, and choose. Leave it empty for {settings.TIME_ZONE}."

    def clean_time_zone(self) -> str:
        """Return the name of an existing time zone, in its own spelling, or an empty string."""
        typed: str = self.cleaned_data["time_zone"]
        if not typed:
            return ""
        name = next((each for each in available_timezones() if each.lower() == typed.lower().replace(" ", "_")), typed)
        try:
            return parse_time_zone(name)
        except InvalidValueError:
            sentence = f"There is no time zone {typed}. Write it as in Europe/Berlin or Asia/Kolkata."
            raise forms.ValidationError(sentence) from None


class PreferencesPage(AccountPage):
    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(PreferencesForm(instance=self.stored))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PreferencesForm(request.POST, instance=self.stored)
        if not form.is_valid():
            return self.show(form)
        form.save()
        messages.success(request, "Your preferences are saved.")
        return redirect("sign-in:preferences")

    @property
    def stored(self) -> Preferences:
        return Preferences.objects.filter(user=self.person).first() or Preferences(
            user=self.person, time_zone="", date_format=""
        )

    def show(self, form: PreferencesForm) -> HttpResponse:
        zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
        return self.page("preferences", {"title": "Preferences", "form": form, "zones": [*zones, "UTC"]})
