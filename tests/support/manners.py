"""How model servers answer: each manner makes the whole answer to one request from the reply that would be
right.

`Good`: the reply is read. `Lost`: each request fails, listed with the server's own words, after so many calls
at most. `Over`: no request can succeed, so the first one that says so ends the run, with what to do.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SURROGATE = "\\ud83d"
DRAFT = "DRAFT"


@dataclass(frozen=True)
class Good:
    """The reply counts, after at most so many further calls to each request, or once for the whole server."""

    further_calls: int = 0


@dataclass(frozen=True)
class Lost:
    """Every request fails in these words; `calls` of each at most."""

    words: str
    calls: int = 2


@dataclass(frozen=True)
class Over:
    """The run ends in these words, after so many calls at most."""

    words: str
    calls: int = 3


def completion(content: Any, **over: Any) -> dict[str, Any]:
    """A chat completion as OpenAI sends it; `message`, `choice` and the rest lie over it."""
    message = {"role": "assistant", "content": content} | over.pop("message", {})
    choice = {"index": 0, "finish_reason": "stop", "message": message} | over.pop("choice", {})
    usage = {"prompt_tokens": 700, "completion_tokens": 40, "total_tokens": 740}
    return {"object": "chat.completion", "choices": [choice], "usage": usage} | over


def error(message: str, code: Any = 400, **over: Any) -> dict[str, Any]:
    """An error as servers send it that name no field."""
    return {"error": {"message": message, "type": "BadRequestError", "param": None, "code": code} | over}


def draft(reply: dict[str, Any]) -> str:
    """The reply as it must never be read."""
    text = json.dumps(reply)
    return text.replace("A keeper", f"{DRAFT}: a keeper")


Answer = tuple[int, Any]
"""Status, and a body: plain data, text, or bytes."""

Manner = Callable[[Any, dict[str, Any]], Answer]
"""From what was asked (tests/support/chat_server.py) and the right reply to the answer."""


def said(make: Callable[[dict[str, Any]], Any], **over: Any) -> Manner:
    """A completion whose content is made from the right reply."""
    return lambda asked, reply: (200, completion(make(reply), **over))


def thought(opening: str, closing: str) -> Manner:
    return said(lambda reply: f"{opening}First: {draft(reply)} no, wrong.{closing}{json.dumps(reply)}")


def text(change: Callable[[str], str] = lambda text: text) -> Manner:
    return said(lambda reply: change(json.dumps(reply)))


def used(usage: Any) -> Manner:
    return said(json.dumps, usage=usage)


def always(status: int, body: Any) -> Manner:
    return lambda asked, reply: (status, body)


def unless(fits: Callable[[Any], bool], status: int, body: Any) -> Manner:
    """Declines what does not fit, and answers what does."""
    return lambda asked, reply: (200, completion(json.dumps(reply))) if fits(asked) else (status, body)


def without(field: str, message: str) -> Manner:
    return unless(lambda asked: field not in asked.body, 400, error(message))


def no_system(asked: Any) -> bool:
    return not asked.system


def images(most: int) -> Callable[[Any], bool]:
    return lambda asked: len(asked.pictures) <= most


def output(most: int) -> Callable[[Any], bool]:
    return lambda asked: asked.body.get("max_tokens", 0) <= most


def packed(data: bytes) -> bytes:
    return gzip.compress(data)


MANNERS: dict[str, tuple[Manner, Good | Lost | Over]] = {
    # where the reply stands
    "plain": (text(), Good()),
    "parts": (said(lambda reply: [{"type": "text", "text": json.dumps(reply)}]), Good()),
    "parts with thoughts": (
        said(lambda reply: [
            {"type": "thinking", "thinking": [{"type": "text", "text": draft(reply)}]},
            {"type": "text", "text": json.dumps(reply)},
        ]),
        Good(),
    ),
    "the object itself": (said(lambda reply: reply), Good()),
    "in reasoning": (
        lambda asked, reply: (200, completion(None, message={"reasoning_content": json.dumps(reply)})), Good()
    ),
    "at the end of reasoning": (
        lambda asked, reply: (
            200, completion("", message={"reasoning": f"Not {draft(reply)} but {json.dumps(reply)}"})
        ),
        Good(),
    ),
    "in a tool call": (
        lambda asked, reply: (
            200,
            completion(None, message={"tool_calls": [{"function": {"name": "x", "arguments": json.dumps(reply)}}]}),
        ),
        Good(),
    ),
    "in the choice": (lambda asked, reply: (200, {"choices": [{"text": json.dumps(reply)}]}), Good()),
    "in a delta": (lambda asked, reply: (200, {"choices": [{"delta": {"content": json.dumps(reply)}}]}), Good()),
    # thoughts
    "think": (thought("<think>", "</think>"), Good()),
    "think, opened elsewhere": (thought("", "</think>"), Good()),
    "thinking": (thought("<thinking>", "</thinking>"), Good()),
    "seed": (thought("<seed:think>", "</seed:think>"), Good()),
    "brackets": (thought("[THINK]", "[/THINK]"), Good()),
    "triangles": (thought("◁think▷", "◁/think▷"), Good()),
    "channels": (
        thought("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"), Good()
    ),
    "thoughts cut off": (
        said(lambda reply: f"<think>First: {draft(reply)} but", choice={"finish_reason": "length"}),
        Lost("cut off inside its thoughts"),
    ),
    "thoughts without end": (said(lambda reply: f"[THINK]{draft(reply)}"), Lost("ends inside its thoughts")),
    "only reasoning": (
        lambda asked, reply: (200, completion(None, message={"reasoning_content": f"{draft(reply)}, maybe"})),
        Lost("it reasoned and gave no reply"),
    ),
    "a mark in its words": (text(lambda t: t.replace("waves", "types </think> and waves")), Good()),
    # slips
    "a fence": (text(lambda t: f"Here:\n```json\n{t}\n```\nDone!"), Good()),
    "a draft before it": (said(lambda reply: f"{draft(reply)}\nBetter:\n{json.dumps(reply)}"), Good()),
    "a wrapping": (said(lambda reply: json.dumps({"reply": reply})), Good()),
    "a list": (said(lambda reply: json.dumps([reply])), Good()),
    "JSON in JSON": (said(lambda reply: json.dumps(json.dumps(reply))), Good()),
    "a raw line break": (text(lambda t: t.replace("waves", "waves\nand")), Good()),
    "a trailing comma": (text(lambda t: f"{t[:-1]},}}"), Good()),
    "single quotes": (said(str), Good()),
    "half an emoji": (text(lambda t: t.replace("waves", f"waves {SURROGATE}")), Good()),
    "half an emoji outside": (
        lambda asked, reply: (200, json.dumps(completion(json.dumps(reply))).replace("waves", f"waves {SURROGATE}")),
        Good(),
    ),
    "a null character": (text(lambda t: t.replace("waves", "waves \\u0000")), Good()),
    "5,000 digits": (text(lambda t: f'{t[:-1]}, "id": {"9" * 5000}}}'), Good()),
    "no number": (text(lambda t: f'{t[:-1]}, "score": NaN}}'), Good()),
    "too deep": (text(lambda t: f'{t[:-1]}, "tree": {"[" * 50_000}{"]" * 50_000}}}'), Lost("outside its bounds twice")),
    "unclosed braces": (said(lambda reply: '{"a": ' * 50_000), Lost("it holds no JSON object")),
    "times that are none": (text(lambda t: t.replace("_seconds\": ", "_seconds\": 1e999, \"x\": ")), Lost("valid number")),
    # usage
    "no usage": (used(None), Good()),
    "empty usage": (used({}), Good()),
    "usage in words": (used({"prompt_tokens": "700", "completion_tokens": [], "prompt_tokens_details": []}), Good()),
    "usage below nothing": (used({"prompt_tokens": -5, "completion_tokens": -(10**12)}), Good()),
    "usage beyond all": (used({"prompt_tokens": 10**18, "completion_tokens": 10**18}), Good()),
    "no finish": (said(json.dumps, choice={"finish_reason": None}), Good()),
    # refused in words
    "another name for the bound": (
        without("max_tokens", "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'."),
        Good(1),
    ),
    "no temperature": (without("temperature", "Unsupported value: 'temperature' does not support 0.0."), Good(1)),
    "no schemas": (
        unless(lambda asked: asked.schema is None, 400, error("response_format json_schema is not supported")), Good(1)
    ),
    "no format at all": (without("response_format", "unknown field response_format"), Good(2)),
    "no system role": (unless(no_system, 400, error("System role not supported")), Good(1)),
    "short replies": (
        unless(output(512), 400, error("max_tokens is too large: 4096. At most 512 completion tokens.")), Good(1)
    ),
    "one image": (
        unless(images(1), 400, error("At most 1 image(s) may be provided in one request.")), Good(1)
    ),
    "three images": (unless(images(3), 400, error("Too many images in request")), Good(3)),
    "a small context": (
        unless(
            lambda asked: images(2)(asked) and output(1024)(asked),
            400,
            error("This model's maximum context length is 4096 tokens. However, you requested 9211 tokens."),
        ),
        Good(6),
    ),
    "a small gateway": (unless(images(2), 413, "<html><title>413 Request Entity Too Large</title></html>"), Good(4)),
    # no reply to this request
    "declined": (
        lambda asked, reply: (200, completion(None, message={"refusal": "I cannot identify people."})),
        Lost("I cannot identify people", calls=1),
    ),
    "filtered": (said(lambda reply: "", choice={"finish_reason": "content_filter"}), Lost("content filter", calls=1)),
    "filtered before": (always(400, error("The response was filtered by our content management policy.")),
                        Lost("content management policy", calls=1)),
    "declined in words": (said(lambda reply: "I'm sorry, I can't assist with that."), Lost("I'm sorry, I can't assist")),
    "nothing": (said(lambda reply: ""), Lost("it is empty")),
    "no message": (lambda asked, reply: (200, {"choices": [{"message": None}]}), Lost("it is empty")),
    "no choices": (always(200, {"choices": []}), Lost("holds no choices", calls=1)),
    "cut off": (said(lambda reply: json.dumps(reply)[:20], choice={"finish_reason": "length"}), Lost("cut off")),
    "an error in the choice": (
        always(200, {"choices": [{"error": {"message": "Provider returned error"}, "message": {"content": ""}}]}),
        Lost("Provider returned error", calls=1),
    ),
    "overloaded, with status 200": (
        always(200, {"choices": None} | error("upstream provider overloaded", 502)),
        Lost("upstream provider overloaded", calls=1),
    ),
    "an error with status 200": (always(200, error("model is not loaded", None)), Lost("model is not loaded", calls=1)),
    "a bomb": (lambda asked, reply: (200, packed(bytes(16 * 2**20))), Lost("more than 4 MiB in one answer", calls=1)),
    # no request can succeed
    "no credits": (always(200, error("Insufficient credits: your balance is 0.", 402)), Over("your balance is 0")),
    "no credits, by status": (always(402, error("Insufficient credits", 402)), Over("Insufficient credits")),
    "no quota": (
        always(429, error("You exceeded your current quota", code="insufficient_quota")), Over("current quota")
    ),
    "a page": (always(200, "<!doctype html><title>Open WebUI</title>"), Over("Open WebUI; base_url must end where")),
    "a stream": (always(200, 'data: {"choices": []}\n\ndata: [DONE]\n\n'), Over("streams its reply")),
    "another path": (always(200, {"error": "Unexpected endpoint or method."}), Over("Unexpected endpoint or method; base_url")),
    "no JSON": (always(200, "OK"), Over("no completion")),
    "no such model": (always(404, error("model 'x' not found", 404)), Over("model 'x' not found; check the model's name")),
    "no eyes": (unless(images(0), 400, error("test-vlm is not a multimodal model")), Over("not a multimodal model; name a model that sees")),
    "no eyes, 404": (
        unless(images(0), 404, error("No endpoints found that support image input", 404)),
        Over("No endpoints found that support image input; name a model that sees"),
    ),
    "no eyes, 500": (
        unless(images(0), 500, error("image input is not supported - hint: you may need to provide the mmproj", 500)),
        Over("mmproj; name a model that sees"),
    ),
}  # fmt: skip
"""Each with what must become of it."""
