"""Guess the code page of a text file from its words with bytes that are not ASCII."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

_WESTERN = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜàáâãäåæçèéêëìíîïñòóôõöøùúûüßŒœŸÿ"
_CENTRAL = "".join(chr(code) for code in range(0xC0, 0x180) if code not in (0xD7, 0xF7))
# The accented letters of languages that are written in a code page. Of equal ratings, that of the first counts.
_LETTERS = {
    "cp1252": frozenset(f"{_WESTERN}ŠšŽžÐðÝýÞþ"),
    "mac_roman": frozenset(_WESTERN),
    "cp850": frozenset(f"{_WESTERN}ÐðÝýÞþ"),
    "cp1250": frozenset(_CENTRAL),
    "cp852": frozenset(_CENTRAL),
    "cp1254": frozenset(f"{_WESTERN}ĞğİıŞş"),
}
# The letters of other scripts. Nobody can be sure which of their code pages a file has.
_CYRILLIC = r"[\u0401\u0410-\u044f\u0451]"
_SCRIPTS_WITH_CASE = {"cp1251": _CYRILLIC, "koi8_r": _CYRILLIC, "cp866": _CYRILLIC, "cp1253": r"[\u0386-\u03ce]"}
_OTHER_SCRIPTS = {
    "cp932": r"[\u3000-\u30ff\u4e00-\u9fff\uff00-\uff60]",
    "cp949": r"[\uac00-\ud7af]",
    "big5": r"[\u3000-\u303f\u4e00-\u9fff]",
    "gb18030": r"[\u3000-\u303f\u4e00-\u9fff]",
    "euc_jp": r"[\u3000-\u30ff\u4e00-\u9fff\uff00-\uff60]",
    "cp1255": r"[\u05d0-\u05ea]",
    "cp1256": r"[\u0621-\u064a]",
    "cp874": r"[\u0e01-\u0e5b]",
}
_LETTER = r"[^\W\d_]"
_TYPOGRAPHY = re.compile(
    f"(?<={_LETTER})’(?={_LETTER})|^[“‘„‚«¿¡°\u00a0]|[”’»…\u00a0™®°]$|^[–—•€£©§…]$"  # noqa: RUF001  (typographic)
)
_LEAD = 2  # of a clear guess over code pages in which the words differ
_PENALTY = 3


@dataclass(frozen=True)
class Guess:
    """A code page, a word of the file as an example, and whether the words look wrong in every other code page."""

    codec: str
    word: bytes
    is_clear: bool


def guess_code_page(words: Sequence[bytes], sample: bytes) -> Guess:
    """Return the code page in which different words of a file look most like words. `sample` has some of its lines."""
    ratings = {codec: sum(_rate(word, codec) for word in words) for codec in _LETTERS}
    best = max(ratings, key=ratings.__getitem__)
    texts = _decode(words, best)
    rivals = [codec for codec in ratings if ratings[codec] > ratings[best] - _LEAD and _decode(words, codec) != texts]
    if not _may_be_central_european(texts):
        rivals = [codec for codec in rivals if (best, codec) != ("cp1252", "cp1250")]
    is_foreign = ratings[best] * 2 < len(words) or _has_other_letters(texts)
    if not is_foreign and not rivals:
        return Guess(best, words[0], is_clear=True)
    codec = (_find_other_script(words, sample) if is_foreign else "") or best
    telling = (
        word for word in words for rival in rivals if word.decode(rival, "replace") != word.decode(best, "replace")
    )
    return Guess(codec, next(telling, words[0]), is_clear=False)


def _decode(words: Sequence[bytes], codec: str) -> list[str]:
    return [word.decode(codec, "replace") for word in words]


def _rate(word: bytes, codec: str) -> int:
    """Return how much a word looks like one: accented letters between plain ones, in usual case, and no signs."""
    text, marks = _TYPOGRAPHY.subn(" ", word.decode(codec, "replace"))
    accented = sum(letter in _LETTERS[codec] for letter in text)
    signs = sum(not letter.isascii() and letter not in _LETTERS[codec] for letter in text)
    odd = sum(not _has_usual_case(piece) for piece in text.split()) + len(re.findall(r"[^\W\d_a-zA-Z]{3}", text))
    return accented + marks - _PENALTY * (signs + odd)


def _has_usual_case(word: str) -> bool:
    return word[1:] in (word[1:].lower(), word.upper()[1:])


def _may_be_central_european(texts: Sequence[str]) -> bool:
    """Return whether Western words have letters that no Western language has together: Jiøí is Jiří."""
    letters = {*"".join(texts).lower()}
    return bool(letters & {*"øìùèòïæðþ"} and letters & {*"íýšž"}) or bool("õ" in letters and letters & {*"öü"})


def _has_other_letters(texts: Sequence[str]) -> bool:
    """Return whether most words of several letters have none of ASCII."""
    words = [text for text in texts if re.search(_LETTER * 2, text)]
    return sum(not re.search("[A-Za-z]", word) for word in words) * 2 > len(words)


def _find_other_script(words: Sequence[bytes], sample: bytes) -> str:
    """Return a code page in which the words have the letters of another script; an empty text if there is none."""
    for codec, letters in _SCRIPTS_WITH_CASE.items():
        texts = _decode(words, codec)
        if all(re.fullmatch(f"{letters}+", text) and _has_usual_case(text) for text in texts):
            return codec
    for codec, letters in _OTHER_SCRIPTS.items():
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample)
        except UnicodeDecodeError:
            continue
        if re.fullmatch(rf"(?:[\x00-\x7f]|{letters})*", text):
            return codec
    return ""
