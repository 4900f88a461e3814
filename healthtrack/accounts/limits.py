"""Rate limits. Uses are counted in the database, because several processes serve requests."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from healthtrack.accounts.models import UseCount

COUNT_RETENTION = timedelta(days=1)
_USE = """
INSERT INTO use_counts AS counted (what, period, uses) VALUES (%s, %s, 1)
ON CONFLICT (what, period) DO UPDATE SET uses = counted.uses + 1 RETURNING uses
"""


@dataclass(frozen=True)
class Limit:
    """A rate limit: at most `maximum` uses for each person or address in a period of so many seconds.

    `what` begins the name under which uses are counted in the table use_counts.
    """

    what: str
    maximum: int
    seconds: int

    def use(self, who: str) -> bool:
        """Count one use, and return whether it was within the limit."""
        with connection.cursor() as cursor:
            cursor.execute(_USE, [f"{self.what} {who}", self._period])
            uses: int = cursor.fetchone()[0]
        if uses == 1:
            UseCount.objects.filter(period__lt=timezone.now() - COUNT_RETENTION).delete()
        return uses <= self.maximum

    def is_used_up(self, who: str) -> bool:
        """Return whether the limit is reached in the current period, without counting a use."""
        return UseCount.objects.filter(what=f"{self.what} {who}", period=self._period, uses__gte=self.maximum).exists()

    @property
    def seconds_left(self) -> int:
        """Return the seconds until the current period ends, at least one."""
        end = self._period + timedelta(seconds=self.seconds)
        return max(1, math.ceil((end - timezone.now()).total_seconds()))

    @property
    def _period(self) -> datetime:
        now = timezone.now().timestamp()
        return datetime.fromtimestamp(now - now % self.seconds, UTC)


FAILURES_FROM_ADDRESS = Limit("failed sign-ins from", 50, 15 * 60)
FAILURES_FOR_NAME = Limit("failed sign-ins as", 25, 15 * 60)
CODES_IN_KNOWN_BROWSER = Limit("codes in the known browser", 5, 15 * 60)
RECORDED_REFUSALS = Limit("recorded refusals from", 100, 15 * 60)
PASSWORD_CHECKS = Limit("passwords entered while signed in by", 5, 15 * 60)


def get_download_limit() -> Limit:
    """Return the rate limit of the files that one person may download."""
    return Limit("files of", settings.FILES_A_MINUTE, 60)
