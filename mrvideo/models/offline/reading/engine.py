"""Text in one picture, by RapidOCR, whose networks ship in its wheel.

The heavy import waits for the first picture. A few engines serve the process, each on one thread and one picture at
a time: side by side they take two thirds of the processor time that one engine on every core takes.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import threading
import unicodedata
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from mrvideo.errors import ModelUnavailable
from mrvideo.models.offline.reading.pictures import Pixels, pixels_of
from mrvideo.settings import silence_telemetry

DETECTION_SIDE_PIXELS = 736
"""Finding lines at this size lost nothing against 960, and took two thirds of the time; they are read at full size."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and the upright box it stands in, in pixels."""

    text: str
    score: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Roughly the letters' size."""
        return max(self.bottom - self.top, 1.0)

    def moved(self, right: float, down: float) -> Line:
        """The line elsewhere."""
        return replace(
            self,
            left=self.left + right,
            right=self.right + right,
            top=self.top + down,
            bottom=self.bottom + down,
        )

    def overlap(self, other: Line) -> float:
        """Shared area over the smaller of both areas, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        smaller = min(
            (self.right - self.left) * (self.bottom - self.top),
            (other.right - other.left) * (other.bottom - other.top),
        )
        return width * height / max(smaller, 1.0)


MOST_ENGINES = 4
"""Each holds its own copy of the networks, some 150 MB."""

REMEMBERED_PICTURES = 2048

_lock = threading.Lock()
_remembered: OrderedDict[bytes, tuple[Line, ...]] = OrderedDict()
# Threads of its own: what the networks let go of is taken up again by the same threads. Run on whatever thread asks,
# each of some thirty keeps such a heap, and the process grows to gigabytes.
_readers = ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, MOST_ENGINES)), "mrvideo-reading")
_own = threading.local()


def _engine() -> Any:
    """This thread's. Raises `ModelUnavailable` when its libraries cannot be loaded."""
    if not hasattr(_own, "engine"):
        _own.engine = _new_engine()
    return _own.engine


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
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
            "Det.limit_side_len": DETECTION_SIDE_PIXELS,
            "Det.limit_type": "max",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _believable(text: str, score: float) -> bool:
    """Whether a reading is text rather than a texture that looks a little like it."""
    solid = [c for c in text if c.isalnum()]
    if not solid:
        return False
    if len(solid) == 1:
        return score >= 0.9
    if len(solid) <= 3:
        return score >= 0.75
    return score >= 0.6


def read_picture(jpeg: bytes) -> tuple[Line, ...]:
    """All lines of a picture, from top to bottom. The same bytes are read once per process. Thread-safe; blocks."""
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
    return _read_pixels(pixels_of(jpeg), DETECTION_SIDE_PIXELS)


def read_part(part: Pixels, *, of_pixels: int) -> tuple[Line, ...]:
    """All lines of a part of a picture whose longer side is `of_pixels`, searched at the size the whole would be. Blocks."""
    shrink = min(DETECTION_SIDE_PIXELS / of_pixels, 1.0)
    return _readers.submit(_read_pixels, part, max(round(max(part.shape[:2]) * shrink), 32)).result()


def _read_pixels(pixels: Pixels, side_pixels: int) -> tuple[Line, ...]:
    engine = _engine()
    # RapidOCR makes its finder at the first picture, or at once: by version.
    engine.cfg.Det.limit_side_len = side_pixels
    if engine.text_det is not None:
        engine.text_det.limit_side_len = side_pixels
    return tuple(_lines(engine(np.ascontiguousarray(pixels[:, :, ::-1]), use_det=True, use_rec=True)))


def _lines(found: Any) -> list[Line]:
    if found.boxes is None or found.txts is None:
        return []
    lines: list[Line] = []
    for box, text, score in zip(found.boxes, cast("tuple[str, ...]", found.txts), found.scores, strict=True):
        corners = np.asarray(box, dtype=float)
        clean = " ".join(unicodedata.normalize("NFKC", text).split())
        if not _believable(clean, float(score)):
            continue
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        lines.append(Line(clean, float(score), float(left), float(top), float(right), float(bottom)))
    return sorted(lines, key=lambda line: (line.top, line.left))


def read_box(picture: Pixels, box: Line) -> str:
    """What stands in one box of a picture, without searching it: some 15 times cheaper than `read_picture`."""
    margin = box.height * 0.15
    rows = slice(max(int(box.top - margin), 0), int(box.bottom + margin) + 1)
    columns = slice(max(int(box.left - margin), 0), int(box.right + margin) + 1)
    crop = np.ascontiguousarray(picture[rows, columns, ::-1])
    if crop.shape[0] < 4 or crop.shape[1] < 4:
        return ""
    found = _readers.submit(_read_crop, crop).result()
    texts = cast("tuple[str, ...] | None", found.txts)
    if not texts or float(found.scores[0]) < 0.5:
        return ""
    return " ".join(unicodedata.normalize("NFKC", texts[0]).split())


def _read_crop(crop: Pixels) -> Any:
    return _engine()(crop, use_det=False, use_rec=True)
