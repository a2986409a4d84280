"""Analyses cut to what one request holds: long ones shortened first, then the least telling ones left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from mrvideo.agents.ask.calls import clipped, keep_within
from mrvideo.agents.ask.state import Context
from mrvideo.models.base import Model
from mrvideo.records import Notice
from mrvideo.schemas.analysis import Analysis

_LEAST_TOKENS = 120
"""An analysis shortened below this says nothing any more."""

M = TypeVar("M", bound=BaseModel)


def fit_analyses(
    context: Context, analyses: Sequence[Analysis], room: int, *, model: Model
) -> list[Analysis]:
    """All of them where they fit; else each its fair share, which the short ones leave to the long ones."""
    weights = [context.weight_of(a) for a in analyses]
    if sum(weights) <= room:
        return list(analyses)
    most = max(room // _LEAST_TOKENS, 1)
    kept = keep_within(
        list(range(len(analyses))), most, weight=lambda _: 1, rank=lambda i: rank_of(analyses[i])
    )
    fitted: dict[int, Analysis] = {}
    left = room
    for place, i in enumerate(sorted(kept, key=lambda i: (weights[i], i))):
        share = left // (len(kept) - place)
        fitted[i] = analyses[i] if weights[i] <= share else shortened(context, analyses[i], share)
        left -= min(weights[i], share)
    cut = sum(fitted[i] is not analyses[i] for i in kept)
    out = len(analyses) - len(kept)
    context.on_event(
        Notice(
            text=f"of {len(analyses)} analyses {cut} were shortened and {out} left out "
            f"to fit into {model.name}'s context"
        )
    )
    return [fitted[i] for i in sorted(kept)]


def shortened(context: Context, analysis: Analysis, room: int) -> Analysis:
    """The beginning of its reasoning, its first spans, and as many of its findings as then fit."""
    reasoning = analysis.reasoning
    while context.tokens_of(reasoning) > room // 3 and len(reasoning) > 80:
        reasoning = clipped(reasoning, len(reasoning) * 3 // 4)
    bare = analysis.model_copy(update={"reasoning": reasoning, "spans": (), "findings": (), "characters": ()})
    left = room - context.weight_of(bare)
    spans = _first(analysis.spans, left // 2, context.weight_of)
    left -= sum(context.weight_of(s) for s in spans)
    characters = _first(analysis.characters, left // 4, context.weight_of)
    left -= sum(context.weight_of(c) for c in characters)
    findings = _first(analysis.findings, left, context.weight_of)
    return bare.model_copy(update={"spans": spans, "characters": characters, "findings": findings})


def rank_of(analysis: Analysis) -> float:
    """By confidence; an analysis that names nothing gives way first, however sure it is of that."""
    return analysis.confidence + (10 if analysis.spans or analysis.findings else 0)


def _first(items: Sequence[M], room: int, weight: Callable[[M], int]) -> tuple[M, ...]:
    return tuple(keep_within(items, room, weight=weight, rank=lambda _: 0))
