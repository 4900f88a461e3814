"""The first run: tables, invented data to look at, and an administrator to sign in with."""

import io
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from healthtrack.core import secret_files
from healthtrack.operations import static_files

USERNAME = "demo"
# Stands in place of a password until the sample data is loaded: so a first run that was cut short is known by
# the database itself, and nobody can sign in half-way.
UNFINISHED = "!first run unfinished"
SET_UP_LOCK = 0x48_65_61_6C_74_68
Say = Callable[[str], None]


def prepare(patients: int, say: Say) -> None:
    with _alone(say):
        call_command("migrate", interactive=False, verbosity=0)
        if not settings.DEBUG:  # which takes them from where they lie
            static_files.collect()
        if _is_first_run():
            User.objects.create(username=USERNAME, is_staff=True, is_superuser=True, password=UNFINISHED)
        if User.objects.filter(password=UNFINISHED).exists():
            if patients:
                say(f"Loading sample data: {patients:,} invented patients ...")
                _load_sample_data(patients)
            _let_in(User.objects.get(password=UNFINISHED))
        elif _has_no_administrator():
            _let_in(User(username=USERNAME, is_staff=True, is_superuser=True))


def sign_in() -> list[tuple[str, str]]:
    """How to sign in, as lines of a name and what it is."""
    administrator = User.objects.filter(username=USERNAME, is_active=True).first()
    if administrator is None:
        return [("sign in", "with an account of your own")]
    file = _password_file()
    password = file.read_text() if file.exists() else ""
    if not administrator.check_password(password):
        password = f"was changed; `.venv/bin/python manage.py changepassword {USERNAME}` sets another"
    return [("user name", USERNAME), ("password", password)]


@contextmanager
def _alone(say: Say) -> Iterator[None]:
    """One start at a time sets the database up.

    The lock has a connection of its own, which nothing that runs meanwhile can close. It is asked for again
    and again, because a statement that waits would hold up a migration that builds an index concurrently.
    """
    with closing(connection.copy()) as own, own.cursor() as cursor:
        waiting = False
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [SET_UP_LOCK])
            (granted,) = cursor.fetchone()
            if granted:
                break
            if not waiting:
                say("Another start of HealthTrack is setting the database up; waiting for it ...")
                waiting = True
            time.sleep(0.2)
        yield


def _is_first_run() -> bool:
    holders = (User, apps.get_model("patients.MedicalRecord"), apps.get_model("trackers.TrackerModel"))
    return not any(model._default_manager.exists() for model in holders)


def _has_no_administrator() -> bool:
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    return not (administrators | User.objects.filter(username=USERNAME)).exists()


def _load_sample_data(patients: int) -> None:
    folder = Path(settings.HEALTHTRACK_DATA_DIR, "sample-data")
    try:
        call_command("make_sample_data", folder, patients=patients, stdout=io.StringIO())
        for command, file in (
            ("import_fitness_trackers", "fitness_trackers.csv"),
            ("import_medical_records", "medical_records.csv"),
        ):
            call_command(command, folder / file, stdout=io.StringIO())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _let_in(administrator: User) -> None:
    administrator.set_password(secret_files.read_or_create(_password_file(), secrets.token_urlsafe(12)))
    administrator.save()


def _password_file() -> Path:
    return Path(settings.HEALTHTRACK_DATA_DIR, "demo_password")
