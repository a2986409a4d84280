"""What becomes of broken files: thousands of seeded mutations of small ones, each read in a process that may
be killed.

    python benchmarks/mutations.py [--of films|texts|growth] [--each 1000] [--seed 0] [--index]

Films must end within 10 s in an error of the package's own, or in frames with every time that got none named
in `lost`. With `--index` each is also indexed as a user would, without a model. A file may take 300 MB above
what the process held before it (Linux alone tells that). Texts (subtitles, a cast file, captions to import)
must end so too, or in lines; a line that is whole in the file, and neither read nor told of, is a silence. A
hang, a crash of the process, a foreign exception, too much memory and a silence are defects; the exit status
is 1 when there is one, and the file is kept.

Texts made to take long (`growth`: braces, equal times, spaces, nested entries) are read at a size and at
twice that; the ratio of the two is 2 where time is in proportion to the size, and 4 where it is to its
square. Above 3 is a defect.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

LIMIT_SECONDS = 10.0
LIMIT_MEGABYTES = 300
ASKED = [0.1, 0.5, 0.7, 1.1]
ASKED_OF_JOINED = [*ASKED, 1.3, 1.9, 2.3]
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "h264.mp4": ("libx264", {"bf": "3", "g": "12"}),
    "h264.mp4, part of its index": ("libx264", {"bf": "3", "g": "12"}),
    "h264.mkv": ("libx264", {"bf": "3", "g": "12"}),
    "h264.ts": ("libx264", {"bf": "3", "g": "12"}),
    "h264.ts, joined": ("libx264", {"bf": "3", "g": "12"}),
    "h264.flv": ("libx264", {"bf": "3", "g": "12"}),
    "h264.flv, joined": ("libx264", {"bf": "3", "g": "12"}),
    "hevc.mp4": ("libx265", {"x265-params": "log-level=none:keyint=12"}),
    "hdr.mkv": ("libx265", {"x265-params": "log-level=none:keyint=12"}),
    "vp9.webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "12"}),
    "mpeg4.avi": ("mpeg4", {"g": "12"}),
    "mpeg2.mpg": ("mpeg2video", {"g": "12", "bf": "2"}),
    "mpeg2.mpg, joined": ("mpeg2video", {"g": "12", "bf": "2"}),
    "animation.png": ("", {}),
    "animation.webp": ("", {}),
}
_SOUND = {
    "mp4": ("aac", 16_000),
    "mkv": ("aac", 16_000),
    "ts": ("aac", 16_000),
    "flv": ("aac", 16_000),
    "mpg": ("mp2", 48_000),
}
DEFECTS = ("hang", "crash", "foreign exception", "memory", "silence")


def picture(index: int) -> np.ndarray:
    """A stripe that moves."""
    pixels = np.zeros((96, 160, 3), np.uint8)
    pixels[:, (index * 5) % 150 : (index * 5) % 150 + 10] = (250, 120, index * 8)
    return pixels


def make(path: Path, codec: str, options: dict[str, str]) -> bytes:
    """Thirty pictures of a moving stripe, with a tone where the container takes one."""
    if not codec:
        images = [Image.fromarray(picture(index)) for index in range(30)]
        images[0].save(path, save_all=True, append_images=images[1:], duration=40)
        return path.read_bytes()
    is_hdr = path.stem == "hdr"
    pixel_format = "yuv420p10le" if is_hdr else "yuv420p"
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, pixel_format
        if is_hdr:
            context = stream.codec_context
            context.color_trc, context.color_primaries, context.colorspace = 16, 9, 9
        tone: Any = None
        if path.suffix[1:] in _SOUND:
            sound, rate = _SOUND[path.suffix[1:]]
            tone = output.add_stream(sound, rate=rate, layout="mono")
        for index in range(30):
            frame: Any = av.VideoFrame.from_ndarray(picture(index), format="rgb24").reformat(
                format=pixel_format
            )
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
            if tone is not None:
                wave = (np.sin(np.arange(tone.rate // 25) * 0.1) * 8000).astype(np.int16)[None]
                chunk = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                chunk.sample_rate, chunk.pts = tone.rate, index * (tone.rate // 25)
                chunk.time_base = Fraction(1, tone.rate)
                output.mux(tone.encode(chunk))
        output.mux(stream.encode(None))
        if tone is not None:
            output.mux(tone.encode(None))
    return path.read_bytes()


def _numbered(first: str, each: str, last: str = "") -> bytes:
    """Twelve lines, the word of each its own: `word3z`."""
    return (first + "".join(each.format(n=n, m=n + 1) for n in range(10, 22)) + last).encode()


_TTML = "<tt xmlns='http://www.w3.org/ns/ttml'><head/><body><div>\n"
_ASS = "[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
_HEBREW = "{n}\n00:00:{n},000 --> 00:00:{m},000\nword{n}z שלום לכולם\n\n"
TEXTS: dict[str, bytes] = {
    "a.srt": _numbered("", "{n}\n00:00:{n},000 --> 00:00:{m},000\n<i>word{n}z</i> said\n\n"),
    "Hebrew, b.srt": _numbered("", _HEBREW).decode().encode("cp1255"),
    "UTF-16, c.srt": _numbered("", _HEBREW).decode().encode("utf-16"),
    "a.vtt": _numbered("WEBVTT\n\nNOTE x\n\n", "{n}\n00:{n}.000 --> 00:{m}.000 line:0\n<v Ann>word{n}z\n\n"),
    "a.ass": _numbered(_ASS, "Dialogue: 0,0:00:{n}.00,0:00:{m}.00,S,Ann,0,0,0,,{{\\k1}}word{n}z\n"),
    "letters, l.ass": _numbered(
        _ASS,
        "".join(
            f"Dialogue: 0,0:00:{{n}}.00,0:00:{{m}}.00,S,,0,0,0,fx,{{{{\\pos({x},9)}}}}{x}\n" for x in range(4)
        ),
    ),
    "a.ttml": _numbered(
        _TTML, "<p begin='00:00:{n}.000' end='{m}s'>word{n}z <span>said</span></p>\n", "</div></body></tt>"
    ),
    "a.smi": _numbered("<SAMI><BODY>\n", "<SYNC Start={n}000><P Class=KR>word{n}z\n", "</BODY></SAMI>"),
    "MicroDVD, a.sub": _numbered("{{1}}{{1}}25\n".format(), "{{{n}}}{{{m}}}word{n}z|said\n"),
    "MPL2, m.txt": _numbered("", "[{n}][{m}]word{n}z|/said\n"),
    "TMPlayer, t.txt": _numbered("", "00:00:{n}:word{n}z\n"),
    "Whisper, w.txt": _numbered("", "[00:{n}.000 --> 00:{m}.000] word{n}z\n"),
    "a.lrc": _numbered("[ar:x]\n", "[00:{n}.00]word{n}z\n"),
    "a.json3": _numbered(
        '{{"events": ['.format(), '{{"tStartMs": {n}000, "segs": [{{"utf8": "word{n}z"}}]}},', "{}]}"
    ),
    "cast.toml": _numbered("", '[[cast]]\nname = "word{n}z"\ndescription = "tall, {n}"\n\n'),
    "captions.json": _numbered(
        "[",
        '{{"t_start": {n}, "t_end": {m}, "caption": "word{n}z <dog_a-1>."}},\n',
        '{"t_start": 30, "t_end": 31, "caption": "x"}]',
    ),
}


def text_outcome(path: str) -> str:
    """How reading a text ends, in a word."""
    from mrvideo.captioning.cast_file import load_given
    from mrvideo.errors import InputError
    from mrvideo.evals.released import import_released
    from mrvideo.media.subtitles.parse import parse

    data = Path(path).read_bytes()
    notes: tuple[str, ...] = ()
    try:
        if path.endswith(".toml"):
            said = [given.name for given in load_given(Path(path))]
        elif path.endswith("captions.json"):
            said = [scene.detailed for scene in import_released(Path(path)).scenes]
        else:
            parsed = parse(data, path)
            said, notes = [line.text for line in parsed.lines], parsed.notes
    except InputError as error:
        return "foreign exception" if "\n" in str(error) else "own error"
    except Exception:  # noqa: BLE001 - finding these is what this is for
        return "foreign exception"
    if not notes and any(word not in " ".join(said) for word in _whole(Path(path), data)):
        return "silence"
    return "lines and notes" if notes else "lines"


def _whole(path: Path, data: bytes) -> list[str]:
    """The words of the lines that the mutation left whole, with those before and after them."""
    original = (path.parent / path.name.removeprefix("broken-")).read_bytes()
    rows = re.split(rb"(?=\d\d\n|\[\[cast|<p |<SYNC|Dialogue|\n\{|\n\[|\n00:)", original)
    whole: list[str] = []
    for before, row, after in zip(rows, rows[1:], rows[2:], strict=False):
        if before + row + after in data and (found := re.search(rb"word\d\dz", row)):
            whole.append(found[0].decode())
    return whole


def _srt_of_one_time(count: int) -> str:
    return "".join(f"{n}\n00:00:01,000 --> 00:00:01,000\nw{n}\n\n" for n in range(count))


_SRT, _VTT = "1\n00:00:01,000 --> 00:00:02,000\n", "WEBVTT\n\n00:01.000 --> 00:02.000\n"
_DIALOGUE = "Dialogue: 0,0:00:01.00,0:00:02.00,S,,0,0,0,,"
GROWING: dict[str, tuple[str, Callable[[int], str]]] = {
    "timings in one block": ("a.vtt", lambda n: "WEBVTT\n\n" + "00:01.000 --> 00:02.000\n" * (n // 24)),
    "a voice of spaces": ("a.vtt", lambda n: _VTT + "<v" + " " * n),
    "rows that roll": ("a.vtt", lambda n: (_VTT + "<00:00:01.000>x\n" + "a\n" * (n // 4) + "\n") * 2),
    "equal times": ("a.srt", lambda n: _srt_of_one_time(n // 40)),
    "digits": ("a.srt", lambda n: _SRT + "&#" + "1" * n + ";"),
    "open braces": ("a.ass", lambda n: _DIALOGUE + "{" * n),
    "codes": ("a.ass", lambda n: _DIALOGUE + "{\\k1}a" * (n // 6)),
    "letters": (
        "a.ass",
        lambda n: "".join(f"{_DIALOGUE[:-1]}fx,{{\\pos({i},1)}}a\n" for i in range(n // 60)),
    ),
    "breaks in spans": ("a.ttml", lambda n: _TTML + "<p begin='1s'>" + "<span>" * 90 + "<br/>" * (n // 5)),
    "marks of time": ("a.smi", lambda n: "<SAMI>" + "<SYNC Start=1><P>a" * (n // 18)),
    "stars": ("captions.json", lambda n: json.dumps([{"t_start": 0, "t_end": 1, "caption": "*" * n}])),
    "nested entries": (
        "captions.json",
        lambda n: json.dumps([{"t_start": i, "t_end": n - i, "caption": f"c{i}"} for i in range(n // 60)]),
    ),
    "dots": ("cast.toml", lambda n: "a." * (n // 8) + "a = 1"),
}


def growth(folder: Path, size: int = 400_000) -> int:
    """Time at a size and at twice that, of each text made to take long; returns how many grow too fast."""
    from mrvideo.errors import InputError
    from mrvideo.media.subtitles import load_subtitles

    film = folder / "film.mp4"
    make(film, *KINDS["h264.mp4"])
    print(f"{'made to take long':30}{'ms':>10}{'ms, twice':>12}{'ratio':>8}")
    defects = 0
    for name, (file, text) in GROWING.items():
        spent: list[float] = []
        for length in (size, 2 * size):
            path = folder / f"growing-{file}"
            path.write_text(text(length), encoding="utf-8")
            started = time.process_time()
            if file.endswith((".toml", ".json")):
                text_outcome(str(path.rename(folder / file)))
            else:
                with contextlib.suppress(InputError):
                    load_subtitles(film, subtitles=path)
            spent.append(time.process_time() - started)
        ratio = spent[1] / max(spent[0], 0.02)
        defects += ratio > 3
        print(f"{name:30}{spent[0] * 1000:10.0f}{spent[1] * 1000:12.0f}{ratio:8.1f}", flush=True)
    return defects


def mutated(data: bytes, seed: int) -> bytes:
    """Bits flipped, bytes cut out, doubled, zeroed or scrambled, or the end gone."""
    dice = random.Random(seed)
    broken = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = dice.randrange(len(broken))
        length = dice.choice([1, 4, 64, 1500])
        way = dice.randrange(6)
        if way == 0:
            broken[at] ^= 1 << dice.randrange(8)
        elif way == 1:
            del broken[at : at + length]
        elif way == 2:
            broken[at:at] = broken[at : at + length]
        elif way == 3:
            broken[at : at + length] = bytes(len(broken[at : at + length]))
        elif way == 4:
            broken[at : at + length] = dice.randbytes(len(broken[at : at + length]))
        else:
            del broken[max(1, at) :]
        if not broken:
            return data[:1]
    return bytes(broken)


def outcome(path: str, times: list[float]) -> str:
    """How reading the file ends, in a word."""
    from mrvideo.errors import VideoError
    from mrvideo.media import open_video
    from mrvideo.media.audio import read_sound
    from mrvideo.media.subtitles import load_subtitles

    try:
        with open_video(path) as video:
            served = [asked for asked, _ in video.read_at(times)]
            lost = video.lost
        for _ in read_sound(path):
            pass
        load_subtitles(path)
    except VideoError:
        return "own error"
    except Exception:  # noqa: BLE001 - finding these is what this is for
        return "foreign exception"
    missing = [time for time in times if time not in served]
    if any(not any(f.span.start_seconds <= time <= f.span.stop_seconds for f in lost) for time in missing):
        return "silence"
    return "frames and losses" if lost else "all frames"


def index_outcome(path: str) -> str:
    """How indexing the file without a model ends, in a word."""
    import mrvideo
    from mrvideo.errors import MrVideoError

    try:
        mrvideo.index(path, library=Path(path).with_name("library.db"), fresh=True)
    except MrVideoError as error:
        return "foreign exception" if "\n" in str(error) else "own error"
    except Exception:  # noqa: BLE001 - finding these is what this is for
        return "foreign exception"
    return ""


def megabytes(name: str) -> float:
    """What Linux tells of this process: `VmRSS` (now) or `VmHWM` (at most); 0 elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return int(re.search(rf"{name}:\s+(\d+)", status.read_text())[1]) / 1024  # type: ignore[index]


def serve(pipe: Connection, kind: str, is_indexed: bool) -> None:
    """Read what is sent, until nothing more comes."""
    import os

    from mrvideo.media.mp4 import movie

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if kind == "part of its index":
        movie.LONG_INDEX_BYTES = 0
    while (asked := pipe.recv()) is not None:
        path, times = asked
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # The peak is counted anew.
        before = megabytes("VmRSS")
        found = text_outcome(path) if kind == "text" else outcome(path, times)
        if is_indexed and found not in DEFECTS:
            indexed = index_outcome(path)
            found = indexed if indexed in DEFECTS else found
        pipe.send((found, megabytes("VmHWM") - before))


class Reader:
    """A process that reads, replaced when it dies or hangs."""

    def __init__(self, kind: str, is_indexed: bool = False) -> None:
        self._kind, self._is_indexed = kind, is_indexed
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, self._kind, self._is_indexed), daemon=True
        )
        self._process.start()
        self._limit_seconds = 6 * LIMIT_SECONDS  # Imports are nobody's fault.
        theirs.close()

    def read(self, path: Path, times: list[float]) -> tuple[str, float]:
        """The outcome for one file, and the megabytes that it took."""
        self._pipe.send((str(path), times))
        try:
            if self._pipe.poll(self._limit_seconds):
                self._limit_seconds = LIMIT_SECONDS
                return self._pipe.recv()
            found = "hang"
        except EOFError:
            found = "crash"
        self._process.kill()
        self._process.join()
        self._start()
        return found, 0.0

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join()


def run(
    kinds: dict[str, tuple[str, str, bytes]],
    columns: list[str],
    folder: Path,
    seeds: range,
    is_indexed: bool = False,
) -> int:
    """Mutate each kind (its name: file name, how it is read, its bytes), print what came of it; returns the
    defects.
    """
    columns = [*columns, *DEFECTS]
    print(f"{'file':30}" + "".join(f"{name:>19}" for name in columns) + f"{'slowest s':>11}{'most MB':>9}")
    defects = 0
    for name, (file, kind, data) in kinds.items():
        times = ASKED_OF_JOINED if name.endswith("joined") else ASKED
        reader, counts, slowest, most = Reader(kind, is_indexed), Counter[str](), 0.0, 0.0
        (folder / file).write_bytes(data)
        whole, _ = reader.read(folder / file, times)
        if whole in DEFECTS:
            print(f"  {name}: {whole}, though nothing is broken", file=sys.stderr)
            defects += 1
        for seed in seeds:
            path = folder / f"broken-{file}"
            path.write_bytes(mutated(data, seed))
            started = time.perf_counter()
            found, taken = reader.read(path, times)
            slowest, most = max(slowest, time.perf_counter() - started), max(most, taken)
            if taken > LIMIT_MEGABYTES and found not in DEFECTS:
                found = "memory"
            counts[found] += 1
            if found in DEFECTS:
                defects += 1
                kept = path.rename(folder / f"{found.replace(' ', '-')}-{seed}-{file}")
                print(f"  {found}: kept as {kept}", file=sys.stderr)
        reader.close()
        print(
            f"{name:30}"
            + "".join(f"{counts[column]:19}" for column in columns)
            + f"{slowest:11.1f}{most:9.0f}",
            flush=True,
        )
    return defects


def main() -> int:
    """Arguments in, tables out."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--of", choices=["films", "texts", "growth"], help="only these")
    arguments.add_argument("--each", type=int, default=1000, help="mutations of each kind of file")
    arguments.add_argument("--seed", type=int, default=0, help="the first one's number")
    arguments.add_argument("--index", action="store_true", help="index each film too")
    given = arguments.parse_args()
    seeds = range(given.seed, given.seed + given.each)
    folder = Path(tempfile.mkdtemp(prefix="mutations-"))
    defects = 0
    if given.of in (None, "films"):
        films = {
            name: (
                file,
                name.partition(", ")[2],
                make(folder / file, codec, options) * (2 if name.endswith("joined") else 1),
            )
            for name, (codec, options) in KINDS.items()
            for file in [name.split(",")[0]]
        }
        defects += run(films, ["own error", "frames and losses", "all frames"], folder, seeds, given.index)
    if given.of in (None, "texts"):
        texts = {name: (name.split(", ")[-1], "text", data) for name, data in TEXTS.items()}
        defects += run(texts, ["own error", "lines and notes", "lines"], folder, seeds)
    if given.of in (None, "growth"):
        defects += growth(folder)
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
