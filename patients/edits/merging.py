"""Compare two records of one person, and merge one into the other as one step that can be undone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max

from healthtrack.audit.models import Change
from healthtrack.core.forms.readable_values import describe_value
from healthtrack.imports.edits import Edit
from healthtrack.imports.life_cycle import steps
from healthtrack.imports.models import ImportRun
from patients import follows
from patients.linking import links
from patients.models import MedicalRecord
from patients.resources import MedicalRecordResource

FIELDS = tuple(name for name in MedicalRecordResource.Meta.fields if name != "patient_id")


class OutdatedComparisonError(Exception):
    """Somebody changed one of the records after the comparison was shown."""


@dataclass(frozen=True)
class Comparison:
    """Two records side by side; `version` is the number of the latest change of either.

    `chosen` has the number whose value was chosen, by the name of the field.
    """

    records: tuple[MedicalRecord, MedicalRecord]
    version: int
    chosen: Mapping[str, str]

    @property
    def target(self) -> str:
        """Return the number to keep."""
        return self.chosen.get("target", self.records[0].pk)

    def _get_chosen(self, name: str) -> str:
        """Return the number whose value is chosen; at first, of the first record that has a value."""
        filled = (record.pk for record in self.records if getattr(record, name) not in {"", None})
        return self.chosen.get(name) or next(filled, self.records[0].pk)

    @property
    def fields(self) -> Iterator[tuple[str, str, bool, Sequence[tuple[str, str, bool]]]]:
        """Yield name and label of each field, whether the values differ, and each number, its value and its choice."""
        for name in FIELDS:
            field: Any = MedicalRecord._meta.get_field(name)
            choices = dict(field.flatchoices)
            texts = [describe_value(getattr(record, name), choices) for record in self.records]
            numbers = [record.pk for record in self.records]
            values = [
                (number, text, number == self._get_chosen(name)) for number, text in zip(numbers, texts, strict=True)
            ]
            yield name, str(field.verbose_name).capitalize(), texts[0] != texts[1], values


def compare(numbers: Sequence[str], chosen: Mapping[str, str] = MappingProxyType({})) -> Comparison | None:
    """Return the comparison of two records; None if the numbers are not those of two records."""
    found = MedicalRecord.objects.prefetch_related("tracker_models").in_bulk(list(numbers))
    if len(numbers) != 2 or len(found) != 2:
        return None
    first, second = numbers
    return Comparison((found[first], found[second]), get_version(numbers), chosen)


def get_version(numbers: Collection[str]) -> int:
    """Return the number of the latest change that concerns one of the patients."""
    latest = Change.objects.filter(patient_id__in=numbers).aggregate(latest=Max("change_id"))
    return latest["latest"] or 0


def merge(target: str, source: str, from_source: Collection[str], version: int, person: User) -> ImportRun:
    """Merge the record `source` into the record `target`, and return the run that records and can undo it.

    `from_source` are the fields whose values the target gets from the source. Raises OutdatedComparisonError if the
    records have changed since `version`, and ValidationError if the values do not fit each other.
    """

    def work() -> int:
        links.wait_for_models()
        numbers = sorted((target, source))
        records = {record.pk: record for record in MedicalRecord.objects.filter(pk__in=numbers).select_for_update()}
        if len(records) < len(numbers) or get_version(numbers) != version:
            raise OutdatedComparisonError
        _take_values(records[target], records[source], from_source)
        affected = follows.merge(source, target)
        MedicalRecord.objects.filter(pk=source).delete()
        return affected + len(numbers)

    edit = Edit("merge", {"target": target, "source": source})
    return steps.record_edit("patients.medicalrecord", edit, person, work)


def _take_values(target: MedicalRecord, source: MedicalRecord, from_source: Collection[str]) -> None:
    for name in from_source:
        setattr(target, name, getattr(source, name))
    linked = {link.model_id for record in (target, source) for link in record.tracker_links.all()}
    target.unlinked_model_ids = sorted({*target.unlinked_model_ids, *source.unlinked_model_ids} - linked)
    target.full_clean()
    target.save(update_fields=[*from_source, "unlinked_model_ids"])
