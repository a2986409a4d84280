"""Who may appear in a clip, as far as a shard's first look tells: only their exemplars are worth a picture.

shots        |---A---|--B--|---A'--|--C--|        A' looks like A: whoever is in A may be in A'
first look       x      x      x     x            frames in which the characters were found
clip                 |--------|                   shots B and A'
listed       who is seen in B or A' or in a shot like them, or within a few seconds; all, where a shot was not looked at
             of a clip within one shot: nobody who is seen beyond that shot alone
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrvideo.captioning.frames import Shown
from mrvideo.captioning.shard_view import ShardView
from mrvideo.media.images import view_colours
from mrvideo.records import Frame, Mention, Shot, Span

NEAR_SECONDS = 5.0
"""Whoever was seen so shortly before or after a clip may walk into it."""

_SIMILAR = 20.0
"""Mean difference of two views' colours, of 255, up to which they may be one camera's."""


class Whereabouts:
    """One shard's first look: which mentions were seen in which shots, and which shots look alike."""

    def __init__(self, view: ShardView) -> None:
        self._looked = view.sparse
        self._shots: tuple[Span, ...] = tuple(shot.span for shot in view.shots) or (view.span,)
        self._signs: dict[int, np.ndarray] = {}

    def may_appear(
        self, mentions: Sequence[Mention], span: Span, shown: Sequence[Shown]
    ) -> tuple[Mention, ...]:
        """The mentions that may be seen in a clip of this span and these frames, nearest in time first.

        Whoever was found without times may be anywhere.
        """
        views = [(shot, self._in(shot, shown)) for shot in self._shots if shot.overlaps(span)]
        here = [view for view in views if view[1]]
        # Nobody was looked for in a shot of this clip, nor in one like it: anybody may be there.
        blind = any(not self._in(shot, self._looked) and not self._alike(own) for shot, own in here)
        near = span.padded(NEAR_SECONDS)
        # Nobody walks into a shot through a cut.
        if len(here) == 1 and not blind:
            near = near.intersection(here[0][0]) or near
        found: list[tuple[float, int, Mention]] = []
        for place, mention in enumerate(mentions):
            times = (mention.exemplar_seconds, *mention.seen_seconds)
            away = min(max(span.start_seconds - t, t - span.stop_seconds, 0.0) for t in times)
            if (
                blind
                or not mention.seen_seconds
                or any(near.contains(time) for time in times)
                or any(self._seen_in(times, shot, own) for shot, own in here)
            ):
                found.append((away, place, mention))
        return tuple(mention for _, _, mention in sorted(found, key=lambda one: one[:2]))

    def _seen_in(self, times: Sequence[float], shot: Span, own: Sequence[Shown]) -> bool:
        """Whether any of the times lies in the shot, or in one that looks like it."""
        return any(shot.contains(time) for time in times) or any(
            one.time_seconds in times for one in self._alike(own)
        )

    def _alike(self, own: Sequence[Shown]) -> list[Shown]:
        """The frames of the first look that show the same view as the middle of these."""
        sign = self._sign(own[len(own) // 2].frame)
        return [one for one in self._looked if np.abs(self._sign(one.frame) - sign).mean() <= _SIMILAR]

    @staticmethod
    def _in(shot: Span | Shot, shown: Sequence[Shown]) -> list[Shown]:
        return [one for one in shown if shot.span.contains(one.time_seconds)]

    def _sign(self, frame: Frame) -> np.ndarray:
        if id(frame) not in self._signs:
            self._signs[id(frame)] = view_colours(frame)
        return self._signs[id(frame)]
