"""TTML (also DFXP, IMSC, EBU-TT): read as a stream of elements, so that depth costs nothing and a broken end
loses only what follows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from html.entities import html5
from xml.parsers import expat

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles.text import Line, tidy

_DEEPEST = 100
_TOUCHING = Fraction(1, 5)
_ROOT = re.compile(r"<(?:[\w-]+:)?tt[\s>]")
_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,2}):)?(\d{1,2})(?:\.(\d{1,9})|:(\d{1,4})(?:\.\d{1,4})?)?")
_OFFSET = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?(h|m|s|ms|f|t)")
_UNIT = {"h": 3600, "m": 60, "s": 1, "ms": Fraction(1, 1000)}
_NOT_SAID = frozenset({"metadata", "title", "desc", "copyright", "agent", "name", "actor", "animate", "set"})
_READINGS = frozenset({"text", "textContainer", "delimiter"})
"""Ruby: how a word is read, beside the word itself."""


def looks_like_ttml(text: str, suffix: str) -> bool:
    """Whether the file's name or its beginning says TTML."""
    return suffix in ("ttml", "dfxp", "itt") or _ROOT.search(text[:4000]) is not None


def read_ttml(text: str, name: str) -> tuple[list[Line], int, list[str]]:
    """Lines of plain text, how many could not be timed, and notes. Raises `SubtitleError` for what is no
    TTML.
    """
    reader = _Reader(name)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.UseForeignDTD(True)  # `&nbsp;` is nowhere declared, yet often used
    parser.SkippedEntityHandler = reader.entity
    parser.EntityDeclHandler = reader.declaration
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    notes: list[str] = []
    try:
        parser.Parse(text.lstrip("\ufeff \t\r\n"), True)
    except expat.ExpatError as error:
        if not reader.lines:
            raise SubtitleError(f"{name}: not TTML that can be read ({error}); convert it to SRT") from error
        notes.append(f"the XML is broken at line {error.lineno}; what follows is not read")
    return reader.lines, reader.untimed, notes


@dataclass(frozen=True, slots=True)
class _Words:
    """Words of a line, with a span of their own where they have one."""

    text: str
    start: Fraction | None = None
    stop: Fraction | None = None


@dataclass(slots=True)
class _Element:
    """An open element. Times in seconds on the file's clock; in a sequence the next child begins at `cursor`.

    `placed` says that it or one around it has a time, `quiet` that nothing in it is said.
    """

    tag: str
    start: Fraction = Fraction(0)
    stop: Fraction | None = None
    timed: bool = False
    placed: bool = False
    quiet: bool = False
    cursor: Fraction | None = None
    words: list[_Words] = field(default_factory=list[_Words])


class _Reader:
    """What expat tells, gathered into lines: each `p` is one; without times of its own, each timed `span` in
    it is.
    """

    def __init__(self, name: str) -> None:
        self.lines: list[Line] = []
        self.untimed = 0
        self._name = name
        self._open: list[_Element] = []
        self._frames_per_second = Fraction(30)
        self._ticks_per_second = Fraction(1)

    def declaration(self, *_: object) -> None:
        raise SubtitleError(
            f"{self._name}: it declares entities of its own, which are not read; convert it to SRT"
        )

    def entity(self, entity_name: str, is_parameter: bool) -> None:
        if not is_parameter:
            self.characters(html5.get(f"{entity_name};", ""))

    def start(self, full_tag: str, attributes: dict[str, str]) -> None:
        tag = full_tag.rpartition(" ")[2]
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if not self._open:
            if tag != "tt":
                raise SubtitleError(f"{self._name}: not TTML, it begins with <{tag[:40]}>; convert it to SRT")
            self._rates(values)
        if len(self._open) >= _DEEPEST:
            raise SubtitleError(f"{self._name}: elements {_DEEPEST} deep are not read; convert it to SRT")
        self._open.append(self._element(tag, values))

    def _rates(self, values: dict[str, str]) -> None:
        """What a frame and a tick are. Where the file does not say it, the standard does."""
        rate = _positive(values.get("frameRate", ""))
        scale = [_positive(part) for part in values.get("frameRateMultiplier", "").split()]
        self._frames_per_second = rate or Fraction(30)
        if len(scale) == 2 and scale[0] and scale[1]:
            self._frames_per_second *= scale[0] / scale[1]
        self._ticks_per_second = _positive(values.get("tickRate", "")) or (
            self._frames_per_second if rate else Fraction(1)
        )

    def _element(self, tag: str, values: dict[str, str]) -> _Element:
        above = self._open[-1] if self._open else _Element("")
        quiet = above.quiet or tag in _NOT_SAID or values.get("ruby") in _READINGS
        origin = above.start if above.cursor is None else above.cursor
        times = {key: self._seconds(values[key]) for key in ("begin", "end", "dur") if key in values}
        if None in times.values():
            self.untimed += not quiet  # nothing below it can be placed
            return _Element(tag, quiet=True)
        begin, end, length = times.get("begin"), times.get("end"), times.get("dur")
        start = origin + (begin or 0)
        ends = [stop for stop in (end and origin + end, length and start + length) if stop is not None]
        stop = min(ends) if ends else above.stop
        if above.cursor is not None and stop is not None:
            above.cursor = stop
        in_sequence = values.get("timeContainer") == "seq"
        placed = above.placed or bool(times)
        return _Element(tag, start, stop, bool(times), placed, quiet, start if in_sequence else None)

    def _seconds(self, expression: str) -> Fraction | None:
        expression = expression.strip()
        if found := _CLOCK.fullmatch(expression):
            hours, minutes, seconds = (int(found[n] or 0) for n in (1, 2, 3))
            whole = Fraction((hours * 60 + minutes) * 60 + seconds)
            return (
                whole
                + Fraction(f"0.{found[4] or 0}")
                + Fraction(int(found[5] or 0)) / self._frames_per_second
            )
        if found := _OFFSET.fullmatch(expression):
            number = Fraction(f"{found[1]}.{found[2] or 0}")
            match found[3]:
                case "f":
                    return number / self._frames_per_second
                case "t":
                    return number / self._ticks_per_second
                case unit:
                    return number * _UNIT[unit]
        return None

    def characters(self, data: str) -> None:
        if self._open and not self._open[-1].quiet:
            self._open[-1].words.append(_Words(re.sub(r"\s+", " ", data)))

    def end(self, full_tag: str) -> None:
        element = self._open.pop()
        if element.quiet or not self._open:
            return
        above = self._open[-1]
        if element.tag == "br":
            above.words.append(_Words("\n"))
        elif element.tag == "p":
            self._paragraph(element)
        elif element.tag == "span" and element.timed:
            above.words.append(_Words(_joined(element.words), element.start, element.stop))
        elif element.tag == "span":
            above.words += element.words

    def _paragraph(self, paragraph: _Element) -> None:
        if paragraph.timed or all(words.start is None for words in paragraph.words):
            self._line(
                _joined(paragraph.words), paragraph.start if paragraph.placed else None, paragraph.stop
            )
            return
        # Spans that follow one another at once are one line, word by word.
        text, start, stop = "", None, None
        for words in [*paragraph.words, _Words("\n")]:
            breaks = (
                words.text == "\n" if words.start is None else stop is None or words.start > stop + _TOUCHING
            )
            if breaks and start is not None:
                self._line(text, start, stop)
                text, start, stop = "", None, None
            if words.start is not None:
                start, stop = words.start if start is None else start, words.stop
            text += words.text
            if start is None and words.text.strip(" \n"):
                self._line(text, paragraph.start if paragraph.placed else None, paragraph.stop)
                text = ""

    def _line(self, words: str, start: Fraction | None, stop: Fraction | None) -> None:
        text = tidy(words)
        if text and start is None:
            self.untimed += 1
        elif text and start is not None:
            self.lines.append(
                Line(round(start * 1000), round((start if stop is None else stop) * 1000), text)
            )


def _joined(words: list[_Words]) -> str:
    return "".join(part.text for part in words)


def _positive(number: str) -> Fraction | None:
    """A rate as the file has it; None for none, and for what cannot be one."""
    return Fraction(number.strip()) if re.fullmatch(r"\s*[1-9]\d{0,8}\s*", number) else None
