"""The search in the list of records: by number and by the words of a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from patients.models import MedicalRecord
from patients.search.records import MAX_WORDS, search_records
from tests.support import factories


def found(text: str) -> list[str]:
    return [record.pk for record in search_records(text, MedicalRecord.objects.order_by("pk"))]


def make_records(*names: str) -> None:
    for number, name in enumerate(names):
        factories.medical_record(str(1001 + number), name=name)


@pytest.mark.parametrize("text", ["ada", "ADA", "lovel", "ada l", "love ad", "l a", " ada   lovelace ", "ada ada"])
@pytest.mark.django_db
def test_the_beginnings_of_words_find_a_name_in_any_order_and_letter_case(text: str) -> None:
    make_records("Ada Lovelace", "Grace Hopper")
    assert found(text) == ["1001"]


@pytest.mark.parametrize("text", ["da", "lace", "ada hop", "adalovelace", "ada x", "lovelaces"])
@pytest.mark.django_db
def test_every_word_must_begin_a_word_of_the_name(text: str) -> None:
    make_records("Ada Lovelace", "Grace Hopper")
    assert found(text) == []


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("José Núñez", ["jose nunez", "José", "JOSÉ", "nuñ"]),
        ("Jose Nunez", ["josé núñez"]),
        ("Zoe\u0308 Müller", ["zoe", "zoë", "mueller"[:2], "müll"]),
        ("Łukasz Øster Đorđe", ["lukasz", "oster", "dorde", "łuk", "ØST"]),
        ("Jürgen Weiß", ["weiss", "weiß", "jurgen"]),
        ("Æthel Œuvre", ["aethel", "oeuvre", "æth"]),
        ("Ádám Ångström", ["adam ang", "ÁD"]),
        ("Νίκος Παπαδόπουλος", ["νικος", "παπαδοπουλος", "Παπ"]),
        ("Анна Йорданова", ["анна", "иордан", "йорд"]),
        ("王 小明", ["王", "小"]),
    ],
)
@pytest.mark.django_db
def test_accents_make_no_difference(name: str, texts: list[str]) -> None:
    make_records(name)
    assert [text for text in texts if not found(text)] == []


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Sean O'Neil", ["o'neil", "oneil", "o neil", "neil", "o\u2019neil", "O'N", "O`Neil"]),
        ("Sean O\u2019Neil", ["o'neil", "oneil"]),
        ("Sean ONeil", ["o'neil"]),
        ("Efua Osei-Mensah", ["osei-mensah", "osei mensah", "oseimensah", "mensah", "osei-m", "osei\u2011mensah"]),
        ("Anna Maria Rossi", ["anna-maria", "anna - maria"]),
        ("J.R.R. Tolkien", ["j r tolk", "j.r.r. tolkien"]),
        ("Rossi, Mario", ["mario rossi", "rossi,"]),
        ("Henry 8th", ["8th", "henry 8"]),
        ("Louis (Lou) Smith", ["lou smith", "(lou)"]),
    ],
)
@pytest.mark.django_db
def test_hyphens_apostrophes_and_digits_match_as_people_expect(name: str, texts: list[str]) -> None:
    make_records(name)
    assert [text for text in texts if not found(text)] == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("P1", ["P1", "P12", "P1/3 x"]),
        ("p1", ["P1", "P12", "P1/3 x"]),
        ("P1/3 x", ["P1/3 x"]),
        ("P1/3", ["P1/3 x"]),
        ("ab", ["ab-7", "P12"]),
        ("AB-7", ["ab-7"]),
        ("2", []),
        ("hop P12", []),
        ("abel P12", ["P12"]),
        ("ada P12", []),
        ("%", []),
        ("_1", []),
    ],
)
@pytest.mark.django_db
def test_a_word_may_begin_the_patients_number_instead(text: str, numbers: list[str]) -> None:
    for number in ("P1", "P1/3 x", "ab-7"):
        factories.medical_record(number)
    factories.medical_record("P12", name="Abel Tasman")
    assert sorted(found(text)) == sorted(numbers)


@pytest.mark.parametrize("text", ["'", '"', "&", "|", "!", ":*", "\\", "<->", "()", "- -", "''", "'; --", "!ada & |"])
@pytest.mark.django_db
def test_punctuation_alone_finds_nobody_and_is_ignored_beside_words(text: str) -> None:
    make_records("Ada Lovelace")
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    assert found(text) == (["1001"] if words else [])
    assert found(f"ada {text}") == ["1001"]
    assert found(f"ada{text}") == ["1001"]


@pytest.mark.parametrize("text", ["", " ", "\0"])
@pytest.mark.django_db
def test_a_search_without_words_finds_everybody(text: str) -> None:
    make_records("Ada Lovelace")
    assert found(text) == ["1001"]


@pytest.mark.django_db
def test_more_words_than_any_name_has_find_nobody() -> None:
    make_records(" ".join(["a"] * MAX_WORDS))
    assert found(" ".join("a" * length for length in range(1, MAX_WORDS + 2))) == []


class AnyText(TestCase):
    @given(st.text(max_size=60))
    def test_no_text_causes_an_error(self, text: str) -> None:
        assert found(text) == []

    @given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=20))
    def test_a_word_finds_its_own_name(self, word: str) -> None:
        record = factories.medical_record(name=f"{word} x")
        assert record in search_records(word, MedicalRecord.objects.all())
