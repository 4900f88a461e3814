"""The forms on the page of a source: which device its readings came from, and when."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.formats import date_format

from healthtrack.core.forms.fields import CleanedCharField
from healthtrack.core.forms.widgets import DayInput
from readings.devices.assignment_forms import DEVICE_HELP_TEXTS
from readings.devices.decisions import Source
from readings.devices.sources import Summary
from readings.models import Device, DeviceAssignment
from trackers.models import TrackerModel
from trackers.names import find_models_by_name

OTHER = "other"


class PeriodForm(forms.Form):
    """The days to which a decision is limited; without them it covers all readings of the source."""

    begins = forms.DateField(label="From", required=False, widget=DayInput(), help_text="Empty: from the beginning")
    ends = forms.DateField(
        label="Until", required=False, widget=DayInput(), help_text="First day that is not included; empty: no end"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begins, ends = cleaned.get("begins"), cleaned.get("ends")
        if begins and ends and ends <= begins:
            self.add_error("ends", "Enter a day after the first one.")
        return cleaned


class DeviceForm(PeriodForm):
    """A device that the patient wore, or any other one by its serial number."""

    device = forms.ChoiceField(label="Device", widget=forms.RadioSelect)
    name = CleanedCharField(
        label="Serial number, maker's key or label of another device", required=False, max_length=100
    )
    field_order = ("device", "name", "begins", "ends")

    def __init__(
        self,
        worn: Sequence[DeviceAssignment],
        data: QueryDict | None = None,
        *,
        needs_device: bool = True,
        summary: Summary | None = None,
    ) -> None:
        super().__init__(data)
        self.needs_device = self.fields["device"].required = needs_device
        choices = [(str(each.device_id), _describe(each)) for each in worn]
        self.fields["device"].choices = [*choices, (OTHER, "Another device")]  # type: ignore[attr-defined]  # a choice field
        if not worn:
            self.fields["device"].initial = OTHER
        elif len(worn) == 1 and summary and _was_worn_in(worn[0], summary):
            self.fields["device"].initial = choices[0][0]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.needs_device and cleaned.get("device") == OTHER and "name" in cleaned:
            cleaned["device"] = self._find_device(cleaned["name"])
        return cleaned

    def _find_device(self, name: str) -> str:
        same = Q(serial_number__iexact=name) | Q(maker_key__iexact=name) | Q(label__iexact=name)
        found = list(Device.objects.filter(same).values_list("pk", flat=True)[:2]) if name else []
        if not name:
            self.add_error("name", "Enter one of these, or create the device below.")
        elif len(found) != 1:
            several = "Several devices have this name. Enter a serial number."
            self.add_error("name", several if found else "No device has this name. Create it below.")
        return str(found[0]) if found else ""


class NewDeviceForm(forms.ModelForm[Device]):
    """A new device, filled in from what the files say about the source."""

    class Meta:
        model = Device
        fields = ("serial_number", "maker_key", "label")
        field_classes = dict.fromkeys(fields, CleanedCharField)
        help_texts = DEVICE_HELP_TEXTS

    def __init__(self, source: Source, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"label": source.name[:100] or source.model[:100]})
        self.instance.model = find_model(source)


def find_model(source: Source) -> TrackerModel | None:
    """Return the tracker model that the files mean; None if it is not exactly one."""
    text = source.model or source.name
    found = find_models_by_name([text])[text] if text else []
    return found[0] if len(found) == 1 else None


def _was_worn_in(worn: DeviceAssignment, summary: Summary) -> bool:
    """Return whether the patient wore the device on all days with readings of the source."""
    first, last = summary.first_day, summary.last_day
    if first is None or last is None:
        return False
    return worn.worn_from <= first and (worn.worn_until is None or last < worn.worn_until)


def _describe(worn: DeviceAssignment) -> str:
    until = f"until {date_format(worn.worn_until)}" if worn.worn_until else "and still wears it"
    return f"{worn.device}: the patient wore it from {date_format(worn.worn_from)} {until}"
