"""A restore that is killed while it runs, as a real process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as project

from healthtrack.operations.backups import setting_aside
from healthtrack.operations.embedded_postgres import binaries
from tests.support.databases import database_of_the_tests
from tests.support.restored import contents

pytestmark = pytest.mark.django_db(transaction=True)

# A pg_restore that waits instead of filling the database.
PROGRAM = """#!/bin/sh
case "$*" in
  *--single-transaction*) exec sleep 5 ;;
  *) exec "{own}" "$@" ;;
esac
"""


def test_the_next_restore_puts_back_what_a_killed_one_set_aside(
    backup: Path, key: Path, tmp_path: Path, settings: LazySettings
) -> None:
    before = contents()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pg_restore").write_text(PROGRAM.format(own=binaries.find(project.HEALTHTRACK_DATA_DIR) / "pg_restore"))
    (programs / "pg_restore").chmod(0o755)
    environment = {
        **os.environ,
        "DATABASE_URL": database_of_the_tests().url,
        "HEALTHTRACK_BACKUP_VERIFY_KEYS": ",".join(settings.BACKUP_VERIFY_KEYS),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "manage.py", "restore", str(backup), "--key", str(key), "--replace"]
    with subprocess.Popen(command, cwd=project.BASE_DIR, env=environment) as process:
        while not setting_aside.is_interrupted():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert contents() != before
    setting_aside.put_back_after_interruption()
    assert contents() == before
