"""What was measured, as sentences: the captions of the offline model. They name only what was read, heard or measured."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.motion import Motion
from mrvideo.records import Sighting
from mrvideo.schemas.shared import CueLine

LAST_FRAME = "The last frame looked at is at "
NOTHING_READ = "No text on screen."


def brief_caption(texts: Sequence[str], motion: Motion, colours: Sequence[tuple[str, float]]) -> str:
    """One line: what is written, else what it looks like."""
    if texts:
        return f"Text on screen: {quoted(texts[:4])}"
    return f"{_first_capital(motion)}, mostly {colours[0][0]}" if colours else _first_capital(motion)


def detailed_caption(
    sightings: Sequence[Sighting],
    motion: Motion,
    colours: Sequence[tuple[str, float]],
    cues: Sequence[CueLine],
    named: Sequence[str] = (),
) -> str:
    """Everything that was measured, in a fixed order: picture, text, speech."""
    sentences: list[str] = []
    if colours:
        rest = [name for name, _ in colours[1:]]
        also = f", with {_listed(rest)}" if rest else ""
        sentences.append(f"The picture is mostly {colours[0][0]}{also}.")
    sentences.append(
        {"still": "Nothing moves.", "a little motion": "A little moves.", "motion": "Much moves."}[motion]
    )
    texts = list(dict.fromkeys(sighting.text for sighting in sightings))
    sentences.append(f"Text on screen: {quoted(texts)}." if texts else NOTHING_READ)
    if cues:
        said = " ".join(f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text for cue in cues)
        sentences.append(f"Speech: {said}")
    if named:
        sentences.append(f"Named in it: {_listed([f'<{name}>' for name in named])}.")
    return " ".join(sentences)


def quoted(texts: Sequence[str]) -> str:
    """`“A”, “B”`."""
    return ", ".join(f"“{text}”" for text in texts)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 2 else list(words))


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]
