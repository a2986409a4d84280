"""Rounds: what fresh pixels deny, leave open or find missing is learnt, the segments are read again, and it
ends.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from mrvideo.captioning.sheets import CELL_PIXELS, NAME_PIXELS
from mrvideo.media.images import frame_of, open_image
from mrvideo.records import Frame, Span

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
        "verdict": next(v for word, v in verdicts.items() if word in inputs.statements[0].text),
        "seen": "I see what I see",
    }


async def test_a_denied_claim_has_everything_read_and_planned_again_with_what_was_learnt(
    film: SimpleNamespace,
) -> None:
    mind = film.mind(
        words=("balloon",), handlers={"answer": picks(["red", "blue"]), "verify": says(red="no", blue="yes")}
    )
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.answer, asked.answer.rounds, asked.answer.verified) == ("blue", 2, True)
    first, second = mind.inputs("global_intention")
    assert first.learnt == ()
    assert second.learnt == ("It is red. (cited: 0.00–10.00 s; a fresh look: no. I see what I see)",)
    read_first, read_again = mind.inputs("segment_intention")
    assert (read_first.learnt, read_again.learnt) == ((), second.learnt)
    assert mind.asked().count("goals") == 1, "they hang on the question alone"
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
    assert mind.asked().count("whole_intention") == 1 and "global_intention" not in mind.asked()
    assert asked.answer.claims[0].holds is False


async def test_unclear_is_no_yes_and_is_looked_at_once_more(film: SimpleNamespace) -> None:
    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": says(red="unclear")})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.rounds, asked.answer.verified, asked.answer.claims[0].holds) == (2, False, None)
    assert asked.answer.confidence == 5
    first, second = mind.inputs("answer")
    assert (first.known, second.learnt) == ((), ()), "unclear is not denied"
    assert second.known == ("It is red. (cited: 0.00–10.00 s; a fresh look: unclear. I see what I see)",)


async def test_a_claim_at_which_nobody_could_look_is_no_reason_for_another_round(
    film: SimpleNamespace,
) -> None:
    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"])})
    asked = await film.run(mind, film.index(CAPTIONS), frames=film.frames(broken=[(0.0, 10.0)]))
    assert (asked.answer.rounds, asked.answer.claims[0].holds) == (1, None)


async def test_what_is_not_found_is_searched_once_more_in_other_frames(film: SimpleNamespace) -> None:
    def answer(inputs: Any, request: Any) -> Any:
        return picks(["red"])(inputs, request) if inputs.known else {"found": False, "confidence": 3}

    mind = film.mind(words=("balloon",), handlers={"answer": answer})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.answer, asked.answer.rounds, asked.answer.verified) == ("red", 2, True)
    first, again = mind.inputs("segment_intention")
    (note,) = again.known
    assert note.startswith("No answer was found. Looked at: 0.00–10.00 s, 20.00–30.00 s")
    assert first.known == ()
    looks = [r for r in mind.requests if r.prompt.name == "look_local"]
    times = [set(r.inputs.frame_times) for r in looks]
    assert len(times) == 2 and len(set.union(*times)) == sum(len(t) for t in times)


async def test_what_is_searched_across_the_video_again_is_what_no_look_has_shown(
    film: SimpleNamespace,
) -> None:
    """Both rounds took evenly spread shots, and of 40 some were shown twice and others never."""
    mind = film.mind(words=(), handlers={"answer": lambda i, r: {"found": False, "confidence": 3}})
    asked = await film.run(mind, film.index([f"Field {n}." for n in range(40)]))
    first, again = [r.inputs.frame_times for r in mind.requests if r.prompt.name == "look_global"]
    shots = [{int(time // 10) for time in times} for times in (first, again)]
    assert asked.answer.rounds == 2 and len(shots[1]) > 10 and not shots[0] & shots[1]


async def test_lower_efforts_and_a_single_round_do_not_search_again(film: SimpleNamespace) -> None:
    for arguments in ({"effort": "medium"}, {"effort": "low"}, {"max_rounds": 1}):
        mind = film.mind(
            words=("balloon",), handlers={"answer": lambda i, r: {"found": False, "confidence": 3}}
        )
        asked = await film.run(mind, film.index(CAPTIONS), **arguments)
        assert (asked.answer.rounds, asked.answer.answer) == (1, None)


async def test_who_was_taken_for_whom_is_known_to_every_segment_of_the_next_round(
    film: SimpleNamespace,
) -> None:
    """Only the segment in which somebody is called by name can tell; the others learn it."""

    def plan(inputs: Any, request: Any) -> dict[str, Any]:
        meant = [{"word": "Keiko", "entity": "person_4"}]
        return {
            "reasoning": "r", "combine": "select", "scope": "local", "spans": [], "characters": meant,
        }  # fmt: skip

    mind = film.mind(
        handlers={"global_intention": plan, "answer": lambda i, r: {"found": False, "confidence": 3}}
    )
    from mrvideo.records import Entity

    cast = [Entity(name="person_4", kind="person", description="d", exemplar_seconds=1.0)]
    index = film.index([f"Field {n}." for n in range(140)], entities=cast)
    there = {3, 130}
    scenes = [
        s.model_copy(update={"entity_names": ("person_4",) if s.index in there else ()}) for s in index.scenes
    ]
    await film.run(mind, index.model_copy(update={"scenes": tuple(scenes)}))
    again = mind.inputs("segment_intention")[3:]
    assert [inputs.segment_index for inputs in again] == [0, 2], "who is not there cannot be confused there"
    assert all('"Keiko" was taken to mean person_4' in inputs.known for inputs in again)


async def test_an_answer_left_standing_is_not_lost_to_a_later_round_that_finds_nothing(
    film: SimpleNamespace,
) -> None:
    def answer(inputs: Any, request: Any) -> Any:
        return {"found": False, "confidence": 3} if inputs.known else picks(["red"])(inputs, request)

    mind = film.mind(words=("balloon",), handlers={"answer": answer, "verify": says(red="unclear")})
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.rounds, asked.answer.answer) == (2, "red")
    assert asked.answer.evidence and not asked.answer.verified
    denied = film.mind(words=("balloon",), handlers={"answer": answer, "verify": says(red="no")})
    denied.handlers["answer"] = lambda i, r: (
        {"found": False, "confidence": 3} if i.learnt else picks(["red"])(i, r)
    )
    asked = await film.run(denied, film.index(CAPTIONS))
    assert (asked.answer.rounds, asked.answer.answer) == (2, None), "a denied answer is not brought back"


def counts(inputs: Any, request: Any) -> dict[str, Any]:
    """One occurrence for each piece of evidence."""
    claims = [
        {"text": f"{e.quote}", "citations": [{"evidence_id": e.id}], "check": f"Is it {e.quote}?"}
        for e in inputs.evidence
        if "balloon" in e.quote
    ]
    return {
        "found": True, "answer": str(len(claims)), "confidence": 5, "claims": claims,
        "rest_check": "Is another balloon seen?",
    }  # fmt: skip


async def test_what_a_count_leaves_out_is_found_by_a_check_of_the_rest(film: SimpleNamespace) -> None:
    """Each claim of a count may hold, and the count still be one short."""

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        if "another" not in inputs.statements[0].text:
            return {"verdict": "yes", "seen": "so it is"}
        # Whoever sees the one that is cited by then knows that it is no other.
        again = len([i for i in mind.inputs("verify") if "another" in i.statements[0].text]) > 1
        there = not again and any(32 <= time < 38 for time in inputs.frame_times)
        return {"verdict": "yes" if there else "no", "seen": "a balloon at 35 s" if there else ""}

    def look(inputs: Any, request: Any) -> dict[str, Any]:
        again = bool(mind.inputs("segment_intention")[-1].known)
        seen = [t for t in inputs.frame_times if 32 <= t < 38] if again else []
        found = [{"start_seconds": 32, "stop_seconds": 38, "text": "one more balloon"} for _ in seen[:1]]
        return {"observations": found, "conclusion": "c", "confidence": 4}

    def plan(inputs: Any, request: Any) -> dict[str, Any]:
        spans = [{"start_seconds": 0.0, "stop_seconds": 40.0 if inputs.known else 30.0}]
        return {"reasoning": "r", "combine": "sum", "scope": "local", "spans": spans}

    mind = film.mind(
        words=("balloon",),
        handlers={"answer": counts, "verify": verify, "look_local": look, "global_intention": plan},
    )
    asked = await film.run(mind, film.index(["A red balloon.", "Field.", "A blue balloon.", "Field."]))
    rests = [i for i in mind.inputs("verify") if "another" in i.statements[0].text]
    assert sorted({t // 10 for t in rests[0].frame_times}) == [1, 3], "the rest is what is not cited"
    assert not {0, 2} & {t // 10 for t in rests[1].frame_times}
    assert mind.inputs("segment_intention")[1].known[-1] == (
        "Left out, though a fresh look at 10.00–40.00 s saw it: a balloon at 35 s"
    )
    assert (asked.answer.answer, asked.answer.rounds, asked.answer.verified) == ("3", 2, True)
    mind.requests.clear()
    short = await film.run(
        mind, film.index(["A red balloon.", "Field.", "A blue balloon.", "Field."]), max_rounds=1
    )
    assert (short.answer.answer, short.answer.verified) == ("2", False), "all claims hold, yet one is missing"


async def test_a_segment_that_cannot_be_read_again_stands_as_it_was_read(film: SimpleNamespace) -> None:
    from mrvideo.errors import ModelBusy

    def read(inputs: Any, request: Any) -> Any:
        return ModelBusy("down") if inputs.learnt else None

    mind = film.mind(
        words=("balloon",),
        handlers={
            "segment_intention": read,
            "answer": picks(["red", "blue"]),
            "verify": says(red="no", blue="yes"),
        },
    )
    asked = await film.run(mind, film.index(CAPTIONS))
    assert (asked.answer.answer, asked.answer.rounds, asked.answer.verified) == ("blue", 2, True)
    assert asked.answer.unseen == ()
    assert "could not be read again" in asked.notices()


async def test_why_a_claim_stayed_open_is_handed_on_and_what_held_is_told_shortly(
    film: SimpleNamespace,
) -> None:
    """What decided the verdict stands at the end of what was seen, and was cut off."""
    long = (
        "A child runs over the field, seen from behind, in a coat and a cap; " * 8
        + "its hand hides the balloon."
    )

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        return (
            {"verdict": "yes", "seen": long}
            if "red" in inputs.statements[0].text
            else {"verdict": "unclear", "seen": long}
        )

    mind = film.mind(words=("balloon",), handlers={"verify": verify})
    await film.run(mind, film.index(CAPTIONS), max_rounds=2)
    assert mind.asked().count("whole_intention") == 1, "captions tell no more than before"
    red, blue = mind.inputs("global_intention")[-1].known
    assert red.endswith("(cited: 0.00–10.00 s; a fresh look: yes)")
    assert "(cited: 20.00–30.00 s; a fresh look: unclear. … " in blue
    assert blue.endswith("; its hand hides the balloon.)")
    assert len(blue) <= 400


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
    assert "Look number 2." in quotes


async def test_a_no_needs_a_second_one_from_other_frames(film: SimpleNamespace) -> None:
    """One look that misses something must not unmake what two others saw."""
    shown: list[tuple[float, ...]] = []

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        shown.append(inputs.frame_times)
        return {"verdict": "no" if len(shown) == 1 else "yes", "seen": "s"}

    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": verify})
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=1)
    assert (asked.answer.rounds, asked.answer.claims[0].holds, asked.answer.verified) == (1, None, False)
    looked = {t for i in mind.inputs("look_local") for t in i.frame_times}
    assert len(shown) == 2
    assert set(shown[0]).isdisjoint(shown[1])
    assert looked.isdisjoint(shown[0] + shown[1]), "a check sees pixels that no look was shown"


@pytest.mark.parametrize(("then", "rounds"), [("yes", 1), ("no", 2), ("unclear", 2)])
async def test_frames_that_do_not_tell_are_followed_by_closer_ones_before_all_is_done_again(
    film: SimpleNamespace, then: str, rounds: int
) -> None:
    """A true claim was unclear because its one frame hid it, and everything was read and planned again."""
    shown: list[Any] = []

    def verify(inputs: Any, request: Any) -> dict[str, Any]:
        shown.append(inputs)
        return {"verdict": "unclear" if len(shown) == 1 else then if len(shown) == 2 else "yes", "seen": "s"}

    mind = film.mind(words=("balloon",), handlers={"answer": picks(["red"]), "verify": verify})
    asked = await film.run(mind, film.index(CAPTIONS), max_rounds=2)
    assert asked.answer.rounds == rounds
    assert asked.answer.verified
    first, second = shown[:2]
    assert second.statements[0].text == first.statements[0].text
    assert second.spans == first.spans
    assert set(first.frame_times).isdisjoint(second.frame_times)
    assert second.context_times, "what comes just before or after"
    assert len(second.frame_times) + len(second.context_times) > len(first.frame_times)


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


async def test_looks_and_checks_show_those_who_are_named_and_nobody_else(film: SimpleNamespace) -> None:
    """Up to eight of fifteen pictures showed people whom the question is not about; twice the one it is about
    was missing.
    """
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
    mind.handlers["global_intention"] = lambda i, r: {
        **mind.global_intention(i),
        "characters": [{"word": "who", "entity": "person_3 to person_5"}],
    }
    await film.run(mind, index)
    exemplars = {
        r.prompt.name: [p.label for p in r.pictures if p.label.startswith("<")] for r in mind.requests
    }
    assert exemplars["look_local"] == ["<person_3>", "<person_4>", "<person_5>"]
    assert exemplars["verify"] == ["<person_2>"], "whom the claim names"
    look = next(r for r in mind.requests if r.prompt.name == "look_local")
    assert look.inputs.exemplars == ("person_3", "person_4", "person_5")
    labels = [p.label for p in look.pictures]
    assert labels[:3] == exemplars["look_local"], "exemplars come first"


async def test_whom_the_question_means_is_shown_as_other_stretches_saw_them_too(
    film: SimpleNamespace,
) -> None:
    """One exemplar may show somebody else; most of three decide, and the most different ones tell most."""
    from mrvideo.records import Entity, Mention

    def mention(shard: int, name: str, at: float) -> Mention:
        return Mention(
            start_seconds=at, stop_seconds=at, shard_index=shard, name=name, kind="person", description="d",
            exemplar_seconds=at,
        )  # fmt: skip

    one = tuple(mention(n, "person_a", n * 10 + 1.5) for n in range(4))
    other = tuple(mention(n, "person_b", n * 10 + 2.5) for n in range(4))
    cast = [
        Entity(
            name=f"person_{n}", kind="person", description="a twin", exemplar_seconds=who[0].exemplar_seconds,
            mention_ids=tuple(m.mention_id for m in who),
        )
        for n, who in enumerate((one, other), start=1)
    ]  # fmt: skip
    index = film.index(
        ["<person_2> holds a balloon by <person_1>.", "Field.", "Field.", "Field."], entities=cast
    )
    scene = index.scenes[0].model_copy(update={"entity_names": ("person_1", "person_2")})
    index = index.model_copy(update={"scenes": (scene, *index.scenes[1:]), "mentions": (*one, *other)})
    plain = film.mind(words=("balloon",))

    def plan(inputs: Any, request: Any) -> dict[str, Any]:
        return {**plain.global_intention(inputs), "characters": [{"word": "she", "entity": "person_2"}]}

    mind = film.mind(words=("balloon",), handlers={"global_intention": plan})
    await film.run(mind, index)
    look = next(r for r in mind.requests if r.prompt.name == "look_local")
    labels = [(p.label, p.time_seconds) for p in look.pictures if p.label.startswith("<")]
    assert labels == [("<person_2>", 2.5), ("<person_2> again", 32.5), ("<person_2> again", 12.5)]


async def test_those_who_are_found_by_a_box_stand_on_one_sheet_cut_to_it(film: SimpleNamespace) -> None:
    """Six exemplars were six whole frames, in which the one who is meant was small."""
    from mrvideo.records import Box, Entity

    box = Box(0.1, 0.3, 0.4, 0.7)
    cast = [
        Entity(name=f"person_{n}", kind="person", description="d", exemplar_seconds=n + 0.5, box=box)
        for n in range(1, 4)
    ]
    whole = Entity(name="person_4", kind="person", description="d", exemplar_seconds=5.5)
    index = film.index(["<person_1> holds a balloon.", "Field."], entities=[*cast, whole])
    mind = film.mind(words=("balloon",))
    mind.handlers["global_intention"] = lambda i, r: {
        **mind.global_intention(i),
        "characters": [{"word": "who", "entity": "person_1 to person_4"}],
    }

    class Quarters:
        """Red, green, blue and white quarters."""

        def at(self, times_seconds: list[float]) -> list[Frame]:
            image = Image.new("RGB", (320, 160))
            for corner, colour in zip(
                ((0, 0), (160, 0), (0, 80), (160, 80)), ("red", "lime", "blue", "white"), strict=True
            ):
                image.paste(colour, (*corner, corner[0] + 160, corner[1] + 80))
            return [frame_of(image, time) for time in times_seconds]

    await film.run(mind, index, frames=Quarters())
    look = next(r for r in mind.requests if r.prompt.name == "look_local")
    sheet, other, *frames = look.pictures
    assert sheet.label == "sheet, row 1: <person_1>, <person_2>, <person_3>"
    assert other.label == "<person_4>"
    assert not [p.label for p in frames if "person" in p.label]
    assert look.inputs.exemplars == ("person_1", "person_2", "person_3", "person_4")
    shown = open_image(Frame(0.0, sheet.jpeg, 1, 1))
    assert shown.height <= CELL_PIXELS + NAME_PIXELS and shown.width > 2 * CELL_PIXELS
    assert open_image(Frame(0.0, other.jpeg, 1, 1)).size == (320, 160)
    # Of the left half alone, over the border of its two colours.
    colours = {
        name: shown.getpixel((x, NAME_PIXELS + y)) for name, x, y in (("red", 20, 10), ("blue", 20, 80))
    }
    assert colours["red"][0] > 200 > 60 > colours["red"][2]
    assert colours["blue"][2] > 200 > 60 > colours["blue"][0]


async def test_a_model_of_few_images_spends_them_on_the_span(film: SimpleNamespace) -> None:
    from mrvideo.models.base import Capabilities
    from mrvideo.records import Entity

    cast = [Entity(name="person_1", kind="person", description="d", exemplar_seconds=1.0)]
    index = film.index(["<person_1> holds a balloon."], entities=cast)
    mind = film.mind(words=("balloon",), capabilities=Capabilities(look_images=8, max_images=8))
    await film.run(mind, index)
    assert not [p.label for r in mind.requests for p in r.pictures if p.label.startswith("<")]


async def test_photos_that_the_user_gave_stand_on_the_sheet(film: SimpleNamespace) -> None:
    from mrvideo.records import Box, Entity

    cast = [
        Entity(
            name=f"person_{n}",
            kind="person",
            description="d",
            exemplar_seconds=n + 0.5,
            photo="p" if n != 2 else None,
            box=Box(0.1, 0.3, 0.4, 0.7) if n < 3 else None,
        )
        for n in (1, 2, 3)
    ]
    index = film.index(["<person_1> holds a balloon.", "Field."], entities=cast)
    mind = film.mind(words=("balloon",))
    mind.handlers["global_intention"] = lambda i, r: {
        **mind.global_intention(i),
        "characters": [{"word": "who", "entity": "person_1 to person_3"}],
    }

    class Grey:
        """Nothing but grey."""

        def at(self, times_seconds: list[float]) -> list[Frame]:
            return [frame_of(Image.new("RGB", (320, 160), "grey"), time) for time in times_seconds]

    photo = frame_of(Image.new("RGB", (60, 60), "magenta"), 0.0).jpeg
    await film.run(mind, index, frames=Grey(), photos={"p": photo})
    look = next(r for r in mind.requests if r.prompt.name == "look_local")
    sheet, other = look.pictures[:2]
    assert sheet.label == (
        "sheet, row 1: <person_1> photo given by the user, <person_3> photo given by the user, <person_1>, <person_2>"
    )
    assert other.label == "<person_3>"
    assert look.inputs.exemplars == ("person_1", "person_3", "person_2")
    red, green, blue = open_image(Frame(0.0, sheet.jpeg, 1, 1)).getpixel((90, NAME_PIXELS + 90))
    assert red > 200 > 60 > green and blue > 200
