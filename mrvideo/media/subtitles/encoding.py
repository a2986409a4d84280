"""Bytes to text, where nothing says in which encoding they are."""

from __future__ import annotations

from charset_normalizer import from_bytes

_PAGES = """
cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 cp932 cp949 gb18030 big5 euc_jp koi8_r
"""


def decode(data: bytes, language: str | None = None) -> tuple[str, list[str]]:
    """The text, and a note when its encoding had to be guessed or bytes were broken."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    sample = data[:4000]
    if len(sample) > 3 and sample.count(0) > len(sample) // 4:
        return _replacing(data, "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be")
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    text, notes = _replacing(data, "utf-8")
    broken = text.count("\ufffd")
    if broken * 2 < sum(c > "\x7f" for c in text) or (broken == 1 and text.endswith("\ufffd")):
        return text, notes  # UTF-8 with a few broken bytes, such as a file cut inside a letter
    encoding = _codepage(data, language)
    text, notes = _replacing(data, encoding)
    return text, [*notes, f"not UTF-8, read as {encoding}"]


_PAGE_OF = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), "cp1250"),
    **dict.fromkeys(("be", "bg", "mk", "ru", "uk"), "cp1251"),
    **dict.fromkeys(("ca", "da", "de", "es", "fi", "fr", "is", "it", "nl", "no", "pt", "sv"), "cp1252"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "vi": "cp1258",
    "th": "cp874",
}


def _codepage(data: bytes, language: str | None) -> str:
    """The language's codepage where the file's name gives one that fits, else the likeliest. Among the
    Latin ones, which differ in few letters, the Western one when it fits as well."""
    page = _PAGE_OF.get(language or "")
    if page and "\ufffd" not in data.decode(page, errors="replace"):
        return page
    matches = list(from_bytes(data, cp_isolation=list[str](_PAGES.split())))
    if not matches:
        return "cp1252"
    best = matches[0]
    for match in matches if best.encoding in ("cp1250", "cp1257", "cp1258") else ():
        as_likely = match.coherence >= best.coherence - 0.02 and match.chaos <= best.chaos + 0.07
        if "cp1252" in match.could_be_from_charset and as_likely:
            return "cp1252"
    return best.encoding


def _replacing(data: bytes, encoding: str) -> tuple[str, list[str]]:
    text = data.decode(encoding, errors="replace")
    broken = text.count("\ufffd")
    return text, [f"broken characters: {broken}"] if broken else []
