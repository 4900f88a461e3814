"""Let HealthTrack's role of the embedded server do what only benchmarks need: create databases, and checkpoints.

benchmarks/against.py runs this as a script in each checkout, so it uses nothing that an earlier commit lacks.
"""

import os
from pathlib import Path

import django
import psycopg


def grant() -> None:
    """Grant the rights as the superuser; earlier versions, and a server of DATABASE_URL, need none."""
    from django.db import connection  # noqa: PLC0415 (Django must be set up first)

    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        if cursor.fetchone() == ("on",) or not connection.settings_dict["ENGINE"].endswith("embedded_postgres"):
            return
    place = connection.get_connection_params()["host"]
    # Only the account that runs the server may connect as the superuser.
    own = os.geteuid()
    os.seteuid(Path(place).stat().st_uid)
    try:
        session = psycopg.connect(host=place, user="postgres", dbname="postgres")
    finally:
        os.seteuid(own)
    with session:
        session.execute("ALTER ROLE healthtrack CREATEDB")
        session.execute("GRANT pg_checkpoint TO healthtrack")


if __name__ == "__main__":
    django.setup()
    grant()
