"""Shortens what was said of the running scene for the request of the next clip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mrvideo.captioning.looks import without_looks, words_of
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.records import Failure, Mention
from mrvideo.records.timed import without_times
from mrvideo.schemas.captioning import SaidLine

_ONE_SAID, _LAST_SAID, _FIRST_SAID, _LATER_SAID = 950, 700, 450, 250
"""Characters of what was said that the next call is told: of a part that is the only one; else of the part before
the clip, of the first one, which tells the place, and of what each between them added.
"""


def said_of(
    entries: Sequence[SceneDraft | Failure], mentions: Sequence[Mention] = ()
) -> tuple[SaidLine, ...]:
    """What was said of the scene that the last of the entries belongs to: its first part in detail, of the
    others what is new; without looks that the mentions' descriptions tell.
    """
    looks = {mention.name: words_of(mention.description) for mention in mentions}
    running: list[SceneDraft] = []
    for entry in reversed(entries):
        if isinstance(entry, Failure):
            break
        running.insert(0, entry)
        if not entry.continues:
            break
    return tuple(
        SaidLine(
            start_seconds=draft.start_seconds,
            stop_seconds=draft.stop_seconds,
            text=_told(running, place, looks),
        )
        for place, draft in enumerate(running)
    )


def _told(running: Sequence[SceneDraft], place: int, looks: Mapping[str, frozenset[str]]) -> str:
    """What is told of a part of the running scene: the last in detail, of the first where it began and how it
    ended, of others what is new.
    """
    draft = running[place]
    detailed = without_looks(without_times(draft.detailed), looks)
    if len(running) == 1:
        return _short(detailed, _ONE_SAID)
    if place == len(running) - 1:
        return _short(detailed, _LAST_SAID)
    return _short(detailed, _FIRST_SAID) if place == 0 else _short(without_times(draft.brief), _LATER_SAID)


def _short(text: str, characters: int) -> str:
    """The text within so many characters, in whole sentences: the last, which is nearest to the clip, the first,
    which tells the place, and then those before the last. "…" stands for others.

    A sentence that alone is too long is cut behind a word.
    """
    if len(text) <= characters:
        return text
    sentences = re.split(r"(?<=[.!?]) +", text)
    last = len(sentences) - 1
    kept = [last]
    for place in (0, *range(last - 1, 0, -1)):
        more = sorted({*kept, place})
        if len(_with_gaps(sentences, more)) <= characters:
            kept = more
        elif place:
            break
    whole = _with_gaps(sentences, kept)
    if len(whole) <= characters:
        return whole
    cut = whole[: characters - 2]
    return f"{cut[: cut.rfind(' ')]} …"


def _with_gaps(sentences: Sequence[str], kept: Sequence[int]) -> str:
    """Those of the sentences, ascending, with "…" for what lies before and between them."""
    words: list[str] = []
    for earlier, place in zip((-1, *kept), kept, strict=False):
        words += [*(["…"] if place > earlier + 1 else []), sentences[place]]
    return " ".join(words)
