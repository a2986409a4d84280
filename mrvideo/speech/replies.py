"""Parse replies of transcription servers: segments, words, or text alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from mrvideo.speech.port import Segment, Transcription, says_silence

_PAUSE_SECONDS = 0.8
_CUE_SECONDS = 7.0


def transcription_of(data: object, duration_seconds: float) -> Transcription | None:
    """The reply as a `Transcription`, with times clamped to the sound; None when it has neither text nor
    segments.
    """
    if not isinstance(data, Mapping):
        return None
    fields = cast("Mapping[str, object]", data)
    listed, words, text = _items(fields, "segments"), _items(fields, "words"), fields.get("text")
    if listed is None and words is None and not isinstance(text, str):
        return None
    told = [cast("Mapping[str, object]", item) for item in listed or [] if isinstance(item, Mapping)]
    spoken = [item for item in told if not says_silence(item.get("no_speech_prob"), item.get("avg_logprob"))]
    silent = len(told) - len(spoken)
    segments = _segments(spoken, duration_seconds)
    if not segments and not silent:
        segments = _from_words(words or [], duration_seconds)
    whole = text if isinstance(text, str) else ""
    if silent:
        # The whole text holds their words too.
        whole = " ".join(_text(item, "text") for item in spoken)
    language = fields.get("language")
    return Transcription(
        segments=tuple(segments),
        text=whole.strip(),
        language=language if isinstance(language, str) and language else None,
        silent=silent,
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    """A text field; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _items(fields: Mapping[str, object], name: str) -> list[object] | None:
    value = fields.get(name)
    return cast("list[object]", value) if isinstance(value, list) else None


def _segments(listed: Sequence[object], duration_seconds: float) -> list[Segment]:
    segments: list[Segment] = []
    for item in listed:
        timed = _timed(item, "text", duration_seconds)
        if timed is not None:
            segments.append(timed)
    return segments


def _from_words(words: list[object], duration_seconds: float) -> list[Segment]:
    """Words gathered into lines: until a pause, the end of a sentence, another speaker, or seven seconds."""
    lines: list[list[Segment]] = []
    for item in words:
        word = _timed(item, "word", duration_seconds) or _timed(item, "text", duration_seconds)
        if word is None:
            continue
        if lines and _continues(lines[-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [
        Segment(
            start_seconds=line[0].start_seconds,
            stop_seconds=max(word.stop_seconds for word in line),
            text=" ".join(word.text for word in line),
            speaker=line[0].speaker,
        )
        for line in lines
    ]


def _continues(line: Sequence[Segment], word: Segment) -> bool:
    last = line[-1]
    return (
        last.speaker == word.speaker
        and not last.text.endswith((".", "?", "!", "。", "？", "！"))
        and word.start_seconds - last.stop_seconds < _PAUSE_SECONDS
        and word.stop_seconds - line[0].start_seconds <= _CUE_SECONDS
    )


def _timed(item: object, words_field: str, duration_seconds: float) -> Segment | None:
    if not isinstance(item, Mapping):
        return None
    fields = cast("Mapping[str, object]", item)
    text = " ".join(_text(fields, words_field).split())
    start, stop = _seconds(fields.get("start")), _seconds(fields.get("end"))
    if not text or start is None:
        return None
    start = min(max(start, 0.0), duration_seconds)
    return Segment(
        start_seconds=start,
        stop_seconds=min(max(start if stop is None else stop, start), duration_seconds),
        text=text,
        speaker=" ".join(_text(fields, "speaker").split()) or None,
    )


def _seconds(value: object) -> float | None:
    """A time, also as text; None for what is none."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
