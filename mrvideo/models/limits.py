"""The one layer around every adapter: kept replies, budget, concurrency, retries, repair, usage.

run(request) ── kept in the store? ──────────────────────────────────────────────► reply, nothing paid
     │          the same request in flight? ── wait for it ───────────────────────► reply, nothing paid
     └─ budget ─ slot ─ backend.complete ─ ledger ─ checked? ── one repair ── kept ─────► reply
                  ▲          │ Transient
                  └─ backoff ┘
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from anyio import to_thread
from pydantic import BaseModel, ValidationError

from mrvideo.errors import (
    BudgetReached,
    ModelBusy,
    ModelRefused,
    MrVideoError,
    ReplyInvalid,
    RequestTooLarge,
    SettingsError,
    Stopped,
)
from mrvideo.models.base import Model, Reply, ReplyStore, Request, Wrapper, reply_key
from mrvideo.models.budget import Budget
from mrvideo.models.chat_backend import ChatBackend, Completion, Transient, Turn
from mrvideo.models.ledger import Ledger
from mrvideo.models.limiter import Limiter
from mrvideo.models.prices import cost, estimate, price_of
from mrvideo.models.repair import checked, repair_turns
from mrvideo.models.retry import LONGEST_RETRY_AFTER_SECONDS, Backoff
from mrvideo.records import Usage
from mrvideo.wording import stage_label

_log = logging.getLogger(__name__)

T = TypeVar("T", bound=BaseModel)
S = TypeVar("S")

_LONGEST_REASON = 200
_QUIET_SECONDS = 2.0
"""A single retry within this time is nobody's business."""
_DATED_SECONDS = 48 * 3600.0
"""A break longer than this is told by its end."""

_OPEN_PER_SLOT = 2
"""Requests begun and not kept, for each call that may be in flight: room for those that wait for their next
try.
"""


@dataclass(frozen=True)
class Limits:
    """Settings of the layer. `ledger` counts usage; the defaults of the rest limit nothing.

    `on_note` is called once for each thing that the user should know about the server, such as that it takes
    fewer images, or why calls are tried again. `ready` is awaited before each call, but not for stored replies; an exception of it ends the
    request. Models of this process with the same `shared` make one call for equal requests that are in flight
    together.
    """

    ledger: Ledger
    store: ReplyStore | None = None
    fresh: bool = False
    budget: Budget = field(default_factory=Budget)
    limiter: Limiter | None = None
    backoff: Backoff = field(default_factory=Backoff)
    on_note: Callable[[str], None] = lambda text: None
    shared: str | None = None
    ready: Callable[[], Awaitable[None]] | None = None


class _Flights:
    """Requests in flight: key → future reply.

    A result of None tells those who wait to make the call themselves.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.futures: dict[str, Future[Reply[Any] | None]] = {}


_flights: weakref.WeakValueDictionary[str, _Flights] = weakref.WeakValueDictionary()
_flights_lock = Lock()


def _flights_of(shared: str | None) -> _Flights:
    if shared is None:
        return _Flights()
    with _flights_lock:
        found = _flights.get(shared)
        if found is None:
            found = _flights[shared] = _Flights()
        return found


class LimitedModel(Wrapper[ChatBackend | Model]):
    """A `Model` made of an adapter and its limits."""

    def __init__(
        self,
        adapter: ChatBackend | Model,
        limits: Limits,
        *,
        detail: str | None = None,
        reasoning_tokens: int = 0,
        most: Callable[[Request[Any]], Usage] | None = None,
    ) -> None:
        """`detail` and `reasoning_tokens` are what the adapter sends beyond the request: a budget must know.

        `most` tells what one call may take, where text and pictures do not: of sound.
        """
        super().__init__(adapter)
        self._most = most
        self._reasoning_tokens = reasoning_tokens
        self._limits = limits
        self._limiter = limits.limiter or Limiter(adapter.capabilities.concurrency)
        self._detail = detail
        # Paid or about to be, and not kept yet: what a kill can cost, also when the disk is slower than the
        # server.
        self._open = Limiter(_OPEN_PER_SLOT * adapter.capabilities.concurrency)
        self._flights = _flights_of(limits.shared)
        self._lock = Lock()
        self._noted: set[tuple[int, int]] = set()
        self._retries: set[tuple[str, str]] = set()

    def key(self, request: Request[Any]) -> str:
        """The key of the stored reply: a digest of the request, the model and its parameters."""
        return reply_key(self.fingerprint, request.digest)

    async def run(self, request: Request[T]) -> Reply[T]:
        """Answer one request: from the store, from an equal request in flight, or by a call.

        Raises a `ModelError`, or `BudgetReached`. A reply is in the store before this returns. Whatever else
        goes wrong with one reply is `ReplyInvalid` too: it is kept nowhere, and the next run asks for it
        alone.
        """
        key = self.key(request)
        while True:
            mine: Future[Reply[Any] | None] = Future()
            with self._flights.lock:
                leader = self._flights.futures.setdefault(key, mine)
            if leader is mine:
                return await self._lead(request, key, mine)
            # Shielded: a waiter that is cancelled must not cancel the call that others wait for.
            reply = await asyncio.shield(asyncio.wrap_future(leader))
            if reply is not None:
                return Reply(value=reply.value, usage=Usage(), cached=True)

    async def _lead(self, request: Request[T], key: str, future: Future[Reply[Any] | None]) -> Reply[T]:
        try:
            reply = await self._kept(request, key)
            if reply is None:
                if self._limits.ready is not None:
                    await self._limits.ready()
                async with self._open.slot():
                    reply = await self._ask(request)
                    await self._keep(request, key, reply)
            future.set_result(reply)
            return reply
        except BaseException as raised:
            error = raised
            if isinstance(raised, Exception) and not isinstance(raised, MrVideoError):
                error = self._unforeseen(request, raised)
            if isinstance(error, Exception) and not isinstance(error, BudgetReached | Stopped):
                future.set_exception(error)
                # Nobody may be waiting; the error is raised here all the same.
                future.exception()
            else:
                # Cancelled, or at the end of this run's own bound: whoever waits asks for itself.
                future.set_result(None)
            if error is raised:
                raise
            raise error from raised
        finally:
            with self._flights.lock:
                del self._flights.futures[key]

    def _note(self, text: str) -> None:
        able = self.capabilities
        told = (able.max_images, able.context_tokens)
        with self._lock:
            known = told in self._noted
            self._noted.add(told)
        if not known:
            self._limits.on_note(text)

    def _unforeseen(self, request: Request[Any], error: Exception) -> ReplyInvalid:
        """An exception of our own code over one reply, as an error of this reply alone: the run goes on."""
        _log.info("%s: %s", self.name, request.prompt.name, exc_info=error)
        what = " ".join(str(error).split())[:_LONGEST_REASON]
        return ReplyInvalid(
            f"{self.name}: its reply ({stage_label(request.stage)}) cannot be used ({type(error).__name__}: {what})"
        )

    async def _kept(self, request: Request[T], key: str) -> Reply[T] | None:
        store = self._limits.store
        if store is None or self._limits.fresh:
            return None
        kept = await to_thread.run_sync(store.get_reply, key)
        if kept is None:
            return None
        try:
            return Reply(value=request.parse_json(kept), usage=Usage(), cached=True)
        except ValidationError:
            # Kept under older bounds of the reply's type: ask again.
            return None

    async def _keep(self, request: Request[T], key: str, reply: Reply[T]) -> None:
        store = self._limits.store
        if store is None:
            return
        text = reply.value.model_dump_json()

        def put() -> None:
            store.put_reply(key, text, model=self.name, prompt=request.prompt.name, usage=reply.usage)

        # A thread that is not abandoned: what was paid is kept, also when the caller is cancelled meanwhile.
        await to_thread.run_sync(put)

    async def _ask(self, request: Request[T]) -> Reply[T]:
        adapter = self._wrapped
        if not isinstance(adapter, ChatBackend):
            model = adapter

            async def run() -> tuple[Reply[T], Usage]:
                reply = await model.run(request)
                return reply, reply.usage

            reply, usage = await self._call(request, run, output_tokens=0)
            return Reply(value=reply.value, usage=usage)
        return await self._converse(adapter, request)

    async def _converse(self, backend: ChatBackend, request: Request[T]) -> Reply[T]:
        bound = request.max_output_tokens
        completion, usage = await self._complete(backend, request, (), bound)
        _check_willing(completion)
        value, problem = checked(request, completion)
        if value is None:
            turns = repair_turns(request, completion, problem)
            # What was cut off needs more room, not only better manners.
            completion, more = await self._complete(
                backend, request, turns, bound * 2 if completion.cut_off else bound
            )
            usage += more
            _check_willing(completion)
            value, problem = checked(request, completion)
        if value is None:
            way_out = (
                "; allow more (max_output_tokens, context_tokens), or name a model that is briefer"
                if completion.cut_off
                else ""
            )
            raise ReplyInvalid(
                f"{self.name}: its reply ({stage_label(request.stage)}) is outside its bounds twice: {problem}{way_out}"
            )
        return Reply(value=value, usage=usage)

    async def _complete(
        self, backend: ChatBackend, request: Request[Any], turns: tuple[Turn, ...], bound: int
    ) -> tuple[Completion, Usage]:
        async def complete() -> tuple[Completion, Usage]:
            try:
                completion = await backend.complete(request, turns, max_output_tokens=bound)
            except RequestTooLarge as error:
                self._note(str(error))
                raise
            return completion, completion.usage

        output_tokens = bound + self._reasoning_tokens
        return await self._call(request, complete, output_tokens=output_tokens, turns=turns)

    async def _call(
        self,
        request: Request[Any],
        call: Callable[[], Awaitable[tuple[S, Usage]]],
        *,
        output_tokens: int,
        turns: tuple[Turn, ...] = (),
    ) -> tuple[S, Usage]:
        """One paid call with retries. Its usage is in the ledger before its text is parsed."""
        estimated = None
        if self._limits.budget.bounded and self._most is not None:
            estimated = self._most(request)
        elif self._limits.budget.bounded:
            further = "\n".join(turn.text for turn in turns)
            estimated = estimate(
                request, self.name, further=further, detail=self._detail, output_tokens=output_tokens
            )
        return await self._tried(request.stage, partial(self._paid, request.stage, call, estimated))

    async def _paid(
        self, stage: str, call: Callable[[], Awaitable[tuple[S, Usage]]], estimated: Usage | None
    ) -> tuple[S, Usage]:
        """One try within the budget."""
        budget = self._limits.budget
        held = None if estimated is None else await budget.hold(estimated, model=self.name)
        started_seconds = time.monotonic()
        try:
            result, taken = await call()
        except BaseException as error:
            if held is not None and estimated is not None:
                presumed = held if _may_be_billed(error) else None
                budget.settle(held, presumed, estimated=estimated, model=self.name)
            raise
        taken = taken.model_copy(update={"seconds": time.monotonic() - started_seconds})
        if taken.cost == 0:
            taken = taken.model_copy(update={"cost": cost(self.name, taken)})
        if held is not None and estimated is not None:
            taken = budget.settle(held, taken, estimated=estimated, model=self.name) or taken
        self._limits.ledger.record(stage, taken)
        return result, taken

    async def _tried(self, stage: str, call: Callable[[], Awaitable[tuple[S, Usage]]]) -> tuple[S, Usage]:
        backoff, limiter = self._limits.backoff, self._limiter
        errors = 0
        began_seconds = time.monotonic()
        for attempt in range(1, backoff.attempts + 1):
            if limiter.away_seconds > 0:
                raise ModelBusy(
                    f"{self.name}: the server refuses all calls for {_told(limiter.away_seconds)} more (Retry-After); "
                    "run the same again then, what is done is kept"
                )
            try:
                async with limiter.slot():
                    answered = await call()
                    limiter.answered()
                    return answered
            except Transient as error:
                limiter.answered(refused=error.rate_limited, retry_after_seconds=error.retry_after_seconds)
                wanted = error.retry_after_seconds or 0.0
                if attempt == backoff.attempts or wanted > LONGEST_RETRY_AFTER_SECONDS:
                    asked = f" (it wants to be left alone {_until(wanted)})" if wanted else ""
                    tries = f"{attempt} tries" if attempt > 1 else "1 try"
                    raise ModelBusy(f"{error}{asked}; given up after {tries}") from error
                errors += error.retry_after_seconds is None and not error.timed_out
                wait_seconds = backoff.wait_seconds(errors, error.retry_after_seconds)
                passed_seconds = time.monotonic() - began_seconds
                if attempt > 1 or passed_seconds + wait_seconds > _QUIET_SECONDS:
                    self._tell_of_retry(stage, error, wait_seconds)
                await asyncio.sleep(wait_seconds)
        raise AssertionError("a bounded loop ends by returning or raising")

    def _tell_of_retry(self, stage: str, error: Transient, wait_seconds: float) -> None:
        """Once for each reason and stage: else a run whose server fails says nothing for minutes."""
        with self._lock:
            known = (stage, error.kind) in self._retries
            self._retries.add((stage, error.kind))
        if not known:
            when = f" in {_told(wait_seconds)}" if wait_seconds > _QUIET_SECONDS else ""
            self._limits.on_note(
                f"{stage_label(stage)}: {error}; trying again{when}, each call up to {self._limits.backoff.attempts} times"
            )


def _may_be_billed(error: BaseException) -> bool:
    """Whether a failed call may be billed: it timed out, was cancelled, or its reply broke our code."""
    return error.timed_out if isinstance(error, Transient) else not isinstance(error, MrVideoError)


def _check_willing(completion: Completion) -> None:
    # After its usage was counted: a refusal is paid for like any reply.
    if completion.declined is not None:
        raise ModelRefused(completion.declined)


def _told(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours = seconds / 3600
    return f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.0f} hours"


def _until(seconds: float) -> str:
    """The break that a server asks for: its length, or its end where that is days away."""
    if seconds < _DATED_SECONDS:
        return f"for {_told(seconds)}"
    try:
        end = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    except OverflowError:
        return "until after the year 9999, says its Retry-After header: it is not waited for"
    return f"until {end:%Y-%m-%d}, says its Retry-After header: it is not waited for"


def check_budget(name: str, budget: Budget) -> None:
    """Raises `SettingsError` when a bound on money cannot be kept, because the price is unknown."""
    if budget.max_cost is not None and price_of(name) is None:
        raise SettingsError(
            f"max_cost cannot be kept: no price is known for {name}; "
            "add it to ~/.config/mrvideo/prices.toml, or use max_tokens"
        )
