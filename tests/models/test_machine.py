"""What `mrvideo doctor` finds: models on disk, servers at loopback, GPUs, and the one command that fits."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mrvideo.models.engines import gpus
from mrvideo.models.engines.advice import Machine, advise
from mrvideo.models.engines.gpus import Gpu
from mrvideo.models.engines.on_disk import ModelOnDisk, config_of, context_of, models_on_disk, takes_pictures
from mrvideo.models.engines.running import USUAL, ServedModel, Server, Usual, running_servers
from mrvideo.models.presets import preset_named
from mrvideo.session import machine as around

GIBIBYTE = 2**30


# on disk ----------------------------------------------------------------------------------------------


def hub_model(cache: Path, name: str, config: dict[str, Any], weights: dict[str, int]) -> Path:
    folder = cache / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc\n")
    (snapshot / "config.json").write_text(json.dumps(config))
    for file, size in weights.items():
        (snapshot / file).write_bytes(b"0" * size)
    return snapshot


QWEN = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "vision_config": {"depth": 32},
    "text_config": {"max_position_embeddings": 128_000},
}
SIGLIP = {"architectures": ["SiglipModel"], "vision_config": {"depth": 12}}
LLAMA = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 8192}


def test_models_in_the_hubs_cache_are_told_with_whether_they_see(tmp_path: Path) -> None:
    hub_model(tmp_path, "Qwen/Qwen2.5-VL-3B-Instruct", QWEN, {"model.safetensors": 30})
    hub_model(tmp_path, "google/siglip2", SIGLIP, {"model.safetensors": 10})
    hub_model(tmp_path, "meta/llama", LLAMA, {"model.safetensors": 20})
    (tmp_path / "datasets--x--y").mkdir()
    assert models_on_disk(cache=tmp_path, gguf_folders=()) == [
        ModelOnDisk("Qwen/Qwen2.5-VL-3B-Instruct", True, 30),
        ModelOnDisk("google/siglip2", False, 10),
        ModelOnDisk("meta/llama", False, 20),
    ]
    config = config_of("Qwen/Qwen2.5-VL-3B-Instruct", cache=tmp_path)
    assert config is not None and takes_pictures(config) and context_of(config) == 128_000
    assert context_of(LLAMA) == 8192 and config_of("../../etc", cache=tmp_path) is None


def test_a_download_that_broke_off_is_no_model(tmp_path: Path) -> None:
    snapshot = hub_model(tmp_path, "a/half", QWEN, {"model-1.safetensors": 5})
    parts = {"weight_map": {"x": "model-1.safetensors", "y": "model-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(parts))
    broken = hub_model(tmp_path, "a/link", QWEN, {})
    (broken / "model.safetensors").symlink_to(tmp_path / "nowhere")
    odd = hub_model(tmp_path, "a/odd", QWEN, {"model.safetensors": 5})
    (odd / "config.json").write_text("[" * 100_000)
    assert models_on_disk(cache=tmp_path, gguf_folders=()) == []
    (snapshot / "model-2.safetensors").write_bytes(b"0")
    assert [model.name for model in models_on_disk(cache=tmp_path, gguf_folders=())] == ["a/half"]


def test_gguf_files_see_with_their_projector(tmp_path: Path) -> None:
    for place, files in {
        "acme/eyes": ("vlm-Q4.gguf", "mmproj-vlm.gguf"),
        "acme/blind": ("llm-00001-of-00002.gguf", "llm-00002-of-00002.gguf"),
    }.items():
        (tmp_path / place).mkdir(parents=True)
        for file in files:
            (tmp_path / place / file).write_bytes(b"0" * 7)
    assert models_on_disk(cache=tmp_path / "none", gguf_folders=(tmp_path,)) == [
        ModelOnDisk(str(tmp_path / "acme/blind/llm-00001-of-00002.gguf"), False, 7, gguf=True),
        ModelOnDisk(str(tmp_path / "acme/eyes/vlm-Q4.gguf"), True, 7, gguf=True),
    ]


# running ----------------------------------------------------------------------------------------------


@pytest.fixture
def listing() -> Iterator[Callable[..., tuple[int, list[str]]]]:
    """`listing({"/v1/models": …})`: a server that answers these paths; its port, and what it was asked."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(answers: dict[str, Any], *, code: int = 200) -> tuple[int, list[str]]:
        asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length).decode()
                asked.append(f"{self.command} {self.path} {body}".strip())
                assert "authorization" not in self.headers
                found = answers.get(self.path)
                if callable(found):
                    found = found(json.loads(body))
                data = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(code if found is not None else 404)
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server.server_address[1], asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def usual(label: str, port: int) -> Usual:
    found = next(one for one in USUAL if one.label == label)
    return Usual(found.scheme, found.label, port, found.listed)


def models_at(label: str, port: int) -> tuple[ServedModel, ...] | None:
    found = running_servers((usual(label, port),))
    return found[0].models if found else None


@pytest.mark.parametrize(
    ("label", "answers", "models"),
    [
        (
            "Ollama",
            {
                "/api/tags": {"models": [{"name": "qwen2.5vl:7b"}, {"name": "llama3"}, {"name": "old"}, {"no": 1}]},
                "/api/show": lambda body: {
                    "qwen2.5vl:7b": {"capabilities": ["completion", "vision"]},
                    "llama3": {"capabilities": ["completion"]},
                    "old": {},
                }[body["model"]],
            },
            [("qwen2.5vl:7b", True), ("llama3", False), ("old", None)],
        ),
        (
            "LM Studio",
            {
                "/api/v1/models": {
                    "models": [
                        {"type": "llm", "key": "a/see", "capabilities": {"vision": True}},
                        {"type": "llm", "key": "a/text", "capabilities": {"vision": False}},
                        {"type": "embedding", "key": "a/embed"},
                    ]
                }
            },
            [("a/see", True), ("a/text", False)],
        ),
        (
            "LM Studio",
            {"/api/v0/models": {"data": [{"id": "s", "type": "vlm"}, {"id": "t", "type": "llm"}, {"id": "e", "type": "embeddings"}]}},
            [("s", True), ("t", False)],
        ),
        ("LM Studio", {"/v1/models": {"data": [{"id": "s"}]}}, [("s", None)]),
        ("vLLM", {"/v1/models": {"data": [{"id": "acme/vlm", "root": "acme/vlm"}]}}, [("acme/vlm", None)]),
        (
            "llama.cpp",
            {"/v1/models": {"data": [{"id": "m"}]}, "/props": {"modalities": {"vision": True, "audio": False}}},
            [("m", True)],
        ),
        (
            "llama.cpp",
            {
                "/v1/models": {
                    "data": [{"id": "m"}],
                    "models": [{"name": "m", "capabilities": ["completion"]}],
                }
            },
            [("m", False)],
        ),
    ],
)  # fmt: skip
def test_a_server_is_asked_which_of_its_models_take_pictures(
    listing: Callable[..., tuple[int, list[str]]],
    label: str,
    answers: Any,
    models: list[tuple[str, bool | None]],
) -> None:
    port, asked = listing(answers)
    assert models_at(label, port) == tuple(ServedModel(*model) for model in models)
    paths = {line.split()[1] for line in asked}
    assert paths <= {"/api/tags", "/api/show", "/api/v1/models", "/api/v0/models", "/v1/models", "/props"}


def test_what_vllm_does_not_tell_its_files_do(
    listing: Callable[..., tuple[int, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN))
    port, _ = listing({"/v1/models": {"data": [{"id": "vlm", "root": str(tmp_path)}]}})
    assert models_at("vLLM", port) == (ServedModel("vlm", True),)


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"[" * 100_000, {"data": "x"}, {"data": {"id": 1}}, [1], None, {"object": "list"}],
)
def test_something_else_at_a_usual_port_is_no_server(
    listing: Callable[..., tuple[int, list[str]]], answer: Any
) -> None:
    """Half of all web programs are developed at port 8000."""
    port, _ = listing({"/v1/models": answer})
    assert models_at("vLLM", port) is None


def test_a_server_that_wants_a_key_is_told_and_gets_none(
    listing: Callable[..., tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MRVIDEO_API_KEY", "sk-secret")
    port, _ = listing({"/v1/models": {}}, code=401)
    (server,) = running_servers((usual("vLLM", port),))
    assert server.wants_key and server.models == ()


def test_no_proxy_is_asked_on_the_way_to_this_machine(
    listing: Callable[..., tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, through = listing({})
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    port, _ = listing({"/v1/models": {"data": [{"id": "m"}]}})
    assert models_at("vLLM", port) == (ServedModel("m", None),)
    assert through == []


def test_the_usual_ports_are_those_of_the_presets() -> None:
    for one in USUAL:
        assert preset_named(one.scheme).port == one.port or (one.scheme, one.port) == ("llamacpp", 9931)


# GPUs -------------------------------------------------------------------------------------------------


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """`smi("…")`: a program named nvidia-smi that prints that."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def install(text: str) -> None:
        (tmp_path / "said").write_text(text)
        (tmp_path / "nvidia-smi").write_text(
            f'#!/bin/sh\nwhile read -r line; do echo "$line"; done < {tmp_path}/said\n'
        )
        (tmp_path / "nvidia-smi").chmod(0o700)

    gpus._told_by_smi.cache_clear()
    yield install
    gpus._told_by_smi.cache_clear()


def test_gpus_are_counted_less_those_that_are_hidden(
    smi: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    smi("NVIDIA H100 80GB HBM3, 81559\nNVIDIA GeForce, with a comma, [N/A]\n")
    assert gpus.found_gpus() == (
        Gpu("NVIDIA H100 80GB HBM3", 81559 * 2**20),
        Gpu("NVIDIA GeForce, with a comma", None),
    )
    for seen, count in ((None, 2), ("", 0), ("1", 1), ("0,1,2", 2), ("0,-1,1", 1), ("-1", 0)):
        if seen is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
        assert gpus.usable_gpus() == count, seen


def test_a_driver_that_fails_is_no_gpu(smi: Callable[[str], None], tmp_path: Path) -> None:
    smi("")
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho NVIDIA-SMI has failed\nexit 9\n")
    assert gpus.usable_gpus() == 0


# advice -----------------------------------------------------------------------------------------------

H100, SMALL = Gpu("H100", 80 * GIBIBYTE), Gpu("small", 8 * GIBIBYTE)
SEEING = ModelOnDisk("Qwen/Qwen3-VL-8B-Instruct", True, 17 * GIBIBYTE)
LARGER = ModelOnDisk("Qwen/Qwen3-VL-235B", True, 470 * GIBIBYTE)
BLIND = ModelOnDisk("meta/llama", False, 1)
EYES = ModelOnDisk("/m/vlm.gguf", True, 3 * GIBIBYTE, gguf=True)
OLLAMA = Server("ollama", "Ollama", 11434, (ServedModel("llama3", False), ServedModel("qwen2.5vl:7b", True)))


def machine(**found: Any) -> Machine:
    nothing: dict[str, Any] = {
        "gpus": (), "engines": (), "local": False, "ollama": False, "servers": (), "models": (),
    }  # fmt: skip
    return Machine(**{**nothing, **found})


@pytest.mark.parametrize(
    ("found", "command"),
    [
        ({"servers": (OLLAMA,), "gpus": (H100,), "engines": ("vllm",), "models": (SEEING,)}, "mrvideo index VIDEO --vision ollama:qwen2.5vl:7b"),
        (
            {"servers": (Server("vllm", "vLLM", 8000, (ServedModel("a b", True),)),)},
            "mrvideo index VIDEO --vision 'vllm:a b' --base-url http://127.0.0.1:8000/v1",
        ),
        # What does not tell that it sees is not proposed.
        ({"servers": (Server("vllm", "vLLM", 8000, (ServedModel("m", None),)),), "ollama": True}, "ollama pull qwen2.5vl:3b && mrvideo index VIDEO --vision ollama:qwen2.5vl:3b"),
        ({"gpus": (H100,), "engines": ("sglang", "vllm"), "models": (BLIND, LARGER, SEEING)}, "mrvideo index VIDEO --vision vllm:Qwen/Qwen3-VL-8B-Instruct"),
        ({"gpus": (H100,), "local": True, "models": (SEEING,)}, "mrvideo index VIDEO --vision hf:Qwen/Qwen3-VL-8B-Instruct"),
        # Too large for the GPU: what fits is fetched instead, or nothing.
        ({"gpus": (SMALL,), "engines": ("vllm", "llamacpp"), "models": (SEEING, EYES)}, "mrvideo index VIDEO --vision llamacpp:/m/vlm.gguf"),
        ({"gpus": (H100,), "engines": ("vllm",)}, "mrvideo index VIDEO --vision vllm:Qwen/Qwen3-VL-8B-Instruct"),
        ({"gpus": (Gpu("T4", 15 * GIBIBYTE),), "engines": ("vllm",)}, "mrvideo index VIDEO --vision vllm:Qwen/Qwen2.5-VL-3B-Instruct"),
        ({"gpus": (H100,)}, "pip install 'mrvideo[local]' && mrvideo index VIDEO --vision hf:Qwen/Qwen3-VL-8B-Instruct"),
        ({"local": True, "models": (SEEING,)}, "ollama pull qwen2.5vl:3b && mrvideo index VIDEO --vision ollama:qwen2.5vl:3b"),
        ({}, "ollama pull qwen2.5vl:3b && mrvideo index VIDEO --vision ollama:qwen2.5vl:3b"),
    ],
)  # fmt: skip
def test_the_command_with_the_least_to_do_before_it_is_proposed(found: dict[str, Any], command: str) -> None:
    advice = advise(machine(**found))
    assert advice.command == command and advice.why and "\n" not in advice.why


def test_the_offline_notice_repeats_what_doctor_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without looking around: that takes a second, and asks ports."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert around.kept_advice() == around.ASK_DOCTOR
    monkeypatch.setattr("mrvideo.models.engines.running.running_servers", lambda: (OLLAMA,))
    look = around.look_around()
    assert look.advice.command == "mrvideo index VIDEO --vision ollama:qwen2.5vl:7b"

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("the notice must not look around")

    monkeypatch.setattr("socket.socket.connect", refused)
    monkeypatch.setattr("subprocess.run", refused)
    assert around.kept_advice() == f"mrvideo doctor proposed: {look.advice.command}"
    file = tmp_path / "mrvideo" / "advice.json"
    kept = json.loads(file.read_text())
    for odd in ({**kept, "at": 0}, {**kept, "command": "a\nb"}, {**kept, "command": 1}, [], {"command": "x"}):
        file.write_text(json.dumps(odd))
        assert around.kept_advice() == around.ASK_DOCTOR
