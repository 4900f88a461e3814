from typing import Any

from django.core.management import BaseCommand

from healthtrack.audit import partitions


class Command(BaseCommand):
    help = "Makes the access log's parts of the months ahead, and drops those older than HEALTHTRACK_ACCESS_LOG_MONTHS."

    def handle(self, **_: Any) -> None:
        partitions.make_months()
        for part in partitions.drop_old_months():
            self.stdout.write(f"dropped {part}")
