"""What `mrvideo index` reaches of a GPU's speed, end to end: decoding, pictures, prompts, the map, the
library.

    python benchmarks/gpu_index.py [--shape qwen2.5-vl-3b] [--minutes 60] [--tokenizer FOLDER]

The film is made first: pans over noise, cut every 2 to 7 seconds. The model has a published size and random weights, so that its
replies say nothing: each is decoded to 192 tokens, and then a caption of one scene stands in for what it
says. Everything else is what a user runs. Prints clips/s beside the same model's own speed on the same
pictures, and what the GPU waited for.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from gpu import jobs, through  # sets the path to tests/support
from PIL import Image
from support.random_models import build

import mrvideo.models.generation as generation
from mrvideo import api
from mrvideo.models import local
from mrvideo.models.chat_backend import Completion
from mrvideo.models.generation import Job, best_device
from mrvideo.models.torchvision_check import torchvision_loads
from mrvideo.records import Usage
from mrvideo.schemas.captioning import CaptionClipReply, CharactersReply
from mrvideo.settings import grow_gpu_segments

FPS = 24


def film(path: Path, minutes: float, workers: int) -> None:
    """Shots of 2 to 7 s with a cut between them, each a slow pan over a ground of its own: 640×360, 24 frames a second."""
    rng = np.random.default_rng(0)
    frames = round(minutes * 60 * FPS)
    shots: list[int] = []
    while frames:
        shots.append(min(frames, int(rng.integers(2 * FPS, 7 * FPS))))
        frames -= shots[-1]
    parts = [shots[at : at + 15] for at in range(0, len(shots), 15)]
    files = [path.with_name(f"part{number}.mp4") for number in range(len(parts))]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(_encode, files, parts))
    with av.open(str(path), "w") as container:
        target: Any = None
        done = 0
        for file, part in zip(files, parts, strict=True):
            with av.open(str(file)) as source:
                stream = source.streams.video[0]
                if target is None:
                    target = container.add_stream_from_template(stream)
                offset = int(Fraction(done, FPS) / stream.time_base)
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, target
                    container.mux(packet)
            done += sum(part)


def _encode(path: Path, shots: list[int]) -> None:
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "crf": "30", "bf": "0", "threads": "1"}
        stream: Any = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 640, 360, "yuv420p", 2 * FPS
        rng = np.random.default_rng(list(path.name.encode()))
        for frames in shots:
            brightest = rng.integers(80, 255)
            coarse = [rng.integers(0, brightest, (9, 20), dtype=np.uint8) for _ in range(3)]
            sizes = ((1024, 360), (512, 180), (512, 180))
            luma, *chroma = (
                np.asarray(Image.fromarray(part).resize(size))
                for part, size in zip(coarse, sizes, strict=True)
            )
            for number in range(frames):
                at = number // 2
                planes = [luma[:, 2 * at : 2 * at + 640], *(part[:, at : at + 320] for part in chroma)]
                rows = np.concatenate([plane.reshape(-1, 640) for plane in planes])
                for packet in stream.encode(av.VideoFrame.from_ndarray(rows, format="yuv420p")):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


class Canned:
    """A generator whose replies are decoded in full, and then read as a caption of one scene."""

    def __init__(self, generator: Any) -> None:
        self.__dict__ = generator.__dict__
        self.asked: dict[str, int] = {}
        self.pictures = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(generation.Generator, name).__get__(self)

    def said(self, job: Job, row: list[int], input_tokens: int) -> Completion:
        self.asked[job.reply_type.__name__] = self.asked.get(job.reply_type.__name__, 0) + 1
        self.pictures += len(job.pictures)
        usage = Usage(calls=1, input_tokens=input_tokens, output_tokens=len(row), images=len(job.pictures))
        return Completion(text=_reply(job), usage=usage, cut_off=False)


def _reply(job: Job) -> str:
    if job.reply_type is CharactersReply:
        return json.dumps({"characters": []})
    if job.reply_type is not CaptionClipReply:
        return "{}"
    span = re.search(r"The clip runs from (\d+\.\d+) to (\d+\.\d+) s", job.text)
    if span is None:
        raise RuntimeError("the request does not say from when to when its clip runs")
    start, stop = span.groups()
    scene = {
        "start_seconds": float(start),
        "stop_seconds": float(stop),
        "detailed": "noise moves",
        "brief": "noise",
    }
    return json.dumps({"newcomers": [], "scenes": [scene], "continues_previous": False})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", default="qwen2.5-vl-3b")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--tokenizer", default=None)
    parser.add_argument("--output-tokens", type=int, default=192)
    parser.add_argument("--device", default=None)
    parser.add_argument("--clips", type=int, default=96, help="of the model's own speed, first")
    arguments = parser.parse_args()
    grow_gpu_segments(torch.__version__)
    device = arguments.device or best_device()
    cuda = device.startswith("cuda")
    generator: Any = Canned(
        build(
            arguments.shape, device, on_gpu=cuda and torchvision_loads(), tokenizer_folder=arguments.tokenizer
        )
    )
    generator.holds = False
    generation.load = lambda *_, **__: generator  # the weights are the only stand-in
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film(path, arguments.minutes, workers=os.cpu_count() or 1)
        settings = {
            "vision": "hf:random",
            "library": Path(folder) / "library.db",
            "max_output_tokens": arguments.output_tokens,
        }
        # Loads the model and captures its steps, as a first film does.
        batcher: Any = local._batcher(local.ModelSettings.parse("hf:random"))
        work = jobs(arguments.clips, arguments.output_tokens)
        through(batcher, work[:8])
        batcher.encoder._keep_bytes = 0
        started = time.perf_counter()
        through(batcher, work)
        own = len(work) / (time.perf_counter() - started)
        generator.asked.clear()
        generator.pictures = 0
        stop = threading.Event()
        seen: list[tuple[int, int]] = []

        def watch() -> None:
            while not stop.wait(0.05):
                seen.append((len(batcher.decoder._regions), len(batcher._ready)))

        threading.Thread(target=watch, daemon=True).start()
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        video = api.index(path, **settings)
        took = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        stop.set()
    cores = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / took
    clips = generator.asked.get("CaptionClipReply", 0)
    rows = [row for row, _ in seen]
    idle = sum(not row for row in rows) / max(len(rows), 1)
    name = torch.cuda.get_device_name() if cuda else "CPU"
    print(
        f"{name}, {arguments.shape}: {arguments.minutes:.0f} minutes in {took:.1f} s: {clips / took:.2f} clips/s "
        f"({clips} clips, {generator.pictures / max(clips, 1):.1f} pictures each, {len(video.scenes)} scenes, "
        f"{len(video.failures)} failures)\n"
        f"the model alone, 20 pictures a clip: {own:.2f} clips/s; the index reaches {clips / took / own:.0%}\n"
        f"calls: {generator.asked}; no row in work {idle:.0%} of the time, {sum(rows) / max(len(rows), 1):.0f} rows on "
        f"average; {cores:.1f} host cores"
    )


if __name__ == "__main__":
    main()
