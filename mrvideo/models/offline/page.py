"""What was read and heard of a video, on one page: each text and each sentence once, with its times."""

from __future__ import annotations

from collections.abc import Iterator

from mrvideo.models.offline.timeline import Item, distinct, timeline_of_lines
from mrvideo.models.offline.wording import UNREADABLE, main_colour, picture_sentence_of
from mrvideo.records import Index, clock, merge_spans
from mrvideo.wording import counted

NO_SPEECH = 'its sound was not transcribed: pip install "mrvideo[asr]", then index it with --speech faster-whisper:small'
MOST_SPANS = 6


def page(index: Index) -> list[str]:
    """Lines of plain text: size, texts on screen, speech, colours, and what could not be read or heard."""
    timeline = timeline_of_lines(
        [sighting for scene in index.scenes for sighting in scene.sightings],
        index.cues,
        stop_seconds=index.video.duration_seconds,
        shots=tuple(shot.start_seconds for shot in index.shots),
    )
    texts = _texts([i for i in timeline.screen if not i.standing])
    lines = [
        f"{clock(index.video.duration_seconds)} long, {counted(len(index.shots), 'shot')}, {counted(len(index.scenes), 'scene')}",
        "",
        "On screen:",
        *texts,
    ]
    unread = [f"  {clock(s.start_seconds)}  {UNREADABLE}" for s in index.scenes if UNREADABLE in s.detailed]
    if not (texts or unread):
        unread = ["  nothing that could be read"]
    lines += unread
    if standing := _texts([i for i in timeline.screen if i.standing]):
        lines += ["", "On screen while the pictures change (a watermark or a logo):", *standing]
    lines += ["", "Said:"]
    lines += [f"  {item.span}  {item.told}" for item in timeline.speech] or [_silence(index)]
    return [*lines, "", "Mostly:", *_colours(index)]


def _texts(items: list[Item]) -> list[str]:
    rows: list[str] = []
    for group in distinct(items):
        spans = merge_spans([item.span for item in group])
        told = ", ".join(str(span) for span in spans[:MOST_SPANS]) + (
            ", …" if len(spans) > MOST_SPANS else ""
        )
        rows.append(f"  {told}  “{group[0].text}”")
    return rows


def _silence(index: Index) -> str:
    return f"  {NO_SPEECH}" if index.video.has_audio and not index.cues else "  nothing"


def _colours(index: Index) -> Iterator[str]:
    """One line for a run of scenes that look alike."""
    last, start = "", 0.0
    for scene in (*index.scenes, None):
        name = main_colour(picture_sentence_of(scene.detailed) or "") if scene else ""
        if name != last:
            if last:
                yield f"  {clock(start)}–{clock(scene.start_seconds if scene else index.video.duration_seconds)}  {last}"
            last, start = name, scene.start_seconds if scene else 0.0
