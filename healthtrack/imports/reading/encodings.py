"""Find out how a text file is encoded: UTF-8, UTF-16, or a code page of one byte for each character."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from healthtrack.imports.reading.code_pages import guess_code_page

UTF_8 = "utf_8"
UTF_16 = {"utf_16_le": codecs.BOM_UTF16_LE, "utf_16_be": codecs.BOM_UTF16_BE}
# The encodings to choose from, by the name of Python's codec.
CODE_PAGES = {
    "cp1252": "Windows-1252 (Western Europe)",
    "mac_roman": "Mac Roman",
    "cp850": "DOS 850 (Western Europe)",
    "iso8859_15": "ISO 8859-15 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp852": "DOS 852 (Central Europe)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp866": "DOS 866 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp874": "Windows-874 (Thai)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "Windows-949 (Korean)",
    "big5": "Big5 (traditional Chinese)",
    "gb18030": "GB 18030 (simplified Chinese)",
}
ENCODINGS = {UTF_8: "UTF-8", "utf_16_le": "UTF-16", "utf_16_be": "UTF-16 (big-endian)", **CODE_PAGES}
_BLOCK_BYTES = 2**20
_HEAD_BYTES = 512
_MAX_WORDS = 2000
_HIGH_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_HIGH_LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_SAMPLE_BYTES = 2**16
_WELL_FORMED = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True)
class Encoding:
    """The encoding of a file, by the name of Python's codec. A code page is a guess, from words such as the example.

    A guess is clear if the words look wrong in every other code page. Otherwise `examples` has the example in each.
    """

    name: str
    example: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)

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
        sample = _read_high_lines(file)
    # Where most words are valid UTF-8, the others are damaged, and their rows are errors.
    if sum(_is_well_formed(word) for word in words) * 2 >= len(words):
        return Encoding(UTF_8)
    guess = guess_code_page(words, sample)
    examples = {} if guess.is_clear else {codec: guess.word.decode(codec, "replace") for codec in CODE_PAGES}
    return Encoding(guess.codec, guess.word.decode(guess.codec, "replace"), examples)


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


def _read_high_lines(file: BinaryIO) -> bytes:
    """Return some of the lines with a byte that is not ASCII."""
    file.seek(0)
    return b"\n".join(_HIGH_LINE.findall(file.read(_BLOCK_BYTES)))[:_SAMPLE_BYTES]


def _is_well_formed(word: bytes) -> bool:
    return not re.search(rb"[\x80-\xff]", _WELL_FORMED.sub(b"", word))
