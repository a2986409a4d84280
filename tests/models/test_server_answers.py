"""What an answer's body says, whatever its shape; what a refusal means, whatever its words; what usage is
believed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.models.completions import Instead, Said, read_completion
from mrvideo.models.counts import checked_usage
from mrvideo.models.refusals import (
    FewerImages,
    Fields,
    Filtered,
    Format,
    NoEyes,
    NoSystem,
    Sent,
    ShorterOutput,
    SmallerContext,
    meaning_of,
)
from mrvideo.models.server_words import one_line, words_of
from mrvideo.records import Usage

REPLY = '{"same_scene": true}'


def body(message: Any = None, **others: Any) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": message} | others.pop("choice", {})
    return json.dumps({"object": "chat.completion", "choices": [choice]} | others).encode()


@pytest.mark.parametrize(
    "content",
    [
        REPLY,
        [{"type": "text", "text": REPLY}],
        [REPLY],
        [{"type": "text", "text": '{"same_scene": '}, {"type": "output_text", "text": "true}"}],
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm {}"}]},
            {"type": "text", "text": REPLY},
        ],
        [{"type": "reasoning", "text": "hm {}"}, {"text": REPLY}],
        {"type": "text", "text": REPLY},
        {"same_scene": True},
        [{"same_scene": True}],
    ],
)
def test_content_is_read_as_text_parts_or_the_object_itself(content):
    said = read_completion(body({"role": "assistant", "content": content}))
    assert isinstance(said, Said)
    assert json.loads(said.text) == {"same_scene": True}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_beside_the_reply_is_kept_apart_from_it(name):
    said = read_completion(body({"content": None, name: "Let me see."}))
    assert isinstance(said, Said)
    assert (said.text, said.thoughts) == ("", "Let me see.")


@pytest.mark.parametrize(
    "message",
    [
        {
            "content": None,
            "tool_calls": [{"type": "function", "function": {"name": "x", "arguments": REPLY}}],
        },
        {"content": "", "tool_calls": [{"function": {"arguments": {"same_scene": True}}}]},
        {"content": None, "function_call": {"name": "x", "arguments": REPLY}},
    ],
)
def test_a_reply_in_a_tool_calls_arguments_is_read(message):
    said = read_completion(body(message))
    assert isinstance(said, Said)
    assert json.loads(said.text) == {"same_scene": True}


@pytest.mark.parametrize(
    "choice",
    [{"text": REPLY}, {"delta": {"content": REPLY}}, {"message": REPLY}, {"message": {"content": REPLY}}],
)
def test_a_choice_may_hold_its_text_in_other_places(choice):
    assert read_completion(json.dumps({"choices": [choice]}).encode()) == Said(REPLY)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n\n   \n", b""])
def test_what_stands_before_the_json_does_not_matter(before):
    assert read_completion(before + body({"content": REPLY})).text == REPLY  # type: ignore[union-attr]


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS"])
def test_a_reply_that_was_cut_off_says_so(finish):
    said = read_completion(body({"content": "{"}, choice={"finish_reason": finish}))
    assert isinstance(said, Said) and said.cut_off


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"error": {"message": "Insufficient credits", "code": 402}}, "error", "Insufficient credits"),
        ({"error": "Unexpected endpoint or method."}, "error", "Unexpected endpoint or method."),
        ({"choices": None, "error": {"message": "overloaded", "code": 502}}, "error", "overloaded"),
        ({"choices": [{"error": {"code": 502, "message": "too large"}, "message": {"content": ""}}]}, "error", "too large"),
        ({"object": "error", "message": "no such model", "code": 404}, "error", "no such model"),
        ({"detail": [{"loc": ["body", "x"], "msg": "extra"}]}, "error", "extra"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": "no room"}'}}}, "error",
         "Provider returned error: no room"),
        ({"choices": []}, "empty", "it holds no choices"),
        ({"choices": [7]}, "empty", "it holds no choices"),
        ([], "other", "it holds no choices"),
        (7, "other", "it holds no choices"),
        ("<!doctype html><title>Open &amp; WebUI</title>", "page", "Open & WebUI"),
        ('data: {"choices": []}\n\ndata: [DONE]\n', "stream", ""),
        (": PROCESSING\n\ndata: {}\n", "stream", ""),
        ("", "other", "it is empty"),
        ("upstream request timeout", "other", "it is no JSON"),
        ("[" * 100_000, "other", "it is no JSON (nested too deep)"),
    ],
)  # fmt: skip
def test_what_is_no_completion_is_told_by_its_kind_and_its_own_words(answer, kind, words):
    found = read_completion(answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())
    assert isinstance(found, Instead)
    assert found.kind == kind
    assert words in found.words.text


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
        ["choices", "message", "content", "text", "type", "error", "code", "role", "tool_calls", "function", "arguments",
         "reasoning", "finish_reason", "refusal", "delta", "usage", "metadata", "raw", "detail", "loc", "param"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(_ANY)
def test_no_body_raises(value):
    for whole in (value, {"choices": [value]}, {"choices": [{"message": value}]}, {"error": value}):
        data = json.dumps(whole).encode()
        assert isinstance(read_completion(data), Said | Instead)
        one_line(words_of(data.decode()).text)


@given(st.binary())
def test_no_bytes_raise(data):
    assert isinstance(read_completion(data), Said | Instead)


# what a refusal means ------------------------------------------------------------------------------

SENT = Sent(
    fields={"model", "messages", "temperature", "max_tokens", "response_format", "detail", "system"},
    pictures=20,
    output_tokens=4096,
)
REFUSALS: list[tuple[str, Any]] = [
    # As vLLM, SGLang, OpenAI, Azure, LiteLLM, OpenRouter, Groq, llama.cpp, DeepSeek, Anthropic and Google
    # word them.
    ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
     Fields(frozenset({"max_tokens"}))),
    ("Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported.",
     Fields(frozenset({"temperature"}))),
    ("`temperature` is deprecated for this model.", Fields(frozenset({"temperature"}))),
    ("unknown field 'detail' in image_url", Fields(frozenset({"detail"}))),
    ("max_tokens is too large: 4096. This model supports at most 512 completion tokens, whereas you provided 4096.",
     ShorterOutput(512)),
    ("Invalid max_tokens value, the valid range of max_tokens is [1, 2048]", ShorterOutput(2048)),
    ("max_tokens: 4096 > 1024, which is the maximum allowed number of output tokens", ShorterOutput(1024)),
    ("max_tokens must be lower", ShorterOutput(2048)),
    ("At most 1 image(s) may be provided in one request.", FewerImages(1)),
    ("At most 8 image(s) may be provided in one prompt.", FewerImages(8)),
    ("Too many images: 20 > 16", FewerImages(16)),
    ("Request contains 20 images, which exceeds the limit of 5 images", FewerImages(5)),
    ("This model supports only one image per request", FewerImages(1)),
    ("Too many images in request", FewerImages(10)),
    ("At most 0 image(s) may be provided in one prompt.", NoEyes()),
    ("test-vlm is not a multimodal model", NoEyes()),
    ("No endpoints found that support image input", NoEyes()),
    ("image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", NoEyes()),
    ("Invalid content type. image_url is only supported by certain models.", NoEyes()),
    ("This model does not support image input", NoEyes()),
    ("messages[1]: unknown variant `image_url`, expected `text`", NoEyes()),
    ("This model's maximum context length is 4096 tokens. However, you requested 9211 tokens (8187 in the messages, 1024 "
     "in the completion).", SmallerContext(4096, 9211)),
    ("request (9211 tokens) exceeds the available context size (4096 tokens), try increasing it", SmallerContext(4096, 9211)),
    ("prompt is too long: 210000 tokens > 200000 maximum", SmallerContext(200_000, 210_000)),
    ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
     SmallerContext(1_048_576, 1_200_000)),
    ("'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 300 input "
     "tokens (5000 > 4096 - 300).", SmallerContext(4096, 5000)),
    ("the request exceeds the available context size. try increasing the context size", SmallerContext(None, None)),
    ("System role not supported", NoSystem()),
    ("Conversation roles must alternate user/assistant/user/assistant/...", NoSystem()),
    ("Invalid schema for response_format 'CaptionClipReply'", Format()),
    ("This model does not support structured outputs", Format()),
    ("The response was filtered due to the prompt triggering our content management policy.", Filtered()),
    # What is about one picture, or about nothing that a request could do without.
    ("Could not process image data", None),
    ("image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes", None),
    ("Unsupported image format: image/jp2", None),
    ("The image dimensions exceed the maximum of 8000 pixels", None),
    ("Invalid value for 'messages'", None),
    ("made to fail", None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "meaning"), REFUSALS, ids=[words[:40] for words, _ in REFUSALS])
def test_a_refusal_is_understood_by_its_words_alone(words, meaning):
    said = words_of(json.dumps({"error": {"message": words, "type": None, "param": None, "code": 400}}))
    assert meaning_of(said, 400, SENT) == meaning


@pytest.mark.parametrize("status", [400, 404, 500])
def test_no_eyes_is_understood_whatever_the_status(status):
    said = words_of(json.dumps({"error": {"message": "this model does not support images", "code": status}}))
    assert meaning_of(said, status, SENT) == NoEyes()
    assert meaning_of(said, status, Sent(SENT.fields, 0, 64)) is None, (
        "no picture was sent: it means something else"
    )


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ({"error": {"message": "no", "param": "temperature"}}, {"temperature"}),
        ({"error": {"message": "no", "param": "messages[1].content[0].image_url.detail"}}, {"detail"}),
        ({"detail": [{"loc": ["body", "max_tokens"], "msg": "extra fields not permitted"}]}, {"max_tokens"}),
    ],
)
def test_a_field_that_is_pointed_at_is_learnt(answer, fields):
    assert meaning_of(words_of(json.dumps(answer)), 400, SENT) == Fields(frozenset(fields))


def test_a_body_too_big_for_a_gateway_is_made_smaller():
    page = words_of("<html><head><title>413 Request Entity Too Large</title></head></html>")
    assert page.text == "413 Request Entity Too Large"
    assert meaning_of(page, 413, SENT) == SmallerContext(None, None)


# what is quoted ----------------------------------------------------------------------------------

KEY = "sk-secret-0123456789abcdef"


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        KEY[:12] + "********",
        "…" + KEY[-10:],
        "c2stc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY=",
        KEY.encode().hex(),
        f"Bearer {KEY}",
    ],
)
def test_no_form_of_the_key_is_quoted(echo):
    line = one_line(f'the header was "{echo}", which is wrong', KEY)
    assert line.startswith("the header was")
    for length in range(8, len(KEY) + 1):
        for form in (KEY, KEY.encode().hex(), "c2stc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY"):
            assert form[:length] not in line and form[-length:] not in line


def test_a_quote_is_one_short_printable_line():
    line = one_line("bad\n\x1b[31mred\x1b[0m \u202ertl\x00 " + "words " * 100_000)
    assert len(line) <= 300 and line.isprintable()


# what usage is believed ------------------------------------------------------------------------------


def usage_of(counted: Any) -> Usage:
    own = Usage(calls=1, input_tokens=2000, output_tokens=50)
    return checked_usage(
        counted, lambda: own, sent_characters=4000, image_tokens=1000, reply_characters=200, most_output=512
    )


def counted(prompt: Any, completion: Any, cached: Any = None) -> dict[str, Any]:
    details = {"prompt_tokens_details": {"cached_tokens": cached}} if cached is not None else {}
    return {"prompt_tokens": prompt, "completion_tokens": completion} | details


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (counted(1500, 60, 400), (1500, 400, 60)),
        (counted("1500", 60.0), (1500, 0, 60)),
        (counted(1500, 500), (1500, 0, 500)),
        (None, (2000, 0, 50)),
        ({}, (2000, 0, 50)),
        ([], (2000, 0, 50)),
        ("many", (2000, 0, 50)),
        (counted(None, None), (2000, 0, 50)),
        (counted(0, 0), (2000, 0, 50)),
        (counted(-100_000, -5), (2000, 0, 50)),
        (counted(1, 1), (2000, 0, 50)),
        (counted(True, "x"), (2000, 0, 50)),
        (counted(float("nan"), float("inf")), (2000, 0, 50)),
        (counted(1500, 60, 10**9), (1500, 1500, 60)),
        (counted(1500, 60, -3), (1500, 0, 60)),
        (counted(10**15, 10**15), (4000 + 20 * 1000 + 4096, 0, 800)),
        ({"input_tokens": 1500, "output_tokens": 60}, (1500, 0, 60)),
        ({"prompt_tokens": 1500, "prompt_tokens_details": [{"tokenCount": 1}]}, (1500, 0, 50)),
    ],
)  # fmt: skip
def test_usage_is_believed_within_what_the_call_can_have_taken(said, expected):
    found = usage_of(said)
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == expected
    assert found.calls == 1


@given(_ANY)
def test_no_usage_raises_or_gives_money_back(said):
    found = usage_of(said)
    assert 0 < found.input_tokens <= 28_096 and 0 < found.output_tokens <= 800
    assert 0 <= found.cached_tokens <= found.input_tokens
