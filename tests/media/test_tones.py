"""Pictures of high dynamic range come out as the ones in standard range that they were made from (ITU-R
BT.2408).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.codec import UnknownCodecError
from support.films import frames_of

from mrvideo.errors import ReaderRefused
from mrvideo.media import open_video
from mrvideo.media.identity import probe
from mrvideo.media.images import open_image
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.shard import read_shard
from mrvideo.media.tones import Tones, grey_table, to_srgb, tones_of
from mrvideo.records import Span

PATCHES = {
    "red": (192, 32, 32),
    "orange": (224, 128, 32),
    "green": (32, 160, 64),
    "blue": (32, 64, 208),
    "sky": (128, 176, 224),
    "skin": (222, 172, 145),
    "black": (0, 0, 0),
    "dark": (48, 48, 48),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "pure red": (255, 0, 0),
    "pure blue": (0, 0, 255),
}
AS_GOOD_AS = 12
PATCH = 32
BT2020, BT709, P3 = 9, 1, 12
PQ, HLG, OF_BT2020 = 16, 18, 14
WHITE_NITS = 203
# Linear light of BT.709's primaries to that of the others (ITU-R BT.2087; for P3 derived from its primaries).
FROM_BT709 = {
    BT2020: [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]],
    P3: [[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]],
    BT709: np.eye(3),
}


def signal_of(colours: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """What a master in that coding holds for sRGB colours, 0–1."""
    x = np.asarray(colours) / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.array(FROM_BT709[primaries]).T, 0, 1)
    if transfer == PQ:
        root = (light * WHITE_NITS / 10_000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * root) / (1 + 2392 / 128 * root)) ** (2523 / 32)
    if transfer == HLG:  # White is a signal of 75 %.
        scene = light * 0.265
        log = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), log)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def encoder() -> tuple[str, dict[str, str]]:
    """One that takes ten bits, and options that keep its colours."""
    for name, options in (
        ("libx265", {"x265-params": "log-level=none:pools=1:qp=4"}),
        ("libx264", {"qp": "4"}),
        ("libvpx-vp9", {"crf": "4", "b": "0", "profile": "2"}),
    ):
        try:
            formats = av.codec.Codec(name, "w").video_formats or []
        except UnknownCodecError:
            continue
        if any(one.name == "yuv420p10le" for one in formats):
            return name, options
    pytest.skip("this PyAV has no encoder for ten bits")


def make_patches(
    path: Path, transfer: int, primaries: int, *, matrix: int = BT2020, count: int = 10, cut: int = 0
) -> Path:
    """A second of a row of coloured squares, `cut` times two pixels narrower than they are."""
    codec, options = encoder()
    wide = np.repeat(np.repeat(np.array([list(PATCHES.values())]), PATCH, axis=0), PATCH, axis=1)
    signal = np.ascontiguousarray(np.round(signal_of(wide, transfer, primaries) * 65535).astype(np.uint16))
    signal = np.ascontiguousarray(signal[:, : signal.shape[1] - 2 * cut])
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = signal.shape[1], signal.shape[0], "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, primaries, matrix
        context.color_range, context.thread_count = 1, 1
        for number in range(count):
            output.mux(stream.encode(_ycbcr(signal, number)))
        output.mux(stream.encode(None))
    return path


def _ycbcr(signal: np.ndarray, number: int) -> av.VideoFrame:
    """Ten bits of limited range, with the matrix of BT.2020 whatever the version of PyAV does."""
    red, green, blue = (signal[..., i] / 65535 for i in range(3))
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    planes = [luma * 876 + 64]
    for part, scale in ((blue, 1.8814), (red, 1.4746)):
        chroma = (part - luma) / scale * 896 + 512
        planes.append(chroma.reshape(chroma.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)))
    frame = av.VideoFrame(signal.shape[1], signal.shape[0], "yuv420p10le")
    for values, plane in zip(planes, frame.planes, strict=True):
        lines = np.zeros((plane.height, plane.line_size // 2), "<u2")
        lines[:, : values.shape[1]] = np.round(values)
        plane.update(lines.tobytes())
    frame.colorspace, frame.color_range = BT2020, 1
    frame.pts, frame.time_base = number, Fraction(1, 10)
    return frame


def patches_in(frame) -> dict[str, tuple[int, ...]]:
    """The colour in the middle of each square."""
    pixels = np.asarray(open_image(frame)).astype(int)
    across = pixels.shape[1] / len(PATCHES)
    row = pixels[pixels.shape[0] // 2 - 2 : pixels.shape[0] // 2 + 2]
    return {
        name: tuple(
            row[:, round((i + 0.4) * across) : round((i + 0.6) * across)]
            .mean(axis=(0, 1))
            .round()
            .astype(int)
        )
        for i, name in enumerate(PATCHES)
    }


def check_patches(frame) -> None:
    found = patches_in(frame)
    far = {
        name: (found[name], wanted)
        for name, wanted in PATCHES.items()
        if max(abs(a - b) for a, b in zip(found[name], wanted, strict=True)) > AS_GOOD_AS
    }
    assert far == {}


CODINGS = {
    "pq.mp4": (PQ, BT2020),
    "hlg.mp4": (HLG, BT2020),
    "pq.mkv": (PQ, BT2020),
    "wide.mp4": (OF_BT2020, BT2020),
    "p3.mp4": (BT709, P3),
    "pq_of_p3.mp4": (PQ, P3),
}


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory):
    """`patches(name)`: a film of the squares, made once."""
    folder = tmp_path_factory.mktemp("patches")
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = make_patches(folder / name, *CODINGS[name])
        return made[name]

    return make


@pytest.mark.parametrize("name", CODINGS)
def test_every_way_to_a_frame_shows_the_colours_that_were_mastered(patches, name: str):
    """Dangerous: a red card was brown to whoever looked at it."""
    path = patches(name)
    with open_video(path) as video:
        (frame,) = frames_of(video, [0.5])
    check_patches(frame)
    check_patches(FrameSource(path, ReadOptions(long_side_pixels=256)).at([0.5])[0])
    check_patches(read_shard(path, Span(0.0, 1.0)).frames[0])


def test_a_width_that_is_no_multiple_of_anything(tmp_path: Path):
    """Read at its own size and smaller: FFmpeg has ways of its own for each."""
    path = make_patches(tmp_path / "odd.mp4", PQ, BT2020, cut=3)
    for pixels in (16 * 64, 200):
        (frame,) = FrameSource(path, ReadOptions(long_side_pixels=pixels)).at([0.5])
        right = np.asarray(open_image(frame)).astype(int)[4:-4, -2].mean(axis=0)
        assert right == pytest.approx(PATCHES["pure blue"], abs=20)


def test_frames_are_as_large_as_others(patches):
    path = patches("pq.mp4")
    (frame,) = FrameSource(path, ReadOptions(long_side_pixels=192)).at([0.5])
    assert (frame.width, frame.height) == (192, 16)
    assert probe(path).width == PATCH * len(PATCHES)


def test_unstated_colours_of_hdr_are_those_of_bt2020():
    assert tones_of(PQ, 2) == tones_of(PQ, BT2020) == Tones(PQ, BT2020)
    assert tones_of(HLG, BT709) == Tones(HLG, BT709)


@pytest.mark.parametrize(("transfer", "primaries"), [(1, 1), (2, 2), (6, 6), (13, 1), (8, 5), (0, 0)])
def test_usual_colours_are_left_as_they_are(transfer: int, primaries: int):
    assert tones_of(transfer, primaries) is None


def test_what_is_brighter_than_white_stays_apart_and_below_255():
    """A lamp beside a white wall must not vanish; and nothing wraps round to black."""
    light = np.array([0.5, 1.0, 1.3, 2.0, 5.0, 49.0])[:, None]
    root = (light * WHITE_NITS / 10_000) ** (2610 / 16384)
    signal = ((3424 / 4096 + 2413 / 128 * root) / (1 + 2392 / 128 * root)) ** (2523 / 32)
    plane = (signal * 4095).round().astype(np.uint16)
    shown = to_srgb(plane, plane, plane, Tones(PQ, BT709))[:, 0, 0].astype(int)
    assert shown[0] == pytest.approx(188, abs=1)
    assert shown[1] >= 255 - AS_GOOD_AS
    assert list(shown) == sorted(shown)
    assert shown[1] < shown[2] < shown[3] <= shown[5] == 255


def test_the_pictures_that_cuts_are_found_in_have_their_contrast_back():
    """PQ keeps all of standard range in its lower 58 %: cuts would be missed there."""
    white = round(16 + 219 * float(signal_of(np.full((1, 3), 255), PQ, BT709)[0, 0]))
    middle = round(16 + 219 * float(signal_of(np.full((1, 3), 128), PQ, BT709)[0, 0]))
    table = grey_table(Tones(PQ, BT2020), full_range=False)
    assert table[white] > 235
    assert int(table[middle]) == pytest.approx(128, abs=5)
    assert table[16] == 0


def test_decord_refuses_hdr(patches):
    pytest.importorskip("decord")
    with pytest.raises(ReaderRefused, match=r"HDR|wrong frames"):
        open_video(patches("pq.mp4"), ReadOptions(reader="decord"))
