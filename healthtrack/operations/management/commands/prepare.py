from django.core.management.base import BaseCommand

from healthtrack.operations import static_files
from healthtrack.operations.preparation import (
    log_outdated_postgresql,
    log_problems_with_keys_of_apps,
    prepare_data_folder,
    refuse_role_that_can_rewrite_history,
)


class Command(BaseCommand):
    help = (
        "Create the data folder and the secret key, collect the static files, and in production refuse a database role"
        " that can change the history. Gunicorn runs this command at each start."
    )

    def handle(self, **_: object) -> None:
        prepare_data_folder()
        refuse_role_that_can_rewrite_history()
        log_outdated_postgresql()
        log_problems_with_keys_of_apps()
        static_files.collect()
