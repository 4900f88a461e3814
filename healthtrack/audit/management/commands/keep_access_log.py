from typing import Any

from django.core.management import BaseCommand

from healthtrack.core.database import monthly_partitions
from healthtrack.core.database.search_path import refuse_namesake_schema


class Command(BaseCommand):
    help = (
        "Create the next partitions of the access log and the sign-in events, and drop those older than"
        " HEALTHTRACK_ACCESS_LOG_MONTHS."
    )

    def handle(self, **_: Any) -> None:
        refuse_namesake_schema()
        for partition in monthly_partitions.maintain():
            self.stdout.write(f"dropped {partition}")
