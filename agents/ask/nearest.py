"""Where nothing was found: the moments that come closest to what was asked, so that nobody leaves with
nothing.
"""

from __future__ import annotations

from itertools import chain

from mrvideo.agents.ask.state import Context
from mrvideo.records import Evidence, Source
from mrvideo.text import Ranker, language_of, resemblance, times_in, tokens

MOST = 3


def nearest_of(context: Context) -> tuple[Evidence, ...]:
    """At most three texts or lines, best first: by a time that the question names, by its words, by its
    letters; else the first ones.
    """
    moments = _moments(context)
    asked = " ".join((context.question, *context.options))
    language = language_of(context.question)
    if times := times_in(context.question, language):
        near = sorted(moments, key=lambda m: max(m.start_seconds - times[0], times[0] - m.stop_seconds, 0.0))
        return _numbered(near[:MOST])
    ranker = Ranker([moment.quote for moment in moments], language)
    places = ranker.nearest(asked, MOST)
    if len(places) < MOST:
        words = [word for word in tokens(context.question) if word not in language.stop]
        rest = [place for place in range(len(moments)) if place not in places]
        rest.sort(key=lambda place: -_letters(words, moments[place].quote))
        places = [*places, *rest[: MOST - len(places)]]
    return _numbered([moments[place] for place in places])


def _moments(context: Context) -> list[Evidence]:
    """Texts on screen and lines of speech, each words once; captions where there is neither."""
    index = context.index
    signs = (("caption", s.text, s.span) for scene in index.scenes for s in scene.sightings)
    cues = (("cue", cue.text, cue.span) for cue in index.cues)
    found: dict[str, Evidence] = {}
    for source, text, span in chain(signs, cues):
        found.setdefault(
            " ".join(tokens(text)), _evidence(source, text, span.start_seconds, span.stop_seconds)
        )
    found.pop("", None)
    if not found or context.text.capabilities.judges:
        for scene in index.scenes:
            found.setdefault(
                scene.brief, _evidence("caption", scene.brief, scene.start_seconds, scene.stop_seconds)
            )
    return sorted(found.values(), key=lambda moment: moment.start_seconds)


def _evidence(source: str, text: str, start_seconds: float, stop_seconds: float) -> Evidence:
    kind: Source = "cue" if source == "cue" else "caption"
    return Evidence(source=kind, quote=text, start_seconds=start_seconds, stop_seconds=stop_seconds)


def _letters(words: list[str], text: str) -> float:
    return max((resemblance(word, other) for word in words for other in tokens(text)), default=0.0)


def _numbered(moments: list[Evidence]) -> tuple[Evidence, ...]:
    return tuple(moment.model_copy(update={"id": f"n{n}"}) for n, moment in enumerate(moments, start=1))
