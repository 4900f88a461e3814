"""The sentences for the codes that runs store: why they ended, what to note about a file, why an undo left a row.

The database holds a code and its parameters, and pages and commands put them in words here. LEGACY is what an earlier
version stored as a sentence of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices

LEGACY = "legacy"


class ConflictReason(TextChoices):
    """Why an undo left a row as it is."""

    CHANGED_SINCE = "changed_since"
    IN_USE = "in_use"
    KEPT_WITH_OWNER = "kept_with_owner"
    DELETED_SINCE = "deleted_since"
    NO_ROOM = "no_room"


class Reason(TextChoices):
    """Why a run ended without importing."""

    NONE = ""
    NOT_A_TABLE = "not_a_table"
    NO_VALID_ROW = "no_valid_row"
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
    PROGRAM_ERROR = "program_error"
    WORKER_ENDED = "worker_ended"
    LEGACY = LEGACY


@dataclass(frozen=True)
class Notice:
    """Something that the person who uploaded a file should know."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return _in_words(_NOTICES, self.code, self.params)


UNKNOWN_COLUMNS = "unknown_columns"

_REASONS = {
    Reason.NONE: "",
    Reason.NOT_A_TABLE: "The file cannot be read as a table of these rows.",
    Reason.NO_VALID_ROW: "Every row of the file is faulty.",
    Reason.UNREADABLE: "The upload cannot be read.",
    Reason.SOME_INVALID: "The command line imports a file whole or not at all, and some rows are faulty.",
    Reason.NEEDS_ANSWERS: "The file can be read in several ways. Upload it on its page, which asks which one is right.",
    Reason.COLLISION: "Somebody changed these tables during the import, so nothing was imported; import it again.",
    Reason.INTERRUPTED: "It was broken off before its end, and nothing was imported.",
    Reason.DRY_RUN: "It was a dry run, which only tells what would change.",
    Reason.EXPIRED: "Nobody went ahead with it for a day, so the file and its rows were removed.",
    Reason.ALREADY_UNDONE: "Somebody else undid this import meanwhile.",
    Reason.FILE_GONE: "The uploaded file is gone; upload it again.",
    Reason.DATABASE_LOST: "The database broke the work off; import the file again when it is well.",
    Reason.PROGRAM_ERROR: (
        "HealthTrack itself failed at this file; its log says where. Tell an administrator the import's number."
    ),
    Reason.WORKER_ENDED: (
        "The program that worked on it was ended three times; upload the file again, or tell an administrator."
    ),
    LEGACY: "{text}",
}
_NOTICES = {UNKNOWN_COLUMNS: "Left out, because unknown here: column {columns}.", LEGACY: "{text}"}
_CONFLICTS = {
    ConflictReason.CHANGED_SINCE: "It was changed since.",
    ConflictReason.IN_USE: "Something that came since refers to it.",
    ConflictReason.KEPT_WITH_OWNER: "What it belongs to stays.",
    ConflictReason.DELETED_SINCE: "It was deleted since.",
    ConflictReason.NO_ROOM: "Another one is in its place, or what it refers to is not there any more.",
    LEGACY: "{text}",
}


def reason_text(code: str, params: Mapping[str, Any]) -> str:
    """Return the sentence that says why a run ended; nothing for a run that went in."""
    return _in_words(_REASONS, code, params)


def conflict_text(code: str, params: Mapping[str, Any]) -> str:
    """Return the sentence that says why an undo left a row."""
    return _in_words(_CONFLICTS, code, params)


def _in_words(sentences: Mapping[str, str], code: str, params: Mapping[str, Any]) -> str:
    if code not in sentences:
        return code  # of a later version, which has written it before it was taken back
    return sentences[code].format_map({name: _shown(value) for name, value in params.items()})


def _shown(value: Any) -> str:
    """Return a parameter in words: in a list of columns a number stands for one without a name."""
    if not isinstance(value, list):
        return str(value)
    return ", ".join(f"number {each}, which has no name" if isinstance(each, int) else str(each) for each in value)
