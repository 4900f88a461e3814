"""Google Takeout of Fitbit or Google Health: an archive with many files, in which the same measurements are twice.

The tables (CSV) have absolute times, the lists (JSON) have times without a zone. So of a measurement that is in both,
the tables are read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from healthtrack.imports.opening import Container, Part, damaged
from healthtrack.imports.row_errors import FileError
from readings.formats.base import Format
from readings.formats.batch import Batch
from readings.formats.fitbit_takeout.lists import find_list, is_list, read_list
from readings.formats.fitbit_takeout.names import find_days, overlap
from readings.formats.fitbit_takeout.tables import Table, find_table, read_table

# The folders of an export, in which all files belong to it.
_ROOTS = {"fitbit", "google health"}
# The number of one of several archives: takeout-20240115T083000Z-001.zip
_DIVIDED = re.compile(r"(?<=Z)(?:-\d+)?-\d{3}(?: ?\(\d+\))?(?=\.(?:zip|tgz))", re.IGNORECASE)
_SECTIONS = {"global export data", "physical activity_googledata", "health fitness data_googledata"}


class FitbitTakeout(Format):
    name = "fitbit_takeout"
    label = "Google Takeout of Fitbit"
    spans_files = True

    def find_containers(self, parts: Sequence[Part]) -> Iterable[Sequence[Part]]:
        """Return the files below each folder of an export, whose archive Google may have divided into several."""
        exports: dict[tuple[str, str], list[Part]] = defaultdict(list)
        for part in parts:
            if root := _find_root(part):
                exports[_find_archive(part), _DIVIDED.sub("", root)].append(part)
        return [members for members in exports.values() if any(map(self.recognize, members))]

    def recognize(self, part: Part) -> bool:
        return find_table(part) is not None or is_list(part)

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the measurements that have a metric, nights and workouts; of each only one of its forms."""
        parts = part.parts if isinstance(part, Container) else [part]
        tables = [(each, table) for each in parts if (table := find_table(each))]
        left_out: Counter[str] = Counter()
        known = {each.number for each, _ in tables}
        days = _find_days_of_tables(tables)
        for each, table in tables:
            if table.rank and any(overlap(find_days(each.name), span) for span in days[table.content]):
                left_out[f"files with the same {table.content} again"] += 1
            else:
                yield from self._read_file(read_table(each, table), each, parts)
        for each in parts:
            if each.number in known:
                continue
            if each.is_damaged:
                yield Batch(errors=damaged(each.name).errors, part=each)
                continue
            found = find_list(each)
            if found is None:
                left_out["other files"] += 1
            elif any(overlap(find_days(each.name), span) for span in days[found.content]):
                left_out[f"files with the same {found.content} again"] += 1
            else:
                yield from self._read_file(read_list(each, found), each, parts)
        yield Batch(left_out=left_out, part=parts[0])

    def _read_file(self, batches: Iterator[Batch], part: Part, parts: Sequence[Part]) -> Iterator[Batch]:
        """Yield the batches of a file. If it is not the only one, an error of the whole file is one among others."""
        try:
            yield from batches
        except FileError as error:
            if len(parts) == 1:
                raise
            yield Batch(errors=error.errors, part=part)


def _find_archive(part: Part) -> str:
    """Return what the archives of one export have in common: the name without its number, or else the file itself."""
    name = part.file.name
    return _DIVIDED.sub("", name) if _DIVIDED.search(name) else str(part.file.path)


def _find_days_of_tables(tables: Sequence[tuple[Part, Table]]) -> dict[str, set[tuple[int, int]]]:
    """Return the days of the tables of the first rank, by their content."""
    days: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for part, table in tables:
        if not table.rank:
            days[table.content].add(find_days(part.name))
    return days


def _find_root(part: Part) -> str:
    """Return the path of the export that a part is in; empty if it is in none."""
    folders = part.folder.parts
    for place, folder in enumerate(folders):
        if folder.lower() in _ROOTS:
            return "/".join(folders[: place + 1])
        if folder.lower() in _SECTIONS:
            return "/".join(folders[:place]) or "."
    return ""
