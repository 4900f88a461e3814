import asyncio
import os
import signal
import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations.preparation import prepare_data_folder, refuse_role_that_can_rewrite_history
from healthtrack.operations.worker import work

NICENESS = 5  # who waits for a page goes before who waits for an import


class Command(BaseCommand):
    help = (
        "Checks and imports the files that were uploaded. Ends at Ctrl-C or SIGTERM, and leaves its jobs to the next."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--until-input-ends",
            action="store_true",
            help="end with the standard input too, as it ends with the program that holds it",
        )

    def handle(self, *, until_input_ends: bool, **_: Any) -> None:
        prepare_data_folder()
        refuse_role_that_can_rewrite_history()
        os.nice(NICENESS)
        if until_input_ends:
            threading.Thread(target=_end_with_input, daemon=True).start()
        asyncio.run(work())


def _end_with_input() -> None:
    # Not through a buffer: its lock, held by a thread that waits, has Python abort where the worker ends otherwise.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
