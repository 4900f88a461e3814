"""The access log's parts, one a month: made ahead, and dropped when they are older than is kept."""

from datetime import date

from django.conf import settings
from django.db import connection
from django.utils import timezone

MONTHS_AHEAD = 2

# Whoever runs it, it acts as its owner, and so does no more than make parts of these months. Rows that came while
# their month had no part stand in the default one, and are brought over.
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
_PARTS = """
    SELECT part.relname, pg_has_role(part.relowner, 'USAGE') FROM pg_inherits
      JOIN pg_class AS part ON part.oid = inhrelid
     WHERE inhparent = 'access_log'::regclass AND part.relname ~ '^access_log_[0-9]{4}_[0-9]{2}$'
"""


def make_months() -> None:
    """This month's part and the next ones, where they are not there yet."""
    today = timezone.now().date()
    with connection.cursor() as cursor:
        for ahead in range(MONTHS_AHEAD + 1):
            cursor.execute("SELECT access_log_make_month(%s)", [_months_later(today, ahead)])


def drop_old_months() -> list[str]:
    """What is older than is kept goes, where the session's role owns it; says which parts went."""
    oldest = part_of(_months_later(timezone.now().date(), -settings.ACCESS_LOG_MONTHS))
    with connection.cursor() as cursor:
        cursor.execute(_PARTS)
        old = sorted(part for part, is_ours in cursor.fetchall() if is_ours and part < oldest)
        for part in old:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(part)}")
    return old


def part_of(day: date) -> str:
    return f"access_log_{day:%Y_%m}"


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
