"""Run PostgreSQL as another account when HealthTrack runs as root, because PostgreSQL refuses to run as root.

No folder but our own is changed for it.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from healthtrack.operations.embedded_postgres.errors import ALTERNATIVES, EmbeddedPostgresError

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
DEFAULT_NOBODY = 65534

Command = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Account:
    """Another user, or a user namespace in which root's files belong to “nobody”, or neither."""

    uid: int | None = None
    gid: int | None = None
    in_namespace: bool = False

    def start(
        self,
        command: Command,
        cwd: Path,
        source: int = subprocess.DEVNULL,
        output: int = subprocess.DEVNULL,
        keep: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a child process that ends when this process ends, with the descriptors in `keep` left open."""
        return subprocess.Popen(  # noqa: S603 (a fixed program, without a shell)
            command,
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=_environment(),
            pass_fds=keep,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            preexec_fn=self._make_preexec(os.getpid()),  # noqa: PLW1509 - only the keeper runs this, with one thread
        )

    def _make_preexec(self, parent: int) -> Callable[[], None]:
        def preexec() -> None:  # pragma: no cover - runs between fork and exec, where coverage cannot measure
            if self.in_namespace:
                _enter_namespace()
            end_with(parent)  # last, because a change of user cancels it

        return preexec

    def can_enter(self, path: Path) -> bool:
        """Return whether the account may execute the file or enter the folder."""
        return self.start(["test", "-x", path], cwd=Path("/")).wait() == 0


def choose(root: Path) -> Account:
    """Return the account that runs the server: the owner of the folder; if that is root, a namespace or “nobody”."""
    if os.geteuid() != 0:
        return Account()
    owner = root.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    namespace = Account(in_namespace=True)
    return namespace if _works(namespace) else _nobody()


def require_access(account: Account, path: Path) -> None:
    """Raise EmbeddedPostgresError, which names the closed folder, if the account cannot reach the path."""
    if os.geteuid() != 0:
        return
    try:
        if account.can_enter(path):
            return
        closed = next(place for place in (*reversed(path.parents), path) if not account.can_enter(place))
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and this machine does not let root start it as another user "
            f"({error}). Run HealthTrack as a normal user, or set DATABASE_URL to another PostgreSQL."
        ) from error
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and the user it runs as instead may not enter {closed}. "
        f"Run HealthTrack as a normal user from a folder that others may enter, {ALTERNATIVES}."
    )


def give(root: Path, account: Account) -> None:
    """Give our folder, with everything in it, to the account that will run the server; never follow links."""
    if account.uid is None or account.gid is None or root.stat().st_uid == account.uid:
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


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(DEFAULT_NOBODY, DEFAULT_NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)


def _works(account: Account) -> bool:
    try:
        return account.can_enter(Path("/"))
    except (OSError, subprocess.SubprocessError):
        return False


def _enter_namespace() -> None:  # pragma: no cover - runs between fork and exec, where coverage cannot measure
    nobody = _nobody().uid  # initdb needs a user that has a name
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "no user namespace")
    for name, value in (("setgroups", "deny"), ("uid_map", f"{nobody} 0 1"), ("gid_map", f"{nobody} 0 1")):
        Path("/proc/self", name).write_text(value)


def _environment() -> dict[str, str]:
    # Without PGDATA, PGPORT and the like, which would change the server. Without a locale, because we parse messages.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return environment | {"LC_ALL": "C"}
