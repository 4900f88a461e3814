from typing import Any

from django.core.management import BaseCommand

from healthtrack.audit import partitions
from healthtrack.core.search_path import refuse_namesake_schema


class Command(BaseCommand):
    help = "Create the access log's next partitions, and drop those older than HEALTHTRACK_ACCESS_LOG_MONTHS."

    def handle(self, **_: Any) -> None:
        refuse_namesake_schema()
        partitions.create_month_partitions()
        for partition in partitions.drop_expired_partitions():
            self.stdout.write(f"dropped {partition}")
