"""Load a million patients once for all benchmarks that only read them, and open pages."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from benchmarks.measuring import empty_records, import_catalogue, import_records, sample_files
from patients.models import MedicalRecord

MANY_PATIENTS = 1_000_000


def load_many_patients() -> None:
    if MedicalRecord.objects.count() != MANY_PATIENTS:
        with sample_files(MANY_PATIENTS) as (catalogue, records):
            import_catalogue(catalogue)
            empty_records()
            import_records(records)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def browser() -> Client:
    """Return a client that is signed in with all permissions."""
    call_command("collectstatic", interactive=False, verbosity=0)  # pages need the hashed names of static files
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    return client


def opening(client: Client, address: str) -> Callable[[], None]:
    def open_page() -> None:
        assert client.get(address).status_code == 200

    return open_page
