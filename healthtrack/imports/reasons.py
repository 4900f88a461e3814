"""The sentences for the codes that runs store: why they ended, notices about a file, why an undo left a row.

The database stores a code and its parameters; pages and commands get the sentence here. LEGACY stands for a sentence
that an earlier version stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices

LEGACY = "legacy"


class ConflictReason(TextChoices):
    """Why an undo left a row as it was."""

    CHANGED_SINCE = "changed_since"
    IN_USE = "in_use"
    HAS_DATA = "has_data"
    OWNER_STAYS = "kept_with_owner"
    DELETED_SINCE = "deleted_since"
    NO_ROOM = "no_room"


class Reason(TextChoices):
    """Why a run ended without importing."""

    NONE = ""
    NOT_A_TABLE = "not_a_table"
    NO_VALID_ROW = "no_valid_row"
    NOTHING_TO_IMPORT = "nothing_to_import"
    UNREADABLE = "unreadable"
    SOME_INVALID = "some_invalid"
    NEEDS_ANSWERS = "needs_answers"
    COLLISION = "collision"
    INTERRUPTED = "interrupted"
    DRY_RUN = "dry_run"
    EXPIRED = "expired"
    ALREADY_UNDONE = "already_undone"
    FILE_GONE = "file_gone"
    DATABASE_LOST = "database_lost"
    STORAGE_LOST = "storage_lost"
    PROGRAM_ERROR = "program_error"
    WORKER_ENDED = "worker_ended"
    LEGACY = LEGACY


@dataclass(frozen=True)
class Notice:
    """Something that the person who uploaded a file should know, as a code and its parameters."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return _get_sentence(_NOTICES, self.code, self.params)


UNKNOWN_COLUMNS = "unknown_columns"
OTHER_IMPORTS = "other_imports"
NOT_IMPORTED = "not_imported"
ABSENT_TYPES = "absent_types"
LEFT_OUT = "left_out"
DELETIONS = "deletions"

_REASONS = {
    Reason.NONE: "",
    Reason.NOT_A_TABLE: "This file cannot be imported as it is. Nothing has been changed.",
    Reason.NO_VALID_ROW: "Every row of the file has an error.",
    Reason.NOTHING_TO_IMPORT: "The file holds nothing that can be imported.",
    Reason.UNREADABLE: "The upload cannot be read.",
    Reason.SOME_INVALID: "Some rows have errors. The command line imports a file only if all of its rows are valid.",
    Reason.NEEDS_ANSWERS: "The file can be read in several ways.",
    Reason.COLLISION: "Somebody changed the same data meanwhile, so nothing was imported. Import the file again.",
    Reason.INTERRUPTED: "The import was interrupted. Nothing was imported.",
    Reason.DRY_RUN: "This was a dry run. It only shows what would change.",
    Reason.EXPIRED: "Nobody confirmed this import within a day, so the file and its rows were removed.",
    Reason.ALREADY_UNDONE: "Somebody else has already undone this import.",
    Reason.FILE_GONE: "The uploaded file is missing. Upload it again.",
    Reason.DATABASE_LOST: "The connection to the database was lost. Try again when the database is available.",
    Reason.STORAGE_LOST: (
        "The uploaded file could not be read from its storage. Tell an administrator, and upload it later."
    ),
    Reason.PROGRAM_ERROR: (
        "HealthTrack failed while working on this file. Tell an administrator the number of this import."
    ),
    Reason.WORKER_ENDED: (
        "The import service stopped three times while working on this. Try it again, or tell an administrator."
    ),
    LEGACY: "{text}",
}
_NOTICES = {
    UNKNOWN_COLUMNS: "Ignored columns: {columns}",
    OTHER_IMPORTS: "Left to the import of {label}, for which you upload the same files: {counts}",
    NOT_IMPORTED: "Not imported, because records have no place for them: {counts}",
    ABSENT_TYPES: "The upload has no {types}, so existing records keep {fields}, and new ones get {value}.",
    LEFT_OUT: "Left out: {counts}",
    DELETIONS: "The upload deletes resources: {counts}. Nothing is deleted here; decide about these patients yourself.",
    LEGACY: "{text}",
}
_CONFLICTS = {
    ConflictReason.CHANGED_SINCE: "It was changed afterwards.",
    ConflictReason.IN_USE: "A newer row refers to it.",
    ConflictReason.HAS_DATA: "Other data belongs to it.",
    ConflictReason.OWNER_STAYS: "The row that it belongs to stays.",
    ConflictReason.DELETED_SINCE: "It was deleted afterwards.",
    ConflictReason.NO_ROOM: "Another row has its place, or a row that it refers to no longer exists.",
    LEGACY: "{text}",
}


def reason_text(code: str, params: Mapping[str, Any]) -> str:
    """Return the sentence that says why a run ended without importing; empty if it imported."""
    return _get_sentence(_REASONS, code, params)


def conflict_text(code: str, params: Mapping[str, Any]) -> str:
    """Return the sentence that says why an undo left a row."""
    return _get_sentence(_CONFLICTS, code, params)


def _get_sentence(sentences: Mapping[str, str], code: str, params: Mapping[str, Any]) -> str:
    if code not in sentences:
        return code  # stored by a later version, before a downgrade to this one
    return sentences[code].format_map({name: _format_param(value) for name, value in params.items()})


def _format_param(value: Any) -> str:
    """Return a parameter as text. In a list of columns, a number stands for a column without a name."""
    if not isinstance(value, list):
        return str(value)
    return ", ".join(f"number {each} (without a name)" if isinstance(each, int) else str(each) for each in value)
