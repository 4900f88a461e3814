"""Make the reading plan of a file that holds one table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from healthtrack.imports.columns.checking import clean_batch
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.column_parts import ColumnParts, MarkedColumns
from healthtrack.imports.detection.date_cells import DateCellCounter, make_date_cell_parts
from healthtrack.imports.detection.evidence import EvidenceCounter
from healthtrack.imports.detection.memory import (
    Memory,
    Recall,
    Remembered,
    choose_profile,
    list_remembered_structure,
)
from healthtrack.imports.detection.notation_parts import make_notation_parts
from healthtrack.imports.detection.reading import WHOLE_FILE, get_structure
from healthtrack.imports.detection.sheet_parts import decide_about_marks, find_shared_names
from healthtrack.imports.detection.structure import (
    SAMPLE_ROWS,
    find_book_structure,
    find_text_structure,
    list_book_parts,
    list_text_parts,
)
from healthtrack.imports.detection.text_marks import TextMarkCounter, make_text_mark_parts
from healthtrack.imports.detection.words import WordCounter, make_word_parts
from healthtrack.imports.reading import is_workbook, open_table
from healthtrack.imports.reading.encodings import ENCODINGS
from healthtrack.imports.reading.table import MergedCells, Table
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question, ReadingPlan
from healthtrack.imports.row_errors import FileError

Answers = Mapping[str, str]
_Counter = EvidenceCounter | WordCounter | TextMarkCounter | DateCellCounter


def recall_nothing(_: Sequence[str]) -> Sequence[Remembered]:
    """Return no earlier answers."""
    return ()


def make_plan(
    path: Path,
    columns: Sequence[Column],
    answers: Answers,
    recall: Recall = recall_nothing,
    *,
    whole: bool = False,
) -> ReadingPlan:
    """Return how to read a file, with what people have answered. A file that cannot be read has an empty plan.

    It looks at the first rows, and at all of them if these leave a question open, or with `whole`. `recall` returns
    what was answered for earlier files with the same header.
    """
    planner = _Planner(path, columns, answers, recall)
    try:
        planner.look(SAMPLE_ROWS)
        if not planner.is_whole and (whole or planner.has_open_notations):
            planner.look(0)
    except FileError:
        return ReadingPlan()  # the check reports the error
    return ReadingPlan(planner.parts, planner.questions)


class _Planner:
    def __init__(self, path: Path, columns: Sequence[Column], answers: Answers, recall: Recall) -> None:
        self.path = path
        self.columns = columns
        self.answers = answers
        self.recall = recall
        self.parts: list[DetectedPart] = []
        self.questions: list[Question] = []
        self.is_whole = False
        self._marked = MarkedColumns()
        # What the used profile says about the place of the table, where the file does not show it.
        self._structure: Mapping[str, str] = {}
        self._profile = Remembered()

    @property
    def has_open_notations(self) -> bool:
        """Return whether there is a question that more rows may answer."""
        return any(
            names.get_noted_field(question.name) or names.get_field_of_cells(question.name)
            for question in self.questions
        )

    def look(self, rows: int) -> None:
        """Make the parts and questions from the first rows, or from all rows if `rows` is 0."""
        with self._open(rows) as table:
            memory = self._choose_profile(table)
            structure = list_remembered_structure(memory.used, self.parts, self.answers)
            if not structure:
                self._read(table, memory, rows)
        if structure:
            self._look_as_remembered(rows, memory.used, structure)

    def _look_as_remembered(self, rows: int, profile: Remembered, structure: Mapping[str, str]) -> None:
        """Look where the profile says that the table is, if a table with the same header is there."""
        self._structure, self._profile = structure, profile
        with suppress(FileError), self._open(rows) as table:
            memory = self._choose_profile(table)
            if memory.used == profile:
                self._read(table, memory, rows)
                return
        self._structure = {}
        with self._open(rows) as table:
            self._read(table, self._choose_profile(table), rows)

    def _choose_profile(self, table: Table) -> Memory:
        return choose_profile(self.recall(table.headers), self.answers.get(names.PROFILE, ""))

    def _read(self, table: Table, memory: Memory, rows: int) -> None:
        """Add the parts and questions about the columns and their values."""
        table.min_cells = 0
        found = ColumnParts(table.headers, self.columns, self.answers, memory.used, self._marked)
        self.parts += [*memory.parts, *found.parts]
        self.questions += [*memory.questions, *found.questions]
        fields = found.likely_fields
        present = [column for column in self.columns if column.name in fields.values()]
        counter, words, marks = EvidenceCounter(present), WordCounter(present), TextMarkCounter(present)
        cells = DateCellCounter(present)
        self._count(table, fields, (counter, words, marks, cells), rows)
        self.parts += make_text_mark_parts(marks, found, self.answers, memory.used)
        for parts, questions in (
            make_notation_parts(counter, found, self.answers, memory.used),
            make_date_cell_parts(cells, found, self.answers, memory.used),
            make_word_parts(words, found, self.answers, memory.used),
        ):
            self.parts += parts
            self.questions += questions
        if self.is_whole:
            self.parts.append(DetectedPart(WHOLE_FILE, value=True))

    def _count(self, table: Table, fields: Mapping[int, str], counters: Sequence[_Counter], rows: int) -> None:
        columns = [column for column in self.columns if any(column in counter.columns for counter in counters)]
        renamed = {str(place): name for place, name in fields.items() if name in {column.name for column in columns}}
        for batch in table.batches:
            if columns:
                cleaned = clean_batch(batch.select(*renamed).rename(renamed), columns)
                for counter in counters:
                    counter.add(cleaned)
                del cleaned
            table.take_malformed_rows()  # the check reports them
            del batch  # before the next one is read
            if rows:
                break
        self.is_whole = not rows or next(table.batches, None) is None

    @contextmanager
    def _open(self, rows: int) -> Iterator[Table]:
        """Open the table that is in the file, after making the parts that say where it is."""
        self.parts, self.questions = [], []
        known = get_structure({**self._structure, **self.answers})
        if is_workbook(self.path):
            from healthtrack.imports.reading.workbook import open_book, open_sheet  # noqa: PLC0415  (only workbooks need it)

            with open_book(self.path) as book:
                # A header may be merged over two rows.
                known = replace(known, merged_cells=known.merged_cells or MergedCells.REPEAT)
                book_found = find_book_structure(book, self.columns, known)
                marks = book.find_marks(book_found.structure.sheet)
                structure, mark_parts = decide_about_marks(book_found.structure, marks, self.answers)
                self._add_structure([*list_book_parts(book_found, self.columns, self.answers), *mark_parts])
                with open_sheet(book, structure, batch_rows=rows) as table:
                    first, _ = next(book.read_batches(structure, batch_rows=SAMPLE_ROWS)) if marks.merged else ((), 0)
                    shared = find_shared_names(marks, structure.header_line, first)
                    self._marked = MarkedColumns(marks.hidden_columns, shared).move(table.first_column)
                    yield table
            return
        found = find_text_structure(self.path, self.columns, known)
        self._add_structure(list_text_parts(found, self.columns, self.answers))
        with open_table(self.path, found.structure, batch_rows=rows) as table:
            yield table

    def _add_structure(self, parts: Sequence[DetectedPart]) -> None:
        self.parts += [
            self._profile.make_part(part.name, part.value, part.params) if part.name in self._structure else part
            for part in parts
        ]
        unknown = [part for part in self.parts if part.certainty is Certainty.UNKNOWN]
        self.questions += [Question(part.name, [*ENCODINGS], str(part.value), part.params) for part in unknown]
