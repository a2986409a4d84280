"""Asking a model: one request at a time, kept inside the model's context, failures told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from mrvideo.agents.ask.state import Context, InFlight
from mrvideo.errors import BudgetReached, ModelError, ModelUnavailable, RequestTooLarge
from mrvideo.models.base import Capabilities, Model, Picture, Reply, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Notice, Span, StageAdvanced

T = TypeVar("T", bound=BaseModel)
V = TypeVar("V")

IMAGE_TOKENS = 400
"""What a frame of 512 px costs at most with the models we know; only used to keep a request inside its
context.
"""

_STATIC_TOKENS = 3000
"""Instructions and the reply's schema."""
_LEAST_TOKENS = 1000


async def call(
    context: Context,
    model: Model,
    prompt: str,
    inputs: BaseModel,
    reply_type: type[T],
    *,
    pictures: Sequence[Picture] = (),
    span: Span | None = None,
    stage: str | None = None,
) -> T:
    """One request, under the prompt's name where no `stage` is given. Raises a `ModelError`, or `BudgetReached`."""
    stage = stage or prompt
    request = Request(
        prompt=load_prompt(prompt),
        inputs=inputs,
        reply_type=reply_type,
        stage=stage,
        pictures=tuple(pictures),
        span=span,
        max_output_tokens=output_tokens(model.capabilities),
        names=tuple(entity.name for entity in context.index.entities),
    )
    advanced = True
    try:
        return await _let_finish(context.in_flight, model.run(request))
    except RequestTooLarge:
        advanced = False  # It is asked again in smaller form.
        raise
    finally:
        # What it took is reported by the ledger, which also knows of retries.
        if advanced:
            context.on_event(StageAdvanced(stage=stage))


async def call_fitting(
    context: Context,
    prompt: str,
    build: Callable[[int], BaseModel],
    reply_type: type[T],
    *,
    room: int,
    span: Span,
) -> T:
    """`call` of the text model with material for `room` tokens; for half of it, and so on, where that is
    declined as too long.
    """
    while True:
        try:
            return await call(context, context.text, prompt, build(room), reply_type, span=span)
        except RequestTooLarge:
            if room <= _LEAST_TOKENS:
                raise
            room = max(min(room_for(context, context.text), room // 2), _LEAST_TOKENS)


async def _let_finish(in_flight: InFlight, work: Coroutine[Any, Any, Reply[T]]) -> T:
    """The reply's value. An error that ends the run waits for the calls beside it: their replies are paid
    for, and kept.
    """
    if in_flight.ended is not None:
        work.close()
        raise in_flight.ended
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    in_flight.calls.add(done)
    try:
        return (await work).value
    except (BudgetReached, ModelUnavailable) as error:
        in_flight.ended = error
        in_flight.calls.discard(done)
        done.set_result(None)
        if in_flight.calls:
            await asyncio.wait(in_flight.calls)
        raise
    finally:
        in_flight.calls.discard(done)
        if not done.done():
            done.set_result(None)


async def fitted(model: Model, work: Callable[[bool], Awaitable[V]]) -> V:
    """Work with a request that is made for what the model takes, done again when it turns out to take less.

    `work(False)` lets `RequestTooLarge` through; `work(True)`, where nothing has changed since, makes it its
    outcome.
    """
    while True:
        able = model.capabilities
        try:
            return await work(False)
        except RequestTooLarge:
            if model.capabilities == able:
                return await work(True)


def failure_of(error: ModelError) -> str:
    """The reason to keep beside a span, in the error's own words. Raises the error again when no request of
    this run can succeed.
    """
    if isinstance(error, ModelUnavailable):
        raise error
    return " ".join(str(error).split())


def output_tokens(able: Capabilities) -> int:
    """How long a reply may be: room for reasoning, but never most of a small context."""
    return max(min(8192, able.context_tokens // 4), 256)


def room_for(context: Context, model: Model, *, images: int = 0) -> int:
    """How many tokens of material one request may carry beside instructions, question, images and reply."""
    return room_beside(model.capabilities, asked_tokens(context), images=images)


def asked_tokens(context: Context) -> int:
    """What the question and its options take of each request."""
    return context.tokens_of(context.question) + sum(context.tokens_of(o) for o in context.options)


def room_beside(able: Capabilities, asked: int, *, images: int = 0) -> int:
    """The same where the question and its options take `asked` tokens."""
    taken = _STATIC_TOKENS + images * IMAGE_TOKENS + output_tokens(able) + asked
    return max(able.context_tokens - taken, _LEAST_TOKENS)


def packed(items: Sequence[V], room: int, *, weight: Callable[[V], int]) -> list[list[V]]:
    """Neighbours in groups that each fit the room; what alone is too heavy is a group of its own."""
    groups: list[list[V]] = [[]]
    left = room
    for item in items:
        cost = weight(item)
        if groups[-1] and cost > left:
            groups.append([])
            left = room
        groups[-1].append(item)
        left -= cost
    return groups


def keep_within(
    items: Sequence[V],
    room: int,
    *,
    weight: Callable[[V], int],
    rank: Callable[[V], float],
) -> list[V]:
    """The items of highest rank that fit, in their own order; among equals the earlier one stays."""
    kept: set[int] = set()
    for place in sorted(range(len(items)), key=lambda i: (-rank(items[i]), i)):
        cost = weight(items[place])
        if cost <= room:
            room -= cost
            kept.add(place)
    return [item for place, item in enumerate(items) if place in kept]


def clipped(text: str, most: int) -> str:
    """At most `most` letters, cut between words and marked with an ellipsis; a sentence's end is kept where
    it lies near.
    """
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    if most < 2:
        return ""
    head = text[: most - 1]
    stop = max(head.rfind(mark) for mark in (". ", "! ", "? ", "; "))
    if stop >= most * 2 // 3:
        return f"{head[: stop + 1]} …"[:most]
    word = head.rfind(" ")
    # Scripts without spaces have no words to keep whole.
    return (head[:word].rstrip(" ,;:") if word > most // 3 else head) + "…"


def report_cut(context: Context, what: str, *, kept: int, given: int, model: Model) -> None:
    """Tell the user when something was left out of a request."""
    if kept < given:
        context.on_event(
            Notice(
                text=f"{given - kept} of {given} {what} left out: more do not fit into {model.name}'s context"
            )
        )
