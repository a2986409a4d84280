"""Claims that fresh pixels deny are learnt from; the rounds end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mrvideo.records import Span

CAPTIONS = ["A balloon, said to be red.", "Field.", "A balloon, said to be blue.", "Field."]


def picks(word_by_round: list[str]) -> Any:
    """An answer that rests on the evidence with the round's word."""

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        word = word_by_round[min(len(inputs.learnt), len(word_by_round) - 1)]
        (evidence,) = [e for e in inputs.evidence if word in e.quote]
        return {
            "found": True,
            "answer": word,
            "confidence": 5,
            "claims": [
                {
                    "text": f"It is {word}.",
                    "citations": [{"evidence_id": evidence.id}],
                    "check": f"Is it {word}?",
                }
            ],
        }

    return answer


def says(**verdicts: str) -> Any:
    """A verifier that knows a verdict per word."""
    return lambda inputs, request: {
        "verdict": next(v for word, v in verdicts.items() if word in inputs.check),
        "seen": "I see what I see",
    }


async def test_a_denied_claim_sends_the_run_back_to_the_plan_with_what_was_learnt(
    film: SimpleNamespace,
) -> None:
    mind = film.mind(
        words=("balloon",), handlers={"answer": picks(["red", "blue"]), "verify": says(red="no", blue="yes")}
    )
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.answer, asked.answer.rounds, asked.answer.verified) == ("blue", 2, True)
    first, second = mind.inputs("global_intention")
    assert first.learnt == ()
    assert second.learnt == ("It is red. (cited: 0:00.0; a fresh look: no. I see what I see)",)
    assert mind.asked().count("segment_intention") == 1, "segments are read once"
    assert [e.span for e in asked.answer.evidence] == [Span(20.0, 30.0)]


async def test_rounds_end_and_the_last_answer_says_that_it_did_not_hold(film: SimpleNamespace) -> None:
    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": says(red="no")})
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=3)
    assert asked.answer.rounds == 3
    assert asked.answer.answer == "red"
    assert asked.answer.claims[0].holds is False
    assert not asked.answer.verified
    assert asked.answer.confidence == 1


async def test_one_round_is_one_round(film: SimpleNamespace) -> None:
    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": says(red="no")})
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert asked.answer.rounds == 1
    assert mind.asked().count("global_intention") == 1
    assert asked.answer.claims[0].holds is False


async def test_unclear_is_neither_yes_nor_another_round(film: SimpleNamespace) -> None:
    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": says(red="unclear")})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.rounds, asked.answer.verified, asked.answer.claims[0].holds) == (1, False, None)
    assert asked.answer.confidence == 5


async def test_one_claim_that_stays_open_keeps_the_answer_from_being_verified(film: SimpleNamespace) -> None:
    mind = film.mind(words=("balloon",), handlers={"verify": says(red="yes", blue="unclear")})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert sorted(str(c.holds) for c in asked.answer.claims) == ["None", "True"]
    assert not asked.answer.verified


async def test_a_check_that_fails_leaves_the_claim_open_and_its_span_unseen(film: SimpleNamespace) -> None:
    from mrvideo.errors import ModelRefused

    mind = film.mind(
        words=("balloon",),
        handlers={"answer": picks(["red"]), "verify": lambda i, r: ModelRefused("filtered")},
    )
    asked = await film.run(mind, film.index(CAPTIONS))
    assert asked.answer.claims[0].holds is None
    assert not asked.answer.verified
    assert any(u.span == Span(0.0, 10.0) and "filtered" in u.reason for u in asked.answer.unseen)


async def test_a_yes_to_a_part_of_the_cited_spans_is_no_verification(film: SimpleNamespace) -> None:
    """'Three balloons' is not checked by frames of two of them."""

    def answer(inputs: Any, request: Any) -> dict[str, Any]:
        cited = [{"evidence_id": e.id} for e in inputs.evidence]
        claims = [{"text": "Two balloons.", "citations": cited, "check": "Are there two?"}]
        return {"found": True, "answer": "2", "confidence": 5, "claims": claims}

    mind = film.mind(words=("balloon",), handlers={"answer": answer})
    whole = await film.run(mind, film.index(CAPTIONS))
    assert whole.answer.verified
    part = await film.run(mind, film.index(CAPTIONS), frames=film.frames(broken=[(0.0, 10.0)]))
    assert part.answer.claims[0].holds is None
    assert not part.answer.verified


async def test_a_second_round_does_not_forget_what_the_first_one_saw(film: SimpleNamespace) -> None:
    looked: list[int] = []

    def look(inputs: Any, request: Any) -> dict[str, Any]:
        looked.append(1)
        text = f"Look number {len(looked)}."
        seen = [{"start_seconds": inputs.frame_times[0], "stop_seconds": inputs.frame_times[0], "text": text}]
        return {"observations": seen, "conclusion": "c", "confidence": 3}

    mind = film.mind(
        words=("said to be",),
        handlers={"look_local": look, "answer": picks(["red", "blue"]), "verify": says(red="no", blue="yes")},
    )
    await film.run(mind, film.index(CAPTIONS))
    quotes = [e.quote for e in mind.inputs("answer")[1].evidence]
    assert "Look number 1." in quotes
    assert "Look number 3." in quotes


async def test_a_no_needs_a_second_one_from_other_frames(film: SimpleNamespace) -> None:
    """One look that misses something must not unmake what two others saw."""
    shown: list[tuple[float, ...]] = []

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        shown.append(inputs.frame_times)
        return {"verdict": "no" if len(shown) == 1 else "yes", "seen": "s"}

    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": verify})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.rounds, asked.answer.claims[0].holds, asked.answer.verified) == (1, None, False)
    looked = {t for i in mind.inputs("look_local") for t in i.frame_times}
    assert len(shown) == 2
    assert set(shown[0]).isdisjoint(shown[1])
    assert looked.isdisjoint(shown[0] + shown[1]), "a check sees pixels that no look was shown"


async def test_a_round_that_spent_its_spare_call_takes_the_first_no(film: SimpleNamespace) -> None:
    def answer(inputs: Any, request: Any) -> Any:
        if not inputs.problem and not inputs.learnt:
            return {"found": True, "answer": "x", "confidence": 5, "claims": []}
        return picks(["red"])(inputs, request)

    mind = film.mind(words=("balloon",), handlers={"answer": answer, "verify": says(red="no")})
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert mind.asked().count("answer") == 2
    assert mind.asked().count("verify") == 1
    assert asked.answer.claims[0].holds is False


# exemplars ------------------------------------------------------------------------------------------


async def test_looks_and_checks_show_who_is_meant(film: SimpleNamespace) -> None:
    from mrvideo.records import Entity

    cast = [
        Entity(name=f"person_{n}", kind="person", description="a twin", exemplar_seconds=n + 0.5)
        for n in range(1, 13)
    ]
    index = film.index(["<person_2> holds a balloon.", "Field."], entities=cast)
    named = tuple(f"person_{n}" for n in range(1, 13))
    scenes = (index.scenes[0].model_copy(update={"entity_names": named}), index.scenes[1])
    index = index.model_copy(update={"scenes": scenes})
    mind = film.mind(words=("balloon",))
    await film.run(mind, index)
    for request in mind.requests:
        if request.prompt.name in ("look_local", "look_global", "verify"):
            labels = [p.label for p in request.pictures]
            exemplars = [label for label in labels if label.startswith("<")]
            assert len(exemplars) == 8
            assert labels[:8] == exemplars, "exemplars come first"
            assert len(labels) <= 40
            assert {e.name for e in request.inputs.entities} >= {e.strip("<>") for e in exemplars}
            assert len(request.inputs.frame_times) == len(labels) - 8
    check = next(r for r in mind.requests if r.prompt.name == "verify")
    assert check.pictures[0].label == "<person_2>", "whom the claim names comes first"
    assert check.pictures[0].time_seconds == 2.5


async def test_a_model_of_few_images_spends_them_on_the_span(film: SimpleNamespace) -> None:
    from mrvideo.models.base import Abilities
    from mrvideo.records import Entity

    cast = [Entity(name="person_1", kind="person", description="d", exemplar_seconds=1.0)]
    index = film.index(["<person_1> holds a balloon."], entities=cast)
    mind = film.mind(words=("balloon",), abilities=Abilities(look_images=8, max_images=8))
    await film.run(mind, index)
    assert not [p.label for r in mind.requests for p in r.pictures if p.label.startswith("<")]
