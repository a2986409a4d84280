"""Servers that mrvideo starts: really started, shared by processes, stopped with the last user, however that
one ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.chat_server import ChatServer, _write
from support.engine_program import Programs, alive, until

from mrvideo.errors import ModelUnavailable, SettingsError, Stopped
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.engines import keeper, sharing
from mrvideo.models.engines.backend import EngineBackend, already_there
from mrvideo.models.engines.programs import DOCUMENTED, PROGRAMS, Plan, program_of
from mrvideo.models.engines.sharing import joined, leave_all, running, stop
from mrvideo.models.engines.state import read_state
from mrvideo.models.engines.wanted import Wanted
from mrvideo.models.presets import preset_named
from mrvideo.session.models import check_there

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="servers are started on POSIX alone"),
]

LLAMA = {"vllm": "acme/vlm", "sglang": "acme/vlm", "llamacpp": "acme/vlm-GGUF"}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    """A PATH and a state folder of the test's own; whatever was started there ends with it."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("mrvideo.models.engines.starting.usable_gpus", lambda: 1)
    # No server at a usual port is to be found by chance.
    monkeypatch.setattr("mrvideo.models.engines.backend.already_there", lambda settings: None)
    yield Programs(tmp_path, monkeypatch)
    leave_all()
    stop()


def settings(name: str, **fields: Any) -> ModelSettings:
    return ModelSettings.parse(name, **fields)


def asked(model: EngineBackend, request: Any) -> Any:
    async def ask() -> Any:
        try:
            return await model.complete(request, (), max_output_tokens=64)
        finally:
            await model.aclose()

    return asyncio.run(ask())


async def replied(model: Any, request: Any) -> Any:
    try:
        return await model.run(request)
    finally:
        await model.aclose()


class ListedServer(ChatServer):
    """A chat server that also lists its models."""

    async def _respond(
        self, method: str, path: str, headers: dict[str, str], raw: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        if path == "/v1/models":
            await _write(writer, 200, json.dumps({"data": [{"id": name} for name in self.models]}).encode())
            return True
        return await super()._respond(method, path, headers, raw, writer)


# one process ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "program"), [("vllm", "vllm"), ("sglang", "sglang"), ("llamacpp", "llama-server")]
)
def test_a_model_is_served_by_its_program_and_asked_with_pictures(
    programs: Programs, ask_border: Callable[..., Any], scheme: str, program: str
) -> None:
    programs.install(program)
    own = settings(f"{scheme}:{LLAMA[scheme]}")
    told: list[str] = []
    model = EngineBackend(own, told.append)
    before = model.fingerprint
    assert programs.starts() == [], "nothing is started before the first call"

    completion = asked(model, ask_border(colours=("red", "blue")))

    assert json.loads(completion.text) and completion.usage.images == 2
    (started,) = programs.starts()
    assert len(started["key"]) >= 32 and started["key"] not in " ".join(started["arguments"])
    assert model.fingerprint == before, "kept replies are found whichever port the server has"
    (state,) = programs.states
    assert told == [
        f"starting {program_of(scheme).label} for {LLAMA[scheme]}, which may take minutes; its log: {state.with_suffix('.log')}"
    ]
    assert "INFO: serving" in state.with_suffix(".log").read_text()
    leave_all()
    until(lambda: not alive(started["pid"]))
    until(lambda: not programs.states)


def test_state_log_and_key_are_the_owners_alone(programs: Programs) -> None:
    """They hold the keys of servers that anybody on this machine can reach."""
    programs.install("sglang")
    joined(Wanted("sglang", "acme/vlm"))
    folder = programs.state / "mrvideo" / "engines"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert files == {".json": 0o600, ".lock": 0o600, ".log": 0o600, ".yaml": 0o600}


def test_a_real_server_with_real_weights_sees_the_pictures(
    programs: Programs, tiny_models: Any, tmp_path: Path, ask_border: Callable[..., Any]
) -> None:
    """`transformers serve`, under the name of vLLM: health, the request with pictures, and its end are a real
    server's.
    """
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    folder = tiny_models.save_idefics3(tmp_path / "model")
    programs.install("vllm", "transformers")
    model = EngineBackend(settings(f"vllm:{folder}", reply_format="text"))

    one = asked(model, ask_border(colours=("red",)))
    two = asked(model, ask_border(colours=("red", "blue")))

    # Random weights: the text means nothing. What the server counted does.
    assert one.text and two.usage.input_tokens > one.usage.input_tokens
    (started,) = programs.starts()
    leave_all()
    until(lambda: not alive(started["pid"]))


def test_neither_a_proxy_nor_the_keys_of_others_are_on_the_way(
    programs: Programs, ask_border: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment would get the pictures, and the key, of a server of this very machine."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-others")
    programs.install("vllm")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert asked(EngineBackend(settings("vllm:acme/vlm")), ask_border(colours=("red",))).text
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    environment = programs.starts()[0]["environment"]
    assert "sk-others" not in environment.values() and environment["VLLM_NO_USAGE_STATS"] == "1"


def test_a_server_of_your_own_at_the_usual_port_is_used_as_it_is(
    programs: Programs,
    serve: Callable[..., Any],
    ask_border: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs.install("vllm")
    with ListedServer(models=("acme/vlm",)) as own:
        monkeypatch.setattr(
            ModelSettings,
            "server",
            property(lambda self: replace(preset_named("vllm"), base_url=own.base_url)),
        )
        monkeypatch.setattr("mrvideo.models.engines.backend.already_there", already_there)
        assert asked(EngineBackend(settings("vllm:acme/vlm")), ask_border(colours=("red",))).text
        assert not programs.starts() and own.answered == 1
        # Without the model it is somebody else's: one is started beside it.
        with pytest.raises(ModelUnavailable, match="died while starting"):
            programs.install("vllm", "failing")
            asked(EngineBackend(settings("vllm:acme/other")), ask_border(colours=("red",)))


def test_kept_replies_start_nothing(programs: Programs, ask_border: Callable[..., Any], store: Any) -> None:
    programs.install("vllm")

    def run() -> Any:
        model = open_model(settings("vllm:acme/vlm"), ledger=Ledger(), store=store)
        return asyncio.run(replied(model, ask_border(colours=("red",))))

    assert not run().cached
    leave_all()
    until(lambda: not programs.states)
    assert run().cached
    assert len(programs.starts()) == 1 and not programs.states


# what goes wrong --------------------------------------------------------------------------------------


def one_line(error: BaseException) -> str:
    assert "\n" not in str(error)
    return str(error)


def test_a_program_that_is_not_installed_is_told_with_the_way_to_it(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrvideo.models.engines.programs.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("mrvideo.models.engines.programs.find_spec", lambda name: None)
    for program in PROGRAMS:
        with pytest.raises(ModelUnavailable) as caught:
            joined(Wanted(program.scheme, "acme/vlm"))
        assert program.install in one_line(caught.value) and program.label in str(caught.value)
    assert not programs.states


def test_a_server_that_dies_while_loading_is_told_with_its_last_words(programs: Programs) -> None:
    programs.install("vllm", "failing")
    with pytest.raises(ModelUnavailable) as caught:
        joined(Wanted("vllm", "acme/vlm"))
    log = next((programs.state / "mrvideo" / "engines").glob("*.log"))
    assert one_line(caught.value) == (
        f"vllm:acme/vlm: its server died while starting (exit code 1): ValueError: no such model: try another; log: {log}"
    )
    assert not programs.states


def test_a_server_that_died_before_anybody_could_ask_is_told_the_same(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine it died first, its keeper ended unheard, and the exit code was lost."""
    programs.install("vllm", "failing")
    connect = sharing._connect

    def late(state: dict[str, Any], what: str = "use") -> Any:
        while not (programs.starts() and not alive(programs.starts()[0]["pid"])):
            time.sleep(0.05)
        time.sleep(0.5)
        return connect(state, what)

    monkeypatch.setattr(sharing, "_connect", late)
    with pytest.raises(
        ModelUnavailable, match=r"died while starting \(exit code 1\): ValueError: no such model"
    ):
        joined(Wanted("vllm", "acme/vlm"))
    assert not programs.states


def test_a_server_that_never_gets_healthy_is_ended_within_the_bound(programs: Programs) -> None:
    programs.install("vllm", "slow")
    told: list[str] = []
    with pytest.raises(ModelUnavailable) as caught:
        joined(Wanted("vllm", "acme/vlm", start_seconds=5.0), tell=told.append)
    message = one_line(caught.value)
    assert "was not ready within 5 s: INFO: serving; give it longer with --engine-seconds or" in message
    assert message.endswith(".log")
    (started,) = programs.starts()
    assert not alive(started["pid"]) and not programs.states


def test_progress_is_told_in_a_line_now_and_then(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_TELL_EVERY_SECONDS", 0.5)
    programs.install("vllm", "slow")
    told: list[str] = []
    with pytest.raises(ModelUnavailable):
        joined(Wanted("vllm", "acme/vlm", start_seconds=3.0), tell=told.append)
    assert any(line.startswith("vllm:acme/vlm is not ready after ") and "of 3: INFO" in line for line in told)
    assert all("\n" not in line for line in told)


def test_a_server_that_dies_while_serving_ends_the_run_at_once(
    programs: Programs, ask_border: Callable[..., Any]
) -> None:
    """Each clip would else be tried eight times against a port where nobody listens, or worse: somebody else."""
    programs.install("vllm", "dying", answers=1)
    model = open_model(settings("vllm:acme/vlm"), ledger=Ledger())
    asyncio.run(replied(model, ask_border(1, colours=("red",))))
    began = time.monotonic()
    with pytest.raises(ModelUnavailable) as caught:
        asyncio.run(replied(model, ask_border(2, colours=("red",))))
    assert time.monotonic() - began < 10
    assert (
        "its server died while serving (exit code 3): torch.OutOfMemoryError: CUDA out of memory"
        in one_line(caught.value)
    )
    assert not programs.states


def test_a_server_that_died_is_started_anew_by_the_next_run(programs: Programs) -> None:
    programs.install("vllm")
    first = joined(Wanted("vllm", "acme/vlm"))
    os.kill(programs.starts()[0]["pid"], signal.SIGKILL)
    assert "(SIGKILL)" in until(lambda: first.ended)
    second = joined(Wanted("vllm", "acme/vlm"))
    assert second is not first and second.ended is None
    assert len(programs.starts()) == 2


def test_a_port_that_is_taken_is_told(programs: Programs) -> None:
    programs.install("vllm")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ModelUnavailable) as caught:
            joined(Wanted("vllm", "acme/vlm", port=port))
    assert f"port {port} is taken by another program" in one_line(caught.value)
    assert joined(Wanted("vllm", "acme/vlm", port=port)).served.base_url == f"http://127.0.0.1:{port}/v1"


def test_a_run_that_is_given_up_while_the_server_loads_leaves_none_behind(programs: Programs) -> None:
    programs.install("vllm", "slow")
    with pytest.raises(Stopped):
        joined(Wanted("vllm", "acme/vlm"), given_up=lambda: bool(programs.starts()))
    until(lambda: not programs.states)
    assert not alive(programs.starts()[0]["pid"])


# several processes ------------------------------------------------------------------------------------

_USER = """
import sys
from mrvideo.models.engines.sharing import joined
from mrvideo.models.engines.wanted import Wanted
lease = joined(Wanted("vllm", "acme/vlm"))
print(lease.served.base_url, flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the server until its stdin closes, or it is killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def address(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self, number: int | None = None) -> None:
        if number is not None:
            self.process.send_signal(number)
        self.process.communicate(timeout=30)


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, repository: Path) -> Iterator[Callable[[], User]]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(repository), *sys.path]))
    users: list[User] = []

    def start() -> User:
        users.append(User())
        return users[-1]

    yield start
    for one in users:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def test_processes_that_start_at_once_share_one_server(
    programs: Programs, user: Callable[[], User], tmp_path: Path
) -> None:
    """Two that each started one would halve the GPU's memory, and mostly one of them would die for want of
    it.
    """
    gate = tmp_path / "open"
    programs.install("vllm", opens=str(gate))
    four = [user() for _ in range(4)]
    (state,) = until(lambda: programs.states)
    # All four wait for the same server, which is not healthy yet.
    until(lambda: len(_users(state)) == 4)
    gate.touch()
    assert len({one.address() for one in four}) == 1
    (started,) = programs.starts()
    for one in four[:3]:
        one.end()
        assert alive(started["pid"])
    four[3].end()
    until(lambda: not alive(started["pid"]))
    until(lambda: not programs.states)


def _users(state_file: Path) -> list[int]:
    state = read_state(state_file)
    told = None if state is None else sharing._asked(state, "status")
    return [] if told is None else told.get("users", [])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_a_last_user_that_is_killed(
    programs: Programs, user: Callable[[], User], number: int
) -> None:
    programs.install("vllm")
    one, other = user(), user()
    assert one.address() == other.address()
    (started,) = programs.starts()
    one.end(number)
    until(lambda: len(running()[0].users) == 1)
    assert alive(started["pid"])
    other.end(number)
    until(lambda: not alive(started["pid"]))
    until(lambda: not programs.states)


def test_a_user_that_is_killed_while_the_server_loads_leaves_none_behind(
    programs: Programs, user: Callable[[], User]
) -> None:
    programs.install("vllm", "slow")
    one = user()
    (started,) = until(programs.starts)
    (state,) = programs.states
    until(lambda: _users(state))
    one.end(signal.SIGKILL)
    until(lambda: not alive(started["pid"]))


@pytest.mark.skipif(
    sys.platform != "linux", reason="the system ends the child of a killed parent on Linux alone"
)
def test_a_keeper_that_is_killed_takes_its_server_with_it(programs: Programs) -> None:
    programs.install("vllm")
    lease = joined(Wanted("vllm", "acme/vlm"))
    (started,) = programs.starts()
    os.kill(json.loads(programs.states[0].read_text())["keeper_pid"], signal.SIGKILL)
    until(lambda: not alive(started["pid"]))
    assert "was killed together with its keeper" in until(lambda: lease.ended)
    assert joined(Wanted("vllm", "acme/vlm")).ended is None
    assert len(programs.starts()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="processes of a session are found on Linux alone")
def test_what_a_killed_keeper_leaves_is_ended_by_the_next_look(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not end by SIGTERM, and its child in a group of its own, would hold the GPU's memory
    for ever.
    """
    monkeypatch.setattr(keeper, "_STOP_SECONDS", 0.5)
    programs.install("vllm", "stubborn")
    joined(Wanted("vllm", "acme/vlm"))
    pids = [started["pid"] for started in programs.starts()]
    assert len(pids) == 2
    keeper_pid = json.loads(programs.states[0].read_text())["keeper_pid"]
    os.kill(keeper_pid, signal.SIGKILL)
    until(lambda: not alive(keeper_pid))
    assert all(map(alive, pids))
    assert running() == []
    assert not any(map(alive, pids)) and not programs.states


def test_a_process_of_the_same_number_is_not_ended(programs: Programs) -> None:
    """A state file outlives a reboot; whoever has the server's number by then is nobody of ours."""
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    try:
        state = {
            "name": "vllm:acme/vlm", "port": 1, "control_port": 1, "token": "", "log": "", "keeper_pid": None,
            "pid": bystander.pid, "pid_started": "1", "pid_began": 1.0,
        }  # fmt: skip
        folder = programs.state / "mrvideo" / "engines"
        folder.mkdir(parents=True)
        (folder / "vllm-x.json").write_text(json.dumps(state))
        assert running() == [] and not programs.states
        assert alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_that_is_kept_stays_until_it_is_stopped(programs: Programs) -> None:
    programs.install("vllm")
    joined(Wanted("vllm", "acme/vlm")).keep()
    (started,) = programs.starts()
    leave_all()
    one = until(lambda: next((one for one in running() if not one.users), None))
    assert one.kept and one.name == "vllm:acme/vlm" and one.phase == "ready" and alive(started["pid"])
    # Another run uses it, and it stays after that one, too.
    joined(Wanted("vllm", "acme/vlm"))
    assert len(programs.starts()) == 1
    leave_all()
    until(lambda: not running()[0].users)
    assert alive(started["pid"])
    assert stop("vllm:other") == []
    assert stop("vllm:acme/vlm") == ["vllm:acme/vlm"]
    assert not alive(started["pid"]) and running() == []


def test_a_stranger_without_the_token_is_no_user_and_stops_nothing(programs: Programs) -> None:
    programs.install("vllm")
    lease = joined(Wanted("vllm", "acme/vlm"))
    port = json.loads(programs.states[0].read_text())["control_port"]
    for line in (
        b'{"do": "stop"}\n',
        b'{"token": "guessed", "do": "stop"}\n',
        b"\x00\xff\n",
        b"[1]\n",
        b"x" * 100_000,
    ):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(line)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
    assert lease.ended is None and len(running()[0].users) == 1


# what the programs are told ---------------------------------------------------------------------------


def command(name: str, **plan: Any) -> list[str]:
    scheme, _, model = name.partition(":")
    launch = program_of(scheme).launch((scheme,), Plan(model, 4321, "secret", **plan))
    assert "secret" not in " ".join(launch.command)
    return list(launch.command)


@pytest.mark.parametrize("scheme", DOCUMENTED)
def test_every_argument_stands_in_the_documentation_that_is_cited(scheme: str, tmp_path: Path) -> None:
    known = set().union(*(page.arguments for page in DOCUMENTED[scheme]))
    given = command(
        f"{scheme}:{LLAMA[scheme]}", gpus=4, context_tokens=16_000, key_file=tmp_path / "key.yaml"
    )
    (tmp_path / "m.gguf").touch()
    (tmp_path / "mmproj.gguf").touch()
    given += command(f"{scheme}:{tmp_path}") if scheme == "llamacpp" else []
    names = {word for word in given if word.startswith("--")}
    assert names and names <= known
    assert known - names == set(), "what is not given is not cited"
    assert all(page.url.startswith("https://") and page.version for page in DOCUMENTED[scheme])


def value(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_vllm_takes_forty_images_at_loopback_and_holds_replies_to_a_schema() -> None:
    words = command("vllm:acme/vlm", context_tokens=16_000)
    assert words[:3] == ["vllm", "serve", "acme/vlm"]
    assert json.loads(value(words, "--limit-mm-per-prompt")) == {"image": 40, "video": 0}
    assert (value(words, "--host"), value(words, "--port")) == ("127.0.0.1", "4321")
    assert value(words, "--max-model-len") == "16000"
    assert "--enable-prefix-caching" in words and "--data-parallel-size" not in words
    assert value(words, "--structured-outputs-config.backend") == "auto"


@pytest.mark.parametrize("scheme", ["vllm", "sglang"])
def test_several_gpus_get_a_copy_each_unless_the_user_says_otherwise(scheme: str) -> None:
    assert value(command(f"{scheme}:a/b", gpus=4), "--data-parallel-size") == "4"
    own = ("--tensor-parallel-size", "4")
    words = command(f"{scheme}:a/b", gpus=4, further=own)
    assert "--data-parallel-size" not in words and words[-2:] == list(own)


@pytest.mark.parametrize(("own", "asked_for"), [(8192, "8192"), (262_144, "32768")])
def test_the_context_is_no_longer_than_the_model_was_made_for(
    tmp_path: Path, own: int, asked_for: str
) -> None:
    """vLLM does not start with a longer one, and with that of a model made for 256 K finds no memory for its
    cache.
    """
    (tmp_path / "config.json").write_text(json.dumps({"text_config": {"max_position_embeddings": own}}))
    assert value(command(f"vllm:{tmp_path}"), "--max-model-len") == asked_for
    assert value(command(f"sglang:{tmp_path}"), "--context-length") == asked_for
    # Of a model that is not there yet nothing is known: vLLM takes what fits, SGLang what the model says.
    assert value(command("vllm:acme/not-there"), "--max-model-len") == "auto"
    assert "--context-length" not in command("sglang:acme/not-there")


def test_a_gguf_file_needs_its_projector_to_see(tmp_path: Path, programs: Programs) -> None:
    programs.install("llama-server")
    weights, projector = tmp_path / "vlm-Q4.gguf", tmp_path / "mmproj-vlm.gguf"
    weights.touch()
    words = command(f"llamacpp:{weights}")
    assert value(words, "--model") == str(weights) and "--mmproj" not in words, "texts need none"
    own = ModelSettings.parse(f"llamacpp:{weights}")
    check_there(own)
    with pytest.raises(SettingsError, match="no mmproj file beside it"):
        check_there(own, sees=True)
    projector.touch()
    check_there(own, sees=True)
    for name in (weights, tmp_path):
        words = command(f"llamacpp:{name}", context_tokens=8192)
        assert (value(words, "--model"), value(words, "--mmproj")) == (str(weights), str(projector))
        assert (value(words, "--parallel"), value(words, "--ctx-size")) == ("4", str(4 * 8192))
    (tmp_path / "mmproj-other.gguf").touch()
    assert value(command(f"llamacpp:{weights}"), "--mmproj") == str(projector), "the one of its name"
    with pytest.raises(SettingsError, match="there is no such file"):
        command(f"llamacpp:{tmp_path}/none.gguf")


@pytest.mark.parametrize("name", ["vllm:--port=1", "sglang:-x", "llamacpp:--hf-file=x"])
def test_a_name_is_never_taken_for_an_argument(name: str) -> None:
    with pytest.raises(SettingsError, match="no model is named"):
        command(name)


@pytest.mark.parametrize("text", ["--host 0.0.0.0", "--port=1", "--api-key x", "'open"])
def test_arguments_that_would_open_the_server_are_refused(programs: Programs, text: str) -> None:
    programs.install("vllm")
    with pytest.raises(SettingsError, match="engine_args"):
        joined(Wanted("vllm", "acme/vlm", engine_args=text))
    assert not programs.starts()


def test_with_an_address_nothing_is_started() -> None:
    pointed = settings("vllm:acme/vlm", base_url="http://127.0.0.1:9/v1")
    assert not pointed.starts and pointed.base_url == "http://127.0.0.1:9/v1"
    assert settings("vllm:acme/vlm").starts and not settings("ollama:x").starts
    assert (
        settings("vllm:acme/vlm").fingerprint
        == pointed.model_copy(update={"base_url": "http://localhost:8000/v1"}).fingerprint
    )
