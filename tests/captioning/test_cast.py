"""The cast: linked in a tree with vetoes, the same whatever order replies come in, never above 40 pictures."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.cards import View, views_of
from mrvideo.captioning.cast import Cast, Member, co_occurring
from mrvideo.captioning.cast_file import Given, load_given
from mrvideo.captioning.names import Descriptions, entities_of, local_names
from mrvideo.captioning.shard_records import BestSeen, Corrected, SceneDraft, ShardRecords
from mrvideo.captioning.union import united
from mrvideo.errors import InputError, ModelBusy, RequestTooLarge
from mrvideo.mapreduce import portal
from mrvideo.media.images import frame_of
from mrvideo.models.base import Capabilities, Model, Reply, Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Box, Cue, Frame, Mention, Shot, Sighting, Span

NOTHING: frozenset[frozenset[str]] = frozenset()


class Stills:
    """Stands for the video: any time has a picture."""

    async def at(self, times: Any) -> dict[float, Frame]:
        return {time: still(time) for time in times}


@lru_cache(maxsize=4096)
def still(time: float) -> Frame:
    """A frame that no other time has: a bar at a place of its own."""
    image = Image.new("L", (64, 36), 40)
    image.paste(255, (int(time * 7) % 60, 0, int(time * 7) % 60 + 4, 36))
    return frame_of(image, time)


def cells(request: Request[Any]) -> list[str]:
    """The names of all cells of a request's sheets, in order."""
    rows = [row for picture in request.pictures for row in picture.label.removeprefix("sheet, ").split("; ")]
    return [name for row in rows for name in row.split(": ", 1)[1].split(", ")]


def mention(shard: int, name: str, description: str, start: float = 0.0) -> Mention:
    at = shard * 120.0 + start
    return Mention(
        start_seconds=at, stop_seconds=at + 10, shard_index=shard, name=name,
        kind=name.rsplit("_", 1)[0], description=description, exemplar_seconds=at + 1,
    )  # fmt: skip


def by_description(request: Request[Any]) -> dict[str, Any]:
    """Links cards whose descriptions agree; words leave everything open."""
    inputs = request.inputs
    if request.prompt.name == "possible_cast":
        return anybody(request)
    return {
        "pairs": [
            {"left_id": left.card_id, "right_id": right.card_id, "better": "right"}
            for left in inputs.left  # type: ignore[attr-defined]
            for right in inputs.right  # type: ignore[attr-defined]
            if left.description == right.description
        ]
    }


def anybody(request: Request[Any]) -> dict[str, Any]:
    """Everybody may be everybody."""
    cards = [card.card_id for stretch in request.inputs.stretches for card in stretch.cards]  # type: ignore[attr-defined]
    return {"groups": [{"card_ids": cards}]}


def link(
    model: Model,
    mentions: list[Mention],
    *,
    vetoes: frozenset[frozenset[str]] = NOTHING,
    given: tuple[Given, ...] = (),
    views: dict[str, tuple[View, ...]] | None = None,
) -> tuple[tuple[Member, ...], Cast]:
    cast = Cast(Calls(model), Stills(), vetoes, views)  # type: ignore[arg-type]
    return portal().call(cast.link, mentions, {}, given), cast


def ids(members: tuple[Member, ...]) -> list[set[str]]:
    return [{m.mention_id for m in member.mentions} for member in members]


def test_a_tree_links_far_shards_in_log_many_levels() -> None:
    mentions = [mention(shard, "person_a", "anna") for shard in (0, 3, 6, 7)]
    mentions += [mention(shard, "person_b", "ben", 20) for shard in range(8)]
    model = ScriptedModel(by_description)

    members, cast = link(model, mentions)

    assert ids(members) == [
        {"0/person_a", "3/person_a", "6/person_a", "7/person_a"},
        {f"{shard}/person_b" for shard in range(8)},
    ]
    assert len(model.requests) == 1 + 7 + 7, (
        "the words, a comparison for each pair of the tree, and one for each stretch's review but the first's"
    )
    assert not cast.failures


def test_names_follow_first_appearance_and_count_by_kind() -> None:
    mentions = [
        mention(1, "dog_a", "rex"),
        mention(0, "person_b", "ben", 5),
        mention(0, "person_a", "anna", 50),
    ]
    members, _ = link(ScriptedModel(by_description), mentions)
    entities = entities_of(members)
    assert [(e.name, e.description) for e in entities] == [
        ("person_1", "ben"), ("person_2", "anna"), ("dog_1", "rex"),
    ]  # fmt: skip
    assert local_names(entities) == {
        0: {"person_b": "person_1", "person_a": "person_2"},
        1: {"dog_a": "dog_1"},
    }


def test_two_seen_together_are_never_one_whatever_the_model_says() -> None:
    twins = SceneDraft(
        start_seconds=0,
        stop_seconds=10,
        shard_index=0,
        brief="",
        detailed="",
        appearing=("person_a", "person_b"),
    )
    mentions = [
        mention(0, "person_a", "twin"),
        mention(0, "person_b", "twin", 3),
        mention(1, "person_a", "twin"),
    ]

    members, _ = link(ScriptedModel(by_description), mentions, vetoes=co_occurring([twins]))

    assert all(not {"0/person_a", "0/person_b"} <= found for found in ids(members))
    # Canonical order: the earlier of the two gets the third.
    assert ids(members) == [{"0/person_a", "1/person_a"}, {"0/person_b"}]


@pytest.mark.slow
def test_big_casts_go_block_by_block_below_the_bound_and_miss_no_pair() -> None:
    def crowd(shard: int, size: int) -> list[Mention]:
        letters = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"][:size]
        return [mention(shard, f"person_{letter}", f"who {n}", n / 10) for n, letter in enumerate(letters)]

    model = ScriptedModel(by_description)
    members, _ = link(model, [*crowd(0, 31), *crowd(1, 45)])

    assert all(len(request.pictures) <= 40 for request in model.requests)
    assert all(len(r.inputs.left) + len(r.inputs.right) <= 40 for r in model.requests[1:])  # type: ignore[attr-defined]
    assert len(model.requests) == 1 + 6 * 2, "the words, the tree's only pair, and that the other way round"
    assert len(members) == 45
    assert sum(len(found) == 2 for found in ids(members)) == 31

    narrow = ScriptedModel(by_description, capabilities=Capabilities(max_images=8))
    again, _ = link(narrow, [*crowd(0, 31), *crowd(1, 45)])
    assert all(len(request.pictures) <= 8 for request in narrow.requests)
    assert ids(again) == ids(members)


def test_a_failed_comparison_is_a_failure_and_leaves_mentions_apart() -> None:
    members, cast = link(
        ScriptedModel(lambda request: ModelBusy("down")),
        [mention(0, "person_a", "x"), mention(1, "person_a", "x")],
    )
    assert len(members) == 2
    assert {(f.stage, f.reason, f.hides) for f in cast.failures} == {("cast", "down", "names")}


def test_a_pair_that_was_compared_alone_is_not_compared_again_with_its_sides_swapped() -> None:
    """The same two cards with the same pictures came twice: nothing was learnt, and both were paid for."""
    for claims in (True, False):
        model = ScriptedModel(by_description if claims else lambda request: {"pairs": []})
        members, _ = link(model, [mention(0, "person_a", "x"), mention(1, "person_a", "x")])
        assert (len(members), len(model.requests)) == ((1, 1) if claims else (2, 1))


def test_a_model_that_takes_one_image_compares_on_one_sheet() -> None:
    model = ScriptedModel(by_description, capabilities=Capabilities(max_images=1))
    members, cast = link(model, [mention(0, "person_a", "x"), mention(1, "person_a", "x")])
    assert len(members) == 1 and not cast.failures
    assert [cells(request) for request in model.requests] == [["L1", "R1"]]


def test_a_comparison_too_large_for_the_server_is_made_in_parts() -> None:
    able = Capabilities(max_images=40)
    told: list[int] = []

    def few(request: Request[Any]) -> Any:
        if len(request.pictures) > 1:
            told.append(len(request.pictures))
            model._abilities = Capabilities(max_images=1)
            return RequestTooLarge("at most 1 image")
        return by_description(request)

    model = ScriptedModel(few, capabilities=able)
    crowd = [mention(shard, f"person_{chr(97 + n)}", f"who {n}", n) for shard in (0, 1) for n in range(9)]
    members, cast = link(model, crowd)
    assert told and cast.failures == ()
    assert sorted(map(len, ids(members))) == [2] * 9


def test_a_comparison_with_too_many_words_for_the_server_is_made_in_parts() -> None:
    """It was a listed failure, and all of its people stayed apart."""
    asked: list[int] = []

    def short(request: Request[Any]) -> Any:
        if request.prompt.name != "link_cast":
            return by_description(request)
        inputs: Any = request.inputs
        asked.append(len(inputs.left) + len(inputs.right))
        return RequestTooLarge("too long") if asked[-1] > 4 else by_description(request)

    crowd = [mention(shard, f"person_{chr(97 + n)}", f"who {n}", n) for shard in (0, 1) for n in range(6)]
    members, cast = link(ScriptedModel(short, capabilities=Capabilities(max_images=40)), crowd)
    assert max(asked) > 4 and cast.failures == ()
    assert sorted(map(len, ids(members))) == [2] * 6


def test_a_comparison_of_two_that_is_too_long_is_a_failure() -> None:
    model = ScriptedModel(lambda request: RequestTooLarge("too long; set context_tokens"))
    _, cast = link(model, [mention(shard, "person_a", "x") for shard in (0, 1)])
    assert [failure.reason for failure in cast.failures] == ["too long; set context_tokens"]


def test_the_better_exemplar_survives() -> None:
    members, _ = link(ScriptedModel(by_description), [mention(s, "person_a", "x") for s in range(4)])
    assert members[0].best.shard_index == 3  # the script always prefers the right side


# --- put right
# ---------------------------------------------------------------------------------------------------


def mistaken(wrong: set[int]) -> Any:
    """Links by description, but replies of these places in the order of asking take `ben` for `anna`."""
    asked: list[int] = []

    def reply(request: Request[Any]) -> dict[str, Any]:
        asked.append(1)
        inputs: Any = request.inputs
        err = len(asked) - 1 in wrong
        who = [
            [(c.card_id, "anna" if err and c.description == "ben" else c.description) for c in side]
            for side in (inputs.left, inputs.right)
        ]
        pairs = [(a, b) for a, left in who[0] for b, right in who[1] if left == right]
        return {"pairs": [{"left_id": a, "right_id": b, "better": "left"} for a, b in pairs]}

    return reply


def three_stretches() -> list[Mention]:
    """Anna in all three, Ben in the first and the last."""
    return [
        mention(0, "person_a", "anna"), mention(0, "person_b", "ben", 20), mention(1, "person_a", "anna"),
        mention(2, "person_a", "anna"), mention(2, "person_b", "ben", 20),
    ]  # fmt: skip


def test_one_wrong_pair_of_the_tree_is_put_right_by_the_review() -> None:
    """Else one slip of the model spoils every answer about both."""
    true = [{"0/person_a", "1/person_a", "2/person_a"}, {"0/person_b", "2/person_b"}]
    ben_alone = [m for m in three_stretches() if m.mention_id != "0/person_a"]
    # The first comparison joins stretches 0 and 1: Ben of stretch 0 is taken for Anna.
    members, _ = link(ScriptedModel(mistaken({0})), ben_alone)
    assert ids(members) == [{"0/person_b", "2/person_b"}, {"1/person_a", "2/person_a"}]
    members, _ = link(ScriptedModel(mistaken(set())), three_stretches())
    assert ids(members) == true


def test_one_wrong_opinion_of_the_review_changes_nothing() -> None:
    true = [{"0/person_a", "1/person_a", "2/person_a"}, {"0/person_b", "2/person_b"}]
    for slip in (2, 3):
        model = ScriptedModel(mistaken({slip}))
        members, _ = link(model, three_stretches())
        assert ids(members) == true, slip
    assert len(model.requests) > 2 + 2, "who was doubted got a second opinion"


def test_who_is_nobody_else_is_set_apart_and_who_was_missed_is_joined() -> None:
    alike = [mention(0, "person_a", "anna"), mention(1, "person_a", "ben"), mention(2, "person_a", "anna")]

    def reply(request: Request[Any]) -> dict[str, Any]:
        inputs: Any = request.inputs
        if len(model.requests) == 1:  # stretches 0 and 1: two who only look alike
            return {"pairs": [{"left_id": "L1", "right_id": "R1", "better": "left"}]}
        if len(model.requests) == 2:  # and the third is not recognised
            return {"pairs": []}
        return by_description(request) if inputs.right else {"pairs": []}

    model = ScriptedModel(reply)
    members, _ = link(model, alike)
    assert ids(members) == [{"0/person_a", "2/person_a"}, {"1/person_a"}]


def test_a_review_that_fails_leaves_the_cast_as_it_was() -> None:
    def reply(request: Request[Any]) -> Any:
        return by_description(request) if len(model.requests) <= 2 else ModelBusy("down")

    model = ScriptedModel(reply)
    members, cast = link(model, three_stretches())
    assert ids(members) == [{"0/person_a", "1/person_a", "2/person_a"}, {"0/person_b", "2/person_b"}]
    assert len(cast.failures) == 2


def test_a_card_shows_the_same_one_in_other_scenes_too() -> None:
    """One frame may show somebody else; most of three decide."""
    views = {"0/person_a": (View(40.0), View(60.0)), "1/person_a": (View(150.0),)}
    model = ScriptedModel(by_description)
    link(model, [mention(0, "person_a", "x"), mention(1, "person_a", "x")], views=views)
    assert cells(model.requests[0]) == ["L1", "L1 again", "L1 again", "R1", "R1 again"]


@pytest.mark.slow
def test_frames_of_other_scenes_never_push_a_call_above_the_bound() -> None:
    def crowd(shard: int, size: int) -> list[Mention]:
        return [mention(shard, f"person_{chr(97 + n)}", f"who {n}", n) for n in range(size)]

    for size in (3, 6, 9, 20):
        mentions = [*crowd(0, size), *crowd(1, size)]
        views = {m.mention_id: (View(m.start_seconds + 30.3), View(m.start_seconds + 60.6)) for m in mentions}
        for bound in (40, 12, 4):
            model = ScriptedModel(by_description, capabilities=Capabilities(max_images=bound))
            members, _ = link(model, mentions, views=views)
            assert all(len(request.pictures) <= bound for request in model.requests)
            assert len(members) == size


def test_other_views_are_where_captions_saw_one_best_and_first_those_of_other_shots() -> None:
    """The middle of a scene that names somebody may show an empty car park."""
    box = Box(0.1, 0.1, 0.4, 0.9)

    def draft(
        start: float, stop: float, *appearing: str, best: float, where: Box | None = None
    ) -> SceneDraft:
        seen = tuple(BestSeen(name=name, seconds=best, box=where) for name in appearing)
        return SceneDraft(
            start_seconds=start, stop_seconds=stop, shard_index=0, brief="", detailed="",
            appearing=appearing, best=seen,
        )  # fmt: skip

    drafts = [
        draft(0, 4, "person_a", best=3.0),
        draft(4, 20, "person_a", "person_b", best=19.5),
        draft(20, 22, "person_a", best=20.5),
        draft(22, 32, "person_a", best=22.5, where=box),
        draft(32, 60, "person_a", best=33.0),
        draft(60, 62, "person_a", "person_b", best=61.0, where=box),
    ]
    shots = [Shot(start_seconds=a, stop_seconds=b) for a, b in ((0, 22), (22, 60), (60, 70))]
    found = views_of([mention(0, "person_a", "x"), mention(0, "person_b", "y")], drafts, shots)
    assert found == {
        # One of each other shot first, the longer draft first. 3.0 is of the exemplar's own draft, at 19.5 two
        # are seen.
        "0/person_a": (View(33.0), View(61.0, box), View(22.5, box), View(20.5)),
        "0/person_b": (View(61.0, box),),
    }


def test_what_its_own_piece_saw_best_later_on_is_another_picture_of_somebody() -> None:
    """The exemplar was a backlit face; a well-lit one of the same ten seconds was never compared."""
    box = Box(0.1, 0.1, 0.4, 0.9)
    best = (BestSeen(name="person_a", seconds=5.5, box=box), BestSeen(name="person_b", seconds=1.0, box=box))
    draft = SceneDraft(
        start_seconds=0, stop_seconds=10, shard_index=0, brief="", detailed="",
        appearing=("person_a", "person_b"), best=best,
    )  # fmt: skip
    found = views_of([mention(0, "person_a", "x"), mention(0, "person_b", "y")], [draft])
    assert found == {"0/person_a": (View(5.5, box),), "0/person_b": ()}


def described(
    descriptions: Sequence[str], *, seen: Sequence[float] = (1, 1, 1), right: int | None = None
) -> str:
    """The description of who is in three stretches, `seen` so long in each, the first one's exemplar the best;
    `right`: of this one a clip put it right.
    """
    mentions = [mention(shard, "person_a", text) for shard, text in enumerate(descriptions)]
    records = [
        ShardRecords(
            index=shard,
            span=Span(120.0 * shard, 120.0 * (shard + 1)),
            mentions=(one,),
            corrected=(Corrected(name="person_a", seconds=0.0, description="x"),) if shard == right else (),
            pieces=(
                SceneDraft(
                    start_seconds=120.0 * shard, stop_seconds=120.0 * shard + seconds, shard_index=shard,
                    brief="", detailed="", appearing=("person_a",),
                    sightings=(Sighting(start_seconds=0.0, stop_seconds=1.0, text="GATE 12"),),
                ),
            ),
        )
        for shard, (one, seconds) in enumerate(zip(mentions, seen, strict=True))
    ]  # fmt: skip
    cues = (Cue(start_seconds=0.0, stop_seconds=1.0, text="And now, Roy Batty. Man overboard!"),)
    (entity,) = entities_of([Member(tuple(mentions), mentions[0])], {}, Descriptions.of(records, cues))
    return entity.description


def test_of_joined_descriptions_the_one_with_a_name_stays_then_one_put_right_then_of_whom_is_seen_longest() -> (
    None
):
    """The one without the name stayed, because its exemplar was the better one."""
    plain = ["Man, pale", "man, tall", "man, grey coat"]
    assert described(plain) == "Man, pale", "its exemplar stands for all"
    assert described(plain, seen=(5, 60, 20)) == "man, tall"
    assert described(plain, seen=(5, 60, 20), right=2) == "man, grey coat"
    named = ["Man, pale", "man, tall", "man called Batty, grey"]
    assert described(named, seen=(5, 60, 20), right=1) == "man called Batty, grey"
    # A capital alone is no name.
    assert described(["Man, pale", "tall Asian man", "man"]) == "Man, pale"


def test_an_entity_is_shown_whole_where_its_exemplar_is_cut_off() -> None:
    """A white car was known by its bonnet, although a caption had seen all of it a second later."""
    cut, whole, small = Box(0.2, 0.0, 0.4, 0.3), Box(0.2, 0.1, 0.4, 0.6), Box(0.5, 0.5, 0.55, 0.6)
    car = mention(0, "white_car_a", "x").model_copy(update={"box": cut})
    members = [Member((car,), car)]
    (entity,) = entities_of(members, {"0/white_car_a": (View(8.0, small), View(9.0), View(6.5, whole))})
    assert (entity.exemplar_seconds, entity.box) == (6.5, whole)
    good = car.model_copy(update={"box": whole})
    (entity,) = entities_of([Member((good,), good)], {"0/white_car_a": (View(6.5, cut),)})
    assert (entity.exemplar_seconds, entity.box) == (good.exemplar_seconds, whole)


class Shuffled:
    """Lets replies come back in an order of its own."""

    def __init__(self, inner: ScriptedModel, seed: int) -> None:
        self.inner, self.chance, self.name, self.fingerprint = inner, random.Random(seed), "s", "s"
        self.capabilities = Capabilities(max_images=4)

    async def run(self, request: Request[Any]) -> Reply[Any]:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        return await self.inner.run(request)

    async def aclose(self) -> None: ...


def noisy(request: Request[Any]) -> dict[str, Any]:
    """Links far too much, contradictions included, but the same for the same cards."""
    chance = random.Random(request.inputs.model_dump_json())
    inputs: Any = request.inputs
    if request.prompt.name == "possible_cast":
        return anybody(request)
    return {
        "pairs": [
            {"left_id": a.card_id, "right_id": b.card_id, "better": chance.choice(["left", "right"])}
            for a in inputs.left
            for b in inputs.right
            if chance.random() < 0.5
        ]
    }


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 9), min_size=4, max_size=14))
def test_the_cast_does_not_depend_on_which_reply_came_first(seed: int, shards: list[int]) -> None:
    letters = [f"{a}{b}" for a in "abcd" for b in "abcd"]
    mentions = [mention(shard, f"person_{letters[n]}", f"d{n}", n) for n, shard in enumerate(sorted(shards))]
    pairs = [(a, b) for a, b in combinations(mentions, 2) if a.shard_index == b.shard_index]
    vetoes = frozenset(frozenset((a.mention_id, b.mention_id)) for a, b in pairs[::2])

    results = [link(Shuffled(ScriptedModel(noisy), seed + n), mentions, vetoes=vetoes)[0] for n in range(3)]

    assert results[0] == results[1] == results[2]
    assert sorted(i for found in ids(results[0]) for i in found) == sorted(m.mention_id for m in mentions)
    for found in ids(results[0]):
        assert not any(veto <= found for veto in vetoes)


@given(st.permutations([(a, b) for a in range(6) for b in range(6) if a < b]), st.sets(st.sampled_from(
    [frozenset(pair) for pair in combinations(range(6), 2)]), max_size=6))  # fmt: skip
def test_unions_do_not_depend_on_the_order_of_pairs(
    pairs: list[tuple[int, int]], vetoes: set[frozenset[int]]
) -> None:
    def may_join(one: list[int], other: list[int]) -> bool:
        return not any(frozenset((a, b)) in vetoes for a in one for b in other)

    some = pairs[:8]
    clusters = united(range(6), some, may_join=may_join)
    assert clusters == united(range(6), [(b, a) for a, b in reversed(some)], may_join=may_join)
    assert sorted(item for cluster in clusters for item in cluster) == list(range(6))
    assert all(may_join([a], [b]) for cluster in clusters for a, b in combinations(cluster, 2))


# --- people's own names
# ------------------------------------------------------------------------------------------


def cast_file(folder: Path, text: str) -> Path:
    path = folder / "cast.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_cast_file_names_people_wherever_they_turn_up(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 1000), "red").save(buffer, "PNG")
    (tmp_path / "anna.png").write_bytes(buffer.getvalue())
    path = cast_file(
        tmp_path,
        '[[cast]]\nname = "Anna"\nphoto = "anna.png"\ndescription = "anna"\n'
        '[[cast]]\nname = "Carl"\ndescription = "carl"\n',
    )
    given = load_given(path)
    assert given[0].jpeg is not None and Image.open(io.BytesIO(given[0].jpeg)).size == (768, 384)

    model = ScriptedModel(by_description)
    mentions = [mention(2, "person_a", "anna"), mention(5, "person_a", "anna"), mention(5, "person_b", "ben")]
    members, _ = link(model, mentions, given=given)
    entities = entities_of(members)

    assert [(e.name, e.display_name) for e in entities] == [("person_1", "Anna"), ("person_2", None)]
    assert entities[0].mention_ids == ("2/person_a", "5/person_a")
    assert entities[0].exemplar_seconds in (241.0, 601.0), (
        "an exemplar is a time of the video, never the photo"
    )
    assert "L1" in cells(model.requests[0])


def test_the_same_given_name_joins_shards_that_the_model_would_keep_apart() -> None:
    anna = Given("Anna", "person", "anna", None)

    def only_given(request: Request[Any]) -> dict[str, Any]:
        inputs: Any = request.inputs
        if inputs.left[0].given_name and len(cells(request)) == len(inputs.right):
            return {"pairs": [{"left_id": "L1", "right_id": "R1", "better": "left"}]}
        return {"pairs": []}

    members, _ = link(
        ScriptedModel(only_given), [mention(0, "person_a", "x"), mention(1, "person_a", "y")], given=(anna,)
    )
    assert ids(members) == [{"0/person_a", "1/person_a"}]


def test_two_mentions_of_one_shard_that_are_the_same_given_person_are_one_unless_seen_together() -> None:
    anna = Given("Anna", "person", "anna", None)
    mentions = [mention(0, "person_a", "anna"), mention(0, "person_b", "anna", 20)]
    members, _ = link(ScriptedModel(by_description), mentions, given=(anna,))
    assert ids(members) == [{"0/person_a", "0/person_b"}]

    together = frozenset([frozenset(("0/person_a", "0/person_b"))])
    members, _ = link(ScriptedModel(by_description), mentions, given=(anna,), vetoes=together)
    assert [(found, m.given) for found, m in zip(ids(members), members, strict=True)] == [
        ({"0/person_a"}, anna),
        ({"0/person_b"}, None),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[cast]]\nname = 'A'\n", "needs a photo or a description"),
        ("[[cast]]\nphoto = 'a.png'\n", "name"),
        ("cast = 3", "[[cast]]"),
        ("[[cast", "is not TOML"),
        ("[[cast]]\nname = 'A'\nphoto = 'no.png'\n", "cannot read"),
        ("[[cast]]\nname = 'A'\nphoto = 'cast.toml'\n", "not a picture"),
        ("[[cast]]\nname='A'\ndescription='x'\n[[cast]]\nname='A'\ndescription='y'\n", "each name once"),
    ],
)
def test_a_cast_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says.replace("[", r"\[")):
        load_given(cast_file(tmp_path, text))
