import errno
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application
from django.db import Error, connection

from healthtrack.accounts import second_factor
from healthtrack.core.environment_values import MAX_PORT
from healthtrack.operations import demo
from healthtrack.operations.embedded_postgres import EMBEDDED_ENGINE
from healthtrack.operations.preparation import (
    database_fault,
    prepare_data_folder,
    refuse_role_that_can_rewrite_history,
)

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
SAMPLE_PATIENTS = 2000
WORKER = (sys.executable, Path(settings.BASE_DIR, "manage.py"), "worker", "--until-input-ends")
WORKER_TICK_SECONDS = 0.2
WORKER_PAUSE_SECONDS = 1.0


class QuietRequestHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Writes nothing: addresses hold what was searched for, which may be a patient's name."""


class Stop:
    """Ends the set-up, or the serving, when a signal says so.

    An interrupt alone is lost where Python cannot raise it, as in a destructor; the server's own request is not.
    """

    def __init__(self, server: ThreadedWSGIServer) -> None:
        self.server = server
        self.interrupts = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has this one ignored, so that closing the terminal does not end the program.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self)

    def __call__(self, *_: object) -> None:
        threading.Thread(target=self.server.shutdown, daemon=True).start()
        if self.interrupts:
            raise KeyboardInterrupt


class Command(BaseCommand):
    help = "Sets the database up, with sample data on the first run, and serves HealthTrack on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--patients",
            type=int,
            metavar="N",
            help=f"how many invented patients the first run loads; by default {SAMPLE_PATIENTS:,}, or none where"
            " DATABASE_URL names the database",
        )

    def handle(self, *, patients: int | None, **_: object) -> None:
        if patients is None:
            patients = SAMPLE_PATIENTS if is_embedded() else 0
        port = settings.PORT
        prepare_data_folder()
        refuse_role_that_can_rewrite_history()
        with listen(port) as server:
            stop = Stop(server)
            try:
                self.set_up(patients)
                stop.interrupts = False
                self.greet(port)
                server.set_app(application(get_internal_wsgi_application()))
                with kept_worker():
                    server.serve_forever()
            except KeyboardInterrupt:
                stop.interrupts = False
        self.say("HealthTrack has stopped.")

    def set_up(self, patients: int) -> None:
        try:
            demo.prepare(patients, self.say)
            self.sign_in = demo.sign_in()
        except Error as fault:
            raise database_fault(fault) from fault
        finally:
            connection.close()

    def greet(self, port: int) -> None:
        self.say(f"HealthTrack runs at http://{HOST}:{port}/")
        for name, value in (*self.sign_in, ("data", data_place()), ("to stop", "Ctrl-C")):
            self.say(f"  {name:<10} {value}")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


@contextmanager
def kept_worker() -> Iterator[None]:
    """A worker beside the server, another one when it dies, and none when the server ends."""
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=[ended])
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _keep_worker(ended: threading.Event) -> None:
    while not ended.is_set():
        # In a session of its own, for Ctrl-C in the terminal is the server's to pass on.
        with subprocess.Popen(WORKER, stdin=subprocess.PIPE, start_new_session=True) as worker:  # noqa: S603
            while worker.poll() is None and not ended.wait(WORKER_TICK_SECONDS):
                pass
            worker.terminate()
        ended.wait(WORKER_PAUSE_SECONDS)


def application(whole: WSGIApplication) -> WSGIApplication:
    """Ask for a second factor only where the environment says so: nobody else can reach this server."""
    if settings.PRODUCTION or settings.ENVIRONMENT.second_factor:
        return whole
    return second_factor.waive_second_factor(whole)


def listen(port: int) -> ThreadedWSGIServer:
    """Takes the port first of all: nobody should wait for a set-up that cannot be served."""
    try:
        return ThreadedWSGIServer((HOST, port), QuietRequestHandler)
    except OSError as fault:
        other = port + 1 if DEFAULT_PORT <= port < MAX_PORT else DEFAULT_PORT
        reasons = {
            errno.EADDRINUSE: "is taken by another program",
            errno.EACCES: "is reserved to the system's administrator",
        }
        reason = reasons.get(fault.errno or 0, f"cannot be used ({fault.strerror})")
        raise CommandError(f"Port {port} {reason}; choose another one: PORT={other} make run") from fault


def is_embedded() -> bool:
    return bool(connection.settings_dict["ENGINE"] == EMBEDDED_ENGINE)


def data_place() -> str:
    folder = str(settings.HEALTHTRACK_DATA_DIR)
    if is_embedded():
        return folder
    return f"database {connection.settings_dict['NAME']} of DATABASE_URL; secrets in {folder}"
