"""No text leaves as a formula, and every text comes back as it was."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.core.formula_escaping import neutralised
from healthtrack.imports.widgets import TextWidget
from patients.models import MedicalRecord

# The signs that spreadsheet programs take for a formula's beginning, and the blanks that they look past.
BEGINNINGS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001


def restored(text: str) -> str:
    read = TextWidget().read(pl.col("text"), MedicalRecord._meta.get_field("name"))
    value: str = pl.DataFrame({"text": [text]}).select(read.alias("value")).item()
    return value


@pytest.mark.parametrize("sign", BEGINNINGS)
@pytest.mark.parametrize("rest", ["", "1", "=1", "SUM(A1)", "cmd|' /C calc'!A0"])
def test_what_begins_like_a_formula_is_guarded_and_restored(sign: str, rest: str) -> None:
    assert neutralised(sign + rest) == f"'{sign}{rest}"
    assert restored(f"'{sign}{rest}") == sign + rest


@pytest.mark.parametrize("text", ["Ada Byron", "'x", "''", "a=b", "7", ""])
def test_other_text_is_let_be(text: str) -> None:
    assert neutralised(text) == restored(text) == text


@given(st.text(alphabet=st.sampled_from(f"{BEGINNINGS}'a1 "), max_size=6))
def test_whatever_leaves_comes_back(text: str) -> None:
    assert not neutralised(text).startswith(tuple(BEGINNINGS))
    assert restored(neutralised(text)) == text
