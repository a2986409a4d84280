"""Error messages of servers: extracted from any body, in one line, with keys masked."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

from mrvideo.models.json_values import NotJson, parse, whole_characters

LONGEST_QUOTE = 300

_LEAST_SHARED = 8
"""So many characters of a key in a row are a part of it."""
_LEAST_MASKED = 12
_URL_SAFE = str.maketrans("+/", "-_")
_ESCAPED = re.compile(
    r"\\+u([0-9a-fA-F]{4})|\\+x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|&#[xX]([0-9a-fA-F]{1,6});|&#([0-9]{1,7});"
)
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_HIDDEN_TAGS = re.compile(r"<(script|style|head)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Words:
    """An error's parts. `fields` are names that it points at by position, `code` its own number or name for
    the case.
    """

    text: str
    code: str = ""
    kind: str = ""
    fields: frozenset[str] = frozenset()

    @property
    def status(self) -> int | None:
        """The HTTP status that stands in the body, where gateways put it when the answer itself says 200."""
        return int(self.code) if re.fullmatch(r"[45]\d\d", self.code) else None


def decoded(body: bytes) -> str:
    """A body as text, whatever its bytes."""
    return whole_characters(body.decode("utf-8-sig", errors="replace"))


def words_of(text: str) -> Words:
    """The error in a body: JSON in any of the usual shapes, a page, or plain words."""
    try:
        value = parse(text)
    except NotJson:
        return Words(_of_page(text) if text.lstrip().startswith("<") else text[: 4 * LONGEST_QUOTE])
    return error_words(value) or Words(text[: 4 * LONGEST_QUOTE])


def error_words(value: object) -> Words | None:
    """The error in `{error: {message, code}}`, `{error: "…"}`, `{message}`, `{detail: [{loc, msg}]}`, a list
    of those, or None where the value holds none.
    """
    if isinstance(value, list):
        parts = cast("list[object]", value)
        return next((found for part in parts[:8] if (found := error_words(part)) is not None), None)
    if isinstance(value, str):
        return Words(value) if value.strip() else None
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, object]", value)
    inner = next(
        (
            found
            for name in ("error", "errors", "detail", "details", "message", "msg", "error_msg", "reason")
            if (found := error_words(fields.get(name))) is not None
        ),
        None,
    )
    if inner is None:
        return None
    named = inner.fields | _fields_of(fields)
    return Words(
        inner.text + _passed_on(fields.get("metadata")),
        inner.code or _code_of(fields),
        inner.kind or _text(fields.get("type")),
        named,
    )


def _passed_on(metadata: object) -> str:
    """The message of the server behind a gateway, as the gateway forwards it."""
    raw = cast("dict[str, object]", metadata).get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or not raw.strip():
        return ""
    return f": {words_of(raw[: 8 * LONGEST_QUOTE]).text}"


def _fields_of(fields: Mapping[str, object]) -> frozenset[str]:
    found: set[str] = set()
    param, location = fields.get("param"), fields.get("loc")
    if isinstance(param, str):
        # `messages[1].content[0].image_url.detail` points at the last of these, `response_format.schema` at
        # the first.
        steps = [step for step in re.split(r"[.\[\]]+", param) if step and not step.isdigit()]
        found |= {steps[0], steps[-1]} if steps else set()
    if isinstance(location, list):
        found |= {step for step in cast("list[object]", location) if isinstance(step, str)}
    return frozenset(found)


def _code_of(fields: Mapping[str, object]) -> str:
    for name in ("code", "status", "status_code", "statusCode"):
        value = fields.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:60]
    return ""


def _text(value: object) -> str:
    return value[:60] if isinstance(value, str) else ""


def _of_page(text: str) -> str:
    title = re.search(r"<title[^>]*>([^<]{1,200})", text[:20_000], re.IGNORECASE)
    if title is not None:
        return html.unescape(title[1])
    return html.unescape(_TAG.sub(" ", _HIDDEN_TAGS.sub(" ", text[:20_000])))


def one_line(words: str, key: str = "", *, longest: int = LONGEST_QUOTE) -> str:
    """Words for an error's message: one line, bounded, printable, and without the key or parts of it."""
    # Masked before the cut, so that no half of a key is left.
    line = " ".join(_UNPRINTED.sub(" ", masked(words[: 40 * longest], key)).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def masked(text: str, key: str) -> str:
    """The text without the key, as it is or encoded, and without longer parts of it.

    Encoded: percent signs, base64 (also of words around it), hexadecimal, and the escapes of JSON, Python and
    HTML.
    """
    if not key:
        return text
    found = _masked(text, key)
    shown = _ESCAPED.sub(_shown, found)
    hidden = _masked(shown, key) if shown != found else shown
    # Escapes that hide nothing stay as they are.
    return hidden if hidden != shown else found


def masked_reply(text: str, key: str) -> str:
    """`masked` for what is kept: a key of a few letters, such as `none`, is a word of any reply, and no
    secret.
    """
    return masked(text, key) if len(key) >= _LEAST_MASKED else text


def _masked(text: str, key: str) -> str:
    forms = _forms(key)
    for form in forms:
        text = text.replace(form, "***")
    for form in forms:
        if len(form) < 2 * _LEAST_SHARED:
            continue
        parts = {form[i : i + _LEAST_SHARED] for i in range(len(form) - _LEAST_SHARED + 1)}
        if any(part in text for part in parts):
            # The rest of the word belongs to it: `sk-abcdefgh****wxyz`.
            pattern = "|".join(sorted(map(re.escape, parts)))
            text = re.sub(rf"[^\s\"'<>]*(?:{pattern})[^\s\"'<>]*", "***", text)
    return text


@lru_cache(maxsize=8)
def _forms(key: str) -> tuple[str, ...]:
    raw = key.encode()
    forms = [key, quote(key, safe=""), raw.hex(), raw.hex().upper()]
    for before in range(3):
        # Three bytes are four letters: what stands before the key decides how it is cut.
        letters = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        cut = letters[-(-before * 8 // 6) :]
        # The last letter holds bits of what follows.
        forms.append(cut if (before + len(raw)) % 3 == 0 else cut[:-1])
    forms += [form.translate(_URL_SAFE) for form in forms[-3:]]
    return tuple(form for form in dict.fromkeys(forms) if len(form) >= min(_LEAST_SHARED, len(key)))


def _shown(escape: re.Match[str]) -> str:
    """The character of an escape sequence, where it can be part of a key and is safe in JSON."""
    code, decimal = escape[1] or escape[2] or escape[3] or escape[4], escape[5]
    number = int(code, 16) if code else int(decimal)
    letter = chr(number) if number < 128 else ""
    return letter if letter.isalnum() or (letter and letter in "-_.~+/=:") else escape[0]


def first_words(value: Any, key: str = "") -> str:
    """The beginning of a value of any type, for a message."""
    return one_line(str(value)[:4800], key, longest=120)
