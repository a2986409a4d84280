"""From a question to an answer whose every claim can be checked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mrvideo.errors import BudgetReached, ModelBusy, ModelUnavailable, ReplyInvalid
from mrvideo.records import Checked, Drafted, Failure, Looked, SegmentRead, Span

CAPTIONS = [f"Nothing but field {n}." for n in range(6)]
CAPTIONS[2] = "A red balloon rises over the field."


async def test_an_answer_cites_the_scene_it_rests_on(film: SimpleNamespace) -> None:
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS), effort="low")
    answer = asked.answer
    assert answer.answer == "A red balloon rises over the field."
    assert [(e.source, e.span, e.quote) for e in answer.evidence] == [
        ("caption", Span(20.0, 30.0), "A red balloon rises over the field.")
    ]
    assert answer.claims[0].evidence_ids == (answer.evidence[0].id,)
    assert answer.claims[0].holds is None
    assert not answer.verified
    assert answer.effort == "low"


async def test_low_effort_asks_twice_and_sees_no_picture(film: SimpleNamespace) -> None:
    frames = film.frames()
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS), effort="low", frames=frames)
    assert asked.mind.asked() == ["whole_intention", "answer"]
    assert frames.asked == []


async def test_medium_effort_looks_again_and_does_not_verify(film: SimpleNamespace) -> None:
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS), effort="medium")
    assert sorted(asked.mind.asked()) == ["answer", "goals", "look_local", "whole_intention"]
    look = asked.mind.inputs("look_local")[0]
    assert look.goal == "here: Where is it?"
    assert look.spans == (Span(20.0, 30.0),)
    assert len(look.frame_times) == 20
    assert not asked.answer.verified


async def test_high_effort_is_verified_when_fresh_pixels_say_yes_to_every_claim(
    film: SimpleNamespace,
) -> None:
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS))
    assert asked.answer.verified
    assert [claim.holds for claim in asked.answer.claims] == [True]
    check = asked.mind.inputs("verify")[0]
    assert check.statements[0].text == "Is it A red balloon rises over the field.?"
    assert check.spans == (Span(20.0, 30.0),)


async def test_the_verifier_is_not_told_the_question_nor_the_options(film: SimpleNamespace) -> None:
    asked = await film.run(
        film.mind(words=("balloon",)), film.index(CAPTIONS), "What rises?", options=["a kite", "a balloon"]
    )
    inputs = asked.mind.inputs("verify")[0].model_dump_json()
    assert "What rises?" not in inputs
    assert "kite" not in inputs


async def test_events_tell_what_happens_as_it_happens(film: SimpleNamespace) -> None:
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS))
    kinds = [type(e) for e in asked.events if type(e) in (SegmentRead, Looked, Drafted, Checked)]
    assert kinds == [SegmentRead, Looked, Drafted, Checked]
    read = next(e for e in asked.events if isinstance(e, SegmentRead))
    assert read.relevant == (Span(20.0, 30.0),)


async def test_an_option_is_answered_in_its_own_words(film: SimpleNamespace) -> None:
    asked = await film.run(
        film.mind(words=("balloon",)), film.index(CAPTIONS), options=["Up there", "Down here"], effort="low"
    )
    assert (asked.answer.answer, asked.answer.choice, asked.answer.guessed) == ("Up there", 0, False)


async def test_what_the_video_does_not_tell_is_not_found_and_says_what_was_searched(
    film: SimpleNamespace,
) -> None:
    asked = await film.run(film.mind(words=("zebra",)), film.index(CAPTIONS, cues=[(1.0, 2.0, "hello")]))
    answer = asked.answer
    assert answer.answer is None
    assert answer.claims == () and answer.evidence == ()
    assert not answer.verified
    assert answer.searched == "captions of 0:00.0–1:00.0 (6 scenes), 1 cue, 12 frames of 1 span"


async def test_nothing_in_the_captions_still_means_one_look_across_the_video(film: SimpleNamespace) -> None:
    """A caption that misses something must not hide it from the question."""
    mind = film.mind(
        words=("zebra",),
        handlers={
            "look_global": lambda inputs, request: {
                "observations": [
                    {"start_seconds": 35.0, "stop_seconds": 35.0, "text": "A zebra stands there."}
                ],
                "conclusion": "a zebra",
                "confidence": 5,
            }
        },
    )
    asked = await film.run(mind, film.index(CAPTIONS))
    assert asked.answer.answer == "A zebra stands there."
    assert asked.answer.evidence[0].source == "frame"
    assert asked.answer.evidence[0].span == Span(35.0, 35.0)


async def test_a_demanded_choice_without_evidence_is_marked_as_a_guess(film: SimpleNamespace) -> None:
    asked = await film.run(
        film.mind(words=("zebra",)), film.index(CAPTIONS), options=["A", "B"], must_choose=True, effort="low"
    )
    answer = asked.answer
    assert (answer.choice, answer.guessed, answer.answer, answer.confidence) == (0, True, None, 1)
    assert not answer.verified


async def test_a_choice_is_no_guess_when_evidence_bears_it(film: SimpleNamespace) -> None:
    asked = await film.run(
        film.mind(words=("balloon",)),
        film.index(CAPTIONS),
        options=["A", "B"],
        must_choose=True,
        effort="low",
    )
    assert (asked.answer.choice, asked.answer.guessed, asked.answer.answer) == (0, False, "A")


async def test_without_the_video_only_captions_are_read_and_the_answer_says_so(film: SimpleNamespace) -> None:
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS), frames=None, effort="high")
    assert asked.answer.effort == "low"
    assert asked.answer.answer is not None
    assert not asked.answer.verified
    assert "the video itself is not at hand" in asked.notices()


async def test_an_index_without_scenes_is_asked_by_its_cues(film: SimpleNamespace) -> None:
    lost = Failure(start_seconds=0.0, stop_seconds=60.0, stage="caption", reason="timeout")
    index = film.index([], cues=[(12.0, 14.0, "the balloon is up")], duration_seconds=60.0, failures=[lost])
    asked = await film.run(film.mind(words=("balloon",)), index)
    answer = asked.answer
    assert [(e.source, e.span) for e in answer.evidence] == [("cue", Span(12.0, 14.0))]
    assert answer.claims[0].holds and answer.checked_by == ("quote",)
    assert [(u.span, u.reason) for u in answer.unseen] == [(Span(0.0, 60.0), "captioning: timeout")]


async def test_an_empty_index_answers_not_found(film: SimpleNamespace) -> None:
    asked = await film.run(film.mind(), film.index([], duration_seconds=0.0), frames=None)
    assert asked.answer.answer is None
    assert asked.answer.searched.startswith("nothing:")


async def test_a_cue_is_proof_of_what_was_said_even_where_no_frame_can_be_read(film: SimpleNamespace) -> None:
    index = film.index(CAPTIONS, cues=[(41.0, 43.0, "my name is Ada")])
    asked = await film.run(film.mind(words=("Ada",)), index, frames=film.frames(dead=True))
    # The words bear it out, and that is what is said: no pixel was seen.
    assert asked.answer.claims[0].holds
    assert (asked.answer.checked_by, asked.answer.verified) == (("quote",), False)
    check = next(r for r in asked.mind.requests if r.prompt.name == "verify")
    assert check.pictures == ()
    assert [c.text for c in check.inputs.cues] == ["my name is Ada"]


# failures are data, unless nothing can succeed ---------------------------------------------------


async def test_a_segment_whose_call_fails_is_unseen_and_the_rest_is_read(film: SimpleNamespace) -> None:
    captions = [f"Scene {n}." for n in range(128)]
    captions[5] = "A balloon here."
    mind = film.mind(
        words=("balloon",),
        handlers={"segment_intention": lambda i, r: ModelBusy("503") if i.segment_index == 1 else None},
    )
    asked = await film.run(mind, film.index(captions), effort="low")
    assert asked.answer.answer == "A balloon here."
    (unseen,) = asked.answer.unseen
    assert unseen.span == Span(640.0, 1280.0)
    assert "503" in unseen.reason


async def test_not_found_says_in_words_which_spans_could_not_be_seen(film: SimpleNamespace) -> None:
    lost = Failure(start_seconds=60.0, stop_seconds=70.0, stage="caption", reason="refused")
    asked = await film.run(
        film.mind(words=("zebra",)),
        film.index([*CAPTIONS, ""], failures=[lost], duration_seconds=70.0),
        effort="low",
    )
    assert asked.answer.answer is None
    assert "Not seen, though the answer may lie there: 1:00.0–1:10.0" in asked.answer.searched


async def test_a_look_that_fails_is_unseen_and_said_in_words_where_it_was_planned(
    film: SimpleNamespace,
) -> None:
    mind = film.mind(words=("balloon",), handlers={"look_local": lambda i, r: ReplyInvalid("not JSON")})
    asked = await film.run(mind, film.index(CAPTIONS), effort="medium")
    (unseen,) = asked.answer.unseen
    assert unseen.span == Span(20.0, 30.0)
    assert "0:20.0–0:30.0" in asked.answer.searched


async def test_frames_that_cannot_be_decoded_are_unseen(film: SimpleNamespace) -> None:
    frames = film.frames(broken=[(24.0, 27.0)])
    asked = await film.run(
        film.mind(words=("balloon",)), film.index(CAPTIONS), frames=frames, effort="medium"
    )
    (unseen,) = asked.answer.unseen
    assert unseen.span == Span(24.0, 27.0)
    times = asked.mind.inputs("look_local")[0].frame_times
    assert len(times) == 20
    assert not any(24.0 <= time < 27.0 for time in times)
    assert times[0] < 21.0
    assert times[-1] > 29.0


async def test_a_claim_of_which_no_frame_can_be_read_is_not_verified(film: SimpleNamespace) -> None:
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS), frames=film.frames(dead=True))
    assert asked.answer.answer is not None
    assert asked.answer.claims[0].holds is None
    assert not asked.answer.verified


@pytest.mark.parametrize("error", [ModelUnavailable("no such model"), BudgetReached("0.10 dollars")])
@pytest.mark.parametrize(
    "prompt",
    ["segment_intention", "whole_intention", "goals", "global_intention", "look_local", "answer", "verify"],
)
async def test_what_makes_every_further_call_pointless_stops_the_run(
    film: SimpleNamespace, prompt: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    if prompt in ("segment_intention", "global_intention"):
        monkeypatch.setattr("mrvideo.agents.ask.segments.SCENES_PER_SEGMENT", 4)
    mind = film.mind(words=("balloon",), handlers={prompt: lambda i, r: error})
    with pytest.raises(type(error)):
        await film.run(mind, film.index(CAPTIONS))


async def test_goals_and_plan_have_a_plain_substitute(
    film: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrvideo.agents.ask.segments.SCENES_PER_SEGMENT", 4)
    mind = film.mind(
        words=("balloon",),
        handlers={
            "goals": lambda i, r: ReplyInvalid("no JSON"),
            "global_intention": lambda i, r: ReplyInvalid("no JSON"),
        },
    )
    asked = await film.run(mind, film.index(CAPTIONS), "What rises?")
    assert asked.answer.answer == "A red balloon rises over the field."
    assert asked.mind.inputs("look_local")[0].goal == "What rises?"
    assert asked.notices().count("no JSON") == 2


async def test_an_answer_call_that_fails_is_an_error_and_not_a_not_found(film: SimpleNamespace) -> None:
    """'Not found' because a server hiccuped would be a lie about the video."""
    mind = film.mind(words=("balloon",), handlers={"answer": lambda i, r: ModelBusy("503")})
    with pytest.raises(ModelBusy):
        await film.run(mind, film.index(CAPTIONS), effort="low")


async def test_captions_are_read_without_pictures(film: SimpleNamespace) -> None:
    """A frame of every scene in every round was most of what an hour's question cost, and decided nothing."""
    asked = await film.run(film.mind(words=("balloon",)), film.index(CAPTIONS))
    assert [len(r.pictures) for r in asked.mind.requests if r.prompt.name == "whole_intention"] == [0]


async def test_a_model_of_few_images_is_sent_few(film: SimpleNamespace) -> None:
    from mrvideo.models.base import Capabilities

    asked = await film.run(
        film.mind(words=("balloon",), capabilities=Capabilities(look_images=8, max_images=8)),
        film.index(CAPTIONS),
    )
    assert len(asked.mind.inputs("look_local")[0].frame_times) == 8
    assert len(asked.mind.inputs("verify")[0].frame_times) == 6


async def test_every_stage_that_begins_ends_and_counts_its_calls(film: SimpleNamespace) -> None:
    from mrvideo.records import StageAdvanced, StageFinished, StageStarted

    plan = {
        "reasoning": "r",
        "combine": "sum",
        "scope": "global",
        "spans": [{"start_seconds": 20.0, "stop_seconds": 30.0}],
    }
    mind = film.mind(words=("balloon",), handlers={"global_intention": lambda i, r: plan})
    asked = await film.run(mind, film.index(CAPTIONS))
    started = {e.stage: e.total for e in asked.events if isinstance(e, StageStarted)}
    advanced = [e.stage for e in asked.events if isinstance(e, StageAdvanced)]
    assert started == {stage: advanced.count(stage) for stage in started}
    assert set(started) == {e.stage for e in asked.events if isinstance(e, StageFinished)}
    assert sorted(advanced) == sorted(r.stage for r in asked.mind.requests)


async def test_the_same_notice_is_told_once(film: SimpleNamespace) -> None:
    mind = film.mind(
        words=("balloon",),
        handlers={
            "segment_intention": lambda i, r: {
                "reasoning": "r",
                "confidence": 1,
                "findings": [
                    {"start_seconds": 1, "stop_seconds": 2, "source": "caption", "quote": "no such words"}
                ],
            }
        },
    )
    asked = await film.run(mind, film.index(CAPTIONS), effort="low")
    assert len([e for e in asked.events if hasattr(e, "text")]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("scenes", "looks"), [(6, 1), (100, 3), (1000, 3)])
async def test_a_question_about_the_whole_video_is_looked_at_across_all_of_it(
    film: SimpleNamespace, scenes: int, looks: int
) -> None:
    """What captions missed of a count is found by looking everywhere, or never; what no picture is left for
    is said.
    """
    plan = {
        "reasoning": "r",
        "combine": "sum",
        "scope": "global",
        "look": "glance",
        "spans": [],
    }
    captions = (CAPTIONS * 200)[:scenes]
    mind = film.mind(words=("balloon",), handlers={"global_intention": lambda i, r: plan})
    asked = await film.run(mind, film.index(captions), "How many balloons?", effort="medium")
    across = sorted(mind.inputs("look_global"), key=lambda i: i.spans[0].start_seconds)
    assert len(across) == looks
    times = [t for i in across for t in i.frame_times]
    assert len(times) == min(scenes, 120)
    assert times == sorted(times)
    assert times[0] < 20 and times[-1] > scenes * 10 - 60
    left_out = [u.reason for u in asked.answer.unseen]
    if scenes == 1000:
        assert sum(i.left_out for i in across) == 880
        (reason,) = left_out
        assert reason == "880 shots of it not looked at: only their captions were read", (
            "one number for all looks"
        )
        assert "880 of 1000 shots are not looked at" in asked.notices()
    else:
        assert left_out == []
