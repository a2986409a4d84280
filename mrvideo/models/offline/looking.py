"""Fresh frames: which texts stand there, and does one claim hold? Frames are read one by one, only as many as it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mrvideo.models.base import Picture as Labelled
from mrvideo.models.offline.colours import dominant_colours
from mrvideo.models.offline.engine import read_picture
from mrvideo.models.offline.pictures import Picture
from mrvideo.models.offline.planning import bearing
from mrvideo.models.offline.questions import parse_question
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.wording import LAST_FRAME, quoted
from mrvideo.models.offline.words import times_in
from mrvideo.schemas.analysis import LookInputs, LookReply, Observation, VerifyInputs, VerifyReply
from mrvideo.text import holds, skeleton, tokens

MOST_READ = 3

LAST_FRAME_SECONDS = 0.6
"""Another look samples other frames: the last of each lie this close."""

MOST_OBSERVATIONS = 40
_QUOTE = re.compile(r"“([^”]+)”|\"([^\"]+)\"")
_ON_SCREEN = re.compile(
    r"\b(?:text|word|sign|title|caption|number|code|screen|written|reads?|shown|displayed|visible|appears?)\b",
    re.IGNORECASE,
)
_SAID = re.compile(r"\b(?:said|says?|spoken|heard|mention\w*)\b", re.IGNORECASE)
_RELATION = re.compile(r"\b(?:before|after|first|last|then|times|only|never|not|more|fewer)\b", re.IGNORECASE)
_MOSTLY = re.compile(r"\bpicture (?:is )?mostly ([a-z ]+)")


def look(inputs: LookInputs, pictures: Sequence[Labelled]) -> LookReply:
    """The texts of a few frames that bear on the question."""
    question = parse_question(inputs.question, inputs.options)
    observations: list[Observation] = []
    if question.kind == "video_length" and pictures:
        return _last_frame(pictures)
    for number, picture in enumerate(_from_the_middle(pictures)):
        if number >= MOST_READ or (number and observations):
            break
        time = picture.time_seconds
        signs = tuple(Item(time, time, line.text, "screen") for line in read_picture(picture.jpeg))
        strong, weak = bearing(question, Timeline(screen=signs, stop_seconds=time))
        for item in {i.text: i for i in (*strong, *weak)}.values():
            observations.append(
                Observation(
                    start_seconds=time,
                    stop_seconds=time,
                    text=f"The text {quoted([item.text])} is on screen.",
                )
            )
    texts = list(dict.fromkeys(o.text for o in observations))
    return LookReply(
        observations=tuple(observations[:MOST_OBSERVATIONS]),
        conclusion=" ".join(texts[:10]) or "No text on these frames bears on it.",
        confidence=4 if observations else 2,
    )


def _last_frame(pictures: Sequence[Labelled]) -> LookReply:
    time = max(picture.time_seconds for picture in pictures)
    text = f"{LAST_FRAME}{time:.2f} s."
    seen = Observation(start_seconds=time, stop_seconds=time, text=text)
    return LookReply(observations=(seen,), conclusion=text, confidence=5)


def verify(inputs: VerifyInputs, pictures: Sequence[Labelled]) -> VerifyReply:
    """Yes or no where reading tells; unclear for everything that takes seeing."""
    quotes = [a or b for a, b in _QUOTE.findall(inputs.check)]
    if match := _MOSTLY.search(inputs.check):
        return _mostly(match.group(1).strip(), pictures)
    if inputs.check.startswith(LAST_FRAME) and pictures:
        last = max(picture.time_seconds for picture in pictures)
        named = times_in(inputs.check)
        same = bool(named) and abs(last - named[0]) <= LAST_FRAME_SECONDS
        return VerifyReply(
            verdict="yes" if same else "unclear", seen=f"The last frame shown is at {last:.2f} s."
        )
    outside = _QUOTE.sub("", inputs.check)
    if not quotes or _RELATION.search(outside):
        return VerifyReply(verdict="unclear", seen="Only texts and speech can be checked here.")
    if _SAID.search(outside):
        heard = [cue.text for cue in inputs.cues if all(holds(cue.text, q) >= 0.85 for q in quotes)]
        if heard:
            return VerifyReply(verdict="yes", seen=heard[0])
        return VerifyReply(
            verdict="no" if inputs.cues else "unclear", seen="The cues of this span do not hold it."
        )
    if not _ON_SCREEN.search(outside):
        return VerifyReply(verdict="unclear", seen="Only texts and speech can be checked here.")
    return _on_screen(quotes, pictures)


def _on_screen(quotes: Sequence[str], pictures: Sequence[Labelled]) -> VerifyReply:
    read: list[str] = []
    for picture in _from_the_middle(pictures):
        lines = [line.text for line in read_picture(picture.jpeg)]
        if all(_stands_in(quote, lines) for quote in quotes):
            return VerifyReply(verdict="yes", seen=f"At {picture.time_seconds:.2f} s: {quoted(lines)}")
        read += lines
    if not pictures:
        return VerifyReply(verdict="unclear", seen="No frames were shown.")
    seen = quoted(list(dict.fromkeys(read))[:8]) if read else "no text"
    return VerifyReply(verdict="no", seen=f"These frames show {seen}.")


def _stands_in(quote: str, lines: Sequence[str]) -> bool:
    """Whether a frame's lines hold the quote: in one line, or its words spread over several."""
    if any(holds(line, quote) >= 0.85 for line in lines) or holds(" ".join(lines), quote) >= 0.85:
        return True
    read = "".join(skeleton(line) for line in lines)
    words = [skeleton(word) for word in tokens(quote)]
    return len(words) > 1 and sum(word in read for word in words) >= 0.8 * len(words)


def _mostly(colour: str, pictures: Sequence[Labelled]) -> VerifyReply:
    if not pictures:
        return VerifyReply(verdict="unclear", seen="No frames were shown.")
    names = [name for name, _ in dominant_colours([Picture(p.jpeg, p.time_seconds) for p in pictures])]
    return VerifyReply(verdict="yes" if colour in names else "no", seen=f"The picture is mostly {names[0]}.")


def _from_the_middle(pictures: Sequence[Labelled]) -> Iterator[Labelled]:
    """The middle one first: at a span's ends a text may just be coming or going."""
    middle = (len(pictures) - 1) / 2
    yield from sorted(pictures, key=lambda p: abs(pictures.index(p) - middle))
