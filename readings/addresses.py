"""Where the readings of a patient are shown, and to whom."""

from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.urls import reverse

from readings.charts.periods import Period

VIEW = ("readings.view_readingday", "patients.view_medicalrecord")


def get_address(number: str, period: Period | None = None) -> str:
    """Return the address of a patient's readings; of a period, if there is one."""
    address = reverse("readings:patient", args=[quote(number)])
    return f"{address}?{urlencode({'span': period.span, 'day': f'{period.first}'})}" if period else address
