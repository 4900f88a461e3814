"""Check the pinned packages for known vulnerabilities, and say clearly if the check could not run."""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")


def main(requirements: str, *, required: bool) -> int:
    """Print the vulnerabilities of the packages in the file, and return the exit code."""
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, "--requirement", requirements]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(result.stdout)["dependencies"]
    except ValueError:
        lines = result.stderr.strip().splitlines() or ["it gave no reason"]
        return _not_audited(lines[-1], required=required)
    vulnerabilities = [_describe(package, each) for package in packages for each in package.get("vulns", [])]
    unknown = sum("skip_reason" in package for package in packages)
    if unknown == len(packages):
        return _not_audited("the package index has no data on any of them.", required=required)
    print(*vulnerabilities, f"{len(packages) - unknown} pinned packages audited; no data on {unknown}.", sep="\n")
    return 1 if vulnerabilities else 0


def _not_audited(reason: str, *, required: bool) -> int:
    """Print a conspicuous message; return 0, as there may be no network, unless the audit is required."""
    print(
        "*" * 80,
        f"The pinned packages were NOT AUDITED for known vulnerabilities: {reason}",
        "*" * 80,
        sep="\n",
    )
    return 1 if required else 0


def _describe(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    fixed_in = ", ".join(vulnerability["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed_in}"


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("requirements", help="the file of pinned packages")
    parser.add_argument("--required", action="store_true", help="fail if the audit cannot run")
    sys.exit(main(**vars(parser.parse_args())))
