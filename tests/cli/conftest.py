"""The command line as a stranger uses it: a fresh process, an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest


@pytest.fixture
def mrvideo(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `mrvideo ARGUMENTS` in an empty folder and returns what it printed and its exit code."""
    folder = tmp_path / "empty"
    folder.mkdir()

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, "-m", "mrvideo", *map(str, arguments)], folder, environment)

    run.folder = folder  # type: ignore[attr-defined]
    return run


@pytest.fixture
def shell() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a line that begins with `mrvideo` in a folder, by a shell, which can close a stream or lead it elsewhere."""

    def run(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = line.replace("mrvideo", f"'{sys.executable}' -m mrvideo", 1)
        return _run(["/bin/sh", "-c", command], folder, environment)

    return run


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture
def audio_only(tmp_path: Path) -> Path:
    """An .mp4 with sound and no picture."""
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
