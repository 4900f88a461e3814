"""Create .venv and install the pinned requirements: `python3 scripts/install.py runtime` (or `development`).

This script runs on the system's python3, before anything is installed. Annotations are in quotes so that an old
Python can run it as far as the message that it is too old.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
MIN_PYTHON = (3, 11)
# Relative paths, so that the path of the project may contain any characters.
ENVIRONMENT = Path(".venv")
PYTHON = ENVIRONMENT / "bin" / "python"
# Written last and removed first: an environment without it is incomplete.
STAMP = ENVIRONMENT / "installed.txt"
LOCK = ENVIRONMENT / "install.lock"
# The development requirements include the runtime requirements, in the same versions.
INCLUDES = {"runtime": ["runtime"], "development": ["runtime", "development"]}
NO_NETWORK = re.compile(r"connection broken by '(\w+)|(NewConnectionError|ConnectTimeoutError)")


def main(arguments: "list[str]") -> None:
    """Install the requirements that the argument names, unless they are installed already."""
    if sys.version_info[:2] < MIN_PYTHON:
        _fail(
            "it needs Python {}.{} or later, and this is {}.{}. Install a later Python, and name it: "
            "PYTHON=python3.12 make run".format(*MIN_PYTHON, *sys.version_info[:2])
        )
    if len(arguments) != 1 or arguments[0] not in INCLUDES:
        _fail("say what to install: runtime or development")
    kind = arguments[0]
    os.chdir(PROJECT)
    if not _is_current(kind):
        with _lock() as descriptor:
            if not _is_current(kind):
                _install(kind, descriptor)


def _is_current(kind: str) -> bool:
    try:
        installed = STAMP.read_text().splitlines()
    except OSError:
        return False
    return _line(kind) in installed and _works()


def _line(kind: str) -> str:
    return f"{kind} {hashlib.sha256(_requirements(kind).read_bytes()).hexdigest()}"


def _requirements(kind: str) -> Path:
    return Path("requirements", f"{kind}.txt")


def _works() -> bool:
    """Return False also if the Python that .venv was made with has been removed or upgraded."""
    try:
        done = subprocess.run([PYTHON, "-I", "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


@contextmanager
def _lock() -> "Iterator[int]":
    if ENVIRONMENT.is_symlink():
        _fail(f"{PROJECT / ENVIRONMENT} is a link, and HealthTrack does not change what it points to")
    ENVIRONMENT.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Waiting for another installation into .venv to finish ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _install(kind: str, lock: int) -> None:
    complete = STAMP.exists() and _works()
    if not complete:
        _make_environment(lock)
    STAMP.unlink(missing_ok=True)
    _say(f"Installing the {kind} requirements into .venv; the first time takes a minute or two ...")
    pip = [PYTHON, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-user"]
    pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement", _requirements(kind)]
    ended, output = _run([str(word) for word in pip + pinned], lock)
    if ended != 0:
        _fail(_explain_pip_error(output))
    draft = STAMP.with_suffix(".draft")
    draft.write_text("".join(f"{_line(held)}\n" for held in INCLUDES[kind]))
    draft.replace(STAMP)


def _make_environment(lock: int) -> None:
    version = "{}.{}".format(*sys.version_info[:2])
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        _fail(
            "this Python has no module venv, which makes virtual environments. On Debian or Ubuntu, "
            f"install it with `apt install python{version}-venv`"
        )
    _say(f"Making .venv with Python {version} ...")
    STAMP.unlink(missing_ok=True)
    for entry in ENVIRONMENT.iterdir():
        if entry == LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    # Not sys.executable: it may be in the environment that we have just emptied.
    python = getattr(sys, "_base_executable", "") or sys.executable
    ended, output = _run([python, "-I", "-m", "venv", str(ENVIRONMENT)], lock)
    if ended != 0:
        _fail(f"python -m venv could not make .venv: {_last_line(output)}")


def _run(command: "list[str]", lock: int) -> "tuple[int, str]":
    """Run the command; the child holds the lock too, so that others wait for it even if this process is killed."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock],
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def _explain_pip_error(output: str) -> str:
    broken = NO_NETWORK.search(output)
    if broken:
        return f"no package index answers ({broken[1] or broken[2]}). Is there a network?"
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    last = errors[-1][len("ERROR: ") :] if errors else _last_line(output)
    return f"pip could not install the requirements: {last}"


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _fail(sentence: str) -> None:
    end = "" if sentence.endswith(("?", ".")) else "."
    sys.exit(f"HealthTrack could not be installed: {sentence}{end}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        _fail(f"{PROJECT / (error.filename or '')} cannot be read or written ({error.strerror})")
    except KeyboardInterrupt:
        sys.exit(130)
