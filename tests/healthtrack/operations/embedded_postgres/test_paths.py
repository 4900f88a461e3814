import os
import stat
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import sockets
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from tests.support.embedded_postgres import Client, home, wait_for

LONG = "x" * 90


def test_a_path_with_spaces_and_letters_of_any_language_works(data: Path) -> None:
    data = data / "Prénom Müller" / "患者 'one' \"two\" %s"
    with Client(data) as client:
        assert client.ask() == [[1]]
        assert client.place == home(data).root / "run"


@pytest.mark.parametrize("name", [LONG, "with, comma"])
def test_a_path_unsuitable_for_a_socket_gets_a_short_private_folder(data: Path, name: str) -> None:
    temporary = data.with_name("tmp")
    temporary.mkdir()
    with Client(data / name, environment={"TMPDIR": str(temporary)}) as client:
        client.ask("CREATE TABLE mark AS SELECT 7 AS x")
        assert client.place.parent == temporary
        assert stat.S_IMODE(client.place.stat().st_mode) == 0o700
        with Client(data / name) as other:
            assert other.ask("SELECT x FROM mark") == [[7]], "whatever its own folder for temporary files is"


def test_a_long_path_works_beside_a_long_temporary_folder(data: Path) -> None:
    temporary = data.with_name(LONG)
    temporary.mkdir()
    with Client(data / LONG, environment={"TMPDIR": str(temporary)}) as client:
        assert client.ask() == [[1]]
        assert len(os.fsencode(client.place)) < 80
        client.leave()
        wait_for(lambda: not client.place.exists())


def test_a_data_folder_reached_through_a_link_is_the_same(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    link = data.with_name("link")
    link.symlink_to(data)
    with Client(link) as other:
        assert other.ask("SELECT x FROM mark") == [[7]]


def test_a_link_in_place_of_the_socket_folder_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    victim.chmod(0o755)
    place = tmp_path / "ht-0123"
    place.symlink_to(victim)
    with pytest.raises(EmbeddedPostgresError, match="belongs to somebody else"):
        sockets.make_private(place, tmp_path.stat())
    assert not sockets.is_private(place, tmp_path.stat())
    assert stat.S_IMODE(victim.stat().st_mode) == 0o755


def test_a_socket_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "ht-0123"
    place.mkdir()
    place.chmod(0o755)
    mode, *rest = tmp_path.stat()
    we = os.stat_result([mode, *rest[:3], 12345, 12345, *rest[5:]])
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(EmbeddedPostgresError, match="belongs to somebody else"):
        sockets.make_private(place, we)
    assert not sockets.is_private(place, we)
    assert stat.S_IMODE(place.stat().st_mode) == 0o755


def test_a_socket_folder_that_others_can_enter_is_made_private(tmp_path: Path) -> None:
    place = tmp_path / "ht-0123"
    place.mkdir()
    place.chmod(0o755)
    assert not sockets.is_private(place, tmp_path.stat())
    sockets.make_private(place, tmp_path.stat())
    assert sockets.is_private(place, tmp_path.stat())


def test_an_error_says_that_no_temporary_folder_is_short_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_PATH_BYTES", 10)
    with pytest.raises(EmbeddedPostgresError, match="Set TMPDIR to a folder with a short path"):
        sockets.choose(Path("/var/lib/healthtrack"))


def test_a_missing_socket_folder_is_not_private_and_has_no_listener(tmp_path: Path) -> None:
    assert not sockets.is_private(tmp_path / "none", tmp_path.stat())
    assert sockets.listener_pid(tmp_path / "none") is None
