"""Take the contributions of a run out of the day rows, and let runs become final."""

from django.db.backends.utils import CursorWrapper

from healthtrack.imports.staging_tables import STAGING_SCHEMA
from readings.store.applying import prefer_keys
from readings.store.fold import Change, fold_days
from readings.store.overlaps import AFFECTED_DAYS, MET_CONTRIBUTIONS, MET_DAYS

_SAME_DAY = "AND ".join(f"stored.{name} = own.{name} " for name in ("patient_id", "stream_id", "day", "utc_offset"))
# Each day to which the run contributed, with the period of its readings. `owner`: its readings are the row of the day;
# `marker`: they are those of another run's row of the day; `fold`: others meet them.
_FIND_OWN = f"""
    SELECT own.*, CASE WHEN days.met > 1 OR contributed.met THEN 'fold' ELSE own.place END AS kind
      FROM (SELECT patient_id, stream_id, day, utc_offset, reading_count, first_at, last_at, 'owner' AS place
              FROM reading_days WHERE run_id = %(run)s
            UNION ALL
            SELECT patient_id, stream_id, day, utc_offset, reading_count, first_at, last_at, 'fold'
              FROM reading_contributions WHERE run_id = %(run)s AND same_as IS NULL
            UNION ALL
            SELECT own.patient_id, own.stream_id, own.day, own.utc_offset, stored.reading_count, stored.first_at,
                   stored.last_at, 'marker'
              FROM reading_contributions AS own
              JOIN reading_days AS stored ON {_SAME_DAY} AND stored.run_id = own.same_as
             WHERE own.run_id = %(run)s
            UNION ALL
            SELECT own.patient_id, own.stream_id, own.day, own.utc_offset, stored.reading_count, stored.first_at,
                   stored.last_at, 'fold'
              FROM reading_contributions AS own
              JOIN reading_contributions AS stored ON {_SAME_DAY} AND stored.run_id = own.same_as
             WHERE own.run_id = %(run)s) AS own
     CROSS JOIN LATERAL (SELECT count(*) AS met FROM ({MET_DAYS}) AS stored) AS days
     CROSS JOIN LATERAL (SELECT EXISTS ({MET_CONTRIBUTIONS}) AS met) AS contributed
"""  # noqa: S608 (constants of this module)
# The first of the runs that brought the same takes the place of the run that goes.
_SUCCESSORS = f"""
    SELECT DISTINCT ON (own.patient_id, own.stream_id, own.day, own.utc_offset)
           own.patient_id, own.stream_id, own.day, own.utc_offset, stored.run_id
      FROM {{own}} AS own JOIN reading_contributions AS stored ON {_SAME_DAY} AND stored.same_as = %(run)s
      JOIN reading_runs AS run ON run.run_id = stored.run_id
     WHERE own.kind = 'owner'
     ORDER BY own.patient_id, own.stream_id, own.day, own.utc_offset, run.position
"""  # noqa: S608 (constants of this module)
_HAND_OVER = f"""
    UPDATE reading_days AS stored SET run_id = own.run_id FROM {{successors}} AS own WHERE {_SAME_DAY};
    DELETE FROM reading_contributions AS stored USING {{successors}} AS own
     WHERE {_SAME_DAY} AND stored.run_id = own.run_id;
    UPDATE reading_contributions AS stored SET same_as = own.run_id FROM {{successors}} AS own
     WHERE {_SAME_DAY} AND stored.same_as = {{run}};
    DELETE FROM reading_days AS stored USING {{own}} AS own
     WHERE {_SAME_DAY} AND own.kind = 'owner' AND stored.run_id = {{run}};
    DELETE FROM reading_contributions AS stored USING {{own}} AS own
     WHERE {_SAME_DAY} AND own.kind = 'marker' AND stored.run_id = {{run}};
"""  # noqa: S608 (constants of this module)
_REMOVE_EMPTY = """
    DELETE FROM reading_streams AS stream USING (SELECT DISTINCT patient_id, stream_id FROM {own}) AS own
     WHERE stream.patient_id = own.patient_id AND stream.stream_id = own.stream_id
       AND NOT EXISTS (SELECT FROM reading_days AS rest
                        WHERE rest.patient_id = own.patient_id AND rest.stream_id = own.stream_id)
       AND NOT EXISTS (SELECT FROM episodes AS rest
                        WHERE rest.patient_id = own.patient_id AND rest.stream_id = own.stream_id)
       AND NOT EXISTS (SELECT FROM reading_exclusions AS rest
                        WHERE rest.patient_id = own.patient_id AND rest.stream_id = own.stream_id)
       AND NOT EXISTS (SELECT FROM stream_devices AS rest WHERE rest.patient_id = own.patient_id
                          AND rest.stream_id = own.stream_id AND rest.decision = 'person');
    DELETE FROM stream_devices AS rest USING (SELECT DISTINCT patient_id, stream_id FROM {own}) AS own
     WHERE rest.patient_id = own.patient_id AND rest.stream_id = own.stream_id
       AND NOT EXISTS (SELECT FROM reading_streams AS stream
                        WHERE stream.patient_id = own.patient_id AND stream.stream_id = own.stream_id);
"""


def undo(cursor: CursorWrapper, run_id: int) -> int:
    """Remove what the run contributed, and return the number of days that this concerned.

    The days are then what the other runs alone would have made. Call it within a transaction, after `lock_order`.
    """
    own = _find_own(cursor, run_id)
    _hand_over(cursor, own, run_id)
    fold_days(cursor, AFFECTED_DAYS.format(known=own), Change(without=run_id))
    cursor.execute("DELETE FROM reading_runs WHERE run_id = %s", [run_id])
    days = f"{own}_days"
    cursor.execute(
        f"CREATE TABLE {days} AS SELECT patient_id, stream_id, day, utc_offset FROM {own}"  # noqa: S608 (own names)
        " UNION SELECT patient_id, stream_id, day, start_offset FROM episodes WHERE run_id = %s",
        [run_id],
    )
    removed: int = cursor.rowcount
    if removed:  # otherwise all streams would be read for nothing
        cursor.execute("DELETE FROM episodes WHERE run_id = %s", [run_id])
        cursor.execute(_REMOVE_EMPTY.format(own=days))
    cursor.execute(f"DROP TABLE {own}, {days}")
    return removed


def make_final(cursor: CursorWrapper, run_id: int) -> None:
    """Let the run be final, and unite what it contributed with what earlier final runs contributed.

    Runs become final in their order. Call it within a transaction, after `lock_order`.
    """
    cursor.execute("UPDATE reading_runs SET is_final = true WHERE run_id = %s", [run_id])
    cursor.execute("SELECT run_id FROM reading_runs WHERE is_final")
    final = [number for (number,) in cursor.fetchall()]
    own = _find_own(cursor, run_id)
    # The owner of the day is an earlier run, so it is final too.
    cursor.execute(
        f"DELETE FROM reading_contributions AS stored USING {own} AS own"  # noqa: S608 (own name)
        f" WHERE {_SAME_DAY} AND own.kind = 'marker' AND stored.run_id = %s",
        [run_id],
    )
    fold_days(cursor, AFFECTED_DAYS.format(known=own), Change(final=final))
    cursor.execute(f"DROP TABLE {own}")


def _find_own(cursor: CursorWrapper, run_id: int) -> str:
    """Create the table of the days to which the run contributed, and return its name."""
    own = f"{STAGING_SCHEMA}.run_{run_id:d}_own"
    cursor.execute(f"DROP TABLE IF EXISTS {own}")
    prefer_keys(cursor)
    cursor.execute(f"CREATE TABLE {own} AS {_FIND_OWN}", {"run": run_id})
    cursor.execute(f"CREATE INDEX ON {own} (patient_id, stream_id, day)")
    cursor.execute(f"ANALYZE {own}")
    return own


def _hand_over(cursor: CursorWrapper, own: str, run_id: int) -> None:
    successors = f"{own}_successors"
    cursor.execute(f"CREATE TABLE {successors} AS {_SUCCESSORS.format(own=own)}", {"run": run_id})
    cursor.execute(_HAND_OVER.format(own=own, successors=successors, run=run_id))
    cursor.execute(f"DROP TABLE {successors}")
