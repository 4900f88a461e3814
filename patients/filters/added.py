"""When a patient was added: when the import that added the record ended, or when a person added it.

Imported records name their run. The history has every other record that was added; of a record that was deleted and
restored, or added once more, the last time counts.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from healthtrack.audit.models import Action, Change
from healthtrack.imports.models import ImportRun
from patients.models import MedicalRecord

# Further from the first and the last day than a time zone is wide.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


def filter_added_since(records: QuerySet[MedicalRecord], day: date) -> QuerySet[MedicalRecord]:
    """Return the records that were added on this day or later."""
    start = _get_start(day)
    return records.filter(_is_added(lambda field: Q(**{f"{field}__gte": start})))


def filter_added_until(records: QuerySet[MedicalRecord], day: date) -> QuerySet[MedicalRecord]:
    """Return the records that were added on this day or earlier."""
    end = _get_start(min(day, LAST_DAY) + timedelta(days=1))
    later = Q(made_by_run=None, pk__in=_get_insertions(Q(changed_at__gte=end)))
    return records.filter(_is_added(lambda field: Q(**{f"{field}__lt": end}))).exclude(later)


def _is_added(condition: Callable[[str], Q]) -> Q:
    """Return the condition that a record was added at a time that meets another condition."""
    runs = ImportRun.objects.filter(condition("finished_at")).values("pk")
    return Q(made_by_run__in=runs) | Q(made_by_run=None, pk__in=_get_insertions(condition("changed_at")))


def _get_insertions(condition: Q) -> QuerySet[Change, str | None]:
    table = MedicalRecord._meta.db_table
    inserted = Change.objects.filter(condition, table_name=table, action=Action.INSERT, patient_id__isnull=False)
    return inserted.order_by().values_list("patient_id", flat=True)


def _get_start(day: date) -> datetime:
    """Return when the day begins in the time zone of the program."""
    day = min(max(day, FIRST_DAY), LAST_DAY + timedelta(days=1))
    return datetime.combine(day, time(), timezone.get_default_timezone())
