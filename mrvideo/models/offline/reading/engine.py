"""Text in one picture, by RapidOCR, whose networks ship in its wheel: they read Latin letters, Chinese and
Japanese.

The heavy import waits for the first picture. A few threads serve the process, each with one picture at a
time: side by side they take two thirds of the processor time that one engine on every core takes. The
networks are shared by all.
"""

from __future__ import annotations

import copy
import ctypes
import hashlib
import importlib
import logging
import os
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from mrvideo.errors import ModelUnavailable
from mrvideo.models.offline.reading.pictures import Box, Pixels, box_of, pixels_of
from mrvideo.settings import silence_telemetry

DETECTION_SIDE_PIXELS = 736
"""Finding lines at this size lost nothing against 960, and took two thirds of the time; they are read at full
size.
"""


@dataclass(frozen=True, slots=True)
class Line(Box):
    """One line of text and the box it stands in; without text where it could not be read."""

    text: str
    score: float


MOST_THREADS = 4
M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
REMEMBERED_PICTURES = 2048

GLANCE_SIDE_PIXELS = 448
GLANCE_LEVEL = 0.25
"""A glance at this size costs a third of a search. Of 48 texts over textures it missed two, of 12 and 14 px
on 854, and it sent 8 of 52 pictures without text to be searched; at 384 px it missed eight
(`benchmarks/reading.py`).
"""

LEAST_UNREAD_CERTAINTY = 0.75
"""Of the finder, which tells letters from textures without reading them."""
LEAST_SCORE, LEAST_SHORT_SCORE, LEAST_LETTER_SCORE = 0.75, 0.9, 0.95
MOST_SHORT_HEIGHT = 0.15
"""Share of the picture's height: a single letter, or two, that stand higher are mostly shapes."""

STACKED_HEIGHT = 0.2
"""From this share of the picture's height a line read with doubt may be two, set too close: its halves are
read.
"""

_lock = threading.Lock()
_remembered: OrderedDict[bytes, tuple[Line, ...]] = OrderedDict()
# Threads of its own: what the networks let go of is taken up again by the same threads. Run on whatever
# thread asks,
# each of some thirty keeps such a heap, and the process grows to gigabytes.
_readers = ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, MOST_THREADS)), "mrvideo-reading")
_own = threading.local()
_first: list[Any] = []


def _engine() -> Any:
    """This thread's: the networks are one for all, only the settings are its own. Raises `ModelUnavailable`."""
    if not hasattr(_own, "engine"):
        with _lock:
            if not _first:
                _first.append(_new_engine())
        _own.engine = copy.copy(_first[0])
        _own.engine.text_det, _own.engine.cfg = copy.copy(_first[0].text_det), copy.deepcopy(_first[0].cfg)
    return _own.engine


def few_heaps() -> None:
    """Let the threads of this process share two heaps, where its C library can: each keeps what it once held."""
    try:
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
    except (AttributeError, OSError, TypeError):
        logging.getLogger(__name__).debug("no mallopt here; each thread has a heap of its own")


def _new_engine() -> Any:
    silence_telemetry()
    try:
        rapidocr: Any = importlib.import_module("rapidocr")
    except ImportError as error:
        raise ModelUnavailable(
            f"the offline model reads text with rapidocr, which cannot be loaded here ({error}); "
            "reinstall mrvideo, or on a machine without a display: pip install opencv-python-headless"
        ) from error
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.text_score": 0.0,
            # An arena saves a sixth of the time of a reading, and keeps 90 MB for every thread.
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
            "Det.limit_side_len": DETECTION_SIDE_PIXELS,
            "Det.limit_type": "max",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    # Finder and reader are made at the first picture, or at once: by version.
    engine(np.zeros((32, 64, 3), np.uint8), use_det=True, use_rec=False)
    engine(np.zeros((32, 64, 3), np.uint8), use_det=False, use_rec=True)
    return engine


def _believable(line: Line, height: float) -> bool:
    """Whether a reading is text rather than a texture that looks a little like it."""
    solid = sum(c.isalnum() for c in line.text)
    if solid <= 2 and line.height > MOST_SHORT_HEIGHT * height:
        return False
    least = LEAST_LETTER_SCORE if solid == 1 else LEAST_SHORT_SCORE if solid <= 3 else LEAST_SCORE
    return solid > 0 and line.score >= least


def _unreadable(line: Line, height: float, *, most: float = 0.12) -> bool:
    """Whether it stands like a line of text, of a script that the network does not know."""
    wide = line.right - line.left >= 3.0 * line.height
    return wide and 0.02 * height <= line.height <= most * height and line.score < LEAST_SCORE


def glance(pixels: Pixels, share: float = 1.0) -> Box | None:
    """The box around all that may be text, found on a small copy; None where there is none. Thread-safe;
    blocks.

    `share`: how much of the picture's longer side the pixels are.
    """
    return _readers.submit(_glance, pixels, share).result()


def _glance(pixels: Pixels, share: float) -> Box | None:
    height, width = pixels.shape[:2]
    scale = min(GLANCE_SIDE_PIXELS * share / max(height, width), 1.0)
    size = (max(round(width * scale / 32) * 32, 32), max(round(height * scale / 32) * 32, 32))
    small: Any = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX), dtype=np.float32)
    blob: Any = np.ascontiguousarray((small[:, :, ::-1] / 127.5 - 1.0).transpose(2, 0, 1)[None])
    box = box_of(np.asarray(_engine().text_det.session(blob))[0, 0] > GLANCE_LEVEL)
    return box and box.scaled(width / size[0], height / size[1])


def read_picture(jpeg: bytes) -> tuple[Line, ...]:
    """All lines of a picture, from top to bottom. The same bytes are read once per process. Thread-safe;
    blocks.
    """
    key = hashlib.blake2b(jpeg, digest_size=16).digest()
    with _lock:
        if key in _remembered:
            _remembered.move_to_end(key)
            return _remembered[key]
    lines = _readers.submit(_read_picture, jpeg).result()
    with _lock:
        _remembered[key] = lines
        while len(_remembered) > REMEMBERED_PICTURES:
            _remembered.popitem(last=False)
    return lines


def _read_picture(jpeg: bytes) -> tuple[Line, ...]:
    pixels = pixels_of(jpeg)
    return _read_pixels(pixels, DETECTION_SIDE_PIXELS, pixels.shape[0])


def read_part(part: Pixels, *, of_pixels: float, of_height: float) -> tuple[Line, ...]:
    """All lines of a part of a picture whose longer side is `of_pixels`, searched at the size the whole would
    be. Blocks.
    """
    shrink = min(DETECTION_SIDE_PIXELS / of_pixels, 1.0)
    side = max(round(max(part.shape[:2]) * shrink), 32)
    return _readers.submit(_read_pixels, part, side, of_height).result()


def _read_pixels(pixels: Pixels, side_pixels: int, height: float) -> tuple[Line, ...]:
    engine = _engine()
    engine.cfg.Det.limit_side_len = engine.text_det.limit_side_len = side_pixels
    given = np.ascontiguousarray(pixels[:, :, ::-1])
    read = engine(given, use_det=True, use_rec=True)
    if read.boxes is None:
        # Nothing at all was read, as of a script that the network does not know: surely letters, in a row.
        rows = _lines(engine(given, use_det=True, use_rec=False))
        sure = [replace(line, score=0.0) for line in rows if line.score >= LEAST_UNREAD_CERTAINTY]
        return tuple(line for line in sure if _unreadable(line, height, most=0.2))
    lines = [part for line in _lines(read, read.txts) for part in _halves(line, pixels, height)]
    kept = [line if _believable(line, height) else replace(line, text="") for line in lines]
    return tuple(line for line in kept if line.text or _unreadable(line, height))


def _lines(found: Any, texts: Sequence[str] | None = None) -> list[Line]:
    """From top to bottom; without texts, where the lines were only looked for."""
    if found.boxes is None or found.scores is None:
        return []
    lines: list[Line] = []
    for box, text, score in zip(found.boxes, texts or [""] * len(found.boxes), found.scores, strict=True):
        (left, top), (right, bottom) = (side.tolist() for side in (np.min(box, axis=0), np.max(box, axis=0)))
        lines.append(Line(left, top, right, bottom, _clean(text), float(score)))
    return sorted(lines, key=lambda line: (line.top, line.left))


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _halves(line: Line, pixels: Pixels, height: float) -> list[Line]:
    """A tall line read with doubt as the two that it may be, where both are read with certainty: `Big Buck`
    over `BUNNY`.
    """
    if line.height < STACKED_HEIGHT * height or line.score >= LEAST_LETTER_SCORE:
        return [line]
    middle = (line.top + line.bottom) / 2
    halves: list[Line] = []
    for half in (replace(line, bottom=middle), replace(line, top=middle)):
        text, score = _read_crop(_crop(pixels, half, margin=0.0))
        if score < LEAST_LETTER_SCORE or sum(c.isalnum() for c in text) < 3:
            return [line]
        halves.append(replace(half, text=text, score=score))
    return halves


def read_box(picture: Pixels, box: Box) -> str:
    """What stands in one box of a picture, without searching it: some 15 times cheaper than `read_picture`."""
    text, score = _readers.submit(_read_crop, _crop(picture, box, margin=0.15)).result()
    return text if score >= 0.5 else ""


def _crop(picture: Pixels, box: Box, *, margin: float) -> Pixels:
    edge = box.height * margin
    rows = slice(max(int(box.top - edge), 0), int(box.bottom + edge) + 1)
    columns = slice(max(int(box.left - edge), 0), int(box.right + edge) + 1)
    return np.ascontiguousarray(picture[rows, columns, ::-1])


def _read_crop(crop: Pixels) -> tuple[str, float]:
    if crop.shape[0] < 4 or crop.shape[1] < 4:
        return "", 0.0
    found = _engine()(crop, use_det=False, use_rec=True)
    return (_clean(found.txts[0]), float(found.scores[0])) if found.txts else ("", 0.0)
