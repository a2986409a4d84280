"""Needles in generated haystacks, after VideoNIAH: what is hidden where, and what is asked about it.

The truth is written in VNBench's own shape, `VNBench-main-4try.json`, so that its loader and its scorer read
it. Types beyond VNBench's nine: `abs_edit1` asks for a text that was never shown, `abs_edit2` for one that
was shown only in words that come close ("the hidden fruit" where only "the lucky fruit" was named).
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mrvideo.errors import InputError
from mrvideo.evals import vnbench
from mrvideo.evals.haystack import Needle, build_haystack
from mrvideo.evals.items import Benchmark
from mrvideo.evals.pictures import COLOURS, SHAPES, Draw, full_screen, sticker, subtitle, title_card

Types: TypeAlias = Literal["text", "image", "all"]

BENCHMARK: Benchmark = replace(vnbench.BENCHMARK, name="needle", title="Needles")

TEXT_SECONDS = 2.0
IMAGE_SECONDS = 1.5
SLOT_SECONDS = 8.0
"""One needle per slot: an insert may slip by 2 s, and two needles never stand close enough to be taken for
one.
"""

_MAX_ROUNDS = 3

# Raised when the same arguments give other haystacks or questions than before.
_VERSION = 3
_KINDS = ("secret", "hidden", "lucky", "chosen", "winning", "golden", "final", "silent")
_VALUES = {
    "name": "Alice Bruno Clara Diego Elena Felix Greta Hugo Irene Jonas Karin Leon Marta Nadia Oscar Paula",
    "fruit": "Mango Cherry Banana Papaya Lemon Peach Grape Melon Kiwi Apricot Plum Quince Fig Coconut",
    "animal": "Tiger Otter Falcon Zebra Rabbit Dolphin Camel Lizard Panther Beaver Hedgehog Walrus Donkey",
    "city": "Lisbon Oslo Cairo Dublin Lima Vienna Nairobi Prague Havana Seoul Zurich Tunis Riga Boston",
    "flower": "Tulip Orchid Daisy Violet Lotus Poppy Iris Jasmine Dahlia Lavender Peony Marigold",
    "instrument": "Violin Trumpet Piano Cello Harp Guitar Flute Banjo Drum Organ Clarinet Oboe",
    "metal": "Copper Silver Nickel Cobalt Iron Titanium Zinc Platinum Bronze Mercury Chrome Lead",
    "drink": "Coffee Lemonade Cocoa Cider Water Espresso Milk Punch Nectar Tonic Kefir Syrup",
    "sport": "Tennis Rowing Boxing Hockey Fencing Cricket Judo Archery Surfing Curling Handball Polo",
    "planet": "Mars Venus Saturn Jupiter Neptune Uranus Pluto Earth Ceres Titan Europa Triton",
}
_REPEATED = (
    "The old gate is open",
    "A red bell rings twice",
    "The night train leaves now",
    "Seven lamps are burning",
    "The captain has arrived",
)


@dataclass(frozen=True)
class _Hidden:
    """Something to show once, and how."""

    draw: Draw
    seconds: float
    how: Literal["edit", "insert"] = "edit"


@dataclass(frozen=True)
class _Asked:
    """A question over some of the hidden things (by index), with the right option first."""

    kind: str
    text: str
    options: tuple[str, ...]
    truth: str | None
    needles: tuple[int, ...]


class _Plan:
    """Fills a haystack's slots with needles and collects the questions. The same seed plans the same."""

    def __init__(self, rng: random.Random, slots: int) -> None:
        self._rng = rng
        self._slots = slots
        self._values = {
            noun: rng.sample(words.split(), len(words.split())) for noun, words in _VALUES.items()
        }
        self._topics = [(kind, noun) for kind in _KINDS for noun in _VALUES]
        rng.shuffle(self._topics)
        self._shown_topics: list[tuple[str, str]] = []
        self._shapes = [(colour, shape) for colour in COLOURS for shape in SHAPES]
        rng.shuffle(self._shapes)
        self._repeated = rng.sample(_REPEATED, len(_REPEATED))
        self.hidden: list[_Hidden] = []
        self.asked: list[_Asked] = []

    @property
    def free(self) -> int:
        """Slots that hold nothing yet."""
        return self._slots - len(self.hidden)

    def _hide(self, draws: Sequence[Draw], seconds: float, how: Literal["edit", "insert"]) -> tuple[int, ...]:
        first = len(self.hidden)
        self.hidden += [_Hidden(draw, seconds, how) for draw in draws]
        return tuple(range(first, len(self.hidden)))

    def _topic(self, needed: int) -> tuple[str, str, list[str]]:
        """A topic not used yet whose noun has enough words left; the words are used up."""
        for topic in self._topics:
            kind, noun = topic
            if len(self._values[noun]) >= needed:
                self._topics.remove(topic)
                return kind, noun, [self._values[noun].pop() for _ in range(needed)]
        raise InputError("more questions than words to hide; use fewer rounds")

    def texts(self, *, how: Literal["edit", "insert"]) -> None:
        """A retrieval and an ordering of texts, as subtitles or as title cards."""
        draw, seconds = (subtitle, TEXT_SECONDS) if how == "edit" else (title_card, IMAGE_SECONDS)
        suffix = "edit1" if how == "edit" else "insert2"
        kind, noun, (right, *others) = self._topic(4)
        self._shown_topics.append((kind, noun))
        needles = self._hide([draw(f"The {kind} {noun} is {right}")], seconds, how)
        self.asked.append(
            _Asked(f"ret_{suffix}", f"What is the {kind} {noun}?", (right, *others), right, needles)
        )
        kind, noun, words = self._topic(4)
        self._shown_topics.append((kind, noun))
        needles = self._hide([draw(f"The {kind} {noun} is {word}") for word in words], seconds, how)
        question = f"In which order are the {kind} {_plural(noun)} named on screen, from first to last?"
        self._order(f"ord_{suffix}", question, words, needles)

    def text_counts(self) -> None:
        """How many different texts; how often the same one."""
        kind, noun, words = self._topic(self._rng.randint(2, 5))
        self._shown_topics.append((kind, noun))
        needles = self._hide(
            [subtitle(f"The {kind} {noun} is {word}") for word in words], TEXT_SECONDS, "edit"
        )
        question = f"How many different {kind} {_plural(noun)} are shown on screen?"
        self._count("cnt_edit1", question, needles)
        if self._repeated and self.free >= 4:
            text = self._repeated.pop()
            needles = self._hide([subtitle(text)] * self._rng.randint(2, 4), TEXT_SECONDS, "edit")
            self._count("cnt_edit1", f'How many times is the text "{text}" shown on screen?', needles)

    def absences(self) -> None:
        """Texts never shown: one with options, one without, and one whose noun was shown under another kind."""
        kind, noun, words = self._topic(4)
        question = f"What is the {kind} {noun}?"
        self.asked.append(_Asked("abs_edit1", question, tuple(words), None, ()))
        kind, noun, _ = self._topic(0)
        self.asked.append(_Asked("abs_edit1", f"What is the {kind} {noun}?", (), None, ()))
        shown_kind, shown_noun = self._rng.choice(self._shown_topics)
        other = self._rng.choice([k for k in _KINDS if k != shown_kind and (k, shown_noun) in self._topics])
        self._topics.remove((other, shown_noun))
        self.asked.append(_Asked("abs_edit2", f"What is the {other} {shown_noun}?", (), None, ()))

    def images(self) -> None:
        """Which whole-screen picture there was, and how often a sticker comes."""
        right, *others = (self._shapes.pop() for _ in range(4))
        names = [f"a {colour} {shape}" for colour, shape in (right, *others)]
        needles = self._hide([full_screen(*right)], IMAGE_SECONDS, "insert")
        question = "Which of these shapes fills the whole screen at some time?"
        self.asked.append(_Asked("ret_insert1", question, tuple(names), names[0], needles))
        colour, shape = self._shapes.pop()
        needles = self._hide([sticker(colour, shape)] * self._rng.randint(2, 4), TEXT_SECONDS, "edit")
        question = f"How many times does a sticker with a {colour} {shape} appear in the upper right corner?"
        self._count("cnt_edit2", question, needles)

    def image_series(self) -> None:
        """Whole-screen pictures in order, and how often one of them comes."""
        shown = [self._shapes.pop() for _ in range(4)]
        needles = self._hide([full_screen(*each) for each in shown], IMAGE_SECONDS, "insert")
        names = [f"{colour} {shape}" for colour, shape in shown]
        question = f"In which order do these shapes fill the whole screen: {', '.join(sorted(names))}?"
        self._order("ord_insert1", question, names, needles)
        colour, shape = self._shapes.pop()
        needles = self._hide([full_screen(colour, shape)] * self._rng.randint(2, 4), IMAGE_SECONDS, "insert")
        question = f"How many times does a {colour} {shape} fill the whole screen?"
        self._count("cnt_insert1", question, needles)

    def _order(self, kind: str, question: str, words: Sequence[str], needles: tuple[int, ...]) -> None:
        """The words as hidden are out of order yet: their true order is known once they have places."""
        self.asked.append(_Asked(kind, question, tuple(words), None, needles))

    def _count(self, kind: str, question: str, needles: tuple[int, ...]) -> None:
        right = len(needles)
        others = self._rng.sample([n for n in range(1, 9) if n != right], 3)
        self.asked.append(_Asked(kind, question, (str(right), *map(str, others)), str(right), needles))


def _planned(rng: random.Random, slots: int, types: Types) -> _Plan:
    plan = _Plan(rng, slots)
    for _ in range(_MAX_ROUNDS):
        if types != "image" and plan.free >= 10:
            plan.texts(how="edit")
            plan.text_counts()
            plan.absences()
        if types != "image" and plan.free >= 5:
            plan.texts(how="insert")
        if types != "text" and plan.free >= 5:
            plan.images()
        if types != "text" and plan.free >= 8:
            plan.image_series()
    if not plan.asked:
        raise InputError("too short a haystack: text needles need 1.5 minutes, image needles 1")
    return plan


def build_needles(
    folder: Path,
    *,
    minutes: float,
    seed: int = 0,
    videos: int = 1,
    types: Types = "all",
    footage: Sequence[Path] = (),
) -> Path:
    """Write the haystacks and their truth into a folder and return it; what is there already is kept.

    The same arguments give the same needles, times and questions. Raises `InputError` for a haystack too
    short to hide anything in, or footage that cannot be read.
    """
    wanted = {
        "minutes": minutes,
        "seed": seed,
        "videos": videos,
        "types": types,
        "footage": [str(path) for path in footage],
        "version": _VERSION,
    }
    mark = folder / "needles.json"
    if mark.exists() and json.loads(mark.read_text(encoding="utf-8")) == wanted:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    rows: list[dict[str, Any]] = []
    for number in range(videos):
        rows += _build_one(folder / f"haystack-{seed}-{number}.mp4", wanted, number, footage)
    _write(folder / "VNBench-main-4try.json", rows)
    # Last, so that a folder with this file is whole.
    _write(mark, wanted)
    return folder


def _build_one(
    path: Path, wanted: dict[str, Any], number: int, footage: Sequence[Path]
) -> list[dict[str, Any]]:
    rng = random.Random(f"{wanted['seed']}/{number}")  # noqa: S311
    duration_seconds = float(wanted["minutes"]) * 60
    slots = int(duration_seconds // SLOT_SECONDS)
    plan = _planned(rng, slots, wanted["types"])
    places = rng.sample(range(slots), len(plan.hidden))
    needles = [
        Needle(slot * SLOT_SECONDS + rng.uniform(1, 3), hidden.seconds, hidden.how, hidden.draw)
        for slot, hidden in zip(places, plan.hidden, strict=True)
    ]
    spans = build_haystack(
        path,
        duration_seconds=duration_seconds,
        seed=rng.randrange(1 << 30),
        needles=needles,
        footage=footage,
    )
    rows: list[dict[str, Any]] = []
    for index, asked in enumerate(plan.asked):
        times = [[round(spans[i].start_seconds, 4), round(spans[i].stop_seconds, 4)] for i in asked.needles]
        common: dict[str, Any] = {
            "video": path.name,
            "question": asked.text,
            "type": asked.kind,
            "needle_time": sorted(start for start, _ in times),
            "needle_spans": sorted(times),
            "length": duration_seconds,
            "group": f"{path.stem}-{index}",
        }
        options, truth = asked.options, asked.truth
        if asked.kind.startswith("ord"):
            in_order = [word for _, word in sorted(zip(times, options, strict=True))]
            options = _permutations(rng, in_order)
            truth = options[0]
        if asked.kind.startswith("abs"):
            rows.append({**common, "options": list(options), "gt": None, "try": 0})
        else:
            rows += _tries(rng, common, options, str(truth))
    return rows


def _plural(noun: str) -> str:
    return "cities" if noun == "city" else f"{noun}s"


def _permutations(rng: random.Random, words: Sequence[str]) -> tuple[str, ...]:
    """The right order first, then three wrong ones."""
    orders = [", ".join(words)]
    while len(orders) < 4:
        order = ", ".join(rng.sample(list(words), len(words)))
        if order not in orders:
            orders.append(order)
    return tuple(orders)


def _tries(
    rng: random.Random, common: dict[str, Any], options: tuple[str, ...], truth: str
) -> list[dict[str, Any]]:
    """The same question four times, with the right option at each of the four places once."""
    order = rng.sample(options, len(options))
    rows: list[dict[str, Any]] = []
    for turn in range(4):
        turned = order[turn:] + order[:turn]
        letter = "ABCD"[turned.index(truth)]
        rows.append({**common, "options": turned, "gt": truth, "gt_option": letter, "try": turn})
    return rows


def _write(path: Path, value: object) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)
