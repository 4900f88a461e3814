from django.core.management.base import BaseCommand

from healthtrack.operations import static_files
from healthtrack.operations.preparation import prepare_data_folder


class Command(BaseCommand):
    help = "Makes the data folder and the secret key, and collects the static files. Each start of gunicorn runs it."

    def handle(self, **_: object) -> None:
        prepare_data_folder()
        static_files.collect()
