"""The sentences for the codes of the parts of a reading plan: why a file is read in this way."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Why(StrEnum):
    """Why a part of a plan has its value."""

    CHOSEN = "chosen"
    REMEMBERED = "remembered"
    CORRECTION = "correction"
    SAME_HEADER = "same_header"
    SEVERAL_PROFILES = "several_profiles"
    VALID_ENCODING = "valid_encoding"
    LOOKS_ENCODED = "looks_encoded"
    UNCLEAR_ENCODING = "unclear_encoding"
    MATCHING_COLUMNS = "matching_columns"
    ONLY_SHEET = "only_sheet"
    SEVERAL_SHEETS = "several_sheets"
    MERGED_CELLS = "merged_cells"
    MERGED_COLUMNS = "merged_columns"
    HIDDEN_ROWS = "hidden_rows"
    HIDDEN_COLUMN = "hidden_column"
    SHARED_NAME = "shared_name"
    NAME = "name"
    SYNONYM = "synonym"
    SIMILAR = "similar"
    NO_FIELD = "no_field"
    PROVED = "proved"
    DOCUMENTED = "documented"
    NOTHING_TO_DECIDE = "nothing_to_decide"
    AMBIGUOUS = "ambiguous"
    CONTRADICTORY = "contradictory"
    STATED = "stated"
    STATED_OTHERWISE = "stated_otherwise"
    PROFILE_OTHERWISE = "profile_otherwise"
    CORRECTED_OTHERWISE = "corrected_otherwise"
    DOCUMENTED_WORD = "documented_word"
    USUAL_WORD = "usual_word"
    UNKNOWN_WORD = "unknown_word"
    RARE_WORD = "rare_word"
    TEXT_MARK = "text_mark"
    EARLY_CELLS = "early_cells"
    UNSURE_WORD = "unsure_word"


_SENTENCES = {
    Why.CHOSEN: "Chosen by a person.",
    Why.REMEMBERED: "Remembered in the profile “{profile}”.",
    Why.CORRECTION: "The file corrects rows of import {run}, which was read in this way.",
    Why.SAME_HEADER: "It was saved for a file with the same header.",
    Why.SEVERAL_PROFILES: "Several profiles were saved for files with the same header.",
    Why.VALID_ENCODING: "The whole file is valid in this encoding.",
    Why.LOOKS_ENCODED: "The file is not valid UTF-8. Read in this encoding, it contains “{example}”.",
    Why.UNCLEAR_ENCODING: (
        "The file is not valid UTF-8, and several encodings are possible. Read in this one, it contains “{example}”."
    ),
    Why.MATCHING_COLUMNS: "This way, {matches} of {columns} columns can be found.",
    Why.ONLY_SHEET: "No other sheet has as many of the columns.",
    Why.SEVERAL_SHEETS: "It is the first of the sheets with these columns. The others are: {others}.",
    Why.MERGED_CELLS: "{count} cell{plural} of the sheet {are} merged over several rows.",
    Why.MERGED_COLUMNS: "{count} cell{plural} of the sheet {are} merged over several columns.",
    Why.HIDDEN_COLUMN: "The header has its name, but the sheet hides this column.",
    Why.SHARED_NAME: "The header has its name in a cell that is merged over other columns too. Only the first is read.",
    Why.HIDDEN_ROWS: "The sheet hides {count} row{plural}, such as by a filter.",
    Why.NAME: "The header has its name.",
    Why.SYNONYM: "The header has another name for it.",
    Why.SIMILAR: "The header is similar to its name.",
    Why.NO_FIELD: "No field has this name.",
    Why.PROVED: "{count} can only be read in this way, such as “{example}”.",
    Why.DOCUMENTED: "The file has the documented header, and other columns prove this order.",
    Why.NOTHING_TO_DECIDE: "All values can be read in only one way.",
    Why.AMBIGUOUS: "{count} can be read in two ways, such as “{example}”, and none shows which one is right.",
    Why.CONTRADICTORY: (
        "{count} can only be {kind}, such as “{example}”, and {other_count} only {other_kind}, "
        "such as “{example_of_other}”."
    ),
    Why.STATED: "The header says so.",
    Why.STATED_OTHERWISE: "The header says otherwise, but {count} can only be {kind}, such as “{example}”.",
    Why.PROFILE_OTHERWISE: (
        "The profile “{profile}” says {said}, but {count} can only be {kind}, such as “{example}”."
    ),
    Why.CORRECTED_OTHERWISE: (
        "Import {run}, whose rows the file corrects, was read {said}, but {count} can only be {kind}, "
        "such as “{example}”."
    ),
    Why.DOCUMENTED_WORD: "This is the documented word for it. It appears in {count}.",
    Why.USUAL_WORD: "This is a usual word for it. It appears in {count}.",
    Why.UNKNOWN_WORD: "It appears in {count}, and HealthTrack does not know what it means.",
    Why.UNSURE_WORD: "It appears in {count}, and means different things in different languages.",
    Why.TEXT_MARK: "{count} begin{s} with it; spreadsheets use it to mark text.",
    Why.EARLY_CELLS: (
        "{count} in date cells have days up to 12 only, and {other_count} in texts later ones only, "
        "such as “{example}”. A spreadsheet may have exchanged day and month when it made the cells."
    ),
    Why.RARE_WORD: "It appears in {count}, and HealthTrack does not know what it means.",
}


def describe_reason(reason: str, params: Mapping[str, Any]) -> str:
    """Return the sentence of a reason. One that a later version stored is returned as its code."""
    sentence = _SENTENCES.get(Why(reason)) if reason in set(Why) else None
    return sentence.format_map(_Params(params)) if sentence else reason


class _Params(dict[str, Any]):
    """The values of a sentence. A run that has ended no longer has the examples from its file."""

    def __missing__(self, name: str) -> str:
        return "…"


def count_values(count: int) -> str:
    return f"{count:,} value{'' if count == 1 else 's'}"
