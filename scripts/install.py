"""Makes .venv and installs the pinned requirements: `python3 scripts/install.py runtime` (or `development`).

Runs on the system's python3, before anything is installed. An old one must get far enough to be told that it
is too old, hence the annotations in quotes.
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
OLDEST_PYTHON = (3, 11)
# Relative, because what is run from here is found whatever the project's path holds.
ENVIRONMENT = Path(".venv")
PYTHON = ENVIRONMENT / "bin" / "python"
# Written last and taken away first: an environment without it was left half-made.
STAMP = ENVIRONMENT / "installed.txt"
LOCK = ENVIRONMENT / "install.lock"
# The development requirements hold the runtime ones, in the same versions.
HOLDS = {"runtime": ["runtime"], "development": ["runtime", "development"]}
NO_NETWORK = re.compile(r"connection broken by '(\w+)|(NewConnectionError|ConnectTimeoutError)")


def main(arguments: "list[str]") -> None:
    if sys.version_info[:2] < OLDEST_PYTHON:
        _fail(
            "it needs Python {}.{} or later, and this is {}.{}; install a later one, or name it: "
            "PYTHON=python3.12 make run".format(*OLDEST_PYTHON, *sys.version_info[:2])
        )
    if len(arguments) != 1 or arguments[0] not in HOLDS:
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
    """False also when the Python that it was made from has gone, or has become a later version."""
    try:
        done = subprocess.run([PYTHON, "-I", "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


@contextmanager
def _lock() -> "Iterator[int]":
    if ENVIRONMENT.is_symlink():
        _fail(f"{PROJECT / ENVIRONMENT} is a link, and what it leads to is not for HealthTrack to change")
    ENVIRONMENT.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Waiting for another installation into .venv to end ...")
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
        _fail(_fault_of_pip(output))
    draft = STAMP.with_suffix(".draft")
    draft.write_text("".join(f"{_line(held)}\n" for held in HOLDS[kind]))
    draft.replace(STAMP)


def _make_environment(lock: int) -> None:
    version = "{}.{}".format(*sys.version_info[:2])
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        _fail(
            "this Python lacks the module that makes virtual environments; on Debian or Ubuntu, "
            f"`apt install python{version}-venv` brings it"
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
    # Not sys.executable: it may lie in the very environment that was just emptied.
    python = getattr(sys, "_base_executable", "") or sys.executable
    ended, output = _run([python, "-I", "-m", "venv", str(ENVIRONMENT)], lock)
    if ended != 0:
        _fail(f"python -m venv could not make .venv: {_last_line(output)}")


def _run(command: "list[str]", lock: int) -> "tuple[int, str]":
    """The child holds the lock too, so that it is waited for even if this process is killed."""
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


def _fault_of_pip(output: str) -> str:
    broken = NO_NETWORK.search(output)
    if broken:
        return f"no package index answers ({broken[1] or broken[2]}); is there a network?"
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
    except OSError as fault:
        _fail(f"{PROJECT / (fault.filename or '')} cannot be read or written ({fault.strerror})")
    except KeyboardInterrupt:
        sys.exit(130)
