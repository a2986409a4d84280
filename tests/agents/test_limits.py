"""However long the video: few calls in a row, and no request beyond the model's context."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from mrvideo.agents.ask.calls import IMAGE_TOKENS, keep_within
from mrvideo.agents.ask.run import ask
from mrvideo.errors import RequestTooLarge
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.tokens import text_tokens


class Waves:
    """A model whose calls finish only when nothing else can run: calls of one wave ran side by side."""

    name = fingerprint = "waves"

    def __init__(self, mind: Any, capabilities: Capabilities) -> None:
        self.mind = mind
        self.capabilities = capabilities
        self.waves: list[list[str]] = []
        self._waiting: list[asyncio.Event] = []

    async def run(self, request: Request[Any]) -> Reply[Any]:
        done = asyncio.Event()
        self._waiting.append(done)
        if len(self._waiting) == 1:
            self.waves.append([])
        self.waves[-1].append(request.prompt.name)
        await done.wait()
        return Reply(request.parse(self.mind.reply(request)))

    async def aclose(self) -> None: ...

    async def release(self) -> None:
        while True:
            await anyio.wait_all_tasks_blocked()
            waiting, self._waiting = self._waiting, []
            for done in waiting:
                done.set()


async def waves_of(
    film: SimpleNamespace,
    mind: Any,
    index: Any,
    capabilities: Capabilities,
    *,
    max_rounds: int = 1,
    **arguments: Any,
) -> Any:
    model = Waves(mind, capabilities)
    async with anyio.create_task_group() as group:
        group.start_soon(model.release)
        answer = await ask(
            "How many balloons?", index=index, vision=model, text=model, max_rounds=max_rounds, **arguments
        )
        group.cancel_scope.cancel()
    return answer, model.waves


@pytest.mark.slow
@pytest.mark.parametrize("scenes", [1, 40, 3000])
async def test_a_round_takes_at_most_six_calls_in_a_row(
    film: SimpleNamespace, scenes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(function: Any, *arguments: Any, limiter: Any = None) -> Any:
        return function(*arguments)  # in the loop itself, so that a thread cannot look like a wave

    monkeypatch.setattr("mrvideo.agents.ask.pixels.to_thread.run_sync", here)
    captions = [f"Field {n}, a balloon on it." if n % 40 == 0 else f"Field {n}." for n in range(scenes)]
    answer, waves = await waves_of(
        film,
        film.mind(words=("balloon",)),
        film.index(captions),
        Capabilities(context_tokens=12_000),
        frames=film.frames(),
    )
    assert answer.answer is not None
    assert len(waves) <= 6
    reading = "whole_intention" if scenes < 3000 else "segment_intention"
    assert sorted(set(waves[0])) == ["goals", reading], "goals are worded beside the segments"
    # What is read in one call is planned in it.
    assert [name for wave in waves for name in wave].count("global_intention") == (scenes == 3000)
    assert ("reduce_intentions" in {name for wave in waves for name in wave}) == (scenes == 3000)
    assert waves[-1][0] == "verify"


@pytest.mark.slow
@pytest.mark.parametrize("scenes", [1, 40, 3000])
@pytest.mark.parametrize("verdict", ["no", "unclear"])
async def test_a_later_round_takes_no_more_though_it_reads_everything_again(
    film: SimpleNamespace, scenes: int, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(function: Any, *arguments: Any, limiter: Any = None) -> Any:
        return function(*arguments)

    monkeypatch.setattr("mrvideo.agents.ask.pixels.to_thread.run_sync", here)
    captions = [f"Field {n}, a balloon on it." if n % 40 == 0 else f"Field {n}." for n in range(scenes)]
    mind = film.mind(words=("balloon",), handlers={"verify": lambda i, r: {"verdict": verdict, "seen": "s"}})

    def answer_one(inputs: Any, request: Any) -> dict[str, Any]:
        whole = mind.answer(inputs)
        return {**whole, "claims": whole["claims"][:1]}

    # One claim: the checks of forty would spend all pictures in the first round.
    mind.handlers["answer"] = answer_one
    answer, waves = await waves_of(
        film,
        mind,
        film.index(captions),
        Capabilities(context_tokens=12_000),
        frames=film.frames(),
        max_rounds=3,
    )
    assert answer.rounds == 3
    # Captions are read again where something was denied.
    first = {"segment_intention", "whole_intention"} if verdict == "no" else {"global_intention"}
    if verdict == "unclear" and scenes < 3000:
        first.add("whole_intention")
    begins = [n for n, wave in enumerate(waves) if first & set(wave)]
    assert len(begins) == 3
    assert all(stop - start <= 6 for start, stop in zip(begins, [*begins[1:], len(waves)], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("verdict", ["no", "yes"])
async def test_a_round_that_cues_were_to_decide_and_did_not_takes_no_more_calls(
    film: SimpleNamespace, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(function: Any, *arguments: Any, limiter: Any = None) -> Any:
        return function(*arguments)

    monkeypatch.setattr("mrvideo.agents.ask.pixels.to_thread.run_sync", here)
    mind = film.mind(words=("balloon",), handlers={"verify": lambda i, r: {"verdict": verdict, "seen": "s"}})
    mind.handlers["global_intention"] = lambda i, r: {**mind.global_intention(i), "decided_by": "speech"}
    captions = [f"Field {n}, a balloon on it." if n % 40 == 0 else f"Field {n}." for n in range(40)]
    index = film.index(captions, cues=[(12.0, 13.0, "a balloon")])
    answer, waves = await waves_of(film, mind, index, Capabilities(), frames=film.frames())
    assert answer.answer is not None
    names = [wave[0] for wave in waves]
    assert names.count("answer") == 2 and names.count("look_local") == 1 and len(waves) <= 6


async def test_analyses_that_outgrow_the_context_are_reduced_once(film: SimpleNamespace) -> None:
    captions = [f"Field {n}, a balloon on it." for n in range(640)]
    asked = await film.run(
        film.mind(words=("balloon",), capabilities=Capabilities(context_tokens=16_000)),
        film.index(captions),
        effort="low",
    )
    groups = asked.mind.inputs("reduce_intentions")
    assert len(groups) > 1
    assert [g.span.start_seconds for g in groups] == sorted(g.span.start_seconds for g in groups)
    assert asked.mind.asked().count("global_intention") == 1
    assert asked.answer.answer is not None


@pytest.mark.slow
async def test_what_a_request_cannot_hold_is_left_out_aloud(film: SimpleNamespace) -> None:
    captions = [f"Field {n}, a balloon on it." for n in range(640)]
    asked = await film.run(
        film.mind(words=("balloon",), capabilities=Capabilities(context_tokens=16_000)),
        film.index(captions),
        effort="low",
    )
    kept = len(asked.mind.inputs("answer")[0].evidence)
    assert 0 < kept < 640
    assert f"{640 - kept} of 640 pieces of evidence left out" in asked.notices()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("context_tokens", "effort", "verdict"),
    [
        # Each size with what takes the most calls, and each way of a question through the smallest.
        *((tokens, "high", "no") for tokens in (8_000, 16_000, 32_000, 100_000)),
        *(
            (8_000, effort, verdict)
            for effort, verdict in (("low", "yes"), ("high", "yes"), ("high", "unclear"))
        ),
        (100_000, "low", "yes"),
    ],
)
async def test_no_request_outgrows_the_context(
    film: SimpleNamespace, context_tokens: int, effort: Any, verdict: str
) -> None:
    captions = [f"Field {n}, a balloon on it. " + "Grass, grass. " * 20 for n in range(300)]
    cues = [(n * 1.0, n + 0.9, f"line {n} about a balloon") for n in range(2900)]
    capabilities = Capabilities(context_tokens=context_tokens)
    asked = await film.run(
        film.mind(
            words=("balloon",),
            capabilities=capabilities,
            handlers={"verify": lambda i, r: {"verdict": verdict, "seen": "What else is seen. " * 20}},
        ),
        film.index(captions, cues=cues),
        effort=effort,
    )
    for request in asked.mind.requests:
        rendered = request.prompt.render(request.inputs)
        size = text_tokens(rendered.system + rendered.user, "scripted") + request.max_output_tokens
        looks = request.prompt.name in ("look_local", "look_global", "verify")
        # How many frames a look sends is the model's own word (look_images); only the text is ours to fit
        # there.
        size += 0 if looks else IMAGE_TOKENS * len(request.pictures)
        assert size <= context_tokens, (request.prompt.name, size)
    assert asked.answer.answer is not None


async def test_decoding_runs_beside_the_loop_and_at_most_twice_at_once(film: SimpleNamespace) -> None:
    import threading

    loop_thread = threading.get_ident()
    running: list[int] = []
    lock = threading.Lock()
    both = threading.Barrier(2)
    inner = film.frames()

    class Frames:
        most = 0

        def at(self, times_seconds: list[float]) -> Any:
            assert threading.get_ident() != loop_thread
            with lock:
                running.append(1)
                Frames.most = max(Frames.most, len(running))
            both.wait(timeout=60)  # proves that two run at once: one alone would wait in vain
            with lock:
                running.pop()
            return inner.at(times_seconds)

    # A question about the whole video: 120 scenes in four calls of at most 40 pictures or fewer; nothing to
    # verify.
    plan = {"reasoning": "r", "combine": "sum", "scope": "global", "look": "glance", "spans": []}
    mind = film.mind(
        words=("balloon",),
        capabilities=Capabilities(max_images=32),
        handlers={"global_intention": lambda i, r: plan},
    )
    index = film.index([f"A balloon {n}." for n in range(120)])
    await film.run(mind, index, frames=Frames(), effort="medium")
    assert mind.asked().count("look_global") == 4
    assert Frames.most == 2


def test_what_is_kept_is_the_best_that_fits_in_its_own_order() -> None:
    assert keep_within([3, 9, 1, 5], 14, weight=lambda n: n, rank=lambda n: n) == [9, 5]
    assert keep_within([3, 9, 1, 5], 13, weight=lambda n: n, rank=lambda n: n) == [3, 9, 1]
    assert keep_within([2, 2, 2], 4, weight=lambda n: n, rank=lambda n: 0) == [2, 2]


class Shrinking:
    """A model at a server that takes fewer images than its capabilities say, until it has said so."""

    name = fingerprint = "shrinking"

    def __init__(self, mind: Any, most: int) -> None:
        self.mind, self.most = mind, most
        self.capabilities = Capabilities()
        self.answered: list[Request[Any]] = []
        self.refused = 0

    async def run(self, request: Request[Any]) -> Reply[Any]:
        if len(request.pictures) > self.most:
            self.refused += 1
            self.capabilities = Capabilities(max_images=self.most, look_images=self.most)
            raise RequestTooLarge(f"at most {self.most} images")
        self.answered.append(request)
        return Reply(request.parse(self.mind.reply(request)))

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("most", [1, 4, 24])
async def test_a_server_that_takes_fewer_images_than_thought_is_shown_fewer(
    film: SimpleNamespace, most: int
) -> None:
    """All that was asked of it at first was refused, and the answer was that nothing could be seen."""
    captions = [f"Field {n}, a balloon on it." if n % 8 == 0 else f"Field {n}." for n in range(32)]
    plan = {"reasoning": "r", "combine": "sum", "scope": "global", "look": "glance", "spans": []}
    mind = film.mind(words=("balloon",), handlers={"global_intention": lambda i, r: plan})
    model = Shrinking(mind, most)
    answer = await ask(
        "How many balloons?", index=film.index(captions), vision=model, text=model, frames=film.frames()
    )
    assert model.refused > 0
    assert answer.answer is not None
    assert not [unseen for unseen in answer.unseen if "images" in " ".join(unseen.reasons)]
    looked = {request.prompt.name for request in model.answered if request.pictures}
    assert {"look_local", "look_global", "verify"} & looked


async def test_a_claim_holds_only_when_every_cited_span_was_shown(film: SimpleNamespace) -> None:
    """A model that takes one image sees one of three spans: its yes is no yes to the others."""
    captions = [f"Field {n}, a balloon on it." if n in (0, 12, 24) else f"Field {n}." for n in range(32)]

    def answer(inputs: Any, request: Request[Any]) -> dict[str, Any]:
        cited = [{"evidence_id": e.id} for e in inputs.evidence if e.source == "caption"]
        claim = {"text": "Three balloons.", "citations": cited, "check": "Are there three balloons?"}
        return {"found": True, "answer": "three", "confidence": 4, "claims": [claim]}

    held: dict[int, Any] = {}
    for most in (1, 24):
        mind = film.mind(
            words=("balloon",),
            handlers={"answer": answer},
            capabilities=Capabilities(max_images=most, look_images=most),
        )
        asked = await film.run(mind, film.index(captions), frames=film.frames(), max_rounds=1)
        (claim,) = asked.answer.claims
        assert len(claim.evidence_ids) == 3
        held[most] = claim.holds
    assert held == {1: None, 24: True}


class Narrow:
    """A model at a server that declines long requests of words, and perhaps says what it takes."""

    name = fingerprint = "narrow"

    def __init__(self, mind: Any, most: int, told: int | None) -> None:
        self.mind, self.most, self.told = mind, most, told
        self.capabilities = Capabilities()
        self.answered: list[Request[Any]] = []
        self.declined: list[str] = []

    async def run(self, request: Request[Any]) -> Reply[Any]:
        if text_tokens(request.inputs.model_dump_json(), self.name) > self.most:
            self.declined.append(request.prompt.name)
            if self.told is not None:
                self.capabilities = Capabilities(context_tokens=self.told)
            raise RequestTooLarge("does not take so long a request; set context_tokens to what it takes")
        self.answered.append(request)
        return Reply(request.parse(self.mind.reply(request)))

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("told", [None, 6000])
async def test_captions_too_long_for_a_server_are_read_in_smaller_parts(
    film: SimpleNamespace, told: int | None
) -> None:
    """64 scenes at once were declined, and the answer was that their captions could not be analysed."""
    words = " ".join(f"word{n}" for n in range(40))
    captions = [f"Field {n}, {words}." + (" A balloon on it." if n in (3, 60) else "") for n in range(64)]
    mind = film.mind(words=("balloon",))
    model = Narrow(mind, 3000, told)
    answer = await ask(
        "Which field has a balloon?",
        index=film.index(captions),
        vision=model,
        text=model,
        frames=film.frames(),
        max_rounds=1,
    )
    assert model.declined[0] == "whole_intention"
    parts = [r.inputs for r in model.answered if r.prompt.name == "segment_intention"]
    assert all(part.segment_count > part.segment_index for part in parts)
    assert len({(part.segment_index, part.segment_count) for part in parts}) == len(parts) > 1
    read = [scene.index for part in parts for scene in part.scenes]
    assert [r.prompt.name for r in model.answered].count("global_intention") == 1, "the parts are planned for"
    assert sorted(read) == list(range(64))
    assert answer.answer is not None
    assert not [unseen for unseen in answer.unseen if "analysed" in " ".join(unseen.reasons)]


async def test_what_the_plan_and_the_answer_are_made_from_is_shortened_for_a_server(
    film: SimpleNamespace,
) -> None:
    """The plan fell back to whatever the segments named, and the answer ended in an error."""
    captions = [f"Field {n}, a balloon on it." for n in range(70)]

    def intention(inputs: Any, request: Request[Any]) -> dict[str, Any]:
        found = [{"start_seconds": s.start_seconds, "stop_seconds": s.stop_seconds} for s in inputs.scenes]
        return {"reasoning": "balloons, " * 3000, "confidence": 4, "spans": found[:5], "findings": []}

    mind = film.mind(words=("balloon",), handlers={"segment_intention": intention})
    model = Narrow(mind, 3000, None)
    answer = await ask(
        "How many balloons?",
        index=film.index(captions),
        vision=model,
        text=model,
        frames=film.frames(),
        max_rounds=1,
    )
    assert {"global_intention", "answer"} <= set(model.declined)
    assert {"global_intention", "answer"} <= {request.prompt.name for request in model.answered}
    assert answer.answer is not None


async def test_a_request_that_cannot_be_made_smaller_names_the_way_out(film: SimpleNamespace) -> None:
    model = Narrow(film.mind(words=("balloon",)), 1, None)
    with pytest.raises(RequestTooLarge, match="set context_tokens to what it takes"):
        await ask(
            "Which?",
            index=film.index(["A balloon."]),
            vision=model,
            text=model,
            frames=film.frames(),
            max_rounds=1,
        )
