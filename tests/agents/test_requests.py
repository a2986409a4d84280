"""What is sent: the pictures, spans and words of requests as models get them. A real model named each of
these faults.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from mrvideo import schemas
from mrvideo.agents.ask.calls import clipped
from mrvideo.agents.ask.notes import without_ids
from mrvideo.models.base import Capabilities
from mrvideo.models.schema import strict_schema
from mrvideo.models.scripted import ScriptedModel
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import CaptionPart, Entity, Frame, Scene, Shot, Sighting, Span
from mrvideo.schemas import analysis, baseline, exploring
from mrvideo.schemas.analysis import SceneLine

OURS = ("answer", "global_intention", "goals", "look_global", "look_local", "reduce_intentions", "segment_intention",
        "uniform", "verify")  # fmt: skip
CAPTIONS = [f"Field {n}." for n in range(12)]


def plan_of(*spans: tuple[float, float], **fields: Any) -> Any:
    made = [{"start_seconds": a, "stop_seconds": b} for a, b in spans]
    return lambda i, r: {"reasoning": "r", "combine": "select", "scope": "local", "spans": made, **fields}


def claims_of(*claims: dict[str, Any], **fields: Any) -> Any:
    """An answer whose claims cite the evidence that holds their words."""

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        made: list[dict[str, Any]] = []
        for claim in claims:
            words = claim.get("cites", [claim["text"]])
            ids = [e.id for word in words for e in inputs.evidence if word in e.quote]
            made.append(
                {**claim, "citations": [{"evidence_id": i} for i in ids], "check": f"{claim['text']}?"}
            )
        return {"found": True, "answer": "x", "confidence": 4, "claims": made, **fields}

    return answer


def sent(asked: Any, *prompts: str) -> list[Any]:
    return [r for r in asked.mind.requests if r.prompt.name in prompts]


def named_where_marked(index: Any) -> Any:
    """The index with <person_1> listed in the scenes whose captions mark them."""
    marked = tuple(
        s.model_copy(update={"entity_names": ("person_1",) if "<person_1>" in s.detailed else ()})
        for s in index.scenes
    )
    return index.model_copy(update={"scenes": marked})


def with_cuts(index: Any, *times: float) -> Any:
    ends = [0.0, *times, index.video.duration_seconds]
    shots = tuple(Shot(start_seconds=a, stop_seconds=b) for a, b in pairwise(ends))
    return index.model_copy(update={"shots": shots})


# pictures -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("effort", "most"), [("high", 60), ("medium", 25)])
@pytest.mark.parametrize("verdict", ["yes", "no", "unclear"])
async def test_a_question_about_moments_sends_a_bounded_number_of_pictures(
    film: SimpleNamespace, effort: Any, most: int, verdict: str
) -> None:
    """210 pictures were the median on films of two to four minutes."""
    mind = film.mind(
        words=("Field 1", "Field 30", "Field 200"), handlers={"verify": lambda i, r: {"verdict": verdict}}
    )
    asked = await film.run(mind, film.index([f"Field {n}." for n in range(360)]), effort=effort)
    pictures = sum(len(r.pictures) for r in mind.requests)
    assert 0 < pictures <= most
    assert not sent(asked, "look_global"), "the local look shows the same"


async def test_a_count_over_an_hour_sends_at_most_120_pictures_all_rounds_together(
    film: SimpleNamespace,
) -> None:
    mind = film.mind(words=("Field 1",), handlers={"verify": lambda i, r: {"verdict": "no"}})
    mind.handlers["global_intention"] = plan_of((10, 20), scope="global", look="glance")
    asked = await film.run(mind, film.index([f"Field {n}." for n in range(360)]))
    assert sum(len(r.pictures) for r in mind.requests) <= 120
    assert any("not looked at: only their captions were read" in u.reason for u in asked.answer.unseen)


async def test_padding_stops_at_camera_cuts(film: SimpleNamespace) -> None:
    """20 of 32 frames showed the neighbouring films."""
    mind = film.mind(words=("Field 3",))
    mind.handlers["segment_intention"] = lambda i, r: {**mind.segment_intention(i), "needs_context": True}
    asked = await film.run(mind, with_cuts(film.index(CAPTIONS), 29.0, 40.0), effort="medium")
    (look,) = sent(asked, "look_local")
    assert look.inputs.spans == (Span(29.0, 40.0),), "1.5 s at most, and not over a cut"
    assert all(29.0 <= t < 40.0 for t in look.inputs.frame_times)


async def test_a_short_act_is_looked_at_eight_times_a_second(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 3",), handlers={"global_intention": plan_of((30, 32), look="dense")})
    asked = await film.run(mind, film.index(CAPTIONS), effort="medium")
    (look,) = sent(asked, "look_local")
    assert len(look.inputs.frame_times) == 16


async def test_a_glance_shows_one_frame_of_each_shot(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field",), handlers={"global_intention": plan_of((0, 40), look="glance")})
    asked = await film.run(mind, with_cuts(film.index(CAPTIONS), 4.0, 16.0, 20.0), effort="medium")
    (look,) = sent(asked, "look_local")
    shots = [(0, 4), (4, 10), (10, 16), (16, 20), (20, 30), (30, 40)]
    assert [sum(a <= t < b for t in look.inputs.frame_times) for a, b in shots] == [1] * 6


async def test_when_is_answered_by_both_ends_and_what_lies_just_outside(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 3",), handlers={"global_intention": plan_of((30, 40), look="ends")})
    asked = await film.run(mind, with_cuts(film.index(CAPTIONS), 30.0, 40.0))
    times = sent(asked, "look_local")[0].inputs.frame_times
    assert any(29 <= t < 30 for t in times) and any(40 <= t < 41 for t in times)
    assert sum(30 <= t < 31.5 for t in times) >= 2 and sum(38.5 <= t < 40 for t in times) >= 2
    check = sent(asked, "verify")[0]
    assert check.inputs.spans == (Span(30.0, 40.0),), "the cited span is named"
    outside = [p for p in check.pictures if not 30 <= p.time_seconds <= 40]
    assert outside and all(p.label.startswith("context ") for p in outside)
    assert set(check.inputs.context_times) == {p.time_seconds for p in outside}


async def test_when_something_happens_in_a_part_of_a_caption_it_is_looked_at_closely(
    film: SimpleNamespace,
) -> None:
    """The ends of a clip's ten seconds showed nothing of the car that left in between."""
    index = film.index(["A street. A car leaves.", *CAPTIONS])
    parts = tuple(
        CaptionPart(start_seconds=a, stop_seconds=a + 5, text=text)
        for a, text in ((0, "A street."), (5, "A car leaves."))
    )
    scene = index.scenes[0].model_copy(update={"parts": parts})
    index = index.model_copy(update={"scenes": (scene, *index.scenes[1:])})
    for span, outside in (((5.0, 10.0), False), ((6.0, 8.5), True)):
        mind = film.mind(words=("leaves",), handlers={"global_intention": plan_of(span, look="ends")})
        asked = await film.run(mind, index, "When does it leave?", effort="medium")
        times = sent(asked, "look_local")[0].inputs.frame_times
        assert any(not span[0] <= t <= span[1] for t in times) is outside


async def test_single_things_are_spoken_of_as_such(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 1.",), capabilities=Capabilities(look_images=1, max_images=1))
    asked = await film.run(mind, film.index(CAPTIONS), effort="medium")
    (look,) = sent(asked, "look_local")
    assert "You see 1 frame of " in look.prompt.render(look.inputs).user


async def test_small_text_is_shown_in_crops_at_the_size_of_the_source(film: SimpleNamespace) -> None:
    class Large:
        def at(self, times_seconds: list[float]) -> list[Frame]:
            picture = io.BytesIO()
            Image.new("RGB", (1280, 720), "white").save(picture, "JPEG")
            return [Frame(t, picture.getvalue(), 1280, 720) for t in times_seconds]

    mind = film.mind(words=("Field 3",), handlers={"global_intention": plan_of((30, 32), look="text")})
    asked = await film.run(mind, film.index(CAPTIONS), closeups=Large(), effort="medium")
    (look,) = sent(asked, "look_local")
    crops = [p for p in look.pictures if "crop" in p.label]
    assert look.inputs.crops and len(crops) == 6
    sizes = [Image.open(io.BytesIO(p.jpeg)).size for p in crops]
    assert all(width >= 1280 // 3 and height >= 720 // 2 for width, height in sizes), "not scaled down"
    assert "crops of the same moment" in look.prompt.render(look.inputs).user


async def test_a_time_that_the_question_names_gets_a_frame_at_that_time(film: SimpleNamespace) -> None:
    """Frames at 119.75 and 120.25 are not what is seen at 2:00."""
    mind = film.mind(words=("Field 3",))
    asked = await film.run(mind, film.index(CAPTIONS), "What is seen at 1:10?", effort="medium")
    assert 70.0 in [t for r in sent(asked, "look_local") for t in r.inputs.frame_times]


async def test_spans_really_shown_are_listed_and_none_is_without_length(film: SimpleNamespace) -> None:
    """ "Between 46.6 and 188.0" hid a gap of two minutes; "94.60 to 94.60" was a scene."""
    mind = film.mind(words=("Field 1.", "Field 7."))
    claim = {"text": "Field", "cites": ["Field 1.", "Field 7."]}
    mind.handlers["answer"] = claims_of(claim)
    asked = await film.run(mind, film.index(CAPTIONS))
    for request in sent(asked, "verify", "look_local"):
        assert request.inputs.spans == (Span(10.0, 20.0), Span(70.0, 80.0))
        user = request.prompt.render(request.inputs).user
        assert "10.00 to 20.00 s, 70.00 to 80.00 s" in user


# rounds -------------------------------------------------------------------------------------------


async def test_what_held_is_not_checked_again_and_no_frame_is_sent_twice(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 1.", "Field 7."))
    mind.handlers["verify"] = lambda i, r: {
        "verdict": "no" if "7" in i.statements[0].text else "yes",
        "seen": "s",
    }
    mind.handlers["answer"] = claims_of({"text": "Field 1."}, {"text": "Field 7."})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert asked.answer.rounds == 2
    checks = [r.inputs.statements[0].text for r in sent(asked, "verify")]
    assert checks.count("Field 1.?") == 1, "it held"
    assert [c.holds for c in asked.answer.claims] == [True, False]
    times = [t for r in sent(asked, "verify", "look_local") for t in r.inputs.frame_times]
    assert len(times) == len(set(times))
    again = [r for r in sent(asked, "look_local") if r.inputs.frame_times][1:]
    assert all(not 10 <= t < 20 for r in again for t in r.inputs.frame_times), "only what was denied"
    held = sent(asked, "answer")[1].inputs.held
    assert [(h.id, h.text) for h in held] == [("h1", "Field 1.")]


async def test_a_denial_that_confirms_the_core_corrects_the_time(film: SimpleNamespace) -> None:
    """A right claim was denied for its times, and a whole second round of looks was paid."""

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        times = inputs.frame_times
        where = {"shown_seconds": [times[1], times[2]]}
        return {"seen": "It begins later.", "verdict": "other_time", **where}

    mind = film.mind(words=("Field 1.",), handlers={"verify": verify})
    mind.handlers["global_intention"] = plan_of((10, 20), look="ends")
    asked = await film.run(mind, film.index(CAPTIONS))
    assert asked.answer.rounds == 2
    assert [len(sent(asked, name)) for name in ("look_local", "whole_intention", "answer")] == [1, 1, 2]
    first = sent(asked, "verify")[0].inputs.frame_times
    evidence = sent(asked, "answer")[1].inputs.evidence
    assert (first[1], first[2]) in [(e.start_seconds, e.stop_seconds) for e in evidence]


async def test_a_negation_is_asked_positively_and_inverted_by_code(film: SimpleNamespace) -> None:
    for verdict, holds in (("no", True), ("yes", False)):
        mind = film.mind(words=("Field 1.",), handlers={"verify": lambda i, r, v=verdict: {"verdict": v}})
        mind.handlers["answer"] = claims_of({"text": "Field 1.", "negated": True})
        asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
        assert asked.answer.claims[0].holds is holds


@pytest.mark.parametrize(
    ("rule", "cites", "holds"),
    [
        ("order", ["Field 1.", "Field 7."], True),
        ("order", ["Field 7.", "Field 1."], False),
        ("earliest", ["Field 7.", "Field 1."], False),
        ("latest", ["Field 7.", "Field 1."], True),
    ],
)
async def test_what_times_decide_is_decided_by_code(
    film: SimpleNamespace, rule: str, cites: list[str], holds: bool
) -> None:
    mind = film.mind(words=("Field 1.", "Field 7."))
    items = [{"text": "Field 1."}, {"text": "Field 7."}]
    mind.handlers["answer"] = claims_of(*items, {"text": "in time", "cites": cites, "rule": rule})
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert [c.holds for c in asked.answer.claims] == [True, True, holds]
    assert not [r for r in sent(asked, "verify") if "in time" in r.inputs.statements[0].text], (
        "nobody is asked"
    )
    assert asked.answer.verified is holds


async def test_a_false_premise_or_words_never_transcribed_pay_no_second_round(film: SimpleNamespace) -> None:
    for basis, rounds in (("absent", 1), ("not_seen", 2)):
        nothing = {"found": False, "confidence": 5, "basis": basis}
        mind = film.mind(words=("Field 1.",), handlers={"answer": lambda i, r, n=nothing: n})
        assert (await film.run(mind, film.index(CAPTIONS))).answer.rounds == rounds


async def test_words_that_nobody_transcribed_are_not_looked_for_in_pictures(film: SimpleNamespace) -> None:
    """15 calls and 131,000 tokens went into silent pictures."""
    index = film.index(CAPTIONS)
    index = index.model_copy(update={"video": index.video.model_copy(update={"has_audio": True})})
    goals = {"local_question": "What?", "global_question": "What?", "needs_speech": True}
    mind = film.mind(
        words=("Field 1.",),
        handlers={"goals": lambda i, r: goals, "answer": lambda i, r: {"found": False, "confidence": 3}},
    )
    asked = await film.run(mind, index)
    assert asked.answer.rounds == 1
    assert sum(len(r.pictures) for r in mind.requests) == 0


@pytest.mark.parametrize("has_audio", [True, False])
@pytest.mark.parametrize("says", ["goals", "plan"])
async def test_what_only_speech_could_tell_ends_after_one_round_and_says_that_there_is_none(
    film: SimpleNamespace, says: str, has_audio: bool
) -> None:
    index = film.index(CAPTIONS)
    index = index.model_copy(update={"video": index.video.model_copy(update={"has_audio": has_audio})})
    goals = {"local_question": "What?", "global_question": "What?", "needs_speech": says == "goals"}
    mind = film.mind(words=("Field 1.",), handlers={"goals": lambda i, r: goals})
    decides = "speech" if says == "plan" else "several"
    mind.handlers["global_intention"] = lambda i, r: {**mind.global_intention(i), "decided_by": decides}
    mind.handlers["answer"] = lambda i, r: {"found": False, "confidence": 3}
    asked = await film.run(mind, index, "What does she say?")
    assert asked.answer.rounds == 1 and not any(r.pictures for r in mind.requests)
    told = "Its sound was not transcribed" if has_audio else "nothing is said in it"
    assert told in asked.answer.searched


async def test_nobody_is_told_to_transcribe_what_was_heard_to_be_silent(film: SimpleNamespace) -> None:
    index = film.index(CAPTIONS)
    video = index.video.model_copy(update={"has_audio": True})
    index = index.model_copy(update={"video": video, "settings": {**index.settings, "heard": True}})
    mind = film.mind(handlers={"answer": lambda i, r: {"found": False, "confidence": 3}})
    asked = await film.run(mind, index, max_rounds=1)
    assert "not transcribed" not in asked.answer.searched


@pytest.mark.parametrize(
    ("question", "times"),
    [("What is seen at 1:20?", (80.0,)), ("What comes first?", ()), ("Who is there at 9:00?", ())],
    ids=["a time", "none", "behind the end"],
)
async def test_goals_name_the_times_that_the_question_names_as_frames_are_labelled(
    film: SimpleNamespace, question: str, times: tuple[float, ...]
) -> None:
    """They were told to name no times also where the question asks for one."""
    asked = await film.run(film.mind(words=("Field 1.",)), film.index(CAPTIONS), question)
    (goals,) = sent(asked, "goals")
    assert goals.inputs.times == times
    told = goals.prompt.render(goals.inputs).user.replace(question, "")
    assert ("80.00 s" in told) is bool(times) and ("The question names" in told) is bool(times)


CUE = "The ferry is late"


def spoken_film(film: SimpleNamespace, **handlers: Any) -> tuple[Any, Any]:
    """A mind whose plan lets speech decide, and a film in which one cue tells the answer."""
    mind = film.mind(words=(CUE,), handlers=handlers)
    mind.handlers["global_intention"] = lambda i, r: {**mind.global_intention(i), "decided_by": "speech"}
    return mind, film.index(CAPTIONS, cues=[(32.0, 34.0, CUE)])


@pytest.mark.parametrize("effort", ["medium", "high"])
async def test_what_only_words_can_tell_is_told_by_cues_without_a_picture(
    film: SimpleNamespace, effort: Any
) -> None:
    """Silent pictures of who speaks were looked at, and checked, and decided nothing."""
    mind, index = spoken_film(film)
    asked = await film.run(mind, index, "Why does she wait?", effort=effort)
    assert asked.answer.answer == CUE
    assert [(e.source, e.quote, e.span) for e in asked.answer.evidence] == [("cue", CUE, Span(32.0, 34.0))]
    assert sum(len(r.pictures) for r in mind.requests) == 0
    assert not sent(asked, "look_local", "look_global")
    assert asked.answer.checked_by == ("quote",), "read in the cue, and seen by nobody"
    assert not asked.answer.verified and asked.answer.rounds == 1
    checks = sent(asked, "verify")
    assert [CUE in r.prompt.render(r.inputs).user for r in checks] == [True] * (effort == "high")
    assert [c.holds for c in asked.answer.claims] == [True if effort == "high" else None]


def one_claim(inputs: Any, source: str) -> dict[str, Any]:
    cited = next(e for e in inputs.evidence if e.source == source)
    claim = {"text": cited.quote, "citations": [{"evidence_id": cited.id}], "check": f"{cited.quote}?"}
    return {"found": True, "answer": cited.quote, "confidence": 4, "claims": [claim]}


@pytest.mark.parametrize("effort", ["medium", "high"])
@pytest.mark.parametrize("first", ["nothing", "a caption", "a cue that does not exist"])
async def test_a_plan_that_wrongly_lets_speech_decide_loses_nothing(
    film: SimpleNamespace, effort: Any, first: str
) -> None:
    def look(inputs: Any, request: Any) -> dict[str, Any]:
        seen = {"start_seconds": 32.0, "stop_seconds": 33.0, "text": "A ferry without lights."}
        return {"observations": [seen], "conclusion": "c", "confidence": 4}

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        if any(e.source == "frame" for e in inputs.evidence):
            return one_claim(inputs, "frame")
        if first == "nothing":
            return {"found": False, "confidence": 3}
        if first == "a caption":
            return one_claim(inputs, "caption")
        claim = {"text": "x", "citations": [{"evidence_id": "e99"}], "check": "x?"}
        return {"found": True, "answer": "x", "confidence": 4, "claims": [claim]}

    mind, index = spoken_film(film, look_local=look, answer=answer)
    mind.words = (CUE, "Field 3.")
    asked = await film.run(mind, index, "Why does she wait?", effort=effort, max_rounds=1)
    assert asked.answer.answer == "A ferry without lights."
    assert asked.answer.rounds == 1, "the round goes on: nothing is read or planned again"
    assert asked.mind.asked().count("whole_intention") == 1
    assert "global_intention" not in asked.mind.asked()
    assert sent(asked, "look_local") and asked.answer.verified is (effort == "high")


async def test_speech_decides_only_where_a_cue_is_quoted_of_what_is_planned(film: SimpleNamespace) -> None:
    mind, index = spoken_film(film)
    mind.words = ("Field 7.",)
    asked = await film.run(mind, index, "Why does she wait?")
    assert asked.mind.asked().index("look_local") < asked.mind.asked().index("answer")
    assert asked.mind.asked().count("answer") == 1


async def test_what_cues_are_said_not_to_say_is_looked_for_in_a_second_round(film: SimpleNamespace) -> None:
    mind, index = spoken_film(
        film, verify=lambda i, r: {"verdict": "yes" if i.frame_times else "no", "seen": "another ferry"}
    )
    asked = await film.run(mind, index, "Why does she wait?")
    first = asked.mind.asked().index("answer")
    assert "look_local" not in asked.mind.asked()[:first] and "look_local" in asked.mind.asked()[first:]
    assert sum(not r.pictures for r in sent(asked, "verify")) == 1, "the same cues are not asked again"
    assert asked.answer.rounds == 2 and asked.answer.verified


async def test_a_second_model_reads_the_cues_that_an_answer_rests_on(film: SimpleNamespace) -> None:
    mind, index = spoken_film(film)
    checker = ScriptedModel(
        lambda r: {"checks": [{"number": 1, "verdict": "yes", "seen": ""}]}, name="second"
    )
    asked = await film.run(mind, index, "Why does she wait?", checker=checker)
    (check,) = checker.requests
    assert check.prompt.name == "verify" and not check.pictures
    assert asked.answer.checked_by == ("second model", "quote")


async def test_every_request_says_what_is_known_of_speech(film: SimpleNamespace) -> None:
    index = film.index(CAPTIONS, cues=[(12.0, 13.0, "hello")])
    asked = await film.run(film.mind(words=("Field 1.", "Field 7.")), index)
    for request in sent(asked, "whole_intention", "look_local", "verify", "answer"):
        assert re.search(
            r"^Speech: (cues follow|transcribed|none|not transcribed)\.$",
            request.prompt.render(request.inputs).user,
            re.M,
        )


async def test_the_rest_is_checked_where_another_occurrence_is_likeliest_and_says_that_it_samples(
    film: SimpleNamespace,
) -> None:
    def look(inputs: Any, request: Any) -> dict[str, Any]:
        seen = {"start_seconds": 10.0, "stop_seconds": 13.0, "text": "A kite."}
        return {"observations": [seen], "conclusion": "c", "confidence": 4}

    mind = film.mind(words=("Field 1.",), handlers={"look_local": look})
    mind.handlers["answer"] = claims_of({"text": "A kite."}, rest_check="Is another kite seen?")
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    asked = await film.run(mind, film.index(CAPTIONS))
    (rest,) = [r for r in sent(asked, "verify") if r.inputs.sampled]
    assert any(14 <= t < 20 for t in rest.inputs.frame_times), "the uncited part of the cited scene"
    assert '"no" means: not in these frames' in rest.prompt.render(rest.inputs).user
    assert "of the rest" in asked.answer.searched


@pytest.mark.parametrize(("seen", "cuts", "shown"), [((10, 15), (), False), ((10, 13), (), True), ((10, 15), (18,), True)],
                         ids=["soon over", "it lasts", "another shot"])  # fmt: skip
async def test_the_rest_of_a_shot_that_is_cited_in_part_is_shown_where_it_lasts(
    film: SimpleNamespace, seen: tuple[float, float], cuts: tuple[float, ...], shown: bool
) -> None:
    """A second and a half left of a shot in which a dog was seen took two of twelve frames."""

    def look(inputs: Any, request: Any) -> dict[str, Any]:
        kite = {"start_seconds": seen[0], "stop_seconds": seen[1], "text": "A kite."}
        return {"observations": [kite], "conclusion": "c", "confidence": 4}

    mind = film.mind(words=("Field 1.",), handlers={"look_local": look})
    mind.handlers["answer"] = claims_of({"text": "A kite."}, rest_check="Is another kite seen?")
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    asked = await film.run(mind, with_cuts(film.index(CAPTIONS), 10, *cuts, 20))
    (rest,) = [r for r in sent(asked, "verify") if r.inputs.sampled]
    assert any(10 <= t < 20 for t in rest.inputs.frame_times) is shown
    assert len(rest.inputs.frame_times) >= 5, "of the others"


async def test_of_a_short_rest_each_shot_is_shown_though_one_of_them_moves_most(
    film: SimpleNamespace,
) -> None:
    """Of sixteen frames that ruled out two texts in four places, nine showed one bakery."""

    served = film.frames()
    still = {n: served.at([n * 10.0])[0].jpeg for n in range(5)}

    class Frames:
        def at(self, times_seconds: list[float]) -> list[Frame]:
            made = served.at(times_seconds)
            return [
                f if 10 <= (t := f.time_seconds) < 20 else replace(f, jpeg=still[int(t // 10)]) for f in made
            ]

    mind = film.mind(words=("A kite",))
    mind.handlers["answer"] = claims_of(
        {"text": "A kite", "cites": ["A kite."]},
        rest_check="Is another kite seen?",
        rest_within=[{"start_seconds": 10.0, "stop_seconds": 50.0}],
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    index = film.index(["A kite.", "Field 1.", "Field 2.", "Field 3.", "Field 4."])
    asked = await film.run(mind, index, "Which is first?", frames=Frames())
    (rest,) = [r for r in sent(asked, "verify") if r.inputs.sampled]
    counts = [sum(n * 10 <= t < n * 10 + 10 for t in rest.inputs.frame_times) for n in range(5)]
    assert counts[0] == 0 and min(counts[1:]) >= 1, counts
    assert counts[1] <= 5, "a quarter of eighteen: of the others, those that differ"


async def test_two_things_are_ruled_out_in_one_check_of_the_rest(film: SimpleNamespace) -> None:
    """An order wants nothing before its first and nothing after its last: one look at the rest tells both."""
    mind = film.mind(words=("Field 3.",))
    rest = ["Is a dog seen?", "Is a cat seen?"]
    mind.handlers["answer"] = claims_of({"text": "Field 3."}, rest_check=rest)
    mind.handlers["verify"] = lambda i, r: {
        "verdict": "yes" if not i.sampled or "cat" in i.statements[0].text else "no",
        "seen": i.statements[0].text,
    }
    asked = await film.run(mind, film.index(CAPTIONS))
    first, *_ = [r for r in sent(asked, "verify") if r.inputs.sampled]
    assert [s.text for s in first.inputs.statements] == rest
    assert asked.answer.rounds == 2, "a cat is left out"
    known = " ".join(sent(asked, "whole_intention")[-1].inputs.known)
    assert "Is a cat seen?" in known and "Is a dog seen?" not in known


async def test_of_the_rest_the_scenes_that_likely_hold_it_are_shown_before_others(
    film: SimpleNamespace,
) -> None:
    """Frames evenly spread over an hour show a second occurrence once in many times."""
    captions = [f"Field {n}." for n in range(60)]
    captions[3] = "A kite. Field 3."
    captions[37] = "A red kite over a field."
    captions[22] = "<person_1> sits down."
    captions[46] = "Somebody asks where <person_1> is."
    cast = [Entity(name="person_1", kind="person", description="tall", exemplar_seconds=1.0)]
    index = named_where_marked(film.index(captions, entities=cast))
    mind = film.mind(words=("A kite",))
    mind.handlers["answer"] = claims_of(
        {"text": "A kite", "cites": ["A kite. Field 3."]}, rest_check="Is <person_1> seen with another kite?"
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    asked = await film.run(mind, index, "How often?")
    (rest,) = [r for r in sent(asked, "verify") if r.inputs.sampled]
    times = rest.inputs.frame_times
    counts = [sum(n * 10 <= t < n * 10 + 10 for t in times) for n in range(60)]
    assert counts[37] >= 1 and counts[22] >= 1, "what its words and its cast point to"
    assert counts[46] == 0, "who is only spoken of is not there"
    assert counts[3] == 0, "the cited scene"
    others = [n for n, count in enumerate(counts) if count and n not in (22, 37)]
    assert others, "what no caption tells of is sampled, too"
    assert all(counts[n] == 1 for n in others)
    assert len(rest.pictures) <= 12
    looked = len(others) + 2
    assert f"{len(times)} frames from {looked} of 59 scenes, {59 - looked} not looked at" in (
        asked.answer.searched
    )


async def test_where_pictures_are_left_over_the_likeliest_scenes_get_them(film: SimpleNamespace) -> None:
    captions = ["A kite. Field 0.", "Field 1.", "A red kite.", "Field 3."]
    mind = film.mind(words=("A kite",))
    mind.handlers["answer"] = claims_of(
        {"text": "A kite", "cites": ["A kite. Field 0."]}, rest_check="Is another kite seen?"
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    asked = await film.run(mind, film.index(captions), "How often?")
    (rest,) = [r for r in sent(asked, "verify") if r.inputs.sampled]
    counts = [sum(n * 10 <= t < n * 10 + 10 for t in rest.inputs.frame_times) for n in range(4)]
    assert counts[0] == 0 and counts[2] > counts[1] == counts[3] == 1
    assert "from 3 scenes" in asked.answer.searched


async def test_the_rest_is_looked_at_where_alone_more_could_be(film: SimpleNamespace) -> None:
    """'Is it taken away once more?' was asked of frames that all lay before, and 'no' counted."""
    captions = ["A kite.", "Field 1.", "Field 2.", "Field 3.", "Field 4."]
    mind = film.mind(words=("A kite",))
    mind.handlers["answer"] = claims_of(
        {"text": "A kite", "cites": ["A kite."]},
        rest_check="Is another kite seen?",
        rest_within=[
            {"start_seconds": 5.0, "stop_seconds": 23.0},
            {"start_seconds": 48.0, "stop_seconds": 90.0},
        ],
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    asked = await film.run(mind, film.index(captions), "When is the last kite?")
    (rest,) = [r for r in sent(asked, "verify") if r.inputs.sampled]
    times = rest.inputs.frame_times
    assert all(10.0 <= t <= 23.0 or 48.0 <= t <= 50.0 for t in times), "neither what is cited nor elsewhere"
    assert len(times) >= 7, "closely, where little time is left"
    assert min(times) < 13.0 and max(times) > 48.0


@pytest.mark.parametrize(("scope", "scenes"), [("local", set()), ("global", {1, 2})])
async def test_where_all_that_could_hold_more_is_cited_nothing_more_is_looked_at(
    film: SimpleNamespace, scope: str, scenes: set[int]
) -> None:
    """A count in one place that was cited whole had the rest of the film looked at. Of a question about all of it,
    spans that repeat the citations say nothing of where others could be.
    """
    mind = film.mind(words=("A kite",))
    mind.handlers["global_intention"] = plan_of((0, 10), scope=scope)
    mind.handlers["answer"] = claims_of(
        {"text": "A kite", "cites": ["A kite."]},
        rest_check="Is another kite seen?",
        rest_within=[{"start_seconds": 0.0, "stop_seconds": 10.0}],
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if i.sampled else "yes"}
    asked = await film.run(mind, film.index(["A kite.", "Field 1.", "Field 2."]), "How often?")
    rests = [r for r in sent(asked, "verify") if r.inputs.sampled]
    assert {t // 10 for r in rests for t in r.inputs.frame_times} == scenes
    assert asked.answer.verified and asked.answer.rounds == 1


@pytest.mark.parametrize(
    ("cited", "within"), [("Field 2.", (29.5, 30.0)), ("Field 0.", (0.0, 0.3))], ids=["the last", "the first"]
)
async def test_where_nothing_can_come_after_the_last_nothing_is_looked_at(
    film: SimpleNamespace, cited: str, within: tuple[float, float]
) -> None:
    """Dangerous: what came before was looked at in its place, and an answer that held was searched again."""
    mind = film.mind(words=("Field",))
    mind.handlers["answer"] = claims_of(
        {"text": "A field", "cites": [cited]},
        rest_check="Is another field seen?",
        rest_within=[{"start_seconds": within[0], "stop_seconds": within[1]}],
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "yes"}
    asked = await film.run(mind, film.index(["Field 0.", "Field 1.", "Field 2."]), "When is it last?")
    assert not any(r.inputs.sampled for r in sent(asked, "verify"))
    assert asked.answer.rounds == 1 and asked.answer.verified


async def test_an_absence_is_checked_in_shots_that_no_look_has_shown(film: SimpleNamespace) -> None:
    """The check of 'no dog' saw fewer frames than the look before, of the same shots, and two seconds apart."""
    mind = film.mind()
    mind.handlers["global_intention"] = lambda i, r: {
        "reasoning": "r", "combine": "merge", "scope": "local", "look": "dense",
        "spans": [{"start_seconds": 20.0, "stop_seconds": 60.0}],
    }  # fmt: skip
    mind.handlers["look_local"] = lambda i, r: {
        "observations": [{"start_seconds": 20.0, "stop_seconds": 60.0, "text": "No dog."}],
        "conclusion": "no dog", "confidence": 5,
    }  # fmt: skip

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        cited = [{"evidence_id": e.id} for e in inputs.evidence]
        return {
            "found": True, "basis": "absent", "answer": "No", "confidence": 4,
            "claims": [{"text": "No dog", "citations": cited, "check": "Is a dog seen?", "negated": True}],
        }  # fmt: skip

    mind.handlers["answer"] = answer
    mind.handlers["verify"] = lambda i, r: {"verdict": "no", "seen": "no dog"}
    asked = await film.run(mind, film.index([f"Field {n}." for n in range(8)]), "Is a dog seen?")
    looked = {t for look in sent(asked, "look_local") for t in look.inputs.frame_times}
    (check,) = sent(asked, "verify")
    assert check.inputs.sampled, "'no' means: not in these frames"
    assert {t // 10 for t in check.inputs.frame_times} == {2, 3, 4, 5}, "each scene"
    assert not set(check.inputs.frame_times) & looked
    assert asked.answer.verified


@pytest.mark.parametrize(("basis", "rounds"), [("illegible", 1), ("not_seen", 2)])
async def test_what_is_illegible_at_full_size_is_not_looked_at_again(
    film: SimpleNamespace, basis: str, rounds: int
) -> None:
    mind = film.mind()
    mind.handlers["global_intention"] = lambda i, r: {
        "reasoning": "r", "combine": "merge", "scope": "local", "look": "text",
        "spans": [{"start_seconds": 20.0, "stop_seconds": 30.0}],
    }  # fmt: skip
    mind.handlers["answer"] = lambda i, r: {"found": False, "basis": basis, "confidence": 5, "claims": []}
    asked = await film.run(mind, film.index(CAPTIONS), "What does the paper say?", max_rounds=2)
    assert (asked.answer.answer, asked.answer.rounds) == (None, rounds)


@pytest.mark.parametrize("claims", [3, 8, 14])
async def test_a_claim_about_what_lasts_gets_three_frames_or_nobody_looks(
    film: SimpleNamespace, claims: int
) -> None:
    """'Walks to the table' was checked on a single still, and unclear, while a third of the pictures was left."""
    words = [f"Field {n}." for n in range(claims)]
    mind = film.mind(words=tuple(words), handlers={"answer": claims_of(*({"text": word} for word in words))})
    mind.handlers["global_intention"] = plan_of((0, 30), (40, 60), look="dense")
    asked = await film.run(mind, film.index([f"Field {n}." for n in range(20)]), max_rounds=1)
    checks = [(r, s) for r in sent(asked, "verify") for s in r.inputs.statements]
    assert len(checks) >= min(claims, 8)
    for request, statement in checks:
        (span,) = statement.spans
        mark = f"moment {statement.moment}: " if statement.moment else ""
        times = [p.time_seconds for p in request.pictures if p.label.startswith(mark)]
        assert len(times) >= (3 if claims <= 8 else 2)
        least = 2.5 if len(times) >= 3 else 4.0
        assert times[0] < span.start_seconds + least and times[-1] > span.stop_seconds - least, "both ends"
    unchecked = [u for u in asked.answer.unseen if "was not checked" in u.reason]
    assert len(checks) + len(unchecked) == claims


# words --------------------------------------------------------------------------------------------


async def test_cast_lines_are_shortened_and_never_dropped_where_captions_name_them(
    film: SimpleNamespace,
) -> None:
    """Captions named <person_10> to <person_12>; the cast ended at <person_9>."""
    cast = [
        Entity(name=f"person_{n}", kind="person", description="tall, red coat, " * 150, exemplar_seconds=1.0)
        for n in range(1, 31)
    ]
    names = tuple(e.name for e in cast)
    index = film.index(CAPTIONS, entities=cast)
    scenes = tuple(
        s.model_copy(update={"entity_names": names if s.index in (2, 7) else ()}) for s in index.scenes
    )
    asked = await film.run(
        film.mind(words=("Field 1.",)), index.model_copy(update={"scenes": scenes}), effort="low"
    )
    (segment,) = sent(asked, "whole_intention")
    assert tuple(e.name for e in segment.inputs.entities) == names


async def test_the_cast_is_seen_where_it_is_shown_and_not_where_it_is_spoken_of(
    film: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrvideo.agents.ask.segments.SCENES_PER_SEGMENT", 4)
    captions = list(CAPTIONS)
    captions[1] = "<person_1> waves. Field 1."
    captions[4] = "Somebody asks where <person_1> is."
    captions[7] = "<person_1> is not in the picture."
    cast = [Entity(name="person_1", kind="person", description="tall", exemplar_seconds=1.0)]
    index = named_where_marked(film.index(captions, entities=cast))
    asked = await film.run(film.mind(words=("Field 1.",)), index, effort="low")
    (plan,) = sent(asked, "global_intention")
    assert [(e.name, e.seen) for e in plan.inputs.entities] == [("person_1", "10–20 s")]
    assert "(seen 10–20 s)" in plan.prompt.render(plan.inputs).user


async def test_whom_a_check_names_is_told_of_where_no_caption_shows_that_one(film: SimpleNamespace) -> None:
    """A name without its line in the cast tells nothing to whoever looks."""
    cast = [
        Entity(name=f"person_{n}", kind="person", description=f"coat {n}", exemplar_seconds=1.0)
        for n in (1, 2, 3)
    ]
    # Eyes that look at few pictures are shown no exemplars.
    mind = film.mind(words=("Field 1.",), capabilities=Capabilities(look_images=8))
    mind.handlers["answer"] = claims_of(
        {"text": "<person_2> waves", "cites": ["Field 1."]}, rest_check="Is <person_3> seen?"
    )
    mind.handlers["global_intention"] = plan_of(
        (10, 20), characters=[{"word": "who", "entity": "<person_1>"}]
    )
    asked = await film.run(mind, film.index(CAPTIONS, entities=cast), max_rounds=1)
    (look, *_) = sent(asked, "look_local")
    claim, rest = sorted(sent(asked, "verify"), key=lambda r: r.inputs.sampled)
    for request, name in ((look, "person_1"), (claim, "person_2"), (rest, "person_3")):
        assert [e.name for e in request.inputs.entities] == [name]


async def test_a_finding_cites_the_part_of_a_scene_that_holds_it(film: SimpleNamespace) -> None:
    index = film.index(["A room. A man sits.", "Field."])
    parts = (
        CaptionPart(start_seconds=0, stop_seconds=6, text="A room."),
        CaptionPart(start_seconds=6, stop_seconds=10, text="A man sits."),
    )
    scene: Scene = index.scenes[0].model_copy(update={"parts": parts})
    mind = film.mind()
    found = {"start_seconds": 0, "stop_seconds": 10, "source": "caption", "quote": "A man sits"}
    mind.handlers["segment_intention"] = lambda i, r: {"findings": [found], "reasoning": "r", "confidence": 4}
    asked = await film.run(mind, index.model_copy(update={"scenes": (scene, index.scenes[1])}), effort="low")
    assert [e.span for e in asked.answer.evidence] == [Span(6, 10)]
    (segment,) = sent(asked, "whole_intention")
    assert "part (6.00, 10.00): A man sits." in segment.prompt.render(segment.inputs).user


async def test_the_same_moment_told_three_times_is_one_piece_of_evidence(film: SimpleNamespace) -> None:
    def look(inputs: Any, request: Any) -> dict[str, Any]:
        start, stop = inputs.frame_times[0], inputs.frame_times[-1]
        texts = ["Field 1.", "In the picture is field 1 and a fence."]
        seen = [{"start_seconds": start, "stop_seconds": stop, "text": text} for text in texts]
        return {"observations": seen, "conclusion": "c", "confidence": 4}

    asked = await film.run(
        film.mind(words=("Field 1.",), handlers={"look_local": look}), film.index(CAPTIONS), effort="medium"
    )
    evidence = sent(asked, "answer")[0].inputs.evidence
    assert [(e.source, e.quote, e.also) for e in evidence if e.quote == "Field 1."] == [
        ("caption", "Field 1.", ("frame",))
    ]


async def test_ids_of_one_draft_do_not_reach_who_cannot_see_them(film: SimpleNamespace) -> None:
    nothing = {"found": False, "confidence": 3, "reasoning": "As e15 shows (e3, e4), nobody comes."}
    mind = film.mind(words=("Field 1.",), handlers={"answer": lambda i, r: nothing})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert asked.answer.rounds == 2
    later = sent(asked, "whole_intention", "global_intention", "look_local")[1:]
    assert later and not [r for r in later if re.search(r"\be\d", r.prompt.render(r.inputs).user)]
    assert without_ids("As e15 shows (e3, e4), nobody.") == "As the evidence shows, nobody."


def test_notes_are_cut_between_words() -> None:
    words = "alpha beta gamma delta " * 40
    for most in range(40, 90):
        cut = clipped(words, most)
        assert len(cut) <= most
        assert set(cut.rstrip("…").split()) <= {"alpha", "beta", "gamma", "delta"}


def _reply_type(name: str) -> Any:
    return next(
        getattr(room, load_prompt(name).reply)
        for room in (analysis, baseline, exploring)
        if hasattr(room, load_prompt(name).reply)
    )


@pytest.mark.parametrize("name", OURS)
def test_the_example_of_each_prompt_fits_the_schema_that_is_sent(name: str) -> None:
    """The answer's example lacked a field that its schema requires."""
    text = load_prompt(name).static.split("Example")[1]
    example, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    reply = _reply_type(name)
    reply.model_validate(example)
    schema = strict_schema(reply)

    def fits(value: Any, part: dict[str, Any]) -> None:
        part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
        if part.get("type") == "object":
            assert list(value) == list(part["required"]), "all of it, in the order in which it is decoded"
            for key, inner in part["properties"].items():
                fits(value[key], inner)
        for item in value if part.get("type") == "array" else ():
            fits(item, part["items"])

    fits(example, schema)


@pytest.mark.parametrize("name", [*OURS, "explore"])
def test_a_reply_observes_and_reasons_before_it_decides(name: str) -> None:
    """A server that decodes by schema made the model judge before it looked."""
    schema = strict_schema(_reply_type(name))
    # A check has a verdict of its own for each statement.
    part = schema["$defs"]["CheckReply"] if name == "verify" else schema
    order = list(part["properties"])
    observe = {"seen", "observations", "findings", "conclusion", "reasoning", "thought", "local_question"}
    decide = {
        "verdict",
        "sees",
        "found",
        "answer",
        "choice",
        "confidence",
        "scope",
        "look",
        "combine",
        "decided_by",
        "needs_speech",
    }
    first = [order.index(field) for field in order if field in observe]
    last = [order.index(field) for field in order if field in decide]
    assert first and last and max(first) < min(last), order


# a second model -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "first", "told"), [("no", "yes", True), ("no", "no", False), ("yes", "yes", False)]
)
async def test_a_second_model_checks_and_where_two_differ_both_findings_are_told(
    film: SimpleNamespace, second: str, first: str, told: bool
) -> None:
    mind = film.mind(
        words=("Field 1.",), handlers={"verify": lambda i, r: {"verdict": first, "seen": "a dog"}}
    )
    checker = ScriptedModel(
        lambda r: {"checks": [{"number": 1, "verdict": second, "seen": "a cat"}]}, name="second"
    )
    asked = await film.run(mind, film.index(CAPTIONS), checker=checker, max_rounds=1)
    assert checker.requests and {r.prompt.name for r in checker.requests} == {"verify"}
    (claim,) = asked.answer.claims
    assert [(f.model, f.holds, f.seen) for f in claim.findings] == (
        [("scripted", True, "a dog"), ("second", False, "a cat")] if told else []
    )
    assert ("models differ" in str(asked.answer)) is told
    assert ("second model" in asked.answer.checked_by) is (second == "yes")
    assert claim.holds is (None if told else second == "yes")


def test_the_reply_types_are_where_prompts_say(repository: Path) -> None:
    assert schemas and all(_reply_type(name) for name in (*OURS, "explore"))


def test_a_text_that_stands_over_a_scenes_end_is_listed_within_the_scene() -> None:
    """With the times of both scenes, a reader takes the text for one of the other."""
    scene = Scene(
        start_seconds=10.0,
        stop_seconds=20.0,
        index=1,
        brief="A lamp room.",
        detailed="A lamp room.",
        sightings=(Sighting(start_seconds=4.0, stop_seconds=10.5, text="77 STEPS UP"),),
    )
    (line,) = SceneLine.of(scene).screen_text
    assert (line.start_seconds, line.stop_seconds, line.text) == (10.0, 10.5, "77 STEPS UP")
