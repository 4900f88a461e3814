"""Which user the server runs as, and who owns its files."""

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import locks, unprivileged
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import ServerFolder
from healthtrack.operations.embedded_postgres.unprivileged import Account
from tests.support.embedded_postgres import Client, RefusedError, home, is_down, server_pid, wait_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a normal user's server is always that user's")


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


def test_without_namespaces_the_server_of_root_runs_as_nobody(data: Path, without_namespaces: Sequence[str]) -> None:
    with Client(data, without_namespaces) as client:
        client.ask("CREATE TABLE mark (x int)")
        assert Path(f"/proc/{server_pid(data)}").stat().st_uid == unprivileged._nobody().uid
        assert owners(home(data).cluster) == {unprivileged._nobody().uid}
    assert data.stat().st_uid == 0


def test_a_cluster_of_root_is_given_to_nobody_for_good(data: Path, without_namespaces: Sequence[str]) -> None:
    with Client(data) as client:
        client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    for runner in (without_namespaces, ()):
        wait_for(lambda: is_down(data))
        with Client(data, runner) as client:
            assert client.ask("SELECT x FROM mark") == [[7]]
            assert Path(f"/proc/{server_pid(data)}").stat().st_uid == unprivileged._nobody().uid


def test_a_closed_parent_folder_is_named_and_not_changed(data: Path, without_namespaces: Sequence[str]) -> None:
    closed = data.with_name("closed")
    closed.mkdir(mode=0o700)
    with Client(closed / "var", without_namespaces) as client, pytest.raises(RefusedError) as refusal:
        client.ask()
    assert f"may not enter {closed}. Run HealthTrack as a normal user" in str(refusal.value)
    assert "HEALTHTRACK_DATA_DIR" in str(refusal.value)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert owners(closed) == {0}


def test_a_closed_parent_folder_works_with_a_namespace(data: Path, without_namespaces: Sequence[str]) -> None:
    if not unprivileged._works(Account(in_namespace=True)):
        pytest.skip("this machine refuses namespaces")
    data.mkdir(mode=0o700)
    with Client(data) as client:
        assert client.ask() == [[1]]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@as_root
def test_the_owner_of_the_data_folder_owns_what_root_creates_in_it(data: Path, without_namespaces: object) -> None:
    data.mkdir()
    os.chown(data, 65534, 65534)
    with Client(data) as client:
        assert client.ask() == [[1]]
        assert Path(f"/proc/{server_pid(data)}").stat().st_uid == 65534
    assert owners(data) == {65534}


@as_root
def test_a_normal_user_cannot_use_the_folder_of_another_user(data: Path, normal_user: Sequence[str]) -> None:
    server = ServerFolder(data / "postgres-18")
    server.prepare()
    os.chown(server.root, 12345, 12345)
    with Client(data, normal_user) as client, pytest.raises(RefusedError) as refusal:
        client.ask()
    assert "cannot store its database in" in str(refusal.value)
    assert "Permission denied" in str(refusal.value)


def test_a_readable_folder_of_another_user_is_refused_too(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ServerFolder(data / "postgres-18")
    server.prepare()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(EmbeddedPostgresError, match=r"belongs to another user \(uid \d+\)\. Run HealthTrack as"):
        server.prepare()


def test_no_permission_outside_of_the_folder_of_the_server_changes(data: Path) -> None:
    data.mkdir()
    (data / "uploads").mkdir()
    data.chmod(0o751)
    parents = [data / "uploads", data, *data.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents]
    with Client(data) as client:
        client.ask()
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents] == before


def test_a_link_in_place_of_the_folder_of_the_server_is_refused(data: Path) -> None:
    data.mkdir()
    victim = data / "victim"
    victim.mkdir()
    victim.chmod(0o755)
    (data / "postgres-18").symlink_to(victim)
    with Client(data) as client, pytest.raises(RefusedError, match="cannot store its database in"):
        client.ask()
    assert stat.S_IMODE(victim.stat().st_mode) == 0o755
    assert not list(victim.iterdir())


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "clients.lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        locks.open_private(tmp_path / "clients.lock", os.O_TRUNC)
    assert victim.read_text() == "precious"


def test_an_error_says_that_root_cannot_switch_to_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(EmbeddedPostgresError, match="Run HealthTrack as a normal user, or set DATABASE_URL"):
        unprivileged.require_access(Account(65534, 65534), tmp_path)
