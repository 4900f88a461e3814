"""The sentences for the stored codes and their parameters."""

import pytest

from healthtrack.imports.reasons import (
    LEGACY,
    UNKNOWN_COLUMNS,
    ConflictReason,
    Notice,
    Reason,
    conflict_text,
    reason_text,
)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in {Reason.NONE, Reason.LEGACY}])
def test_every_reason_is_a_sentence(reason: Reason) -> None:
    text = reason_text(reason, {})
    assert text.endswith(".")
    assert " " in text


def test_an_imported_run_has_no_reason() -> None:
    assert reason_text("", {}) == ""


@pytest.mark.parametrize("reason", ConflictReason)
def test_every_conflict_is_a_sentence(reason: ConflictReason) -> None:
    assert conflict_text(reason, {}).endswith(".")


def test_a_sentence_that_an_earlier_version_stored_is_unchanged() -> None:
    words = {"text": "It {failed}, 100 %."}
    assert reason_text(LEGACY, words) == conflict_text(LEGACY, words) == str(Notice(LEGACY, words)) == words["text"]


def test_an_unknown_code_is_shown_unchanged() -> None:
    assert reason_text("a {new} one", {}) == "a {new} one"


def test_columns_without_a_name_are_named_by_their_number() -> None:
    notice = Notice(UNKNOWN_COLUMNS, {"columns": ["Notes", "{x}", 12]})
    assert str(notice) == "Ignored columns: Notes, {x}, number 12 (without a name)"
