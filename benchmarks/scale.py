"""Does the cost of a clip, a search and a question stay flat as videos grow? Prints ratios; takes a few
minutes.

    python benchmarks/scale.py [clips] [search] [ask] [memory]

No picture is decoded and no model waits: frames are one small JPEG and replies come at once, so that what is
measured is mrvideo alone: planning, requests, keeping replies, the cast, the index, search, the graph of
stage B.
"""

from __future__ import annotations

import asyncio
import io
import platform
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from PIL import Image

from mrvideo.agents.ask.run import ask
from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.library import Library
from mrvideo.mapreduce import cores
from mrvideo.media.clips import sample_times
from mrvideo.media.shard import ShardFrames
from mrvideo.models import Ledger
from mrvideo.models.base import Capabilities, Request
from mrvideo.models.budget import Budget
from mrvideo.models.limits import LimitedModel, Limits
from mrvideo.models.retry import Backoff
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Frame, Index, Scene, Shot, Sighting, Span, VideoInfo

CLIP_SECONDS = 10.0
WORDS = [
    "red",
    "blue",
    "door",
    "car",
    "street",
    "man",
    "woman",
    "child",
    "dog",
    "table",
    "window",
    "phone",
    "paper",
    "tree",
    "water",
    "light",
    "road",
    "train",
    "ball",
    "hat",
]
NAMES = [f"name{number}" for number in range(3000)]


def main() -> None:
    wanted = sys.argv[1:] or ["clips", "search", "ask", "memory"]
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}\n")
    for name in wanted:
        {"clips": clips, "search": search, "ask": question, "memory": memory}[name]()


# --- overhead per clip
# ----------------------------------------------------------------------------------------


def clips() -> None:
    """Stage A over 10², 10³ and 10⁴ clips: milliseconds a clip, and the ratio to the smallest."""
    _captioned(100)  # Imports and caches are not the clips' cost.
    print("stage A: clips | wall ms/clip | CPU ms/clip | CPU ratio to the first | calls")
    first = None
    for count in (100, 1000, 10_000):
        repeats = 3 if count == 100 else 1
        wall, cpu, calls = min((_captioned(count) for _ in range(repeats)), key=lambda found: found[1])
        first = first or cpu
        print(
            f"  {count:6d} | {wall * 1000:6.2f} | {cpu * 1000:6.2f} | {cpu / first:5.2f} | {calls}",
            flush=True,
        )
    print()


def _captioned(count: int) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.db") as library:
        started, started_cpu = time.perf_counter(), time.process_time()
        index = _index(library, count * CLIP_SECONDS)
        wall, cpu = time.perf_counter() - started, time.process_time() - started_cpu
        assert len(index.scenes) == count, len(index.scenes)
        return wall / count, cpu / count, index.usage.calls


def _index(library: Library, seconds: float) -> Index:
    model = _model(library)
    with _no_pixels():
        return build_index(
            _video(seconds),
            (),
            options=CaptioningOptions(learn_names=False),
            vision=model,
            library=library,
            on_event=lambda _: None,
        )


def _video(seconds: float, name: str = "long") -> VideoInfo:
    return VideoInfo(
        digest=f"{abs(hash(name)):064x}"[:64],
        path=f"/videos/{name}.mp4",
        duration_seconds=seconds,
        width=64,
        height=48,
        frames_per_second=25.0,
        codec="none",
        has_audio=False,
        size_bytes=1,
    )


def _jpeg() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(kept, "JPEG")
    return kept.getvalue()


JPEG = _jpeg()


def _frames(times: Sequence[float]) -> list[Frame]:
    return [Frame(time_seconds=round(t, 3), jpeg=JPEG, width=64, height=48) for t in times]


def _shard(path: str, span: Span, *, frames_per_second: float, **_: Any) -> ShardFrames:
    frames = tuple(_frames(sample_times(span, frames_per_second=frames_per_second)))
    shot = Shot(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds)
    return ShardFrames(span=span, frames=frames, shots=(shot,), lost=())


class _Frames:
    """Frames from anywhere, without a file."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def at(self, times_seconds: Sequence[float]) -> list[Frame]:
        return _frames(times_seconds)

    def look(self, times_seconds: Sequence[float]) -> tuple[list[Frame], tuple[()]]:
        return _frames(times_seconds), ()


@contextmanager
def _no_pixels() -> Iterator[None]:
    with (
        patch("mrvideo.captioning.shard.read_shard", _shard),
        patch("mrvideo.captioning.index.FrameSource", _Frames),
    ):
        yield


def _model(library: Library) -> LimitedModel:
    def answer(request: Request[Any]) -> dict[str, Any]:
        script.requests.clear()
        return _REPLIES[request.prompt.name](request.inputs)

    script = ScriptedModel(answer, capabilities=Capabilities(concurrency=16))
    limits = Limits(
        ledger=Ledger(),
        store=library,
        fresh=False,
        budget=Budget(),
        limiter=None,
        backoff=Backoff(attempts=1),
    )
    return LimitedModel(script, limits)


def _characters(inputs: Any) -> dict[str, Any]:
    # A cast of 24, four of them in each stretch: who comes back is linked, so the cast stays as large as in
    # life.
    shard = int(inputs.span.start_seconds // 120)
    people = [
        {
            "name": f"person_{'abcd'[place]}",
            "kind": "person",
            "description": f"number {(shard * 3 + place) % 24}",
            "exemplar_seconds": inputs.frame_times[place],
        }
        for place in range(4)
    ]
    return {"characters": people}


def _clip(inputs: Any) -> dict[str, Any]:
    chance = random.Random(inputs.span.start_seconds)
    return {
        "continues_previous": False,
        "scenes": [
            {
                "start_seconds": inputs.span.start_seconds,
                "stop_seconds": inputs.span.stop_seconds,
                "brief": _sentence(chance, 8),
                "detailed": "<person_a> is here. " + " ".join(_sentence(chance, 14) for _ in range(5)),
                "appearing": ["person_a"],
                "screen_text": [],
            }
        ],
    }


def _sentence(chance: random.Random, length: int) -> str:
    words = [chance.choice(NAMES) if chance.random() < 0.3 else chance.choice(WORDS) for _ in range(length)]
    return " ".join(words).capitalize() + "."


def _link(inputs: Any) -> dict[str, Any]:
    left = {card.description: card.card_id for card in inputs.left}
    pairs = [(left[c.description], c.card_id) for c in inputs.right if c.description in left]
    return {"pairs": [{"left_id": one, "right_id": two, "better": "left"} for one, two in pairs]}


# --- search
# ---------------------------------------------------------------------------------------------------


def search() -> None:
    """100,000 scenes in 100 videos: how long a search takes, by how common its words are."""
    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.db") as library:
        started = time.perf_counter()
        for number in range(100):
            library.put_index(
                Index(key="k", video=_video(10_000.0, f"v{number}"), scenes=tuple(_scenes(chance, 1000)))
            )
        print(f"search: 100 × put_index of 1,000 scenes, {time.perf_counter() - started:.1f} s in all")
        some = [info.digest for info in library.videos()]
        queries = {
            "one rare word": lambda: (chance.choice(NAMES), None),
            "two words": lambda: (f"{chance.choice(NAMES)} {chance.choice(WORDS)}", None),
            "a question": lambda: (f"where is the {chance.choice(WORDS)} of {chance.choice(NAMES)}", None),
            "one rare word, one video": lambda: (chance.choice(NAMES), chance.choice(some)),
            "a common word, one video": lambda: (chance.choice(WORDS), chance.choice(some)),
            "a common word": lambda: (chance.choice(WORDS), None),
            "three common words": lambda: (" ".join(chance.sample(WORDS, 3)), None),
        }
        print("  kind | median CPU ms | p95 CPU ms | p95 wall ms")
        everything: list[tuple[float, float]] = []
        for kind, make in queries.items():
            taken = []
            for _ in range(100):
                words, digest = make()
                begun, begun_cpu = time.perf_counter(), time.process_time()
                library.search(words, digest=digest)
                taken.append(((time.process_time() - begun_cpu) * 1000, (time.perf_counter() - begun) * 1000))
            everything += taken
            _print_times(kind, taken)
        _print_times("all of these", everything)
        print()


def _print_times(kind: str, taken: list[tuple[float, float]]) -> None:
    # The processor's time is what a search costs; the wall's also tells what else the machine does.
    cpu, wall = ([pair[place] for pair in taken] for place in (0, 1))
    print(f"  {kind} | {statistics.median(cpu):.1f} | {_p95(cpu):.1f} | {_p95(wall):.1f}", flush=True)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _scenes(chance: random.Random, count: int) -> Iterator[Scene]:
    for number in range(count):
        start, stop = number * CLIP_SECONDS, (number + 1) * CLIP_SECONDS
        yield Scene(
            index=number,
            start_seconds=start,
            stop_seconds=stop,
            brief=_sentence(chance, 8),
            detailed=" ".join(_sentence(chance, 14) for _ in range(5)),
            sightings=(Sighting(text=f"GATE {number % 97}", start_seconds=start, stop_seconds=stop),)
            if number % 10 == 0
            else (),
        )


# --- a question
# -----------------------------------------------------------------------------------------------


def question() -> None:
    """A question to a 10-hour index, replies at once: all of the time is ours."""
    chance = random.Random(6)
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.db") as library:
        print("ask: hours | wall s | CPU s | calls")
        for hours in (1, 10):
            count = int(hours * 3600 / CLIP_SECONDS)
            index = Index(
                key="k", video=_video(hours * 3600.0, f"h{hours}"), scenes=tuple(_scenes(chance, count))
            )
            library.put_index(index)
            best = min((_asked(library, index.video.digest) for _ in range(3)), key=lambda found: found[1])
            print(f"  {hours:3d} | {best[0]:.2f} | {best[1]:.2f} | {best[2]}", flush=True)
    print()


def _asked(library: Library, digest: str) -> tuple[float, float, int]:
    calls = 0

    def answer(request: Request[Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        script.requests.clear()
        return _REPLIES[request.prompt.name](request.inputs)

    script = ScriptedModel(answer)
    started, started_cpu = time.perf_counter(), time.process_time()
    index = library.latest_index(digest)
    assert index is not None
    asyncio.run(ask("Where is the red door?", index=index, frames=_Frames(), vision=script, text=script))  # type: ignore[arg-type]
    return time.perf_counter() - started, time.process_time() - started_cpu, calls


def _segment(inputs: Any) -> dict[str, Any]:
    span = {"start_seconds": inputs.span.start_seconds, "stop_seconds": inputs.span.start_seconds + 5.0}
    return {"reasoning": "A door, perhaps.", "spans": [span], "confidence": 2, "findings": []}


def _plan(inputs: Any) -> dict[str, Any]:
    start = inputs.span.start_seconds
    spans = [{"start_seconds": start + 60.0 * n, "stop_seconds": start + 60.0 * n + 10} for n in range(8)]
    return {"reasoning": "Look.", "combine": "select", "scope": "local", "spans": spans}


def _look(inputs: Any) -> dict[str, Any]:
    first, last = inputs.frame_times[0], inputs.frame_times[-1]
    seen = {"start_seconds": first, "stop_seconds": last, "text": "a red door"}
    return {"observations": [seen], "conclusion": "A red door.", "confidence": 4}


def _answer(inputs: Any) -> dict[str, Any]:
    cited = [{"evidence_id": line.id} for line in inputs.evidence[:4]]
    claim = {"text": "There is a red door.", "citations": cited, "check": "Is there a red door?"}
    return {"found": True, "answer": "By the street.", "confidence": 4, "claims": [claim] if cited else []}


_REPLIES: dict[str, Any] = {
    "characters": _characters,
    "caption_clip": _clip,
    "link_cast": _link,
    "segment_intention": _segment,
    "whole_intention": lambda inputs: _segment(inputs) | _plan(inputs),
    "reduce_intentions": _segment,
    "global_intention": _plan,
    "goals": lambda _: {"local_question": "Is there a red door?", "global_question": "Where are doors?"},
    "look_local": _look,
    "look_global": _look,
    "answer": _answer,
    "verify": lambda _: {"checks": [{"number": 1, "verdict": "yes", "seen": "a red door"}]},
}


# --- memory
# ---------------------------------------------------------------------------------------------------


def memory() -> None:
    """Peak memory of indexing a real film of 1 and of 10 hours, decoded in full, each in a process of its
    own: that process's, and with as many of the largest it started as there are cores (its decoders).
    """
    import subprocess

    print("memory: hours | peak MB | ratio to 1 hour | with decoders MB | ratio to 1 hour | s")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for hours in (1, 10):
            film = Path(folder) / f"{hours}.mp4"
            _film(film, hours * 3600)
            started = time.perf_counter()
            found = subprocess.run(
                [sys.executable, __file__, f"--peak={film}"], capture_output=True, text=True, check=True
            )
            alone, decoder = (float(number) for number in found.stdout.split())
            together = alone + cores() * decoder
            first = first or (alone, together)
            print(
                f"  {hours:3d} | {alone:.0f} | {alone / first[0]:.2f} | {together:.0f} | {together / first[1]:.2f} | "
                f"{time.perf_counter() - started:.0f}",
                flush=True,
            )
    print()


def _film(path: Path, seconds: int) -> None:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=2, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(seconds * 2):
            picture = np.full((96, 160, 3), number // 20 * 37 % 251, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())


def _peak(film: str) -> None:
    from mrvideo.media.identity import probe

    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.db") as library:
        model = _model(library)
        build_index(
            probe(film),
            (),
            options=CaptioningOptions(learn_names=False),
            vision=model,
            library=library,
            on_event=lambda _: None,
        )
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        print(resource.getrusage(who).ru_maxrss / 1024)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--peak="):
        _peak(sys.argv[1].removeprefix("--peak="))
    else:
        main()
