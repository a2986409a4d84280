"""Stage B of the synthetic world: questions whose answers are known, and a mind that reads only what it was
sent.

    questions = make_questions(world, seed=1, count=200)     of every kind, about characters whose names the cues tell
    teach(eyes)                                              gives a `Perceiver` the handlers of stage B
    is_right(question, answer)                               against the world's truth

The mind gets the rendered prompt and the JPEGs, as a served model does, and reasons by rule: what it answers
wrongly it was not told, or saw wrongly. It must not look at the world's truth.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mrvideo.agents.ask.run import ask
from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.media.looks import FrameSource
from mrvideo.models.base import Model, Request
from mrvideo.models.prices import image_tokens, picture_size, schema_tokens, text_tokens
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Answer, Cue, Effort, Frame, Index, Span, clock
from support import perceiver, world

BROAD = ("count", "visits", "order", "summary")
KINDS = ("with", "where", "what", "when", "count", "visits", "order", "why", "summary", "sign", "absent")

REASONS = (
    "the ferry is late", "it rains again", "the bell rang twice", "nobody came", "the cake is gone",
    "the lamp went out", "a storm is near", "the train left early", "the door is locked", "her kitten is back",
)  # fmt: skip

_ACTION = "|".join(world.ACTIONS)
_PLACE = "|".join(world.PLACES)
_FORMS = {
    "with": rf"At the (?P<place>{_PLACE}) (?P<name>\w+) (?P<action>{_ACTION}): with what\?",
    "where": rf"(?P<name>\w+) (?P<action>{_ACTION}): where\?",
    "what": rf"What does (?P<name>\w+) do at the (?P<place>{_PLACE})\?",
    "when": rf"When is it that (?P<name>\w+) (?P<action>{_ACTION}) at the (?P<place>{_PLACE})\?",
    "count": rf"How many times is it seen that (?P<name>\w+) (?P<action>{_ACTION})\?",
    "visits": rf"How many times is (?P<name>\w+) at the (?P<place>{_PLACE})\?",
    "order": r"In what order is (?P<name>\w+) at these places: (?P<places>.*)\?",
    "why": rf"Why is it that (?P<name>\w+) (?P<action>{_ACTION})\?",
    "summary": r"Summarise what (?P<name>\w+) does\.",
    "sign": rf"What does the sign say while (?P<name>\w+) (?P<action>{_ACTION}) at the (?P<place>{_PLACE})\?",
}


@dataclass(frozen=True)
class Question:
    """A question, what is true, and the spans that show it."""

    kind: str
    text: str
    truth: str | None
    spans: tuple[Span, ...]
    options: tuple[str, ...] = ()


# --- truth
# --------------------------------------------------------------------------------------------------------


def cause_cues(made: Any, seed: int) -> tuple[Cue, ...]:
    """For some deeds that nobody repeats: a line that says why, spoken while they last."""
    chance = random.Random(seed)
    cues: list[Cue] = []
    for name, scenes in _deeds(made).items():
        for scene, pose in scenes:
            same = [p for _, p in scenes if p.action == pose.action]
            if len(same) == 1 and scene.span.duration_seconds > 4:
                text = f"{name} {world.ACTIONS[pose.action]} because {chance.choice(REASONS)}."
                cues.append(
                    Cue(
                        start_seconds=scene.start_seconds + 2,
                        stop_seconds=scene.start_seconds + 3.5,
                        text=text,
                    )
                )
                break
    return tuple(cues)


def make_questions(made: Any, *, seed: int, count: int, cues: Sequence[Cue] = ()) -> list[Question]:
    """`count` questions, all kinds in turn as far as the world holds them."""
    chance = random.Random(seed)
    pools: dict[str, list[Question]] = {kind: [] for kind in KINDS}
    for name, deeds in _deeds(made).items():
        for question in _about(name, deeds, cues, chance):
            pools[question.kind].append(question)
    for pool in pools.values():
        chance.shuffle(pool)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*pools.values()))
    return [question for question in turns if question][:count]


def is_right(question: Question, answer: Answer) -> bool:
    """Whether the answer is the truth; a time may be a second off, since half a second lies between two
    frames.
    """
    if question.truth is None or answer.answer is None:
        return answer.answer is question.truth
    if question.kind == "when":
        return abs(_seconds(answer.answer) - _seconds(question.truth)) <= 1.0
    return answer.answer == question.truth


def evidence_is_right(question: Question, answer: Answer) -> bool:
    """Whether all that is cited lies within a second of what shows the truth."""
    near = [span.padded(1.0) for span in question.spans]
    return bool(answer.evidence) and all(
        any(n.start_seconds <= e.start_seconds and e.stop_seconds <= n.stop_seconds for n in near)
        for e in answer.evidence
    )


def _seconds(told: str) -> float:
    seconds = 0.0
    for part in told.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _deeds(made: Any) -> dict[str, list[tuple[Any, Any]]]:
    """Per character that the cues greet twice, which names it: its scenes, and what it does there."""
    greeted = [cue.text.removeprefix("Hello, ").removesuffix("!") for cue in made.cues()]
    return {
        one.name: [
            (scene, pose) for scene in made.scenes for pose in scene.poses if pose.character.face == one.face
        ]
        for one in made.characters
        if greeted.count(one.name) >= 2
    }


def _about(
    name: str, deeds: list[tuple[Any, Any]], cues: Sequence[Cue], chance: random.Random
) -> Iterable[Question]:
    every = tuple(scene.span for scene, _ in deeds)
    for scene, pose in deeds:
        action, place = world.ACTIONS[pose.action], world.PLACES[scene.place]
        same_action = [(s, p) for s, p in deeds if p.action == pose.action]
        same_place = [(s, p) for s, p in deeds if s.place == scene.place]
        spans = (scene.span,)
        if [p for s, p in same_action if s.place == scene.place] == [pose]:
            others = chance.sample([p for n, p in enumerate(world.PROPS) if n != pose.prop], 3)
            options = chance.sample([world.PROPS[pose.prop], *others], 4)
            truth = world.PROPS[pose.prop]
            yield Question(
                "with", f"At the {place} {name} {action}: with what?", truth, spans, tuple(options)
            )
            yield Question(
                "when", f"When is it that {name} {action} at the {place}?", clock(scene.start_seconds), spans
            )
            if scene.sign:
                said = world.SIGNS[scene.sign]
                yield Question(
                    "sign", f"What does the sign say while {name} {action} at the {place}?", said, spans
                )
        if len(same_action) == 1:
            yield Question("where", f"{name} {action}: where?", place, spans)
        if len(same_place) == 1:
            yield Question("what", f"What does {name} do at the {place}?", action, spans)
        if scene is same_action[0][0]:
            spans = tuple(s.span for s, _ in same_action)
            text = f"How many times is it seen that {name} {action}?"
            yield Question("count", text, str(len(same_action)), spans)
        if scene is same_place[0][0]:
            spans = tuple(s.span for s, _ in same_place)
            yield Question("visits", f"How many times is {name} at the {place}?", str(len(same_place)), spans)
    for cue in cues:
        found = re.fullmatch(rf"{name} ({_ACTION}) because (.*)\.", cue.text)
        if found:
            yield Question("why", f"Why is it that {name} {found[1]}?", found[2], (cue.span,))
    once = [s for s, _ in deeds if sum(t.place == s.place for t, _ in deeds) == 1]
    for _ in range(2):
        if len(once) >= 3:
            three = chance.sample(once, 3)
            asked = ", ".join(f"the {world.PLACES[s.place]}" for s in three)
            three.sort(key=lambda s: s.start_seconds)
            truth = ", ".join(f"the {world.PLACES[s.place]}" for s in three)
            yield Question(
                "order",
                f"In what order is {name} at these places: {asked}?",
                truth,
                tuple(s.span for s in three),
            )
    if 0 < len(deeds) <= 20:
        told = "; ".join(
            f"{world.ACTIONS[p.action]} with {world.PROPS[p.prop]} at the {world.PLACES[s.place]}"
            for s, p in deeds
        )
        yield Question("summary", f"Summarise what {name} does.", told, every)
    done = {pose.action for _, pose in deeds}
    for number, action in enumerate(world.ACTIONS):
        if number not in done:
            yield Question("absent", f"{name} {action}: where?", None, ())
            break


# --- the pipeline, end to end
# -----------------------------------------------------------------------------------


def index_of(path: Path, model: Model, cues: Sequence[Cue], folder: Path) -> Index:
    """Stage A over the video, in a library of its own."""
    with Library.open(folder / "library.db") as library:
        return build_index(
            probe(path),
            cues,
            options=CaptioningOptions(workers=2),
            vision=model,
            library=library,
            on_event=lambda _: None,
        )


class KeptFrames:
    """A `FrameSource` that decodes no time twice, since hundreds of questions look at the same spans."""

    def __init__(self, path: Path) -> None:
        self._source = FrameSource(path)
        self._frames: dict[float, Frame | None] = {}

    def at(self, times_seconds: list[float]) -> list[Frame]:
        missing = [time for time in times_seconds if time not in self._frames]
        if missing:
            frames = self._source.at(missing)
            assert len(frames) == len(missing), "the world decodes without a loss"
            self._frames.update(zip(missing, frames, strict=True))
        return [frame for time in times_seconds if (frame := self._frames[time])]


def of_each_kind(questions: Iterable[Question], most: int) -> Iterator[Question]:
    """So many of each kind, in their order."""
    taken: Counter[str] = Counter()
    for question in questions:
        taken[question.kind] += 1
        if taken[question.kind] <= most:
            yield question


async def put(question: Question, index: Index, frames: Any, model: Model, effort: Effort) -> Answer:
    """The question to the pipeline."""
    return await ask(
        question.text,
        options=question.options,
        index=index,
        frames=frames,
        vision=model,
        text=model,
        effort=effort,
    )


def tokens_of(request: Request[Any], model: str) -> int:
    """What a request takes by a model's own rules: instructions, inputs, the reply's schema, each picture by
    its size.
    """
    rendered = request.prompt.render(request.inputs)
    text = text_tokens(rendered.system + rendered.user, model) + schema_tokens(request.reply_type, model)
    return text + sum(image_tokens(*picture_size(p), model) + 6 for p in request.pictures)


def perceiving(eyes: Any) -> ScriptedModel:
    """A model that is nothing but this perceiver."""
    return ScriptedModel(eyes, name="perceiver")


# --- the mind
# -----------------------------------------------------------------------------------------------------


class Deed(NamedTuple):
    """A statement with its place."""

    who: str
    action: str
    prop: str
    place: str | None

    @property
    def words(self) -> str:
        return f"At the {self.place}. <{self.who}> {self.action} with {self.prop}."


class Line(NamedTuple):
    """A line of a prompt with a time: an id or source before it, words after it."""

    head: str
    start: float
    stop: float
    text: str

    def overlaps(self, start: float, stop: float) -> bool:
        return self.start <= stop and start <= self.stop


class Asked(NamedTuple):
    """What a question wants, and of whom."""

    want: str
    name: str
    action: str | None
    place: str | None
    places: tuple[str, ...]


def teach(eyes: Any) -> Any:
    """A perceiver that also answers the prompts of stage B."""
    eyes.handlers.update(
        segment_intention=_segment,
        whole_intention=_whole,
        reduce_intentions=_reduce,
        global_intention=_plan,
        goals=lambda eyes, task: {"local_question": _question(task), "global_question": _question(task)},
        look_local=_look,
        look_global=_look,
        answer=_answer,
        verify=_verify,
    )
    return eyes


def _question(task: Any) -> str:
    return task.block("question")[0]


def _asked(task: Any) -> Asked:
    text = _question(task)
    for want, form in _FORMS.items():
        found = re.fullmatch(form, text)
        if found:
            parts = found.groupdict()
            places = tuple(p.removeprefix("the ") for p in parts.get("places", "").split(", ") if p)
            return Asked(want, parts["name"], parts.get("action"), parts.get("place"), places)
    raise AssertionError(f"a question of no known form: {text}")


def _lines(lines: Iterable[str], head: str) -> list[Line]:
    pattern = re.compile(rf"\s*({head})\s*\((\d+\.\d+), (\d+\.\d+)\)\s*((?:\w+(?:, )?)*):?\s?(.*)")
    found = [pattern.fullmatch(line) for line in lines]
    return [Line(" ".join(filter(None, (m[1], m[4]))), float(m[2]), float(m[3]), m[5]) for m in found if m]


def _cast(task: Any) -> dict[str, tuple[str | None, str]]:
    """Entity → (display name, description)."""
    found = [re.fullmatch(r"<(\w+)>(?: called (\w+))?, [^:]*: (.*)", line) for line in task.block("cast")]
    return {m[1]: (m[2], m[3]) for m in found if m}


def _entity(task: Any, name: str) -> str | None:
    """Who is called so: by the cast, by what others took the name to mean, or by who is greeted so when
    alone.
    """
    called = next((entity for entity, (known, _) in _cast(task).items() if known == name), None)
    meant = re.findall(rf'"{name}" (?:means|may mean|was taken to mean) (\w+)', task.text)
    return called or next(iter(meant), None) or _greeted(task, name)


def _greeted(task: Any, name: str) -> str | None:
    """The one whom most captions show alone while the name is said."""
    scenes = _lines(task.block("scenes"), r"scene \d+|part")
    there = [
        set(re.findall(r"<(\w+)>", scene.text))
        for cue in _lines(task.block("cues"), "")
        if f"Hello, {name}!" in cue.text
        for scene in scenes
        if scene.start <= cue.start < scene.stop
    ]
    alone = [entity for present in there if len(present) == 1 for entity in present]
    return max(sorted(set(alone)), key=alone.count) if alone else None


def _deeds_in(text: str) -> list[tuple[Deed, str]]:
    """The deeds a text tells, each with the words that tell it."""
    pattern = re.compile(
        rf"At the (?P<place>{_PLACE})\.|"
        rf"<(?P<who>\w+)> (?P<action>{_ACTION}) with (?P<prop>{'|'.join(sorted(world.PROPS, key=len, reverse=True))})\."
    )
    place: re.Match[str] | None = None
    found: list[tuple[Deed, str]] = []
    for match in pattern.finditer(text):
        if match["place"]:
            place = match
        elif place is None:
            found.append((Deed(match["who"], match["action"], match["prop"], None), match[0]))
        else:
            deed = Deed(match["who"], match["action"], match["prop"], place["place"])
            adjoin = not text[place.end() : match.start()].strip()
            found.append((deed, f"{place[0]} {match[0]}" if adjoin else f"{place[0]} … {match[0]}"))
    return found


def _fits(deed: Deed, asked: Asked, entity: str | None) -> bool:
    return (
        deed.who == entity
        and asked.action in (None, deed.action)
        and (asked.place in (None, deed.place))
        and (not asked.places or deed.place in asked.places)
    )


def _span(start: float, stop: float) -> dict[str, float]:
    return {"start_seconds": start, "stop_seconds": stop}


def _may_fit(text: str, asked: Asked) -> bool:
    """Whether a caption tells of what is asked for, of whomever."""
    place = perceiver.parse_place(text)
    return (
        (asked.action is None or any(fact.action == asked.action for fact in perceiver.parse_sentences(text)))
        and asked.place in (None, place)
        and (not asked.places or place in asked.places)
        and (asked.action, asked.place, asked.places) != (None, None, ())
    )


def _segment(eyes: Any, task: Any) -> dict[str, Any]:
    asked = _asked(task)
    entity = _entity(task, asked.name)
    findings: list[dict[str, Any]] = []
    exact: list[dict[str, float]] = []
    near: list[dict[str, float]] = []
    fits, whole = False, _span(0.0, 0.0)
    for line in task.block("scenes"):
        scenes = _lines([line], r"scene \d+|part")
        if scenes:
            (scene,) = scenes
            deeds = _deeds_in(scene.text)
            told = [words for deed, words in deeds if _fits(deed, asked, entity)]
            if scene.head.startswith("scene"):
                fits, whole = False, _span(scene.start, scene.stop)
            fits = fits or bool(told)
            span = _span(scene.start, scene.stop)
            findings += [{**span, "source": "caption", "quote": words} for words in told]
            if told:
                # A part tells of it; the event is the scene's.
                exact.append(whole)
            elif (f"<{entity}>" in scene.text or _may_fit(scene.text, asked)) and (
                asked.place is None or perceiver.parse_place(scene.text) in (None, asked.place)
            ):
                near.append(whole)
        elif asked.want == "sign" and fits:
            findings += [
                {**_span(sign.start, sign.stop), "source": "caption", "quote": sign.text}
                for sign in _lines([line], "on screen")
            ]
    if asked.want == "why":
        for cue in _lines(task.block("cues"), ""):
            if re.match(rf"{asked.name} {asked.action} because ", cue.text):
                findings.append({**_span(cue.start, cue.stop), "source": "cue", "quote": cue.text})
                exact.append(_span(cue.start, cue.stop))
    return {
        "reasoning": f"{asked.name} is {entity}; {len(exact)} scenes fit, {len(near)} nearly do.",
        "spans": _once([*exact, *near])[:32],
        "findings": findings,
        "confidence": 4 if exact else 2,
        "characters": [{"word": asked.name, "entity": entity}] if entity else [],
    }


def _once(spans: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    return [span for place, span in enumerate(spans) if span not in spans[:place]]


def _reduce(eyes: Any, task: Any) -> dict[str, Any]:
    findings = _lines(task.block("analyses"), "caption|cue|frame")
    return {
        "reasoning": "All of them.",
        "spans": [_span(s.start, s.stop) for s in _lines(task.block("analyses"), "span")][:32],
        "findings": [{**_span(f.start, f.stop), "source": f.head, "quote": f.text} for f in findings],
        "confidence": 3,
    }


def _whole(eyes: Any, task: Any) -> dict[str, Any]:
    """The only segment read, and planned from what was read."""
    read = _segment(eyes, task)
    findings = [
        Line(f["source"], f["start_seconds"], f["stop_seconds"], f["quote"]) for f in read["findings"]
    ]
    every = [(s["start_seconds"], s["stop_seconds"]) for s in read["spans"]]
    return {**read, **_planned(task, findings, every)}


def _plan(eyes: Any, task: Any) -> dict[str, Any]:
    lines = task.block("analyses")
    every = [(s.start, s.stop) for s in _lines(lines, "span")]
    return _planned(task, _lines(lines, "caption|cue|frame"), every)


def _planned(task: Any, findings: Sequence[Line], every: Sequence[tuple[float, float]]) -> dict[str, Any]:
    asked = _asked(task)
    exact = sorted({s for s in every if any(f.overlaps(s[0] + 0.01, s[1] - 0.01) for f in findings)})
    broad = asked.want in BROAD
    again = task.block("learnt") or task.block("known")
    wanted = exact if exact and not (broad or again) else [*exact, *every]
    spans = list(dict.fromkeys(wanted))[: 24 if broad else 10]
    entity = _entity(task, asked.name)
    return {
        "reasoning": "What fits, and what nearly does where all of it counts.",
        "decided_by": "speech"
        if asked.want == "why" and any(f.head == "cue" for f in findings)
        else "several",
        "combine": "sum" if asked.want in ("count", "visits") else "select",
        "scope": "global" if broad else "local",
        "look": "glance" if broad else {"when": "ends", "sign": "text"}.get(asked.want, "dense"),
        "spans": [_span(*s) for s in sorted(spans)],
        "characters": [{"word": asked.name, "entity": entity}] if entity else [],
    }


def _faces(eyes: Any, task: Any) -> dict[int, str]:
    """Face → entity, from the exemplars."""
    known: dict[int, str] = {}
    for entity, (_, description) in _cast(task).items():
        face = eyes.shown_face(task, f"<{entity}>", description)
        if face is not None:
            known.setdefault(face, entity)
    return known


def _noticed(
    eyes: Any, task: Any, frames: Sequence[Any] | None = None
) -> list[tuple[float, Any, list[Deed]]]:
    """Per frame, of `frames` where given: its time, what it shows, and who is noticed doing what."""
    known = _faces(eyes, task)
    key = task.key
    noticed: list[tuple[float, Any, list[Deed]]] = []
    for frame in task.frames() if frames is None else frames:
        deeds: list[Deed] = []
        for pose in eyes.poses(frame.seen, key):
            who = known.get(eyes.face(pose, frame.seen, key), "somebody_else")
            if not eyes.vague(pose, frame.seen, key):
                place = world.PLACES[frame.seen.place] if frame.seen.place is not None else None
                deeds.append(Deed(who, world.ACTIONS[pose.action], world.PROPS[pose.prop], place))
        noticed.append((frame.time_seconds, frame.seen, deeds))
    return noticed


def _look(eyes: Any, task: Any) -> dict[str, Any]:
    asked = _asked(task)
    entity = _entity(task, asked.name)
    runs: list[list[Any]] = []
    open_runs: dict[str, list[Any]] = {}
    for time, seen, deeds in _noticed(eyes, task):
        words = {deed.words: deed.who for deed in deeds}
        if seen.sign and seen.place is not None:
            words[f'At the {world.PLACES[seen.place]}. The sign says "{world.SIGNS[seen.sign]}".'] = "sign"
        still = {text: run for text, run in open_runs.items() if text in words and run[4] == seen.event}
        for text, who in words.items():
            if text in still:
                still[text][1] = time
            else:
                still[text] = [time, time, text, who, seen.event]
                runs.append(still[text])
        open_runs = still
    # What does not fit in one report: those who are not asked about.
    runs.sort(key=lambda run: (run[3] not in (entity, "sign"), run[0]))
    told = [f"At {run[0]:.1f} s: {run[2]}" for run in runs if run[3] == entity]
    return {
        "observations": [
            {**_span(start, stop), "text": text}
            for start, stop, text, _, _ in sorted(runs[:40], key=lambda r: r[0])
        ],
        "conclusion": " ".join(told) or f"{asked.name} is not seen.",
        "sees": "shown" if told else "not_told",
        "confidence": 4,
    }


class Group(NamedTuple):
    """A deed that the evidence bears out, when, and by which ids."""

    deed: Deed
    start: float
    stop: float
    ids: tuple[str, ...]
    captioned: bool


def _groups(task: Any, asked: Asked, entity: str | None) -> list[Group]:
    """One group per deed and event that more speaks for than against."""
    evidence = _lines(task.block("evidence"), r"e\d+")
    told = [(line, deed) for line in evidence for deed, _ in _deeds_in(line.text)]
    groups: list[Group] = []
    # Captions first: their times are those of the scene.
    for line, deed in sorted(told, key=lambda item: "caption" not in item[0].head):
        if line.head.endswith("cue") or not _fits(deed, asked, entity):
            continue
        own = line.head.split()[0]
        alike = [n for n, g in enumerate(groups) if g.deed == deed and line.overlaps(g.start - 8, g.stop + 8)]
        if alike:
            g = groups[alike[0]]
            groups[alike[0]] = g._replace(
                # A caption's times are exact, but may be those of a part of what frames show.
                start=g.start if g.captioned and line.start > g.start - 1 else min(g.start, line.start),
                stop=g.stop if g.captioned and line.stop < g.stop + 1 else max(g.stop, line.stop),
                ids=(*g.ids, own),
            )
        else:
            groups.append(Group(deed, line.start, line.stop, (own,), "caption" in line.head))
    others = [(line, deed) for line, deed in told if deed.who != entity]
    kept = [g for g in groups if _votes(task, g, others) > 0]
    return sorted(kept, key=lambda g: g.start)


def _votes(task: Any, group: Group, others: Sequence[tuple[Line, Deed]]) -> float:
    """What speaks for a deed less what speaks against it: the caption, every look, every check."""
    votes = 1.0 if group.captioned else 0.0
    taken = any(
        line.overlaps(group.start, group.stop) and deed[1:] == group.deed[1:] for line, deed in others
    )
    for look in task.block("looks"):
        spans = [(float(a), float(b)) for a, b in re.findall(r"\((\d+\.\d+), (\d+\.\d+)\)", look)]
        # A frame of its scene, be it one that only touches it, shows the deed.
        if not any(start <= group.stop and group.start <= stop for start, stop in spans):
            continue
        told = re.findall(rf"At (\d+\.\d) s: {re.escape(group.deed.words)}", look)
        if any(group.start - 1 <= float(time) <= group.stop + 1 for time in told):
            votes += 1
        else:
            votes -= 1 if taken else 0.25
    for block, found in (("learnt", "no"), ("known", "yes")):
        for line in task.block(block):
            at = re.search(r"at (\d+\.\d) s.*a fresh look: (\w+)", line)
            if at and group.deed.words in line and at[2] == found and abs(float(at[1]) - group.start) < 8:
                votes += 1 if found == "yes" else -1
    return votes


def _answer(eyes: Any, task: Any) -> dict[str, Any]:
    asked = _asked(task)
    entity = _entity(task, asked.name)
    evidence = _lines(task.block("evidence"), r"e\d+")
    options = [line.split(". ", 1)[1] for line in task.block("options")]
    none = {"found": False, "answer": None, "choice": None, "confidence": 3, "claims": []}
    if asked.want == "why":
        said = [
            (line, found)
            for line in evidence
            if line.head.endswith("cue")
            and (found := re.match(rf"{asked.name} {asked.action} because (.*)\.$", line.text))
        ]
        if not said:
            return none
        line, found = said[0]
        claim = {
            "text": line.text,
            "citations": [{"evidence_id": line.head.split()[0], "quote": found[1]}],
            "check": f"Is it said: {line.text}",
        }
        return {"found": True, "answer": found[1], "choice": None, "confidence": 5, "claims": [claim]}
    groups = _groups(task, asked, entity)
    if not groups:
        return none
    if set(asked.places) - {g.deed.place for g in groups}:
        return none
    if asked.want in ("with", "where", "what", "when", "sign"):
        groups = groups[:1]
    claims = [
        {
            "text": f"{g.deed.words} This is at {g.start:.1f} s.",
            "citations": [{"evidence_id": i, "quote": ""} for i in g.ids],
            "check": g.deed.words,
        }
        for g in groups
    ]
    deed = groups[0].deed
    text: str | None = {
        "with": deed.prop,
        "where": deed.place,
        "what": deed.action,
        "when": clock(groups[0].start),
        "count": str(len(groups)),
        "visits": str(len(groups)),
        "order": ", ".join(f"the {g.deed.place}" for g in groups),
        "summary": "; ".join(f"{g.deed.action} with {g.deed.prop} at the {g.deed.place}" for g in groups),
        "sign": None,
    }[asked.want]
    if asked.want == "sign":
        signs = [
            (line, line.text.removeprefix(f'At the {deed.place}. The sign says "').removesuffix('".'))
            for line in evidence
            if line.overlaps(groups[0].start, groups[0].stop)
            and (line.text in world.SIGNS or line.text.startswith(f"At the {deed.place}. The sign says"))
        ]
        if not signs:
            return none
        group = groups[0]
        line, text = max(
            signs,
            key=lambda s: (
                "frame" in s[0].head,
                min(s[0].stop, group.stop) - max(s[0].start, group.start),
            ),
        )
        claims.append(
            {
                "text": f'The sign says "{text}".',
                "citations": [{"evidence_id": line.head.split()[0], "quote": text}],
                "check": f'At the {deed.place}. The sign says "{text}".',
            }
        )
    choice = None
    if options:
        if text not in options:
            return none
        choice = options.index(text)
    rest = " ".join(
        filter(None, (f"<{entity}>", asked.action, *asked.places, asked.place and f"at the {asked.place}"))
    )
    return {
        "found": True,
        "answer": text,
        "choice": choice,
        "confidence": 4,
        "claims": claims,
        "rest_check": f"Anything else of {rest}?" if asked.want in BROAD else "",
    }


def statements_of(task: Any) -> list[str]:
    """What a check asks, in the order of its numbers."""
    return [text for _, text in _stated(task)]


def _stated(task: Any) -> list[tuple[str, str]]:
    """What a check asks, each with the mark of its frames' labels: that of its moment, where there are several."""
    found = [
        re.fullmatch(r"\d+(?: \((?:(moment \d+), )?about [^)]*\))?: (.*)", line)
        for line in task.block("statements")
    ]
    return [(f"{line[1]}: " if line[1] else "", line[2]) for line in found if line]


def _verify(eyes: Any, task: Any) -> dict[str, Any]:
    """Each statement by itself; what is missed or mistaken of a scene is so for all of them."""
    checks = [_checked(eyes, task, statement, mark) for mark, statement in _stated(task)]
    return {"checks": [{"number": number, **check} for number, check in enumerate(checks, start=1)]}


def _checked(eyes: Any, task: Any, check: str, mark: str) -> dict[str, Any]:
    said = check.removeprefix("Is it said: ")
    if said != check:
        heard = any(said in line for line in task.block("cues"))
        return {"verdict": "yes" if heard else "no", "seen": ""}
    sign = re.fullmatch(rf'At the ({_PLACE})\. The sign says "(.*)"\.', check)
    noticed = _noticed(eyes, task, task.frames(mark))
    if rest := re.fullmatch(
        rf"Anything else of <(\w+)>(?: ({_ACTION}))?(?: at the)?((?: (?:{_PLACE}))*)\?", check
    ):
        places = re.findall(_PLACE, rest[3])
        more = [
            f"At {time:.1f} s: {deed.words}"
            for time, _, deeds in noticed
            for deed in deeds
            if deed.who == rest[1] and rest[2] in (None, deed.action) and (not places or deed.place in places)
        ]
        return {"verdict": "yes" if more else "no", "seen": " ".join(more)}
    if sign:
        shown = {
            world.SIGNS[seen.sign]
            for _, seen, _ in noticed
            if seen.place is not None and world.PLACES[seen.place] == sign[1]
        }
        return {"verdict": "yes" if sign[2] in shown else "no", "seen": ", ".join(sorted(shown))}
    ((deed, _),) = _deeds_in(check)
    deeds = [d for _, _, there in noticed for d in there]
    if deed in deeds:
        return {"verdict": "yes", "seen": deed.words}
    own = [d.words for d in deeds if d.who == deed.who or (d.action, d.prop) == (deed.action, deed.prop)]
    # Who is not seen there, or not made out, may have been overlooked.
    return {"verdict": "no" if own else "unclear", "seen": own[0] if own else "not made out"}
