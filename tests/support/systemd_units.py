"""The units and the configuration of `deploy/`, moved to where a test can run them."""

import os
import re
import shlex
import sys
from collections.abc import Iterator

from django.conf import settings

from healthtrack.operations.embedded_postgres import binaries

FOLDER = settings.BASE_DIR / "deploy"
PROJECT, BACKUPS, VARIABLES = "/opt/healthtrack", "/var/lib/healthtrack-backups", "/etc/healthtrack/healthtrack.env"


def lines(name: str) -> Iterator[tuple[str, str, str]]:
    """A unit's lines as section, key and value."""
    section = ""
    for line in (FOLDER / name).read_text().splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = heading[1]
        elif line and not line.startswith("#"):
            key, sign, value = line.partition("=")
            assert section, line
            assert sign, line
            assert key.isalnum(), line
            yield section, key, value


def commands(name: str, key: str) -> list[list[str]]:
    """What systemd runs, in the words that it makes of a line."""
    values = [value for _, found, value in lines(name) if found == key]
    return [[moved(word.replace("$$", "$").replace("%%", "%")) for word in shlex.split(value)] for value in values]


def moved(text: str) -> str:
    return text.replace(f"{PROJECT}/.venv/bin/python", sys.executable).replace(PROJECT, str(settings.BASE_DIR))


def variables(own: dict[str, str]) -> dict[str, str]:
    """The example's settings, those that it leaves to the reader filled in."""
    text = (FOLDER / "healthtrack.env").read_text()
    example = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    filled = {name: own.get(name, value) for name, value in example.items()}
    programs = f"{binaries.find()}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": programs, **filled}
