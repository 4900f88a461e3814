"""The forms on a patient's page of readings."""

import datetime
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from healthtrack.core.date_formats import get_today
from healthtrack.core.forms.widgets import DayInput
from healthtrack.core.text import quote
from readings.charts.streams import Stream
from readings.exclusions import MAX_DAYS

MAX_REASON = 500


class LocalTimeField(forms.Field):
    """A local time of the patient, which has no time zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime.datetime | None:
        if value in self.empty_values:
            return None
        try:
            local = datetime.datetime.fromisoformat(str(value).strip())
        except ValueError:
            local = None
        if local is None or local.tzinfo is not None or not 1900 <= local.year < 2200:
            raise ValidationError(f"{quote(str(value)[:40])} is not a date and time. Write it as 2026-03-05T08:00.")
        return local


class ExclusionForm(forms.Form):
    """The form to leave a period of one stream out of statistics."""

    stream = forms.ChoiceField(label="Readings")
    starts = LocalTimeField(label="From")
    ends = LocalTimeField(label="Until", help_text="The first moment that counts again, in the patient's local time")
    reason = forms.CharField(max_length=MAX_REASON, help_text="Such as “sensor was loose”. The history shows it.")

    def __init__(self, streams: Sequence[Stream], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(stream.stream_id), f"{stream.metric}, {stream.name}") for stream in streams]
        self.fields["stream"].choices = choices  # type: ignore[attr-defined]  # of a ChoiceField

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        starts, ends = cleaned.get("starts"), cleaned.get("ends")
        if starts and ends and ends <= starts:
            self.add_error("ends", "The end is not after the beginning.")
        elif starts and ends and ends - starts > datetime.timedelta(days=MAX_DAYS):
            self.add_error("ends", f"At most {MAX_DAYS} days can be excluded at once. Exclude the rest separately.")
        return cleaned


class ConsentForm(forms.Form):
    """The form to record that a patient withdraws the consent to readings, or gives it again."""

    # Two buttons send it.
    decision = forms.ChoiceField(choices=[("give", "Consents"), ("withdraw", "Withdrawn")], widget=forms.HiddenInput)
    since = forms.DateField(
        label="Since", widget=DayInput(), error_messages={"invalid": "Write the day as 2026-03-05."}
    )

    def clean_since(self) -> datetime.date:
        since: datetime.date = self.cleaned_data["since"]
        if since > get_today():
            raise ValidationError("The day is in the future. Record the decision when it applies.")
        return since
