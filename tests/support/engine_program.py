"""Programs that stand in for vLLM, SGLang and llama.cpp's server: real processes, real sockets, put on a PATH
of the test's own.

    programs = Programs(tmp_path, monkeypatch)
    programs.install("vllm")                            answers as tests/support/chat_server.py does
    programs.install("vllm", "failing")                 dies while loading, with a traceback
    programs.install("vllm", "slow")                    listens and is never healthy
    programs.install("vllm", "dying", answers=2)        answers twice, then dies at the next call
    programs.install("vllm", "stalling")                is asked and never answers
    programs.install("vllm", "stubborn")                does not end by SIGTERM, and has a child that does not either
    programs.install("vllm", "transformers")            `transformers serve`: a real server with real weights
    programs.starts()                                   what each was told: its arguments, its key, its process

Arguments are parsed as strictly as the programs do: one that is not documented ends it with code 2.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent.parent
LONGEST_SECONDS = 120
"""A program that nobody ends, ends itself."""

_FLAGS = {"--enable-prefix-caching", "--cache-prompt", "--jinja", "--no-webui"}
_POSITIONAL = {"vllm": ["serve", "model"], "sglang": ["serve"], "llama-server": []}


class Programs:
    """A folder of programs that comes first on the PATH, and a place for state of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.record = folder / "bin", folder / "starts.jsonl"
        self.state = folder / "state"
        self.folder.mkdir(exist_ok=True)
        monkeypatch.setenv("PATH", f"{self.folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("XDG_STATE_HOME", str(self.state))

    def install(self, name: str, behaviour: str = "chat", **options: Any) -> Path:
        """Put a program of that name there, in place of one that was."""
        path = self.folder / name
        said = json.dumps({"name": name, "behaviour": behaviour, "record": str(self.record), **options})
        path.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path[:0] = {[str(TESTS), str(TESTS.parent)]!r}\n"
            f"from support.engine_program import main\nmain({said!r})\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def starts(self) -> list[dict[str, Any]]:
        """One for each time that a program was started."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def states(self) -> list[Path]:
        """The state files that there are."""
        return sorted((self.state / "mrvideo" / "engines").glob("*.json"))


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(holds: Any, *, seconds: float = 30.0) -> Any:
    """Wait until something holds, and return it. Fails when it does not within the bound."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not come about within {seconds:g} s")


def _parsed(name: str, words: list[str]) -> argparse.Namespace:
    from mrvideo.models.engines.programs import DOCUMENTED

    scheme = {"llama-server": "llamacpp"}.get(name, name)
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    for positional in _POSITIONAL[name]:
        parser.add_argument(positional)
    for argument in sorted(set().union(*(page.arguments for page in DOCUMENTED[scheme]))):
        parser.add_argument(argument, action="store_true" if argument in _FLAGS else "store")
    return parser.parse_args(words)


def _key(name: str, told: argparse.Namespace) -> str | None:
    if name == "vllm":
        return os.environ.get("VLLM_API_KEY")
    if name == "llama-server":
        return os.environ.get("LLAMA_API_KEY")
    line = Path(told.config).read_text().strip()
    label, _, value = line.partition(": ")
    assert label == "api-key"
    return json.loads(value)


def _record(options: dict[str, Any], **what: Any) -> None:
    with open(options["record"], "a") as record:
        record.write(json.dumps({"pid": os.getpid(), **what}) + "\n")


def main(said: str) -> None:
    """The program."""
    options = json.loads(said)
    signal.alarm(LONGEST_SECONDS)
    words = sys.argv[1:]
    told = _parsed(options["name"], words)
    key = _key(options["name"], told)
    _record(options, arguments=words, key=key, environment=dict(os.environ))
    print("INFO: loading the weights", flush=True)
    behaviour = options["behaviour"]
    if behaviour == "failing":
        print("ValueError: \x1b[31mno such model\x1b[0m: try another", flush=True)
        sys.exit(1)
    if behaviour == "transformers":
        model = told.model
        command = [str(Path(sys.executable).parent / "transformers"), "serve", model]
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.execv(command[0], [*command, "--host", told.host, "--port", told.port, "--device", "cpu"])
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)",
            ],
            preexec_fn=os.setpgrp,
        )
        _record(options, pid=child.pid)
    _serve(options, told, key)


def _serve(options: dict[str, Any], told: argparse.Namespace, key: str | None) -> None:
    from support.chat_server import ChatServer, _write

    model = str(getattr(told, "served_model_name", None) or getattr(told, "alias", None))
    gate = Path(options["opens"]) if "opens" in options else None

    class Server(ChatServer):
        async def _respond(
            self,
            method: str,
            path: str,
            headers: dict[str, str],
            raw: bytes,
            writer: asyncio.StreamWriter,
        ) -> bool:
            if path == "/health":
                slow = options["behaviour"] == "slow" or (gate is not None and not gate.exists())
                await _write(writer, 503 if slow else 200, b"{}")
                return True
            if path == "/v1/models":
                await _write(writer, 200, json.dumps({"object": "list", "data": [{"id": model}]}).encode())
                return True
            if options["behaviour"] == "stalling":
                _record(options, called=True)
                await self._stop.wait()
                return False
            if options["behaviour"] == "dying" and self.answered >= options["answers"]:
                print("torch.OutOfMemoryError: CUDA out of memory", flush=True)
                os._exit(3)
            return await super()._respond(method, path, headers, raw, writer)

    with Server(models=(model,), key=key, port=int(told.port)):
        print("INFO: serving", flush=True)
        stop = threading.Event()
        if options["behaviour"] != "stubborn":
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
        while not stop.wait(0.1):
            pass
