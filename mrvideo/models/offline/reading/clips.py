"""Every text on screen with its own span, from the frames of one clip.

frames     0.0  0.5  1.0  1.5  2.0  2.5  3.0      read: the frames that changed, at least one each second
read        x         x         x         x
tracks                [== KANGAROO ==)            between two readings, the text's own box tells
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
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

    seen: dict[int, Line] = field(default_factory=dict[int, Line])

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

    def near(self, frame: int) -> Line:
        """The line as read closest to a frame."""
        return self.seen[min(self.seen, key=lambda number: abs(number - frame))]


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
    read = {number: tuple(line for line in found if line.text) for number, found in lines.items()}
    tracks = _absorb_misreadings(_join_readings(read, chosen, frames), frames, chosen)
    for track in tracks:
        _refine(track, frames, chosen, [other.text for other in tracks if other is not track])
    kept = [track for track in tracks if track.steady]
    still = len(chosen) == 1 and len(frames) > 1
    unread = (still and any(not line.text for line in lines[0])) or any(
        not line.text and any(not other.text and line.overlap(other) > SAME_PLACE for other in lines[after])
        for number, after in pairwise(chosen)
        for line in lines[number]
    )
    return ClipTexts(tuple(_sightings(_paragraphs(kept), frames, span, cut_times)), unread and not kept)


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
    read: dict[int, tuple[Line, ...]], chosen: list[int], frames: Sequence[Picture]
) -> list[Track]:
    """Lines of successive readings that are one text become one track, also over one reading that overlooked
    it.
    """
    tracks: list[Track] = []
    for position, number in enumerate(chosen):
        before = set(chosen[max(position - 1, 0) : position])
        overlooked = set(chosen[max(position - 2, 0) : max(position - 1, 0)])
        for line in read[number]:
            alike = [
                track
                for track in tracks
                if (same_text(track.near(number).text, line.text) or same_text(track.text, line.text))
                and (
                    track.last in before
                    or number in track.seen
                    or (track.last in overlooked and _still_there(track, frames, chosen[position - 1]))
                )
            ]
            if alike:
                # Of two equal texts at once, the one that stood there.
                best = max(alike, key=lambda track: track.near(number).overlap(line))
                best.seen.setdefault(number, line)
            else:
                tracks.append(Track({number: line}))
    return tracks


def _refine(track: Track, frames: Sequence[Picture], chosen: list[int], others: Sequence[str]) -> None:
    """Fill in the frames between readings, and move both ends to the frame where the text comes and goes."""
    # Inwards: frames between two that show it.
    for number in range(track.first, track.last + 1):
        if number not in track.seen and _still_there(track, frames, number, others):
            track.seen[number] = track.near(number)
    for step in (-1, 1):
        number = (track.first if step < 0 else track.last) + step
        while (
            0 <= number < len(frames) and number not in chosen and _still_there(track, frames, number, others)
        ):
            track.seen[number] = track.near(number)
            number += step
        # A reading that missed it although nothing changed in its box: the text stands there all the same.
        while 0 <= number < len(frames) and number in chosen and _pixels_agree(track, frames, number):
            track.seen[number] = track.near(number)
            number += step


def _pixels_agree(track: Track, frames: Sequence[Picture], number: int) -> bool:
    line = track.near(number)
    nearest = min(track.seen, key=lambda other: abs(other - number))
    return box_unchanged(frames[nearest], frames[number], (line.left, line.top, line.right, line.bottom))


def _still_there(track: Track, frames: Sequence[Picture], number: int, others: Sequence[str] = ()) -> bool:
    """Whether the text stands in its box on this frame, also half faded; not when another known text stands
    there.
    """
    if _pixels_agree(track, frames, number):
        return True
    read = read_box(frames[number].pixels, track.near(number))
    if same_text(read, track.text):
        return True
    return resemblance(read, track.text) >= 0.75 and not any(same_text(read, other) for other in others)


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
        host = next(
            (
                other
                for other in kept
                if seconds(track) <= MISREAD_SECONDS
                and place[other.first] - 1 <= place[track.last]
                and place[track.first] <= place[other.last] + 1
                and _is_misreading(track, other)
            ),
            None,
        )
        if host is None:
            kept.append(track)
            continue
        for number in track.seen:
            host.seen.setdefault(number, host.near(number))
    joined: list[Track] = []
    for track in sorted(kept, key=lambda t: (t.first, t.near(t.first).top, t.near(t.first).left)):
        before = next(
            (t for t in joined if place[t.last] + 1 == place[track.first] and same_text(t.text, track.text)),
            None,
        )
        if before is None:
            joined.append(track)
        else:
            before.seen.update(track.seen)
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


def _is_misreading(brief: Track, host: Track) -> bool:
    return _misread(brief.near(host.first), host.near(brief.first))


def _misread(line: Line, other: Line) -> bool:
    """Whether the line is the other one misread."""
    if line.overlap(other) < 0.6:
        return False
    if squeezed(line.text) in squeezed(other.text):
        return True
    # A text that is read with certainty is a text of its own, however close it comes: Mike, Mark.
    return line.score < CERTAIN_SCORE and resemblance(line.text, other.text) >= 0.7


@dataclass
class _Paragraph:
    """Lines that stand close together over the same frames."""

    tracks: list[Track]

    @property
    def text(self) -> str:
        return " ".join(track.text for track in self.tracks)


def _paragraphs(tracks: list[Track]) -> list[_Paragraph]:
    groups = [_Paragraph(row) for row in _table(tracks)]
    cells = {id(track) for group in groups for track in group.tracks}
    for track in (track for track in tracks if id(track) not in cells):
        line = track.near(track.first)
        for group in groups:
            other = group.tracks[-1]
            together = abs(other.first - track.first) <= 1 and abs(other.last - track.last) <= 1
            if together and id(other) not in cells and _adjoin(other.near(track.first), line):
                group.tracks.append(track)
                break
        else:
            groups.append(_Paragraph([track]))
    return groups


def _table(tracks: list[Track]) -> list[list[Track]]:
    """Rows whose cells stand one under the other's, and single rows of three or more: each reads as one text.

    10:05   Turin    2
    10:30   Basel    7
    """
    rows: list[list[Track]] = []
    for track in sorted(tracks, key=lambda track: track.near(track.first).left):
        row = next((row for row in rows if _in_row(row[-1], track)), None)
        if row is None:
            rows.append([track])
        else:
            row.append(track)
    wide = [row for row in rows if len(row) > 1]
    return [row for row in wide if len(row) > 2 or any(_aligned(row, o) for o in wide if o is not row)]


def _in_row(one: Track, other: Track) -> bool:
    if abs(other.first - one.first) > 1 or abs(other.last - one.last) > 1:
        return False
    left, right = one.near(one.first), other.near(one.first)
    size = min(left.height, right.height)
    level = min(left.bottom, right.bottom) - max(left.top, right.top) > 0.5 * size
    return level and max(left.height, right.height) < 1.4 * size and right.left >= left.right


def _aligned(row: list[Track], other: list[Track]) -> bool:
    """Whether each cell shares its column with the other's."""
    pairs = [(a.near(a.first), b.near(b.first)) for a, b in zip(row, other, strict=False)]
    return len(row) == len(other) and all(a.left < b.right and b.left < a.right for a, b in pairs)


def _adjoin(above: Line, below: Line) -> bool:
    """Whether two lines are set as one: next to each other in a row, or one under the other."""
    size = min(above.height, below.height)
    if max(above.height, below.height) > 1.5 * size:
        return False
    same_row = min(above.bottom, below.bottom) - max(above.top, below.top) > 0.5 * size
    if same_row:
        return 0 <= below.left - above.right < 0.9 * size
    shared = min(above.right, below.right) - max(above.left, below.left)
    narrower = min(above.right - above.left, below.right - below.left)
    return 0 <= below.top - above.bottom + 0.3 * size < 0.95 * size and shared > 0.6 * narrower


def _sightings(
    paragraphs: list[_Paragraph], frames: Sequence[Picture], span: Span, cut_times: Sequence[float]
) -> list[Sighting]:
    found: list[Sighting] = []
    for paragraph in paragraphs:
        first = min(track.first for track in paragraph.tracks)
        last = max(track.last for track in paragraph.tracks)
        start = _border(frames, first, span, cut_times)
        stop = _border(frames, last + 1, span, cut_times)
        found.append(Sighting(start_seconds=start, stop_seconds=max(stop, start), text=paragraph.text))
    return found


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
