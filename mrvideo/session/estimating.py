"""Estimate calls, pictures, tokens and cost of indexing a video and of one question."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mrvideo.agents.ask.budget import LOCAL, Pictures
from mrvideo.agents.ask.segments import SCENES_PER_SEGMENT
from mrvideo.agents.ask.walk import FACTS_SHOWN, SCENES_PER_CHAPTER, WIDE
from mrvideo.captioning.estimate import estimate_calls
from mrvideo.media.identity import probe
from mrvideo.media.images import fit_within
from mrvideo.media.subtitles import load_subtitles
from mrvideo.memory.build import FACTS_TOLD, STAGE
from mrvideo.models.base import Capabilities
from mrvideo.models.prices import cost, image_tokens, schema_tokens, text_tokens
from mrvideo.models.settings import HOST
from mrvideo.models.tokens import note
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Effort, Recipe, Record, Usage, VideoInfo
from mrvideo.retrieval.embedders.texts import MOST_TEXTS, MOST_TOKENS, tokens_of
from mrvideo.retrieval.embedders.texts import STAGE as EMBED_TEXT
from mrvideo.retrieval.meanings import STRANGE_TEXTS
from mrvideo.schemas import analysis
from mrvideo.schemas import memory as remembering
from mrvideo.session.embedding import expected_frames
from mrvideo.session.fetching import fetched_video
from mrvideo.session.models import capabilities_of, model_settings
from mrvideo.session.options import captioning_options, read_options
from mrvideo.session.remembering import WALKED_FROM
from mrvideo.settings import OFFLINE, Settings

RECIPES: tuple[Recipe, ...] = ("fused", "paper")
EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")

_CAPTION_TOKENS = 150
"""A detailed caption of a scene in which much happens."""
_SHORT_CAPTION_TOKENS = 33
"""One of a scene in which little happens: a sentence or two."""
_OUTPUT_TOKENS = 350
_TASK_SECONDS = 30
"""That a model of today takes to look at one task and answer it."""
_PER_LOOK = 36
_LINE_TOKENS = 25
_CHECKS = 20
_SHOTS_PER_CLIP = 1.5
_CHILDREN = 12
"""Scenes of a chapter, chapters of the node above: between 8 and 16."""
_FACT_OUTPUT_TOKENS = 900
_FINDINGS = 8
"""Pieces of evidence and of analysis that a question about the whole video makes of each segment."""
ASSUMPTIONS = (
    "one scene per clip, 4 characters per 2 minutes; a question from one about one moment, over short captions and answered in one "
    "round, to one about the whole video in two; replies of usual length, while reasoning models take more"
)


class StageCost(Record):
    """One stage, or a total of several."""

    stage: str
    calls: int
    images: int
    passes: float = 0.0
    input_tokens: int
    output_tokens: int
    cost: float | None


class Estimate(Record):
    """Stage A by recipe; one question by effort, the cheapest (`question`) and the dearest (`question_most`).

    A `cost` of None means that the model's price is unknown.
    """

    video: VideoInfo
    vision: str
    text: str
    recipes: dict[str, dict[str, StageCost]]
    question: dict[str, StageCost]
    question_most: dict[str, StageCost]
    assumptions: str
    note: str = ""
    embedded_frames: int = 0
    """Frames that become vectors, on this machine and without a call; 0 without an embedder."""


@dataclass(frozen=True)
class _Call:
    """`count` calls of one prompt, each with so many own tokens and images."""

    prompt: str
    role: str
    count: int
    own_tokens: int
    images: int = 0


def estimate_index(path: str, settings: Settings) -> Estimate:
    """Estimate from the container alone: decodes one frame, calls no model, writes nothing.

    Raises `VideoError`, `SettingsError`.
    """
    info = probe(fetched_video(path, settings, lambda event: None), read_options(settings))
    cues = load_subtitles(info.path, language=settings.language, allow_url=settings.allow_url).cues
    models = model_settings(settings, "vision"), model_settings(settings, "text")
    capabilities = capabilities_of(settings)
    talks = bool(cues) or (settings.speech is not None and info.has_audio)
    recipes: dict[str, dict[str, StageCost]] = {}
    for recipe in RECIPES if settings.detail == "full" else ("fused",):
        options = captioning_options(settings.model_copy(update={"recipe": recipe}))
        spoken = sum(text_tokens(cue.text, models[0].name) + 8 for cue in cues)
        stages: dict[str, StageCost] = {}
        for row in estimate_calls(info, options, capabilities=capabilities):
            usage = row.usage(models[0].name)
            if row.prompt in ("caption_clip", "caption_scene"):
                usage = usage.model_copy(update={"input_tokens": usage.input_tokens + spoken})
            priced = usage.model_copy(update={"cost": cost(models[0].name, usage)})
            made = _stage(row.stage, priced, passes=row.passes)
            stages[row.stage] = _total(row.stage, [stages[row.stage], made]) if row.stage in stages else made
        scenes = math.ceil(info.duration_seconds / options.clip_seconds)
        if scenes > WALKED_FROM and settings.text_model != OFFLINE and settings.detail == "full":
            stages[STAGE] = _memory(scenes, spoken, models[1].name)
        if settings.embed_text is not None:
            stages[EMBED_TEXT] = _texts(scenes, spoken, model_settings(settings, "embed_text").name)
        stages["total"] = _total("total", list(stages.values()))
        recipes[recipe] = stages
    return Estimate(
        video=info,
        vision=models[0].name,
        text=models[1].name,
        recipes=recipes,
        question=_by_effort(info, settings, capabilities, most=False, talks=talks),
        question_most=_by_effort(info, settings, capabilities, most=True, talks=talks),
        assumptions=ASSUMPTIONS,
        embedded_frames=0 if settings.embed is None else expected_frames(info.duration_seconds),
        note=_host_note(recipes[settings.recipe]["total"])
        if settings.vision_model == HOST
        else note(models[0].name),
    )


def _host_note(total: StageCost) -> str:
    minutes = math.ceil(total.calls * _TASK_SECONDS / 60)
    return (
        f"index: {total.calls:,} tasks with {total.images:,} pictures wait for whoever takes them, at half a minute each about "
        f"{minutes:,} minutes for one taker and less for several"
    )


def _memory(scenes: int, spoken: int, model: str) -> StageCost:
    """Chapters of a dozen scenes, and of a dozen of these a node above, up to one."""
    chapters = math.ceil(scenes / _CHILDREN)
    above, level = 0, chapters
    while level > 1:
        level = math.ceil(level / _CHILDREN)
        above += level
    read = {
        "chapter": (chapters, (_CAPTION_TOKENS + _LINE_TOKENS) * _CHILDREN + math.ceil(spoken / chapters)),
        "join_chapters": (above, _CHILDREN * (FACTS_TOLD + 4) * _LINE_TOKENS),
    }
    rows: list[StageCost] = []
    for prompt, (calls, own) in read.items():
        fixed = text_tokens(load_prompt(prompt).static, model)
        fixed += schema_tokens(getattr(remembering, load_prompt(prompt).reply), model)
        usage = Usage(
            calls=calls, input_tokens=calls * (fixed + own), output_tokens=calls * _FACT_OUTPUT_TOKENS
        )
        rows.append(_stage(STAGE, usage.model_copy(update={"cost": cost(model, usage)})))
    return _total(STAGE, rows)


def _texts(scenes: int, spoken: int, model: str) -> StageCost:
    """A caption of each scene, and what is said, as vectors; texts on screen are few beside them."""
    tokens = scenes * _CAPTION_TOKENS + spoken
    calls = max(math.ceil(scenes / MOST_TEXTS), math.ceil(tokens / MOST_TOKENS)) + 1
    usage = Usage(calls=calls, input_tokens=tokens + tokens_of(STRANGE_TEXTS, model).input_tokens)
    return _stage(EMBED_TEXT, usage.model_copy(update={"cost": cost(model, usage)}))


def _by_effort(
    info: VideoInfo, settings: Settings, capabilities: Capabilities, *, most: bool, talks: bool
) -> dict[str, StageCost]:
    names = {role: model_settings(settings, role).name for role in ("vision", "text")}
    names["verify"] = (
        names["vision"] if settings.verify_model is None else model_settings(settings, "verify").name
    )
    return {
        effort: _question(info, effort, settings, capabilities, names=names, most=most, talks=talks)
        for effort in EFFORTS
    }


def _question(
    info: VideoInfo,
    effort: Effort,
    settings: Settings,
    capabilities: Capabilities,
    *,
    names: Mapping[str, str],
    most: bool,
    talks: bool,
) -> StageCost:
    """The cheapest question, about one moment, or of a video with speech (`talks`) one that a cue answers; with
    `most`, one about the whole video that takes two rounds.
    """
    scenes = max(1, math.ceil(info.duration_seconds / settings.clip_seconds))
    rounds = min(settings.max_rounds, 2) if most and effort == "high" else 1
    calls = _reading(scenes, effort, settings, capabilities, rounds=rounds, most=most, talks=talks)
    if effort != "low":
        calls.append(_Call("goals", "text", 1, 40))
        if most:
            calls += _looks(scenes, effort, capabilities, rounds)
        elif not talks:
            calls.append(_Call("look_local", "vision", 1, 100, 2))
    if effort == "high":
        checks = _CHECKS if most else 1
        calls.append(_Call("verify", "verify", checks, 300 if most else 60, 2 if most or not talks else 0))
    side = settings.long_side_pixels or capabilities.long_side_pixels
    size = fit_within(info.width, info.height, side)
    return _total(effort, [_priced(call, names[call.role], size) for call in calls])


def _reading(
    scenes: int,
    effort: Effort,
    settings: Settings,
    capabilities: Capabilities,
    *,
    rounds: int,
    most: bool,
    talks: bool,
) -> list[_Call]:
    """Calls that read captions, and those that answer."""
    walked = scenes > WALKED_FROM and effort != "exhaustive"
    # Of a long video, a question reads the chapters that it opens.
    opened = min(settings.max_opened * (SCENES_PER_CHAPTER if most else _CHILDREN), scenes)
    read_scenes = opened if walked else scenes
    segments = math.ceil(read_scenes / SCENES_PER_SEGMENT)
    each = min(read_scenes, SCENES_PER_SEGMENT)
    told = segments * _FINDINGS * 4 * _LINE_TOKENS if most else 110 if talks else 350
    read = segments + min(segments, 2) * (rounds - 1)
    caption = _CAPTION_TOKENS if most else _SHORT_CAPTION_TOKENS
    # Where one call reads all there is, it plans too.
    reading = "whole_intention" if segments == 1 else "segment_intention"
    calls = [
        _Call(reading, "text", read, (caption + _LINE_TOKENS) * each),
        # What one reading found is evidence, and is not told a second time.
        _Call("answer", "text", rounds, (2 * told if segments > 1 else told) + 300),
    ]
    if segments > 1:
        calls.append(_Call("global_intention", "text", rounds, told + 200))
    if walked:
        chapters = math.ceil(scenes / _CHILDREN)
        steps = max(math.ceil(math.log(chapters / WIDE, _CHILDREN)), 0) + 1
        calls.append(_Call("walk", "text", steps, min(chapters, WIDE) * (FACTS_SHOWN + 4) * _LINE_TOKENS))
        if most:
            facts = chapters * _CHILDREN * 2 * _LINE_TOKENS
            groups = math.ceil(facts / max(capabilities.context_tokens // 2, 1000))
            calls.append(_Call("read_facts", "text", groups, facts // groups))
    return calls


def _looks(scenes: int, effort: Effort, capabilities: Capabilities, rounds: int) -> list[_Call]:
    """Looks of a question about the whole video."""
    pictures = Pictures(LOCAL[effort])
    # Where cuts come faster than clips, there are more shots to look at.
    units = math.ceil(scenes * _SHOTS_PER_CLIP)
    pictures.widen(effort, units)
    free = pictures.most - (2 * _CHECKS if effort == "high" else 0)
    across = min(free, units + 6)
    count = math.ceil(across / max(min(_PER_LOOK, capabilities.look_images), 1))
    looks = [_Call("look_global", "vision", count, 400, across // count)]
    closer = (free - across) // rounds
    if closer:
        looks.append(_Call("look_local", "vision", rounds, 500, closer))
    return looks


def _priced(call: _Call, model: str, size: tuple[int, int]) -> StageCost:
    """What the calls take of a model, with pictures of that size."""
    prompt = load_prompt(call.prompt)
    own = text_tokens(prompt.static, model) + call.own_tokens
    replies = analysis if hasattr(analysis, prompt.reply) else remembering
    own += schema_tokens(getattr(replies, prompt.reply), model)
    own += call.images * (image_tokens(*size, model) + 6)
    usage = Usage(
        calls=call.count,
        input_tokens=call.count * own,
        output_tokens=call.count * _OUTPUT_TOKENS,
        images=call.count * call.images,
    )
    return _stage(call.prompt, usage.model_copy(update={"cost": cost(model, usage)}))


def _stage(stage: str, usage: Usage, *, passes: float = 0.0) -> StageCost:
    return StageCost(
        stage=stage,
        calls=usage.calls,
        images=usage.images,
        passes=passes,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=usage.cost,
    )


def _total(name: str, rows: list[StageCost]) -> StageCost:
    known = [row.cost for row in rows if row.cost is not None]
    return StageCost(
        stage=name,
        calls=sum(row.calls for row in rows),
        images=sum(row.images for row in rows),
        passes=sum(row.passes for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost=sum(known) if len(known) == len(rows) else None,
    )
