"""Whether an answer in words says what is accepted: a name, a number, a time. One rule for every system.

Everything is compared without case, accents and punctuation, and whole words only, so that "Zürich," says
"zurich" and "77" does not say "7". Scripts that do not part words are compared as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from mrvideo.records import Span

LONGEST_ANSWER = 200
"""Characters: about two cues of two lines. Who reads out more has not answered, whatever it holds."""

TIME_SLACK_SECONDS = 2.0
LONGER_THAN_WINDOW_SECONDS = 10.0
LENGTH_SLACK = 0.1

_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655]")
_QUOTED = re.compile(r"[“”\"„«「『‘][^“”\"„«»「」『』]*[”“\"»」』]|(?<!\w)'[^']*'(?!\w)")
_CLOCK = r"\d{1,3}(?::\d{2}){1,2}(?:\.\d+)?"
_UNITS = r"(?:s|sec|secs|seconds?|sekunden?|secondes?|segundos?|secondi|secondo|seconden|秒|ثوان|ثانية)"
_UNIT_END = r"(?![a-zà-ÿ])"
_MINUTES = r"(?:m|min|mins|minutes?|minuten?|minutos?|minuti|minuto|分钟?|分間?|دقيقة|دقائق)"
_JOIN = r"\s*(?:-|–|—|~|to|until|and|bis|und|à|et|a|hasta|y|até|e|al|alle|fino a|tot|en|到|至|から|إلى)\s*"
_CLOCK_RANGE = re.compile(rf"({_CLOCK}){_JOIN}({_CLOCK})", re.IGNORECASE)
_ONE_CLOCK = re.compile(_CLOCK)
_SECOND_RANGE = re.compile(
    rf"(\d+(?:\.\d+)?)\s*{_UNITS}?{_JOIN}(\d+(?:\.\d+)?)\s*{_UNITS}{_UNIT_END}", re.IGNORECASE
)
_ONE_SECONDS = re.compile(
    rf"(?:(\d+)\s*{_MINUTES}{_UNIT_END}\s*(?:,|and|und|et|y|e|en)?\s*)?(\d+(?:\.\d+)?)\s*{_UNITS}{_UNIT_END}",
    re.IGNORECASE,
)
_ONE_MINUTES = re.compile(
    rf"(\d+(?:\.\d+)?)\s*{_MINUTES}{_UNIT_END}(?!\s*(?:,|and)?\s*\d+\s*{_UNITS}{_UNIT_END})", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def normalised(text: str) -> str:
    """Words parted by single spaces, without case, accents and punctuation."""
    bare = _MARKS.sub("", unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold()))
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare)).split())


def says(answer: str, accepted: Sequence[str], rejected: Sequence[str] = ()) -> bool:
    """Whether an accepted alternative stands in the answer, and no rejected one before it.

    `^` binds an alternative to the beginning. A bare number has to be the first number that the answer gives
    beside times of the video and quotations; where there is none, the first within its quotations counts.
    """
    if len(answer) > LONGEST_ANSWER:
        return False
    places = [place for each in accepted if (place := _place(answer, each)) is not None]
    wrong = [place for each in rejected if (place := _place(answer, each)) is not None]
    return bool(places) and (not wrong or min(places) < min(wrong))


def _place(answer: str, wanted: str) -> int | None:
    if re.fullmatch(r"\d+(?:[.,]\d+)?", wanted.strip()):
        return _place_of_number(answer, wanted.strip())
    start_only, words, text = wanted.startswith("^"), normalised(wanted), normalised(answer)
    if not words:
        return None
    if any(ord(c) >= 0x0590 for c in words):
        words, text = words.replace(" ", ""), text.replace(" ", "")
        place = text.find(words)
    else:
        place = f" {text} ".find(f" {words} ")
    return None if place < 0 or (start_only and place > 0) else place


def _place_of_number(answer: str, wanted: str) -> int | None:
    for text in (_without_times(_QUOTED.sub(" ", answer)), _without_times(answer)):
        found = _NUMBER.search(unicodedata.normalize("NFKC", text))
        if found is None:
            continue
        same = _readings(found.group()) & _readings(wanted)
        return len(normalised(text[: found.start()])) if same else None
    return None


def _readings(number: str) -> set[str]:
    """What a number with commas may mean: `8,214` is 8214 or 8.214."""
    return {number.replace(",", ""), number.replace(",", ".")}


def _without_times(text: str) -> str:
    for pattern in (_CLOCK_RANGE, _ONE_CLOCK, _SECOND_RANGE, _ONE_SECONDS):
        text = pattern.sub(" ", text)
    return text


def stated_spans(answer: str, *, duration_seconds: float | None = None) -> list[Span]:
    """The times of the video that an answer gives in its own words; a single time is an instant.

    What it quotes is left out: the clock in the picture says `09:40` too. So is what lies past the end of the
    video.
    """
    text = _QUOTED.sub(" ", answer)
    spans: list[Span] = []
    for pattern, read in ((_CLOCK_RANGE, _clock), (_SECOND_RANGE, float)):
        for found in pattern.finditer(text):
            start, stop = (read(part) for part in found.groups())
            if start <= stop:
                spans.append(Span(start, stop))
        text = pattern.sub(" ", text)
    for found in _ONE_CLOCK.finditer(text):
        spans.append(Span(_clock(found.group()), _clock(found.group())))
    for found in _ONE_SECONDS.finditer(_ONE_CLOCK.sub(" ", text)):
        seconds = 60 * float(found.group(1) or 0) + float(found.group(2))
        spans.append(Span(seconds, seconds))
    last = float("inf") if duration_seconds is None else duration_seconds + TIME_SLACK_SECONDS
    return [span for span in spans if span.start_seconds <= last]


def _clock(text: str) -> float:
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total


def gives_time(
    answer: str, cited: Sequence[Span], windows: Sequence[Span], *, duration_seconds: float | None = None
) -> bool:
    """Whether an answer to "when" names times in the windows, and none elsewhere.

    One that gives no time in words is taken by the first span that it cites. A range may be longer than its
    window by 10 s, and miss it by 2 s: what is read twice a second is known no better.
    """
    stated = stated_spans(answer, duration_seconds=duration_seconds) or list(cited[:1])
    return bool(stated) and all(any(_fits(span, window) for window in windows) for span in stated)


def _fits(span: Span, window: Span) -> bool:
    wide = window.padded(TIME_SLACK_SECONDS)
    near = span.start_seconds <= wide.stop_seconds and wide.start_seconds <= span.stop_seconds
    return near and span.duration_seconds <= window.duration_seconds + LONGER_THAN_WINDOW_SECONDS


def gives_length(answer: str, seconds: float) -> bool:
    """Whether an answer to "how long" gives a length that differs by at most 10 % or 2 s."""
    text = _QUOTED.sub(" ", answer)
    lengths = [_clock(found.group()) for found in _ONE_CLOCK.finditer(text)]
    rest = _ONE_CLOCK.sub(" ", text)
    lengths += [60 * float(f.group(1) or 0) + float(f.group(2)) for f in _ONE_SECONDS.finditer(rest)]
    lengths += [60 * float(f.group(1)) for f in _ONE_MINUTES.finditer(rest)]
    slack = max(TIME_SLACK_SECONDS, LENGTH_SLACK * seconds)
    return any(abs(length - seconds) <= slack for length in lengths)
