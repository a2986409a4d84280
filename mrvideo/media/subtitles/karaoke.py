"""Lines that an effect has cut into letters, or lets grow letter by letter, made whole again.

H        0:01.0–0:03.0 at (100, 40)
  e      0:01.1–0:03.0 at (112, 40)        →   Hello   0:01.0–0:03.0
    l    …
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from mrvideo.media.subtitles.text import Line

_TOUCHING_MS = 200
_LONGEST_MS = 15_000
_FEWEST, _FEWEST_UNPLACED = 3, 4
_TEMPLATE_MARGIN_MS = 1500


@dataclass(frozen=True, slots=True)
class SubtitleEvent:
    """A line as a file has it, with what tells which line a letter belongs to. `place` is in pixels, from the
    left and the top; `spaced` says that a space follows.
    """

    start_ms: int
    stop_ms: int
    text: str
    spaced: bool = False
    speaker: str | None = None
    style: str = ""
    effect: str = ""
    place: tuple[float, float] | None = None

    @property
    def is_letters(self) -> bool:
        """Whether it can be a part of a word: one letter; a syllable where an effect made it or placed it."""
        if self.place is None and not self.effect.startswith("fx"):
            return len(self.text) == 1 and self.text.isalpha()
        return "\n" not in self.text and len(self.text) <= (8 if self.effect.startswith("fx") else 3)


def rejoined(lines: Sequence[Line]) -> list[Line]:
    """The lines of a format without places, runs of single letters joined."""
    if sum(len(line.text) == 1 for line in lines) < _FEWEST_UNPLACED:
        return list(lines)
    return whole(
        [SubtitleEvent(line.start_ms, line.stop_ms, line.text, speaker=line.speaker) for line in lines], []
    )


def whole(events: Sequence[SubtitleEvent], templates: Sequence[SubtitleEvent]) -> list[Line]:
    """The lines, letters joined. `templates` are the comments that an effect was made from: they stand for
    what it made at their time.
    """
    effects = [event for event in events if event.effect.startswith("fx")]
    made = _Times(effects)
    made_from = [template for template in templates if made.hold(template)]
    stood_for = _Times(made_from)
    kept = [event for event in events if not (event.effect.startswith("fx") and stood_for.hold(event))]
    letters: dict[tuple[str, str | None, float | None], list[SubtitleEvent]] = defaultdict(list)
    for event in kept:
        if event.is_letters:
            letters[event.style, event.speaker, event.place[1] if event.place else None].append(event)
    joined: dict[int, SubtitleEvent | None] = {}
    for row in letters.values():
        if len(row) >= _FEWEST:
            _join(row, joined)
    return [
        Line(stands.start_ms, stands.stop_ms, stands.text, stands.speaker)
        for event in [*made_from, *kept]
        if (stands := joined.get(id(event), event)) is not None and stands.text
    ]


class _Times:
    """Spans with a margin, asked whether they touch another."""

    def __init__(self, events: Iterable[SubtitleEvent]) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for event in sorted(events, key=lambda event: event.start_ms):
            self._starts.append(event.start_ms - _TEMPLATE_MARGIN_MS)
            latest = self._stops[-1] if self._stops else event.stop_ms
            self._stops.append(max(latest, event.stop_ms + _TEMPLATE_MARGIN_MS))

    def hold(self, event: SubtitleEvent) -> bool:
        before = bisect_right(self._starts, event.stop_ms)
        return before > 0 and self._stops[before - 1] >= event.start_ms


@dataclass(slots=True)
class _Letter:
    """Events that stand at one place one after the other (coming, lit, going): one letter, and when it stands
    there.
    """

    event: SubtitleEvent
    stop_ms: int
    members: list[SubtitleEvent]


def _join(row: list[SubtitleEvent], joined: dict[int, SubtitleEvent | None]) -> None:
    """Note for each event of a joined line what stands in its place: the line for the first, nothing for the
    others.
    """
    line: SubtitleEvent | None = None
    first = 0
    for run in _runs(_letters(row)):
        members = [member for letter in run for member in letter.members]
        text = _text(run)
        fewest = _FEWEST_UNPLACED if run[0].event.place is None else _FEWEST
        if len(run) < fewest or not text:
            if line is not None and all(_left_over(line, letter) for letter in run):
                joined |= {id(member): None for member in members}
            continue
        stop_ms = max(letter.stop_ms for letter in run)
        joined |= {id(member): None for member in members}
        if line is not None and line.text == text and run[0].event.start_ms <= line.stop_ms + _TOUCHING_MS:
            # The same letters in another phase of the effect, moved a little.
            line = replace(line, stop_ms=max(line.stop_ms, stop_ms))
        else:
            line, first = replace(run[0].event, text=text, stop_ms=stop_ms), id(members[0])
        joined[first] = line


def _letters(row: Sequence[SubtitleEvent]) -> list[_Letter]:
    letters: list[_Letter] = []
    latest: dict[tuple[str, tuple[float, float]], _Letter] = {}
    for event in sorted(row, key=lambda event: (event.start_ms, event.place or (0.0, 0.0))):
        key = (event.text, event.place) if event.place else None
        last = latest.get(key) if key else None
        if last is not None and event.start_ms <= last.stop_ms + _TOUCHING_MS:
            last.members.append(event)
            last.stop_ms = max(last.stop_ms, event.stop_ms)
            continue
        letter = _Letter(event, event.stop_ms, [event])
        letters.append(letter)
        if key:
            latest[key] = letter
    return letters


def _runs(letters: Iterable[_Letter]) -> Iterator[list[_Letter]]:
    """Letters of one line: each begins while one before it still stands, and follows the last."""
    run: list[_Letter] = []
    stop_ms = 0
    for letter in letters:
        start_ms = letter.event.start_ms
        if run and not (
            start_ms <= stop_ms + _TOUCHING_MS
            and start_ms - run[0].event.start_ms <= _LONGEST_MS
            and _follows(run[-1].event, letter.event)
        ):
            yield run
            run, stop_ms = [], 0
        run.append(letter)
        stop_ms = max(stop_ms, letter.stop_ms)
    if run:
        yield run


def _follows(last: SubtitleEvent, letter: SubtitleEvent) -> bool:
    """To the right of it, where both have a place; else later."""
    if last.place is None or letter.place is None:
        return letter.start_ms > last.start_ms
    return letter.place[0] > last.place[0]


def _left_over(line: SubtitleEvent, letter: _Letter) -> bool:
    start_ms = letter.event.start_ms
    near = start_ms <= line.stop_ms + _TOUCHING_MS and letter.stop_ms >= line.start_ms - _TOUCHING_MS
    return near and letter.event.place is not None and letter.event.text in line.text


def _text(run: Sequence[_Letter]) -> str:
    """The letters in a row, with spaces where the file has them, or where places leave more room than between
    others.
    """
    events = [letter.event for letter in run]
    steps = [
        (after.place[0] - before.place[0]) * 2 / max(len(before.text) + len(after.text), 1)
        for before, after in pairwise(events)
        if before.place and after.place
    ]
    wide = 1.6 * median(steps) if steps and len(steps) == len(run) - 1 else math.inf
    text: list[str] = []
    for number, event in enumerate(events):
        gap = event.spaced or not event.text or (number < len(steps) and steps[number] > wide)
        text.append(event.text + (" " if gap else ""))
    return " ".join("".join(text).split())


def grown(lines: Sequence[Line]) -> list[Line]:
    """Lines without those that the next one goes on from: `H`, `He`, `Hel` … are one, from when the first
    letter stood.

    Two in a row are left alone: somebody may repeat the other's words.
    """
    result: list[Line] = []
    run: list[Line] = []

    def close() -> None:
        if len(run) >= _FEWEST:
            result.append(replace(run[-1], start_ms=run[0].start_ms))
        else:
            result.extend(run)
        run.clear()

    for line in lines:
        last = run[-1] if run else None
        goes_on = (
            last is not None
            and line.start_ms > last.start_ms
            and abs(line.start_ms - last.stop_ms) <= _TOUCHING_MS
            and line.speaker == last.speaker
            and len(line.text) > len(last.text)
            and line.text.startswith(last.text)
        )
        if not goes_on:
            close()
        run.append(line)
    close()
    return result
