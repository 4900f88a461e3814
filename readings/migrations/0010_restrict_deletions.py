from django.db import migrations

_ALTER = """
    ALTER TABLE {table}
     DROP CONSTRAINT {old},
      ADD CONSTRAINT {new} FOREIGN KEY (patient_id) REFERENCES medical_records {options}
"""
_RESTRICT = "ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED NOT VALID"
_AS_BEFORE = "DEFERRABLE INITIALLY DEFERRED"
# The names that Django gave the foreign keys, and ours.
_NAMES = {
    "reading_consents": ("reading_consents_patient_id_a803723c_fk_medical_r", "reading_consents_patient"),
    "device_assignments": ("device_assignments_patient_id_17cc501b_fk_medical_r", "device_assignments_patient"),
}


class Migration(migrations.Migration):
    """Let the database check a deleted record once instead of twice: rows that refer to it are deleted before it."""

    dependencies = [
        ("readings", "0009_small_gaps_valid"),
    ]

    operations = [
        # The next migration validates them, so that nobody waits while all rows are read.
        migrations.RunSQL(
            _ALTER.format(table=table, old=djangos, new=ours, options=_RESTRICT),
            _ALTER.format(table=table, old=ours, new=djangos, options=_AS_BEFORE),
        )
        for table, (djangos, ours) in _NAMES.items()
    ]
