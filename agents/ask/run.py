"""Asking one question of one index: the door to the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mrvideo.agents.ask.budget import LOCAL, Pictures
from mrvideo.agents.ask.graph import build
from mrvideo.agents.ask.sources import Sources
from mrvideo.agents.ask.state import Context, Frames, State
from mrvideo.memory.tree import Memory
from mrvideo.models.base import Model
from mrvideo.records import Answer, Effort, Event, Index, Moment, Notice

_STEPS_PER_ROUND = 12


async def ask(
    question: str,
    *,
    options: Sequence[str] = (),
    index: Index,
    frames: Frames | None,
    vision: Model,
    text: Model,
    checker: Model | None = None,
    closeups: Frames | None = None,
    photos: Mapping[str, bytes] | None = None,
    effort: Effort = "high",
    must_choose: bool = False,
    max_rounds: int = 2,
    memory: Memory | None = None,
    max_opened: int = 8,
    pointed: Sequence[Moment] = (),
    on_event: Callable[[Event], None] = lambda _: None,
) -> Answer:
    """An answer with evidence that code has checked; `usage` and `models` are left for whoever holds the
    ledger.

    `checker` checks claims in the place of the vision model; one that cannot see is not used, with a notice.
    `closeups` serves frames at the size of the source, of which small text is read; `photos` are those that
    the user gave of members of the cast, by `Entity.photo`. With a `memory`, only
    what it points to is read, at most `max_opened` of its chapters; not at effort `exhaustive`. `pointed` are
    moments that bear on the question, the best first: their chapters are opened too.

    Without frames, or with a model that cannot see, the captions alone are read: effort `low`, with a notice.
    The question was checked where it came in (`session.asking`). Events are emitted on the event loop's
    thread. Raises `ModelUnavailable`, `BudgetReached`, and the `ModelError` of the one call that nothing can
    stand in for: the answer's.
    """
    told = _once(on_event)
    possible = _possible(effort, frames, vision, told)
    context = Context(
        question=question.strip(),
        options=tuple(options),
        index=index,
        sources=Sources(index),
        frames=frames,
        vision=vision,
        text=text,
        effort=possible,
        memory=None if effort == "exhaustive" else memory,
        max_opened=max_opened,
        pointed=tuple(pointed),
        checker=_seeing(checker, told),
        closeups=closeups,
        photos=photos or {},
        pictures=Pictures(LOCAL[possible]),
        must_choose=must_choose,
        max_rounds=max_rounds,
        on_event=told,
    )
    state: State = await build().ainvoke(
        {}, config={"recursion_limit": 6 + _STEPS_PER_ROUND * max_rounds}, context=context
    )
    answer = state["answer"]
    return answer.model_copy(update={"effort": effort}) if possible == "high" else answer


def _once(on_event: Callable[[Event], None]) -> Callable[[Event], None]:
    """A map would say the same of each of its calls: a notice is told once."""
    said: set[str] = set()

    def tell(event: Event) -> None:
        if isinstance(event, Notice):
            if event.text in said:
                return
            said.add(event.text)
        on_event(event)

    return tell


def _seeing(checker: Model | None, on_event: Callable[[Event], None]) -> Model | None:
    if checker is None or checker.capabilities.vision:
        return checker
    on_event(Notice(text=f"{checker.name} cannot see: the model that looks also checks"))
    return None


def _possible(
    effort: Effort, frames: Frames | None, vision: Model, on_event: Callable[[Event], None]
) -> Effort:
    if effort == "low":
        return "low"
    if frames is None:
        on_event(
            Notice(text="the video itself is not at hand: only its captions and cues are read (effort low)")
        )
        return "low"
    if not vision.capabilities.vision:
        on_event(Notice(text=f"{vision.name} cannot see: only captions and cues are read (effort low)"))
        return "low"
    # All of it is read, and then looked at and checked as ever.
    return "high" if effort == "exhaustive" else effort
