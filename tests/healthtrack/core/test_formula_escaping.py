"""No text is exported as a formula, and an import restores every text."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.core.downloads.formula_escaping import escape_formula
from healthtrack.imports.columns.widgets import TextWidget
from patients.models import MedicalRecord

# The signs with which formulas begin in spreadsheet programs, and the white space that they skip.
BEGINNINGS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 (full-width signs are what is tested)


def import_text(text: str) -> str:
    read = TextWidget().read(pl.col("text"), MedicalRecord._meta.get_field("name"))
    value: str = pl.DataFrame({"text": [text]}).select(read.alias("value")).item()
    return value


@pytest.mark.parametrize("sign", BEGINNINGS)
@pytest.mark.parametrize("rest", ["", "1", "=1", "SUM(A1)", "cmd|' /C calc'!A0"])
def test_text_that_begins_like_a_formula_is_escaped_and_restored(sign: str, rest: str) -> None:
    assert escape_formula(sign + rest) == f"'{sign}{rest}"
    assert import_text(f"'{sign}{rest}") == sign + rest


@pytest.mark.parametrize("text", ["Ada Byron", "'x", "''", "a=b", "7", ""])
def test_other_text_is_unchanged(text: str) -> None:
    assert escape_formula(text) == import_text(text) == text


@given(st.text(alphabet=st.sampled_from(f"{BEGINNINGS}'a1 "), max_size=6))
def test_an_import_restores_every_exported_text(text: str) -> None:
    assert not escape_formula(text).startswith(tuple(BEGINNINGS))
    assert import_text(escape_formula(text)) == text
