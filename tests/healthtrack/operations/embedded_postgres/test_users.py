"""Which user the server runs as, and who owns its files."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import binaries, locks, unprivileged
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import ServerFolder
from healthtrack.operations.embedded_postgres.unprivileged import Account
from tests.support.embedded_postgres import Client, RefusedError, home, server_pid, stop_servers
from tests.support.embedded_postgres_users import as_root

TAB = "\t"


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


def account_of_server(data: Path) -> tuple[int, int]:
    status = home(data).root.stat()
    return status.st_uid, status.st_gid


@as_root
def test_the_server_of_root_runs_as_an_account_without_rights(data: Path, client: Client) -> None:
    client.ask()
    status = Path(f"/proc/{server_pid(data)}/status").read_text()
    uid, gid = account_of_server(data)
    assert uid != 0
    assert f"Uid:{TAB}{uid}{TAB}{uid}{TAB}{uid}{TAB}{uid}\n" in status
    assert f"Gid:{TAB}{gid}{TAB}{gid}{TAB}{gid}{TAB}{gid}\n" in status
    assert re.search(r"^Groups:\s*$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s*0+$", status, re.MULTILINE)
    user_namespaces = {Path(f"/proc/{pid}/ns/user").readlink() for pid in ("self", server_pid(data))}
    assert len(user_namespaces) == 1
    assert data.stat().st_uid == 0


@as_root
def test_a_cluster_that_belongs_to_root_is_given_to_that_account(data: Path) -> None:
    with Client(data) as client:
        client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    account, root = account_of_server(data), home(data).root
    stop_servers([root])
    for path in (root, *root.rglob("*")):
        os.chown(path, 0, 0)
    with Client(data) as client:
        assert client.ask("SELECT x FROM mark") == [[7]]
        assert owners(root) == {account[0]}


@as_root
@pytest.mark.parametrize("variable", ["HEALTHTRACK_DATA_DIR", "HEALTHTRACK_PG_BIN"])
def test_a_closed_folder_is_named_with_the_variable_for_another_one_and_not_changed(data: Path, variable: str) -> None:
    closed = data.with_name("closed")
    closed.mkdir(mode=0o700)
    place, environment = closed / "var", {}
    if variable == "HEALTHTRACK_PG_BIN":
        shutil.copytree(binaries.find(data), closed / "bin")
        place, environment = data, {variable: str(closed / "bin")}
    with Client(place, environment=environment) as client, pytest.raises(RefusedError) as refusal:
        client.ask()
    assert f"because it may not enter {closed}. Move HealthTrack to a folder that other users may" in str(refusal.value)
    assert f"set {variable} to another folder, or DATABASE_URL" in str(refusal.value)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert owners(closed) == {0}


def test_the_first_account_that_reaches_the_files_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = {name: types.SimpleNamespace(pw_uid=number, pw_gid=number) for number, name in enumerate("abc", 7)}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(unprivileged, "NAMES", ("missing", *accounts))
    monkeypatch.setattr(pwd, "getpwnam", accounts.__getitem__)
    monkeypatch.setattr(Account, "find_closed", lambda account, path: None if account.uid > 7 else path)
    assert unprivileged.choose(Path("/"), {tmp_path: "HEALTHTRACK_DATA_DIR"}) == Account(8, 8)
    monkeypatch.setattr(unprivileged, "NAMES", ("missing",))
    with pytest.raises(EmbeddedPostgresError, match=r"none of the accounts missing\. Create the account missing"):
        unprivileged.choose(Path("/"), {tmp_path: "HEALTHTRACK_DATA_DIR"})


@as_root
def test_the_owner_of_the_data_folder_owns_what_root_creates_in_it(data: Path) -> None:
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
        unprivileged.choose(Path("/"), {tmp_path: "HEALTHTRACK_DATA_DIR"})
