"""SQLite databases that strangers made: copied to a file of our own, and only read.

What a database may do to its reader is forbidden: triggers, views, virtual tables, extensions, functions of the schema,
attached files, endless loops.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings

from healthtrack.imports.opening import Part, damaged, open_part
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.chunks import read_chunks

_COPY_BYTES = 2**20
_MAX_CELL_BYTES = 2**20
_MAX_COLUMNS = 200
# A row takes some tens of steps, and has more than ten bytes.
_STEPS_OF_A_CALL = 100_000
_STEPS_OF_A_BYTE = 100
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
_FUNCTIONS = {"count", "like"}
# Names that are not UTF-8 raise an error of their own.
_DAMAGE = (sqlite3.Error, UnicodeError)
_OBJECTS = """
    SELECT type, name, sql FROM sqlite_master
     WHERE type NOT IN ('table', 'index') OR sql LIKE 'create virtual%' ORDER BY name
"""
_FORBIDDEN = (
    "The database {} has a {} named {}. Those of Health Connect have none. Export the data from the phone again."
)


class Database:
    """A database that can only be read. Its methods raise FileError if it is damaged.

    `size` is its number of bytes; of a file that was cut off, the number before the cut.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, size: int) -> None:
        self.connection, self.name, self.size = connection, name, size
        self.steps = 0
        connection.set_progress_handler(self._count_steps, _STEPS_OF_A_CALL)

    def _count_steps(self) -> bool:
        """Return whether the work takes too long, as it does in a database whose pages refer to each other."""
        self.steps += _STEPS_OF_A_CALL
        return self.steps > _STEPS_OF_A_BYTE * max(self.size, _COPY_BYTES)

    def select(self, sql: str, size: int) -> Iterator[list[tuple[str | int | None, ...]]]:
        """Yield up to `size` rows of a query at once, also those before a damaged place."""
        with closing(self.connection.cursor()) as cursor:
            yield from read_chunks(self._iterate(cursor, sql), size)

    def _iterate(self, cursor: sqlite3.Cursor, sql: str) -> Iterator[tuple[str | int | None, ...]]:
        try:
            yield from cursor.execute(sql)
        except _DAMAGE as error:
            raise damaged(self.name) from error

    def select_all(self, sql: str) -> list[tuple[str | int | None, ...]]:
        """Return all rows of a query that has few."""
        return [row for rows in self.select(sql, 1000) for row in rows]

    def get_columns(self, table: str) -> Sequence[str]:
        """Return the names of a table's columns."""
        try:
            with closing(self.connection.execute(f"SELECT * FROM {quote(table)} LIMIT 0")) as cursor:  # noqa: S608  (quoted)
                return [name for name, *_ in cursor.description]
        except _DAMAGE as error:
            raise damaged(self.name) from error


def quote(name: str) -> str:
    """Return a name as SQL has it."""
    return '"{}"'.format(name.replace('"', '""'))


@contextmanager
def open_database(part: Part) -> Iterator[Database]:
    """Open a part. Raise FileError if it is not a database, or has more than tables and indexes.

    Where it was cut off, raise DamageError after all was read that is there.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.db"
        size, damage = _copy(part, path)
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            database = Database(connection, part.name, size)
            _make_safe(database)
            yield database
        if damage:
            raise damage


def _copy(part: Part, path: Path) -> tuple[int, DamageError | None]:
    """Copy a part, and return its size, and the error of one that is damaged or was cut off.

    What is missing becomes empty pages: without them, SQLite reads nothing at all.
    """
    damage = None
    with open_part(part) as stream, path.open("wb") as copy:
        try:
            while piece := stream.read(_COPY_BYTES):
                copy.write(piece)
        except DamageError as error:
            damage = error
        size = copy.tell()
        page, whole = _find_size(part.beginning)
        if size < whole <= settings.READINGS_MAX_UNPACKED_BYTES:
            copy.truncate(size - size % page)  # half a page has rows without their content
            copy.truncate(whole)
            damage = damage or damaged(part.name, size)
    return size, damage


def _find_size(beginning: bytes) -> tuple[int, int]:
    """Return how many bytes a page and the whole database have; the second is 0 if the header does not say that."""
    page, written, pages, valid_for = (
        int.from_bytes(beginning[place : place + length]) for place, length in ((16, 2), (24, 4), (28, 4), (92, 4))
    )
    page = 2**16 if page == 1 else page
    return page, pages * page if page and written == valid_for else 0


def _make_safe(database: Database) -> None:
    connection = database.connection
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, _MAX_COLUMNS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = _decode
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "mmap_size = 0"):
        database.select_all(f"PRAGMA {pragma}")
    connection.set_authorizer(_authorize)
    if found := database.select_all(_OBJECTS):
        kind, name, sql = found[0]
        word = "virtual table" if kind == "table" else kind
        raise FileError(RowError(_FORBIDDEN.format(database.name, word, name), value=str(sql or "")))


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _authorize(action: int, *names: str | None) -> int:
    """Allow to read, with the few functions of our own queries, which are the second name."""
    may_call = action == sqlite3.SQLITE_FUNCTION and names[1] in _FUNCTIONS
    return sqlite3.SQLITE_OK if action in _ALLOWED or may_call else sqlite3.SQLITE_DENY
