"""What may be done only so often; counted in the database, for several processes serve."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from healthtrack.accounts.models import UseCount

KEPT = timedelta(days=1)
_USE = """
INSERT INTO use_counts AS counted (what, period, uses) VALUES (%s, %s, 1)
ON CONFLICT (what, period) DO UPDATE SET uses = counted.uses + 1 RETURNING uses
"""


@dataclass(frozen=True)
class Limit:
    what: str
    most: int
    seconds: int  # of a period

    def use(self, who: str) -> bool:
        """Whether this time was one of those that there may be."""
        with connection.cursor() as cursor:
            cursor.execute(_USE, [f"{self.what} {who}", self._period])
            uses: int = cursor.fetchone()[0]
        if uses == 1:
            UseCount.objects.filter(period__lt=timezone.now() - KEPT).delete()
        return uses <= self.most

    def is_used_up(self, who: str) -> bool:
        return UseCount.objects.filter(what=f"{self.what} {who}", period=self._period, uses__gte=self.most).exists()

    @property
    def seconds_left(self) -> int:
        end = self._period + timedelta(seconds=self.seconds)
        return max(1, math.ceil((end - timezone.now()).total_seconds()))

    @property
    def _period(self) -> datetime:
        now = timezone.now().timestamp()
        return datetime.fromtimestamp(now - now % self.seconds, UTC)


FAILED_FROM = Limit("failed sign-ins from", 50, 15 * 60)
FAILED_AS = Limit("failed sign-ins as", 25, 15 * 60)


def files() -> Limit:
    return Limit("files of", settings.FILES_A_MINUTE, 60)
