"""The captioning map against a slow, then a failing server: does decoding hide the calls, and is nothing lost
or paid twice?

    python benchmarks/map.py [--minutes 60] [--height 720] [--concurrency 64] [--latency 0.4] [--only
    clean|faults|calls]

    clean     caption a video's clips; target ≤ 1.10 × max(decode alone, ideal calls alone). And the whole index: the cast follows
    faults    the same under 20 % 429 (Retry-After), 10 % 500, 5 % stalls, 5 % malformed: all clips captioned or listed;
              target ≤ 1.5 × max(decode alone, what those very faults cost an ideal scheduler of the calls
              alone)
    calls     the calls alone under those faults; target ≤ 1.5 × what an ideal scheduler needs for them

All times of one run are taken on the same machine, one after the other; the ratios are what counts. The ideal
scheduler is simulated: full slots, no wait but Retry-After, no time of its own, the same draw of faults for
each try of each request, and the same end of patience. On a machine so busy that a good call takes longer
than STALL_LATENCIES, the client gives such calls up and pays them again: then the machine is what is
measured, and "paid twice" tells.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from mrvideo.captioning.index import build_index
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.errors import ModelError
from mrvideo.library import Library
from mrvideo.mapreduce import cores, decoding_processes, map_shards, portal
from mrvideo.media.clips import plan_shards
from mrvideo.media.identity import probe
from mrvideo.media.shard import read_shard
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.base import Picture, Request
from mrvideo.models.retry import Backoff
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Event, Span, StageFinished, VideoInfo
from mrvideo.schemas.captioning import CaptionClipInputs, CaptionClipReply

sys.path.insert(0, str(Path(__file__).parent))
from map_server import RETRY_AFTER_LATENCIES, fault

STALL_LATENCIES = 7.5
"""A call's timeout under faults, in latencies: what one stall costs."""


def make_video(path: Path, minutes: int, height: int) -> None:
    """16:9 at 25 fps, H.264: one minute of moving noise and boxes, its packets repeated."""
    rng = np.random.default_rng(0)
    width, scale = height * 16 // 9, height / 360
    backdrop = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "26", "g": "50"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        packets = []
        for number in range(25 * 60):
            picture = np.roll(backdrop, number * 3, axis=1)
            left, top = (round(place * scale) for place in ((number * 5) % 560, (number * 2) % 280))
            side = round(80 * scale)
            picture[top : top + side, left : left + side] = (number % 250, 200, 90)
            packets += stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        packets += stream.encode(None)
        kept = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in packets]
        base, ticks = packets[0].time_base, round(60 / packets[0].time_base)
        for minute in range(minutes):
            for data, pts, dts, key in kept:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, base
                packet.pts, packet.dts = pts + minute * ticks, dts + minute * ticks
                packet.is_keyframe = key
                out.mux(packet)


@contextmanager
def serving(latency_seconds: float, concurrency: int, faults: bool) -> Iterator[dict[str, Any]]:
    """A server process; the dictionary holds `url` at once, and the server's report at the end."""
    file = Path(__file__).with_name("map_server.py")
    command = [sys.executable, str(file), str(latency_seconds), str(concurrency), str(int(faults))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found: dict[str, Any] = {"url": f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"}
    try:
        yield found
    finally:
        process.terminate()
        found |= json.loads(process.stdout.readline() or "{}")
        process.wait()


def opened(url: str, arguments: argparse.Namespace, ledger: Ledger, *, faults: bool) -> Any:
    settings = ModelSettings.parse(
        "openai:bench",
        base_url=url,
        concurrency=arguments.concurrency,
        reply_format="json_schema",
        timeout_seconds=arguments.latency * STALL_LATENCIES if faults else 60.0,
    )
    return open_model(settings, ledger=ledger)


def decode_alone(info: VideoInfo, workers: int) -> tuple[float, float]:
    """Seconds, and processor seconds, to read every shard as captioning does and do nothing with it."""
    started, worked = time.perf_counter(), processor_seconds()
    with decoding_processes(min(cores(), workers)) as decode:

        def read(span: Span) -> int:
            shard = partial(read_shard, info.path, span, frames_per_second=2.0, lead_seconds=0.5)
            return len(decode(shard).result().frames)

        for _ in map_shards(read, plan_shards(info.duration_seconds), workers=workers):
            pass
        seconds = time.perf_counter() - started
    return seconds, processor_seconds() - worked


def processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def index(info: VideoInfo, folder: Path, arguments: argparse.Namespace, *, faults: bool) -> dict[str, Any]:
    """One index from nothing; its seconds, its clips, its failures, and the server's report."""
    ledger = Ledger()
    options = CaptioningOptions(workers=arguments.workers, learn_names=False, thin_stills=False)
    with serving(arguments.latency, arguments.concurrency, faults) as server:
        model = opened(server["url"], arguments, ledger, faults=faults)
        started, worked = time.perf_counter(), processor_seconds()
        captioned = 0.0

        def note(event: Event) -> None:
            nonlocal captioned
            if isinstance(event, StageFinished) and event.stage == "caption":
                captioned = time.perf_counter() - started

        with Library.open(folder / f"library-{faults}.db") as library:
            made = build_index(info, (), options=options, vision=model, library=library, on_event=note)
        seconds = time.perf_counter() - started
        portal().call(model.aclose)
    clips = sum(
        math.ceil(shard.duration_seconds / options.clip_seconds)
        for shard in plan_shards(info.duration_seconds)
    )
    covered = sum(scene.duration_seconds for scene in made.scenes)
    lost = [failure for failure in made.failures if failure.stage == "caption"]
    return server | {
        "seconds": seconds,
        "caption_seconds": captioned,
        "processor_seconds": processor_seconds() - worked,
        "clips": clips,
        "scene_seconds": covered,
        "failures": len(made.failures),
        "lost_seconds": sum(failure.duration_seconds for failure in lost),
        "calls": ledger.total().calls,
    }


def requests(count: int, jpeg: bytes) -> list[Request[CaptionClipReply]]:
    """As many clip captions as asked, 20 pictures each."""
    made = []
    for number in range(count):
        span = Span(number * 10.0, number * 10.0 + 10.0)
        times = tuple(span.start_seconds + i / 2 for i in range(20))
        made.append(
            Request(
                prompt=load_prompt("caption_clip"),
                inputs=CaptionClipInputs(span=span, frame_times=times, has_previous=False),
                reply_type=CaptionClipReply,
                stage="caption",
                pictures=tuple(Picture(f"{t:.2f} s", jpeg, t) for t in times),
                span=span,
            )
        )
    return made


def ideal_seconds(keys: Sequence[str], concurrency: int, latency_seconds: float) -> float:
    """What the same faults cost a scheduler that wastes nothing; it starts requests in the order given."""
    slots = [0.0] * concurrency
    ready = [(0.0, place, _Tries()) for place in range(len(keys))]
    last = 0.0
    while ready:
        when, place, tries = heapq.heappop(ready)
        begun = max(when, heapq.heappop(slots))
        outcome = fault(keys[place], tries.all)
        done = begun + latency_seconds * (STALL_LATENCIES if outcome == "stall" else 1.0)
        heapq.heappush(slots, done)
        last = max(last, done)
        again = tries.after(outcome)
        if again is not None:
            wait = latency_seconds * RETRY_AFTER_LATENCIES if outcome == "429" else 0.0
            heapq.heappush(ready, (done + wait, place, again))
    return last


@dataclass(frozen=True, order=True)
class _Tries:
    """How often one request was tried: in all, and since its last answer; `repairs` of answers that were no
    JSON.
    """

    all: int = 0
    since_answer: int = 0
    repairs: int = 0

    def after(self, outcome: str) -> _Tries | None:
        """The next try; None when there is none, by success or because mrvideo too gives up here."""
        if outcome == "ok":
            return None
        if outcome == "malformed":
            return None if self.repairs else _Tries(self.all + 1, 0, 1)
        if self.since_answer + 1 == Backoff().attempts:
            return None
        return _Tries(self.all + 1, self.since_answer + 1, self.repairs)


async def calls_alone(arguments: argparse.Namespace, count: int, jpeg: bytes) -> dict[str, Any]:
    """The calls under faults, without a video."""
    with serving(arguments.latency, arguments.concurrency, True) as server:
        model = opened(server["url"], arguments, Ledger(), faults=True)
        started = time.perf_counter()
        results = await asyncio.gather(
            *(model.run(request) for request in requests(count, jpeg)), return_exceptions=True
        )
        seconds = time.perf_counter() - started
        await model.aclose()
    failed = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, ModelError) for error in failed), failed
    return server | {"seconds": seconds, "captioned": count - len(failed), "failed": len(failed)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument(
        "--height", type=int, default=720, help="pixels; of a smaller picture less decoding hides the calls"
    )
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.4, help="seconds")
    parser.add_argument("--workers", type=int, default=8, help="shards at once")
    parser.add_argument("--only", choices=["clean", "faults", "calls"])
    arguments = parser.parse_args()
    count = arguments.minutes * 6
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.only != "calls":
            video = folder / "video.mp4"
            make_video(video, arguments.minutes, arguments.height)
            info = probe(video)
            decode, decode_processor = decode_alone(info, arguments.workers)
            print(
                f"decode alone       {decode:7.1f} s   ({info.duration_seconds / 60:.0f} min of {info.width}×{info.height}, 25 fps; "
                f"{decode_processor:.1f} s of processor)"
            )
        if arguments.only in (None, "clean"):
            found = index(info, folder, arguments, faults=False)
            ideal = math.ceil(found["calls"] / arguments.concurrency) * arguments.latency
            print(
                f"ideal calls alone  {ideal:7.1f} s   ({found['calls']} calls, {arguments.concurrency} at once)"
            )
            ratio = found["caption_seconds"] / max(decode, ideal)
            print(
                f"caption map        {found['caption_seconds']:7.1f} s   {ratio:.2f} × the larger (target ≤ 1.10)"
            )
            whole = found["seconds"] / max(decode, ideal)
            print(
                f"index              {found['seconds']:7.1f} s   {whole:.2f} × the larger: the map, and the cast after it"
            )
            ratio = found["processor_seconds"] / decode_processor
            print(
                f"  {found['processor_seconds']:.1f} s of processor with the server's, {ratio:.2f} × decoding's"
            )
        if arguments.only in (None, "faults"):
            found = index(info, folder, arguments, faults=True)
            whole = found["scene_seconds"] + found["lost_seconds"]
            ideal = ideal_seconds(found["keys"], arguments.concurrency, arguments.latency)
            print(
                f"ideal under faults {ideal:7.1f} s   ({len(found['keys'])} requests, {dict(found['outcomes'])})"
            )
            ratio = found["seconds"] / max(decode, ideal)
            mapped = found["caption_seconds"] / max(decode, ideal)
            print(
                f"index under faults {found['seconds']:7.1f} s   {ratio:.2f} × the larger (target ≤ 1.5; the map alone {mapped:.2f})"
            )
            print(
                f"  {found['clips']} clips: {found['scene_seconds']:.0f} s captioned + {found['lost_seconds']:.0f} s "
                f"listed as lost = {whole:.0f} s; replies paid twice: {found['paid_twice']}"
            )
    if arguments.only in (None, "calls"):
        jpeg = (np.random.default_rng(0).integers(0, 255, 15_000, dtype=np.uint8)).tobytes()
        keys = [f"CaptionClipReply/{number * 10.0}" for number in range(count)]
        ideal = ideal_seconds(keys, arguments.concurrency, arguments.latency)
        found = asyncio.run(calls_alone(arguments, count, jpeg))
        print(
            f"calls under faults {found['seconds']:7.1f} s   {found['seconds'] / ideal:.2f} × an ideal scheduler's "
            f"{ideal:.1f} s (target ≤ 1.5)"
        )
        print(
            f"  {found['captioned']} captioned + {found['failed']} failed = {count}; "
            f"replies paid twice: {found['paid_twice']}; {dict(found['outcomes'])}"
        )


if __name__ == "__main__":
    main()
