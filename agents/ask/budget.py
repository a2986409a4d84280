"""How many pictures one question may send: shared out before calls begin, so that no round and no map passes
the bound.

effort   a question about certain moments   one about the whole video
high     60                                 one or two a shot more, 120 at most
medium   25                                 one or two a shot more, 120 at most
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mrvideo.records import Effort

LOCAL: dict[Effort, int] = {"low": 0, "medium": 25, "high": 60, "exhaustive": 60}
MOST = 120

LOOK_MOST = 20
"""Pictures of one round's looks at certain moments."""

CHECK_MOST = 6
"""Pictures of one check."""

TOGETHER_MOST = 12
"""Pictures of one check of several moments: more of them are told apart less surely."""

CLOSER_MOST = 12
"""Pictures of a check after one whose frames did not tell."""

CHECK_LEAST = 2
"""Below this a check is not begun: a frame, and who is meant."""


@dataclass
class Pictures:
    """Pictures of one question: `most` may be sent, `taken` are sent or promised to calls that are about to
    begin.
    """

    most: int
    taken: int = 0

    @property
    def left(self) -> int:
        """What nobody has taken."""
        return max(self.most - self.taken, 0)

    def take(self, count: int) -> int:
        """As many of `count` as are left; they are the caller's now."""
        granted = min(max(count, 0), self.left)
        self.taken += granted
        return granted

    def give_back(self, count: int) -> None:
        """What a call was promised and did not send."""
        self.taken -= count

    def widen(self, effort: Effort, units: int) -> None:
        """Make room for one picture of each unit of the whole video, and one more where captions leave it in
        doubt.
        """
        self.most = max(self.most, min(LOCAL[effort] + 2 * units, MOST))


@dataclass
class SentTimes:
    """Times, to the hundredth of a second, of which looks and checks were sent a frame.

    Calls of one stage run beside each other. None of them is told of the others' times: what a request shows
    would hang on which of them began first, and a run that is taken up again would pay once more.
    """

    before: set[float] = field(default_factory=set[float])
    now: set[float] = field(default_factory=set[float])

    def settle(self) -> None:
        """What the last stage sent counts from here on."""
        self.before |= self.now
        self.now.clear()


def share_of_looks(pictures: Pictures, *, checked: bool) -> int:
    """Pictures for a round's looks: two in five of what is left where checks and perhaps a further round
    follow.
    """
    return min(pictures.left * 2 // 5, LOOK_MOST) if checked else min(pictures.left, 2 * LOOK_MOST)


def share_of_checks(pictures: Pictures, *, rounds_left: bool) -> int:
    """Pictures for a round's checks: the rest stays for second opinions and a further round."""
    return pictures.left * 2 // 3 if rounds_left else pictures.left * 5 // 6
