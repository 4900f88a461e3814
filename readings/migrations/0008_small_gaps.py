from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import CheckConstraint, F, Q

# The view as it is, but for where gaps come from.
VIEW = """
    CREATE OR REPLACE VIEW readings AS
    SELECT days.patient_id, metric.code AS metric, reading.at, reading.at + reading.length AS ends_at,
           (reading.at AT TIME ZONE 'UTC') + days.utc_offset * interval '1 second' AS local_time, days.day,
           days.utc_offset, trim_scale(reading.value / 10::numeric ^ days.value_decimals) AS value, stream.unit,
           stream.source,
           (SELECT device.device_id FROM stream_devices AS device
             WHERE device.patient_id = days.patient_id AND device.stream_id = days.stream_id
               AND device.starts_at <= reading.at ORDER BY device.starts_at DESC LIMIT 1) AS device_id,
           EXISTS (SELECT FROM reading_exclusions AS excluded
                    WHERE excluded.patient_id = days.patient_id AND excluded.stream_id = days.stream_id
                      AND reading.at >= excluded.starts_at AND reading.at < excluded.ends_at) AS is_excluded,
           days.stream_id
      FROM reading_days AS days
      JOIN reading_streams AS stream ON stream.patient_id = days.patient_id AND stream.stream_id = days.stream_id
      JOIN metrics AS metric ON metric.metric_id = stream.metric_id
     CROSS JOIN LATERAL (
           SELECT (days.day::timestamp AT TIME ZONE 'UTC') - days.utc_offset * interval '1 second'
                  + (days.first_time + sum(gap) OVER (ORDER BY place)) / 10::numeric ^ days.time_decimals
                  * interval '1 second' AS at,
                  coalesce(length, days.lengths[1]) / 10::numeric ^ days.time_decimals * interval '1 second' AS length,
                  value
             FROM ROWS FROM (unnest({gaps}), unnest(coalesce(days.small_values::bigint[], days.large_values)),
                             unnest(CASE WHEN cardinality(days.lengths) > 1 THEN days.lengths END))
                  WITH ORDINALITY AS one (gap, value, length, place)) AS reading
     WHERE days.patient_id NOT LIKE 'deleted/%'
       AND coalesce((SELECT is_given FROM reading_consents AS consent WHERE consent.patient_id = days.patient_id
                      ORDER BY since DESC LIMIT 1), true)
"""
# A row with small gaps would lose them.
_KEEP_GAPS = """
    UPDATE {0} SET gaps = small_gaps::bigint[], small_gaps = NULL WHERE small_gaps IS NOT NULL
"""
_COMMENT = "COMMENT ON COLUMN {}.gaps IS '{}'"
_OLD = "Time between each reading and the one before, 0 for the first"
_NEW = "The same, in short rows and if a gap does not fit into 16 bits"


def _arrays_fit() -> Q:
    count = F("reading_count")
    times = Q(small_gaps__isnull=False, small_gaps__len=count, gaps=None)
    times |= Q(small_gaps=None, gaps__isnull=False, gaps__len=count)
    values = Q(small_values__isnull=False, small_values__len=count, large_values=None)
    values |= Q(small_values=None, large_values__isnull=False, large_values__len=count)
    lengths = Q(lengths=None) | Q(lengths__len=1) | Q(lengths__len=count)
    return Q(reading_count__gt=0, first_time__isnull=False) & times & values & lengths


class Migration(migrations.Migration):
    dependencies = [
        ("readings", "0007_rank_from_1"),
    ]

    operations = [
        *(
            operation
            for model, table in (("contribution", "reading_contributions"), ("readingday", "reading_days"))
            for operation in (
                migrations.AddField(
                    model_name=model,
                    name="small_gaps",
                    field=ArrayField(
                        base_field=models.SmallIntegerField(),
                        db_comment=f"{_OLD}; null if in gaps",
                        null=True,
                        size=None,
                    ),
                ),
                # Django would state the type of the column again, which the view forbids.
                migrations.SeparateDatabaseAndState(
                    database_operations=[migrations.RunSQL(_COMMENT.format(table, _NEW), _COMMENT.format(table, _OLD))],
                    state_operations=[
                        migrations.AlterField(
                            model_name=model,
                            name="gaps",
                            field=ArrayField(
                                base_field=models.BigIntegerField(), db_comment=_NEW, null=True, size=None
                            ),
                        ),
                    ],
                ),
            )
        ),
        migrations.RemoveConstraint(model_name="contribution", name="reading_contributions_arrays_or_marker"),
        migrations.RemoveConstraint(model_name="readingday", name="reading_days_arrays_fit"),
        migrations.RunSQL(migrations.RunSQL.noop, _KEEP_GAPS.format("reading_contributions")),
        migrations.RunSQL(migrations.RunSQL.noop, _KEEP_GAPS.format("reading_days")),
        # The next migration validates them, so that nobody waits while all rows are read.
        AddConstraintNotValid(
            model_name="contribution",
            constraint=CheckConstraint(
                name="reading_contributions_arrays_or_marker",
                condition=(Q(same_as=None) & _arrays_fit())
                | Q(same_as__isnull=False, first_time=None, reading_count=None),
            ),
        ),
        AddConstraintNotValid(
            model_name="readingday",
            constraint=CheckConstraint(name="reading_days_arrays_fit", condition=_arrays_fit()),
        ),
        migrations.RunSQL(
            VIEW.format(gaps="coalesce(days.small_gaps::bigint[], days.gaps)"), VIEW.format(gaps="days.gaps")
        ),
    ]
