"""The estimate is what a run really asks: counted against a scripted model, and for an hour on paper."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.films import video_info

from mrvideo.captioning.estimate import StageEstimate, estimate_calls
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.models.base import Capabilities, Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import VideoInfo
from mrvideo.session import estimating
from mrvideo.settings import Settings


def one_hour() -> VideoInfo:
    return video_info(3600.0, path="hour.mp4", width=1280, height=720, has_audio=True)


def total(rows: tuple[StageEstimate, ...], field: str) -> Counter[str]:
    """A field's sum by stage: the cast has two prompts."""
    found: Counter[str] = Counter()
    for row in rows:
        found[row.stage] += getattr(row, field)
    return found


def test_an_hour_is_sent_once_by_fused_and_twice_by_paper() -> None:
    fused = estimate_calls(one_hour(), CaptioningOptions(recipe="fused"))
    paper = estimate_calls(one_hour(), CaptioningOptions(recipe="paper"))

    assert sum(row.passes for row in fused) == 1.0
    assert sum(row.passes for row in paper) == 2.0
    assert total(fused, "calls") == {"characters": 30, "caption": 360, "cast": 1 + 2 * 29}
    assert total(paper, "calls") == {
        "characters": 30, "split": 360, "merge": 359, "caption": 360, "cast": 1 + 2 * 29,
    }  # fmt: skip
    assert (fused[0].width, fused[0].height) == (512, 288)


def test_no_call_of_an_estimate_is_above_the_bound() -> None:
    for recipe in ("fused", "paper"):
        for row in estimate_calls(one_hour(), CaptioningOptions(recipe=recipe), mentions_per_shard=12):
            assert row.images <= row.calls * 40


def reply(request: Request[Any]) -> dict[str, Any]:
    """One scene a clip, none merged; three characters, the same throughout."""
    span = request.span
    assert span is not None
    scene = {
        "start_seconds": span.start_seconds,
        "stop_seconds": span.stop_seconds,
        "brief": "b",
        "detailed": "d",
    }
    match request.prompt.name:
        case "characters":
            # Whoever is only seen before or after a shard is none of its characters.
            inside = span.start_seconds, span.stop_seconds
            times = [t for t in request.inputs.frame_times if inside[0] <= t < inside[1]]  # type: ignore[attr-defined]
            return {
                "characters": [
                    {
                        "name": f"person_{letter}",
                        "kind": "person",
                        "description": letter,
                        "exemplar_seconds": times[min(n, len(times) - 1)],
                    }
                    for n, letter in enumerate("abc")
                ]
            }
        case "caption_clip":
            return {"continues_previous": False, "scenes": [scene]}
        case "split_clip":
            return {"scenes": [scene]}
        case "merge_border":
            return {"same_scene": False}
        case "caption_scene":
            return scene
        case "possible_cast":
            cards = [c.card_id for s in request.inputs.stretches for c in s.cards]  # type: ignore[attr-defined]
            return {"groups": [{"card_ids": cards}]}
        case "link_cast":
            return {"pairs": [{"left_id": f"L{n}", "right_id": f"R{n}", "better": "left"} for n in (1, 2, 3)]}
    raise AssertionError(request.prompt.name)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["fused", "paper"])
@pytest.mark.parametrize("max_images", [40, 12])
def test_a_run_asks_exactly_what_was_estimated(
    moving_video: VideoInfo, build: Any, recipe: str, max_images: int
) -> None:
    capabilities = Capabilities(max_images=max_images)
    model = ScriptedModel(reply, capabilities=capabilities)
    options = CaptioningOptions(recipe=recipe, shard_seconds=30)  # type: ignore[arg-type]

    index = build(moving_video, model, options)

    assert not index.failures
    calls = Counter(request.stage for request in model.requests)
    images = Counter[str]()
    for request in model.requests:
        images[request.stage] += len(request.pictures)
        assert len(request.pictures) <= max_images
    expected = estimate_calls(
        moving_video,
        options,
        capabilities=capabilities,
        mentions_per_shard=3,
        appearing_per_clip=3,
        shot_seconds=7.0,
        frames_per_mention=1,
        known_at_borders=0,
    )
    skipped: set[str] = set()
    if recipe == "paper" and max_images == 12:
        # A scene's frames are spread over calls evenly within the scene, not over the video.
        skipped = {"caption"}
    for stage, count in total(expected, "images").items():
        if stage == "characters":
            # Shards' borders cut shots in two, here and there.
            assert abs(count - images[stage]) <= calls[stage]
        elif stage not in skipped:
            assert (stage, count) == (stage, images[stage])
    for stage, count in total(expected, "calls").items():
        assert stage in skipped or (stage, count) == (stage, calls[stage])


def test_the_estimate_prices_known_models_and_says_when_it_cannot() -> None:
    rows = estimate_calls(one_hour(), CaptioningOptions())
    usage = rows[1].usage("openai:gpt-5-mini")
    assert usage.input_tokens > usage.images
    assert usage.cost is not None and usage.cost > 0
    assert rows[1].usage("openai:nobody-knows-this-one").cost is None


def test_an_index_of_an_hour_takes_at_most_2_8_million_tokens() -> None:
    """Prompts grow by a sentence each time a reply goes wrong, and are paid for in each of 360 calls."""
    video = one_hour().model_copy(update={"width": 640, "height": 360})
    rows = estimate_calls(video, CaptioningOptions())
    assert sum(row.usage("openai:gpt-5-mini").input_tokens for row in rows) <= 2_800_000


def test_a_video_file_path_is_not_needed(tmp_path: Path) -> None:
    assert not (tmp_path / "hour.mp4").exists()
    assert estimate_calls(
        one_hour().model_copy(update={"path": str(tmp_path / "hour.mp4")}), CaptioningOptions()
    )


def test_a_question_of_an_hour_at_high_takes_at_most_120_pictures_and_120000_tokens() -> None:
    """It said 211,000 tokens for one round, and 700,000 were spent on four minutes."""
    capabilities = Capabilities(context_tokens=128_000, max_images=40)
    settings = Settings(vision="openai:gpt-5-mini")
    least, most = (
        estimating._by_effort(one_hour(), settings, capabilities, most=most, talks=False)["high"]
        for most in (False, True)
    )
    assert least.images < most.images <= 120
    assert least.input_tokens < most.input_tokens
    assert least.input_tokens <= 120_000
