"""Ask whether a flaw is known of any pinned package, and say clearly when the audit could not run."""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")


def main(requirements: str, *, required: bool) -> int:
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, "--requirement", requirements]
    asked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        lines = asked.stderr.strip().splitlines() or ["it gave no reason"]
        return _not_audited(lines[-1], required=required)
    flaws = [_sentence(package, flaw) for package in packages for flaw in package.get("vulns", [])]
    unknown = sum("skip_reason" in package for package in packages)
    if unknown == len(packages):
        return _not_audited("nothing is known of any of them here.", required=required)
    print(*flaws, f"{len(packages) - unknown} pinned packages audited; nothing is known of {unknown}.", sep="\n")
    return 1 if flaws else 0


def _not_audited(reason: str, *, required: bool) -> int:
    """Say so where nobody overlooks it; without a network that is no error, unless the audit is required."""
    print(
        "*" * 80,
        f"The pinned packages were NOT AUDITED for known flaws: {reason}",
        "*" * 80,
        sep="\n",
    )
    return 1 if required else 0


def _sentence(package: dict[str, Any], flaw: dict[str, Any]) -> str:
    mended = ", ".join(flaw["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}"


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("requirements", help="the file of pinned packages")
    parser.add_argument("--required", action="store_true", help="fail when the audit cannot run")
    sys.exit(main(**vars(parser.parse_args())))
