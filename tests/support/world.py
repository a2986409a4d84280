"""A small world whose every fact is known and can be read off its pixels: truth, a real video of it, and the
marks.

    world = make_world(seed=1, minutes=6, characters=8)      truth: scenes, who is in them, what they do, with what
    world.render(path)                                       an H.264 file by PyAV; every frame carries its marks
    read(jpeg) -> Seen                                       the marks of one frame, from its pixels alone
    world.scene_at(12.5), world.appearances(face), world.cues()

The picture, in cells of 8 pixels: a strip on top (place and event), four places for sprites, a strip below (a
sign, and a watermark where there is one). A sprite is a column of rows of six bits, each followed by its inverse, so that a misread is noticed:

    finder · face · look · prop · action · finder        face: who it is; look: kind and clothes, shared by look-alikes

tests/support/perceiver.py is the model that reads it. Load both with `load("world")` of
tests/captioning/conftest.py or likewise by path: tests are no package. Words for codes: PLACES, PROPS,
ACTIONS, SIGNS, `looks(code)`, `kind(code)`.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mrvideo.records import Cue, Span

CELL = 8
COLUMNS, ROWS = 40, 24
WIDTH, HEIGHT = COLUMNS * CELL, ROWS * CELL
SLOTS = 4
_SLOT_COLUMNS, _SPRITE_TOP, _BITS = 10, 6, 6
_FINDER = (1, 0, 1, 1, 0, 0)
_FACE, _LOOK, _PROP, _ACTION = 1, 3, 5, 7
ORDINALS = ("first", "second", "third", "fourth")

KINDS = ("person", "dog", "robot", "parcel")
COLOURS = ("red", "green", "blue", "yellow", "white", "black", "purple", "orange")
GARMENTS = ("coat", "scarf")
PLACES = tuple(
    f"{quality} {thing}"
    for thing in ("harbour", "kitchen", "library", "garden", "station", "workshop", "bridge", "market")
    for quality in ("old", "new", "upper", "lower")
)
PROPS = (
    "nothing", "a lantern", "a book", "a rope", "a violin", "a bucket", "a letter", "a ladder",
    "a cake", "a hammer", "a kite", "a map", "a clock", "a drum", "a basket", "a camera",
)  # fmt: skip
ACTIONS = (
    "stands", "waves", "dances", "reads", "sleeps", "runs", "sings", "digs",
    "paints", "eats", "jumps", "writes", "climbs", "cries", "laughs", "points",
)  # fmt: skip
SIGNS = (
    "", "GATE TWELVE", "NO ENTRY", "FRESH BREAD", "CLOSED TODAY", "MIND THE STEP", "PLATFORM NINE", "GRAND SALE",
    "WET PAINT", "LOST KITTEN", "OPEN UNTIL LATE", "BEWARE OF DOG", "TICKETS HERE", "SILENCE PLEASE", "WAY OUT", "CHAPTER TWO",
)  # fmt: skip
MARKS = ("", "LAKE TV", "OLD FILMS")
"""Watermarks."""
NAMES = (
    "Sarah",
    "Tomas",
    "Ines",
    "Bruno",
    "Keiko",
    "Olga",
    "Pavel",
    "Amara",
    "Dmitri",
    "Yusuf",
    "Greta",
    "Marco",
)


def kind(look: int) -> str:
    """What a look is a look of: `person`, `dog`, …"""
    return KINDS[look // 16]


def looks(look: int) -> str:
    """A look in words; look-alikes share it."""
    return f"{kind(look)} in a {COLOURS[look % 8]} {GARMENTS[look // 8 % 2]}"


@dataclass(frozen=True)
class Character:
    """An individual. `face` is who it is, and what nobody else has; `name` is what the cues call it."""

    face: int
    look: int
    name: str


@dataclass(frozen=True)
class Pose:
    """A character in a scene: where it stands, what it does, with what."""

    character: Character
    slot: int
    prop: int
    action: int


@dataclass(frozen=True)
class WorldScene:
    """One event. `serial` tells it from every other, even at the same place."""

    start_seconds: float
    stop_seconds: float
    place: int
    serial: int
    poses: tuple[Pose, ...]
    sign: int = 0
    mark: int = 0

    @property
    def span(self) -> Span:
        return Span(self.start_seconds, self.stop_seconds)

    @property
    def faces(self) -> frozenset[int]:
        return frozenset(pose.character.face for pose in self.poses)


@dataclass(frozen=True)
class SeenPose:
    """A sprite as its pixels say."""

    slot: int
    face: int
    look: int
    prop: int
    action: int


@dataclass(frozen=True)
class Seen:
    """One frame as its pixels say. `event` is None when the strip cannot be read."""

    place: int | None
    event: int | None
    sign: int
    poses: tuple[SeenPose, ...]
    mark: int = 0

    def at(self, slot: int) -> SeenPose | None:
        return next((pose for pose in self.poses if pose.slot == slot), None)


@dataclass(frozen=True)
class World:
    """The truth. Scenes tile [0, duration)."""

    scenes: tuple[WorldScene, ...]
    characters: tuple[Character, ...]
    frames_per_second: int = 10
    named: tuple[int, ...] = ()
    """Faces that the cues greet by name."""

    @property
    def duration_seconds(self) -> float:
        return self.scenes[-1].stop_seconds

    def scene_at(self, time_seconds: float) -> WorldScene:
        """The event at a time."""
        return next(scene for scene in self.scenes if scene.span.contains(time_seconds))

    def appearances(self, face: int) -> tuple[WorldScene, ...]:
        """The scenes somebody is in, in order."""
        return tuple(scene for scene in self.scenes if face in scene.faces)

    def render(self, path: Path) -> Path:
        """The world as a video file."""
        return render(self, path)

    def marked(self, mark: int, first: int, last: int) -> World:
        """The world with a watermark over these of its scenes."""
        return replace(
            self,
            scenes=tuple(
                replace(scene, mark=mark) if first <= place <= last else scene
                for place, scene in enumerate(self.scenes)
            ),
        )

    def cues(self) -> tuple[Cue, ...]:
        """Greetings by name wherever a named character is alone on screen for two seconds or more."""
        found: list[Cue] = []
        for scene in self.scenes:
            if len(scene.poses) != 1 or scene.poses[0].character.face not in self.named:
                continue
            if scene.span.duration_seconds < 2:
                continue
            start = scene.start_seconds + 0.5
            text = f"Hello, {scene.poses[0].character.name}!"
            found.append(Cue(start_seconds=start, stop_seconds=start + 1.0, text=text))
        return tuple(found)


def make_world(
    *,
    seed: int,
    minutes: float,
    characters: int = 8,
    look_alikes: bool = True,
    whole_seconds: bool = False,
    named: int = 0,
) -> World:
    """A world by chance: cuts off any grid, look-alikes (pairs with one look), people who leave and come back
    late.

    The first character is there at the beginning and the end alone. With `named`, the first few are greeted
    by name.
    """
    chance = random.Random(seed)
    faces = chance.sample(range(1, 63), characters)
    # Kinds differ, but most are people; every second one shares its look with the one before.
    wardrobe = chance.sample(range(16), min(16, characters)) + chance.sample(range(16, 64), characters)
    crew: list[Character] = []
    for number, face in enumerate(faces):
        look = wardrobe[number]
        if look_alikes and number % 2:
            look = crew[-1].look
        crew.append(Character(face, look, NAMES[number % len(NAMES)]))
    total = round(minutes * 600)
    scenes: list[WorldScene] = []
    at = 0
    while at < total:
        length = chance.choice(range(2, 15)) * 10 if whole_seconds else chance.randint(15, 140)
        if total - at - length < 15:
            length = total - at
        share = at / total
        awake = crew if share < 0.1 or share > 0.85 else crew[1:]
        # Those who come and go: a third of them are away at any time.
        awake = [one for n, one in enumerate(awake) if n == 0 or (n + int(share * 6)) % 3] or awake
        cast = chance.sample(awake, min(len(awake), chance.choice((1, 1, 1, 2, 2, 3, 4))))
        slots = chance.sample(range(SLOTS), len(cast))
        poses = tuple(
            Pose(one, slot, chance.randrange(len(PROPS)), chance.randrange(len(ACTIONS)))
            for one, slot in zip(cast, slots, strict=True)
        )
        place = chance.choice([p for p in range(len(PLACES)) if not scenes or p != scenes[-1].place])
        sign = chance.choice((0, 0, chance.randrange(1, len(SIGNS))))
        scenes.append(WorldScene(at / 10, (at + length) / 10, place, len(scenes) % 256, poses, sign))
        at += length
    return World(tuple(scenes), tuple(crew), named=tuple(faces[:named]))


# --- marks to pixels and back
# ----------------------------------------------------------------------------------


def _bits(value: int, count: int) -> tuple[int, ...]:
    return tuple(value >> place & 1 for place in reversed(range(count)))


def _both(value: int, count: int) -> tuple[int, ...]:
    bits = _bits(value, count)
    return (*bits, *(1 - bit for bit in bits))


def _strip(*values: int) -> tuple[int, ...]:
    return (1, 0, 1, *(bit for value in values for bit in _both(value, 8)), 1)


def picture(scene: WorldScene, time_seconds: float) -> np.ndarray:
    """One frame as RGB. Only a band at the side moves."""
    still, hue = _still(scene)
    rgb = still.copy()
    # A bar wanders, so that nothing stands still.
    row = 18 * CELL + int(time_seconds * 30) % (3 * CELL)
    rgb[row : row + CELL, :] = 255 - hue
    return rgb


@lru_cache(maxsize=4)
def _still(scene: WorldScene) -> tuple[np.ndarray, np.ndarray]:
    """A scene's frame but for what moves, and its colour."""
    cells = np.full((ROWS, COLUMNS), 128, np.uint8)
    top = _strip(scene.place, scene.serial)
    cells[1, 1 : 1 + len(top)] = np.array(top) * 255
    below = _strip(scene.sign, *([scene.mark] if scene.mark else []))
    cells[ROWS - 2, 1 : 1 + len(below)] = np.array(below) * 255
    for pose in scene.poses:
        who = pose.character
        rows = [_FINDER]
        for value in (who.face, who.look, pose.prop, pose.action):
            bits = _bits(value, _BITS)
            rows += [bits, tuple(1 - bit for bit in bits)]
        rows.append(tuple(1 - bit for bit in _FINDER))
        left = pose.slot * _SLOT_COLUMNS + 2
        cells[_SPRITE_TOP : _SPRITE_TOP + len(rows), left : left + _BITS] = np.array(rows) * 255
    grey = cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
    rgb = np.stack([grey] * 3, axis=-1)
    # A place has its colour, so that a cut looks like one.
    hue = np.array([60 + scene.place * 37 % 160, 60 + scene.place * 91 % 160, 60 + scene.serial * 53 % 160])
    rgb[grey == 128] = hue
    return rgb.astype(np.uint8), hue.astype(np.uint8)


@lru_cache(maxsize=4096)
def read(jpeg: bytes) -> Seen:
    """The marks of one frame, from its pixels. Works at any size of the frame."""
    image = Image.open(io.BytesIO(jpeg)).convert("L").resize((WIDTH, HEIGHT))
    pixels = np.asarray(image, dtype=np.float32).reshape(ROWS, CELL, COLUMNS, CELL)
    cells = pixels[:, 2:-2, :, 2:-2].mean(axis=(1, 3))

    def value(bits: np.ndarray, inverse: np.ndarray) -> int | None:
        on, off = bits > 128, inverse > 128
        if (on == off).any():
            return None
        return int("".join("1" if bit else "0" for bit in on), 2)

    place = value(cells[1, 4:12], cells[1, 12:20])
    event = value(cells[1, 20:28], cells[1, 28:36])
    sign = value(cells[ROWS - 2, 4:12], cells[ROWS - 2, 12:20])
    poses: list[SeenPose] = []
    for slot in range(SLOTS):
        left = slot * _SLOT_COLUMNS + 2
        block = cells[_SPRITE_TOP : _SPRITE_TOP + 10, left : left + _BITS]
        finder = np.array(_FINDER) > 0
        spread = block.max() - block.min()
        if spread < 150 or ((block[0] > 128) != finder).any() or ((block[9] > 128) == finder).any():
            continue
        codes = [value(block[row], block[row + 1]) for row in (_FACE, _LOOK, _PROP, _ACTION)]
        face, look, prop, action = codes
        if face is not None and look is not None and prop is not None and action is not None:
            poses.append(SeenPose(slot, face, look, prop, action))
    mark = value(cells[ROWS - 2, 20:28], cells[ROWS - 2, 28:36])
    return Seen(place, event, sign or 0, tuple(poses), mark or 0)


def read_cell(image: Image.Image) -> SeenPose | None:
    """The sprite that a cell of a sheet shows, cut out by `sprite_box`; None when its marks cannot be read."""
    pixels = np.asarray(image.convert("L"), dtype=np.float32).reshape(12, 16, 8, 16)
    block = pixels[:, 4:-4, :, 4:-4].mean(axis=(1, 3))[1:11, 1:7]
    finder = np.array(_FINDER) > 0
    if block.max() - block.min() < 150 or ((block[0] > 128) != finder).any():
        return None
    codes: list[int] = []
    for row in (_FACE, _LOOK, _PROP, _ACTION):
        on, off = block[row] > 128, block[row + 1] > 128
        if (on == off).any():
            return None
        codes.append(int("".join("1" if bit else "0" for bit in on), 2))
    face, look, prop, action = codes
    return SeenPose(-1, face, look, prop, action)


def sprite_box(slot: int) -> dict[str, float]:
    """Where a place for a sprite is, as a reply says it: widened by 8 % it is 8 × 12 whole cells."""
    wide, tall = 8 / 1.16, 12 / 1.16
    left, top = slot * _SLOT_COLUMNS + 5 - wide / 2, 11 - tall / 2
    return {
        "left": left / COLUMNS,
        "top": top / ROWS,
        "right": (left + wide) / COLUMNS,
        "bottom": (top + tall) / ROWS,
    }


def slot_of(box: Any) -> int:
    """Which place for a sprite a box is."""
    return int((box.left + box.right) / 2 * COLUMNS // _SLOT_COLUMNS)


def render(world: World, path: Path) -> Path:
    """Writes the video; times of frames are exact multiples of 1 / frames_per_second."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=world.frames_per_second)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "20", "preset": "ultrafast", "g": "50"}
        count = round(world.duration_seconds * world.frames_per_second)
        scene = 0
        for number in range(count):
            time = number / world.frames_per_second
            while time >= world.scenes[scene].stop_seconds - 1e-9:
                scene += 1
            frame = av.VideoFrame.from_ndarray(picture(world.scenes[scene], time), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
