"""A client process: run each statement over a new connection, and print its rows as a line of JSON."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg.sql import SQL

from healthtrack.operations.embedded_postgres.server import EmbeddedPostgresError, ensure_running, revive

SPAWN = "spawn"


def answer(statement: str, data: Path, grace_seconds: float) -> dict[str, object]:
    try:
        place = ensure_running(data, grace_seconds)
    except EmbeddedPostgresError as error:
        return {"refused": str(error)}
    if statement == SPAWN:
        return {"rows": [[subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=2).pid]]}
    try:
        connection = connect(place)
    except psycopg.OperationalError:
        connection = connect(revive(data, grace_seconds))
    with connection:
        cursor = connection.execute(SQL(statement))
        return {"rows": cursor.fetchall() if cursor.description else [], "place": str(place)}


def connect(place: Path) -> psycopg.Connection:
    return psycopg.connect(host=str(place), port=5432, user="healthtrack", dbname="healthtrack", autocommit=True)


def main(data: str, grace_seconds: str) -> None:
    for line in sys.stdin:
        result = answer(json.loads(line), Path(data), float(grace_seconds))
        sys.stdout.write(json.dumps(result, default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
