"""A model that is not here yet is downloaded with its size, its progress and its place told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from mrvideo.errors import ModelUnavailable
from mrvideo.models.ledger import Ledger
from mrvideo.records import Event, Notice, StageAdvanced, StageFinished, StageStarted
from mrvideo.speech import download, open_transcriber, transcriber_settings, whisper

REPOSITORY = "Systran/faster-whisper-small"


class Hub:
    """What is used of huggingface_hub, with two megabytes to download and one that nobody asked for."""

    def __init__(self, cache: Path) -> None:
        self.constants = SimpleNamespace(HF_HUB_CACHE=str(cache))
        self.folder = cache / "models--Systran--faster-whisper-small"
        self.snapshot = self.folder / "snapshots" / "1"
        self.downloads = 0
        self.refusal: Exception | None = None
        self.bars: list[bool] = []
        self.utils = SimpleNamespace(
            are_progress_bars_disabled=lambda: False,
            disable_progress_bars=lambda: self.bars.append(False),
            enable_progress_bars=lambda: self.bars.append(True),
        )

    def model_info(self, repository: str, *, files_metadata: bool) -> Any:
        assert repository == REPOSITORY and files_metadata
        if self.refusal is not None:
            raise self.refusal
        sizes = {
            "model.bin": 1_900_000,
            "vocabulary.txt": 100_000,
            "model.safetensors": 10**9,
            "README.md": None,
        }
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=n, size=s) for n, s in sizes.items()])

    def snapshot_download(
        self, repository: str, *, allow_patterns: list[str], local_files_only: bool = False
    ) -> str:
        assert repository == REPOSITORY and "model.bin" in allow_patterns
        if local_files_only:
            if not self.snapshot.exists():
                raise FileNotFoundError("not here")
            return str(self.snapshot)
        assert self.bars == [False], "its own bars are off while it works"
        self.downloads += 1
        self.snapshot.mkdir(parents=True, exist_ok=True)
        (self.snapshot / "model.bin").write_bytes(bytes(1_900_000))
        return str(self.snapshot)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub(tmp_path / "cache")
    modules: dict[str, Any] = {
        "huggingface_hub": made,
        "huggingface_hub.constants": made.constants,
        "huggingface_hub.utils": made.utils,
        "faster_whisper.utils": SimpleNamespace(_MODELS={"small": REPOSITORY}),
        "httpx": httpx,
    }
    monkeypatch.setattr(download, "import_module", modules.__getitem__)
    monkeypatch.setattr(whisper, "import_module", modules.__getitem__)
    monkeypatch.setattr("mrvideo.speech.registry.find_spec", lambda name: object())
    return made


def fetched(name: str = "faster-whisper:small") -> list[Event]:
    events: list[Event] = []
    open_transcriber(transcriber_settings(name), ledger=Ledger()).fetch(events.append)
    return events


def test_a_download_tells_its_size_its_place_and_its_progress(hub: Hub) -> None:
    notice, started, *advanced, finished = fetched()
    assert notice == Notice(
        text=f"faster-whisper:small: downloading 2 MB from {REPOSITORY} on Hugging Face to {hub.folder}"
    )
    assert started == StageStarted(stage="download", total=2)
    assert all(isinstance(event, StageAdvanced) for event in advanced)
    assert sum(event.done for event in advanced if isinstance(event, StageAdvanced)) == 2
    assert finished == StageFinished(stage="download")
    assert (hub.downloads, hub.bars) == (1, [False, True])


def test_what_is_here_is_not_downloaded_again(hub: Hub) -> None:
    fetched()
    assert fetched() == []
    assert hub.downloads == 1


def test_a_download_that_was_broken_off_is_begun_again(hub: Hub) -> None:
    """The client takes a folder without the model in it for a whole one."""
    hub.snapshot.mkdir(parents=True)
    assert fetched() != [] and hub.downloads == 1


@pytest.mark.parametrize(
    "refusal", [httpx.ConnectError("no route\nto host"), OSError("404"), ValueError("x")]
)
def test_what_cannot_be_downloaded_is_one_line(hub: Hub, refusal: Exception) -> None:
    hub.refusal = refusal
    with pytest.raises(ModelUnavailable) as raised:
        fetched()
    assert "\n" not in str(raised.value) and "faster-whisper:FOLDER" in str(raised.value)


def test_a_folder_or_an_unknown_size_is_left_to_the_library(hub: Hub, tmp_path: Path) -> None:
    assert fetched(f"faster-whisper:{tmp_path}") == fetched("faster-whisper:smell") == []


def test_a_server_has_nothing_to_download() -> None:
    settings = transcriber_settings("openai:whisper-1", base_url="http://127.0.0.1:9/v1")
    events: list[Event] = []
    open_transcriber(settings, ledger=Ledger()).fetch(events.append)
    assert events == []


def test_where_downloads_lie(hub: Hub, tmp_path: Path) -> None:
    assert download.cache_folder() == str(tmp_path / "cache")


@pytest.fixture
def endpoint() -> Iterator[str]:
    """As much of Hugging Face as one repository with two files takes."""
    commit = "0" * 40
    files = {"model.bin": bytes(2_600_000), "config.json": b"{}", "big.safetensors": bytes(10)}

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            headers = {"X-Repo-Commit": commit}
            if path.startswith(f"/{REPOSITORY}/resolve/"):
                body = files[path.rpartition("/")[2]]
                headers["ETag"] = f'"{len(body)}"'
            elif "/tree/" in path:
                tree = [
                    {"type": "file", "path": n, "size": len(b), "oid": str(len(b))} for n, b in files.items()
                ]
                body = json.dumps(tree).encode()
            else:
                siblings = [{"rfilename": name, "size": len(body)} for name, body in files.items()]
                body = json.dumps({"id": REPOSITORY, "sha": commit, "siblings": siblings}).encode()
            self.send_response(200)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_with_the_real_client(endpoint: str, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    code = (
        "from mrvideo.speech.download import fetch\n"
        f"fetch('faster-whisper:small', {REPOSITORY!r}, lambda event: print(repr(event)))\n"
        f"fetch('faster-whisper:small', {REPOSITORY!r}, lambda event: print('again'))\n"
    )
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    notice, started, *_, finished = done.stdout.splitlines()
    folder = tmp_path / "hub" / "models--Systran--faster-whisper-small"
    assert f"downloading 3 MB from {REPOSITORY} on Hugging Face to {folder}" in notice
    assert started == "StageStarted(stage='download', total=3)"
    assert finished == "StageFinished(stage='download')"
    assert "B/s" not in done.stderr, "its own bars are off"
    (model,) = folder.glob("snapshots/*/model.bin")
    assert model.stat().st_size == 2_600_000
    assert not list(folder.glob("snapshots/*/big.safetensors"))
