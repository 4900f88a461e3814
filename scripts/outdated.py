"""List pinned packages that have newer releases, and check the PostgreSQL of the wheel: `make outdated`."""

import json
import re
import subprocess
import sys
from pathlib import Path

from healthtrack.operations.embedded_postgres import binaries
from healthtrack.operations.postgresql_releases import describe_if_outdated

PROJECT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
PINS = ("requirements/runtime.txt", "requirements/development.txt")
PROBE = "django"  # a pinned package; pip says nothing if it could not reach the index for a list
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", re.MULTILINE)


def main() -> int:
    """Print what is outdated, and return the exit code."""
    print(_describe_embedded_postgresql())
    if run_pip("index", "versions", PROBE, "--retries=0").returncode:
        print("The package index could not be reached, so nothing is known about newer packages.")
        return 0
    listed = run_pip("list", "--outdated", "--format=json")
    if listed.returncode:
        print(
            f"pip could not list newer packages: {(listed.stderr.strip().splitlines() or ['it gives no reason'])[-1]}"
        )
        return 1
    pinned = _pinned_packages()
    newer = [package for package in json.loads(listed.stdout) if _canonical(package["name"]) in pinned]
    print(*(f"{each['name']} {each['version']}: {each['latest_version']} is available." for each in newer), sep="\n")
    print(f"{len(newer)} of {len(pinned)} pinned packages have newer releases; `make lock ARGS=--upgrade` takes them.")
    return 0


def run_pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip, and return its exit code and output."""
    return subprocess.run([*PIP, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)


def _describe_embedded_postgresql() -> str:
    wheel = binaries.find_in_wheel()
    if wheel is None:
        return "There is no embedded PostgreSQL for this machine."
    return describe_if_outdated(binaries.version(wheel)) or "The embedded PostgreSQL has the known security fixes."


def _pinned_packages() -> set[str]:
    return {_canonical(name) for file in PINS for name in _PIN.findall((PROJECT / file).read_text())}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
