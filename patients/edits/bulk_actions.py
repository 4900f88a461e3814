"""Changes of many records at once, each as one step that can be undone: set-based, for any number of records."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from healthtrack.core.date_formats import validate_plausible
from healthtrack.core.forms.widgets import DayInput
from healthtrack.imports.edits import Edit
from healthtrack.imports.life_cycle import steps
from healthtrack.imports.models import ImportRun
from patients import follows
from patients.linking import links
from patients.models import MedicalRecord, MedicalRecordTracker
from trackers.models import TrackerModel

Records = QuerySet[MedicalRecord]
Values = Mapping[str, Any]

_LINK = """
    INSERT INTO medical_record_and_trackers (patient_id, model_id, source)
    SELECT patient_id, %s, 'staff' FROM ({records}) AS chosen (patient_id) ON CONFLICT DO NOTHING
"""
_LET_LINK = """
    UPDATE medical_records SET unlinked_model_ids = array_remove(unlinked_model_ids, %s)
     WHERE %s = ANY (unlinked_model_ids) AND patient_id IN ({records})
"""
_KEEP_UNLINKED = """
    UPDATE medical_records SET unlinked_model_ids = unlinked_model_ids || %s
     WHERE %s <> ALL (unlinked_model_ids) AND patient_id IN ({records})
"""


class DateForm(forms.Form):
    day = forms.DateField(label="Last appointment", widget=DayInput, validators=[validate_plausible])


class ModelForm(forms.Form):
    model = forms.ModelChoiceField(TrackerModel.objects.all(), label="Tracker model")


class ChangedMeanwhileError(Exception):
    """Another number of records would be changed than a person has confirmed."""


class BulkAction(ABC):
    """One kind of change.

    `done` describes it in the title of its run, after the number of records. `verb` says what happens to a record.
    """

    code: ClassVar[str]
    label: ClassVar[str]
    done: ClassVar[str]
    permission: ClassVar[str] = "change"
    form_class: ClassVar[type[forms.Form]] = forms.Form
    is_destructive: ClassVar[bool] = False
    verb: ClassVar[str] = "changed"

    @abstractmethod
    def affected(self, records: Records, values: Values) -> Records:
        """Return those of the records that the change would change."""

    def find_error(self, records: Records, values: Values) -> str:
        """Return why the change is impossible for some of the records, or an empty text."""
        return ""

    @abstractmethod
    def write(self, records: Records, values: Values) -> int:
        """Change the records, within the transaction of the run, and return how many were changed."""

    def apply(self, records: Records, values: Values, count: int, person: User) -> ImportRun:
        """Change those of the records that are affected, and return the run that records this and can undo it.

        Raise ChangedMeanwhileError, and change nothing, if other than `count` records are affected now.
        """

        def work() -> int:
            links.wait_for_models()
            chosen = MedicalRecord.objects.filter(pk__in=self.affected(records, values).order_by().values("pk"))
            if self.write(chosen, values) != count:
                raise ChangedMeanwhileError
            return count

        return steps.record_edit("patients.medicalrecord", Edit(self.code, {"count": f"{count:,}"}), person, work)


class SetAppointment(BulkAction):
    code = "set_appointment"
    label = "Set the last appointment"
    done = "last appointment set"
    form_class = DateForm

    def affected(self, records: Records, values: Values) -> Records:
        return records.filter(~Q(last_appointment_date=values["day"]) | Q(last_appointment_date=None))

    def find_error(self, records: Records, values: Values) -> str:
        later = records.filter(date_of_birth__gt=values["day"]).count()
        return f"{later:,} of these patients were born after this date. Choose another date." if later else ""

    def write(self, records: Records, values: Values) -> int:
        return records.update(last_appointment_date=values["day"])


class LinkTracker(BulkAction):
    code = "link_tracker"
    label = "Link a tracker"
    done = "tracker linked"
    form_class = ModelForm

    def affected(self, records: Records, values: Values) -> Records:
        return records.filter(~_has_link(values))

    def write(self, records: Records, values: Values) -> int:
        model = values["model"].pk
        _execute(_LET_LINK, records, model, model)
        return _execute(_LINK, records, model)


class UnlinkTracker(BulkAction):
    code = "unlink_tracker"
    label = "Remove the link to a tracker"
    done = "link to a tracker removed"
    form_class = ModelForm
    is_destructive = True

    def affected(self, records: Records, values: Values) -> Records:
        return records.filter(_has_link(values))

    def write(self, records: Records, values: Values) -> int:
        model, numbers = values["model"].pk, list(records.values_list("pk", flat=True))
        _execute(_KEEP_UNLINKED, records, model, model)
        removed, _ = MedicalRecordTracker.objects.filter(model=model, patient__in=numbers).delete()
        return removed


class DeleteRecords(BulkAction):
    code = "delete_records"
    label = "Delete the records"
    done = "deleted"
    permission = "bulk_delete"
    is_destructive = True
    verb = "deleted"

    def affected(self, records: Records, values: Values) -> Records:
        return records

    def write(self, records: Records, values: Values) -> int:
        numbers = list(records.values_list("pk", flat=True))
        follows.delete(numbers)
        with connection.cursor() as cursor:  # Django would read all rows before it deletes them
            cursor.execute("DELETE FROM medical_records WHERE patient_id = ANY (%s)", [numbers])
            deleted: int = cursor.rowcount
        return deleted


BULK_ACTIONS: tuple[BulkAction, ...] = (SetAppointment(), LinkTracker(), UnlinkTracker(), DeleteRecords())


def _has_link(values: Values) -> Exists:
    return Exists(MedicalRecordTracker.objects.filter(patient=OuterRef("pk"), model=values["model"]))


def _execute(statement: str, records: Records, *values: int) -> int:
    """Execute a statement about these records, and return how many rows it changed."""
    chosen, parameters = records.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(statement.format(records=chosen), [*values, *parameters])
        changed: int = cursor.rowcount
    return changed
