"""Check that the database has everything that people saw confirmed, whole and once, with its history."""

from collections import Counter
from typing import Any, Protocol

from tests.fault_injection.people import RECORD, ROWS_PER_FILE, Editor, Person

NEW_VALUE = "fields -> 'allergies' ->> 1"


class Queryable(Protocol):
    """A database that answers statements with rows."""

    def ask(self, statement: str) -> list[list[Any]]: ...


def check_edits(database: Queryable, editors: list[Editor]) -> None:
    """Check that each saved edit is in the history, in its order, and that the row has the last one."""
    for editor in editors:
        for patient in editor.patients:
            changes = database.ask(
                f"SELECT {NEW_VALUE}, fields -> 'medical_conditions' ->> 1, fields -> 'allergies' ->> 0 FROM changes"
                f" WHERE patient_id = '{patient}' AND action = 'update' ORDER BY change_id"
            )
            numbers = [number_of(allergies) for allergies, _, _ in changes]
            committed, unknown = editor.committed.get(patient, []), editor.unknown.get(patient, [])
            assert all(allergies == conditions for allergies, conditions, _ in changes), "an edit is half done"
            assert [before for _, _, before in changes[1:]] == [after for after, _, _ in changes[:-1]], (
                "a change is missing"
            )
            assert set(committed) <= set(numbers), "a saved edit is not in the history"
            assert set(numbers) <= {*committed, *unknown}, "the history has an edit that nobody made"
            stored = database.ask(
                f"SELECT allergies, medical_conditions FROM medical_records WHERE patient_id = '{patient}'"
            )
            if numbers:
                assert stored == [[f"Edit {numbers[-1]}"] * 2]


def number_of(written: str) -> int:
    return int(written.removeprefix("Edit "))


def check_files(database: Queryable) -> list[list[Any]]:
    """Check that all rows of a file are stored if it was imported and not undone, and none of them otherwise.

    Return number, state, whether it was undone, and number of stored rows of each run with a file.
    """
    runs = database.ask(
        "SELECT run_id, state, EXISTS (SELECT FROM import_runs AS undo"
        "                               WHERE undo.undoes_id = run.run_id AND undo.state = 'applied'),"
        "       (SELECT count(*) FROM medical_records WHERE made_by_run = run_id)"
        "  FROM import_runs AS run JOIN import_files USING (run_id) WHERE name LIKE 'F%.csv'"
    )
    for run_id, state, undone, rows in runs:
        expected = ROWS_PER_FILE if state == "applied" and not undone else 0
        assert rows == expected, f"run {run_id} is {state}, undone: {undone}, and has {rows} rows"
    return runs


def check_reads(database: Queryable, people: list[Person]) -> None:
    """Check that the access log has each page with patients that somebody received."""
    patient = f"CASE WHEN page = '{RECORD}' THEN patient_ids[1] ELSE '' END"
    logged = database.ask(f"SELECT page, {patient}, count(*) FROM access_log GROUP BY 1, 2")
    written = Counter({(page, whose): pages for page, whose, pages in logged})
    seen = sum((person.seen for person in people), Counter[tuple[str, str]]())
    assert seen, "nobody saw anything"
    assert not seen - written, "somebody saw a patient, and it is not in the access log"
