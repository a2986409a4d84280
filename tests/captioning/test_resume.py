"""Nothing is paid twice and nothing is lost: resume, retry of what failed, and invalidation, all by counting
calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mrvideo.captioning import options as options_module
from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.errors import BudgetReached, ModelBusy, ModelRefused, ModelUnavailable, VideoChanged
from mrvideo.library import Library
from mrvideo.media.options import ReadOptions
from mrvideo.models import Ledger
from mrvideo.models.base import Request
from mrvideo.models.limits import LimitedModel, Limits
from mrvideo.models.retry import Backoff
from mrvideo.models.scripted import ScriptedModel
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Cue, Index, Notice, Span, StageAdvanced, StageStarted, VideoInfo

OPTIONS = CaptioningOptions(shard_seconds=20)  # 65 s: shards of 20, 20, 20 and 5 s, seven clips
Build = Callable[..., Index]


def plain(request: Request[Any]) -> dict[str, Any]:
    """One character a shard, one scene a clip, all one person."""
    span = request.span
    assert span is not None
    times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
    scene = {
        **times,
        "brief": "b",
        "detailed": f"<person_a> at {span.start_seconds:.1f}",
        "appearing": ["person_a"],
    }
    match request.prompt.name:
        case "characters":
            first = request.inputs.frame_times[0]  # type: ignore[attr-defined]
            who = {"name": "person_a", "kind": "person", "description": "x", "exemplar_seconds": first}
            return {"characters": [who]}
        case "caption_clip":
            known = bool(request.inputs.mentions)  # type: ignore[attr-defined]
            return {"continues_previous": False, "scenes": [scene if known else {**scene, "appearing": []}]}
        case "split_clip":
            return {"scenes": [{**times, "brief": "b"}]}
        case "merge_border":
            return {"same_scene": False}
        case "caption_scene":
            known = bool(request.inputs.mentions)  # type: ignore[attr-defined]
            return scene if known else {**scene, "appearing": []}
        case "link_cast":
            return {"pairs": [{"left_id": "L1", "right_id": "R1", "better": "left"}]}
    raise AssertionError(request.prompt.name)


def stages(model: ScriptedModel) -> Counter[str]:
    return Counter(request.stage for request in model.requests)


def failing_at(seconds: float, error: Exception, *, stage: str = "caption") -> Callable[[Request[Any]], Any]:
    """`plain`, but for the one call of a stage whose span holds that time."""

    def reply(request: Request[Any]) -> Any:
        if request.stage == stage and request.span is not None and request.span.contains(seconds):
            return error
        return plain(request)

    return reply


def _shard_at(seconds: float) -> int:
    """The shard that holds a time of the moving video: of 20 s, with its first border on the cut nearby."""
    return sum(seconds >= border for border in (21.0, 40.0, 60.0))


def keeping(model: ScriptedModel, library: Library) -> LimitedModel:
    """The model as `open_model` hands it out: its replies are kept in the library."""
    return LimitedModel(model, Limits(ledger=Ledger(), store=library, backoff=Backoff(attempts=1)))


def comparable(index: Index) -> Index:
    return index.model_copy(update={"created_at": "", "usage": index.usage.__class__()})


def test_a_second_index_asks_nothing(moving_video: VideoInfo, build: Build) -> None:
    first = ScriptedModel(plain)
    index = build(moving_video, first, OPTIONS)
    assert stages(first) == {"characters": 4, "caption": 7, "cast": 4}
    again = ScriptedModel(plain)
    assert build(moving_video, again, OPTIONS) == index
    assert not again.requests


def test_the_same_video_under_another_path_is_known_and_need_not_be_read(
    moving_video: VideoInfo, build: Build
) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)
    moved = moving_video.model_copy(update={"path": "/gone/elsewhere.mp4"})
    assert build(moved, ScriptedModel([]), OPTIONS).video.path == "/gone/elsewhere.mp4"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "stage"),
    [
        ("fused", "characters"),
        ("fused", "caption"),
        ("paper", "characters"),
        ("paper", "split"),
        ("paper", "merge"),
        ("paper", "caption"),
    ],
)
def test_the_next_run_retries_what_failed_and_nothing_else(
    moving_video: VideoInfo, build: Build, library: Library, recipe: str, stage: str, tmp_path: Path
) -> None:
    options = OPTIONS.model_copy(update={"recipe": recipe})
    at = 5.0 if stage == "merge" else 25.0
    failing = ScriptedModel(failing_at(at, ModelBusy("503"), stage=stage))
    broken = build(moving_video, keeping(failing, library), options)
    (failure,) = broken.failures
    assert (failure.stage, failure.reason) == (stage, "503")
    if stage in ("caption", "split"):
        assert (failure.start_seconds, failure.stop_seconds) == (21.0, 30.0)
        assert not any(scene.span.overlaps(failure.span) for scene in broken.scenes)

    again = ScriptedModel(plain)
    whole = build(moving_video, keeping(again, library), options)

    assert not whole.failures
    in_shards = [
        request
        for request in again.requests
        if request.span is not None
        and request.stage != "cast"
        and _shard_at(request.span.start_seconds) == _shard_at(request.span.stop_seconds - 0.01)
    ]
    if stage == "characters":
        # Without its characters the shard had been captioned nameless: it is captioned again, and no other.
        assert {_shard_at(r.span.start_seconds) for r in in_shards if r.span} == {1}
    else:
        asked = Counter(request.stage for request in in_shards)
        assert asked[stage] == 1
        # What hangs on a split or a border is asked with it.
        assert set(asked) <= {stage, "merge", "caption"}
        assert sum(asked.values()) <= 4
    other = ScriptedModel(plain)
    with Library.open(tmp_path / "undisturbed.db") as library:
        undisturbed = build_index(
            moving_video,
            (),
            options=options,
            vision=other,
            library=library,
            on_event=lambda e: None,
        )
    assert comparable(whole) == comparable(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("error", [ModelUnavailable("no server"), BudgetReached("enough")])
def test_a_stop_keeps_finished_shards(moving_video: VideoInfo, build: Build, error: Exception) -> None:
    options = OPTIONS.model_copy(update={"workers": 1})
    stopped = ScriptedModel(failing_at(45.0, error))
    with pytest.raises(type(error)):
        build(moving_video, stopped, options)
    # One thread: the two shards before the stop were finished and are kept.
    again = ScriptedModel(plain)
    index = build(moving_video, again, options)
    assert stages(again) == {"characters": 2, "caption": 3, "cast": 4}
    assert not index.failures


def test_a_refused_clip_is_a_gap_free_failure(moving_video: VideoInfo, build: Build) -> None:
    index = build(moving_video, ScriptedModel(failing_at(61.0, ModelRefused("content filter"))), OPTIONS)
    (failure,) = index.failures
    assert failure.reason == "content filter"
    assert index.scenes[-1].stop_seconds == failure.start_seconds == 60.0
    assert failure.stop_seconds == moving_video.duration_seconds


CUES = (Cue(start_seconds=25.0, stop_seconds=27.0, text="Good evening."),)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({"reading": ReadOptions(long_side_pixels=96)}, {"characters": 4, "caption": 7, "cast": 4}),
        ({"frames_per_second": 1.0}, {"characters": 4, "caption": 7, "cast": 4}),
        ({"recipe": "paper"}, {"characters": 4, "split": 7, "merge": 6, "caption": 7, "cast": 4}),
        ({"longest_scene_seconds": 30.0}, {"cast": 4}),
        ({"workers": 2}, {}),
    ],
)
def test_a_changed_setting_redoes_what_hangs_on_it(
    moving_video: VideoInfo, build: Build, change: dict[str, Any], calls: dict[str, int]
) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)
    again = ScriptedModel(plain)
    build(moving_video, again, OPTIONS.model_copy(update=change))
    assert stages(again) == calls


def test_new_cues_redo_the_shards_they_are_heard_in(moving_video: VideoInfo, build: Build) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)
    again = ScriptedModel(plain)
    build(moving_video, again, OPTIONS, cues=CUES)
    assert stages(again) == {"characters": 1, "caption": 2, "cast": 4}


@pytest.mark.slow
def test_another_model_redoes_all(moving_video: VideoInfo, build: Build) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)
    again = ScriptedModel(plain, name="scripted:better")
    build(moving_video, again, OPTIONS)
    assert stages(again) == {"characters": 4, "caption": 7, "cast": 4}


def test_a_cast_file_redoes_the_cast_alone(moving_video: VideoInfo, build: Build, tmp_path: Path) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)
    file = tmp_path / "cast.toml"
    file.write_text('[[cast]]\nname = "Anna"\ndescription = "x"\n')
    again = ScriptedModel(plain)
    index = build(moving_video, again, OPTIONS.model_copy(update={"cast": file}))
    assert stages(again) == {"cast": 10}
    assert [entity.display_name for entity in index.entities] == ["Anna"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "calls"),
    [
        ("caption_clip", {"characters": 4, "caption": 7, "cast": 4}),
        ("link_cast", {"cast": 4}),
        ("split_clip", {}),
    ],
)
def test_a_changed_prompt_redoes_what_hangs_on_it(
    moving_video: VideoInfo, build: Build, monkeypatch: pytest.MonkeyPatch, prompt: str, calls: dict[str, int]
) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)

    def changed(name: str) -> Any:
        import dataclasses

        found = load_prompt(name)
        return dataclasses.replace(found, digest="changed") if name == prompt else found

    monkeypatch.setattr(options_module, "load_prompt", changed)
    again = ScriptedModel(plain)
    build(moving_video, again, OPTIONS)
    assert stages(again) == calls


@pytest.mark.slow
def test_fresh_asks_again(moving_video: VideoInfo, build: Build) -> None:
    build(moving_video, ScriptedModel(plain), OPTIONS)
    again = ScriptedModel(plain)
    build(moving_video, again, OPTIONS.model_copy(update={"fresh": True}))
    assert stages(again) == {"characters": 4, "caption": 7, "cast": 4}


def test_events_count_every_clip_once(moving_video: VideoInfo, build: Build) -> None:
    events: list[Any] = []
    build(moving_video, ScriptedModel(failing_at(25.0, ModelBusy("503"))), OPTIONS, events=events)
    started = [e for e in events if isinstance(e, StageStarted)]
    assert [(e.stage, e.total) for e in started] == [("caption", 7), ("cast", 1)]
    assert sum(e.done for e in events if isinstance(e, StageAdvanced) and e.stage == "caption") == 7
    assert not any(isinstance(e, Notice) for e in events)


def test_a_video_that_is_gone_is_a_failure_that_names_worker_and_path(
    moving_video: VideoInfo, build: Build
) -> None:
    gone = moving_video.model_copy(update={"path": "/nowhere/gone.mp4"})
    index = build(gone, ScriptedModel(plain), OPTIONS)
    assert not index.scenes
    (failure,) = index.failures
    assert failure.span == Span(0.0, moving_video.duration_seconds)
    assert failure.stage == "open"
    assert "/nowhere/gone.mp4" in failure.reason and "worker " in failure.reason


def test_a_file_that_was_replaced_meanwhile_is_not_captioned_for_the_other(
    moving_video: VideoInfo, build: Build, tmp_path: Path
) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(Path(moving_video.path).read_bytes() + b"more")
    model = ScriptedModel(plain)
    with pytest.raises(VideoChanged, match="another video than the one that was indexed"):
        build(moving_video.model_copy(update={"path": str(other)}), model, OPTIONS)
    assert not model.requests


def test_voices_heard_with_a_character_stand_on_its_card(moving_video: VideoInfo, build: Build) -> None:
    cues = tuple(
        Cue(start_seconds=at, stop_seconds=at + 2.0, text="So.", speaker="SPEAKER_01")
        for at in (2, 12, 22, 32)
    )
    model = ScriptedModel(plain)
    build(moving_video, model, OPTIONS, cues=cues)
    cards = [
        card
        for request in model.requests
        if request.stage == "cast"
        for card in (*request.inputs.left, *request.inputs.right)  # type: ignore[attr-defined]
    ]
    # Shards 0 and 1 hear the voice in both their scenes; shards 2 and 3 do not hear it.
    assert Counter(card.speakers for card in cards)[("SPEAKER_01",)] >= 2
    assert Counter(card.speakers for card in cards)[()] >= 2


def test_the_cast_is_asked_with_the_same_pixels_whether_shards_are_fresh_or_kept(
    moving_video: VideoInfo, build: Build
) -> None:
    # Else a resumed run would pay for its cast again: the reply cache knows requests by their pixels.
    first = ScriptedModel(plain)
    build(moving_video, first, OPTIONS)
    again = ScriptedModel(plain)
    build(moving_video, again, OPTIONS.model_copy(update={"longest_scene_seconds": 30.0}))
    digests = [{r.digest for r in model.requests if r.stage == "cast"} for model in (first, again)]
    assert digests[0] == digests[1] and len(digests[0]) == 4
