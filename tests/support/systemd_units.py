"""Read the files of `deploy/`, and adapt their paths so that a test can run them."""

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from healthtrack.operations.embedded_postgres import binaries

FOLDER = settings.BASE_DIR / "deploy"
PROJECT, BACKUPS = "/opt/healthtrack", "/var/lib/healthtrack-backups"
PYTHON = f"{PROJECT}/.venv/bin/python"
VARIABLES, OWNERS_VARIABLES = "/etc/healthtrack/healthtrack.env", "/etc/healthtrack/owner.env"


def lines(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the lines of a unit as section, key and value."""
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
    """Return the commands that systemd runs, each as a list of words. Before one, - only ignores its exit status."""
    values = [value.removeprefix("-") for _, found, value in lines(name) if found == key]
    return [[_moved(word.replace("$$", "$").replace("%%", "%")) for word in shlex.split(value)] for value in values]


def _moved(word: str) -> str:
    """Return the word with the paths of this project; a word with spaces is a shell script, where paths need quotes."""
    in_word = shlex.quote if " " in word else str
    return word.replace(PYTHON, in_word(sys.executable)).replace(PROJECT, in_word(str(settings.BASE_DIR)))


def moved(unit: str, variables: Path) -> str:
    """Return the text of the unit with paths that exist on this machine."""
    text = re.sub(rf"^(Exec\w+=-?){PYTHON}", rf'\1"{sys.executable}"', unit, flags=re.MULTILINE)
    text = text.replace(f"WorkingDirectory={PROJECT}", f"WorkingDirectory={settings.BASE_DIR}")
    for file in (VARIABLES, OWNERS_VARIABLES):
        text = text.replace(file, str(variables))
    return text


def variables(own: dict[str, str], *files: str) -> dict[str, str]:
    """Return the variables of the example files, with `own` values filled in; a later file has precedence."""
    example: dict[str, str] = {}
    for file in files:
        text = (FOLDER / file).read_text()
        example |= dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    filled = {name: own.get(name, value) for name, value in example.items()}
    programs = f"{binaries.find(settings.HEALTHTRACK_DATA_DIR)}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": programs, **filled}
