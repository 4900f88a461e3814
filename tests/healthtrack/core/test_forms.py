import pytest
from django.core.exceptions import ValidationError

from healthtrack.core.forms.fields import CleanedCharField


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Ada  Byron ", "Ada Byron"),
        ("Diabetes,\r\nAsthma", "Diabetes, Asthma"),
        ("a\u00a0b", "a b"),
        ("none", ""),
        (" None ", ""),
        ("Nonesuch", "Nonesuch"),
        ("N/A", ""),
        ("null", ""),
        ("Jose\u0301\u200b", "José"),
        ("\ufeffa\u200bb\u00adc", "abc"),
    ],
)
def test_a_text_is_stored_as_an_import_would_store_it(typed: str, stored: str) -> None:
    assert CleanedCharField(required=False).clean(typed) == stored


def test_a_required_text_cannot_be_none() -> None:
    with pytest.raises(ValidationError, match="required"):
        CleanedCharField().clean("None")


def test_a_required_text_may_be_a_name_that_is_a_word_for_none() -> None:
    assert CleanedCharField().clean("Null") == "Null"


@pytest.mark.parametrize("text", ["#N/A", "#nv", "#FIELD!", "Err:508", "#####"])
def test_an_error_of_a_spreadsheet_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"is an error of a spreadsheet\. Enter the value instead"):
        CleanedCharField().clean(text)


@pytest.mark.parametrize("sign", ["\x01", "\x1b", "\x7f", "\x85b\x90"])
def test_a_control_character_is_refused(sign: str) -> None:
    with pytest.raises(ValidationError, match="control character"):
        CleanedCharField().clean(f"Ada{sign}Byron")
