"""Bytes to text, where nothing says in which encoding they are."""

from __future__ import annotations

import codecs
import re
import unicodedata

from mrvideo.media.subtitles.alphabets import Reading

_SAMPLE_BYTES = 1 << 15
_HINTED = 2.0
"""What a language that the user or the file's name gives is worth, as a logarithm for each sign."""

_PAGES = {
    **dict.fromkeys(("fr", "de", "es", "pt", "it", "sv", "da", "no", "fi", "nl", "ca", "is"), ("cp1252",)),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "hr", "sl", "bs", "ro", "sq"), ("cp1250", "iso8859_2")),
    **dict.fromkeys(("ru", "bg"), ("cp1251", "koi8_r", "cp866")),
    "uk": ("cp1251", "koi8_u"),
    **dict.fromkeys(("be", "mk", "sr"), ("cp1251",)),
    **dict.fromkeys(("lt", "lv", "et"), ("cp1257",)),
    "el": ("cp1253", "iso8859_7"),
    "tr": ("cp1254",),
    "he": ("cp1255",),
    **dict.fromkeys(("ar", "fa"), ("cp1256",)),
    "vi": ("cp1258",),
    "th": ("cp874",),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "zh-hans": ("gb18030",),
    "zh-hant": ("big5hkscs",),
}
_SELDOM = {"iso8859_2": -1.5, "iso8859_7": -3.0, "koi8_r": -3.0, "koi8_u": -3.0, "cp866": -8.0, "is": -2.0}
"""What speaks against a page or language beforehand, as a logarithm."""

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def decode(data: bytes, language: str | None = None) -> tuple[str, list[str]]:
    """The text, and a note when its encoding had to be guessed or bytes were broken.

    `language` (ISO 639-1) weighs in favour of the code pages that it was written in.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    sample = data[:4000]
    if len(sample) > 3 and sample.count(0) > len(sample) // 4:
        return _replacing(data, "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be")
    escaped = next((encoding for escape, encoding in _ESCAPES if escape in data), None)
    for encoding in (escaped, "utf-8", _declared(data)):
        if encoding is not None and (text := _strict(data, encoding)) is not None:
            return text, [] if encoding == "utf-8" else [f"not UTF-8, read as {encoding}"]
    text, notes = _replacing(data, "utf-8")
    broken = text.count("\ufffd")
    if broken * 2 < sum(c > "\x7f" for c in text) or (broken == 1 and text.endswith("\ufffd")):
        return text, notes  # UTF-8 with a few broken bytes, such as a file cut inside a letter
    encoding = _likeliest(data, language)
    text, notes = _replacing(data, encoding)
    if encoding == "cp1258":
        text = unicodedata.normalize("NFC", text)  # it has tones and vowels as two signs each
    return text, [*notes, f"not UTF-8, read as {encoding}"]


_DECLARATION = re.compile(
    rb"\s*<\?xml[^<>]*\bencoding\s*=\s*[\"']((?:windows|iso|koi8|euc|shift|big5|gb)[\w-]{0,20})[\"']", re.I
)
# Japanese and Korean in seven bits say so by an escape.
_ESCAPES = ((b"\x1b$B", "iso2022_jp_2"), (b"\x1b$@", "iso2022_jp_2"), (b"\x1b$)C", "iso2022_kr"))


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _declared(data: bytes) -> str | None:
    """The encoding that an XML declaration names."""
    found = _DECLARATION.match(data)
    try:
        return codecs.lookup(found[1].decode("ascii")).name if found else None
    except LookupError:
        return None


def _likeliest(data: bytes, language: str | None) -> str:
    """The code page in which the bytes read most like a language that used it."""
    sample = _sample(data)
    readings = {
        page: Reading(sample.decode(page, errors="replace"))
        for page in dict.fromkeys(page for pages in _PAGES.values() for page in pages)
    }

    def score(page: str, code: str) -> float:
        reading = readings[page]
        hint = _HINTED * reading.size if language and code.split("-")[0] == language else 0.0
        return reading.likelihood(code) + hint + _SELDOM.get(page, 0.0) + _SELDOM.get(code, 0.0)

    # Of equals the first, a Western one.
    return max(
        ((page, code) for code, pages in _PAGES.items() for page in pages), key=lambda pair: score(*pair)
    )[0]


def _sample(data: bytes) -> bytes:
    """The first of the rows that are not all ASCII, whole: enough to tell a language by."""
    rows: list[bytes] = []
    size = 0
    for row in data.splitlines():
        if not row.isascii():
            rows.append(row[:_SAMPLE_BYTES])
            size += len(rows[-1])
            if size >= _SAMPLE_BYTES:
                break
    return b"\n".join(rows)


def _replacing(data: bytes, encoding: str) -> tuple[str, list[str]]:
    text = data.decode(encoding, errors="replace")
    broken = text.count("\ufffd")
    return text, [f"broken characters: {broken}"] if broken else []
