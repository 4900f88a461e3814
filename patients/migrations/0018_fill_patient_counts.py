from django.db import migrations

# The triggers of the migration before count what others change meanwhile, so no table is locked. One statement replaces
# exactly the differences of the changes that it sees.
_COUNT = """
    WITH gone AS (DELETE FROM patient_counts), states AS (
        SELECT record.patient_id, record.link_count, record.medical_conditions, record.tracker,
               coalesce(linked.model_ids, '{}') AS model_ids, linked.imported, 1 AS patients
          FROM (SELECT * FROM medical_records) AS record
          LEFT JOIN (SELECT patient_id, array_agg(model_id ORDER BY model_id) AS model_ids,
                            array_agg(model_id ORDER BY model_id) FILTER (WHERE source = 'import') AS imported
                       FROM medical_record_and_trackers GROUP BY patient_id) AS linked USING (patient_id)
    )
        INSERT INTO patient_counts (what, label, model_ids, patients)
        SELECT 'conditions', medical_conditions, model_ids, sum(patients)
          FROM states GROUP BY 2, 3 HAVING sum(patients) <> 0
         UNION ALL
        SELECT 'tracker', tracker, coalesce(imported, '{}'), sum(patients)
          FROM states WHERE model_ids = '{}' OR cardinality(imported) > 1
         GROUP BY 2, 3 HAVING sum(patients) <> 0
"""


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0017_patient_counts"),
    ]

    operations = [
        migrations.RunSQL(_COUNT, "DELETE FROM patient_counts"),
    ]
