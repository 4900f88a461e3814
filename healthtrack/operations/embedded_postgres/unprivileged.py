"""PostgreSQL refuses to run as root: whom it runs as instead, no folder but our own being touched."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from healthtrack.operations.embedded_postgres.errors import OTHER_WAYS, EmbeddedPostgresError

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
USUAL_NOBODY = 65534

Command = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Account:
    """Another user to run as, or a namespace of our own in which root's files are nobody's, or neither."""

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
        """A child that ends when we do, and keeps open what is named."""
        return subprocess.Popen(  # noqa: S603
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
            preexec_fn=self._settle(os.getpid()),  # noqa: PLW1509 - only the keeper comes here: one thread
        )

    def _settle(self, parent: int) -> Callable[[], None]:
        def settle() -> None:  # pragma: no cover - runs between fork and exec, where nothing can be measured
            if self.in_namespace:
                _enter_namespace()
            end_with(parent)  # last, because a change of user cancels it

        return settle

    def can_enter(self, path: Path) -> bool:
        return self.start(["test", "-x", path], cwd=Path("/")).wait() == 0


def choose(root: Path) -> Account:
    """Who owns the folder runs the server; where that is root, a namespace does it, or else nobody."""
    if os.geteuid() != 0:
        return Account()
    owner = root.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    namespace = Account(in_namespace=True)
    return namespace if _works(namespace) else _nobody()


def require_reach(account: Account, path: Path) -> None:
    if os.geteuid() != 0:
        return
    try:
        if account.can_enter(path):
            return
        shut = next(place for place in (*reversed(path.parents), path) if not account.can_enter(place))
    except (OSError, subprocess.SubprocessError) as fault:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and this machine does not let root start it as another user "
            f"({fault}): run HealthTrack as a normal user, or set DATABASE_URL to another PostgreSQL."
        ) from fault
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and the user it runs as instead may not enter {shut}: "
        f"run HealthTrack as a normal user from a folder that others may enter, {OTHER_WAYS}."
    )


def give(root: Path, account: Account) -> None:
    """Our own folder, with all in it, to the user that will run the server; links are never followed."""
    if account.uid is None or account.gid is None or root.stat().st_uid == account.uid:
        return
    for place, folders, files in os.walk(root, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(place) / name, account.uid, account.gid, follow_symlinks=False)
    os.chown(root, account.uid, account.gid, follow_symlinks=False)


def end_with(parent: int) -> None:
    """On Linux the kernel passes a parent's death on; elsewhere the next keeper stops what is left.

    At once, without a checkpoint: nothing is lost, and no client can make it wait.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != parent:  # it died before we had asked
            os._exit(1)


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(USUAL_NOBODY, USUAL_NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)


def _works(account: Account) -> bool:
    try:
        return account.can_enter(Path("/"))
    except (OSError, subprocess.SubprocessError):
        return False


def _enter_namespace() -> None:  # pragma: no cover - runs between fork and exec, where nothing can be measured
    nobody = _nobody().uid  # initdb asks for a user that has a name
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "no user namespace")
    for name, value in (("setgroups", "deny"), ("uid_map", f"{nobody} 0 1"), ("gid_map", f"{nobody} 0 1")):
        Path("/proc/self", name).write_text(value)


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and their like would lead the server astray; messages are read by us, in English.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}
