"""The one layer around every adapter: nothing is paid twice, nothing runs away, everything is counted."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.errors import (
    BudgetReached,
    LibraryFull,
    ModelBusy,
    ModelRefused,
    ReplyInvalid,
    SettingsError,
    Stopped,
)
from mrvideo.models import Budget, Ledger, ModelSettings, limits, open_model
from mrvideo.models.chat_backend import Transient
from mrvideo.models.limiter import Limiter
from mrvideo.models.limits import LimitedModel, Limits
from mrvideo.models.prices import estimate
from mrvideo.models.retry import Backoff, retry_after_seconds
from mrvideo.models.scripted import ScriptedModel
from mrvideo.models.waiting import Queue
from mrvideo.records import Usage
from mrvideo.wording import stage_label


def limited(adapter: Any, **limits: Any) -> LimitedModel:
    return LimitedModel(adapter, Limits(ledger=limits.pop("ledger", Ledger()), **limits))


# kept replies -----------------------------------------------------------------------------------


async def test_a_kept_reply_is_never_asked_again(ask_border, store):
    model = ScriptedModel([{"same_scene": True}])
    ledger = Ledger()
    first = await limited(model, store=store, ledger=ledger).run(ask_border())
    second = await limited(model, store=store, ledger=ledger).run(ask_border())
    assert (first.cached, second.cached) == (False, True)
    assert second.value == first.value
    assert second.usage.calls == 0
    assert ledger.total().calls == 1


async def test_a_reply_is_kept_before_the_caller_sees_it(ask_border, store):
    model = limited(ScriptedModel([{"same_scene": True}]), store=store)
    request = ask_border()
    await model.run(request)
    assert store.kept == {model.key(request): '{"seen":"","same_scene":true}'}


async def test_fresh_asks_again_and_keeps_the_new_reply(ask_border, store):
    model = ScriptedModel([{"same_scene": True}, {"same_scene": False}])
    await limited(model, store=store).run(ask_border())
    reply = await limited(model, store=store, fresh=True).run(ask_border())
    assert reply.value.same_scene is False
    assert list(store.kept.values()) == ['{"seen":"","same_scene":false}']


async def test_a_kept_reply_that_no_longer_fits_is_asked_again(ask_border, store):
    model = limited(ScriptedModel([{"same_scene": True}]), store=store)
    store.kept[model.key(ask_border())] = '{"same": 1}'
    assert (await model.run(ask_border())).value.same_scene is True


def test_the_key_changes_with_whatever_changes_the_reply(ask_border):
    def key(request: Any, **settings: Any) -> str:
        fields = {"base_url": "http://localhost:1/v1", **settings}
        model = open_model(ModelSettings.parse(fields.pop("name", "openai:a"), **fields), ledger=Ledger())
        return model.key(request)  # type: ignore[attr-defined]

    keys = [
        key(ask_border(1)),
        key(ask_border(2)),
        key(ask_border(1, colours=("red",))),
        key(ask_border(1, colours=("blue",))),
        key(ask_border(1, max_output_tokens=65)),
        key(ask_border(1), name="openai:b"),
        key(ask_border(1), base_url="http://localhost:2/v1"),
        key(ask_border(1), temperature=0.7),
        key(ask_border(1), extra_body={"seed": 1}),
    ]
    assert len(set(keys)) == len(keys)
    assert key(ask_border(1)) == key(ask_border(1), concurrency=3, timeout_seconds=5, api_key="sk-other")


# one call for equal requests ----------------------------------------------------------------------


class Gate:
    """A model whose calls wait until the test lets them go."""

    name = fingerprint = "scripted"
    capabilities = ScriptedModel([]).capabilities

    def __init__(self, replies: Any = None) -> None:
        self.inner = ScriptedModel(replies or (lambda request: {"same_scene": True}))
        self.started = asyncio.Event()
        self.open = asyncio.Event()
        self.in_flight = self.most = 0

    async def run(self, request: Any) -> Any:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        self.started.set()
        try:
            await self.open.wait()
            return await self.inner.run(request)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None: ...


async def test_equal_requests_in_flight_are_one_call(ask_border):
    gate = Gate()
    ledger = Ledger()
    model = limited(gate, ledger=ledger)
    tasks = [asyncio.create_task(model.run(ask_border())) for _ in range(5)]
    await gate.started.wait()
    gate.open.set()
    replies = await asyncio.gather(*tasks)
    assert len(gate.inner.requests) == 1
    assert ledger.total().calls == 1
    assert sorted(reply.cached for reply in replies) == [False, True, True, True, True]


async def test_when_the_one_who_asked_is_cancelled_the_next_one_asks(ask_border):
    gate = Gate()
    model = limited(gate)
    leader = asyncio.create_task(model.run(ask_border()))
    await gate.started.wait()
    follower = asyncio.create_task(model.run(ask_border()))
    await asyncio.sleep(0)
    leader.cancel()
    gate.open.set()
    assert (await follower).value.same_scene is True
    with pytest.raises(asyncio.CancelledError):
        await leader


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered(ask_border):
    model = limited(ScriptedModel([ReplyInvalid("no"), {"same_scene": True}]))
    with pytest.raises(ReplyInvalid):
        await model.run(ask_border())
    assert (await model.run(ask_border())).value.same_scene is True


async def test_models_that_share_are_one_in_what_is_in_flight(ask_border):
    """Two questions to one library at once: each opens models of its own."""
    gate, elsewhere = Gate(), Gate()
    first, second = limited(gate, shared="a library"), limited(gate, shared="a library")
    stranger = limited(elsewhere, shared="another library")
    tasks = [asyncio.create_task(model.run(ask_border())) for model in (first, second, stranger)]
    await gate.started.wait()
    await elsewhere.started.wait()
    gate.open.set()
    elsewhere.open.set()
    replies = await asyncio.gather(*tasks)
    assert [reply.cached for reply in replies] == [False, True, False]
    assert len(gate.inner.requests) == 1


@pytest.mark.parametrize("end", [BudgetReached("max_tokens 5 would be passed"), Stopped("cancelled")])
async def test_the_end_of_one_runs_means_is_not_the_end_of_anothers(ask_border, end):
    gate = Gate([end, {"same_scene": True}])
    poor, rich = limited(gate, shared="a library"), limited(gate, shared="a library")
    leader = asyncio.create_task(poor.run(ask_border()))
    await gate.started.wait()
    follower = asyncio.create_task(rich.run(ask_border()))
    await asyncio.sleep(0)
    gate.open.set()
    assert (await follower).value.same_scene is True
    with pytest.raises(type(end)):
        await leader


# how many at once ---------------------------------------------------------------------------------


async def test_no_more_calls_are_in_flight_than_allowed(ask_border):
    gate = Gate()
    model = limited(gate, limiter=Limiter(3))
    tasks = [asyncio.create_task(model.run(ask_border(number))) for number in range(10)]
    await gate.started.wait()
    gate.open.set()
    await asyncio.gather(*tasks)
    assert gate.most == 3
    assert len(gate.inner.requests) == 10


async def test_a_server_that_refuses_most_calls_gets_half_as_many():
    limiter = Limiter(16)
    for _ in range(8):
        limiter.answered(refused=True)
    assert limiter.limit == 8
    for _ in range(4):
        limiter.answered(refused=True)
    assert limiter.limit == 4
    for _ in range(200):
        limiter.answered()
    assert limiter.limit == 16, "it creeps back up to what was configured, and not beyond"


@pytest.mark.slow
@given(st.lists(st.integers(0, 4), min_size=200, max_size=200))
def test_a_few_refusals_among_many_answers_do_not_slow_the_rest(dice):
    limiter = Limiter(64)
    for number in range(1000):
        # One in five, anywhere among the five: refused at random, not for being asked too much.
        limiter.answered(refused=number % 5 == dice[number // 5])
    assert limiter.limit == 64


async def test_a_refusing_server_is_left_alone_for_as_long_as_it_asked():
    now = [100.0]
    limiter = Limiter(4, clock=lambda: now[0])
    for _ in range(2):
        limiter.answered(refused=True, retry_after_seconds=0.05)
    waits: list[float] = []

    async def take() -> None:
        async with limiter.slot():
            waits.append(limiter._paused_until_seconds - now[0])

    await take()
    assert waits == [pytest.approx(0.05)]


async def test_a_waiter_that_is_cancelled_passes_its_turn_on():
    queue = Queue()
    open_now = False
    first, second = (asyncio.create_task(queue.wait_until(lambda: open_now)) for _ in range(2))
    await asyncio.sleep(0)
    open_now = True
    queue.wake()
    first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first


# when to try again --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    now = datetime(2026, 10, 21, 7, 28, 0, tzinfo=timezone.utc)
    assert retry_after_seconds(header, now=now) == seconds


@pytest.mark.parametrize("header", [None, "", "soon", "-3", "1e9999", "٣"])
def test_a_retry_after_that_makes_no_sense_is_ignored(header):
    assert retry_after_seconds(header) is None


@given(attempt=st.integers(1, 20), draw=st.floats(0, 1), asked=st.none() | st.floats(0, 300))
def test_waits_are_bounded_and_never_shorter_than_the_server_asked(attempt, draw, asked):
    backoff = Backoff(draw=lambda: draw)
    wait = backoff.wait_seconds(attempt, asked)
    assert (asked or 0) <= wait <= (asked or 0) + backoff.longest_seconds


def test_waits_double_with_each_error_and_a_servers_word_gets_jitter_on_top():
    backoff = Backoff(draw=lambda: 1.0)
    assert [backoff.wait_seconds(errors) for errors in (0, 1, 2, 3)] == [0.25, 0.25, 0.5, 1.0]
    assert backoff.wait_seconds(4, 10.0) == 10.25, "calls refused together must not come back together"
    assert backoff.wait_seconds(40) == 30.0


# money --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("timed_out", "goes_on"), [(True, False), (False, True)])
async def test_a_call_that_timed_out_counts_as_paid(ask_border, timed_out, goes_on):
    """A server that answers too late has worked, and bills: not counted, retries would pass the bound unseen."""
    most = estimate(ask_border(), "scripted", output_tokens=0)
    model = limited(
        ScriptedModel([Transient("slow", timed_out=timed_out), {"same_scene": True}]),
        budget=Budget(max_tokens=most.input_tokens * 3 // 2),
        backoff=Backoff(attempts=1),
    )
    with pytest.raises(ModelBusy):
        await model.run(ask_border())
    if goes_on:
        assert (await model.run(ask_border())).value.same_scene
    else:
        with pytest.raises(BudgetReached):
            await model.run(ask_border())


async def test_a_server_that_counts_more_than_estimated_is_believed_from_then_on():
    budget = Budget(max_tokens=1000)
    expected = Usage(calls=1, input_tokens=100)
    first = await budget.hold(expected)
    assert first.input_tokens == 100
    budget.settle(first, Usage(calls=1, input_tokens=250), estimated=expected)
    assert (await budget.hold(expected)).input_tokens == 250


async def test_the_first_call_of_a_kind_goes_alone():
    """How a server counts is not known before it: calls beside it could all take more than was set aside."""
    budget = Budget(max_tokens=100_000)
    expected = Usage(calls=1, input_tokens=100)
    first = await budget.hold(expected)
    second = asyncio.create_task(budget.hold(expected))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not second.done()
    budget.settle(first, Usage(calls=1, input_tokens=100), estimated=expected)
    assert (await second).input_tokens == 100


def test_the_ledger_sums_by_stage_and_tells_each_call():
    told: list[tuple[str, int]] = []
    ledger = Ledger(on_usage=lambda stage, usage: told.append((stage, usage.calls)))
    ledger.record("cast", Usage(calls=1, input_tokens=5, cost=0.5))
    ledger.record("scenes", Usage(calls=1, cost=None))
    ledger.record("cast", Usage(calls=1, input_tokens=7, cost=0.25))
    assert list(ledger.by_stage()) == ["cast", "scenes"]
    assert ledger.by_stage()["cast"] == Usage(calls=2, input_tokens=12, cost=0.75)
    assert ledger.total().cost is None, "a sum with an unknown part is unknown"
    assert told == [("cast", 1), ("scenes", 1), ("cast", 1)]


async def test_a_budget_in_tokens_stops_before_it_is_passed_and_goes_on_when_raised(
    serve, connect, ask_border, store
):
    server = serve()
    budget = Budget(max_tokens=700)
    model = connect(server, budget=budget, store=store)
    with pytest.raises(BudgetReached, match="max_tokens 700 would be passed"):
        for number in range(50):
            await model.run(ask_border(number))
    assert 0 < server.input_tokens + server.output_tokens <= 700
    done = server.answered

    again = connect(server, budget=Budget(max_tokens=100_000), store=store)
    for number in range(done + 1):
        await again.run(ask_border(number))
    assert server.answered == done + 1, "what was paid before is not paid again"


async def test_calls_in_flight_count_towards_the_budget(serve, connect, ask_border):
    server = serve(latency_seconds=0.01)
    model = connect(server, budget=Budget(max_tokens=900))
    results = await asyncio.gather(
        *(model.run(ask_border(number)) for number in range(40)), return_exceptions=True
    )
    assert server.input_tokens + server.output_tokens <= 900
    assert {type(result) for result in results if isinstance(result, Exception)} == {BudgetReached}
    assert server.answered > 2


async def test_a_call_that_fails_gives_back_what_was_set_aside(serve, connect, ask_border, chat):
    server = serve(fault_of=lambda index: chat.Fault.status(500) if index < 30 else None)
    model = connect(server, budget=Budget(max_tokens=600), attempts=1)
    for number in range(30):
        with pytest.raises(ModelBusy):
            await model.run(ask_border(number))
    await model.run(ask_border(99))
    assert server.answered == 1


def test_a_budget_in_money_needs_a_price():
    settings = ModelSettings.parse("ollama:qwen2.5vl")
    with pytest.raises(SettingsError, match="no price is known for ollama:qwen"):
        open_model(settings, ledger=Ledger(), budget=Budget(max_cost=1.0))


async def test_a_budget_in_money_is_kept(serve, connect, ask_border):
    server = serve(models=("gpt-4o-mini",))
    model = connect(server, name="openai:gpt-4o-mini", budget=Budget(max_cost=0.0002))
    with pytest.raises(BudgetReached, match=r"max_cost \$0.0002"):
        for number in range(100):
            await model.run(ask_border(number))
    spent = model.ledger.total().cost
    assert 0 < spent <= 0.0002


async def test_slots_are_shared_between_event_loops():
    limiter = Limiter(2)
    most: list[int] = []

    async def hold() -> None:
        async with limiter.slot():
            most.append(limiter.in_flight)
            await asyncio.sleep(0)

    async def elsewhere() -> None:
        await asyncio.gather(*(hold() for _ in range(200)))

    other = asyncio.create_task(asyncio.to_thread(asyncio.run, elsewhere()))
    await asyncio.gather(*(hold() for _ in range(200)))
    await other
    assert len(most) == 400, "no waiter is forgotten, whichever loop it waits on"
    assert max(most) <= 2
    assert limiter.in_flight == 0


# a server that wants to be left alone ---------------------------------------------------------------


async def test_a_break_longer_than_anybody_waits_stops_nobody_without_a_word():
    """One `Retry-After: 1000000000` put every other call to sleep for thirty years."""
    now = [100.0]
    limiter = Limiter(4, clock=lambda: now[0])
    for _ in range(2):
        limiter.answered(refused=True, retry_after_seconds=1e9)
    assert 0 < limiter.away_seconds <= 3600
    with anyio.fail_after(5):
        async with limiter.slot():
            pass
    now[0] += 3601
    assert limiter.away_seconds == 0, "then it is asked again"


async def test_who_comes_after_a_long_break_was_asked_for_fails_with_the_reason(
    serve, connect, ask_border, chat
):
    server = serve(fault_of=lambda index: chat.Fault.status(429, retry_after="1000000000"))
    model = connect(server, concurrency=2)
    results = await asyncio.gather(*(model.run(ask_border(n)) for n in range(40)), return_exceptions=True)
    assert {type(result) for result in results} == {ModelBusy}
    assert server.calls < 40, "once it is clear that it refuses all, it is left alone"
    reasons = {str(result) for result in results}
    assert any("refuses all calls" in reason and "Retry-After" in reason for reason in reasons)
    end = datetime.now(timezone.utc) + timedelta(seconds=1e9)
    assert any(f"wants to be left alone until {end:%Y-%m}" in reason for reason in reasons), (
        "a date, not 11574 days"
    )


async def test_a_break_beyond_the_calendar_is_told_too(serve, connect, ask_border, chat):
    model = connect(serve(fault_of=lambda index: chat.Fault.status(429, retry_after="9" * 400)))
    with pytest.raises(
        ModelBusy, match="after the year 9999, says its Retry-After header: it is not waited for"
    ):
        await model.run(ask_border())


# what is told of retries ----------------------------------------------------------------------------


class Failing(ScriptedModel):
    """A model whose server fails with these errors first."""

    def __init__(self, *errors: Transient) -> None:
        super().__init__([{"same_scene": True}, {"same_scene": True}])
        self.errors = list(errors)

    async def run(self, request: Any) -> Any:
        """The next error, or the reply."""
        if self.errors:
            raise self.errors.pop(0)
        return await super().run(request)


def _answered_500(number: int) -> Transient:
    return Transient(f"x: http://host answered 500: request {number} failed", kind="http://host 500")


async def told_of(*errors: Transient, requests: Any = (), **backoff: Any) -> list[str]:
    told: list[str] = []
    waits = Backoff(first_seconds=0.001, longest_seconds=0.001, **backoff)
    model = limited(Failing(*errors), backoff=waits, on_note=told.append)
    for request in requests:
        await model.run(request)
    return told


async def test_a_server_that_keeps_failing_is_told_once_for_each_reason(ask_border):
    """A run said nothing for more than a minute, on a terminal and elsewhere."""
    fails = [_answered_500(n) for n in range(5)]
    told = await told_of(*fails, Transient("x: lost"), Transient("x: lost"), requests=[ask_border()])
    assert len(told) == 2 and "answered 500: request 1 failed; trying again" in told[0]
    assert "up to 8 times" in told[0] and "x: lost; trying again" in told[1]
    assert told[0].startswith(stage_label(ask_border().stage))


async def test_one_quick_retry_is_not_told(ask_border):
    assert await told_of(_answered_500(1), requests=[ask_border(1), ask_border(2)]) == []


async def test_one_long_wait_is_told_with_its_length(ask_border, monkeypatch):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(limits.asyncio, "sleep", sleep)
    busy = Transient("x: answered 429", retry_after_seconds=30.0, rate_limited=True)
    told = await told_of(busy, requests=[ask_border()])
    assert waited and len(told) == 1 and "answered 429; trying again in 30 s" in told[0]


# the gate ----------------------------------------------------------------------------------------------


class Tripping:
    """A model whose reply to one request trips up what comes after, in a way that nobody thought of."""

    name = fingerprint = "tripping"
    capabilities = ScriptedModel([]).capabilities

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.asked: list[float] = []

    async def run(self, request: Any) -> Any:
        number = request.inputs.border_seconds
        self.asked.append(number)
        if number == 1 and self.error is not None:
            raise self.error
        return await ScriptedModel([{"same_scene": True}]).run(request)

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("by\nzero"),
        RecursionError(),
        UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "no"),
        KeyError(7),
    ],
)
async def test_whatever_goes_wrong_with_one_reply_is_an_error_of_that_reply(ask_border, store, error):
    """It ended the run, and each further run paid for the reply and ended there again."""
    adapter = Tripping(error)
    model = limited(adapter, store=store)
    results = await asyncio.gather(*(model.run(ask_border(n)) for n in range(3)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Reply", "ReplyInvalid", "Reply"]
    assert type(error).__name__ in str(results[1]) and "\n" not in str(results[1])
    assert results[1].__cause__ is error

    adapter.error = None
    again = limited(adapter, store=store)
    for number in range(3):
        await again.run(ask_border(number))
    assert sorted(adapter.asked) == [0, 1, 1, 2], "only the one that failed is asked, and paid, again"


async def test_a_reply_that_cannot_be_kept_is_an_error_of_that_reply(ask_border, store, monkeypatch):
    def put(*args: Any, **named: Any) -> None:
        raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(store, "put_reply", put)
    with pytest.raises(ReplyInvalid, match="cannot be used"):
        await limited(ScriptedModel([{"same_scene": True}]), store=store).run(ask_border())


async def test_what_stops_a_run_on_purpose_passes_the_gate(ask_border, store, monkeypatch):
    def put(*args: Any, **named: Any) -> None:
        raise LibraryFull("no space left")

    monkeypatch.setattr(store, "put_reply", put)
    with pytest.raises(LibraryFull):
        await limited(ScriptedModel([{"same_scene": True}]), store=store).run(ask_border())


# money, whatever the server claims ---------------------------------------------------------------------

CLAIMS = [
    {"prompt_tokens": 0, "completion_tokens": 0},
    {"prompt_tokens": -100_000, "completion_tokens": -100_000},
    {"prompt_tokens": 1, "completion_tokens": 1},
    {"prompt_tokens": "none", "completion_tokens": []},
    {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 10**9}},
    {},
    None,
]


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=str)
async def test_a_bound_holds_whatever_the_server_claims(serve, connect, ask_border, chat, claim):
    body = {"choices": [{"message": {"content": '{"same_scene": true}'}}], "usage": claim}
    server = serve(lambda asked: chat.Raw.json(body))
    model = connect(server, budget=Budget(max_tokens=2000))
    with pytest.raises(BudgetReached, match="max_tokens 2000"):
        for number in range(200):
            await model.run(ask_border(number, colours=("red", "blue")))
    # By our own count a call takes some 150 tokens: not 200 calls, and not one alone.
    assert 5 <= len(server.asked) <= 20
    taken = model.ledger.total()
    assert 0 <= taken.cached_tokens <= taken.input_tokens
    assert 0 < taken.input_tokens + taken.output_tokens <= 2000


async def test_an_absurd_claim_does_not_end_a_run_at_its_first_call(serve, connect, ask_border, chat):
    claim = {"prompt_tokens": 10**14, "completion_tokens": 10**14}
    body = {"choices": [{"message": {"content": '{"same_scene": true}'}}], "usage": claim}
    server = serve(lambda asked: chat.Raw.json(body))
    model = connect(server, budget=Budget(max_tokens=100_000))
    for number in range(3):
        await model.run(ask_border(number))
    assert model.ledger.total().input_tokens < 50_000


async def test_a_refusal_is_paid_for_like_any_reply(serve, connect, ask_border, chat):
    message = {"content": None, "refusal": "I cannot help with that."}
    body = {"choices": [{"message": message}], "usage": {"prompt_tokens": 200, "completion_tokens": 9}}
    server = serve(lambda asked: chat.Raw.json(body))
    model = connect(server)
    with pytest.raises(ModelRefused, match=r"declined \(.*\): I cannot help with that"):
        await model.run(ask_border())
    assert model.ledger.total().input_tokens == 200
