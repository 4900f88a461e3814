"""The tables of readings may be distributed over several machines: they follow the rules that this needs."""

import pytest
from django.db import connection

from readings.models import DISTRIBUTABLE

pytestmark = pytest.mark.django_db

_BROKEN_RULES = """
    WITH named AS (
        SELECT oid, relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relname = ANY (%(tables)s::text[])
    )
    SELECT format('%%s has the trigger %%s', relname, tgname) FROM named JOIN pg_trigger ON tgrelid = named.oid
     WHERE NOT tgisinternal
    UNION ALL
    SELECT format('%%s has the foreign key %%s', relname, conname) FROM named JOIN pg_constraint ON conrelid = named.oid
     WHERE contype = 'f'
    UNION ALL
    SELECT format('%%s is referenced by %%s', relname, conrelid::regclass)
      FROM named JOIN pg_constraint ON confrelid = named.oid WHERE contype = 'f'
    UNION ALL
    SELECT format('the key %%s of %%s does not begin with patient_id', indexrelid::regclass, relname)
      FROM named JOIN pg_index ON indrelid = named.oid
      JOIN pg_attribute AS first ON first.attrelid = named.oid AND first.attnum = indkey[0]
     WHERE indisunique AND first.attname <> 'patient_id'
    UNION ALL
    SELECT format('%%s has no primary key', relname) FROM named
     WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = named.oid AND indisprimary)
    UNION ALL
    SELECT format('%%s.patient_id is not text COLLATE "C"', relname)
      FROM named JOIN pg_attribute ON attrelid = named.oid AND attname = 'patient_id'
      JOIN pg_collation ON pg_collation.oid = attcollation
     WHERE atttypid <> 'text'::regtype OR collname <> 'C'
    UNION ALL
    SELECT format('%%s.%%s has a default that reads a setting', relname, attname)
      FROM named JOIN pg_attrdef ON adrelid = named.oid JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
     WHERE pg_get_expr(adbin, adrelid) LIKE '%%current_setting%%'
    UNION ALL
    SELECT format('%%s is partitioned twice', relname) FROM named JOIN pg_partition_tree(named.oid) AS part ON true
     WHERE part.level > 1
    UNION ALL
    SELECT format('there is no table %%s', name) FROM unnest(%(tables)s::text[]) AS name
     WHERE name NOT IN (SELECT relname FROM named)
"""


def broken_rules() -> list[str]:
    tables = [model._meta.db_table for model in DISTRIBUTABLE]
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN_RULES, {"tables": tables})
        return [sentence for (sentence,) in cursor.fetchall()]


def test_the_tables_follow_the_rules() -> None:
    assert broken_rules() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "CREATE TRIGGER one BEFORE UPDATE ON reading_days FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()",
            "reading_days has the trigger one",
        ),
        (
            "ALTER TABLE reading_streams ADD CONSTRAINT one FOREIGN KEY (metric_id) REFERENCES metrics",
            "reading_streams has the foreign key one",
        ),
        (
            "CREATE UNIQUE INDEX one ON reading_streams (stream_id)",
            "the key one of reading_streams does not begin with patient_id",
        ),
        ("ALTER TABLE episodes DROP CONSTRAINT episodes_pkey", "episodes has no primary key"),
        (
            "ALTER TABLE episodes ALTER COLUMN patient_id TYPE varchar",
            'episodes.patient_id is not text COLLATE "C"',
        ),
        (
            "ALTER TABLE episodes ALTER COLUMN run_id SET DEFAULT current_setting('healthtrack.run')::bigint",
            "episodes.run_id has a default that reads a setting",
        ),
    ],
)
def test_a_table_that_breaks_a_rule_is_found(change: str, sentence: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(change)
    assert broken_rules() == [sentence]


def test_a_partition_is_created_once_and_blocks_neither_readers_nor_writers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reading_days_make_year(1987), reading_days_make_year(1987)")
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'reading_days'::regclass")
        assert cursor.fetchone()[0] >= 1
        cursor.execute(
            """
            SELECT mode FROM pg_locks
             WHERE relation = 'reading_days'::regclass AND pid = pg_backend_pid()
               AND mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock')
            """
        )
        assert cursor.fetchall() == []


def test_a_partition_of_an_impossible_year_is_refused() -> None:
    with connection.cursor() as cursor, pytest.raises(Exception, match="no partition for the year 9999"):
        cursor.execute("SELECT reading_days_make_year(9999)")
