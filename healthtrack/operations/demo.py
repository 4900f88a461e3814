"""Set up the first run: tables, sample data, and an administrator to sign in with."""

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

from healthtrack.accounts.sign_in import key_rotation
from healthtrack.core import secret_files
from healthtrack.operations import static_files

USERNAME = "demo"
# The password of the administrator until the sample data is loaded. Nobody can sign in with it, and it shows in the
# database that a first run was interrupted.
UNFINISHED = "!first run unfinished"
SET_UP_LOCK = 0x48_65_61_6C_74_68  # "Health"
Say = Callable[[str], None]


def set_up(patients: int, say: Say) -> None:
    """Migrate the database, collect the static files and, on the first run, load sample data for so many patients."""
    with _hold_set_up_lock(say):
        call_command("migrate", interactive=False, verbosity=0)
        key_rotation.rotate()
        if not settings.DEBUG:  # which serves them without collecting
            static_files.collect()
        if _is_first_run():
            User.objects.create(username=USERNAME, is_staff=True, is_superuser=True, password=UNFINISHED)
        if User.objects.filter(password=UNFINISHED).exists():
            if patients:
                say(f"Loading sample data: {patients:,} invented patients ...")
                _load_sample_data(patients)
            _set_initial_password(User.objects.get(password=UNFINISHED))
        elif _has_no_administrator():
            _set_initial_password(User(username=USERNAME, is_staff=True, is_superuser=True))


def describe_sign_in() -> list[tuple[str, str]]:
    """Return how to sign in, as pairs of a label and a value."""
    administrator = User.objects.filter(username=USERNAME, is_active=True).first()
    if administrator is None:
        return [("sign in", "with an account of your own")]
    file = _password_file()
    password = file.read_text() if file.exists() else ""
    if not administrator.check_password(password):
        password = f"was changed; set another with `.venv/bin/python manage.py changepassword {USERNAME}`"
    return [("user name", USERNAME), ("password", password)]


@contextmanager
def _hold_set_up_lock(say: Say) -> Iterator[None]:
    """Make other starts wait while this one sets up the database.

    The lock has a connection of its own, which nothing else in this process closes. We try to get it again and again
    rather than wait for it: a waiting statement would block a migration that builds an index concurrently.
    """
    with closing(connection.copy()) as own, own.cursor() as cursor:
        waiting = False
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [SET_UP_LOCK])
            (granted,) = cursor.fetchone()
            if granted:
                break
            if not waiting:
                say("Waiting for another start of HealthTrack to set up the database ...")
                waiting = True
            time.sleep(0.2)
        yield


def _is_first_run() -> bool:
    models = (User, apps.get_model("patients.MedicalRecord"), apps.get_model("trackers.TrackerModel"))
    return not any(model._default_manager.exists() for model in models)


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
        call_command("make_sample_readings", stdout=io.StringIO())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _set_initial_password(administrator: User) -> None:
    administrator.set_password(secret_files.read_or_create(_password_file(), secrets.token_urlsafe(16)))
    administrator.save()


def _password_file() -> Path:
    return Path(settings.HEALTHTRACK_DATA_DIR, "demo_password")
