"""What indexing a video, and asking it, would take: counted before anything is paid."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mrvideo.agents.ask.segments import SCENES_PER_SEGMENT, gains_from_middle_frames
from mrvideo.captioning.estimate import estimate_calls
from mrvideo.media.identity import probe
from mrvideo.media.images import fit_within
from mrvideo.media.subtitles import load_subtitles
from mrvideo.models.base import Capabilities
from mrvideo.models.prices import cost, image_tokens, schema_tokens, text_tokens
from mrvideo.models.tokens import note
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Effort, Recipe, Record, Usage, VideoInfo
from mrvideo.schemas import analysis
from mrvideo.session.models import capabilities_of, model_settings
from mrvideo.session.options import captioning_options, read_options
from mrvideo.settings import Settings

RECIPES: tuple[Recipe, ...] = ("fused", "paper")
EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")

_CAPTION_TOKENS = 130
_QUESTION_TOKENS = 60
_OUTPUT_TOKENS = 350
_LOCAL_LOOKS = 4
_CLAIMS = 3
_CHECK_FRAMES = 8
ASSUMPTIONS = (
    "one scene per clip, 4 characters per 2 minutes, 4 spans looked at again, 3 claims checked in one round; "
    "replies of usual length, while reasoning models take more"
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
    """Stage A by recipe and one question by effort. `cost` None means that the model's price is unknown."""

    video: VideoInfo
    vision: str
    text: str
    recipes: dict[str, dict[str, StageCost]]
    question: dict[str, StageCost]
    assumptions: str
    note: str = ""


@dataclass(frozen=True)
class _Call:
    """`count` calls of one prompt, each with so many own tokens and images."""

    prompt: str
    role: str
    count: int
    own_tokens: int
    images: int = 0


def estimate_index(path: str, settings: Settings) -> Estimate:
    """Probe the file and count. Decodes nothing but one frame, asks no model, writes nothing.

    Raises `VideoError`, `SettingsError`.
    """
    info = probe(path, read_options(settings))
    cues = load_subtitles(info.path, language=settings.language, allow_url=settings.allow_url).cues
    models = model_settings(settings, "vision"), model_settings(settings, "text")
    capabilities = capabilities_of(settings)
    recipes: dict[str, dict[str, StageCost]] = {}
    for recipe in RECIPES:
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
        stages["total"] = _total("total", list(stages.values()))
        recipes[recipe] = stages
    return Estimate(
        video=info,
        vision=models[0].name,
        text=models[1].name,
        recipes=recipes,
        question={
            effort: _question(info, effort, settings, capabilities, names=(models[0].name, models[1].name))
            for effort in EFFORTS
        },
        assumptions=ASSUMPTIONS,
        note=note(models[0].name),
    )


def _question(
    info: VideoInfo, effort: Effort, settings: Settings, capabilities: Capabilities, *, names: tuple[str, str]
) -> StageCost:
    scenes = max(1, math.ceil(info.duration_seconds / settings.clip_seconds))
    segments = math.ceil(scenes / SCENES_PER_SEGMENT)
    per_segment = min(scenes, SCENES_PER_SEGMENT)
    middles = per_segment if gains_from_middle_frames(capabilities, effort, _QUESTION_TOKENS) else 0
    calls = [
        _Call(
            "segment_intention",
            "vision" if middles else "text",
            segments,
            _CAPTION_TOKENS * per_segment,
            middles,
        ),
        _Call("global_intention", "text", 1, 200 * segments),
        _Call("answer", "text", 1, 200 * segments + 400),
    ]
    if effort != "low":
        calls.append(_Call("goals", "text", 1, 40))
        calls.append(_Call("look_local", "vision", _LOCAL_LOOKS, 300, min(capabilities.look_images, 20)))
        calls.append(_Call("look_global", "vision", 1, 300, min(scenes, capabilities.look_images)))
    if effort == "high":
        calls.append(_Call("verify", "vision", _CLAIMS, 120, min(_CHECK_FRAMES, capabilities.look_images)))
    side = settings.long_side_pixels or capabilities.long_side_pixels
    width, height = fit_within(info.width, info.height, side)
    rows: list[StageCost] = []
    for call in calls:
        model = names[0] if call.role == "vision" else names[1]
        prompt = load_prompt(call.prompt)
        own = text_tokens(prompt.static, model) + call.own_tokens
        own += schema_tokens(getattr(analysis, prompt.reply), model)
        own += call.images * (image_tokens(width, height, model) + 6)
        usage = Usage(
            calls=call.count,
            input_tokens=call.count * own,
            output_tokens=call.count * _OUTPUT_TOKENS,
            images=call.count * call.images,
        )
        rows.append(_stage(call.prompt, usage.model_copy(update={"cost": cost(model, usage)})))
    return _total(effort, rows)


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
