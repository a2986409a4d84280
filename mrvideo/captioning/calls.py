"""Asks a model for one shard's calls: many at once, failures as data, nothing paid twice, usage by stage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

from pydantic import BaseModel

from mrvideo.errors import (
    BudgetReached,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    NotRecorded,
    ReplyInvalid,
    RequestTooLarge,
)
from mrvideo.models.base import Capabilities, Model, Request
from mrvideo.records import Failure, Hides, Usage

R = TypeVar("R", bound=BaseModel)
V = TypeVar("V")


class Calls:
    """The calls of one unit of work (a shard, a cast). Lives on the event-loop thread.

    `on_call` is told each call's stage and usage; `answered` lists the digests of the requests that were
    answered, `too_large` of those that failed for their size.
    """

    def __init__(
        self,
        model: Model,
        *,
        on_call: Callable[[str, Usage], None] | None = None,
    ) -> None:
        self.model = model
        self.usage: dict[str, Usage] = {}
        self.answered: list[str] = []
        self.too_large: set[str] = set()
        self._on_call = on_call

    async def ask(self, request: Request[R], *, hides: Hides = "pictures") -> R | Failure:
        """The reply, or the `Failure` of this one call, which `hides` so much of the request's span.

        Raises `ModelUnavailable` and `BudgetReached`: no other call of the run can do better.
        """
        return await self.ask_fitting(lambda able: request, hides=hides)

    async def ask_fitting(
        self, build: Callable[[Capabilities], Request[R]], *, hides: Hides = "pictures"
    ) -> R | Failure:
        """`ask` for a request that is made to fit what the model takes, and made anew when it turns out to
        take less.
        """
        while True:
            able = self.model.capabilities
            reply = await self._ask(build(able), able, hides)
            if reply is not None:
                return reply

    async def _ask(self, request: Request[R], able: Capabilities, hides: Hides) -> R | Failure | None:
        """None: it was too large, and by now it is known how large it may be."""
        try:
            reply = await self.model.run(request)
        except (ModelRefused, ModelBusy, ReplyInvalid) as error:
            if isinstance(error, RequestTooLarge) and self.model.capabilities != able:
                return None
            if isinstance(error, RequestTooLarge):
                self.too_large.add(request.digest)
            span = request.span
            assert span is not None, "every request of stage A names its span"
            reason = " ".join(str(error).split())
            self._told(request.stage, Usage(calls=0))
            final = isinstance(error, NotRecorded)
            return Failure.of(span, request.stage, reason, hides=hides, final=final)
        self._done(request, Usage(calls=0) if reply.cached else reply.usage)
        return reply.value

    def _done(self, request: Request[R], usage: Usage) -> None:
        self.answered.append(request.digest)
        self.usage[request.stage] = self.usage.get(request.stage, Usage(calls=0)) + usage
        self._told(request.stage, usage)

    def _told(self, stage: str, usage: Usage) -> None:
        if self._on_call is not None:
            self._on_call(stage, usage)


async def together(work: Iterable[Coroutine[object, object, V]]) -> list[V]:
    """All results, in the order given. When one raises, the others are let finish first: their replies are
    paid for.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        # A stop that the user can act on says more than what followed from it.
        raise next((e for e in errors if isinstance(e, (BudgetReached, ModelUnavailable))), errors[0])
    return [result for result in results if not isinstance(result, BaseException)]
