"""Run PostgreSQL as an account without rights when HealthTrack runs as root.

The account cannot read what belongs to root, whatever the server executes. No folder but our own is changed for it.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from healthtrack.operations.embedded_postgres.errors import ALTERNATIVES, EmbeddedPostgresError

# The accounts that may run root's server: PostgreSQL's own on Linux and macOS, then one that others may use too.
NAMES = ("postgres", "_postgres", "nobody")
PR_SET_PDEATHSIG = 1

Command = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Account:
    """The account that runs the server and its programs."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The name of the account; its number if it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def start(
        self,
        command: Command,
        cwd: Path,
        source: int = subprocess.DEVNULL,
        output: int = subprocess.DEVNULL,
        keep: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a child process that ends when this process ends, with the descriptors in `keep` left open."""
        other = os.geteuid() != self.uid
        return subprocess.Popen(  # noqa: S603 (a fixed program, without a shell)
            command,
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=_environment(),
            pass_fds=keep,
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
            # After the change of user, which would cancel it. Safe, because only the keeper runs this, with one thread.
            preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509
        )

    def find_closed(self, path: Path) -> Path | None:
        """Return the first folder on the way to the path that the account may not enter; None if it reaches the path.

        The path itself is returned if it is a file that the account may not execute.
        """
        if self._can_enter(path):
            return None
        return next(place for place in (*reversed(path.parents), path) if not self._can_enter(place))

    def _can_enter(self, path: Path) -> bool:
        return self.start(["test", "-x", path], cwd=Path("/")).wait() == 0


def choose(root: Path, needed: Mapping[Path, str]) -> Account:
    """Return the account that runs the server: ours or, if we are root, another one that can reach the needed paths.

    That is the owner of the folder or, if root owns it, the first account of NAMES that can. If none can, raise
    EmbeddedPostgresError, which names the closed folder, and the variable that chooses another path, from `needed`.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    refusals = []
    for account in _candidates(root):
        refusal = _describe_closed(account, needed)
        if not refusal:
            return account
        refusals.append(refusal)
    raise EmbeddedPostgresError(refusals[0])


def _candidates(root: Path) -> list[Account]:
    owner = root.stat()
    if owner.st_uid != 0:
        return [Account(owner.st_uid, owner.st_gid)]
    accounts = []
    for name in NAMES:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            accounts.append(Account(entry.pw_uid, entry.pw_gid))
    if not accounts:
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and this machine has none of the accounts {', '.join(NAMES)}. "
            f"Create the account {NAMES[0]}, run HealthTrack as a normal user, {ALTERNATIVES}."
        )
    return accounts


def _describe_closed(account: Account, needed: Mapping[Path, str]) -> str:
    try:
        for path, variable in needed.items():
            if closed := account.find_closed(path):
                return (
                    f"PostgreSQL does not run as root. The account {account.name}, as which it would run, cannot reach "
                    f"{path} because it may not enter {closed}. Move HealthTrack to a folder that other users may "
                    f"enter, such as /opt/healthtrack, run it as a normal user, set {variable} to another folder, or "
                    "DATABASE_URL to a PostgreSQL that runs already."
                )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and this machine does not let root start it as another user "
            f"({error}). Run HealthTrack as a normal user, or set DATABASE_URL to another PostgreSQL."
        ) from error
    return ""


def give(root: Path, account: Account) -> None:
    """Give our folder, with everything in it, to the account that will run the server; never follow links."""
    if root.stat().st_uid == account.uid:
        return
    for place, folders, files in os.walk(root, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(place) / name, account.uid, account.gid, follow_symlinks=False)
    os.chown(root, account.uid, account.gid, follow_symlinks=False)


def end_with(parent: int) -> None:
    """Make the kernel stop this process when its parent dies; only on Linux. Elsewhere the next keeper stops it.

    SIGQUIT stops PostgreSQL at once, without a checkpoint: no data is lost, and no client can delay it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)


def _environment() -> dict[str, str]:
    # Without PGDATA, PGPORT and the like, which would change the server. Without a locale, because we parse messages.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return environment | {"LC_ALL": "C"}
