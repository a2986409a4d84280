"""The offline model as a model: it answers every prompt of ours within the reply's bounds, and checks claims
by reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mrvideo.captioning.options import CaptioningOptions, index_key
from mrvideo.errors import ModelRefused
from mrvideo.models.base import Model, Picture, Request
from mrvideo.models.ledger import Ledger
from mrvideo.models.limits import LimitedModel, Limits
from mrvideo.models.offline import OfflineModel, stages
from mrvideo.models.offline.handlers import HANDLERS
from mrvideo.models.offline.reading.clips import better_of
from mrvideo.models.offline.reading.engine import Line
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Span
from mrvideo.schemas.analysis import (
    LookInputs,
    LookReply,
    Statement,
    VerifyInputs,
    VerifyReply,
)
from mrvideo.schemas.captioning import (
    CaptionClipInputs,
    CaptionClipReply,
    CastCard,
    CharactersInputs,
    CharactersReply,
    LinkCastInputs,
    LinkCastReply,
    MentionLine,
    MergeBorderInputs,
    MergeBorderReply,
    SplitClipInputs,
    SplitClipReply,
)
from mrvideo.schemas.shared import CueLine

CLIP = Span(0.0, 10.0)


async def run(prompt: str, inputs: Any, reply: type[Any], pictures: tuple[Picture, ...] = ()) -> Any:
    request = Request(
        prompt=load_prompt(prompt), inputs=inputs, reply_type=reply, stage=prompt, pictures=pictures
    )
    return (await OfflineModel().run(request)).value


def clip_inputs(pictures: tuple[Picture, ...], **more: Any) -> CaptionClipInputs:
    times = tuple(p.time_seconds for p in pictures)
    return CaptionClipInputs(span=CLIP, frame_times=times, has_previous=False, **more)


def test_it_is_a_model() -> None:
    assert isinstance(OfflineModel(), Model)


def test_better_answers_read_no_video_again(
    make_index: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raising the version of answers used to read every video of a library anew."""

    def keys() -> tuple[str, str]:
        model = OfflineModel()
        index = index_key(video, (), options=CaptioningOptions(), vision=model)
        inputs = LookInputs(question="Who?", goal="g", options=(), spans=(CLIP,), frame_times=())
        request = Request(prompt=load_prompt("look_local"), inputs=inputs, reply_type=LookReply, stage="")
        return index, LimitedModel(model, Limits(ledger=Ledger())).key(request)

    video = make_index([]).video
    index, reply = keys()
    monkeypatch.setattr(OfflineModel, "fingerprint", "offline/better")
    assert keys()[0] == index
    assert keys()[1] != reply
    capabilities = replace(OfflineModel.capabilities, index_fingerprint="offline/better")
    monkeypatch.setattr(OfflineModel, "capabilities", capabilities)
    assert keys()[0] != index


async def test_a_prompt_of_others_is_refused(make_film: Callable[..., Any]) -> None:
    inputs = clip_inputs(())
    prompt = replace(load_prompt("caption_clip"), name="write_a_poem")
    with pytest.raises(ModelRefused, match="write_a_poem"):
        await OfflineModel().run(
            Request(prompt=prompt, inputs=inputs, reply_type=CaptionClipReply, stage="poem")
        )


def test_every_prompt_that_the_stages_send_is_known() -> None:
    for name in HANDLERS:
        assert load_prompt(name).name == name


@pytest.mark.slow
async def test_scenes_are_what_lies_between_cuts(make_film: Callable[..., Any]) -> None:
    pictures = make_film(10.0).text("HELLO", 0, 3.2).pictures(CLIP)
    reply = await run("caption_clip", clip_inputs(pictures, cut_times=(3.2, 7.0)), CaptionClipReply, pictures)
    assert [(s.start_seconds, s.stop_seconds) for s in reply.scenes] == [(0.0, 3.2), (3.2, 7.0), (7.0, 10.0)]
    assert [t.text for t in reply.scenes[0].screen_text] == ["HELLO"]
    assert "“HELLO”" in reply.scenes[0].detailed
    assert reply.scenes[1].screen_text == ()


async def test_captions_hold_only_what_was_measured(make_film: Callable[..., Any]) -> None:
    pictures = make_film(10.0, "#0a2080").pictures(CLIP)
    cue = CueLine(start_seconds=1, stop_seconds=3, text="Good morning.", speaker="Anna")
    reply = await run("caption_clip", clip_inputs(pictures, cues=(cue,)), CaptionClipReply, pictures)
    [scene] = reply.scenes
    assert scene.detailed == (
        "The picture is mostly blue. Nothing moves. No text on screen. Speech: Anna: Good morning."
    )


@pytest.mark.slow
async def test_many_cuts_stay_within_the_bounds_of_a_reply(make_film: Callable[..., Any]) -> None:
    pictures = make_film(10.0, "#0a2080").pictures(CLIP)
    cuts = tuple(n * 0.2 for n in range(1, 50))
    reply = await run("caption_clip", clip_inputs(pictures, cut_times=cuts), CaptionClipReply, pictures)
    assert 1 <= len(reply.scenes) <= 20
    assert reply.scenes[0].start_seconds == 0.0
    assert reply.scenes[-1].stop_seconds == 10.0


@pytest.mark.slow
async def test_the_frame_before_tells_whether_a_scene_goes_on(make_film: Callable[..., Any]) -> None:
    film, other = make_film(20.0, "#204060"), make_film(20.0, "#e0d0a0")
    pictures = film.pictures(CLIP)
    inputs = clip_inputs(pictures).model_copy(update={"has_previous": True})
    for source, same in ((film, True), (other, False)):
        before = Picture("before", source.jpeg(9.5), -0.5)
        reply = await run("caption_clip", inputs, CaptionClipReply, (before, *pictures))
        assert reply.continues_previous is same


async def test_the_paper_recipe_splits_and_merges(make_film: Callable[..., Any]) -> None:
    film, other = make_film(20.0, "#204060"), make_film(20.0, "#e0d0a0")
    pictures = film.pictures(CLIP)
    times = tuple(p.time_seconds for p in pictures)
    split = await run(
        "split_clip",
        SplitClipInputs(span=CLIP, frame_times=times, cut_times=(4.0,)),
        SplitClipReply,
        pictures,
    )
    assert [s.stop_seconds for s in split.scenes] == [4.0, 10.0]
    border = MergeBorderInputs(border_seconds=10.0, before="a", after="b")
    for after, same in ((film, True), (other, False)):
        shown = (
            Picture("before 9.50 s", film.jpeg(9.5), 9.5),
            Picture("after 10.00 s", after.jpeg(10.0), 10.0),
        )
        assert (await run("merge_border", border, MergeBorderReply, shown)).same_scene is same


async def test_it_names_who_speaks_and_nobody_else(make_film: Callable[..., Any]) -> None:
    pictures = make_film(10.0).pictures(CLIP, 0.25)
    cues = (
        CueLine(start_seconds=1, stop_seconds=2, text="Mara: Good morning, Ben."),
        CueLine(start_seconds=3, stop_seconds=4, text="The boat is called the Kittiwake.", speaker="Iris"),
    )
    inputs = CharactersInputs(span=CLIP, frame_times=tuple(p.time_seconds for p in pictures), cues=cues)
    reply = await run("characters", inputs, CharactersReply, pictures)
    assert {c.description.split("“")[1].split("”")[0] for c in reply.characters} == {"Mara", "Iris"}
    silent = inputs.model_copy(update={"cues": ()})
    assert (await run("characters", silent, CharactersReply, pictures)).characters == ()


async def test_a_mention_appears_where_its_name_is_said(make_film: Callable[..., Any]) -> None:
    pictures = make_film(10.0, "#204060").pictures(CLIP)
    mention = MentionLine(name="person_a", description="Somebody or something named “Mara” who speaks")
    cue = CueLine(start_seconds=6, stop_seconds=8, text="Thank you, Mara.")
    inputs = clip_inputs(pictures, cues=(cue,), cut_times=(5.0,), mentions=(mention,))
    reply = await run("caption_clip", inputs, CaptionClipReply, pictures)
    assert [s.names for s in reply.scenes] == [(), ("person_a",)]


async def test_cards_of_one_name_are_linked() -> None:
    def card(card_id: str, name: str) -> CastCard:
        return CastCard(card_id=card_id, kind="person", description=f"Somebody named “{name}” who speaks")

    inputs = LinkCastInputs(
        left=(card("l1", "Mara"), card("l2", "Ben")), right=(card("r1", "Iris"), card("r2", "mara"))
    )
    reply = await run("link_cast", inputs, LinkCastReply)
    assert [(p.left_id, p.right_id) for p in reply.pairs] == [("l1", "r2")]


async def verdict(film: Any, check: str, cues: tuple[CueLine, ...] = ()) -> str:
    span = Span(2.0, 4.0)
    pictures = film.pictures(span)
    inputs = VerifyInputs(
        statements=(Statement(text=check),),
        spans=(span,),
        frame_times=tuple(p.time_seconds for p in pictures),
        cues=cues,
    )
    return (await run("verify", inputs, VerifyReply, pictures)).checks[0].verdict


@pytest.mark.slow
async def test_a_claim_on_a_text_is_checked_by_reading_again(make_film: Callable[..., Any]) -> None:
    film = make_film(10.0).text("KANGAROO", 3.0, 4.0)
    assert await verdict(film, "Is the text “KANGAROO” on screen?") == "yes"
    assert await verdict(film, "Is the text “ZEBRA” on screen?") == "no"
    assert await verdict(film, 'Does the sign read "kangaroo"?') == "yes"


async def test_what_takes_seeing_stays_unclear(make_film: Callable[..., Any]) -> None:
    film = make_film(10.0).text("KANGAROO", 0.0, 10.0)
    assert await verdict(film, "Does a man in a red coat walk along the quay?") == "unclear"
    assert await verdict(film, "Does “KANGAROO” appear before “ZEBRA”?") == "unclear"


async def test_a_claim_on_speech_is_checked_in_the_cues(make_film: Callable[..., Any]) -> None:
    film = make_film(10.0, "#204060")
    cue = (CueLine(start_seconds=2, stop_seconds=3, text="I lost my umbrella."),)
    assert await verdict(film, "Is “I lost my umbrella.” said?", cue) == "yes"
    assert await verdict(film, "Is “I found my keys.” said?", cue) == "no"
    assert await verdict(film, "Is “I found my keys.” said?") == "unclear"


async def test_a_look_reports_texts_that_bear_on_the_question(make_film: Callable[..., Any]) -> None:
    span = Span(0.0, 4.0)
    pictures = make_film(10.0).text("KANGAROO", 0.0, 10.0).pictures(span)
    inputs = LookInputs(
        question="Which animal is written?",
        goal="g",
        options=("Zebra", "Kangaroo"),
        spans=(span,),
        frame_times=tuple(p.time_seconds for p in pictures),
    )
    reply = await run("look_local", inputs, LookReply, pictures)
    assert [o.text for o in reply.observations] == ["The text “KANGAROO” is on screen."]


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{3}, {0, 1, 2, 3, 4, 5}])
async def test_a_look_tells_the_surest_reading_of_a_text(
    make_film: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, wrong: set[int]
) -> None:
    """The middle picture alone was read: a title whose two rows were taken for one there was told as "BUNKY"."""
    span = Span(0.0, 4.0)
    pictures = make_film(10.0).text("KANGAROO", 0.0, 10.0).pictures(span)
    assert len(pictures) == 8
    tall = Line(246, 73, 799, 368, "BUNKY", 0.88)
    rows = (Line(247, 70, 801, 220, "Big Buck", 0.96), Line(247, 220, 801, 370, "BUNNY", 0.99))
    numbers = {picture.jpeg: number for number, picture in enumerate(pictures)}
    monkeypatch.setattr(stages, "read_picture", lambda jpeg: (tall,) if numbers[jpeg] in wrong else rows)
    inputs = LookInputs(
        question="What is written?",
        goal="g",
        spans=(span,),
        frame_times=tuple(p.time_seconds for p in pictures),
    )
    reply = await run("look_local", inputs, LookReply, pictures)
    assert [o.text for o in reply.observations] == [
        "The text “Big Buck” is on screen.",
        "The text “BUNNY” is on screen.",
    ]


def test_a_certain_reading_is_a_text_of_its_own() -> None:
    mike, mark = (Line(0, 0, 100, 20, name, 0.99) for name in ("MIKE", "MIKA"))
    assert better_of(mike, 1.0, [(mark, 2.0)]) == [(mike, 1.0)]


@pytest.mark.slow
async def test_many_requests_at_once_do_not_mix(make_film: Callable[..., Any]) -> None:
    names = ["ALPHA", "BRAVO", "DELTA", "GOLF"]
    films = [make_film(10.0, "#204060").text(name, 0, 10) for name in names]

    async def one(film: Any) -> list[str]:
        pictures = film.pictures(CLIP)[:4]
        reply = await run("caption_clip", clip_inputs(pictures), CaptionClipReply, pictures)
        return [text.text for text in reply.scenes[0].screen_text]

    assert await asyncio.gather(*(one(film) for film in films)) == [[name] for name in names]
