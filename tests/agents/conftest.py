"""A small film and a scripted mind for stage B: captions with key words, frames that know their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import world_questions
from support.films import video_info

from mrvideo.agents.ask.sources import Sources
from mrvideo.agents.ask.state import Context
from mrvideo.errors import DecodeError
from mrvideo.media.images import encode_jpeg
from mrvideo.models.base import Capabilities, Model, Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import (
    Answer,
    Cue,
    Entity,
    Event,
    Failure,
    Frame,
    Index,
    Scene,
    Sighting,
)
from mrvideo.schemas.analysis import Analysis, GlobalIntentionInputs

SCENE_SECONDS = 10.0


def make_index(
    captions: Sequence[str] = (),
    *,
    cues: Sequence[tuple[float, float, str]] = (),
    signs: dict[int, tuple[float, float, str]] | None = None,
    failures: Sequence[Failure] = (),
    entities: Sequence[Entity] = (),
    duration_seconds: float | None = None,
    scene_seconds: float = SCENE_SECONDS,
) -> Index:
    """One scene per caption, `scene_seconds` each, in order; an empty caption leaves a gap."""
    scenes: list[Scene] = []
    for place, caption in enumerate(captions):
        if caption:
            sign = (signs or {}).get(place)
            scenes.append(
                Scene(
                    index=len(scenes),
                    start_seconds=place * scene_seconds,
                    stop_seconds=(place + 1) * scene_seconds,
                    brief=caption.split(".")[0],
                    detailed=caption,
                    sightings=(Sighting(start_seconds=sign[0], stop_seconds=sign[1], text=sign[2]),)
                    if sign
                    else (),
                )
            )
    length = duration_seconds if duration_seconds is not None else len(captions) * scene_seconds
    return Index(
        key="k",
        video=video_info(length, width=640, height=360),
        scenes=tuple(scenes),
        entities=tuple(entities),
        cues=tuple(Cue(start_seconds=a, stop_seconds=b, text=t) for a, b, t in cues),
        failures=tuple(failures),
    )


@cache
def moving(step: int) -> bytes:
    """A pattern that is another one in each step."""
    tiles = np.random.default_rng(step).integers(0, 255, (4, 8), dtype=np.uint8)
    return encode_jpeg(Image.fromarray(tiles).resize((64, 36), Image.Resampling.NEAREST).convert("RGB"))


class FakeFrames:
    """Serves pictures that differ from each other, whose bytes end with their time; spans in `broken` yield
    nothing; `dead` raises as a lost file does.
    """

    def __init__(self, *, broken: Sequence[tuple[float, float]] = (), dead: bool = False) -> None:
        self.broken = broken
        self.dead = dead
        self.asked: list[list[float]] = []

    def at(self, times_seconds: list[float]) -> list[Frame]:
        assert list(times_seconds) == sorted(times_seconds), "times are asked in ascending order"
        self.asked.append(list(times_seconds))
        if self.dead:
            raise DecodeError("film.mp4 at 0.0 s: nothing can be read; re-mux it with ffmpeg -c copy")
        return [
            Frame(t, moving(round(t * 100) % 997) + f"{t:.2f}".encode(), 64, 36)
            for t in times_seconds
            if not any(low <= t < high for low, high in self.broken)
        ]


Handler = Callable[[Any, Request[Any]], Any]


@dataclass
class Mind:
    """Answers by key word: what a careful model would say of this film. Single prompts can be replaced."""

    words: tuple[str, ...] = ()
    handlers: dict[str, Handler] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=Capabilities)
    requests: list[Request[Any]] = field(default_factory=list)

    def model(self) -> Model:
        return ScriptedModel(self.reply, capabilities=self.capabilities)

    def reply(self, request: Request[Any]) -> Any:
        self.requests.append(request)
        name = request.prompt.name
        if name == "whole_intention" and name not in self.handlers:
            return self._whole(request)
        if name != "verify":
            return self._by(name, request.inputs, request)
        # A check is answered for each statement by itself.
        checks: list[dict[str, Any]] = []
        for number, statement in enumerate(request.inputs.statements, start=1):
            one = request.inputs.model_copy(update={"statements": (statement,)})
            checks.append({"number": number, **self._by(name, one, request)})
        return {"checks": checks}

    def _by(self, name: str, inputs: Any, request: Request[Any]) -> Any:
        value = self.handlers[name](inputs, request) if name in self.handlers else None
        if isinstance(value, Exception):
            raise value
        return value if value is not None else getattr(self, name)(inputs)

    def _whole(self, request: Request[Any]) -> dict[str, Any]:
        """The only segment: its reading, and the plan made of that."""
        inputs = request.inputs
        read = self._by("segment_intention", inputs, request)
        plan = GlobalIntentionInputs(
            question=inputs.question,
            options=inputs.options,
            span=inputs.span,
            analyses=(Analysis.model_validate({"span": inputs.span, **read}),),
            learnt=inputs.learnt,
            known=inputs.known,
        )
        return {**read, **self._by("global_intention", plan, request)}

    def inputs(self, prompt: str) -> list[Any]:
        """Of the requests of this name; of a reading or a plan, those too that did both."""
        names = (
            {prompt, "whole_intention"} if prompt in ("segment_intention", "global_intention") else {prompt}
        )
        return [r.inputs for r in self.requests if r.prompt.name in names]

    def asked(self) -> list[str]:
        return [r.prompt.name for r in self.requests]

    def segment_intention(self, inputs: Any) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        lines = [("caption", s.start_seconds, s.stop_seconds, s.caption) for s in inputs.scenes]
        lines += [("cue", c.start_seconds, c.stop_seconds, c.text) for c in inputs.cues]
        for source, start, stop, text in lines:
            if any(word in text for word in self.words):
                found.append({"start_seconds": start, "stop_seconds": stop, "source": source, "quote": text})
        return {
            "reasoning": "by key word",
            "spans": [{k: f[k] for k in ("start_seconds", "stop_seconds")} for f in found][:32],
            "findings": found,
            "confidence": 4,
        }

    def reduce_intentions(self, inputs: Any) -> dict[str, Any]:
        return {
            "reasoning": "together",
            "spans": [s.model_dump() for a in inputs.analyses for s in a.spans][:32],
            "findings": [f.model_dump() for a in inputs.analyses for f in a.findings],
            "confidence": 4,
        }

    def global_intention(self, inputs: Any) -> dict[str, Any]:
        spans = [s.model_dump() for a in inputs.analyses for s in a.spans][:10]
        return {"reasoning": "all of them", "combine": "merge", "scope": "local", "spans": spans}

    def goals(self, inputs: Any) -> dict[str, Any]:
        return {"local_question": f"here: {inputs.question}", "global_question": f"across: {inputs.question}"}

    def look_local(self, inputs: Any) -> dict[str, Any]:
        return {"observations": [], "conclusion": "nothing seen", "confidence": 2}

    look_global = look_local

    def answer(self, inputs: Any) -> dict[str, Any]:
        if not inputs.evidence:
            return {"found": False, "confidence": 3, "choice": 0 if inputs.must_choose else None}
        return {
            "found": True,
            "answer": inputs.evidence[0].quote,
            "choice": 0 if inputs.options else None,
            "confidence": 4,
            "claims": [
                {
                    "text": f"It says {e.quote}",
                    "citations": [{"evidence_id": e.id}],
                    "check": f"Is it {e.quote}?",
                }
                for e in inputs.evidence[:40]
            ],
        }

    def verify(self, inputs: Any) -> dict[str, Any]:
        return {"verdict": "yes", "seen": "so it is"}


@dataclass
class Asked:
    """One run: the answer, the events, and what the model was asked."""

    answer: Answer
    events: list[Event]
    mind: Mind

    def notices(self) -> str:
        return "\n".join(e.text for e in self.events if hasattr(e, "text"))


async def run(
    mind: Mind, index: Index, question: str = "Where is it?", *, frames: Any = "fake", **arguments: Any
) -> Asked:
    """Ask with one mind in both roles."""
    from mrvideo.agents.ask.run import ask

    events: list[Event] = []
    model = mind.model()
    answer = await ask(
        question,
        index=index,
        frames=FakeFrames() if frames == "fake" else frames,
        vision=model,
        text=model,
        on_event=events.append,
        **arguments,
    )
    return Asked(answer, events, mind)


def context_of(index: Any, *, context_tokens: int = 100_000) -> Context:
    """The context of a run at low effort over this index."""
    model = ScriptedModel([], capabilities=Capabilities(context_tokens=context_tokens))
    return Context(
        question="q",
        options=(),
        index=index,
        sources=Sources(index),
        frames=None,
        vision=model,
        text=model,
        effort="low",
        must_choose=False,
        max_rounds=1,
        on_event=lambda _: None,
    )


@pytest.fixture
def film() -> SimpleNamespace:
    """The helpers of this folder."""
    return SimpleNamespace(index=make_index, frames=FakeFrames, mind=Mind, run=run, context=context_of)


@pytest.fixture(scope="session")
def asking() -> Any:
    """tests/support/world_questions.py."""
    return world_questions
