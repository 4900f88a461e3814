"""Tables with a partition for each month: created ahead, and dropped at the end of the retention period.

A model of such a table has an attribute `partitions`. Its migration creates the table, its default partition, and the
function that creates the partition of a month.
"""

from dataclasses import dataclass
from datetime import date

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils import timezone

MONTHS_AHEAD = 2

# The function runs with its owner's rights, so it only accepts months near today. Rows that were written while their
# month had no partition are in the default partition, and are moved.
_MAKE = """
    CREATE FUNCTION {table}_make_month(month date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        first timestamp := date_trunc('month', month::timestamp);
        part text := '{table}_' || to_char(first, 'YYYY_MM');
        since timestamptz := first AT TIME ZONE 'UTC';
        until timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
    BEGIN
        IF since NOT BETWEEN now() - interval '2 months' AND now() + interval '6 months' THEN
            RAISE EXCEPTION 'The table {table} gets no partition for %, which is too far from today.', month;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('{table}'));
        IF to_regclass('public.' || part) IS NOT NULL THEN
            RETURN;
        END IF;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.{table} INCLUDING CONSTRAINTS INCLUDING INDEXES)', part);
        LOCK TABLE public.{table}_default IN ACCESS EXCLUSIVE MODE;
        ALTER TABLE public.{table}_default DISABLE TRIGGER append_only;
        EXECUTE format('WITH moved AS (DELETE FROM public.{table}_default'
                       ' WHERE {moment} >= $1 AND {moment} < $2 RETURNING *)'
                       ' INSERT INTO public.%I SELECT * FROM moved', part) USING since, until;
        ALTER TABLE public.{table}_default ENABLE TRIGGER append_only;
        EXECUTE format('ALTER TABLE public.{table} ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                       part, since, until);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting()', part);
    END $$;
"""
_GUARD_DEFAULT = """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}_default
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
"""
_FIRST_MONTHS = """
    SELECT {table}_make_month((now() AT TIME ZONE 'UTC' + ahead * interval '1 month')::date)
      FROM generate_series(0, 2) AS ahead;
"""
_PARTITIONS = """
    SELECT part.relname, pg_has_role(part.relowner, 'USAGE') FROM pg_inherits
      JOIN pg_class AS part ON part.oid = inhrelid
     WHERE inhparent = format('public.%%I', %(table)s::text)::regclass
       AND part.relname ~ format('^%%s_[0-9]{4}_[0-9]{2}$', %(table)s::text)
"""


@dataclass(frozen=True)
class MonthlyPartitions:
    """The partitions of a table by the month of a column."""

    table: str
    moment: str

    @property
    def statements(self) -> tuple[str, str, str]:
        """Return what a migration runs after it has created the table and its default partition.

        They make the default partition append-only, create the function for further partitions, and call it for this
        month and the next two. Migrations use them, so never change what they do.
        """
        make = _MAKE.replace("{table}", self.table).replace("{moment}", self.moment)
        return _GUARD_DEFAULT.format(table=self.table), make, _FIRST_MONTHS.format(table=self.table)

    def create(self) -> None:
        """Create the partitions of this month and the next ones, if they do not exist yet."""
        today = timezone.now().date()
        function = connection.ops.quote_name(f"{self.table}_make_month")
        with connection.cursor() as cursor:
            for ahead in range(MONTHS_AHEAD + 1):
                cursor.execute(f"SELECT public.{function}(%s)", [add_months(today, ahead)])

    def drop_expired(self) -> list[str]:
        """Drop the partitions older than the retention period that the session's role owns, and return their names."""
        oldest = self.get_name(add_months(timezone.now().date(), -settings.ACCESS_LOG_MONTHS))
        with connection.cursor() as cursor:
            cursor.execute(_PARTITIONS, {"table": self.table})
            old = sorted(name for name, is_ours in cursor.fetchall() if is_ours and name < oldest)
            for name in old:
                cursor.execute(f"DROP TABLE public.{connection.ops.quote_name(name)}")
        return old

    def get_name(self, day: date) -> str:
        """Return the name of the partition for this day's month."""
        return f"{self.table}_{day:%Y_%m}"


def maintain() -> list[str]:
    """Create the coming partitions of all tables, drop the expired ones, and return the names of those."""
    tables: list[MonthlyPartitions] = [model.partitions for model in apps.get_models() if hasattr(model, "partitions")]
    for table in tables:
        table.create()
    return [name for table in tables for name in table.drop_expired()]


def add_months(day: date, months: int) -> date:
    """Return the first day of the month that comes this number of months after the month of the day."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
