"""From a question and a timeline to a decision: one small function for each kind of question.

Each returns None where the timeline does not tell, and never more than it tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mrvideo.models.offline.choosing import (
    choose_by_number,
    choose_by_texts,
    choose_yes,
    match_option,
    only_supported,
)
from mrvideo.models.offline.likeness import LOOKALIKE, holds, tokens
from mrvideo.models.offline.questions import Kind, Question
from mrvideo.models.offline.retrieving import (
    answer_open,
    answer_read,
    held_by_content,
    lines_of_speaker,
    pool_of,
    wanted_texts,
)
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision, seconds_words, span_words, texts_words
from mrvideo.models.offline.words import RELATING, SAYING, SHOWING, STOP, TEXT_NOUNS, stem, stems, times_in

AT_ONCE_SECONDS = 0.3


def decide(question: Question, timeline: Timeline) -> Decision | None:
    """The answer that the timeline supports, or None: not found."""
    if question.options and question.negated and question.kind in ("read", "open", "exists", "nth"):
        return _not_shown(question, timeline)
    handler = _HANDLERS.get(question.kind)
    decision = handler(question, timeline) if handler else None
    if (
        decision is None
        and question.kind in ("nth", "who", "after", "before", "precedes")
        and not question.targets
    ):
        decision = answer_open(question, timeline)
    return decision


def _anchor(question: Question, timeline: Timeline, target: str) -> list[Item]:
    """Where a text that the question names stands: on screen, or in speech where it is asked for or nowhere else."""
    signs, lines = holding(timeline.screen, target), holding(timeline.speech, target)
    if question.where == "speech" or question.anchor_is_speech:
        return lines or signs
    if question.where == "screen" and question.kind not in _ANCHORED:
        return signs
    return signs or lines


_ANCHORED = frozenset({"after", "before", "during", "between", "precedes"})


def _anchor_or_clause(question: Question, timeline: Timeline, target: str) -> list[Item]:
    """Where the target stands; else the lines that hold most of its words: `Tom talks about Bergen`."""
    if found := _anchor(question, timeline, target):
        return found
    wanted = frozenset(
        stem(w) for w in tokens(target) if w not in STOP | SAYING | SHOWING | TEXT_NOUNS | RELATING
    )
    scored = [(len(wanted & i.stems) / len(wanted), i) for i in timeline.everything] if wanted else []
    best = max((score for score, _ in scored), default=0.0)
    return [i for score, i in scored if score == best] if best >= 0.6 else []


def _video_length(question: Question, timeline: Timeline) -> Decision | None:
    if not timeline.pictures:
        return None
    length = timeline.stop_seconds
    words = f"{seconds_words(length)} ({length:.1f} s)"
    return Decision(
        words,
        choose_by_number(question.options, length, as_time=True),
        4,
        (timeline.pictures[-1],),
        "The last scene ends there.",
    )


def _count_different(question: Question, timeline: Timeline) -> Decision | None:
    pool = wanted_texts(question, timeline)
    groups = timeline.distinct(pool)
    if not groups:
        return None
    count = len(groups)
    cited = tuple(group[0] for group in groups)
    words = f"{count}: {texts_words([g[0].text for g in groups])}"
    choice = choose_by_number(question.options, count)
    return Decision(
        words,
        choice,
        4,
        cited,
        f"{count} different texts were read.",
        found=not question.options or choice is not None,
    )


def _count_times(question: Question, timeline: Timeline) -> Decision | None:
    found: list[Item] = []
    target = question.targets[0] if question.targets else ""
    if target:
        found = _anchor(question, timeline, target)
    elif question.content:
        found = [i for i in timeline.of(question.where) if question.content <= i.stems]
    if not found:
        return None
    count = len(found)
    if found[0].channel == "speech":
        count = sum(max(_times_said(item.text, target), 1) for item in found)
    where = ", ".join(span_words(item) for item in found)
    times = "once" if count == 1 else "twice" if count == 2 else f"{count} times"
    choice = choose_by_number(question.options, count)
    return Decision(
        f"{count} ({times}: {where})",
        choice,
        4,
        tuple(found),
        f"It was found {times}.",
        found=not question.options or choice is not None,
    )


def _times_said(text: str, phrase: str) -> int:
    words, wanted = tokens(text), tokens(phrase)
    return sum(words[i : i + len(wanted)] == wanted for i in range(len(words))) if wanted else 0


def _order(question: Question, timeline: Timeline) -> Decision | None:
    pool = timeline.of(question.where)
    if question.options:
        held = held_by_content(question, pool)
        pools = ([*held], [*pool], [*timeline.everything])
        return next((d for p in pools if p and (d := choose_by_texts(question, p))), None)
    if len(question.targets) >= 2:
        firsts = [
            holding(pool, target) or holding(timeline.everything, target) for target in question.targets
        ]
        if not all(firsts):
            return None
        pairs = sorted(
            zip(question.targets, (f[0] for f in firsts), strict=True), key=lambda p: p[1].start_seconds
        )
        return Decision(
            ", ".join(target for target, _ in pairs),
            None,
            5,
            tuple(item for _, item in pairs),
            "Each was found; sorted by time.",
        )
    groups = timeline.distinct(wanted_texts(question, timeline))
    if not groups:
        return None
    firsts_only = [group[0] for group in groups]
    return Decision(
        texts_words([i.text for i in firsts_only]),
        None,
        4,
        tuple(firsts_only),
        "All texts read, by first appearance.",
    )


def _neighbour(question: Question, timeline: Timeline) -> Decision | None:
    if question.kind in ("after", "before") and question.start_seconds is not None and not question.targets:
        return _at_time(question, timeline)
    if not question.targets:
        return None
    anchors = _anchor_or_clause(question, timeline, question.targets[0])
    if not anchors:
        return None
    speech_wanted = question.where == "speech" or (question.where == "any" and anchors[0].channel == "speech")
    pool = list(lines_of_speaker(question, timeline) or timeline.speech if speech_wanted else timeline.screen)
    pool = [
        i
        for i in pool
        if not any(holds(i.text, t) >= LOOKALIKE for t in question.targets) or i.channel != anchors[0].channel
    ]
    pool = _alike_first(question, anchors[0], pool)
    if question.options:
        named = [i for i in pool if any(match_option(i, o) for o in question.options)]
        pool = named or pool
    results: list[tuple[Item, list[Item]]] = []
    for anchor in anchors:
        if near := _next_to(anchor, pool, after=question.kind == "after"):
            results.append((anchor, near))
    if not results:
        return None
    if question.options:
        for anchor, near in results:
            hits = only_supported(question.options, near)
            if len(hits) == 1:
                return Decision(
                    question.options[hits[0]],
                    hits[0],
                    5 if len(results) == 1 else 4,
                    (anchor, *near[:1]),
                    _relation(question, anchor, near[0]),
                )
        return None
    anchor, near = (
        results[0] if question.kind == "after" else results[-1] if len(results) == 1 else results[0]
    )
    words = " / ".join(dict.fromkeys(i.text for i in near))
    return Decision(
        words, None, 5 if len(results) == 1 else 3, (anchor, *near), _relation(question, anchor, near[0])
    )


def _alike_first(question: Question, anchor: Item, pool: list[Item]) -> list[Item]:
    """Texts worded like the anchor ("The secret word is …"), where there are any."""
    words = tokens(anchor.text)
    target = tokens(question.targets[0])
    if anchor.channel != "screen" or len(words) - len(target) < 2:
        return pool
    frame = frozenset(words) - frozenset(target)
    alike = [i for i in pool if len(frame & frozenset(tokens(i.text))) >= max(2, len(frame) - 1)]
    return alike or pool


def _next_to(anchor: Item, pool: Sequence[Item], *, after: bool) -> list[Item]:
    """The pool's items that come next (or came last before); several when they come at once."""
    if after:
        later = [i for i in pool if i.start_seconds > anchor.start_seconds + AT_ONCE_SECONDS]
        clear = [i for i in later if i.start_seconds >= anchor.stop_seconds - 1.0]
        later = (
            clear if clear and not any(i.start_seconds < anchor.stop_seconds - 1.0 for i in later) else later
        )
        if not later:
            return []
        first = min(i.start_seconds for i in later)
        return [i for i in later if i.start_seconds <= first + AT_ONCE_SECONDS]
    earlier = [i for i in pool if i.start_seconds < anchor.start_seconds - AT_ONCE_SECONDS]
    if not earlier:
        return []
    last = max(i.start_seconds for i in earlier)
    return [i for i in earlier if i.start_seconds >= last - AT_ONCE_SECONDS]


def _relation(question: Question, anchor: Item, near: Item) -> str:
    return f"“{near.text}” comes right {question.kind} “{anchor.text}”."


def _between(question: Question, timeline: Timeline) -> Decision | None:
    if len(question.targets) < 2:
        return answer_read(question, timeline)
    first, second = (_anchor_or_clause(question, timeline, target) for target in question.targets[:2])
    if not first or not second:
        return None
    low, high = sorted((first[0], second[0]), key=lambda i: i.start_seconds)
    pool = timeline.speech if question.where == "speech" else timeline.screen
    inside = [
        i for i in pool
        if low.start_seconds + AT_ONCE_SECONDS < i.start_seconds < high.start_seconds - AT_ONCE_SECONDS
        and not any(holds(i.text, t) >= LOOKALIKE for t in question.targets)
    ]  # fmt: skip
    inside = _alike_first(question, low, inside)
    if not inside:
        return None
    cited = (low, *(g[0] for g in timeline.distinct(inside)), high)
    if question.options:
        hits = only_supported(question.options, inside)
        return (
            Decision(question.options[hits[0]], hits[0], 5, cited, "It stands between the two.")
            if len(hits) == 1
            else None
        )
    return Decision(texts_words([i.text for i in cited[1:-1]]), None, 5, cited, "It stands between the two.")


def _during(question: Question, timeline: Timeline) -> Decision | None:
    """What stands or is said while something else does."""
    anchors = [i for target in question.targets[:1] for i in _anchor_or_clause(question, timeline, target)]
    if not anchors:
        return answer_read(question, timeline) if not question.targets else None
    if question.perceptual:
        return None
    speech_wanted = question.where == "speech" or (
        question.where == "any" and anchors[0].channel == "screen" and not question.nouns
    )
    pool = timeline.speech if speech_wanted else timeline.screen
    for anchor in anchors:
        near = [
            i
            for i in pool
            if i != anchor
            and i.start_seconds < anchor.stop_seconds + 0.5
            and i.stop_seconds > anchor.start_seconds - 0.5
            and not any(holds(i.text, t) >= LOOKALIKE for t in question.targets)
        ]
        if not near:
            continue
        if question.options:
            hits = only_supported(question.options, near)
            if len(hits) != 1:
                continue
            cited = [i for i in near if match_option(i, question.options[hits[0]])][:1]
            return Decision(
                question.options[hits[0]], hits[0], 5, (anchor, *cited), "They are there at the same time."
            )
        groups = timeline.distinct(near)
        return Decision(
            texts_words([g[0].text for g in groups]),
            None,
            4,
            (anchor, *(g[0] for g in groups)),
            "They are there at the same time.",
        )
    return None


def _at_time(question: Question, timeline: Timeline) -> Decision | None:
    low, high = question.start_seconds or 0.0, question.stop_seconds
    if low < 0:
        low = timeline.stop_seconds + low
    high = timeline.stop_seconds if high is None else high
    slack = 0.5 if low == high else 0.0
    if question.kind == "after":
        pool = [i for i in timeline.of(question.where) if i.start_seconds >= low][:1]
    elif question.kind == "before":
        pool = [i for i in timeline.of(question.where) if i.start_seconds < low][-1:]
    else:
        pool = [
            i
            for i in timeline.of(question.where)
            if i.start_seconds < high + slack and i.stop_seconds > low - slack
        ]
        exact = [i for i in pool if i.start_seconds <= high and i.stop_seconds > low]
        pool = exact or pool
    if question.where == "any" and not question.options:
        pool = [i for i in pool if i.channel == "screen"] or pool
    if question.perceptual or (
        question.content and not any(question.content & i.stems for i in pool) and question.kind == "open"
    ):
        return None
    if not pool:
        return None
    if question.options:
        hits = only_supported(question.options, pool)
        if len(hits) != 1:
            return None
        cited = [i for i in pool if match_option(i, question.options[hits[0]])]
        return Decision(question.options[hits[0]], hits[0], 5, tuple(cited), "It stands there at that time.")
    groups = timeline.distinct(pool)
    return Decision(
        texts_words([g[0].text for g in groups]),
        None,
        4,
        tuple(g[0] for g in groups),
        "It stands there at that time.",
    )


def _named(question: Question, timeline: Timeline) -> list[Item]:
    """Where the text that the question is about stands, named outright or by its other words."""
    for target in question.targets:
        if found := _anchor(question, timeline, target):
            return found
        wanted = frozenset(question_stems(target))
        if len(wanted) >= 2 and (found := [i for i in timeline.of(question.where) if wanted <= i.stems]):
            return found
    if question.targets or not question.content:
        return []
    return [i for i in timeline.of(question.where) if question.content <= i.stems]


def question_stems(text: str) -> frozenset[str]:
    """Of a phrase, without words that only point at texts."""
    return stems(" ".join(w for w in tokens(text) if w not in TEXT_NOUNS))


def _when(question: Question, timeline: Timeline) -> Decision | None:
    asked = frozenset(tokens(question.text))
    if not question.targets and not asked & (SHOWING | SAYING | _CLOCKED):
        # `When does the train leave?` asks for a time that somebody tells.
        return answer_open(question, timeline)
    found = _named(question, timeline)
    if not found and not question.targets and not question.content:
        texts = wanted_texts(question, timeline)
        found = texts if len(timeline.distinct(texts)) == 1 else []
    if not found:
        return None
    if question.options:
        choice = _choose_time(question.options, found)
        if choice is None:
            return None
        return Decision(question.options[choice], choice, 5, tuple(found), "It stands there at that time.")
    if re.search(r"\blast\b|\bdisappear|\bvanish|\bgone\b", question.text.lower()) and question.targets:
        found = found[-1:]
    elif re.search(r"\bfirst\b", question.text.lower()):
        found = found[:1]
    words = ", ".join(span_words(item, long=True) for item in found)
    return Decision(words, None, 5, tuple(found), f"“{found[0].text}” stands there.")


_CLOCKED = frozenset(["time", "timestamp", "second", "minute", "moment", "video", "film", "clip"])


def _choose_time(options: Sequence[str], found: Sequence[Item]) -> int | None:
    """The option whose time lies in, or is closest to, what was found (within 5 s)."""
    best: tuple[float, int] | None = None
    for number, option in enumerate(options):
        times = times_in(option) or [float(t) for t in re.findall(r"\d+(?:\.\d+)?", option)][:2]
        if not times:
            continue
        low, high = min(times[:2]), max(times[:2])
        miss = min(_miss(low, high, item) for item in found)
        if best is None or miss < best[0]:
            best = (miss, number)
    return best[1] if best and best[0] <= 5.0 else None


def _miss(low: float, high: float, item: Item) -> float:
    if low == high:
        return (
            0.0
            if item.start_seconds - 0.5 <= low <= item.stop_seconds + 0.5
            else min(abs(low - item.start_seconds), abs(low - item.stop_seconds))
        )
    inner = min(high, item.stop_seconds) - max(low, item.start_seconds)
    outer = max(high, item.stop_seconds) - min(low, item.start_seconds)
    return 5.0 * (1 - inner / outer) if inner > 0 and outer > 0 else 99.0


def _how_long(question: Question, timeline: Timeline) -> Decision | None:
    found = _named(question, timeline)
    if not found:
        return None
    total = sum(i.stop_seconds - i.start_seconds for i in found)
    words = f"{total:.1f} s ({', '.join(span_words(i) for i in found)})"
    choice = choose_by_number(question.options, total, as_time=True)
    return Decision(
        words,
        choice,
        4,
        tuple(found),
        "From its first to its last frame.",
        found=not question.options or choice is not None,
    )


def _colour(question: Question, timeline: Timeline) -> Decision | None:
    """Only the picture's colours as a whole were measured: not those of a text, a coat or a car."""
    if not re.search(
        r"\b(?:screen|background|picture|frame|image|scene|slide|backdrop)\b", question.text.lower()
    ):
        return None
    anchors = _named(question, timeline) if question.targets else []
    if question.start_seconds is not None:
        at = (
            question.start_seconds
            if question.start_seconds >= 0
            else timeline.stop_seconds + question.start_seconds
        )
        scenes = [p for p in timeline.pictures if p.start_seconds <= at < p.stop_seconds]
    elif anchors:
        middle = (anchors[0].start_seconds + anchors[0].stop_seconds) / 2
        scenes = [p for p in timeline.pictures if p.start_seconds <= middle < p.stop_seconds]
    else:
        scenes = []
    if not scenes:
        return None
    name = scenes[0].text.removeprefix("The picture is mostly ").rstrip(".").partition(", with ")[0]
    cited = (scenes[0], *anchors[:1])
    if question.options:
        fitting = [
            n
            for n, o in enumerate(question.options)
            if set(tokens(o)) & set(tokens(name)) - {"dark", "light"}
        ]
        return (
            Decision(question.options[fitting[0]], fitting[0], 3, cited, f"Mostly {name}.")
            if len(fitting) == 1
            else None
        )
    return Decision(name, None, 3, cited, f"Mostly {name}.")


def _who(question: Question, timeline: Timeline) -> Decision | None:
    lines: list[Item] = []
    for target in question.targets:
        lines = holding(timeline.speech, target)
        if not lines and len(wanted := question_stems(target)) >= 1:
            scored = [(len(wanted & i.stems) / len(wanted), i) for i in timeline.speech]
            best = max((s for s, _ in scored), default=0.0)
            lines = [i for s, i in scored if s == best and best >= 0.6]
    if not lines and question.start_seconds is not None:
        at = question.start_seconds
        lines = [i for i in timeline.speech if i.start_seconds - 0.5 <= at <= i.stop_seconds + 0.5]
    named = [i for i in lines if i.speaker]
    if not named:
        return answer_open(question, timeline) if not question.targets else None
    speakers = list(dict.fromkeys(i.speaker or "" for i in named))
    if question.options:
        hits = [
            n for n, o in enumerate(question.options) if any(holds(o, s) or holds(s, o) for s in speakers)
        ]
        return (
            Decision(question.options[hits[0]], hits[0], 5, tuple(named[:1]), f"{speakers[0]} says it.")
            if len(hits) == 1
            else None
        )
    return Decision(
        " and ".join(speakers), None, 5 if len(speakers) == 1 else 3, tuple(named), f"{speakers[0]} says it."
    )


def _nth_text(question: Question, timeline: Timeline) -> Decision | None:
    named = held_by_content(question, pool_of(question, timeline)) if question.literal else []
    if named and all(question.literal <= i.stems for i in named):
        # `What is the final animal?` where a text says "The final animal is …".
        return answer_read(question, timeline)
    pool = wanted_texts(question, timeline)
    if question.options:
        named = [i for i in pool if any(match_option(i, o) for o in question.options)]
        if not named and question.where == "any":
            named = [i for i in timeline.everything if any(match_option(i, o) for o in question.options)]
        pool = named
    groups = timeline.distinct(pool)
    if question.nth < 0:
        groups.sort(key=lambda g: g[-1].start_seconds)
    place = question.nth - 1 if question.nth > 0 else question.nth
    if not -len(groups) <= place < len(groups):
        return None
    item = groups[place][-1 if question.nth < 0 else 0]
    if question.options:
        hits = only_supported(question.options, [item])
        return (
            Decision(question.options[hits[0]], hits[0], 5, (item,), "By order of appearance.")
            if len(hits) == 1
            else None
        )
    return Decision(item.text, None, 4, (item,), "By order of appearance.")


def _exists(question: Question, timeline: Timeline) -> Decision | None:
    if not question.targets:
        return None
    found: list[Item] = []
    for target in question.targets:
        here = holding(timeline.of(question.where), target)
        if (not here and question.where == "any") or (
            not here and re.search(r"\bmention", question.text.lower())
        ):
            here = holding(timeline.everything, target)
        if not here:
            return None
        found.extend(here[:4])
    if question.start_seconds is not None:
        low = (
            question.start_seconds
            if question.start_seconds >= 0
            else timeline.stop_seconds + question.start_seconds
        )
        high = question.stop_seconds if question.stop_seconds is not None else timeline.stop_seconds
        found = [i for i in found if i.start_seconds <= high + 0.5 and i.stop_seconds >= low - 0.5]
        if not found:
            return None
    how = "is said" if found[0].channel == "speech" else "is on screen"
    yes = "No" if question.negated else "Yes"
    return Decision(
        f"{yes}: “{found[0].text}” {how} at {span_words(found[0])}",
        choose_yes(question.options, yes=not question.negated),
        5,
        tuple(found),
        "It was found.",
    )


def _precedes(question: Question, timeline: Timeline) -> Decision | None:
    if len(question.targets) < 2:
        return None
    first, second = (
        _anchor(question, timeline, t) or holding(timeline.everything, t) for t in question.targets[:2]
    )
    if not first or not second:
        return None
    earlier = first[0].start_seconds < second[0].start_seconds
    asked_before = bool(re.search(r"\b(?:before|earlier than)\b", question.text.lower()))
    yes = earlier == asked_before
    words = f"{'Yes' if yes else 'No'}: “{first[0].text}” at {span_words(first[0])}, “{second[0].text}” at {span_words(second[0])}"
    return Decision(
        words, choose_yes(question.options, yes=yes), 5, (first[0], second[0]), "Both were found."
    )


def _not_shown(question: Question, timeline: Timeline) -> Decision | None:
    """The one option that nothing supports, when all others are supported."""
    pool = timeline.of(question.where)
    present = {n: [i for i in pool if match_option(i, o)] for n, o in enumerate(question.options)}
    missing = [n for n, items in present.items() if not items]
    if len(missing) != 1:
        return None
    cited = tuple(items[0] for items in present.values() if items)
    choice = missing[0]
    return Decision(
        question.options[choice],
        choice,
        4,
        cited,
        "All other options were found; this one was not.",
        missing=True,
    )


def _read(question: Question, timeline: Timeline) -> Decision | None:
    return answer_read(question, timeline)


_HANDLERS: dict[Kind, Callable[[Question, Timeline], Decision | None]] = {
    "video_length": _video_length,
    "count_different": _count_different,
    "count_times": _count_times,
    "order": _order,
    "after": _neighbour,
    "before": _neighbour,
    "between": _between,
    "during": _during,
    "at_time": _at_time,
    "when": _when,
    "how_long": _how_long,
    "colour": _colour,
    "who": _who,
    "nth": _nth_text,
    "exists": _exists,
    "precedes": _precedes,
    "read": _read,
    "open": answer_open,
}
