"""Checks of claims: what shares a call, what is asked alone, and what is read where somebody speaks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from mrvideo.errors import ModelRefused
from mrvideo.records import Entity, Span
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
    ("second", "calls"),
    [((31.0, 39.0), 1), ((34.0, 44.0), 2), ((38.0, 40.0), 2), ((50.0, 60.0), 2)],
    ids=["most of it", "a lesser part", "its end", "elsewhere"],
)
async def test_claims_share_frames_only_where_they_cite_the_same_for_the_most_part(
    film: SimpleNamespace, second: tuple[float, float], calls: int
) -> None:
    """A moment of two seconds needs frames of its own, and not those of the ten around it."""
    mind = film.mind(words=("Field 9.",))
    mind.handlers["global_intention"] = planning((30, 60))
    mind.handlers["look_local"] = looking((30.0, 40.0, "A kite."), (*second, "A dog."))
    mind.handlers["answer"] = answering(("kite", "A kite."), ("dog", "A dog."))
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert len(checks(asked)) == calls
    near = {"kite?": Span(29.0, 41.0), "dog?": Span(second[0] - 3, second[1] + 3)}
    for statement in [s for request in checks(asked) for s in request.inputs.statements]:
        own = near[statement.text]
        assert statement.spans, "its own, and not those of the others"
        assert all(
            own.start_seconds <= s.start_seconds and s.stop_seconds <= own.stop_seconds
            for s in statement.spans
        )


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
            "verdict": "other_time", "seen": "Later.", "shown_start_seconds": first, "shown_stop_seconds": second
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
        ModelRefused("filtered") if "cat" not in i.statements[0].text else {"verdict": "yes"}
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
