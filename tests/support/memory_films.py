"""Indexes of numbered deeds, and a mind that words their chapters with nothing that does not stand there."""

from __future__ import annotations

from typing import Any

from mrvideo.models.base import Request
from mrvideo.records import Entity, Index, Scene, Sighting, VideoInfo

PLACES = ("harbour", "kitchen", "forest", "station", "market")


def film(count: int, *, names: bool = False, gaps: bool = False) -> Index:
    """Scenes of five seconds in runs of ten at one place, each with a deed of its own."""
    scenes = [
        Scene(
            start_seconds=5.0 * n,
            stop_seconds=5.0 * n + (3.0 if gaps else 5.0),
            index=n,
            brief=f"Deed {n}.",
            detailed=f"At the {PLACES[n // 10 % 5]} <person_1> does deed number {n}.",
            entity_names=("person_1",),
            sightings=(Sighting(start_seconds=5.0 * n, stop_seconds=5.0 * n + 2, text=f"SIGN {n}"),),
        )
        for n in range(count)
    ]
    video = VideoInfo(
        digest="0" * 64, path="v.mp4", duration_seconds=5.0 * count, width=64, height=36,
        frames_per_second=25, codec="h264", has_audio=True, size_bytes=1,
    )  # fmt: skip
    cast = Entity(
        name="person_1", kind="person", description="a sailor", exemplar_seconds=1.0,
        display_name="Mara" if names else None,
    )  # fmt: skip
    return Index(key="k", video=video, scenes=tuple(scenes), entities=(cast,))


def honest(request: Request[Any]) -> dict[str, Any]:
    """Facts that stand in the scenes; what is joined is copied."""
    inputs: Any = request.inputs
    if request.prompt.name == "chapter":
        facts = [{"text": s.caption, "kind": "event", "scenes": [s.index]} for s in inputs.scenes]
        facts += [
            {"text": f'On screen: "{t.text}"', "kind": "text", "scenes": [s.index]}
            for s in inputs.scenes
            for t in s.screen_text
        ]
        summary = [{"text": s.caption, "scenes": [s.index]} for s in (inputs.scenes[0], inputs.scenes[-1])]
        return {"facts": facts, "summary": summary, "title": f"From {inputs.scenes[0].index}"}
    told = [s.model_dump() for node in inputs.nodes for s in node.summary]
    facts = [f.model_dump() for node in inputs.nodes for f in node.facts]
    return {"facts": facts[:40], "summary": told[:8], "title": f"From {inputs.nodes[0].name}"}
