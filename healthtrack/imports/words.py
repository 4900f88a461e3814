"""The words of files that mean yes, no or no value, beyond those that the documentation names."""

from enum import StrEnum

import polars as pl

from healthtrack.imports.plan import Column
from healthtrack.imports.widgets import NO_WORDS, YES_WORDS, YesNoWidget


class Meaning(StrEnum):
    """What a word means in a column. As it is, it is a text, or an error in a column of another type."""

    YES = "yes"
    NO = "no"
    NONE = "none"
    AS_IT_IS = "-"


DOCUMENTED_WORDS = {**dict.fromkeys(YES_WORDS, Meaning.YES), **dict.fromkeys(NO_WORDS, Meaning.NO)}
# In lower case. English, German, French, Spanish, Portuguese, Italian, Dutch, Scandinavian, Polish, Czech; and digits.
_YES = ("1", "ja", "j", "oui", "si", "sí", "s", "sim", "sì", "tak", "ano", "wahr", "vrai", "verdadero", "vero")
_NO = ("0", "nein", "non", "não", "nao", "nee", "nej", "nei", "nie", "ne", "falsch", "faux", "falso")
_NONE = (
    *(
        "-",
        "--",
        "---",
        "\u2013",
        "\u2014",
        "k.a.",
        "k. a.",
        "keine",
        "keine angabe",
        "kein",
        "keiner",
        "keines",
        "entfällt",
    ),
    *("not applicable", "not available", "n. a.", "aucun", "aucune", "néant", "ninguno", "ninguna", "nenhum"),
    *("nenhuma", "nessuno", "nessuna", "geen", "n.v.t.", "ingen", "inga", "intet", "brak", "žádné"),
)
USUAL_YES_NO = {**dict.fromkeys(_YES, Meaning.YES), **dict.fromkeys(_NO, Meaning.NO)}
USUAL_NONE = dict.fromkeys(_NONE, Meaning.NONE)
_REPLACEMENTS = {Meaning.YES: "Yes", Meaning.NO: "No", Meaning.NONE: None}


def is_yes_no(column: Column) -> bool:
    return isinstance(column.widget, YesNoWidget)


def get_usual_words(column: Column) -> dict[str, Meaning]:
    """Return what usual words mean in a column; the documented ones, which need no decision, are not among them."""
    return {**(USUAL_YES_NO if is_yes_no(column) else {}), **({} if column.required else USUAL_NONE)}


def list_meanings(column: Column) -> list[str]:
    """Return what a word of the column can mean."""
    possible = [Meaning.YES, Meaning.NO] if is_yes_no(column) else []
    return [*possible, *([] if column.required else [Meaning.NONE]), Meaning.AS_IT_IS]


def translate(text: pl.Expr, words: dict[str, Meaning]) -> pl.Expr:
    """Return the texts with the documented word for each of these words."""
    replaced = {word: _REPLACEMENTS[meaning] for word, meaning in words.items() if meaning in _REPLACEMENTS}
    if not replaced:
        return text
    folded = text.str.to_lowercase()
    return (
        pl.when(folded.is_in(list(replaced)))
        .then(folded.replace_strict(list(replaced), list(replaced.values()), default=None, return_dtype=pl.String))
        .otherwise(text)
    )
