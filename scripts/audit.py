"""Asks whether a flaw is known of any pinned package, and says so where nobody can be asked."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")


def main(requirements: str) -> int:
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, "--requirement", requirements]
    asked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        lines = asked.stderr.strip().splitlines() or ["it gave no reason"]
        print(f"The pinned packages were not audited: {lines[-1]}")
        return 0
    flaws = [_sentence(package, flaw) for package in packages for flaw in package.get("vulns", [])]
    unknown = sum("skip_reason" in package for package in packages)
    if unknown == len(packages):
        print("The pinned packages were not audited: nothing is known of any of them here.")
        return 0
    print(*flaws, f"{len(packages) - unknown} pinned packages audited; nothing is known of {unknown}.", sep="\n")
    return 1 if flaws else 0


def _sentence(package: dict[str, Any], flaw: dict[str, Any]) -> str:
    mended = ", ".join(flaw["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
