"""Whom a scene shows, and whom its captions merely name: in words that are said, asked for, or not there.

"<person_1> waves."                         shown
"<person_1> asks where <person_2> is."      person_1 is shown, person_2 is not
'He says: "<person_2> is late."'            not shown
"<person_2> is not in the room."            not shown
"<person_2> does not look up."              shown: who does not do something is there
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from mrvideo.records.index import Scene
from mrvideo.records.spans import Span

_MARK = r"<([a-z]+(?:_[a-z]+)*_\d+)>"

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」")

_AWAY = r"(?:there|here|seen|visible|shown|present|around|in (?:the |this |any )?(?:frame|picture|shot|view|room|scene|image|sight))\b"
_NOT_THERE = re.compile(
    rf"{_MARK}(?: (?:who|and) {_MARK})? (?:(?:is|are|was|were|has|could)(?:n't| not| no longer)|can't|cannot|can not)(?: be| been)?(?: yet| anymore)? {_AWAY}"
    rf"|{_MARK} (?:is|was|remains|stays) (?:absent|missing|unseen|nowhere|off-screen|offscreen|out of (?:view|frame|sight|shot))\b"
    rf"|\b(?:without|no sign of|nothing of|no trace of|in the absence of|instead of|waits? for|waiting for|looks? for|looking for"
    rf"|search(?:es|ing)? for) {_MARK}"
    rf"|\bneither {_MARK} nor {_MARK}",
    re.IGNORECASE,
)
"""Somebody who is not there. That an act does not happen says nothing of that."""

_SAYING = (
    r"(?:says?|said|saying|tells?|told|telling|asks?|asked|asking|mentions?|mentioned|mentioning|talks?|talked|talking|speaks?|spoke|speaking"
    r"|thinks?|thinking|wonders?|wondering|explains?|explaining|announces?|announcing|claims?|claiming|remembers?|remembering"
    r"|reports?|reporting|jokes?|joking|calls? out|shouts?|shouting|whispers?|whispering|refers?|referring|reads?|reading)"
)
_REPORTED = re.compile(
    # Who is told something is there: "is asked for help by <person_2>" tells nothing of others.
    rf"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bbeing )\b(?:{_SAYING}(?:(?:\s+[^\s.,;:]+){{0,6}}?\s+(?:that|where|whether|if|about|why|who|whom)"
    rf"|\s+(?:of|for|after))\s|(?:mentions?|mentioned|mentioning)\s"
    rf"|(?:says?|said|saying|thinks?|thinking)\s(?={_MARK} (?:is|was|has|had|will|would|can|could|should)\b))"
    r"(?P<words>[^.,;:!?]*?)(?=[.,;:!?]|$|\s(?:while|but|as|then|and then)\s)",
    re.IGNORECASE,
)
"""What is told of somebody, up to the end of the clause."""


def shown_names(scene: Scene) -> tuple[str, ...]:
    """Those of `entity_names` whom the scene shows, in that order: all but those in `spoken_of`."""
    if not scene.entity_names:
        return ()
    spoken = spoken_of(scene)
    return tuple(name for name in scene.entity_names if name not in spoken)


def showing_spans(scene: Scene, name: str) -> list[Span]:
    """When a scene that shows somebody does: the spans of the parts that name them otherwise than as spoken of;
    the whole scene where no part does.
    """
    mark = f"<{name}>"
    parts = [p.span for p in scene.parts if mark in _without_hearsay(f"{p.text} {p.brief}")]
    return parts or [scene.span]


def spoken_of(scene: Scene) -> frozenset[str]:
    """Whom the scene's captions name, and nowhere otherwise than as spoken of, or not there.

    Who is named in none of them, and yet listed, was seen. The rules are those of English, and quotation
    marks: where they know nothing, who is named counts as shown.
    """
    texts = [text for part in scene.parts for text in (part.text, part.brief)]
    texts = [text for text in (*(texts or [scene.detailed]), scene.brief) if text]
    named = {name for text in texts for name in _names(text)}
    return frozenset(named.difference(*(_names(_without_hearsay(text)) for text in texts)))


def _names(text: str) -> Iterable[str]:
    return (match[1] for match in re.finditer(_MARK, text))


@lru_cache(maxsize=4096)
def _without_hearsay(text: str) -> str:
    """The text without what is quoted, what is told of somebody, and who is said not to be there."""
    # Kept, since each question reads the same captions.
    text = _QUOTED.sub(" … ", text)
    text = _NOT_THERE.sub(" … ", text)
    return _REPORTED.sub(lambda told: told[0][: told.start("words") - told.start()] + "…", text)
