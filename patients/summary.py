"""What the page of a record shows above its form."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from healthtrack.audit.admin_history import VIEW as VIEW_HISTORY
from healthtrack.audit.latest_change import LatestChange, find_latest_change
from healthtrack.core.date_formats import get_today
from healthtrack.core.permissions import Person
from patients.models import MedicalRecord
from patients.summary_parts import SummaryPart, list_views


@dataclass(frozen=True)
class Summary:
    """The summary of a record for a person, ready for its template."""

    record: MedicalRecord
    person: Person

    @property
    def age(self) -> int:
        return self.record.age(get_today())

    @property
    def conditions(self) -> list[str]:
        return split_terms(self.record.medical_conditions)

    @property
    def allergies(self) -> list[str]:
        return split_terms(self.record.allergies)

    @cached_property
    def latest_change(self) -> LatestChange | None:
        """Return the latest change, if the person may view the history."""
        return find_latest_change(self.record) if self.person.has_perm(VIEW_HISTORY) else None

    @property
    def parts(self) -> list[tuple[SummaryPart, Any]]:
        """Return the parts of other apps that have something to show, each with its view."""
        return list_views(self.record, self.person)


def split_terms(text: str) -> list[str]:
    """Return the terms of a comma-separated list."""
    return [term for term in re.split(r"\s*,\s*", text.strip()) if term]
