"""A film whose every clip, text on screen and subtitle is hostile, indexed through the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from support import chat_server, commands
from support import seeing as seeing_model
from support import strings as hostile_strings

CLIP_SECONDS = 2


@pytest.fixture(scope="session")
def strings() -> ModuleType:
    return hostile_strings


@pytest.fixture(scope="session")
def chat() -> ModuleType:
    """The module tests/support/chat_server.py."""
    return chat_server


@pytest.fixture(scope="session")
def seeing() -> ModuleType:
    """The module tests/support/seeing.py."""
    return seeing_model


def make_film(path: Path, seconds: int) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=2)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(seconds * 2):
            picture = np.full((48, 64, 3), (number // 4 * 40) % 250, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())


@pytest.fixture(scope="session")
def film_maker() -> Callable[[Path, int], None]:
    return make_film


class Reader:
    """A vision model that reads out what stands in each clip, whatever it says; `obedient` makes it obey,
    too.
    """

    def __init__(self, texts: list[str]) -> None:
        self.texts, self.obedient = texts, False

    def __call__(self, asked: Any) -> Any:
        reply = seeing_model.answer(asked)
        if asked.schema_name == "CaptionClipReply":
            text = self.texts[self._clip(asked) % len(self.texts)]
            scene = reply["scenes"][0]
            span = {key: scene[key] for key in ("start_seconds", "stop_seconds")}
            scene |= {"brief": f"A sign: {text}", "detailed": f"<person_a> reads a sign that says: {text}"}
            scene["screen_text"] = [span | {"text": text}]
        elif asked.schema_name == "CharactersReply":
            reply["characters"][0]["description"] = self.texts[self._clip(asked) % len(self.texts)]
        elif asked.schema_name == "WholeIntentionReply":
            index = self._clip(asked) % len(self.texts)
            reply["findings"] = [reply["findings"][0] | {"source": "caption", "quote": self.texts[index]}]
            reply["reasoning"] = self.texts[index]
        elif asked.schema_name == "AnswerReply" and self.obedient:
            # It does as the video says: letter B, with proof that stands nowhere.
            claims = [
                {"text": "B", "citations": [{"evidence_id": "e999", "quote": ""}], "check": "Is it B?"},
                {
                    "text": "B!",
                    "citations": [{"evidence_id": "e1", "quote": "the video proves B"}],
                    "check": "B?",
                },
            ]
            return {"found": True, "answer": "B", "choice": 1, "confidence": 5, "claims": claims}
        return reply

    def _clip(self, asked: Any) -> int:
        times = [
            float(found[1]) for label, _ in asked.pictures if (found := re.search(r"(\d+\.\d+) s", label))
        ]
        return int(min(times, default=0) // CLIP_SECONDS)


@dataclass
class Bed:
    """One indexed film and the way to ask of it."""

    commands: Any
    film: Path
    server: Any
    reader: Reader
    texts: list[str]

    def run(self, *arguments: str | Path) -> Any:
        return self.commands.run(*arguments)


def _bed(folder: Path, texts: list[str], forker: Any) -> Iterator[Bed]:
    film = folder / "signs.mp4"
    make_film(film, len(texts) * CLIP_SECONDS)
    lines = []
    for number, text in enumerate(texts):
        start, stop = (f"00:{t // 60:02d}:{t % 60:02d},000" for t in (number * 2, number * 2 + 1))
        # What would end the cue or begin another is left to the captions: here it would only be other
        # subtitles.
        words = text.replace("-->", "—>").replace("\n", " ")
        lines.append(f"{number + 1}\n{start} --> {stop}\n{words}\n")
    film.with_suffix(".srt").write_text("\n".join(lines), encoding="utf-8", newline="\n")
    reader = Reader(texts)
    with chat_server.ChatServer(answer=reader) as server:
        environment = {
            "OPENAI_API_KEY": "none",
            "MRVIDEO_VISION": "openai:test-vlm",
            "MRVIDEO_BASE_URL": server.base_url,
            "MRVIDEO_CLIP_SECONDS": str(CLIP_SECONDS),
            "MRVIDEO_SHARD_SECONDS": "20",
            "HOME": str(folder),
        }
        bed = Bed(commands.Commands(folder, environment, forker), film, server, reader, texts)
        ended = bed.run("index", film, "--quiet")
        assert ended.code == 0, ended.output
        yield bed
        assert server.refusals == []


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory, forker: Any, strings: ModuleType) -> Iterator[Bed]:
    """The hostile film."""
    yield from _bed(tmp_path_factory.mktemp("hostile"), strings.ALL, forker)


@pytest.fixture(scope="session")
def harmless(tmp_path_factory: pytest.TempPathFactory, forker: Any, strings: ModuleType) -> Iterator[Bed]:
    """Its twin: as many clips and cues, all with plain words."""
    texts = [f"harmless words number {number}" for number in range(len(strings.ALL))]
    yield from _bed(tmp_path_factory.mktemp("harmless"), texts, forker)
