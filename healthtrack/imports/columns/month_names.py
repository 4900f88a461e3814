"""Dates with the name of a month, such as 17-May-1980 or 17. Mai 1980, in the languages of most European hospitals."""

from collections.abc import Iterator

import polars as pl

# English, German, French, Spanish, Italian, Dutch and Portuguese, in lower case. No name means two months.
_MONTHS = (
    "january januar jänner jaenner janvier enero gennaio januari janeiro",
    "february februar feber février fevrier febrero febbraio februari fevereiro",
    "march märz maerz mars marzo maart março marco mrz mrt",
    "april avril abril aprile",
    "may mai mayo maggio mei maio",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août aout agosto augustus",
    "september septembre septiembre setiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre decembre diciembre dicembre dezembro",
)
_SHORT = (
    "jan janv ene gen jän",
    "feb févr fevr fév fev febr",
    "mar mär maer",
    "apr avr abr",
    "may mai mag mei",
    "jun juin giu",
    "jul juil lug",
    "aug août aout ago",
    "sep sept set",
    "oct okt ott out",
    "nov",
    "dec dez déc dic",
)
_WORD = r"[a-z\u00c0-\u024f]{3,10}"
_ORDINAL = r"(?:\.|er|º|°|ª|st|nd|rd|th)?"
_BETWEEN = r"(?:[ .,/\-]|de|del|of)*"
# What is left once the name of the month is a hash sign: the day, the month and the year in three orders.
_DAY_FIRST = rf"^([0-9]{{1,2}}){_ORDINAL}{_BETWEEN}#{_BETWEEN}([0-9]{{4}})$"
_MONTH_FIRST = r"^#[ \-]*([0-9]{1,2})(?:st|nd|rd|th)?(?:, ?|[ \-])([0-9]{4})$"
_YEAR_FIRST = r"^([0-9]{4})[ .,/\-]*#[ .,/\-]*([0-9]{1,2})$"
# The same with two digits of the year, of which nobody knows the century.
NAMED_MONTH_AND_TWO_DIGIT_YEAR = (
    rf"(?i)^([0-9]{{1,2}}{_ORDINAL}{_BETWEEN}{_WORD}\.?{_BETWEEN}|{_WORD}\.?[ \-]*[0-9]{{1,2}},? )'?[0-9]{{2}}$"
)


def _list_names() -> Iterator[tuple[str, str]]:
    for number, (names, short) in enumerate(zip(_MONTHS, _SHORT, strict=True), 1):
        yield from ((name, f"{number:02}") for name in (names + " " + short).split())


_BY_NAME = dict(_list_names())
# As series, because each column would make them from a dictionary again.
_NAMES, _NUMBERS = pl.Series([*_BY_NAME]), pl.Series([*_BY_NAME.values()])


def read_named_months(text: pl.Expr) -> pl.Expr:
    """Return the dates of the texts with the name of a month; null for all others, and for two digits of the year."""
    lower = pl.when(text.str.contains(r"[A-Za-z\u00c0-\u024f]{3}")).then(text).str.to_lowercase()
    month = lower.str.extract(f"({_WORD})").replace_strict(_NAMES, _NUMBERS, default=None, return_dtype=pl.String)
    rest = lower.str.replace(rf"{_WORD}\.?", "#")
    orders = ((_DAY_FIRST, 2, 1), (_MONTH_FIRST, 2, 1), (_YEAR_FIRST, 1, 2))
    dates = (
        pl.concat_str(rest.str.extract(shape, year), month, rest.str.extract(shape, day), separator="-")
        for shape, year, day in orders
    )
    return pl.coalesce(dates).str.to_date("%Y-%m-%d", strict=False)
