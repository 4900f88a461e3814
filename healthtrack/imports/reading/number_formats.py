"""What number formats make of a number: a date, a percentage, or a text with padding zeros and fixed parts."""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_BUILT_IN_DATES = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
_BUILT_IN_CODES = {"9": "0%", "10": "0.00%"}
_LITERALS = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]\-]*)[^\]]*\]|\[[^\]]*\]', re.DOTALL)
_SECTION = re.compile(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*)(;|$)', re.DOTALL)
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]\-]*)[^\]]*\]|\[[^\]]*\]|([0#?]+(?:\.[0#?]+)?|General)|(.)',
    re.DOTALL | re.IGNORECASE,
)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[0-9.]+)\]")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_FRACTION_OR_POWER = re.compile(r"[0#?] *\/|E[+\-]", re.IGNORECASE)
_GENERAL = "general"
_DIGITS = re.compile("[0#?]")
_MAX_PLACES = 30
_UNIT = re.compile(r"[^\W\d_]|[$\u00a2-\u00a5\u20a0-\u20cf\u00b0%]")  # a letter, or the sign of a currency


@dataclass(frozen=True)
class NumberFormat:
    """A number format: `show` returns a plain number as the sheet displays it, if that adds zeros or fixed text.

    `unit` is the fixed text if it has letters or the sign of a currency, such as \u20ac or days.
    """

    is_date: bool = False
    is_percent: bool = False
    unit: str = ""
    show: Callable[[str], str] | None = None


PLAIN = NumberFormat()


def get_built_in_format(number: str) -> NumberFormat:
    """Return a format that workbooks need not define, by its number."""
    if number in _BUILT_IN_DATES:
        return NumberFormat(is_date=True)
    return parse_format(_BUILT_IN_CODES.get(number, ""))


def parse_format(code: str) -> NumberFormat:
    """Return the format of a code such as `00000` or `dd.mm.yyyy`.

    Only its first section counts, which is that for positive numbers, unless others have conditions.
    """
    sections = [section for section, _ in _SECTION.findall(code)] or [""]
    bare = _LITERALS.sub("", sections[0])
    if re.search("[dmyhs]", bare, re.IGNORECASE) and bare.lower() != _GENERAL:
        return NumberFormat(is_date=True)
    if "%" in bare:
        return NumberFormat(is_percent=True)
    if _CONDITION.search(sections[0]):
        return NumberFormat(show=_make_choice(sections[:3]))
    return NumberFormat(unit=_find_unit(sections[0]), show=_make_display(sections[0]))


def _find_unit(section: str) -> str:
    """Return the fixed text of a format if it is a unit or a currency, and an empty text otherwise."""
    if _FRACTION_OR_POWER.search(_LITERALS.sub("", section)):
        return ""
    pieces = [piece for piece, is_text in map(_parse_token, _TOKEN.finditer(section)) if is_text]
    unit = " ".join("".join(pieces).replace(",", "").split())
    return unit if _UNIT.search(unit) else ""


def _make_choice(sections: Sequence[str]) -> Callable[[str], str] | None:
    """Return the function that displays a number by the first section whose condition it meets."""
    displays = [(_CONDITION.search(section), _make_display(section)) for section in sections]
    if not any(display for _, display in displays):
        return None

    def show(number: str) -> str:
        for condition, display in displays:
            if condition is None or _meets(number, condition):
                return display(number) if display else number
        return number

    return show


def _meets(number: str, condition: re.Match[str]) -> bool:
    try:
        return _COMPARISONS[condition[1]](float(number), float(condition[2]))
    except ValueError:
        return False


def _make_display(section: str) -> Callable[[str], str] | None:
    """Return the function that displays a whole number, None if the format adds neither zeros nor text to it.

    Separators of thousands are left out: they belong to the display, not to the text.
    """
    pieces = [_parse_token(match) for match in _TOKEN.finditer(section.replace(",", ""))]
    places = sum(len(piece) for piece, is_text in pieces if not is_text)
    adds_text = any(piece.strip() for piece, is_text in pieces if is_text)
    pads = sum(piece.count("0") for piece, is_text in pieces if not is_text) > 1
    if "." in "".join(piece for piece, is_text in pieces if not is_text) or not 0 < places <= _MAX_PLACES:
        return None
    if _FRACTION_OR_POWER.search(_LITERALS.sub("", section)):
        return None
    return (lambda number: _display(number, pieces)) if adds_text or pads else None


def _parse_token(match: re.Match[str]) -> tuple[str, bool]:
    """Return a token of a format, and whether it is fixed text and not a row of places for digits."""
    quoted, escaped, currency, digits, letter = match.groups()
    if digits:
        return digits, False
    return quoted or escaped or currency or letter or "", True


def _display(number: str, pieces: list[tuple[str, bool]]) -> str:
    if any(piece.lower() == _GENERAL for piece, is_text in pieces if not is_text):
        return "".join(piece if is_text else number for piece, is_text in pieces)
    try:
        digits = str(Decimal(number).quantize(Decimal(1), ROUND_HALF_UP))
    except InvalidOperation:
        return number
    if not digits.isdecimal():
        return number
    shown: list[str] = []
    remaining = sum(len(piece) for piece, is_text in pieces if not is_text)
    for piece, is_text in reversed(pieces):
        if is_text:
            shown.append(piece)
            continue
        remaining -= len(piece)
        taken = digits if remaining == 0 else digits[-len(piece) :]
        digits = "" if remaining == 0 else digits[: -len(piece)]
        shown.append(taken.rjust(len(piece), "0") if "0" in piece else taken)
    return "".join(reversed(shown))
