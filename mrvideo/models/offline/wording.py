"""Words that the offline model writes and reads again, each beside the other: captions, looks, claims and
their checks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from mrvideo.records import Span, clock
from mrvideo.schemas.shared import CueLine

NOTHING_READ = "No text on screen."
UNREADABLE = "Text that could not be read."
Motion: TypeAlias = Literal["still", "a little motion", "motion"]
_MOTION = {"still": "Nothing moves.", "a little motion": "A little moves.", "motion": "Much moves."}

# Captions --------------------------------------------------------------------------------------------


def brief_caption(texts: Sequence[str], motion: Motion, colours: Sequence[str]) -> str:
    """One line: what is written, else what it looks like."""
    if texts:
        return f"Text on screen: {quoted(texts[:4])}"
    words = motion[:1].upper() + motion[1:]
    return f"{words}, mostly {colours[0]}" if colours else words


def detailed_caption(
    texts: Sequence[str],
    motion: Motion,
    colours: Sequence[str],
    cues: Sequence[CueLine],
    named: Sequence[str] = (),
    *,
    unread: bool = False,
) -> str:
    """Everything that was measured, in a fixed order: picture, text, speech."""
    sentences = [picture_sentence(colours)] if colours else []
    sentences.append(_MOTION[motion])
    sentences.append(f"Text on screen: {quoted(texts)}." if texts else NOTHING_READ)
    sentences += [UNREADABLE] if unread else []
    if cues:
        said = " ".join(f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text for cue in cues)
        sentences.append(f"Speech: {said}")
    if named:
        sentences.append(f"Named in it: {_listed([f'<{name}>' for name in named])}.")
    return " ".join(sentences)


_PICTURE = re.compile(r"The picture is mostly ([a-z -]+?)(?:, with ([a-z ,-]+))?(?:\.|$|,)")


def picture_sentence(colours: Sequence[str]) -> str:
    """The largest colour first."""
    also = f", with {_listed(colours[1:])}" if colours[1:] else ""
    return f"The picture is mostly {colours[0]}{also}."


def tells_picture(quote: str) -> bool:
    """Whether a quote of a caption is (part of) its sentence on colours."""
    return quote.startswith("The picture is mostly ")


def picture_sentence_of(caption: str) -> str | None:
    """The sentence on colours that a caption of ours begins with."""
    match = _PICTURE.match(caption)
    return match.group() if match else None


def main_colour(sentence: str) -> str:
    """The largest colour of such a sentence; "" of any other."""
    match = _PICTURE.match(sentence)
    return match.group(1) if match else ""


def quoted(texts: Sequence[str]) -> str:
    """`“A”, “B”`."""
    return ", ".join(f"“{text}”" for text in texts)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 2 else list(words))


# Looks -----------------------------------------------------------------------------------------------

_LAST_FRAME = re.compile(r"The last frame looked at is at ([\d.]+) s\.")
_SEEN = re.compile(r"“([^”]+)”")


def line_seen(text: str) -> str:
    """A text on a fresh frame, as an observation."""
    return f"The text {quoted([text])} is on screen."


def lines_seen(observation: str) -> list[str]:
    """The texts that an observation quotes."""
    return _SEEN.findall(observation)


def last_frame(seconds: float) -> str:
    """Where the frames of a look end."""
    return f"The last frame looked at is at {seconds:.2f} s."


def is_last_frame(text: str) -> bool:
    """Whether an observation tells where the frames of a look end."""
    return _LAST_FRAME.match(text) is not None


# Claims and checks -----------------------------------------------------------------------------------

About: TypeAlias = Literal["screen", "speech", "colour", "end", "other"]

_QUOTE = re.compile(r"“([^”]+)”|\"([^\"]+)\"")
_ON_SCREEN = re.compile(
    r"\b(?:text|word|sign|title|caption|number|code|screen|written|reads?|shown|displayed|visible|appears?)\b",
    re.I,
)
_SAID = re.compile(r"\b(?:said|says?|spoken|heard|mention\w*)\b", re.I)
_RELATION = re.compile(r"\b(?:before|after|first|last|then|times|only|never|not|more|fewer)\b", re.I)
_MOSTLY = re.compile(r"\bpicture (?:is )?mostly ([a-z ]+)")


def claim_on_screen(text: str, span: Span) -> tuple[str, str]:
    """A claim and its check."""
    return f"The text “{text}” is on screen at {span}.", f"Is the text “{text}” on screen?"


def claim_said(text: str, speaker: str | None, span: Span) -> tuple[str, str]:
    """A claim and its check."""
    who = f"{speaker} says" if speaker else "It is said"
    return f"{who} at {span}: “{text}”", f"Is “{text}” said?"


def claim_of_colour(colour: str, span: Span) -> tuple[str, str]:
    """A claim and its check."""
    return f"The picture is mostly {colour} at {span}.", f"Is the picture mostly {colour}?"


def claim_of_end(seconds: float) -> tuple[str, str]:
    """A claim and its check."""
    words = f"The last scene ends at {clock(seconds)} ({seconds:.1f} s)."
    return words, words


def check_of(words: str) -> tuple[About, tuple[str, ...]]:
    """What a yes-or-no question is about, also where another model worded it, and its quotations, its colour,
    or the time in seconds of its last frame.
    """
    if match := _MOSTLY.search(words):
        return "colour", (match[1].strip(),)
    if match := _LAST_FRAME.match(words):
        return "end", (match[1],)
    quotes = tuple(a or b for a, b in _QUOTE.findall(words))
    outside = _QUOTE.sub("", words)
    if not quotes or _RELATION.search(outside):
        return "other", ()
    if _SAID.search(outside):
        return "speech", quotes
    return ("screen" if _ON_SCREEN.search(outside) else "other"), quotes
