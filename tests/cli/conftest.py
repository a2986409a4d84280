"""The command line as a stranger uses it, in an empty folder: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.commands import Commands

from mrvideo.cli.app import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working folder of the commands, empty at first."""
    path = tmp_path / "empty"
    path.mkdir()
    return path


@pytest.fixture
def mrvideo(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `mrvideo ARGUMENTS` in this process; returns what it printed and its exit code."""

    def invoke(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        line = [str(argument) for argument in arguments]
        with monkeypatch.context() as patched:
            patched.chdir(folder)
            for name, value in environment.items():
                patched.setenv(name, value)
            capsys.readouterr()
            code = run(line)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(line, code, out, err)

    invoke.folder = folder  # type: ignore[attr-defined]
    return invoke


@pytest.fixture
def process(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m mrvideo ARGUMENTS` in a process of its own."""

    def invoke(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, "-m", "mrvideo", *map(str, arguments)], folder, environment)

    return invoke


@pytest.fixture
def forked(folder: Path, forker: subprocess.Popen[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `mrvideo ARGUMENTS` in a process of its own that need not import anything first. For all that does not
    hang on how Python starts, as encodings of streams do.
    """
    commands = Commands(folder, {}, forker, apart=True)

    def invoke(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        ended = commands.run(*arguments, **environment)
        return subprocess.CompletedProcess([*map(str, arguments)], ended.code, ended.output, ended.errors)

    return invoke


@pytest.fixture
def shell() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a line that begins with `mrvideo` in a folder, by a shell, which can close a stream or lead it
    elsewhere.
    """

    def run_line(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = line.replace("mrvideo", f"'{sys.executable}' -m mrvideo", 1)
        return _run(["/bin/sh", "-c", command], folder, environment)

    return run_line


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
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


@pytest.fixture
def write_film() -> Callable[..., Path]:
    """Writes ten frames of grey, without a sound; two seconds of them at the usual rate."""

    def write(path: Path, *, frames_per_second: Fraction = Fraction(5)) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=frames_per_second)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for _ in range(10):
                picture = np.full((48, 64, 3), 120, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        return path

    return write
