"""Every text on screen with its own span, from the frames of one clip.

frames     0.0  0.5  1.0  1.5  2.0  2.5  3.0      read: the frames that changed, at least one each second
read        x         x         x         x
tracks                [== KANGAROO ==)            between two readings, the text's own box tells
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mrvideo.models.offline.reading.engine import Line, read_box
from mrvideo.models.offline.reading.pictures import Picture, box_unchanged, changed_share
from mrvideo.models.offline.reading.sheet import Sheet
from mrvideo.records import Sighting, Span
from mrvideo.text import resemblance, same_text, squeezed

MISREAD_SECONDS = 1.1
"""What is read for longer than this is a text of its own."""

CERTAIN_SCORE = 0.97

SAME_PLACE = 0.8
"""Shared area from which two lines that could not be read are one and the same."""

READ_EVERY_SECONDS = 0.95
"""While everything moves: one frame a second. A text shown for 2 s is then on at least two of them."""

STILL_SHARE = 0.0
"""Share of changed blocks up to which a frame is not read again."""


@dataclass
class Track:
    """One text and the frames on which it was seen: frame number → the line as read there."""

    frames: Sequence[Picture]
    seen: dict[int, Line]

    @property
    def text(self) -> str:
        """The reading that most frames agree on; the surest among equals."""
        votes = Counter(line.text for line in self.seen.values())
        surest = {line.text: line.score for line in sorted(self.seen.values(), key=lambda line: line.score)}
        return max(votes, key=lambda text: (votes[text], surest[text]))

    @property
    def first(self) -> int:
        """Number of the first frame that shows it."""
        return min(self.seen)

    @property
    def last(self) -> int:
        """Number of the last frame that shows it."""
        return max(self.seen)

    @property
    def steady(self) -> bool:
        """Whether it is text: read with certainty once, or alike on two frames."""
        return len(self.seen) > 1 or max(line.score for line in self.seen.values()) >= CERTAIN_SCORE

    def nearest(self, frame: int) -> int:
        """The number closest to a frame's of those that show it."""
        return min(self.seen, key=lambda number: abs(number - frame))

    def near(self, frame: int) -> Line:
        """The line as read closest to a frame."""
        return self.seen[self.nearest(frame)]

    def together_with(self, other: Track) -> bool:
        """Whether they come and go together."""
        return abs(other.first - self.first) <= 1 and abs(other.last - self.last) <= 1

    def is_unchanged(self, frame: int) -> bool:
        """Whether its box looks on a frame as on the closest one that shows it."""
        return box_unchanged(self.frames[self.nearest(frame)], self.frames[frame], self.near(frame))

    def stands_on(self, frame: int, others: Sequence[str] = ()) -> bool:
        """Whether the text stands in its box on a frame, also half faded; not when another known text does."""
        if self.is_unchanged(frame):
            return True
        read = read_box(self.frames[frame].pixels, self.near(frame))
        if same_text(read, self.text):
            return True
        return resemblance(read, self.text) >= 0.75 and not any(same_text(read, other) for other in others)

    def extend(self, frame: int) -> None:
        """It stands on a frame as on the closest one that shows it."""
        self.seen[frame] = self.near(frame)


@dataclass(frozen=True)
class ClipTexts:
    """What is written on a clip; `unread`: something stands there like text, and could not be read."""

    sightings: tuple[Sighting, ...] = ()
    unread: bool = False


def read_clip(frames: Sequence[Picture], span: Span, cut_times: Sequence[float] = ()) -> ClipTexts:
    """The texts of consecutive frames, each over its own span inside `span`, in order of appearance. Blocks."""
    if not frames:
        return ClipTexts()
    chosen = _frames_to_read(frames)
    sheet = Sheet()
    lines = {number: sheet.read(frames[number]) for number in chosen}
    tracks = _absorb_misreadings(_join_readings(lines, chosen, frames), frames, chosen)
    for track in tracks:
        _refine(track, chosen, [other.text for other in tracks if other is not track])
    kept = [track for track in tracks if track.steady]
    still = len(chosen) == 1 and len(frames) > 1
    strange = [[line for line in lines[number] if not line.text] for number in chosen]
    unread = (still and strange[0]) or any(
        line.overlap(other) > SAME_PLACE
        for ones, after in pairwise(strange)
        for line in ones
        for other in after
    )
    sightings = (_sighting(paragraph, frames, span, cut_times) for paragraph in _paragraphs(kept))
    return ClipTexts(tuple(sightings), bool(unread) and not kept)


def _frames_to_read(frames: Sequence[Picture]) -> list[int]:
    chosen = [0]
    for number in range(1, len(frames)):
        due = frames[number].time_seconds - frames[chosen[-1]].time_seconds >= READ_EVERY_SECONDS
        if (due or number == len(frames) - 1) and changed_share(
            frames[chosen[-1]], frames[number]
        ) > STILL_SHARE:
            chosen.append(number)
    return chosen


def _join_readings(
    lines: dict[int, tuple[Line, ...]], chosen: list[int], frames: Sequence[Picture]
) -> list[Track]:
    """Lines of successive readings that are one text become one track, also over one reading that overlooked
    it.
    """
    tracks: list[Track] = []
    before = overlooked = -1
    for number in chosen:
        for line in (line for line in lines[number] if line.text):
            alike = [
                track
                for track in tracks
                if (same_text(track.near(number).text, line.text) or same_text(track.text, line.text))
                and (track.last in (before, number) or (track.last == overlooked and track.stands_on(before)))
            ]
            if alike:
                # Of two equal texts at once, the one that stood there.
                best = max(alike, key=lambda track: track.near(number).overlap(line))
                best.seen.setdefault(number, line)
            else:
                tracks.append(Track(frames, {number: line}))
        before, overlooked = number, before
    return tracks


def _refine(track: Track, chosen: list[int], others: Sequence[str]) -> None:
    """Fill in the frames between readings, and move both ends to the frame where the text comes and goes."""
    # Inwards: frames between two that show it.
    for number in range(track.first, track.last + 1):
        if number not in track.seen and track.stands_on(number, others):
            track.extend(number)
    for step in (-1, 1):
        number = (track.first if step < 0 else track.last) + step
        inside = range(len(track.frames))
        while number in inside and number not in chosen and track.stands_on(number, others):
            track.extend(number)
            number += step
        # A reading that missed it although nothing changed in its box: the text stands there all the same.
        while number in inside and number in chosen and track.is_unchanged(number):
            track.extend(number)
            number += step


def _absorb_misreadings(tracks: list[Track], frames: Sequence[Picture], chosen: list[int]) -> list[Track]:
    """A reading that lasts a moment, beside a longer text in the same place that it resembles, is that text
    misread.

    Something passes in front of it, or it fades. What the misreading parted becomes one text again.
    """
    times = [frames[number].time_seconds for number in chosen]
    lasts = dict(zip(chosen, (b - a for a, b in pairwise([*times, times[-1] + 0.5])), strict=True))
    place = {number: position for position, number in enumerate(chosen)}

    def seconds(track: Track) -> float:
        return sum(lasts[number] for number in track.seen)

    kept: list[Track] = []
    for track in sorted(tracks, key=lambda track: (-seconds(track), -len(track.text), track.first)):
        brief = seconds(track) <= MISREAD_SECONDS
        hosts = (
            other
            for other in kept
            if brief
            and place[other.first] - 1 <= place[track.last]
            and place[track.first] <= place[other.last] + 1
            and _misread(track.near(other.first), other.near(track.first))
        )
        if host := next(hosts, None):
            for number in track.seen:
                host.seen.setdefault(number, host.near(number))
        else:
            kept.append(track)
    joined: list[Track] = []
    for track in sorted(kept, key=lambda t: (t.first, t.near(t.first).top, t.near(t.first).left)):
        ended = (
            t for t in joined if place[t.last] + 1 == place[track.first] and same_text(t.text, track.text)
        )
        if before := next(ended, None):
            before.seen.update(track.seen)
        else:
            joined.append(track)
    return joined


def better_of(
    line: Line, time_seconds: float, again: Sequence[tuple[Line, float]]
) -> list[tuple[Line, float]]:
    """What another picture shows in the line's place, each with its time, where the line is one of those
    misread; else the line.

    Several, where two close rows were read as one.
    """
    there = [
        (other, time) for other, time in again if line.overlap(other) >= 0.6 and other.score > line.score
    ]
    is_misread = line.score < CERTAIN_SCORE and any(_misread(line, other) for other, _ in there)
    return there if is_misread else [(line, time_seconds)]


def _misread(line: Line, other: Line) -> bool:
    """Whether the line is the other one misread."""
    if line.overlap(other) < 0.6:
        return False
    if squeezed(line.text) in squeezed(other.text):
        return True
    # A text that is read with certainty is a text of its own, however close it comes: Mike, Mark.
    return line.score < CERTAIN_SCORE and resemblance(line.text, other.text) >= 0.7


def _paragraphs(tracks: list[Track]) -> list[list[Track]]:
    """Lines that stand close together over the same frames."""
    table = _table(tracks)
    cells = {id(track) for row in table for track in row}
    texts: list[list[Track]] = []
    for track in (track for track in tracks if id(track) not in cells):
        line = track.near(track.first)
        for text in texts:
            if text[-1].together_with(track) and _adjoin(text[-1].near(track.first), line):
                text.append(track)
                break
        else:
            texts.append([track])
    return table + texts


def _table(tracks: list[Track]) -> list[list[Track]]:
    """Rows whose cells stand one under the other's, and single rows of three or more: each reads as one text.

    10:05   Turin    2
    10:30   Basel    7
    """
    rows: list[list[Track]] = []
    for track in sorted(tracks, key=lambda track: track.near(track.first).left):
        if row := next((row for row in rows if _in_row(row[-1], track)), None):
            row.append(track)
        else:
            rows.append([track])
    wide = [row for row in rows if len(row) > 1]
    return [row for row in wide if len(row) > 2 or any(_aligned(row, o) for o in wide if o is not row)]


def _in_row(one: Track, other: Track) -> bool:
    if not one.together_with(other):
        return False
    left, right = one.near(one.first), other.near(one.first)
    sizes = sorted((left.height, right.height))
    return left.is_level_with(right) and sizes[1] < 1.4 * sizes[0] and right.left >= left.right


def _aligned(row: list[Track], other: list[Track]) -> bool:
    """Whether each cell shares its column with the other's."""
    pairs = [(a.near(a.first), b.near(b.first)) for a, b in zip(row, other, strict=False)]
    return len(row) == len(other) and all(a.left < b.right and b.left < a.right for a, b in pairs)


def _adjoin(above: Line, below: Line) -> bool:
    """Whether two lines are set as one: next to each other in a row, or one under the other."""
    size = min(above.height, below.height)
    if max(above.height, below.height) > 1.5 * size:
        return False
    if above.is_level_with(below):
        return 0 <= below.left - above.right < 0.9 * size
    shared = min(above.right, below.right) - max(above.left, below.left)
    narrower = min(above.right - above.left, below.right - below.left)
    return 0 <= below.top - above.bottom + 0.3 * size < 0.95 * size and shared > 0.6 * narrower


def _sighting(
    tracks: list[Track], frames: Sequence[Picture], span: Span, cut_times: Sequence[float]
) -> Sighting:
    start = _border(frames, min(track.first for track in tracks), span, cut_times)
    stop = _border(frames, max(track.last for track in tracks) + 1, span, cut_times)
    text = " ".join(track.text for track in tracks)
    return Sighting(start_seconds=start, stop_seconds=max(stop, start), text=text)


def _border(frames: Sequence[Picture], number: int, span: Span, cut_times: Sequence[float]) -> float:
    """When frame `number` takes over from the one before: at a cut between them, else half-way."""
    if number <= 0:
        return span.start_seconds
    if number >= len(frames):
        return span.stop_seconds
    before, after = frames[number - 1].time_seconds, frames[number].time_seconds
    cut = next((time for time in cut_times if before < time <= after), None)
    time = cut if cut is not None else (before + after) / 2
    return min(max(time, span.start_seconds), span.stop_seconds)
