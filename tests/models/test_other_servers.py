"""Servers that none of us wrote, over HTTP: `transformers serve` with a tiny random model, and LiteLLM's
proxy with mocks.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import ModelBusy, ModelRefused, ModelUnavailable, ReplyInvalid

pytestmark = pytest.mark.slow
_LONGEST_START_SECONDS = 120


@contextmanager
def running(command: list[str], ready: str, folder: Path, **environment: str) -> Iterator[None]:
    """A server process from the line of its output that says it is up; killed at the end, or when it never
    comes up.
    """
    # The person's own keys and settings stay out of it.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    process = subprocess.Popen(
        command, cwd=folder, env={**kept, "HOME": str(folder), "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    up = threading.Event()
    said: list[str] = []

    def listen() -> None:
        # Reads to the end, so that the process never blocks on a full pipe.
        for line in process.stdout or ():
            said.append(line)
            if ready in line:
                up.set()
        ended.set()
        up.set()

    ended = threading.Event()
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        up.wait(_LONGEST_START_SECONDS)
        if ended.is_set() or not up.is_set():
            pytest.fail(f"{command[0]} did not come up: {''.join(said[-20:])}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join(timeout=10)
        process.stdout.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def transformers_server(tmp_path_factory, tiny_models) -> Iterator[tuple[str, str]]:
    """Base URL and model name."""
    missing = [name for name in ("transformers", "fastapi", "uvicorn") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"transformers serve needs {', '.join(missing)}: pip install 'transformers[serving]'")
    folder = tiny_models.save_idefics3(tmp_path_factory.mktemp("served"))
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("transformers")), "serve", str(folder),
        "--host", "127.0.0.1", "--port", str(port), "--device", "cpu",
    ]  # fmt: skip
    with running(command, "Uvicorn running", folder, HF_HUB_OFFLINE="1"):
        yield f"http://127.0.0.1:{port}/v1", str(folder)


async def test_a_tiny_model_behind_transformers_serve_fails_in_words(
    transformers_server, connect, ask_border
):
    url, model_name = transformers_server
    model = connect(url, name=f"openai:{model_name}", preset="transformers")
    request = ask_border(1, colours=("red", "blue"), max_output_tokens=24)
    with pytest.raises(ReplyInvalid, match=r"its reply \(.*\) is outside its bounds twice") as caught:
        await model.run(request)
    assert "\n" not in str(caught.value)
    spent = model.ledger.total()
    assert spent.calls == 2, "what was said was paid, whatever it was worth"
    assert spent.images == 4
    assert spent.input_tokens > 2 * 4 * 2, "the server counts its four tokens for each of two pictures"
    assert 24 <= spent.output_tokens <= 24 + 48


async def test_transformers_serve_is_understood_without_a_preset_too(
    transformers_server, connect, ask_border
):
    url, model_name = transformers_server
    model = connect(url, name=f"openai:{model_name}")
    with pytest.raises(ReplyInvalid):
        await model.run(ask_border(1, max_output_tokens=8))


async def test_a_model_that_transformers_serve_does_not_hold_is_told(
    transformers_server, connect, ask_border
):
    url, _ = transformers_server
    with pytest.raises((ModelUnavailable, ModelRefused), match=r"pinned|404"):
        await connect(url, name="openai:nobody/none", preset="transformers").run(ask_border())


_LITELLM = """
model_list:
  - {model_name: good, litellm_params: {model: openai/mock, api_key: none, mock_response: '{"same_scene": true}'}}
  - {model_name: chatty, litellm_params: {model: openai/mock, api_key: none, mock_response: 'I would say so.'}}
  - {model_name: limited, litellm_params: {model: openai/mock, api_key: none, mock_response: 'litellm.RateLimitError'}}
  - {model_name: broken, litellm_params: {model: openai/mock, api_key: none, mock_response: 'litellm.InternalServerError'}}
litellm_settings: {num_retries: 0}
router_settings: {num_retries: 0, disable_cooldowns: true}
general_settings: {master_key: sk-proxy-master}
"""


@pytest.fixture(scope="module")
def litellm_url(tmp_path_factory) -> Iterator[str]:
    here = Path(sys.executable).parent
    program = shutil.which("litellm", path=f"{here}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("there is no litellm program: `make test` installs it in an environment of its own")
    folder = tmp_path_factory.mktemp("litellm")
    (folder / "config.yaml").write_text(_LITELLM)
    port = free_port()
    command = [program, "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    with running([*command, "--telemetry", "False"], "Uvicorn running", folder, **quiet):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def proxied(litellm_url, connect) -> Callable[..., Any]:
    def make(model: str, **settings: Any) -> Any:
        return connect(
            litellm_url, name=f"openai:{model}", **{"api_key": "sk-proxy-master", "attempts": 2, **settings}
        )

    return make


async def test_a_mock_model_behind_litellm_answers(proxied, ask_border):
    model = proxied("good")
    reply = await model.run(ask_border(1, colours=("red", "blue")))
    assert reply.value.same_scene is True
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


async def test_prose_behind_litellm_is_a_typed_failure(proxied, ask_border):
    with pytest.raises(ReplyInvalid, match="no JSON object"):
        await proxied("chatty").run(ask_border())


@pytest.mark.parametrize(("name", "status"), [("limited", 429), ("broken", 500)])
async def test_errors_behind_litellm_are_tried_again_then_told(proxied, ask_border, name, status):
    with pytest.raises(ModelBusy, match=f"answered {status}.*given up after 2 tries"):
        await proxied(name).run(ask_border())


async def test_a_wrong_key_or_model_at_litellm_is_told(proxied, ask_border):
    # Without a database of keys, the proxy answers a wrong key with 400.
    with pytest.raises((ModelUnavailable, ModelRefused)):
        await proxied("good", api_key="sk-wrong").run(ask_border())
    with pytest.raises((ModelUnavailable, ModelRefused)):
        await proxied("nobody").run(ask_border())
