import asyncio
import os
import signal
import sys
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations.preparation import (
    log_outdated_postgresql,
    prepare_data_folder,
    refuse_role_that_can_rewrite_history,
)
from healthtrack.operations.worker import GRACE_SECONDS, work

NICENESS = 5  # pages have priority over imports


class Command(BaseCommand):
    help = "Check and import uploaded files. Stops at Ctrl-C or SIGTERM; the next worker continues its jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--until-input-ends",
            action="store_true",
            help="stop also when the standard input ends, that is, when the program that started the worker has ended",
        )

    def handle(self, *, until_input_ends: bool, **_: Any) -> None:
        prepare_data_folder()
        refuse_role_that_can_rewrite_history()
        os.nice(NICENESS)
        if until_input_ends:  # started by `manage.py serve`, which warns by itself
            threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
        else:
            log_outdated_postgresql()
        # Until the worker itself listens for it, a request to stop would end the process as if it had failed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        asyncio.run(work())


def _stop_at_end_of_input() -> None:
    # Without a buffer: this thread would hold the lock of the buffer, and Python would abort when the worker ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Python loses the exception of the signal's handler in some places, such as in a destructor. Another worker takes
    # over the jobs of a worker that was killed.
    time.sleep(2 * GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
