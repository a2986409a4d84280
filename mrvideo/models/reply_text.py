"""Find the JSON object in a model's text: handles reasoning, code fences, wrappers and syntax slips.

The order of attempts:

    1  the whole text is JSON                      {"scenes": …}, also as a string, in a list, under one name
    2  objects outside thoughts, the last first    <think>…{draft}…</think> so: {"scenes": …}

Each object is read strictly first, then with the slips that weak models make (a trailing comma, single
quotes, True). A mark of thoughts inside an object's own strings is text. Thoughts that never end hide all
that follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from mrvideo.models.json_values import DEEPEST, NotJson, parse, parse_at

_LEAST_WORK = 2_000_000
"""Characters that may be read in vain: a text of nothing but braces must not take forever."""

# Marks between which models think: opening, closing. A closing without its opening ends thoughts that began
# with the
# text: some chat templates open them in the prompt.
_NAMED = "(?:[a-z]+:)?(?:think|thinking|thought|thoughts|reason|reasoning|reflection|analysis|scratchpad)"
_BARS = "[|\uff5c]"
_MARKS: tuple[tuple[str, str], ...] = (
    (f"<{_NAMED}>", f"</{_NAMED}>"),
    (rf"\[{_NAMED}\]", rf"\[/{_NAMED}\]"),
    (f"◁{_NAMED}▷", f"◁/{_NAMED}▷"),
    (f"【{_NAMED}】", f"【/{_NAMED}】"),
    (f"<{_BARS}{_NAMED}{_BARS}>", f"<{_BARS}(?:/|end_){_NAMED}{_BARS}>"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    ("<unused94>", "<unused95>"),
    (
        r"<\|channel\|?>\s*(?:analysis|thought|thinking)\b",
        r"<\|channel\|?>\s*(?:final|commentary)\b|<channel\|>",
    ),
)
_CLOSINGS = tuple(re.compile(closing, re.IGNORECASE) for _, closing in _MARKS)
_MARK = re.compile(
    "|".join(
        f"(?P<open{place}>{opening})|(?P<close{place}>{closing})"
        for place, (opening, closing) in enumerate(_MARKS)
    ),
    re.IGNORECASE,
)
_START = re.compile(r"[{<\[◁【]")
_STRIPPED_CHANNEL = "assistantfinal"
"""What is left of the marks of channels where a server takes special tokens out: `analysis…assistantfinal…`.
"""

_STRIPPED_STARTS = ("analysis", "commentary", _STRIPPED_CHANNEL)

_WRAPPERS = ("arguments", "parameters", "input", "json", "reply", "answer", "response", "output", "result")
"""Names under which models put the object that they were asked for."""


@dataclass
class Found:
    """The objects of a text outside thoughts, in order. `thinking`: it ends inside them. `open_ended`: what
    comes last is an object that never ends.
    """

    objects: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    thinking: bool = False
    open_ended: bool = False


def candidates(text: str, *, cut_off: bool) -> Iterator[dict[str, Any]]:
    """Candidates for the reply, the likeliest first. `cut_off`: the text was cut off at the output limit."""
    whole = _whole(text)
    if whole is not None:
        yield from _forms(whole)
        return
    found = outside_thoughts(text)
    if cut_off and found.open_ended:
        # What would have been the last word is not there; what stands before it was a draft.
        return
    for one in reversed(found.objects):
        yield from _forms(one)


def last_word(text: str) -> Iterator[dict[str, Any]]:
    """The object at the very end of the reasoning: a reply given in the wrong place."""
    whole = _whole(text)
    if whole is not None:
        yield from _forms(whole)
        return
    end = text.rstrip().removesuffix("```").rstrip()
    found = outside_thoughts(end, last_only=True)
    if found.objects and not found.open_ended:
        yield from _forms(found.objects[-1])


def outside_thoughts(text: str, *, last_only: bool = False) -> Found:
    """Reads a text once from left to right. `last_only`: an object counts when nothing but the text's end
    follows it.
    """
    found = Found()
    position = 0
    if text.lstrip().startswith(_STRIPPED_STARTS) and _STRIPPED_CHANNEL in text:
        position = text.rindex(_STRIPPED_CHANNEL) + len(_STRIPPED_CHANNEL)
    work = _LEAST_WORK + 2 * len(text)
    end = 0
    while (start := _START.search(text, position)) is not None:
        position = start.end()
        if text[start.start()] == "{":
            if work <= 0:
                continue
            try:
                value, position = _object_at(text, start.start())
            except NotJson as error:
                # A failure also counts the lines before it.
                work -= 50 + max(error.position - start.start(), 0) + start.start() // 16
                found.open_ended = True
            else:
                found.objects.append(value)
                found.open_ended = False
                end = position
            continue
        mark = _MARK.match(text, start.start())
        if mark is None:
            continue
        position = mark.end()
        name = mark.lastgroup or ""
        if name.startswith("close"):
            found = Found()
            continue
        closing = _CLOSINGS[int(name.removeprefix("open"))].search(text, position)
        if closing is None:
            found.thinking = True
            break
        position = closing.end()
    if last_only and end != len(text):
        found.objects.clear()
    return found


def _whole(text: str) -> object:
    """The value that the whole text is, a string taken for the text in it; None when it is none."""
    try:
        value = parse(text)
    except NotJson:
        return None
    if isinstance(value, str):
        try:
            return parse(value)
        except NotJson:
            return None
    return value


def _forms(value: object, depth: int = 0) -> Iterator[dict[str, Any]]:
    """An object itself, then what it or a list wraps."""
    if isinstance(value, list):
        for item in reversed(cast("list[object]", value)):
            if depth == 0 and isinstance(item, dict):
                yield from _forms(cast("object", item), depth + 1)
        return
    if isinstance(value, str) and value.lstrip().startswith("{") and depth:
        try:
            value = parse(value)
        except NotJson:
            return
    if not isinstance(value, dict):
        return
    fields = cast("dict[str, Any]", value)
    yield fields
    if depth > 1:
        return
    inner = list(fields.values()) if len(fields) == 1 else [fields.get(name) for name in _WRAPPERS]
    for one in inner:
        if isinstance(one, dict | str):
            yield from _forms(cast("object", one), depth + 1)


def _object_at(text: str, start: int) -> tuple[dict[str, Any], int]:
    """The object that begins at a brace, and where it ends. Raises `NotJson`."""
    try:
        value, end = parse_at(text, start)
    except NotJson as error:
        try:
            mended, end = _mended(text, start)
            value, _ = parse_at(mended, 0)
        except NotJson as again:
            raise NotJson(str(error), max(error.position, again.position)) from None
    return cast("dict[str, Any]", value), end


# slips -----------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<double>"[^"\\]*(?:\\.[^"\\]*)*")
      | (?P<single>'[^'\\]*(?:\\.[^'\\]*)*')
      | (?P<mark>[{}\[\]:,])
      | (?P<word>[-+.\w]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"True": "true", "False": "false", "None": "null"}


def _mended(text: str, start: int) -> tuple[str, int]:
    """The object that begins at a brace, as JSON: without trailing commas, with JSON's own quotes and
    constants.
    """
    parts: list[str] = []
    depth, position = 0, start
    while (token := _TOKEN.match(text, position)) is not None:
        kind, said = token.lastgroup, token[token.lastgroup or ""]
        position = token.end()
        if kind == "single":
            said = _requoted(said)
        elif kind == "word":
            said = _WORDS.get(said, said)
        elif said in "{[":
            depth += 1
            if depth > DEEPEST:
                break
        elif said in "}]":
            depth -= 1
            if parts and parts[-1] == ",":
                parts.pop()
        parts.append(said)
        if depth == 0:
            return "".join(parts), position
    raise NotJson("no end", position)


def _requoted(said: str) -> str:
    inner = said[1:-1].replace("\\'", "'")
    # Quotes that stand bare, but not those that are escaped already.
    return '"' + re.sub(r'(\\.)|"', lambda m: m[1] or '\\"', inner, flags=re.DOTALL) + '"'
