"""What a server means by declining a request: read from its words, since many give no field for it.

no eyes         it takes no images, or the model sees none          → nothing with frames can pass
images          fewer images in one request                         → ask with fewer, for good
context         fewer tokens in one request                         → a shorter reply, then fewer images
output          a smaller bound on the reply                        → that bound, for good
system          no system role                                      → its words go before the user's
fields          a field, or a value of it                           → another name, or without it
format          a schema, or JSON mode                              → the next weaker way
filter          what was shown or asked                             → this one request alone

The first row that fits wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import TypeAlias

from mrvideo.models.server_words import Words

OPTIONAL = ("temperature", "reasoning_effort", "detail", "max_tokens", "max_completion_tokens")
"""Fields that a request can do without."""


@dataclass(frozen=True)
class Sent:
    """What the declined request held: its fields (`detail` of a picture, too), how many pictures, its output
    bound.
    """

    fields: Set[str]
    pictures: int
    output_tokens: int


@dataclass(frozen=True)
class NoEyes:
    """Images are not taken at all."""


@dataclass(frozen=True)
class FewerImages:
    """At most so many images in one request; a guess where the server names no number."""

    most: int


@dataclass(frozen=True)
class SmallerContext:
    """The request was too long. `tokens` is what fits, `asked` what it took, where the server says."""

    tokens: int | None
    asked: int | None


@dataclass(frozen=True)
class ShorterOutput:
    """The bound on the reply must not be higher."""

    most: int


@dataclass(frozen=True)
class NoSystem:
    """There is no system role."""


@dataclass(frozen=True)
class Fields:
    """These fields are not taken, or not with their value."""

    names: frozenset[str]


@dataclass(frozen=True)
class Format:
    """The form that was asked of the reply is not taken."""


@dataclass(frozen=True)
class Filtered:
    """The content was declined."""


Meaning: TypeAlias = (
    NoEyes | FewerImages | SmallerContext | ShorterOutput | NoSystem | Fields | Format | Filtered
)

_PICTURE = r"(?:images?|image[_ ]urls?|vision|pictures?|multi-?modal(?:ity)?|multi-?media)"
_NO_EYES = re.compile(
    rf"(?:\bnot|n't|cannot|\bno(?: \w+){{0,2}}|unable to) (?:\w+ ){{0,2}}?(?:support|accept|allow)\w*"
    rf" (?:\w+ ){{0,2}}?{_PICTURE}(?: (?:inputs?|content|understanding|data))?(?!\s*(?:format|type|size|url|larger|of))\b"
    rf"|{_PICTURE}(?: (?:inputs?|content|understanding))? (?:\w+ ){{0,2}}?(?:not|n't|un)[ -]?(?:\w+ )?(?:supported|allowed|enabled|"
    rf"available|accepted)"
    rf"|\bnot an? (?:multi-?modal|vision|vlm)|\bno endpoints? found that support (?:\w+ ){{0,2}}?{_PICTURE}|mmproj|unknown variant .?image"
    rf"|\b(?:text[- ]only|only (?:supports? |accepts? )?text)\b|{_PICTURE} (?:is|are) (?:only supported|disabled)"
    rf"|\bat most 0 {_PICTURE}",
    re.IGNORECASE,
)
_FEWER = re.compile(
    r"too many|at most|maximum|\bmax\b|up to|limit|exceed|only (?:supports? |accepts? |takes? )?(?:\d|one|a single)|more than|"
    r"number of|per (?:request|prompt|message)|single image",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"\d\s*[kmg]i?b\b|\b(?:bytes?|pixels?|px|megapixels?|dimensions?|resolution|width|height|formats?|tokens?)\b",
    re.IGNORECASE,
)
_ONE = re.compile(r"\b(?:one|single) (?:image|picture)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])\d[\d,_]*(?![\w.]*\w)")
_CONTEXT = re.compile(
    r"context[ _-]?(?:length|window|size|limit)|\bn_ctx\b|max_model_len|context_length_exceeded|(?:prompt|input|request)"
    r"(?: is| was)? too (?:long|large)|too many (?:input |prompt )?tokens|(?:input|prompt)[ _]tokens?[ _]?(?:count|length)?"
    r"[^.]{0,40}exceed|exceed[^.]{0,60}(?:context|number of tokens|token limit)|longer than the (?:maximum )?model",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(?:context[ _-]?(?:length|window|size|limit)|n_ctx|max_model_len|maximum number of (?:input |prompt )?tokens|"
    r"token limit)\D{0,30}?(\d[\d,_]*)",
    re.IGNORECASE,
)
_OUTPUT = re.compile(
    r"max_(?:completion_|output_|new_)?tokens|max(?:imum)? (?:completion|output|new) tokens|(?:completion|output) tokens",
    re.IGNORECASE,
)
_TOO_HIGH = re.compile(
    r"too (?:large|big|high|long)|at most|exceed|maximum allowed|less than|lower than|between|range|must be|<=?|≤|>|limit",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"\bsystem[ _-](?:role|message|prompt|instruction)s?\b|role[^.]{0,20}\bsystem\b|roles must alternate|"
    r"only user and assistant roles",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"response_format|json[_ ]?(?:schema|mode|object)|structured (?:output|generation)|guided|grammar|\bschema\b",
    re.IGNORECASE,
)
_FILTER = re.compile(
    r"content[ _](?:management )?(?:policy|filter)|safety (?:system|polic)|moderation", re.IGNORECASE
)
_LEAST_CONTEXT = 256


def meaning_of(words: Words, status: int, sent: Sent) -> Meaning | None:
    """What the refusal of a request means; None where its words do not tell."""
    rows = _ALWAYS if status in _ABOUT_THE_REQUEST else _EYES
    for row in rows:
        found = row(words, status, sent)
        if found is not None:
            return found
    return None


def _no_eyes(words: Words, status: int, sent: Sent) -> Meaning | None:
    return NoEyes() if sent.pictures and _NO_EYES.search(words.text) else None


def _images(words: Words, status: int, sent: Sent) -> Meaning | None:
    text = words.text
    if not sent.pictures or not re.search(_PICTURE, text, re.IGNORECASE) or not _FEWER.search(text):
        return None
    if _SIZE.search(text) or sent.pictures == 1:
        return None
    if _ONE.search(text):
        return FewerImages(1)
    fitting = [number for number in _numbers(text) if 1 <= number < sent.pictures]
    return FewerImages(max(fitting) if fitting else sent.pictures // 2)


def _context(words: Words, status: int, sent: Sent) -> Meaning | None:
    text = f"{words.text} {words.code} {words.kind}"
    if status == 413 or not _CONTEXT.search(text):
        # A body that is too big for a gateway is made smaller in the same way.
        return SmallerContext(None, None) if status == 413 and sent.pictures else None
    numbers = [number for number in _numbers(words.text) if number >= _LEAST_CONTEXT]
    if len(set(numbers)) < 2:
        # One number is what fits where it follows the limit's name, else what was asked.
        named = _LIMIT.search(words.text)
        return SmallerContext(numbers[0] if numbers and named else None, None)
    named = _LIMIT.search(words.text)
    limit = int(re.sub(r"\D", "", named[1])) if named else 0
    most = max(numbers)
    if not _LEAST_CONTEXT <= limit < most:
        limit = min(numbers)
    return SmallerContext(limit, most)


def _output(words: Words, status: int, sent: Sent) -> Meaning | None:
    text = words.text
    named = words.fields & {"max_tokens", "max_completion_tokens"} or _OUTPUT.search(text)
    if not named or not _TOO_HIGH.search(text) or _UNKNOWN_FIELD.search(text):
        return None
    lower = [number for number in _numbers(text) if 16 <= number < sent.output_tokens]
    if not lower and sent.output_tokens <= _LEAST_CONTEXT:
        return None
    return ShorterOutput(max(lower) if lower else max(sent.output_tokens // 2, _LEAST_CONTEXT))


_UNKNOWN_FIELD = re.compile(
    r"unsupported param|not supported with|unrecognized|unknown (?:param|field)|extra", re.IGNORECASE
)


def _system(words: Words, status: int, sent: Sent) -> Meaning | None:
    return NoSystem() if "system" in sent.fields and _SYSTEM.search(words.text) else None


def _fields(words: Words, status: int, sent: Sent) -> Meaning | None:
    """Optional fields that the error points at, by position or by name in its words."""
    optional = set(OPTIONAL) & sent.fields
    found = words.fields & optional
    if not found:
        found = frozenset(name for name in optional if _names(words.text, name))
    return Fields(found) if found else None


def _names(text: str, name: str) -> bool:
    # A name with an underscore is no ordinary word, nor is `temperature` in an error; `detail` needs quotes.
    plain = "_" in name or name == "temperature"
    return re.search(rf"\b{name}\b" if plain else rf"['\"`.]{name}['\"`]", text, re.IGNORECASE) is not None


def _format(words: Words, status: int, sent: Sent) -> Meaning | None:
    if "response_format" not in sent.fields:
        return None
    return Format() if "response_format" in words.fields or _FORMAT.search(words.text) else None


def _filter(words: Words, status: int, sent: Sent) -> Meaning | None:
    return Filtered() if _FILTER.search(f"{words.text} {words.code}") else None


def _numbers(text: str) -> list[int]:
    return [int(re.sub(r"\D", "", found)) for found in _NUMBER.findall(text)[:20] if len(found) < 12]


_ABOUT_THE_REQUEST = (200, 400, 413, 415, 422)
_Row: TypeAlias = Callable[[Words, int, Sent], "Meaning | None"]
_ALWAYS: tuple[_Row, ...] = (_filter, _no_eyes, _images, _context, _output, _system, _fields, _format)
_EYES: tuple[_Row, ...] = (_no_eyes,)
