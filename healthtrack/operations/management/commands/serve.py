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

from healthtrack.accounts.sign_in import second_factor
from healthtrack.core.environment_values import MAX_PORT
from healthtrack.operations import demo
from healthtrack.operations.embedded_postgres import EMBEDDED_ENGINE
from healthtrack.operations.preparation import (
    as_command_error,
    outdated_postgresql,
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
    """A request handler that logs no addresses."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Log nothing, because addresses may name a patient."""


class SignalHandler:
    """Stop the set-up or the server at SIGINT, SIGTERM or SIGHUP.

    It also shuts down the server, because Python loses a KeyboardInterrupt in some places, such as in a destructor.
    """

    def __init__(self, server: ThreadedWSGIServer) -> None:
        self.server = server
        self.interrupts = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup this signal is ignored, so that closing the terminal does not end the program.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self)

    def __call__(self, *_: object) -> None:
        threading.Thread(target=self.server.shutdown, daemon=True).start()
        if self.interrupts:
            raise KeyboardInterrupt


class Command(BaseCommand):
    help = "Set up the database, with sample data on the first run, and serve HealthTrack on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--patients",
            type=int,
            metavar="N",
            help=f"how many invented patients the first run loads; by default {SAMPLE_PATIENTS:,}, or none if"
            " DATABASE_URL is set",
        )

    def handle(self, *, patients: int | None, **_: object) -> None:
        if patients is None:
            patients = SAMPLE_PATIENTS if is_embedded() else 0
        port = settings.PORT
        prepare_data_folder()
        refuse_role_that_can_rewrite_history()
        with listen(port) as server:
            signals = SignalHandler(server)
            try:
                self.set_up(patients)
                signals.interrupts = False
                self.greet(port)
                server.set_app(make_application(get_internal_wsgi_application()))
                with run_worker():
                    server.serve_forever()
            except KeyboardInterrupt:
                signals.interrupts = False
        self.say("HealthTrack has stopped.")

    def set_up(self, patients: int) -> None:
        try:
            demo.set_up(patients, self.say)
            self.sign_in = demo.describe_sign_in()
            if sentence := outdated_postgresql():
                self.say(f"WARNING: {sentence}")
        except Error as error:
            raise as_command_error(error) from error
        finally:
            connection.close()

    def greet(self, port: int) -> None:
        self.say(f"HealthTrack runs at http://{HOST}:{port}/")
        for name, value in (*self.sign_in, ("data", describe_data_place()), ("to stop", "Ctrl-C")):
            self.say(f"  {name:<10} {value}")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


@contextmanager
def run_worker() -> Iterator[None]:
    """Run a worker during the block, and start another one when it dies."""
    ended = threading.Event()
    thread = threading.Thread(target=_restart_worker, args=[ended])
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _restart_worker(ended: threading.Event) -> None:
    while not ended.is_set():
        # In a session of its own: at Ctrl-C in the terminal, the server stops first, and then the worker.
        with subprocess.Popen(WORKER, stdin=subprocess.PIPE, start_new_session=True) as worker:  # noqa: S603 (a fixed program, without a shell)
            while worker.poll() is None and not ended.wait(WORKER_TICK_SECONDS):
                pass
            worker.terminate()
        ended.wait(WORKER_PAUSE_SECONDS)


def make_application(application: WSGIApplication) -> WSGIApplication:
    """Require a second factor only if a variable says so, because nobody else can reach this server."""
    if settings.PRODUCTION or settings.ENVIRONMENT.second_factor:
        return application
    return second_factor.waive_second_factor(application)


def listen(port: int) -> ThreadedWSGIServer:
    """Return a server on the port; called first, so that nobody waits for a set-up that cannot be served."""
    try:
        return ThreadedWSGIServer((HOST, port), QuietRequestHandler)
    except OSError as error:
        other = port + 1 if DEFAULT_PORT <= port < MAX_PORT else DEFAULT_PORT
        reasons = {
            errno.EADDRINUSE: "is used by another program",
            errno.EACCES: "needs the rights of an administrator",
        }
        reason = reasons.get(error.errno or 0, f"cannot be used ({error.strerror})")
        raise CommandError(f"Port {port} {reason}; choose another port: PORT={other} make run") from error


def is_embedded() -> bool:
    """Return whether the database is the embedded one."""
    return bool(connection.settings_dict["ENGINE"] == EMBEDDED_ENGINE)


def describe_data_place() -> str:
    """Return where the data is, for the greeting."""
    folder = str(settings.HEALTHTRACK_DATA_DIR)
    if is_embedded():
        return folder
    return f"database {connection.settings_dict['NAME']} of DATABASE_URL; secrets in {folder}"
