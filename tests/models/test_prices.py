"""Tokens and money, before and after."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.errors import SettingsError
from mrvideo.models import tokens
from mrvideo.models.base import Picture
from mrvideo.models.image_tokens import IMAGE_RULES, image_tokens
from mrvideo.models.prices import cost, estimate, load_prices, price_of
from mrvideo.records import Usage


def test_cached_input_costs_less():
    usage = Usage(calls=1, input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    assert cost("openai:gpt-5-mini", usage) == pytest.approx(0.6 * 0.25 + 0.4 * 0.025 + 0.1 * 2.0)


def test_a_dated_name_has_its_familys_price_and_another_model_has_none():
    assert price_of("openai:gpt-5-mini-2025-08-07") == price_of("openai:gpt-5-mini")
    assert price_of("openai:gpt-5-mini-ultra") is None
    assert cost("ollama:qwen2.5vl", Usage(calls=1, input_tokens=5)) is None, "unknown is not zero"
    assert cost("offline", Usage(calls=1)) == 0.0
    assert cost("hf:/models/x", Usage(calls=1, input_tokens=5)) == 0.0


def test_the_users_file_lies_over_the_shipped_one(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text(
        '[models]\n"gpt-5-mini" = { input = 1, output = 2 }\n"my-model" = { input = 3, output = 4 }\n'
    )
    assert cost("openai:gpt-5-mini", Usage(input_tokens=1_000_000), file) == 1.0
    assert cost("vllm:my-model", Usage(output_tokens=1_000_000), file) == 4.0
    assert price_of("openai:gpt-4o", file) == price_of("openai:gpt-4o")


@pytest.mark.parametrize(
    "text", ["[models", '[models]\n"m" = 3', '[models]\n"m" = { input = -1, output = 1 }']
)
def test_a_price_file_that_does_not_fit_is_told(tmp_path, text):
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=str(file)):
        load_prices(file)


@pytest.mark.parametrize(
    ("model", "size", "detail", "count"),
    [
        # The guides' own examples.
        ("openai:gpt-4o", (1024, 1024), "high", 765),
        ("openai:gpt-4o", (2048, 4096), "high", 1105),
        ("openai:gpt-4o", (4096, 8192), "low", 85),
        ("openai:gpt-4.1-mini", (1024, 1024), None, 1659),
        ("gemini:gemini-2.5-flash", (384, 384), None, 258),
        ("gemini:gemini-2.5-flash", (960, 540), None, 516),
        ("vllm:Qwen/Qwen2.5-VL-7B-Instruct", (504, 280), None, 182),
        ("ollama:qwen2.5vl:7b", (504, 280), None, 182),
        ("vllm:Qwen/Qwen3-VL-8B-Instruct", (512, 288), None, 146),
        ("vllm:somebody/some-model", (504, 280), None, 182),
        ("vllm:OpenGVLab/InternVL3_5-8B", (896, 448), None, 3 * 256 + 3),
        ("ollama:gemma3:12b", (512, 288), None, 260),
        ("vllm:mistralai/Mistral-Small-3.2-24B-Instruct-2506", (512, 288), None, 220),
        ("vllm:mistralai/Pixtral-12B-2409", (512, 288), None, 594),
        ("vllm:zai-org/GLM-4.1V-9B-Thinking", (504, 280), None, 182),
        ("vllm:HuggingFaceTB/SmolVLM2-500M-Video-Instruct", (512, 288), None, 67 + 12 * 66 + 3),
        ("hf:HuggingFaceTB/SmolVLM2-500M-Video-Instruct", (512, 288), None, 67),
        ("hf:OpenGVLab/InternVL3_5-8B-HF", (896, 448), None, 259),
        ("vllm:microsoft/Phi-4-multimodal-instruct", (512, 288), None, 753),
    ],
)
def test_images_count_by_their_familys_published_rule(model, size, detail, count):
    assert image_tokens(*size, model, detail) == count


@given(st.integers(1, 4096), st.integers(1, 4096), st.sampled_from(IMAGE_RULES))
def test_an_image_always_counts_and_a_larger_one_never_less(width, height, rule):
    model = f"openai:{rule.prefixes[0]}"
    assert image_tokens(width, height, model) > 0
    # Qwen's enlarge a tiny picture, and Phi-4 fits a huge one to the shape of its tiles: there a larger one
    # may count less.
    if rule.kind not in ("tiles", "hd") and width * height >= 4 * rule.least_pixels:
        assert image_tokens(width, height, model) <= image_tokens(width * 2, height * 2, model)


def test_every_rule_names_its_source_and_date():
    assert all("2026" in rule.source for rule in IMAGE_RULES)


async def test_the_estimate_is_within_a_tenth_of_what_the_server_counts(
    serve, connect, ask_border, make_jpeg
):
    server = serve()
    request = ask_border()
    frames = tuple(Picture(f"{i / 2:.2f} s", make_jpeg("green", (512, 288)), i / 2) for i in range(20))
    request = type(request)(
        prompt=request.prompt,
        inputs=request.inputs,
        reply_type=request.reply_type,
        stage="scenes",
        pictures=frames,
        max_output_tokens=64,
    )
    expected = estimate(request, "openai:test-vlm")
    reply = await connect(server).run(request)
    assert expected.images == reply.usage.images == 20
    assert expected.input_tokens == pytest.approx(reply.usage.input_tokens, rel=0.1)


def test_counting_never_fetches_and_says_how_it_counted(monkeypatch, capfd):
    tokens._counter.cache_clear()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/nowhere/at/all")
    sys.modules.pop("tiktoken.registry.ENCODINGS", None)
    assert tokens.text_tokens("Rain runs down the window.", "openai:gpt-5-mini") in range(6, 9)
    assert tokens.note("openai:gpt-5-mini").startswith("text tokens estimated by rule")
    assert tokens.note("ollama:qwen2.5vl").startswith("text tokens estimated by rule")
    assert capfd.readouterr() == ("", "")
    tokens._counter.cache_clear()


@given(st.text())
def test_any_text_has_a_number_of_tokens(text):
    count = tokens.estimated_tokens(text)
    assert 0 <= count <= len(text)
    assert count > 0 or not text.strip()
