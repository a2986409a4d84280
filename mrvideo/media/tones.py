"""High dynamic range and wide colours, turned into what a JPEG's viewer expects: sRGB, whose primaries are
BT.709's.

    signal ──► light, 1.0 = white ──► BT.709 primaries ──► shoulder ──► sRGB

White is 203 nits, as ITU-R BT.2408 has it: PQ states nits; of HLG it is the light of a signal of 75 %, taken
from the scene as a camera of standard range would have taken it. Up to a little below white nothing changes
but the coding, so that a picture in standard range that was mastered as HDR comes out as it was. What is
brighter is pressed together.

            sRGB
    255 |            ______---     lamps, the sun
        |      __--¯¯
        |   _-¯  ^ white
        |_-¯
        +-------------------- light
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_PQ, _HLG = 16, 18
"""Transfer characteristics, and below primaries, by their numbers in ITU-T H.273."""
_UNSAID = frozenset({0, 2})
_BT2020, _P3 = 9, 12

_WHITE_NITS = 203.0
_WHITE_OF_SCENE = 0.2650
_SHOULDER = 0.85
_BRIGHTEST = 8.0
"""Light above this, in units of white, is shown as this."""

DEEP_BITS = 12
_FINE = 1 << DEEP_BITS
_FINER = 1 << 16

_Floats = NDArray[np.float32]

# Linear light to that of BT.709's primaries; both have the white point D65.
_TO_BT709: dict[int, tuple[tuple[float, ...], ...]] = {
    _BT2020: (
        (1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730),
    ),
    _P3: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}


class Tones(NamedTuple):
    """How a stream codes light, where that is not what a JPEG does."""

    transfer: int
    primaries: int

    @property
    def is_hdr(self) -> bool:
        """Whether it codes more than standard range."""
        return self.transfer in (_PQ, _HLG)


def tones_of(transfer: int, primaries: int) -> Tones | None:
    """What a stream states, by ITU-T H.273; None where its pictures may be taken as they are."""
    if transfer in (_PQ, _HLG):
        return Tones(transfer, _BT2020 if primaries in _UNSAID else primaries)
    return Tones(transfer, primaries) if primaries in _TO_BT709 else None


def to_srgb(
    red: NDArray[np.uint16], green: NDArray[np.uint16], blue: NDArray[np.uint16], tones: Tones
) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) in sRGB of 8 bits, from planes (height, width) of 12 bits that are coded as
    `tones` says.
    """
    table, light = _srgb(tones.is_hdr), _light(tones.transfer)
    lights: list[Any] = [light.take(plane, mode="clip") for plane in (red, green, blue)]
    shown = np.empty((*red.shape, 3), np.uint8)
    matrix = _TO_BT709.get(tones.primaries)
    for place, plane in enumerate(lights):
        if matrix is not None:
            by_red, by_green, by_blue = (np.float32(share) for share in matrix[place])
            plane = by_red * lights[0] + by_green * lights[1] + by_blue * lights[2]
        shown[..., place] = table[_steps(plane)]
    return shown


@lru_cache(maxsize=8)
def grey_table(tones: Tones, *, full_range: bool) -> NDArray[np.uint8]:
    """For each luma of 8 bits, the grey that it is shown as."""
    luma = np.arange(256)
    signal = luma / 255 if full_range else np.minimum(np.maximum((luma - 16) / 219, 0), 1)
    return _srgb(tones.is_hdr)[_steps(_light(tones.transfer)[np.rint(signal * (_FINE - 1)).astype(np.intp)])]


def _steps(light: _Floats) -> NDArray[np.uint16]:
    inside = np.minimum(np.maximum(light, np.float32(0)), np.float32(_BRIGHTEST))
    return (inside * np.float32((_FINER - 1) / _BRIGHTEST) + np.float32(0.5)).astype(np.uint16)


@lru_cache(maxsize=4)
def _light(transfer: int) -> _Floats:
    """Linear light of each signal, white being 1."""
    signal = np.arange(_FINE) / (_FINE - 1)
    if transfer == _PQ:  # SMPTE ST 2084
        root = signal ** (32 / 2523)
        base = np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)
        light = base ** (16384 / 2610) * 10_000 / _WHITE_NITS
    elif transfer == _HLG:  # ITU-R BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12) / _WHITE_OF_SCENE
    else:
        light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@lru_cache(maxsize=2)
def _srgb(has_shoulder: bool) -> NDArray[np.uint8]:
    """The sRGB value of each step of light."""
    light = np.arange(_FINER) * (_BRIGHTEST / (_FINER - 1))
    rest = 1 - _SHOULDER
    shoulder = 1 - rest * np.exp((_SHOULDER - light) / rest)
    pressed = np.where(light <= _SHOULDER, light, shoulder) if has_shoulder else np.minimum(light, 1)
    signal = np.where(pressed <= 0.0031308, pressed * 12.92, 1.055 * pressed ** (1 / 2.4) - 0.055)
    return np.rint(signal * 255).astype(np.uint8)
