"""A model that sees only what it was sent: JPEG pixels with their labels, and the rendered prompt's text.

    eyes = Perceiver()                                     perfect
    eyes = Perceiver(Faults(misses_character=0.2, seed=3)) or faulty, the same fault for the same picture each
    time
    ScriptedModel(eyes)                                    in this process: the prompt is rendered first, then read
    ChatServer(answer=eyes.over_http)                      over HTTP: the prompt is known by its system text
    eyes.handlers["verify"] = function                     stage B: function(eyes, Task) -> plain data of the reply

A handler gets a `Task` (prompt, text, pictures) and may use `task.block("cues")`, `task.frames()`,
`read(jpeg)`, `sentence(...)` and `parse_sentences(caption)`, which are each other's inverse. It must not look
at the world's truth.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from PIL import Image

from mrvideo.models.base import Request
from mrvideo.prompts.loader import load_prompt
from support import world

read = world.read

STAGE_A = (
    "characters",
    "caption_clip",
    "split_clip",
    "merge_border",
    "caption_scene",
    "possible_cast",
    "link_cast",
    "confirm_name",
)


@dataclass(frozen=True)
class Faults:
    """Rates in [0, 1] at which perception fails, drawn for each call, each scene in it, and each face there.

    The frames of one scene resemble each other, so a call that errs in one of them errs in all of them: many
    frames of a scene are no better than one. Another call errs anew, unless it is sent the very same, and so
    does another scene of the same call. Nobody is harder to see or to tell apart than others, and no scene is
    harder than others.

    misses_character: somebody visible is not noticed. confuses_look_alikes: a face is taken for that of its
    look-alike (`look_alikes` maps faces to faces), in exemplars too, each for itself. vague_caption: an
    action and a prop are not made out. wrong_split: a border is put one frame late.
    """

    misses_character: float = 0.0
    confuses_look_alikes: float = 0.0
    wrong_split: float = 0.0
    vague_caption: float = 0.0
    seed: int = 0


class FramePicture(NamedTuple):
    """A frame with its time, as the label says, and what stands in its pixels."""

    time_seconds: float
    seen: Any


class Fact(NamedTuple):
    """One statement of a caption: who (a mark without brackets, or looks in words) does what with what."""

    who: str
    action: str
    prop: str


@dataclass(frozen=True)
class Task:
    """A request as a model gets it."""

    prompt: str
    text: str
    pictures: tuple[tuple[str, bytes], ...]

    def block(self, name: str) -> list[str]:
        """The lines between `<name>` and `</name>`; none when the block is missing."""
        found = re.search(rf"<{name}>\n(.*?)\n?</{name}>", self.text, re.DOTALL)
        return [line for line in found.group(1).split("\n") if line.strip()] if found else []

    def span(self) -> tuple[float, float]:
        """The span named as `from A to B s`."""
        found = re.search(r"from (\d+\.\d+) to (\d+\.\d+) s", self.text)
        assert found, self.text
        return float(found.group(1)), float(found.group(2))

    def frames(self, prefix: str = r"(?:moment \d+: )?") -> list[FramePicture]:
        """Pictures labelled with a time (after `prefix`), in order."""
        found = [(re.fullmatch(rf"{prefix}(\d+\.\d+) s", label), jpeg) for label, jpeg in self.pictures]
        return [FramePicture(float(match.group(1)), read(jpeg)) for match, jpeg in found if match]

    def labelled(self, label: str) -> Any:
        """What the picture of this label shows; None without one."""
        return next((read(jpeg) for own, jpeg in self.pictures if own == label), None)

    def cells(self, name: str) -> list[Any]:
        """The sprites in the cells of this name on the sheets, in order; those that cannot be read are left
        out.
        """
        found: list[Any] = []
        for label, jpeg in self.pictures:
            if not label.startswith("sheet, "):
                continue
            for row, names in enumerate(part.split(": ", 1)[1].split(", ") for part in label.split("; ")):
                for column, own in enumerate(names):
                    if own in (name, f"{name} again"):
                        found.append(_cell(jpeg, column, row))
        return [pose for pose in found if pose is not None]

    @functools.cached_property
    def key(self) -> str:
        """Stands for what is looked at: for what the pictures show, not for their bytes, which another
        machine makes otherwise.
        """
        shown = [
            self.prompt,
            *(
                f"{label} {[(n, self.cells(n)) for n in _cell_names(label)] or read(jpeg)}"
                for label, jpeg in self.pictures
            ),
        ]
        return hashlib.sha256("\n".join(shown).encode()).hexdigest()


@functools.lru_cache(maxsize=4096)
def _cell(jpeg: bytes, column: int, row: int) -> Any:
    # All sprites have one shape, so that cells are equally wide.
    left, top = column * 128, row * 212 + 20
    return world.read_cell(Image.open(io.BytesIO(jpeg)).crop((left, top, left + 128, top + 192)))


def _cell_names(label: str) -> list[str]:
    if not label.startswith("sheet, "):
        return []
    names = (name for part in label.split("; ") for name in part.split(": ", 1)[1].split(", "))
    return list(dict.fromkeys(name.removesuffix(" again") for name in names))


Handler = Callable[["Perceiver", Task], dict[str, Any]]


class Perceiver:
    """See the module. `tasks` keeps what was asked."""

    def __init__(self, faults: Faults | None = None, *, look_alikes: dict[int, int] | None = None) -> None:
        self.faults = faults or Faults()
        self.look_alikes = look_alikes or {}
        self.tasks: list[Task] = []
        self.handlers: dict[str, Handler] = {
            "characters": _characters,
            "caption_clip": _caption_clip,
            "split_clip": _split_clip,
            "merge_border": _merge_border,
            "caption_scene": _caption_scene,
            "possible_cast": _possible_cast,
            "link_cast": _link_cast,
            "confirm_name": _confirm_name,
        }
        self._systems: dict[str, str] = {}

    def __call__(self, request: Request[Any]) -> dict[str, Any]:
        """Answers a request of this process by its rendered text alone."""
        text = request.prompt.render(request.inputs, request.names).user
        return self.answer(
            Task(request.prompt.name, text, tuple((p.label, p.jpeg) for p in request.pictures))
        )

    def over_http(self, asked: Any) -> dict[str, Any]:
        """Answers a chat server's `Asked`."""
        if not self._systems:
            self._systems = {name: load_prompt(name).static for name in self.handlers}
        name = next(name for name, static in self._systems.items() if asked.system.startswith(static))
        return self.answer(Task(name, asked.text, tuple(asked.pictures)))

    def answer(self, task: Task) -> dict[str, Any]:
        """The reply as plain data."""
        self.tasks.append(task)
        return self.handlers[task.prompt](self, task)

    def fails(self, rate: float, what: str, *about: object) -> bool:
        """Whether a fault strikes: always the same for the same arguments."""
        if rate <= 0:
            return False
        text = "|".join(map(str, (self.faults.seed, what, *about)))
        return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < rate

    def face(self, pose: Any, seen: Any, key: str) -> int:
        """Whose face it is taken for in this frame's scene."""
        other = self.look_alikes.get(pose.face)
        rate = self.faults.confuses_look_alikes
        if other is not None and self.fails(rate, "confuse", key, seen.event, pose.face):
            return other
        return pose.face

    def poses(self, seen: Any, key: str) -> list[Any]:
        """The sprites noticed in a frame."""
        rate = self.faults.misses_character
        return [pose for pose in seen.poses if not self.fails(rate, "miss", key, seen.event, pose.face)]

    def shown_face(self, task: Task, name: str, description: str = "") -> int | None:
        """Whose face the cells of this name (or whole frames labelled with it) show: what most of them do,
        the first of them where they are as many.
        """
        faces = [
            self.cell_face(pose, f"{task.key} {name} {place}") for place, pose in enumerate(task.cells(name))
        ]
        shown = [(own, read(jpeg)) for own, jpeg in task.pictures if own in (name, f"{name} again")]
        for place, (own, seen) in enumerate(shown):
            # Where somebody stands was said of the first frame; in others looks must do.
            pose = pointed_at(description, seen) if own == name else resembling(description, seen)
            if pose is not None:
                faces.append(self.face(pose, seen, f"{task.key} {name} {place}"))
        return max(faces, key=lambda face: (faces.count(face), -faces.index(face)), default=None)

    def cell_face(self, pose: Any, key: str) -> int:
        """Whose face it is taken for in this cell."""
        other = self.look_alikes.get(pose.face)
        if other is not None and self.fails(self.faults.confuses_look_alikes, "confuse", key, pose.face):
            return other
        return pose.face

    def vague(self, pose: Any, seen: Any, key: str) -> bool:
        """Whether what it does is not made out."""
        return self.fails(self.faults.vague_caption, "vague", key, seen.event, pose.face)


# --- words
# -------------------------------------------------------------------------------------------------------


def sentence(who: str, action: int, prop: int) -> str:
    """`<person_a> waves with a lantern.`"""
    return f"{who} {world.ACTIONS[action]} with {world.PROPS[prop]}."


def place_sentence(place: int) -> str:
    """`At the old harbour.`"""
    return f"At the {world.PLACES[place]}."


_SENTENCE = re.compile(
    rf"(?P<who><\w+>|A \w+ in a \w+ \w+|Someone) (?P<action>{'|'.join(world.ACTIONS)}) "
    rf"with (?P<prop>{'|'.join(sorted(world.PROPS, key=len, reverse=True))})\."
)


def parse_sentences(caption: str) -> list[Fact]:
    """The statements of a caption, in order."""
    return [
        Fact(match["who"].strip("<>"), match["action"], match["prop"])
        for match in _SENTENCE.finditer(caption)
    ]


def parse_place(caption: str) -> str | None:
    """The place a caption names first."""
    found = re.search(rf"At the ({'|'.join(world.PLACES)})\.", caption)
    return found.group(1) if found else None


def described(pose: Any) -> str:
    """What a card says of a sprite: its looks, and where it stands in the frame; not its face."""
    return f"{world.looks(pose.look)}, {world.ORDINALS[pose.slot]} from the left"


def pointed_at(description: str, seen: Any) -> Any:
    """The sprite a card means in its frame; the only one when the card does not say."""
    if seen is None:
        return None
    for slot, word in enumerate(world.ORDINALS):
        if f"{word} from the left" in description:
            return seen.at(slot)
    return seen.poses[0] if len(seen.poses) == 1 else None


def resembling(description: str, seen: Any) -> Any:
    """The only sprite with the looks of a card; None where there is none, or several."""
    alike = [pose for pose in seen.poses if description.startswith(world.looks(pose.look))]
    return alike[0] if len(alike) == 1 else None


# --- stage A
# -----------------------------------------------------------------------------------------------------


def _entry(pose: Any, times: Sequence[float], best_seconds: float, name: str) -> dict[str, Any]:
    return {
        "exemplar_seconds": best_seconds,
        "box": world.sprite_box(pose.slot),
        "seen_seconds": list(times),
        "description": described(pose),
        "activity": f"{world.ACTIONS[pose.action]} with {world.PROPS[pose.prop]}",
        "kind": world.kind(pose.look),
        "name": name,
    }


def _characters(eyes: Perceiver, task: Task) -> dict[str, Any]:
    best: dict[int, tuple[int, float, Any]] = {}
    times: dict[int, list[float]] = {}
    for frame in task.frames():
        for pose in eyes.poses(frame.seen, task.key):
            face = eyes.face(pose, frame.seen, task.key)
            times.setdefault(face, []).append(frame.time_seconds)
            found = (len(frame.seen.poses), frame.time_seconds, pose)
            if face not in best or found[:2] < best[face][:2]:
                best[face] = found
    letters: dict[str, int] = {}
    characters: list[dict[str, Any]] = []
    ordered = sorted(best, key=lambda face: best[face][1])[:12]
    for face in ordered:
        _, time, pose = best[face]
        kind = world.kind(pose.look)
        letter = chr(ord("a") + letters.setdefault(kind, 0))
        letters[kind] += 1
        characters.append(_entry(pose, times[face], time, f"{kind}_{letter}"))
    names = {face: character["name"] for face, character in zip(ordered, characters, strict=True)}
    listed = re.search(r"^Shared frames: (.*) s\.$", task.text, re.MULTILINE)
    times_shared = {float(time) for time in listed[1].split(", ")} if listed else set[float]()
    shared = [
        {"seconds": frame.time_seconds, "box": world.sprite_box(pose.slot), "name": names[face]}
        for frame in task.frames()
        if frame.time_seconds in times_shared
        for pose in eyes.poses(frame.seen, task.key)
        if (face := eyes.face(pose, frame.seen, task.key)) in names
    ]
    return {"watermarks": _watermarks(task), "characters": characters, "shared": shared}


def _watermarks(task: Task) -> list[str]:
    """Each watermark with the labels of the first and the last frame that show it."""
    times: dict[int, list[float]] = {}
    for frame in task.frames():
        if frame.seen.mark:
            times.setdefault(frame.seen.mark, []).append(frame.time_seconds)
    return [f"{world.MARKS[mark]} ({own[0]:.2f}–{own[-1]:.2f})" for mark, own in times.items()]


def _known(eyes: Perceiver, task: Task) -> dict[int, str]:
    """Face → local name, from the sheet."""
    known: dict[int, str] = {}
    for name in re.findall(r"<(\w+)>: ", "\n".join(task.block("characters"))):
        face = eyes.shown_face(task, f"<{name}>")
        if face is not None:
            known[face] = name
    return known


def _newcomers(eyes: Perceiver, task: Task, known: dict[int, str]) -> list[dict[str, Any]]:
    """Those whose looks nobody listed has; `known` then has them, too."""
    listed = task.block("characters")
    best: dict[int, tuple[int, float, Any]] = {}
    times: dict[int, list[float]] = {}
    for frame in task.frames():
        for pose in eyes.poses(frame.seen, task.key):
            face = eyes.face(pose, frame.seen, task.key)
            if face in known or any(world.looks(pose.look) in line for line in listed):
                continue
            times.setdefault(face, []).append(frame.time_seconds)
            found = (len(frame.seen.poses), frame.time_seconds, pose)
            if face not in best or found[:2] < best[face][:2]:
                best[face] = found
    taken = set(re.findall(r"[a-z]+_[a-z]+", task.text))
    new: list[dict[str, Any]] = []
    for face, (_, time, pose) in list(best.items())[:4]:
        kind = world.kind(pose.look)
        name = next(n for a in "abcdefghijklmnopqrstuvwxyz" if (n := f"{kind}_{a}") not in taken)
        taken.add(name)
        known[face] = name
        new.append(_entry(pose, times[face], time, name))
    return new


def _events(eyes: Perceiver, task: Task) -> list[list[FramePicture]]:
    """The frames, parted where place or event changes."""
    groups: list[list[FramePicture]] = []
    for frame in task.frames():
        if groups and _event(groups[-1][-1].seen) == _event(frame.seen):
            groups[-1].append(frame)
        else:
            groups.append([frame])
    for left, right in itertools.pairwise(groups):
        if len(right) > 1 and eyes.fails(eyes.faults.wrong_split, "split", task.key, right[0].time_seconds):
            left.append(right.pop(0))
    return groups


def _event(seen: Any) -> tuple[int | None, int | None]:
    return (seen.place, seen.event)


def _scene(
    eyes: Perceiver, task: Task, group: Sequence[FramePicture], known: dict[int, str], stop_seconds: float
) -> dict[str, Any]:
    statements: list[str] = []
    best: dict[str, tuple[int, float, Any]] = {}
    texts: list[dict[str, Any]] = []
    last: Any = None
    for frame in group:
        seen = frame.seen
        for pose in eyes.poses(seen, task.key):
            name = known.get(eyes.face(pose, seen, task.key))
            if name and (name not in best or len(seen.poses) < best[name][0]):
                best[name] = (len(seen.poses), frame.time_seconds, pose)
        if last is None or _event(last) != _event(seen):
            if seen.place is not None:
                statements.append(place_sentence(seen.place))
            for pose in eyes.poses(seen, task.key):
                name = known.get(eyes.face(pose, seen, task.key))
                who = f"<{name}>" if name else f"A {world.looks(pose.look)}"
                if eyes.vague(pose, seen, task.key):
                    statements.append(f"{who} does something.")
                else:
                    statements.append(sentence(who, pose.action, pose.prop))
        last = seen
        sign = world.SIGNS[seen.sign]
        if sign and texts and texts[-1]["text"] == sign:
            texts[-1]["stop_seconds"] = frame.time_seconds
        elif sign:
            texts.append(
                {"text": sign, "start_seconds": frame.time_seconds, "stop_seconds": frame.time_seconds}
            )
    if texts and group[-1].seen.sign:
        texts[-1]["stop_seconds"] = stop_seconds
    return {
        "start_seconds": group[0].time_seconds,
        "stop_seconds": stop_seconds,
        "brief": " ".join(statements[:2]) or "Nobody is there.",
        "detailed": " ".join(statements) or "Nobody is there.",
        "appearing": [
            {"best_seconds": time, "box": world.sprite_box(pose.slot), "name": name}
            for name, (_, time, pose) in best.items()
        ],
        "screen_text": texts,
    }


def _caption_clip(eyes: Perceiver, task: Task) -> dict[str, Any]:
    known = _known(eyes, task)
    groups = _events(eyes, task)
    stops = [group[0].time_seconds for group in groups[1:]] + [task.span()[1]]
    before = task.labelled("before")
    newcomers = _newcomers(eyes, task, known)
    return {
        "newcomers": newcomers,
        "continues_previous": before is not None and _event(before) == _event(groups[0][0].seen),
        "scenes": [_scene(eyes, task, group, known, stop) for group, stop in zip(groups, stops, strict=True)],
        "names": _greeted(eyes, task, known),
    }


def _greeted(eyes: Perceiver, task: Task, known: dict[int, str]) -> list[str]:
    """Whoever is alone in the picture when somebody is greeted by name."""
    found: list[str] = []
    for line in task.block("cues"):
        told = re.match(r"\((\d+\.\d+), (\d+\.\d+)\).*: Hello, (\w+)!", line)
        for frame in task.frames() if told else ():
            poses = eyes.poses(frame.seen, task.key)
            if told and float(told[1]) <= frame.time_seconds <= float(told[2]) and len(poses) == 1:
                name = known.get(eyes.face(poses[0], frame.seen, task.key))
                found += [f"{name}: {told[3]} ({frame.time_seconds:.2f})"] if name else []
                break
    return found


def _split_clip(eyes: Perceiver, task: Task) -> dict[str, Any]:
    groups = _events(eyes, task)
    stops = [group[0].time_seconds for group in groups[1:]] + [task.span()[1]]
    return {
        "scenes": [
            {
                "start_seconds": group[0].time_seconds,
                "stop_seconds": stop,
                "brief": place_sentence(group[0].seen.place),
            }
            for group, stop in zip(groups, stops, strict=True)
        ]
    }


def _merge_border(eyes: Perceiver, task: Task) -> dict[str, Any]:
    before, after = task.frames("before "), task.frames("after ")
    return {"same_scene": _event(before[-1].seen) == _event(after[0].seen)}


def _caption_scene(eyes: Perceiver, task: Task) -> dict[str, Any]:
    start, stop = task.span()
    scene = _scene(eyes, task, task.frames(), _known(eyes, task), stop)
    return {**scene, "start_seconds": start}


def _possible_cast(eyes: Perceiver, task: Task) -> dict[str, Any]:
    """Cards of one look may be one."""
    groups: dict[str, list[str]] = {}
    for line in task.block("stretches"):
        found = re.match(r"(c\d+), [^:]*: ([^,]*)", line)
        if found:
            groups.setdefault(found[2], []).append(found[1])
    return {"groups": [{"traits": looks, "card_ids": ids} for looks, ids in groups.items()]}


def _link_cast(eyes: Perceiver, task: Task) -> dict[str, Any]:
    sides: list[dict[str, int]] = []
    for side in ("left", "right"):
        cards: dict[str, int] = {}
        for line in task.block(side):
            found = re.match(r"([LR]\d+), [^:]*: ", line)
            assert found, line
            face = eyes.shown_face(task, found[1])
            if face is not None:
                cards[found[1]] = face
        sides.append(cards)
    pairs: list[dict[str, Any]] = []
    taken: set[str] = set()
    for left, face in sides[0].items():
        for right, other in sides[1].items():
            if face == other and right not in taken:
                taken.add(right)
                pairs.append({"left_id": left, "right_id": right, "better": "left"})
                break
    return {"pairs": pairs}


def _confirm_name(eyes: Perceiver, task: Task) -> dict[str, Any]:
    (name,) = task.block("name")
    quotes = [line.split(": ", 1)[1] for line in task.block("cues") if f"Hello, {name}" in line]
    shown = [read(jpeg) for _, jpeg in task.pictures]
    return {
        "confirmed": bool(quotes) and any(seen.poses for seen in shown),
        "cue_quote": quotes[0] if quotes else "",
    }
