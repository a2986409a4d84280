"""Checks of claims: what shares a call, what is asked alone, and what is read where somebody speaks."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from mrvideo.errors import ModelRefused
from mrvideo.media.images import frame_of
from mrvideo.records import Cue, Entity, Frame, Span
from mrvideo.schemas.analysis import Statement, VerifyInputs, VerifyReply

CAPTIONS = [f"Field {n}." for n in range(12)]


def answering(*claims: tuple[str, str] | dict[str, Any], **fields: Any) -> Any:
    """An answer of claims, each as its text and the words of what it cites."""

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        made: list[dict[str, Any]] = []
        for one in claims:
            claim = dict(one) if isinstance(one, dict) else {"text": one[0], "cites": one[1]}
            ids = [e.id for e in inputs.evidence if claim["cites"] in e.quote]
            made.append(
                {**claim, "citations": [{"evidence_id": i} for i in ids], "check": f"{claim['text']}?"}
            )
        return {"found": True, "answer": "x", "confidence": 4, "claims": made, **fields}

    return answer


def planning(*spans: tuple[float, float], **fields: Any) -> Any:
    made = [{"start_seconds": a, "stop_seconds": b} for a, b in spans]
    plan = {"reasoning": "r", "combine": "select", "scope": "local", "look": "dense", "spans": made}
    return lambda i, r: {**plan, **fields}


def looking(*seen: tuple[float, float, str], **fields: Any) -> Any:
    """Looks that see this, as far as they are shown it."""

    def look(inputs: Any, request: Any) -> dict[str, Any]:
        shown = [
            {"start_seconds": a, "stop_seconds": b, "text": text}
            for a, b, text in seen
            if any(s.overlaps(Span(a, b)) for s in inputs.spans)
        ]
        return {"observations": shown, "conclusion": "c", "confidence": 4, **fields}

    return look


def checks(asked: Any) -> list[Any]:
    return [r for r in asked.mind.requests if r.prompt.name == "verify"]


def texts(request: Any) -> list[str]:
    return [s.text for s in request.inputs.statements]


async def test_claims_about_one_moment_share_a_call_and_have_each_a_verdict(film: SimpleNamespace) -> None:
    """Four things that somebody wears were four calls with the same three frames."""
    words = ["a hat", "a red coat", "dark shoes", "blue trousers"]
    mind = film.mind(words=("Field 3.",), handlers={"global_intention": planning((30, 40))})
    mind.handlers["answer"] = answering(*((word, "Field 3.") for word in words))
    mind.handlers["verify"] = lambda i, r: {
        "verdict": "no" if "shoes" in i.statements[0].text else "yes",
        "seen": i.statements[0].text,
    }
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    first, *again = checks(asked)
    assert texts(first) == [f"{word}?" for word in words]
    assert len(first.inputs.frame_times) >= 3 and len(first.pictures) <= 6
    user = first.prompt.render(first.inputs).user
    assert "3 (about 30.00 to 40.00 s): dark shoes?" in user
    assert [texts(r) for r in again] == [["dark shoes?"]], "a no is asked again, of that one alone"
    assert not set(again[0].inputs.frame_times) & set(first.inputs.frame_times), "and of other frames"
    assert [c.holds for c in asked.answer.claims] == [True, True, False, True]


async def test_at_most_four_statements_stand_in_a_call(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 3.",), handlers={"global_intention": planning((30, 40))})
    mind.handlers["answer"] = answering(*((f"thing {n}", "Field 3.") for n in range(9)))
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert sorted(len(texts(r)) for r in checks(asked)) == [1, 4, 4]
    assert [s.holds for s in asked.answer.claims] == [True] * 9 and asked.answer.verified


@pytest.mark.parametrize(
    ("second", "moments"),
    [((31.0, 39.0), 0), ((34.0, 44.0), 2), ((38.0, 40.0), 2), ((50.0, 60.0), 2)],
    ids=["most of it", "a lesser part", "its end", "elsewhere"],
)
async def test_claims_share_frames_only_where_they_cite_the_same_for_the_most_part(
    film: SimpleNamespace, second: tuple[float, float], moments: int
) -> None:
    """A moment of two seconds needs frames of its own, and not those of the ten around it."""
    mind = film.mind(words=("Field 9.",))
    mind.handlers["global_intention"] = planning((30, 60))
    mind.handlers["look_local"] = looking((30.0, 40.0, "A kite."), (*second, "A dog."))
    mind.handlers["answer"] = answering(("kite", "A kite."), ("dog", "A dog."))
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    (check,) = checks(asked)
    assert [s.moment for s in check.inputs.statements] == ([1, 2] if moments else [0, 0])
    for moment in range(1, moments + 1):
        own = [p.time_seconds for p in check.pictures if p.label.startswith(f"moment {moment}: ")]
        spans = check.inputs.statements[moment - 1].spans
        assert len(own) >= 3 and all(any(s.padded(0.1).contains(t) for s in spans) for t in own)
    near = {"kite?": Span(29.0, 41.0), "dog?": Span(second[0] - 3, second[1] + 3)}
    for statement in check.inputs.statements:
        own = near[statement.text]
        assert statement.spans, "its own, and not those of the others"
        assert all(
            own.start_seconds <= s.start_seconds and s.stop_seconds <= own.stop_seconds
            for s in statement.spans
        )


ORDER = [(30.0, 30.5, "A kite."), (50.0, 50.5, "A dog."), (70.0, 70.5, "A cat."), (90.0, 90.5, "A cow.")]


def ordering(film: SimpleNamespace, **handlers: Any) -> Any:
    """Four things, each seen at a moment of its own."""
    mind = film.mind(words=("Field 9.",), handlers=handlers)
    mind.handlers["global_intention"] = planning(*((a, a + 5) for a, _, _ in ORDER))
    mind.handlers["look_local"] = looking(*ORDER)
    mind.handlers["answer"] = answering(*((text, text) for _, _, text in ORDER))
    return mind


async def test_claims_about_several_moments_share_a_call_and_have_each_pictures_of_their_own(
    film: SimpleNamespace,
) -> None:
    """An order of events had a call for each of them, whose instructions cost more than the pictures."""
    mind = ordering(film)
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if "dog" in i.statements[0].text else "yes"}
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    first, *again = checks(asked)
    assert texts(first) == [f"{text}?" for _, _, text in ORDER]
    assert len(first.pictures) <= 12
    user = first.prompt.render(first.inputs).user
    for moment, (start, stop, text) in enumerate(ORDER, start=1):
        assert (
            f"\n{moment} (moment {moment}, about {start - 0.88:.2f} to {start + 1.12:.2f} s): {text}?" in user
        )
        own = [p for p in first.pictures if p.label.startswith(f"moment {moment}: ")]
        assert own and all(start - 1 <= p.time_seconds <= stop + 1 for p in own)
    assert [texts(r) for r in again] == [["A dog.?"]], "a no is asked again, of that one alone"
    assert all(48 < p.time_seconds < 53 for p in again[0].pictures), "and is shown its own moment alone"
    assert [c.holds for c in asked.answer.claims] == [True, False, True, True]


async def test_a_moment_whose_frames_are_lost_is_open_and_no_other(film: SimpleNamespace) -> None:
    frames = film.frames()
    mind = ordering(film)
    answers = mind.handlers["answer"]

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        frames.broken = [(48.0, 53.0)]
        return answers(inputs, request)

    mind.handlers["answer"] = answer
    asked = await film.run(mind, film.index(CAPTIONS), frames=frames, max_rounds=1)
    (check,) = checks(asked)
    assert [s.text for s in check.inputs.statements] == ["A kite.?", "A cat.?", "A cow.?"]
    assert [s.moment for s in check.inputs.statements] == [1, 2, 3]
    held = {c.text: c.holds for c in asked.answer.claims}
    assert held.pop("A dog.") is None
    assert list(held.values()) == [True, True, True]


async def test_a_time_that_is_put_right_lies_in_the_moment_of_its_claim(film: SimpleNamespace) -> None:
    """Frames of the other moments are no place for it."""

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        every = [p.time_seconds for p in request.pictures]
        return {"verdict": "other_time", "shown_seconds": [min(every), max(every)]}

    mind = ordering(film, verify=verify)
    mind.handlers["global_intention"] = planning(*((a, a + 3) for a, _, _ in ORDER), look="ends")
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=2)
    known = [n for r in asked.mind.requests if r.prompt.name == "answer" for n in r.inputs.held]
    assert len(known) == len(ORDER)
    for (start, stop, _), held in zip(ORDER, known, strict=True):
        assert all(start - 1.1 <= s.start_seconds and s.stop_seconds <= stop + 1.1 for s in held.spans)


async def test_what_several_cues_say_is_read_in_one_call(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Pip ate it", "Goodbye"))
    mind.handlers["answer"] = answering(
        ("Mara says that Pip ate it", "Pip ate it"), ("Ben leaves", "Goodbye")
    )
    (check,) = checks(await film.run(mind, talking(film), max_rounds=1))
    assert not check.pictures and [s.moment for s in check.inputs.statements] == [0, 0]
    assert {c.text for c in check.inputs.cues} >= {"Pip ate it.", "Goodbye."}


async def test_a_negated_claim_shares_a_call_with_what_is_there(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 3.",), handlers={"global_intention": planning((30, 40))})
    negated = {"text": "hat", "cites": "Field 3.", "negated": True}
    mind.handlers["answer"] = answering(("coat", "Field 3."), negated)
    mind.handlers["verify"] = lambda i, r: {"verdict": "no" if "hat" in i.statements[0].text else "yes"}
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert [texts(r) for r in checks(asked)] == [["coat?", "hat?"]]
    assert [c.holds for c in asked.answer.claims] == [True, True]


async def test_a_time_that_is_put_right_is_that_of_its_statement(film: SimpleNamespace) -> None:
    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        if "kite" in inputs.statements[0].text:
            return {"verdict": "yes"}
        first, second = inputs.frame_times[:2]
        return {
            "verdict": "other_time", "seen": "Later.", "shown_seconds": [first, second]
        }  # fmt: skip

    mind = film.mind(words=("Field 3.",), handlers={"verify": verify})
    mind.handlers["global_intention"] = planning((30, 40), look="ends")
    mind.handlers["answer"] = answering(("kite", "Field 3."), ("dog", "Field 3."))
    asked = await film.run(mind, film.index(CAPTIONS))
    (held,) = {tuple(i.held) for i in asked.mind.inputs("answer") if i.held}
    first, second = checks(asked)[0].inputs.frame_times[:2]
    assert [(h.text, h.spans) for h in held] == [
        ("kite", (Span(30.0, 40.0),)),
        ("dog", (Span(first, second),)),
    ]


async def test_a_call_that_fails_leaves_all_of_its_claims_unchecked_and_says_so(
    film: SimpleNamespace,
) -> None:
    mind = film.mind(words=("Field 3.", "Field 7."))
    mind.handlers["global_intention"] = planning((30, 40), (70, 80))
    mind.handlers["answer"] = answering(("kite", "Field 3."), ("dog", "Field 3."), ("cat", "Field 7."))
    mind.handlers["verify"] = lambda i, r: (
        {"verdict": "yes"} if [s.text for s in r.inputs.statements] == ["cat?"] else ModelRefused("filtered")
    )
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert [c.holds for c in asked.answer.claims] == [None, None, True]
    (unseen,) = [u for u in asked.answer.unseen if "could not be checked" in u.reason]
    assert unseen.span == Span(30.0, 40.0)


async def test_the_claims_of_a_call_that_is_not_paid_for_are_all_told(film: SimpleNamespace) -> None:
    """The bound on pictures holds for calls, and none of their claims goes unsaid."""
    captions = [f"Field {n}." for n in range(40)]
    claims = [(f"kite {n}", f"Field {n}.") for n in range(10, 40)]
    claims += [(f"dog {n}", f"Field {n}.") for n in range(30, 40)]
    mind = film.mind(words=tuple(f"Field {n}." for n in range(10, 40)))
    mind.handlers["answer"] = answering(*claims)
    asked = await film.run(mind, film.index(captions), max_rounds=1)
    assert sum(len(r.pictures) for r in asked.mind.requests) <= 60
    asked_of = sum(len(texts(r)) for r in checks(asked))
    open_ = [c for c in asked.answer.claims if c.holds is None]
    assert 0 < len(open_) == 40 - asked_of
    assert any("was not checked" in u.reason for u in asked.answer.unseen)


async def test_exemplars_are_of_all_whom_the_statements_name(film: SimpleNamespace) -> None:
    cast = [
        Entity(name=f"person_{n}", kind="person", description=f"coat {n}", exemplar_seconds=float(n))
        for n in (1, 2, 3)
    ]
    mind = film.mind(words=("Field 3.",), handlers={"global_intention": planning((30, 40))})
    mind.handlers["answer"] = answering(("<person_1> waves", "Field 3."), ("<person_2> sits", "Field 3."))
    asked = await film.run(mind, film.index(CAPTIONS, entities=cast), max_rounds=1)
    (check,) = checks(asked)
    assert set(check.inputs.exemplars) == {"person_1", "person_2"}
    assert [e.name for e in check.inputs.entities] == ["person_1", "person_2"]
    assert len(check.inputs.frame_times) >= 3, "what lasts is still seen from end to end"


def test_each_statement_needs_one_verdict() -> None:
    inputs = VerifyInputs(
        statements=(Statement(text="a"), Statement(text="b")), spans=(Span(0, 1),), frame_times=()
    )

    def reply(*numbers: int) -> VerifyReply:
        made = [{"number": n, "verdict": "yes", "seen": str(n)} for n in numbers]
        return VerifyReply.model_validate({"checks": made}, context={"inputs": inputs})

    assert [c.number for c in reply(2, 1).checks] == [1, 2]
    for numbers in ((1,), (1, 1), (0, 1), (1, 2, 3), ()):
        with pytest.raises(ValidationError, match="statement"):
            reply(*numbers)


# speech -------------------------------------------------------------------------------------------


TALK = [
    (28.0, 29.5, None, "Where is my mackerel?"),
    (30.0, 32.0, "Mara", "Pip ate it."),
    (33.0, 34.0, "Ben", "All of it?"),
    (90.0, 92.0, "Ben", "Goodbye."),
]


def talking(film: SimpleNamespace, *, speakers: bool = True) -> Any:
    index = film.index(CAPTIONS)
    cues = tuple(
        Cue(start_seconds=a, stop_seconds=b, text=text, speaker=who if speakers else None)
        for a, b, who, text in TALK
    )
    return index.model_copy(update={"cues": cues})


async def test_what_is_said_is_read_with_the_cues_around_it_and_without_pictures(
    film: SimpleNamespace,
) -> None:
    """One line alone did not tell, and a second round was paid."""
    mind = film.mind(words=("Pip ate it", "Field 5."))
    mind.handlers["answer"] = answering(("Mara says that Pip ate it", "Pip ate it"), ("kite", "Field 5."))
    asked = await film.run(mind, talking(film))
    said, seen = sorted(checks(asked), key=lambda r: r.inputs.spans[0].start_seconds)
    assert [c.text for c in said.inputs.cues] == [text for _, _, _, text in TALK[:3]]
    assert not said.pictures and said.inputs.statements[0].spans == (Span(30.0, 32.0),)
    assert "Mara: Pip ate it." in said.prompt.render(said.inputs).user
    assert seen.pictures
    assert asked.answer.verified, "what is seen was held against frames, and what is said against the cues"


async def test_who_speaks_is_looked_at_where_the_cues_do_not_tell(film: SimpleNamespace) -> None:
    cast = [Entity(name="person_1", kind="person", description="a hat", exemplar_seconds=1.0)]
    for speakers in (True, False):
        mind = film.mind(words=("Pip ate it",))
        mind.handlers["answer"] = answering(("<person_1> says that Pip ate it", "Pip ate it"))
        index = talking(film, speakers=speakers).model_copy(update={"entities": tuple(cast)})
        (check,) = checks(await film.run(mind, index))
        assert bool(check.pictures) is not speakers


@pytest.mark.parametrize("first", ["unclear", "no"])
async def test_what_cues_do_not_tell_is_looked_at_in_the_same_round(
    film: SimpleNamespace, first: str
) -> None:
    mind = film.mind(words=("Pip ate it",))
    mind.handlers["answer"] = answering(("The plate is empty", "Pip ate it"))
    mind.handlers["verify"] = lambda i, r: {"verdict": "yes" if i.frame_times else first}
    asked = await film.run(mind, talking(film), max_rounds=1)
    assert [bool(r.pictures) for r in checks(asked)] == [False, True]
    # Two that differ leave it open.
    assert asked.answer.claims[0].holds is (True if first == "unclear" else None)


async def test_cues_are_only_said_to_follow_where_they_do(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Pip ate it", "Field 5."))
    asked = await film.run(mind, talking(film))
    told = {"goals": set[str](), "whole_intention": set[str](), "answer": set[str](), "verify": set[str]()}
    for request in asked.mind.requests:
        shown = len(getattr(request.inputs, "cues", ()))
        assert (request.inputs.speech == "cues follow") is bool(shown), request.prompt.name
        told.setdefault(request.prompt.name, set()).add(request.inputs.speech)
    assert told["goals"] == told["answer"] == {"transcribed"}
    assert told["verify"] == {"cues follow", "none"} and told["whole_intention"] == {"cues follow"}


async def test_evidence_of_a_cue_keeps_who_says_it(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Pip ate it",))
    asked = await film.run(mind, talking(film), effort="low")
    (line,) = asked.mind.inputs("answer")[0].evidence
    assert (line.source, line.speaker) == ("cue", "Mara")
    answer = next(r for r in asked.mind.requests if r.prompt.name == "answer")
    assert re.search(r"e1 \(30.00, 32.00\) cue of Mara: Pip ate it", answer.prompt.render(answer.inputs).user)
    assert [e.speaker for e in asked.answer.evidence] == ["Mara"]
    assert "cue: Mara: Pip ate it." in str(asked.answer)


# texts --------------------------------------------------------------------------------------------


class Wide:
    """Frames at the source's size."""

    def at(self, times_seconds: list[float]) -> list[Frame]:
        return [frame_of(Image.new("RGB", (1920, 1080)), time) for time in times_seconds]


@pytest.mark.parametrize(("look", "checked", "pictures"), [("glance", "OPEN", 3), ("glance", "A man", 9), ("dense", "OPEN", 12), ("text", "OPEN", 9)])  # fmt: skip
async def test_a_text_that_stands_still_is_checked_on_one_frame(
    film: SimpleNamespace, look: str, checked: str, pictures: int
) -> None:
    """Three large signs that stood for ten seconds took nine frames; crops of one frame serve small ones."""
    signs = {n: (n * 10 + 1.0, n * 10 + 9.0, f"OPEN {n}") for n in (1, 4, 7)}
    mind = film.mind(words=("Field 1.", "Field 4.", "Field 7."))
    mind.handlers["global_intention"] = planning((10, 20), (40, 50), (70, 80), look=look)
    mind.handlers["answer"] = answering(*((f"{checked} {n} is there", f"Field {n}.") for n in signs))
    mind.handlers["verify"] = lambda i, r: {"verdict": "yes"}
    asked = await film.run(mind, film.index(CAPTIONS, signs=signs), closeups=Wide())
    shown = [p for r in checks(asked) for p in r.pictures]
    assert len(shown) == pictures
    whole = [p.time_seconds for p in shown if "crop" not in p.label]
    assert len(whole) == (pictures if look == "dense" or checked != "OPEN" else 3)
    if checked == "OPEN" and look != "dense":
        assert all(signs[int(t // 10)][0] <= t <= signs[int(t // 10)][1] for t in whole)
    assert asked.answer.verified


async def test_a_text_that_one_frame_does_not_tell_is_looked_at_closely(film: SimpleNamespace) -> None:
    mind = film.mind(words=("Field 1.",), handlers={"global_intention": planning((10, 20), look="glance")})
    mind.handlers["answer"] = answering(("OPEN 7 is there", "Field 1."))
    mind.handlers["verify"] = lambda i, r: {"verdict": "unclear" if len(r.pictures) == 1 else "yes"}
    asked = await film.run(mind, film.index(CAPTIONS, signs={1: (11.0, 19.0, "OPEN 7")}))
    first, second, *_ = checks(asked)
    assert len(first.pictures) == 1 < len(second.pictures)
    assert asked.answer.verified


# what is not there --------------------------------------------------------------------------------


def absent(confidence: int, **fields: Any) -> Any:
    nothing = {"observations": [], "conclusion": "No cat is seen.", "sees": "absent"}
    return lambda i, r: {**nothing, "confidence": confidence, **fields}


async def test_what_a_look_does_not_find_can_be_cited_for_what_it_was_shown(film: SimpleNamespace) -> None:
    """ "No cat" had to cite a dog."""
    dog = {"start_seconds": 20.0, "stop_seconds": 25.0, "text": "A dog."}
    mind = film.mind(words=("Field 1.",), handlers={"global_intention": planning((10, 80), (100, 110))})
    mind.handlers["look_local"] = absent(4, observations=[dog])
    mind.handlers["answer"] = answering(
        {"text": "cat", "cites": "No cat", "negated": True}, answer="No", basis="absent"
    )
    mind.handlers["verify"] = lambda i, r: {"verdict": "no", "seen": "no cat"}
    asked = await film.run(mind, film.index(CAPTIONS), "Is a cat seen?")
    cited = {(e.source, e.span, e.quote) for e in asked.answer.evidence}
    frames = [t for i in asked.mind.inputs("look_local") for t in i.frame_times]
    counts = sum(t < 90 for t in frames), sum(t > 90 for t in frames)
    told = [f"No cat is seen. (looked for in {n} frames: here: Is a cat seen?)" for n in counts]
    assert {(source, quote) for source, _, quote in cited} == {("frame", quote) for quote in told}
    for span in (span for _, span, _ in cited):
        beside = [t for t in frames if span.padded(1.6).contains(t)]
        assert span.start_seconds <= beside[0] and beside[-1] <= span.stop_seconds
        assert span.duration_seconds <= beside[-1] - beside[0] + 3.0, "no more than was shown"
    (check,) = checks(asked)
    assert check.inputs.sampled and len(check.inputs.frame_times) > 6, "each scene of a long span"
    assert {t // 10 for t in check.inputs.frame_times} == {1, 2, 3, 4, 5, 6, 7, 10}
    assert asked.answer.verified and all(quote in str(asked.answer) for quote in told)


@pytest.mark.parametrize("look", ["glance", "dense"])
async def test_what_one_frame_does_not_show_is_absent_from_its_moment_alone(
    film: SimpleNamespace, look: str
) -> None:
    """One frame at 2:11 stood for thirteen seconds of a camera that turns, and might have for half a minute."""
    mind = film.mind(words=("quay",), handlers={"look_local": absent(5)})
    mind.handlers["global_intention"] = planning((30, 43), look=look)
    index = film.index(["", "", "", "A quay.", "A sea."], duration_seconds=60)
    asked = await film.run(mind, index, "Is a cat seen?", effort="medium")
    (shown,) = mind.inputs("look_local")
    (answer,) = [r for r in asked.mind.requests if r.prompt.name == "answer"]
    (seen,) = [e for e in answer.inputs.evidence if "looked for" in e.quote]
    count = len(shown.frame_times)
    told = "1 frame" if count == 1 else f"{count} frames"
    assert (count < 3) is (look == "glance") and f"(looked for in {told}: " in seen.quote
    assert f"(30.00, 43.00) absent in {told}, confidence 5" in answer.prompt.render(answer.inputs).user
    first, last = shown.frame_times[0], shown.frame_times[-1]
    assert (seen.start_seconds, seen.stop_seconds) == (max(first - 1.5, 30.0), min(last + 1.5, 43.0))


async def test_a_doubtful_look_is_no_evidence_that_something_is_not_there(film: SimpleNamespace) -> None:
    for confidence in (2, 3):
        mind = film.mind(handlers={"global_intention": planning((20, 60)), "look_local": absent(confidence)})
        asked = await film.run(mind, film.index(CAPTIONS), "Is a cat seen?", effort="medium")
        evidence = [e for i in asked.mind.inputs("answer") for e in i.evidence if "looked for" in e.quote]
        assert bool(evidence) is (confidence == 3)


async def test_an_absence_covers_no_frame_that_could_not_be_read(film: SimpleNamespace) -> None:
    mind = film.mind(handlers={"global_intention": planning((20, 40), (60, 80)), "look_local": absent(5)})
    asked = await film.run(
        mind, film.index(CAPTIONS), "Is a cat seen?", frames=film.frames(broken=[(55, 85)]), effort="medium"
    )
    evidence = [e for e in asked.mind.inputs("answer")[0].evidence if "looked for" in e.quote]
    assert [(e.start_seconds, e.stop_seconds) for e in evidence] == [(20.0, 40.0)]
    assert any(u.span.overlaps(Span(60.0, 80.0)) for u in asked.answer.unseen)


async def test_who_is_said_to_say_it_is_named_and_not_described_to_whoever_reads_cues(
    film: SimpleNamespace,
) -> None:
    """ "The woman in the grey coat says": no cue tells who wears what."""
    mara = Entity(
        name="person_1", kind="person", description="a grey coat", exemplar_seconds=1.0, display_name="Mara"
    )
    index = talking(film).model_copy(update={"entities": (mara,)})
    mind = film.mind(words=("Pip ate it",))

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        (cue,) = [e.id for e in inputs.evidence if "Pip ate it" in e.quote]
        claim = {
            "text": "<person_1> says that Pip ate it.",
            "citations": [{"evidence_id": cue}],
            "check": "Does the woman in the grey coat say that Pip ate it?",
        }
        return {"found": True, "answer": "Pip", "confidence": 4, "claims": [claim]}

    mind.handlers["answer"] = answer
    (check,) = checks(await film.run(mind, index, max_rounds=1))
    assert texts(check) == ["<person_1> says that Pip ate it."] and not check.pictures
    user = check.prompt.render(check.inputs).user
    assert "<person_1> called Mara" in user, "whom the cues call so"


async def test_what_a_check_of_speech_does_not_tell_is_not_looked_at_more_closely(
    film: SimpleNamespace,
) -> None:
    cast = [Entity(name="person_1", kind="person", description="a hat", exemplar_seconds=1.0)]
    mind = film.mind(words=("Pip ate it",), handlers={"verify": lambda i, r: {"verdict": "unclear"}})
    mind.handlers["answer"] = answering(("<person_1> says that Pip ate it", "Pip ate it"))
    index = talking(film, speakers=False).model_copy(update={"entities": tuple(cast)})
    asked = await film.run(mind, index, max_rounds=1)
    assert [len(r.pictures) for r in checks(asked)] == [2, 2]
