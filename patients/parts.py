"""The parts of this app that follow a patient: the links to tracker models, and the former numbers."""

from collections.abc import Sequence

from django.db import connection

from patients.follows import Part
from patients.linking import links
from patients.models import FormerNumber, MedicalRecordTracker

# A model that staff linked for either patient is linked by staff.
_UNITE_LINKS = """
    INSERT INTO medical_record_and_trackers AS link (patient_id, model_id, source)
    SELECT %(target)s, model_id, source FROM medical_record_and_trackers WHERE patient_id = %(source)s
    ON CONFLICT (patient_id, model_id) DO UPDATE SET source = EXCLUDED.source
     WHERE link.source <> EXCLUDED.source AND EXCLUDED.source = 'staff'
"""


class TrackerLinks(Part):
    is_tracked = True

    def merge(self, source: str, target: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(_UNITE_LINKS, {"source": source, "target": target})
            united: int = cursor.rowcount
        self.delete([source])
        return united

    def delete(self, numbers: Sequence[str]) -> None:
        MedicalRecordTracker.objects.filter(patient__in=numbers).delete()

    def restore(self, numbers: Sequence[str]) -> None:
        links.update_import_links(numbers)

    def erase(self, numbers: Sequence[str]) -> None:
        self.delete(numbers)


class FormerNumbers(Part):
    is_tracked = True

    def merge(self, source: str, target: str) -> int:
        moved = FormerNumber.objects.filter(patient=source).update(patient=target)
        FormerNumber.objects.create(number=source, patient_id=target)
        return moved + 1

    def delete(self, numbers: Sequence[str]) -> None:
        FormerNumber.objects.filter(patient__in=numbers).delete()

    def restore(self, numbers: Sequence[str]) -> None:
        """Forget that these numbers were those of merged records, as they have records of their own again."""
        FormerNumber.objects.filter(number__in=numbers).delete()

    def erase(self, numbers: Sequence[str]) -> None:
        self.delete(numbers)
