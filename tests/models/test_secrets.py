"""A key is in the request's header, and nowhere else: not in an error, a log, a repr, a key of the store, a
ledger.
"""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from typing import Any

import pytest

from mrvideo.errors import ModelError, SettingsError
from mrvideo.models import Ledger, ModelSettings, open_model

KEY = "sk-secret-0123456789abcdef"


@pytest.fixture
def everything_logged() -> Any:
    """All that any logger says, at the finest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level, propagating = root.level, {}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in ("openai", "httpx", "httpx2", "httpcore", "mrvideo"):
        propagating[name] = logging.getLogger(name).level
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    for name, before in propagating.items():
        logging.getLogger(name).setLevel(before)


def written(error: BaseException) -> str:
    """An error as every way of printing it would show it, with its causes and contexts."""
    parts = [str(error), repr(error), *traceback.format_exception(error)]
    for inner in (error.__cause__, error.__context__ if not error.__suppress_context__ else None):
        if inner is not None:
            parts.append(written(inner))
    return "\n".join(parts)


def test_settings_hide_the_key_and_carry_it_to_other_processes():
    settings = ModelSettings.parse("openai:gpt-5-mini", api_key=KEY)
    shown = repr(settings) + str(settings) + settings.model_dump_json() + settings.fingerprint
    assert KEY not in shown
    travelled = pickle.loads(pickle.dumps(settings))
    assert travelled.api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    "base_url", [f"https://user:{KEY}@host/v1", f"https://host/v1?key={KEY}", KEY, f"ftp://host/{KEY}"]
)
def test_a_base_url_that_holds_a_key_is_refused_without_repeating_it(base_url):
    with pytest.raises(SettingsError) as caught:
        ModelSettings.parse("openai:m", base_url=base_url)
    assert KEY not in written(caught.value)


def test_a_key_of_the_wrong_kind_is_not_repeated():
    with pytest.raises(SettingsError) as caught:
        ModelSettings.parse("openai:m", base_url="http://h/v1", api_key=[KEY])
    assert KEY not in written(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
async def test_a_server_that_repeats_the_key_in_its_errors_does_not_spread_it(
    serve, connect, ask_border, chat, store, everything_logged, status
):
    echo = "the header was {authorization} " * 20
    server = serve(key=KEY, fault_of=lambda index: chat.Fault.status(status, text=echo))
    model = connect(server, api_key=KEY, store=store, attempts=2)
    with pytest.raises(ModelError) as caught:
        await model.run(ask_border())
    assert server.calls > 0
    assert KEY not in written(caught.value)
    assert KEY not in everything_logged.getvalue()


async def test_a_good_call_leaves_no_trace_of_the_key(serve, connect, ask_border, store, everything_logged):
    server = serve(key=KEY)
    model = connect(server, api_key=KEY, store=store)
    reply = await model.run(ask_border(colours=("red",)))
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}", "it did reach the server"
    left = [
        repr(model),
        model.name,
        model.fingerprint,
        repr(reply),
        repr(store.kept),
        repr(model.ledger.total()),
    ]
    left += [repr(vars(model)), repr(vars(model._wrapped)), everything_logged.getvalue()]
    assert KEY not in "".join(left)


async def test_a_wrong_key_is_told_by_the_name_of_its_variable(serve, connect, ask_border):
    server = serve(key="sk-right")
    model = connect(server, api_key=KEY, preset="openai")
    with pytest.raises(ModelError, match=r"refused the key \(401\); check OPENAI_API_KEY") as caught:
        await model.run(ask_border())
    assert KEY not in written(caught.value)


def test_openai_without_a_key_names_the_variable():
    with pytest.raises(SettingsError, match="set OPENAI_API_KEY"):
        open_model(ModelSettings.parse("openai:gpt-5-mini"), ledger=Ledger())


async def test_another_server_works_without_a_key(serve, connect, ask_border):
    server = serve()
    await connect(server).run(ask_border())
    assert server.answered == 1


async def test_a_key_in_the_environment_is_not_sent_unless_given(serve, connect, ask_border, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = serve()
    await connect(server).run(ask_border())
    assert KEY not in repr(server.asked[0].headers), "a key for OpenAI is no business of another server"


async def test_a_server_that_repeats_the_key_in_its_replies_does_not_spread_it(
    serve, connect, ask_border, chat, everything_logged
):
    """A caption that holds the header's key would stand in the library, and in every export of it."""
    message = {"content": f'{{"same_scene": true, "why": "{KEY}"}}', "reasoning": f"Bearer {KEY}"}
    server = serve(lambda asked: chat.Raw.json({"choices": [{"message": message}]}))
    model = connect(server, api_key=KEY)
    said = await model._wrapped.complete(ask_border(), (), max_output_tokens=64)
    assert '"why": "***"' in said.text
    assert KEY not in repr(said) + everything_logged.getvalue()


@pytest.mark.parametrize("shown", [KEY[:14], KEY[-12:], KEY.encode().hex()])
async def test_a_part_of_the_key_in_an_error_is_not_repeated(serve, connect, ask_border, chat, shown):
    server = serve(fault_of=lambda index: chat.Fault.status(400, text=f"wrong key {shown}*** given"))
    with pytest.raises(ModelError) as caught:
        await connect(server, api_key=KEY, attempts=1).run(ask_border())
    assert shown not in written(caught.value)
    assert "wrong key" in str(caught.value)
