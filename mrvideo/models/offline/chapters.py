"""Chapters without a model: texts and sentences as they stand, each once; the ones that most others resemble
sum them up.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from mrvideo.models.offline.timeline import Item, Timeline, distinct, timeline_of_lines
from mrvideo.models.offline.wording import picture_sentence_of, quoted
from mrvideo.schemas import memory as of
from mrvideo.text import Language, Ranker, language_of

TITLE_WORDS = 8
TITLE_LETTERS = 60
SUMMED_UP = 3
"""Sentences of a chapter's summary: one of each third of it that has any."""
MOST_JOINED = 8
_COUNTER = re.compile(r"[\d\s.,:;/|#+–—-]*\d[\d\s.,:;/|#+–—-]*")
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
NOTHING = "Nothing was read or heard"


def chapter(inputs: of.ChapterInputs) -> of.ChapterReply:
    """Every text and every sentence of a chapter, and its captions where somebody else wrote them."""
    timeline = timeline_of_lines(
        [text for line in inputs.scenes for text in line.screen_text],
        inputs.cues,
        stop_seconds=inputs.span.stop_seconds,
        shots=tuple(line.start_seconds for line in inputs.scenes),
    )
    said: dict[str, list[Item]] = {}
    for item in timeline.speech:
        said.setdefault(item.told, []).append(item)
    signs = distinct(item for item in timeline.screen if not item.standing)
    facts = [
        *(of.FactReply(text=quoted([g[0].text]), kind="text", scenes=_scenes_of(inputs, g)) for g in signs),
        *(of.FactReply(text=text, kind="speech", scenes=_scenes_of(inputs, g)) for text, g in said.items()),
        *(
            of.FactReply(text=scene.caption, kind="event", scenes=(scene.index,))
            for scene in inputs.scenes
            if scene.caption.strip() and picture_sentence_of(scene.caption) is None
        ),
    ]
    facts.sort(key=lambda fact: fact.scenes[0])
    summary = _summed_up(facts, timeline.language, SUMMED_UP) or [
        of.SentenceReply(text=f"{NOTHING}.", scenes=tuple(scene.index for scene in inputs.scenes[:16]))
    ]
    return of.ChapterReply(facts=tuple(facts[:400]), summary=tuple(summary), title=_title(timeline, summary))


def join_chapters(inputs: of.JoinChaptersInputs) -> of.JoinChaptersReply:
    """The sentence of each part that most others of it resemble, and the facts as they were handed on."""
    facts = tuple(fact for node in inputs.nodes for fact in node.facts)
    language = language_of(" ".join(fact.text for fact in facts[:50]))
    told = [n for n in inputs.nodes if not n.summary or not n.summary[0].text.startswith(NOTHING)]
    score = Centrality([fact.text for fact in facts], language)
    best = [max(node.summary, key=lambda s: score(s.text)) for node in told if node.summary]
    best = best or [inputs.nodes[0].summary[0]]
    step = math.ceil(len(best) / MOST_JOINED)
    first, last = (told or inputs.nodes)[0], (told or inputs.nodes)[-1]
    title = first.title if first == last else f"{first.title} … {last.title}"
    return of.JoinChaptersReply(facts=facts[:400], summary=tuple(best[::step]), title=title)


def _scenes_of(inputs: of.ChapterInputs, items: Sequence[Item]) -> tuple[int, ...]:
    """Whose scenes an item's texts or cues belong to: a cue's is the scene in which it begins, or the first."""
    found: dict[int, None] = {}
    for item in items:
        start, stop = (
            item.start_seconds,
            item.stop_seconds if item.kind == "screen" else item.start_seconds + 0.01,
        )
        own = [s.index for s in inputs.scenes if s.start_seconds < stop and start < s.stop_seconds]
        before = [s.index for s in inputs.scenes if s.start_seconds <= start] or [inputs.scenes[0].index]
        found.update(dict.fromkeys(own or before[-1:]))
    return tuple(found)[:16]


def _summed_up(facts: Sequence[of.FactReply], language: Language, most: int) -> list[of.SentenceReply]:
    """Of each third the sentence that most of the others resemble; no text twice."""
    told = _told([fact for fact in facts if fact.kind != "text" or len(fact.text) > 4])
    score = Centrality([fact.text for fact in told], language)
    size = math.ceil(len(told) / most) if told else 1
    thirds = [told[start : start + size] for start in range(0, len(told), size)]
    best = [max(part, key=lambda fact: score(fact.text)) for part in thirds]
    return [of.SentenceReply(text=fact.text, scenes=fact.scenes) for fact in best]


class Centrality:
    """How much of what a text says the other texts say too; rare and very long ones say less."""

    def __init__(self, texts: Sequence[str], language: Language) -> None:
        self._language = language
        self._counts = Counter(stem for text in texts for stem in language.stems(text))

    def __call__(self, text: str) -> float:
        stems = self._language.stems(text)
        shared = sum(math.log(self._counts[stem] or 1) for stem in stems)
        return (shared + 0.1 * len(stems)) / math.sqrt(len(stems) + 3)


def is_counter(text: str) -> bool:
    """Whether a text is but digits and marks, as a running timecode or a page's number is: `00:00:04.000 100`.

    Four digits that can be a year are a text.
    """
    bare = text.strip('“”" ')
    return bool(_COUNTER.fullmatch(bare)) and not _YEAR.fullmatch(bare)


def _told(facts: Sequence[of.FactReply]) -> list[of.FactReply]:
    """Facts without texts that only count, unless there is nothing else."""
    facts = list(facts)
    return [fact for fact in facts if fact.kind != "text" or not is_counter(fact.text)] or facts


def _title(timeline: Timeline, summary: Sequence[of.SentenceReply]) -> str:
    """The longest text among those that stand some seconds on screen, else the middle sentence of the
    summary.
    """
    signs = [i for i in timeline.screen if not i.standing and len(i.text) > 2]
    words = [i for i in signs if not is_counter(i.text)]
    if words or (signs and not timeline.speech):
        signs = words or signs
        best = max(signs, key=lambda i: (min(i.stop_seconds - i.start_seconds, 1.5), len(i.text)))
        return _short(best.text)
    return _short(summary[len(summary) // 2].text.strip("“”"))


def _short(text: str) -> str:
    words = text.split()
    cut = " ".join(words[:TITLE_WORDS])
    cut = cut if len(cut) <= TITLE_LETTERS else cut[: TITLE_LETTERS - 1].rstrip() + "…"
    return cut.rstrip(".,;:") + ("" if len(words) <= TITLE_WORDS or cut.endswith("…") else " …")


def tell(inputs: of.TellInputs) -> of.TellReply:
    """Facts as they stand, in order: all of them for a story; of what is told about something, those that
    hold most of its words.
    """
    facts = [fact for node in inputs.nodes for fact in node.facts]
    if inputs.about:
        language = language_of(inputs.about)
        ranker = Ranker([fact.text for fact in facts], language)
        facts = [facts[place] for place in sorted(ranker.nearest(inputs.about, inputs.sentences))]
    elif inputs.style != "story":
        language = language_of(" ".join(fact.text for fact in facts[:50]))
        told = _summed_up(facts, language, inputs.sentences)
        return of.TellReply(sentences=tuple(told))
    facts = _told(facts)
    step = max(math.ceil(len(facts) / min(inputs.sentences, 64)), 1)
    return of.TellReply(
        sentences=tuple(of.SentenceReply(text=fact.text, scenes=fact.scenes) for fact in facts[::step])
    )
