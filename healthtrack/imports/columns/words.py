"""The words of files that mean yes, no or no value, beyond those that the documentation names."""

from collections.abc import Collection, Mapping
from enum import StrEnum

import polars as pl

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.widgets import NO_WORDS, YES_WORDS, ChoiceWidget, YesNoWidget, list_choice_words


class Meaning(StrEnum):
    """What a word means in a column. As it is, it is a text, or an error in a column of another type."""

    YES = "yes"
    NO = "no"
    NONE = "none"
    AS_IT_IS = "-"


UNDECIDED = "?"  # what a word means whose question is open: no choice of any field
DOCUMENTED_WORDS = {**dict.fromkeys(YES_WORDS, Meaning.YES), **dict.fromkeys(NO_WORDS, Meaning.NO)}
# In lower case, in European languages, Turkish, Japanese and Chinese; with digits and signs.
_YES = (
    *("1", "1.0", "ja", "j", "oui", "si", "sí", "s", "sim", "sì", "tak", "ano", "wahr", "vrai", "verdadero", "vero"),
    *("t", "on", "igen", "evet", "kyllä", "да", "はい", "是", "\u2713", "\u2714", "\u2611"),
)
_NO = (
    *("0", "0.0", "nein", "non", "não", "nao", "nee", "nej", "nei", "nie", "ne", "falsch", "faux", "falso"),
    *("f", "off", "nem", "hay\u0131r", "ei", "нет", "いいえ", "否", "\u2717", "\u2718", "\u2610"),
)
_NONE = (
    *("-", "--", "---", "\u2013", "\u2014", "k.a.", "k. a.", "kein", "keine", "keiner", "keines", "keine angabe"),
    *("entfällt", "not applicable", "not available", "n. a.", "aucun", "aucune", "néant", "ninguno", "ninguna"),
    *("nenhum", "nenhuma", "nessuno", "nessuna", "geen", "n.v.t.", "ingen", "inga", "intet", "brak", "žádné"),
    *("нет данных", "なし", "無し", "特になし", "无", "無"),
)
# In a column of texts, such as allergies, the answer "no" is not one of them.
_NO_TEXT = ("no", "nein", "non", "não", "nao", "nee", "nej", "nei")
USUAL_YES_NO = {**dict.fromkeys(_YES, Meaning.YES), **dict.fromkeys(_NO, Meaning.NO)}
USUAL_NONE = dict.fromkeys((*_NONE, *_NO_TEXT), Meaning.NONE)
_REPLACEMENTS = {Meaning.YES: "Yes", Meaning.NO: "No", Meaning.NONE: None}


def is_yes_no(column: Column) -> bool:
    return isinstance(column.widget, YesNoWidget)


def has_few_words(column: Column) -> bool:
    """Return whether each value of a column is one of few words."""
    return isinstance(column.widget, YesNoWidget | ChoiceWidget)


def get_documented_words(column: Column) -> Mapping[str, str]:
    """Return what the words mean that the documentation names for a column of few words."""
    if isinstance(column.widget, ChoiceWidget):
        return list_choice_words(column.field)
    return DOCUMENTED_WORDS if is_yes_no(column) else {}


def get_usual_words(column: Column) -> dict[str, str]:
    """Return what usual words mean in a column; the documented ones, which need no decision, are not among them."""
    usual = column.widget.usual if isinstance(column.widget, ChoiceWidget) else {}
    return {**({} if column.required else USUAL_NONE), **usual, **(USUAL_YES_NO if is_yes_no(column) else {})}


def get_unsure_words(column: Column) -> Mapping[str, Collection[str]]:
    """Return the words whose meaning is not sure in a column that also has one of these other words."""
    return column.widget.unsure if isinstance(column.widget, ChoiceWidget) else {}


def get_new_words(column: Column) -> set[str]:
    """Return the words that need a decision wherever they appear first."""
    others = {other for others in get_unsure_words(column).values() for other in others}
    return {*get_usual_words(column), *others}


def list_meanings(column: Column) -> list[str]:
    """Return what a word of the column can mean: a `Meaning`, or a choice of the field."""
    possible = [Meaning.YES, Meaning.NO] if is_yes_no(column) else []
    choices = [str(value) for value, _ in column.field.flatchoices] if isinstance(column.widget, ChoiceWidget) else []
    return [*possible, *choices, *([] if column.required else [Meaning.NONE]), Meaning.AS_IT_IS]


def translate(text: pl.Expr, words: Mapping[str, str]) -> pl.Expr:
    """Return the texts with the documented word for each of these words."""
    replaced = {
        word: _REPLACEMENTS.get(Meaning(meaning)) if meaning in _REPLACEMENTS else meaning
        for word, meaning in words.items()
        if meaning != Meaning.AS_IT_IS
    }
    if not replaced:
        return text
    folded = text.str.to_lowercase()
    return (
        pl.when(folded.is_in(list(replaced)))
        .then(folded.replace_strict(list(replaced), list(replaced.values()), default=None, return_dtype=pl.String))
        .otherwise(text)
    )
