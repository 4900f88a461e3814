"""The access log's monthly partitions: created ahead, and dropped at the end of the retention period."""

from datetime import date

from django.conf import settings
from django.db import connection
from django.utils import timezone

MONTHS_AHEAD = 2

# The function runs with its owner's rights, so it only accepts months near today. Rows that were written while their
# month had no partition are in the default partition, and are moved.
MAKE = """
    CREATE FUNCTION access_log_make_month(month date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        first timestamp := date_trunc('month', month::timestamp);
        part text := 'access_log_' || to_char(first, 'YYYY_MM');
        since timestamptz := first AT TIME ZONE 'UTC';
        until timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
    BEGIN
        IF since NOT BETWEEN now() - interval '2 months' AND now() + interval '6 months' THEN
            RAISE EXCEPTION 'The access log gets no part for %, which is too far from today.', month;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('access_log'));
        IF to_regclass('public.' || part) IS NOT NULL THEN
            RETURN;
        END IF;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.access_log INCLUDING CONSTRAINTS INCLUDING INDEXES)', part);
        LOCK TABLE public.access_log_default IN ACCESS EXCLUSIVE MODE;
        ALTER TABLE public.access_log_default DISABLE TRIGGER append_only;
        EXECUTE format('WITH moved AS (DELETE FROM public.access_log_default'
                       ' WHERE seen_at >= $1 AND seen_at < $2 RETURNING *)'
                       ' INSERT INTO public.%I SELECT * FROM moved', part) USING since, until;
        ALTER TABLE public.access_log_default ENABLE TRIGGER append_only;
        EXECUTE format('ALTER TABLE public.access_log ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                       part, since, until);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting()', part);
    END $$;
"""
_PARTITIONS = """
    SELECT part.relname, pg_has_role(part.relowner, 'USAGE') FROM pg_inherits
      JOIN pg_class AS part ON part.oid = inhrelid
     WHERE inhparent = 'public.access_log'::regclass AND part.relname ~ '^access_log_[0-9]{4}_[0-9]{2}$'
"""


def create_month_partitions() -> None:
    """Create the partitions of this month and the next ones, if they do not exist yet."""
    today = timezone.now().date()
    with connection.cursor() as cursor:
        for ahead in range(MONTHS_AHEAD + 1):
            cursor.execute("SELECT public.access_log_make_month(%s)", [_months_later(today, ahead)])


def drop_expired_partitions() -> list[str]:
    """Drop the partitions older than the retention period that the session's role owns, and return their names."""
    oldest = get_partition_name(_months_later(timezone.now().date(), -settings.ACCESS_LOG_MONTHS))
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        old = sorted(name for name, is_ours in cursor.fetchall() if is_ours and name < oldest)
        for name in old:
            cursor.execute(f"DROP TABLE public.{connection.ops.quote_name(name)}")
    return old


def get_partition_name(day: date) -> str:
    """Return the name of the partition for this day's month."""
    return f"access_log_{day:%Y_%m}"


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
