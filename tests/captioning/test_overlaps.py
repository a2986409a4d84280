"""Neighbouring shards look at the same frames first, and know by them who is one: boxes that coincide."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.cast import Cast
from mrvideo.captioning.characters import with_spans
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.captioning.overlaps import known_of
from mrvideo.captioning.shard_records import BestSeen, SceneDraft, ShardRecords
from mrvideo.captioning.shard_view import MOST_SHARED, SHARED_SECONDS
from mrvideo.mapreduce import portal
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Box, Index, Mention, Span, VideoInfo

LEFT = Box(0.1, 0.1, 0.4, 0.9)
NEARLY_LEFT = Box(0.12, 0.15, 0.42, 0.9)
RIGHT = Box(0.6, 0.1, 0.9, 0.9)
PUT_RIGHT = "a woman in a red coat"


def shard(index: int, *seen: tuple[str, float, Box], kind: str = "person") -> ShardRecords:
    """A shard with everybody who is in one of its shared frames."""
    start = 120.0 * index
    mentions = tuple(
        Mention(
            start_seconds=start, stop_seconds=start + 120, shard_index=index, name=name, kind=kind,
            description=name, exemplar_seconds=start + 60,
        )
        for name in dict.fromkeys(name for name, _, _ in seen)
    )  # fmt: skip
    shared = tuple(BestSeen(name=name, seconds=seconds, box=box) for name, seconds, box in seen)
    return ShardRecords(index=index, span=Span(start, start + 120), mentions=mentions, shared=shared)


def test_boxes_that_coincide_on_one_frame_are_one_individual_and_others_are_not() -> None:
    known = known_of(
        [
            shard(1, ("person_c", 121.0, NEARLY_LEFT), ("person_d", 121.0, RIGHT)),
            shard(0, ("person_a", 121.0, LEFT)),
        ]
    )
    assert known.same == {("0/person_a", "1/person_c")}
    assert known.apart == {
        frozenset(("0/person_a", "1/person_d")),
        frozenset(("1/person_c", "1/person_d")),
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([("person_a", 121.0, LEFT)], [("person_b", 121.5, LEFT)]),  # two frames
        (
            [("person_a", 121.0, LEFT)],
            [("person_b", 121.0, RIGHT)],
        ),  # nothing shows that both mean the same places
        ([("person_a", 121.0, LEFT)], [("person_b", 121.0, LEFT), ("person_c", 121.0, NEARLY_LEFT)]),  # who?
        (
            [("person_a", 121.0, LEFT), ("person_a", 121.0, RIGHT)],
            [("person_b", 121.0, LEFT)],
        ),  # at two places
    ],
)
def test_a_frame_that_leaves_it_open_tells_nothing(ours: Any, theirs: Any) -> None:
    known = known_of([shard(0, *ours), shard(1, *theirs)])
    assert not known.same
    assert not any({one.split("/")[0] for one in pair} == {"0", "1"} for pair in known.apart)


def test_frames_that_contradict_each_other_tell_nothing() -> None:
    known = known_of(
        [
            shard(0, ("person_a", 121.0, LEFT), ("person_a", 123.0, LEFT)),
            shard(1, ("person_b", 121.0, LEFT), ("person_c", 123.0, LEFT)),
        ]
    )
    assert not known.same


def test_a_dog_is_not_the_person_who_holds_it() -> None:
    dog = shard(0, ("dog_a", 121.0, LEFT), kind="dog")
    assert not known_of([dog, shard(1, ("person_a", 121.0, LEFT))]).same


def test_shards_that_are_no_neighbours_share_no_frame() -> None:
    known = known_of([shard(0, ("person_a", 121.0, LEFT)), shard(1), shard(2, ("person_a", 121.0, LEFT))])
    assert not known.same


def reply(request: Request[Any]) -> dict[str, Any]:
    """One person at one place throughout, and one who is only ever seen behind a shard's end."""
    inputs: Any = request.inputs
    if request.prompt.name == "characters":
        found = [_person("person_a", inputs.frame_times[0], inputs.frame_times)]
        after = [time for time in inputs.shared_times if time >= inputs.span.stop_seconds]
        if after:
            found.append(_person("person_z", after[-1], after))
        shared = [
            {"seconds": time, "box": LEFT.model_dump(), "name": "person_a"} for time in inputs.shared_times
        ]
        return {"characters": found, "shared": shared}
    assert request.prompt.name == "caption_clip", "nobody is compared"
    span: Any = request.span
    corrections = [f"<person_a>: {PUT_RIGHT}"] if span.start_seconds < 1 else []
    scene = {
        "start_seconds": span.start_seconds,
        "stop_seconds": span.stop_seconds,
        "appearing": ["person_a"],
        "detailed": "<person_a> waves.",
        "brief": "<person_a> waves.",
    }
    return {"continues_previous": False, "corrections": corrections, "scenes": [scene]}


def _person(name: str, best: float, seen: Any) -> dict[str, Any]:
    return {
        "exemplar_seconds": best,
        "seen_seconds": list(seen),
        "description": "a man in a red coat",
        "kind": "person",
        "name": name,
    }


@pytest.fixture
def indexed(moving_video: VideoInfo, build: Any) -> tuple[Index, list[Request[Any]]]:
    """A film of 65 s in four shards, and the requests that its first looks made."""
    model = ScriptedModel(reply)
    index = build(moving_video, model, CaptioningOptions(shard_seconds=20))
    looks = [request for request in model.requests if request.prompt.name == "characters"]
    return index, sorted(looks, key=lambda one: one.inputs.span.start_seconds)  # type: ignore[attr-defined]


def test_neighbours_look_at_the_same_frames_at_their_border(indexed: Any) -> None:
    """Dangerous: who enters at a shard's end was described from its last frames alone, and known by a comparison."""
    _, looks = indexed
    assert len(looks) == 4
    for one, following in pairwise(looks):
        border = one.inputs.span.stop_seconds
        assert len(set(one.inputs.frame_times)) == len(one.inputs.frame_times)
        after = [time for time in one.inputs.shared_times if time >= border]
        assert 1 <= len(after) <= MOST_SHARED and max(after) < border + SHARED_SECONDS
        theirs = [time for time in following.inputs.shared_times if time < border + SHARED_SECONDS]
        assert [time for time in one.inputs.shared_times if time >= border - 1] == theirs
        shown = {picture.label: picture.jpeg for picture in one.pictures}
        for picture in following.pictures:
            assert shown.get(picture.label, picture.jpeg) == picture.jpeg
    assert all(time < looks[-1].inputs.span.stop_seconds for time in looks[-1].inputs.shared_times)


def test_who_is_seen_in_a_shared_frame_is_one_without_a_comparison(indexed: Any) -> None:
    index, _ = indexed
    (entity,) = index.entities
    assert entity.mention_ids == tuple(f"{n}/person_a" for n in range(4))
    assert not index.failures


def test_a_description_that_a_clip_put_right_is_the_entity_s(indexed: Any) -> None:
    index, _ = indexed
    (entity,) = index.entities
    assert entity.description == PUT_RIGHT
    assert [one.description for one in index.mentions] == [PUT_RIGHT, *["a man in a red coat"] * 3]


def test_whom_only_the_next_shard_shows_is_left_to_it() -> None:
    def mention(name: str, *times: float) -> Mention:
        return Mention(
            start_seconds=0, stop_seconds=20, shard_index=0, name=name, kind="person", description="x",
            exemplar_seconds=times[0], seen_seconds=times,
        )  # fmt: skip

    draft = SceneDraft(
        start_seconds=0.0, stop_seconds=20.0, shard_index=0, brief="b", detailed="d", appearing=("person_c",)
    )
    kept = with_spans(
        (mention("person_a", 21.0, 23.0), mention("person_b", 21.0, 19.5), mention("person_c", 21.0)),
        (draft,),
        within=Span(0.0, 20.0),
    )
    assert [one.name for one in kept] == ["person_b", "person_c"]
    later = SceneDraft(
        start_seconds=20.0, stop_seconds=40.0, shard_index=1, brief="b", detailed="d", appearing=("person_c",)
    )
    kept = with_spans(
        (mention("person_a", 19.5), mention("person_b", 19.5, 21.0), mention("person_c", 19.5)),
        (later,),
        within=Span(20.0, 40.0),
    )
    assert [one.name for one in kept] == ["person_b", "person_c"]


def test_whoever_leaves_as_a_shard_begins_is_known_to_both(moving_video: VideoInfo, build: Any) -> None:
    """A foot in the first frame was "somebody in black", and one visitor more than there were."""
    listed: dict[float, list[str]] = {}

    def answer(request: Request[Any]) -> dict[str, Any]:
        inputs: Any = request.inputs
        if request.prompt.name == "characters":
            ours = [time for time in inputs.shared_times if 39 <= time < 40]
            if not ours:
                return {"characters": []}
            name = "person_a" if inputs.span.start_seconds < 40 else "person_b"
            seen = [{"seconds": time, "box": RIGHT.model_dump(), "name": name} for time in ours]
            return {"characters": [_person(name, ours[0], ours)], "shared": seen}
        assert request.prompt.name == "caption_clip", "nobody is compared"
        span = inputs.span
        names = [one.name for one in inputs.mentions]
        listed[span.start_seconds] = names
        scene = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
        here = names if 30 <= span.start_seconds <= 40 else []
        said = {"appearing": here, "detailed": "d", "brief": "b"}
        return {"continues_previous": False, "scenes": [{**scene, **said}]}

    index = build(moving_video, ScriptedModel(answer), CaptioningOptions(shard_seconds=20))
    assert listed[40.0] == ["person_b"]
    assert [one.mention_ids for one in index.entities] == [("1/person_a", "2/person_b")]
    assert not index.failures


class _NoPictures:
    """Stands for the video's exemplars: cards have words alone."""

    async def at(self, times: Any) -> dict[float, Any]:
        return {}


def _linked(mentions: list[Mention], *, same: Any = (), apart: Any = ()) -> tuple[list[set[str]], list[int]]:
    """Who is one, and how many cards each comparison had; the model links cards in order."""

    def answer(request: Request[Any]) -> dict[str, Any]:
        inputs: Any = request.inputs
        pairs = zip(inputs.left, inputs.right, strict=False)
        return {"pairs": [{"left_id": a.card_id, "right_id": b.card_id, "better": "left"} for a, b in pairs]}

    model = ScriptedModel(answer)
    cast = Cast(Calls(model), _NoPictures(), frozenset(map(frozenset, apart)), same=same)  # type: ignore[arg-type]
    members = portal().call(cast.link, mentions, {})
    asked = [len(one.inputs.left) + len(one.inputs.right) for one in model.requests]  # type: ignore[attr-defined]
    return [{mention.mention_id for mention in member.mentions} for member in members], asked


def _crowd(*names: str) -> list[Mention]:
    """The same names in two shards."""
    return [
        mention
        for index in (0, 1)
        for mention in shard(index, *((name, 121.0, LEFT) for name in names)).mentions
    ]


def test_a_shared_frame_saves_the_comparison_and_its_review() -> None:
    found, asked = _linked(_crowd("person_a"), same={("0/person_a", "1/person_a")})
    assert (found, asked) == ([{"0/person_a", "1/person_a"}], [])


def test_look_alikes_are_compared_whatever_one_frame_says() -> None:
    """One frame is one opinion of who somebody is; a comparison has several pictures of each."""
    same = {("0/person_a", "1/person_b")}
    found, asked = _linked(_crowd("person_a", "person_b"), same=same)
    assert asked[0] == 4
    assert found == [{"0/person_a", "1/person_a"}, {"0/person_b", "1/person_b"}]


def test_two_that_a_shared_frame_shows_apart_are_never_one() -> None:
    found, _ = _linked(_crowd("person_a"), apart=[("0/person_a", "1/person_a")])
    assert found == [{"0/person_a"}, {"1/person_a"}]
