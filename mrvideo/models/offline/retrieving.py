"""Which texts does a question mean? On screen by their words and kind, in speech by the line that holds most of the question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.models.offline.choosing import match_option, only_supported, option_text, says_none
from mrvideo.models.offline.likeness import holds, squeezed, tokens
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision, texts_words
from mrvideo.models.offline.words import STOP, TEXT_NOUNS, number_in, stem, stems

_NUMBER_NOUNS = frozenset(["number", "numbers", "digit", "digits", "code", "codes"])
_WORD_NOUNS = frozenset(["word", "words"])
MOST_LISTED = 30


def pool_of(question: Question, timeline: Timeline) -> tuple[Item, ...]:
    """The channel that the question is about; signs first where it does not say."""
    if question.where == "any":
        return timeline.screen or timeline.speech
    return timeline.of(question.where)


def wanted_texts(question: Question, timeline: Timeline) -> list[Item]:
    """The texts that the question's words single out: by what they hold, else by kind, else all."""
    pool = list(pool_of(question, timeline))
    if question.start_seconds is not None:
        low = (
            question.start_seconds
            if question.start_seconds >= 0
            else timeline.stop_seconds + question.start_seconds
        )
        high = question.stop_seconds if question.stop_seconds is not None else timeline.stop_seconds
        pool = [i for i in pool if i.start_seconds <= high and i.stop_seconds >= low]
    for target in question.targets:
        if held := holding(pool, target):
            return held
    if question.targets and question.kind != "nth":
        return []
    if question.content:
        if held := held_by_content(question, pool):
            return _same_frame(question, held)
        if not question.nouns:
            return []
    elif not question.nouns and question.kind == "count_different" and question.where == "any":
        return []
    return _of_kind(question, pool)


def held_by_content(question: Question, pool: Sequence[Item]) -> list[Item]:
    """The items that hold all the question's own words; with those that may say an order, where such items are."""
    if not question.content and not question.literal:
        return []
    full = question.content | question.literal
    return [i for i in pool if full <= i.stems] or [
        i for i in pool if question.content and question.content <= i.stems
    ]


def _same_frame(question: Question, held: list[Item]) -> list[Item]:
    """Of texts that hold the words, those worded alike ("The secret word is …"), when they are most."""
    asked = question.content | {stem(n) for n in question.nouns}
    full = [i for i in held if asked <= frozenset(stem(w) for w in tokens(i.text))]
    return full or held


def _of_kind(question: Question, pool: list[Item]) -> list[Item]:
    """Texts that name their own kind (`Code 4711`), numbers where numbers are asked for, single words to count, else everything."""
    if question.kind == "read" and (own := [i for i in pool if question.nouns & set(tokens(i.text))]):
        return own
    if question.nouns & _NUMBER_NOUNS:
        return [i for i in pool if any(c.isdigit() for c in i.text)] or pool
    if question.nouns & _WORD_NOUNS and question.kind == "count_different":
        single = [i for i in pool if len(tokens(i.text)) == 1]
        return single if 2 * len(single) >= len(pool) else pool
    if question.kind == "read" and question.nouns & {"title", "heading", "headline"} and not question.options:
        # A film says its title first.
        return [i for i in pool[:1] if i.start_seconds <= 20.0] or pool
    return pool


def answer_read(question: Question, timeline: Timeline) -> Decision | None:
    """What is written (or said) somewhere, or which option is."""
    if question.options:
        return _which_option(question, timeline)
    pool = pool_of(question, timeline)
    if question.where == "speech":
        return answer_open(question, timeline)
    if question.perceptual and question.targets:
        return None
    if question.targets:
        held = [i for t in question.targets for i in holding(pool, t)]
        return _texts(question, timeline, held, 4) if held else None
    if question.content:
        if held := held_by_content(question, pool):
            return _texts(question, timeline, _same_frame(question, held), 5)
        if question.perceptual:
            return None
        return answer_open(question, timeline)
    texts = _of_kind(question, list(pool))
    return _texts(question, timeline, texts, 5) if texts else None


def _texts(question: Question, timeline: Timeline, items: Sequence[Item], confidence: int) -> Decision | None:
    groups = timeline.distinct(items)[:MOST_LISTED]
    if not groups:
        return None
    words = [_rest(question, group[0].text) for group in groups]
    reasoning = "One text fits." if len(groups) == 1 else f"{len(groups)} texts fit, by first appearance."
    cited = tuple(item for group in groups for item in (group if len(groups) == 1 else group[:1]))
    return Decision(
        texts_words(words),
        None,
        confidence if len(groups) == 1 else 3 if len(groups) <= 4 else 2,
        cited,
        reasoning,
    )


def _rest(question: Question, text: str) -> str:
    """What a text adds to the question's own words: `The secret word is Zebra` → `Zebra`."""
    asked = question.content | question.literal | {stem(n) for n in question.nouns}
    match = re.match(r"^(.*?(?:\bis|\bare|\bwas|:|=))\s*(\S.*)$", text, re.IGNORECASE)
    if not match or not asked:
        return text
    head = [w for w in tokens(match.group(1)) if w not in STOP]
    if head and all(stem(w) in asked or w in TEXT_NOUNS for w in head):
        return match.group(2).rstrip(".!")
    return text


def _which_option(question: Question, timeline: Timeline) -> Decision | None:
    """The option that a text holds, chosen by the question's other words where several are."""
    for pool in _pools(question, timeline):
        held = pool
        if question.targets:
            held = [i for t in question.targets for i in holding(pool, t)]
        elif question.content or question.literal:
            held = held_by_content(question, pool)
        for items, sure in ((held, 5), (pool, 4 if question.content or question.targets else 5)):
            if items and (decision := _supported(question, timeline, items, sure)):
                return decision
    return answer_open(question, timeline)


def _pools(question: Question, timeline: Timeline) -> list[list[Item]]:
    pools = {
        "screen": [timeline.screen],
        "speech": [timeline.speech],
        "any": [timeline.screen, timeline.speech],
    }
    return [list(pool) for pool in pools[question.where]]


def _supported(question: Question, timeline: Timeline, items: Sequence[Item], sure: int) -> Decision | None:
    hits = only_supported(question.options, items)
    if not hits:
        return None
    holders = {n: [i for i in items if match_option(i, question.options[n])] for n in hits}
    if len(hits) > 1:
        worth = {n: max(_worth(question, timeline, i, n) for i in holders[n]) for n in hits}
        hits = sorted(hits, key=lambda n: -worth[n])
        sure = 3 if worth[hits[0]] > worth[hits[1]] + 0.15 else 1
    choice = hits[0]
    if question.perceptual and sure < 5:
        sure = min(sure, 2)
    others = f" {len(hits) - 1} other options are held too." if len(hits) > 1 else ""
    best = sorted(holders[choice], key=lambda i: -timeline.relevance(question, i))
    return Decision(
        question.options[choice], choice, sure, tuple(best[:6]), f"A text holds this option.{others}"
    )


def _worth(question: Question, timeline: Timeline, item: Item, number: int) -> float:
    """Which of several options that are held: the one beside the question's words, or that is all a text says."""
    whole = squeezed(item.text) == squeezed(option_text(question.options[number]))
    return timeline.relevance(question, item) + 0.2 * whole


def answer_open(question: Question, timeline: Timeline) -> Decision | None:
    """The line that holds most of the question's words, if it holds enough of them."""
    if question.start_seconds is not None and question.kind == "open":
        return None
    lines = lines_of_speaker(question, timeline)
    if lines is not None and not (question.content - _spoken_names(timeline)):
        if question.options:
            return _supported(question, timeline, lines, 4) if lines else None
        return (
            Decision(
                " ".join(i.text for i in lines[:5]),
                None,
                3,
                tuple(lines[:5]),
                "These lines are that speaker's.",
            )
            if lines
            else None
        )
    held = held_by_content(question, timeline.screen) if len(question.content | question.literal) >= 2 else []
    if held and not question.options and question.where != "speech" and not question.perceptual:
        return _texts(question, timeline, _same_frame(question, held), 5)
    pool = lines if lines else list(timeline.of("speech" if question.where == "speech" else "any"))
    scored = [(timeline.relevance(question, i), i) for i in pool if _bears(question, timeline, i)]
    if not scored:
        return (
            _loose_option(question, timeline, pool) if question.options and not question.perceptual else None
        )
    best = max(score for score, _ in scored)
    top = [i for score, i in scored if score >= best - 1e-9][:3]
    if question.options:
        return _option_of_lines(question, timeline, [i for _, i in sorted(scored, key=lambda s: -s[0])[:4]])
    replies = [_reply_to(i, timeline) for i in top] if top[0].text.endswith("?") else []
    cited = tuple(i for pair in zip(top, replies, strict=True) for i in pair) if replies else tuple(top)
    texts = [f"{i.speaker}: {i.text}" if i.speaker else i.text for i in (replies or top)]
    return Decision(
        " / ".join(dict.fromkeys(texts)),
        None,
        4 if best >= 0.99 and len(top) == 1 else 3 if best > 0.6 else 2,
        cited,
        "It holds the question's words.",
    )


def _spoken_names(timeline: Timeline) -> frozenset[str]:
    return frozenset(stem(w) for i in timeline.speech if i.speaker for w in tokens(i.speaker))


def lines_of_speaker(question: Question, timeline: Timeline) -> list[Item] | None:
    """The lines of the speaker whom the question asks about (`what does Ben say …`), or None."""
    if question.where == "screen":
        return None
    speakers = list(dict.fromkeys(i.speaker for i in timeline.speech if i.speaker))
    match = re.search(
        r"\b(?:does|did|do|has|is)\s+(.+?)\s+(?:say|saying|said|tell|ask|reply|answer|mention|announce|shout|talk)",
        question.text,
        re.IGNORECASE,
    )
    if not match:
        return None
    named = [s for s in speakers if holds(match.group(1), s)]
    return [i for i in timeline.speech if i.speaker in named] if named else None


def _reply_to(item: Item, timeline: Timeline) -> Item:
    """The line after a question that somebody asks."""
    place = timeline.speech.index(item)
    return timeline.speech[place + 1]


def _bears(question: Question, timeline: Timeline, item: Item) -> bool:
    """Whether a line holds enough of the question in itself to be quoted as its answer."""
    core = question.content - question.names
    if item.channel == "speech" and item.text.endswith("?"):
        # Somebody asks the same: the next line may be the answer, if it comes at once.
        place = timeline.speech.index(item)
        following = timeline.speech[place + 1 : place + 2]
        names = question.names & frozenset(stem(w) for w in tokens(item.text))
        if not following or following[0].start_seconds > item.stop_seconds + 5.0 or names != question.names:
            return False
    mine = core & item.stems
    known = question.names & item.stems
    if question.perceptual:
        return len(core) >= 2 and core <= item.stems
    if re.search(
        r"\bhow (?:many|much|old|far|tall|high|long)\b|\b(?:which|what) year\b", question.text.lower()
    ):
        return bool(mine) and number_in(item.text) is not None and 2 * len(mine) >= len(core)
    if not mine or 2 * len(mine) < len(core):
        return False
    if question.nouns & {"name", "names"} and core <= item.stems:
        return bool(item.stems & {"call", "nam"})
    if question.where == "speech" and re.search(r"\b(?:about|mention\w*|regarding)\b", question.text.lower()):
        return True
    return len(mine) + len(known) >= 2 or (
        len(core) == 1 and len(question.names) == 0 and question.where == "speech"
    )


def _option_of_lines(question: Question, timeline: Timeline, lines: Sequence[Item]) -> Decision | None:
    """The option whose words these lines hold, the first lines counting most."""
    scores: list[float] = []
    for option in question.options:
        wanted = stems(option_text(option)) - question.content
        best = 0.0
        for line in lines:
            if says_none(option):
                continue
            share = (
                1.0
                if match_option(line, option)
                else len(wanted & line.stems) / len(wanted)
                if wanted
                else 0.0
            )
            best = max(best, share * (0.2 + timeline.relevance(question, line)))
        scores.append(best)
    order = sorted(range(len(scores)), key=lambda n: -scores[n])
    first = order[0]
    if scores[first] < 0.3 or (len(order) > 1 and scores[first] < scores[order[1]] + 0.05):
        return None
    wanted = stems(option_text(question.options[first])) - question.content
    cited = [i for i in lines if match_option(i, question.options[first]) or wanted & i.stems]
    return Decision(
        question.options[first],
        first,
        3,
        tuple(cited[:3]),
        "A line that holds the question's words holds this option.",
    )


def _loose_option(question: Question, timeline: Timeline, pool: Sequence[Item]) -> Decision | None:
    """When no line answers by itself: the single option that is written or said at all."""
    hits = only_supported(question.options, pool)
    if len(hits) != 1:
        hits = [
            h
            for h in hits
            if any(squeezed(i.text) == squeezed(option_text(question.options[h])) for i in pool)
        ]
    if len(hits) != 1:
        return None
    cited = [i for i in pool if match_option(i, question.options[hits[0]])]
    return Decision(
        question.options[hits[0]],
        hits[0],
        2,
        tuple(cited[:4]),
        "Only this option is written or said anywhere.",
    )
