from django.core.management.base import BaseCommand

from healthtrack.operations import static_files
from healthtrack.operations.preparation import prepare_data_folder, refuse_role_that_can_rewrite_history


class Command(BaseCommand):
    help = (
        "Makes the data folder and the secret key, collects the static files, and in production refuses a database role"
        " that can rewrite the history. Each start of gunicorn runs it."
    )

    def handle(self, **_: object) -> None:
        prepare_data_folder()
        refuse_role_that_can_rewrite_history()
        static_files.collect()
