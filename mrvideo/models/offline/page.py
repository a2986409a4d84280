"""What was read and heard of a video, on one page: each text and each sentence once, with its times."""

from __future__ import annotations

from collections.abc import Iterator

from mrvideo.models.offline.timeline import SOUND, Item, Timeline, distinct, is_sound, role_of, timeline_of
from mrvideo.models.offline.wording import UNREADABLE, main_colour, picture_sentence_of
from mrvideo.records import Index, clock, merge_spans
from mrvideo.schemas.analysis import Finding, KeyCharacter
from mrvideo.text import language_of
from mrvideo.wording import counted

NO_SPEECH = 'its sound was not transcribed: pip install "mrvideo[asr]", then index it with --speech faster-whisper:small'
MOST_SPANS = 6


def page(index: Index) -> list[str]:
    """Lines of plain text: size, texts on screen, speech, colours, and what could not be read or heard."""
    timeline = _timeline(index)
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


def _timeline(index: Index) -> Timeline:
    signs = [
        (s.start_seconds, s.stop_seconds, "caption", s.text)
        for scene in index.scenes
        for s in scene.sightings
    ]
    cues = [(c.start_seconds, c.stop_seconds, "cue", c.text) for c in index.cues]
    findings = [
        Finding(start_seconds=start, stop_seconds=stop, source=source, quote=text)  # pyright: ignore[reportArgumentType]
        for start, stop, source, text in (*signs, *cues)
        if text.strip()
    ]
    return timeline_of(
        findings,
        _roles(index),
        language_of(" ".join(cue.text for cue in index.cues[:50])),
        stop_seconds=index.video.duration_seconds,
        shots=tuple(shot.start_seconds for shot in index.shots),
    )


def _roles(index: Index) -> list[KeyCharacter]:
    """Who says which cue, and which are sounds."""
    told = [(c, SOUND if is_sound(c.text) else c.speaker) for c in index.cues]
    return [role_of(c.start_seconds, c.text, role) for c, role in told if role]


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
