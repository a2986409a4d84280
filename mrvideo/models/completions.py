"""Parse the body of a `/chat/completions` response: a completion, or what the server sent instead.

Read from plain data, with nothing taken for granted: content is a text, parts, or the object itself; the
reply may stand in a tool call or beside reasoning; an error may come with status 200, as a page, or as a
stream that nobody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from mrvideo.models.json_values import NotJson, parse
from mrvideo.models.server_words import Words, decoded, error_words, words_of

_THOUGHT_PARTS = ("thinking", "reasoning", "reasoning_content", "thought", "redacted_thinking")
_TEXT_PARTS = ("text", "output_text", "input_text")
_CUT_OFF = ("length", "max_tokens", "max_output_tokens", "model_length")
_FILTERED = ("content_filter", "safety", "prohibited_content", "blocklist", "recitation")


@dataclass(frozen=True)
class Said:
    """What a completion holds. `usage` is the server's own count, unchecked; `refusal` its words for
    declining.
    """

    text: str
    thoughts: str = ""
    cut_off: bool = False
    refusal: str | None = None
    usage: object = None


@dataclass(frozen=True)
class Instead:
    """A response that is not a completion: an error, an HTML page, a stream, or something else."""

    kind: Literal["error", "page", "stream", "empty", "other"]
    words: Words


def read_completion(body: bytes) -> Said | Instead:
    """Parse the body of a response with status 200. Never raises."""
    text = decoded(body)
    start = text.lstrip()
    if start.startswith(("data:", "event:", "id:", "retry:", ": ")):
        return Instead("stream", Words(""))
    if start.startswith("<"):
        return Instead("page", words_of(text))
    try:
        value = parse(text)
    except NotJson as error:
        return Instead("other", Words(f"it is no JSON ({error}): {text[:200]}" if start else "it is empty"))
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    choices = fields.get("choices")
    choice = cast("list[Any]", choices)[0] if isinstance(choices, list) and choices else None
    said = None if choice is None else _of_choice(choice, fields.get("usage"))
    if isinstance(said, Said):
        return said
    error = said.words if said else None
    error = error or error_words(
        {name: fields.get(name) for name in ("error", "errors", "detail", "message")}
    )
    if error is not None:
        return Instead("error", error if error.code else _with_code(error, fields))
    return Instead("empty" if "choices" in fields else "other", Words(f"it holds no choices: {text[:200]}"))


def _with_code(error: Words, fields: Mapping[str, Any]) -> Words:
    code = fields.get("code") or fields.get("status")
    return Words(error.text, str(code)[:60] if isinstance(code, int | str) else "", error.kind, error.fields)


def _of_choice(choice: object, usage: object) -> Said | Instead | None:
    """A choice's message, or its error; None when it holds neither."""
    if isinstance(choice, str):
        return Said(choice, usage=usage)
    if not isinstance(choice, dict):
        return None
    fields = cast("dict[str, Any]", choice)
    finish = str(fields.get("finish_reason") or "").lower()
    raw = fields.get("message") or fields.get("delta")
    message = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    text, thoughts = content_text(
        message.get("content") or fields.get("text") or (raw if isinstance(raw, str) else None)
    )
    text = text or _called(message)
    error = error_words(fields.get("error"))
    if error is not None and not text:
        return Instead("error", error)
    for name in ("reasoning_content", "reasoning", "thinking"):
        thoughts = thoughts or content_text(message.get(name))[0]
    refusal = message.get("refusal")
    declined = refusal if isinstance(refusal, str) and refusal.strip() else None
    if finish in _FILTERED:
        declined = declined or "content filter"
    if not message and not text and "message" not in fields:
        return None
    return Said(text, thoughts, finish in _CUT_OFF, declined, usage)


def content_text(content: object) -> tuple[str, str]:
    """A message's content as the reply's text and the thoughts among its parts."""
    if isinstance(content, str):
        return content, ""
    if isinstance(content, dict):
        return _of_part(cast("dict[str, Any]", content))
    if not isinstance(content, list):
        return "", ""
    parts = [content_text(part) for part in cast("list[object]", content)]
    return "".join(text for text, _ in parts), "".join(thought for _, thought in parts)


def _of_part(part: dict[str, Any]) -> tuple[str, str]:
    kind, inner = part.get("type"), part.get("text")
    if kind in _THOUGHT_PARTS or part.get("thought") is True:
        # Mistral's parts of thoughts hold parts again.
        thought = next((part[name] for name in (str(kind), "text", "content") if part.get(name)), None)
        return "", "".join(content_text(thought))
    if isinstance(inner, str) and (
        kind in _TEXT_PARTS or part.keys() <= {"text", "annotations", "id", "index"}
    ):
        return inner, ""
    if (
        kind in _TEXT_PARTS
        and isinstance(inner, dict)
        and isinstance(value := cast("dict[str, Any]", inner).get("value"), str)
    ):
        return value, ""
    if "content" in part and ("role" in part or kind == "message"):
        return content_text(part["content"])
    if "role" in part:
        return "", ""
    # No part at all: the object that was asked for, in the place of its text.
    return json.dumps(part), ""


def _called(message: Mapping[str, Any]) -> str:
    """The arguments of the first tool that the model called in place of a reply."""
    calls = message.get("tool_calls")
    first = cast("list[Any]", calls)[0] if isinstance(calls, list) and calls else None
    call = cast("dict[str, Any]", first) if isinstance(first, dict) else {}
    function = call.get("function") or message.get("function_call") or call
    arguments = cast("dict[str, Any]", function).get("arguments") if isinstance(function, dict) else None
    if isinstance(arguments, dict):
        return json.dumps(arguments)
    return arguments if isinstance(arguments, str) else ""
