from django.db import migrations

_ALTER = """
    ALTER TABLE former_patient_numbers
     DROP CONSTRAINT {old},
      ADD CONSTRAINT {new} FOREIGN KEY (patient_id) REFERENCES medical_records {options}
"""
_RESTRICT = "ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED NOT VALID"
_AS_BEFORE = "DEFERRABLE INITIALLY DEFERRED"
_DJANGOS = "former_patient_numbe_patient_id_27667997_fk_medical_r"
_OURS = "former_patient_numbers_patient"


class Migration(migrations.Migration):
    """Let the database check a deleted record once instead of twice: rows that refer to it are deleted before it."""

    dependencies = [
        ("patients", "0019_ehr_records"),
    ]

    operations = [
        # The next migration validates it, so that nobody waits while all rows are read.
        migrations.RunSQL(
            _ALTER.format(old=_DJANGOS, new=_OURS, options=_RESTRICT),
            _ALTER.format(old=_OURS, new=_DJANGOS, options=_AS_BEFORE),
        ),
    ]
