"""Find which of a run's day rows meet stored readings, in SQL over sets.

Rows meet if their periods overlap, or if they have the same day and offset. Only such rows can hold the same instants
or belong in one row, so all others need no comparison of single readings. Days that are at most two apart can overlap,
because offsets differ by at most 36 hours.
"""

from readings.store.rows import same_content

# Stored rows that meet `own`, which names patient_id, stream_id, day, utc_offset, first_at and last_at.
MET_DAYS = """
    SELECT stored.* FROM reading_days AS stored
     WHERE stored.patient_id = own.patient_id AND stored.stream_id = own.stream_id
       AND stored.day BETWEEN own.day - 2 AND own.day + 2
       AND (stored.first_at <= own.last_at AND stored.last_at >= own.first_at
            OR stored.day = own.day AND stored.utc_offset = own.utc_offset)
"""
MET_CONTRIBUTIONS = MET_DAYS.replace("reading_days", "reading_contributions") + " AND stored.same_as IS NULL"
_EXCLUDED = """
    EXISTS (SELECT FROM reading_exclusions AS excluded
             WHERE excluded.patient_id = own.patient_id AND excluded.stream_id = own.stream_id
               AND excluded.starts_at <= own.last_at AND excluded.ends_at > own.first_at)
"""
_SAME_KEY = "stored.day = own.day AND stored.utc_offset = own.utc_offset"

# The staged rows that are not simply new. `same`: exactly the stored row of one run, which nothing else touches.
# `fold`: everything else.
FIND_KNOWN = f"""
    SELECT own.stream, own.patient_id, own.stream_id, own.day, own.utc_offset, own.reading_count, own.first_at,
           own.last_at,
           CASE WHEN days.met = 1 AND days.same AND NOT contributed.met THEN 'same' ELSE 'fold' END AS kind,
           days.owner, days.met > 0 OR contributed.met AS is_met
      FROM (SELECT days.*, streams.patient_id, streams.stream_id FROM {{days}} AS days
              JOIN {{streams}} AS streams USING (stream) WHERE NOT streams.is_new) AS own
     CROSS JOIN LATERAL (
           SELECT count(*) AS met, max(stored.run_id) AS owner,
                  bool_and({_SAME_KEY} AND stored.run_id IS NOT NULL AND {same_content("stored", "own")}) AS same
             FROM ({MET_DAYS}) AS stored) AS days
     CROSS JOIN LATERAL (SELECT EXISTS ({MET_CONTRIBUTIONS}) AS met) AS contributed
     WHERE days.met > 0 OR contributed.met OR {_EXCLUDED}
"""  # noqa: S608 (constants of this module)

# The days that must be folded again because of `{known}`: theirs, and those of the stored rows that they meet.
AFFECTED_DAYS = f"""
    SELECT patient_id, stream_id, day, sum(reading_count) AS readings FROM (
        SELECT own.patient_id, own.stream_id, own.day, own.reading_count FROM {{known}} AS own WHERE kind = 'fold'
        UNION ALL
        SELECT own.patient_id, own.stream_id, met.day, met.reading_count
          FROM {{known}} AS own CROSS JOIN LATERAL ({MET_DAYS}) AS met WHERE kind = 'fold'
        UNION ALL
        SELECT own.patient_id, own.stream_id, met.day, met.reading_count
          FROM {{known}} AS own CROSS JOIN LATERAL ({MET_CONTRIBUTIONS}) AS met WHERE kind = 'fold'
    ) AS affected
     GROUP BY patient_id, stream_id, day
"""  # noqa: S608 (constants of this module)
