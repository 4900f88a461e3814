"""Use DATABASE_URL, with the system's PostgreSQL if there is one: migrate, run both imports and a report."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings

from healthtrack.operations.embedded_postgres import binaries
from tests.support.commands import manage
from tests.support.embedded_postgres import server_data_folder

SYSTEMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
START = """
from pathlib import Path
from healthtrack.operations.embedded_postgres.server import ensure_running
print(ensure_running(Path({folder!r}), grace_seconds=0.5), flush=True)
input()
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a migrated database, on the system's PostgreSQL or, without one, on the wheel's."""
    binaries = {"HEALTHTRACK_PG_BIN": str(SYSTEMS[-1].parent)} if SYSTEMS else {}
    with (
        server_data_folder() as folder,
        subprocess.Popen(
            [sys.executable, "-c", START.format(folder=str(folder))],
            cwd=settings.BASE_DIR,
            env={**os.environ, **binaries},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder,
    ):
        assert holder.stdout
        url = f"postgresql://healthtrack@/healthtrack?host={quote(holder.stdout.readline().strip(), safe='')}"
        manage(url, tmp_path_factory.mktemp("data"), "migrate", "-v0")
        yield url
        assert holder.stdin
        holder.stdin.close()


def test_migrations_imports_and_reports_work(url: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "catalogue.csv").write_text(
        "Brand Name,Device Type,Model Name,Color,Selling Price,Original Price,Display,Rating (Out of 5),"
        "Strap Material,Average Battery Life (in days),Reviews\n"
        'Xiaomi,FitnessBand,Band 2,Black,"2,499","2,999",AMOLED,4.1,Leather,14,\n'
        'Xiaomi,FitnessBand,Band 2,black,"2,469","2,999",AMOLED,4.1,leather,14,\n'
    )
    (tmp_path / "records.csv").write_text(
        "patient_id,name,date_of_birth,gender,medical_conditions,medications,allergies,last_appointment_date,Tracker\n"
        "P1,Ada Byron,05/17/1980,F,None,No,None,06/14/2024,band 2\n"
        "P2,Ada King,05/17/1990,F,None,No,None,06/14/2024,None\n"
    )
    catalogue = manage(url, tmp_path / "data", "import_fitness_trackers", str(tmp_path / "catalogue.csv"), "--json")
    assert json.loads(catalogue)["tables"]["tracker_models"]["new"] == 1
    first, second = (
        json.loads(manage(url, tmp_path / "data", "import_medical_records", str(tmp_path / "records.csv"), "--json"))
        for _ in range(2)
    )
    assert (first["new"], first["linked"]) == (2, 1)
    assert (second["new"], second["changed"], second["unchanged"]) == (0, 0, 2)
    shown = manage(
        url,
        tmp_path / "data",
        "shell",
        "-v0",
        "-c",
        "from reports.queries.brands import patients_by_brand; print(patients_by_brand());"
        "from patients.models import MedicalRecord; print(list(MedicalRecord.objects.values_list('link_count')));"
        "from django.db import connection; print(connection.cursor().execute('SHOW server_version').fetchone()[0])",
    )
    assert "Brand(name='Xiaomi', patients=1," in shown
    assert "[(1,), (0,)]" in shown
    if SYSTEMS:
        assert shown.splitlines()[-1].startswith(SYSTEMS[-1].parts[-3])


def test_the_programs_on_the_path_back_up_and_restore_it(url: str, tmp_path: Path) -> None:
    programs = SYSTEMS[-1].parent if SYSTEMS else binaries.find(settings.HEALTHTRACK_DATA_DIR)
    data, file, key = tmp_path / "data", tmp_path / "backup", tmp_path / "key"
    manage(url, data, "createsuperuser", "--noinput", "--username=grace", "--email=", DJANGO_SUPERUSER_PASSWORD="a")
    printed = manage(url, data, "make_backup_key", str(key)).splitlines()[:1]
    printed += manage(url, data, "make_signing_key", str(tmp_path / "signing.key")).splitlines()[:2]
    variables = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"} | dict(line.split("=", 1) for line in printed)
    manage(url, data, "backup", str(file), **variables)
    manage(
        url, data, "shell", "-c", "from django.contrib.auth.models import User; User.objects.update(username='lost')"
    )
    manage(url, data, "restore", str(file), "--key", str(key), "--replace", **variables)
    manage(url, data, "migrate", "--check")
    users = "from django.contrib.auth.models import User; print(list(User.objects.values_list('username')))"
    assert manage(url, data, "shell", "-v0", "-c", users).strip() == "[('grace',)]"
