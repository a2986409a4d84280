"""An index in other formats: JSON, JSON lines, SRT, VTT, Markdown."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

from mrvideo.media.subtitles import TimedLine, write_srt, write_vtt
from mrvideo.records import CaptionPart, Index, Record, clock
from mrvideo.session.counting import entities_told
from mrvideo.wording import counted, json_line, printable, rounded

Format: TypeAlias = Literal["json", "jsonl", "srt", "vtt", "md"]
FORMATS: tuple[str, ...] = get_args(Format)

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>&~-])")


def export_index(index: Index, format_name: Format) -> str:
    """The index as text, ending in a line break.

    `json` is one object (the `Index` record, times to the millisecond); `jsonl` one scene a line; `srt` and
    `vtt` carry the cues and, as a second track, the brief captions, one a part; `md` is for reading.
    """
    match format_name:
        case "json":
            return _json(index, indent=2)
        case "jsonl":
            return "".join(_json(scene) for scene in index.scenes)
        case "srt":
            return write_srt(_said(index), _shown(index))
        case "vtt":
            return write_vtt(_said(index), _shown(index))
        case "md":
            return _markdown(index)


def _json(record: Record, *, indent: int | None = None) -> str:
    return json_line(rounded(record.model_dump(mode="json")), indent=indent) + "\n"


def escape_markdown(text: str) -> str:
    """Text from a video as inert Markdown: marks escaped, on one line."""
    return _MARKDOWN.sub(r"\\\1", printable(text))


def _markdown(index: Index) -> str:
    info = index.video
    lines = [
        f"# {escape_markdown(info.path)}",
        "",
        f"{clock(info.duration_seconds)} long, {counted(len(index.scenes), 'scene')}, "
        f"{entities_told(index)}, {counted(len(index.cues), 'cue')}.",
        "",
    ]
    if index.entities:
        lines += ["## Cast", ""]
        for entity in index.entities:
            name = f"{entity.name} ({entity.display_name})" if entity.display_name else entity.name
            lines.append(f"- **{escape_markdown(name)}**: {escape_markdown(entity.description)}")
        lines.append("")
    lines += ["## Scenes", ""]
    for scene in index.scenes:
        lines += [f"### {scene.span}", ""]
        for part in scene.parts:
            when = f"{part.span}: " if len(scene.parts) > 1 else ""
            lines += [f"{when}{escape_markdown(part.text)}", ""]
        lines += [f"- on screen, {s.span}: “{escape_markdown(s.text)}”" for s in scene.sightings]
        if scene.sightings:
            lines.append("")
    if index.cues:
        lines += ["## Speech", ""]
        for cue in index.cues:
            who = f"{escape_markdown(cue.speaker)}: " if cue.speaker else ""
            lines.append(f"- {cue.span}: {who}{escape_markdown(cue.text)}")
        lines.append("")
    if index.failures:
        lines += ["## Not seen", ""]
        lines += [f"- {f.span}: {escape_markdown(f.reason)}" for f in index.failures]
        lines.append("")
    return "\n".join(lines)


def _said(index: Index) -> list[TimedLine]:
    return [
        (c.start_seconds, c.stop_seconds, f"{c.speaker}: {c.text}" if c.speaker else c.text)
        for c in index.cues
    ]


def _shown(index: Index) -> list[TimedLine]:
    return [
        (part.start_seconds, part.stop_seconds, f"[{part.brief or scene.brief}]")
        for scene in index.scenes
        for part in (
            scene.parts if len(scene.parts) > 1 else (CaptionPart(**scene.span.model_dump(), text=""),)
        )
    ]
