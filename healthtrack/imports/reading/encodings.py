"""Find out how a text file is encoded: UTF-8, UTF-16, or a code page of one byte for each character."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

UTF_8 = "utf_8"
UTF_16 = {"utf_16_le": codecs.BOM_UTF16_LE, "utf_16_be": codecs.BOM_UTF16_BE}
# The encodings to choose from, by the name of Python's codec.
CODE_PAGES = {
    "cp1252": "Windows-1252 (Western Europe)",
    "mac_roman": "Mac Roman",
    "cp850": "DOS 850 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "iso8859_15": "ISO 8859-15 (Western Europe)",
}
ENCODINGS = {UTF_8: "UTF-8", "utf_16_le": "UTF-16", "utf_16_be": "UTF-16 (big-endian)", **CODE_PAGES}
_GUESSED = ("cp1252", "mac_roman", "cp850", "cp1250", "cp1251")
_BLOCK_BYTES = 2**20
_HEAD_BYTES = 512
_MAX_WORDS = 2000
_HIGH_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_WELL_FORMED = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ACCENTED = re.compile(r"[^\W\d_a-zA-Z]")
_ACCENTED_ROW = re.compile(r"[^\W\d_a-zA-Z]{3}")
_CAPITAL_INSIDE = re.compile(r"[a-zß-ÿ]\w*[A-ZÀ-Þ]")


@dataclass(frozen=True)
class Encoding:
    """The encoding of a file, by the name of Python's codec. A code page is a guess, from words such as the example."""

    name: str
    example: str = ""

    @property
    def is_guess(self) -> bool:
        return self.name in CODE_PAGES


def find_utf_16(head: bytes) -> str:
    """Return UTF-16's codec for the beginning of a file, with or without a byte-order mark; otherwise an empty text."""
    for codec, mark in UTF_16.items():
        if head.startswith(mark):
            return codec
    pairs = len(head[:_HEAD_BYTES]) // 2
    first, second = (head[place : pairs * 2 : 2].count(0) for place in (0, 1))
    if pairs and second > pairs / 2 and first == 0:
        return "utf_16_le"
    return "utf_16_be" if pairs and first > pairs / 2 and second == 0 else ""


def detect_encoding(path: Path) -> Encoding:
    """Return the encoding of a text file, after reading all of it."""
    with path.open("rb") as file:
        if codec := find_utf_16(file.read(_HEAD_BYTES)):
            return Encoding(codec)
        if _is_utf_8(file):
            return Encoding(UTF_8)
        words = _collect_high_words(file)
    # Where most words are valid UTF-8, the others are damaged, and their rows are errors.
    if sum(_is_well_formed(word) for word in words) * 2 > len(words):
        return Encoding(UTF_8)
    name = max(_GUESSED, key=lambda codec: sum(_rate(word, codec) for word in words))
    return Encoding(name, words[0].decode(name, "replace"))


def _read_blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        yield block


def _is_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for block in _read_blocks(file):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _collect_high_words(file: BinaryIO) -> list[bytes]:
    """Return the first different words with a byte that is not ASCII."""
    words: dict[bytes, None] = {}
    for block in _read_blocks(file):
        words |= dict.fromkeys(_HIGH_WORD.findall(block))
        if len(words) > _MAX_WORDS:
            break
    return list(words)[:_MAX_WORDS]


def _is_well_formed(word: bytes) -> bool:
    return not re.search(rb"[\x80-\xff]", _WELL_FORMED.sub(b"", word))


def _rate(word: bytes, codec: str) -> int:
    """Return how much a word looks like one in this code page: accented letters between plain ones, and no signs."""
    text = word.decode(codec, "replace")
    signs = sum(1 for letter in text if not letter.isalpha())
    accented = len(_ACCENTED.findall(text))
    if codec == "cp1251":  # a Cyrillic word has no Latin letters
        return 2 * accented if accented == len(text) > 2 else -2 * len(text)
    odd = len(_ACCENTED_ROW.findall(text)) + len(_CAPITAL_INSIDE.findall(text))
    return accented - 3 * signs - 2 * odd
