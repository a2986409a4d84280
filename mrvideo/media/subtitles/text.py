"""The words of a cue: markup off, and who speaks them."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Line:
    """One subtitle as its file has it, in milliseconds on the file's clock; it may end before it starts.

    `text` is still marked up when a parser makes it; after `spoken` it is plain, one speaker's.
    """

    start_ms: int
    stop_ms: int
    text: str
    speaker: str | None = None


_TAG = re.compile(
    r"</?(?:i|b|u|s|c|v|em|strong|font|lang|ruby|rt|rb|span|p|div|big|small|a|center|tt|sub|sup)(?:[.\s][^<>]*)?/?>"
    r"|<br\s*/?>|<\d[\d:.]*>|</>",
    re.IGNORECASE,
)
# What follows the spaces begins with another sign: two patterns that both take spaces would share them out in
# every way.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^\s<>][^<>]*)>", re.IGNORECASE)
# Places in the private use area stand in for what the markup stripper must not see.
_VOICE_OPEN, _VOICE_CLOSE, _BRACE, BACKSLASH = "\ue000", "\ue001", "\ue002", "\ue003"
AS_WRITTEN = "\u2060"
"""At the end of a cue: it is a line of its own, no letter of a longer one. Players show nothing there."""
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)


def plain(text: str, *, braces_are_markup: bool) -> str:
    """Text without tags, override codes, entities and invisible marks; its lines kept, voices marked.

    `{...}` without a backslash is a comment in ASS and words elsewhere ("{laughs}").
    """
    text = re.sub(f"[\u2060{_VOICE_OPEN}{_VOICE_CLOSE}{_BRACE}]", "", text)
    text = _REFERENCE.sub(_harmless, text)
    if not braces_are_markup:
        text = re.sub(r"\\\{|\{(?!\\)", _BRACE, text)
    text = "".join(words for words, _ in overridden(text))
    text = text.replace("\\h", " ").replace("\\n", "\n").replace("\\N", "\n")
    text = _VOICE.sub(lambda match: f"{_VOICE_OPEN}{match[1].strip()}{_VOICE_CLOSE}", text)
    text = re.sub("</v>", f"{_VOICE_OPEN}{_VOICE_CLOSE}", text, flags=re.IGNORECASE)
    text = _TAG.sub(lambda match: "\n" if match[0].lower().startswith("<br") else "", text)
    return tidy(html.unescape(text)).replace(_BRACE, "{").replace(BACKSLASH, "\\")


def plain_cue(text: str) -> str:
    """`plain` for SRT and WebVTT; the mark `AS_WRITTEN` at its end is kept, for `unmarked` to take off."""
    words = plain(text, braces_are_markup=False)
    return words + AS_WRITTEN if words and text.rstrip().endswith(AS_WRITTEN) else words


def unmarked(lines: Iterable[Line]) -> list[Line]:
    """The lines without `AS_WRITTEN`."""
    return [
        replace(line, text=line.text.removesuffix(AS_WRITTEN)) if line.text.endswith(AS_WRITTEN) else line
        for line in lines
    ]


def overridden(text: str) -> Iterator[tuple[str, str]]:
    """The words of a text with the `{...}` that follows each; one that never closes is words."""
    at = 0
    while (opens := text.find("{", at)) >= 0 and (closes := text.find("}", opens)) >= 0:
        yield text[at:opens], text[opens + 1 : closes]
        at = closes + 1
    yield text[at:], ""


def tidy(text: str) -> str:
    """Words that hold no markup: invisible marks off, spaces made one, empty lines left out."""
    lines = (" ".join(line.split()) for line in _INVISIBLE.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")


def _harmless(reference: re.Match[str]) -> str:
    """The numeric reference as it stands, unless its number is no sign's, or that of a stand-in."""
    digits = reference[1] or reference[2]
    if len(digits) > 8:
        return "\ufffd"  # thousands of digits are more than Python turns into a number
    code = int(digits, 16 if reference[1] else 10)
    return "" if 0xE000 <= code <= 0xE003 else reference[0]


# A label ends at the first colon that words follow. `Dr. Smith`, `MAN 2`, `O'Brien`, `Mary-Ann`; at most four
# words.
_LABEL = re.compile(
    r"^(?P<dash>[-–—•>\s]*)(?P<open>[\[(]?)(?P<label>[^\W\d_][\w.'’&#-]*(?:\s[\w.'’&#-]+){0,3})"
    r"(?P<aside>\s*\([^()]{1,40}\))?[\])]?\s*:(?P<rest>\s+\S.*)$",
    re.DOTALL,
)
_NO_SPEAKERS = """
note notes warning caution attention ps nb example eg ie question answer q a chapter part step episode
scene act time date day place location subject re from to cc fact rule lesson tip hint source sources
credit credits translation translator subtitles captions music song lyrics title total score result url
http https www error update breaking news live today tomorrow remember option problem solution conclusion
summary first second third next finally last and but so then also plus here there this that which what
because however meaning namely is are was be the three two one like including following follows say said
says asked
"""
_NOT_A_SPEAKER = frozenset(_NO_SPEAKERS.split())


def spoken(lines: Iterable[Line]) -> list[Line]:
    """Lines of plain text, one speaker each, from lines that `plain` made: a cue of two voices becomes two
    lines of one span.

    A label counts as a speaker when it stands in capitals, or comes back in another line of the file. Where
    everything stands in capitals (broadcast captions), it has to come back.
    """
    lines = list(lines)
    shouted = _mostly_capitals(lines)
    seen: Counter[str] = Counter()
    for line in lines:
        seen.update({found[0] for part in line.text.split("\n") if (found := _label(part))})

    def speaks(label: str) -> bool:
        return seen[label] >= 2 or (_is_upper(label) and not shouted)

    result: list[Line] = []
    for line in lines:
        for speaker, text in _turns(line, speaks):
            result.append(replace(line, text=text, speaker=speaker))
    return result


def _turns(line: Line, speaks: Callable[[str], bool]) -> list[tuple[str | None, str]]:
    turns: list[tuple[str | None, list[str]]] = []
    speaker = line.speaker
    for voice, part in _voiced(line.text):
        if voice is not None:
            speaker = voice or line.speaker
        for row in part.split("\n"):
            if not row.strip():
                continue
            found = _label(row) if line.speaker is None and voice is None else None
            if found and speaks(found[0]):
                speaker, row = found
            elif speaker and turns and voice is None and line.speaker is None and re.match(r"[-–—]\s", row):
                speaker = None  # another dash after a labelled line: somebody else, unnamed
            if turns and turns[-1][0] == speaker:
                turns[-1][1].append(row.strip())
            else:
                turns.append((speaker, [row.strip()]))
    return [(who, " ".join(rows)) for who, rows in turns]


def _voiced(text: str) -> list[tuple[str | None, str]]:
    """Parts of a text, each with the voice that a mark before it names: "" ends a voice, None says nothing."""
    pieces = re.split(f"{_VOICE_OPEN}([^{_VOICE_CLOSE}]*){_VOICE_CLOSE}", text)
    parts: list[tuple[str | None, str]] = [(None, pieces[0])]
    parts += [(pieces[i], pieces[i + 1]) for i in range(1, len(pieces), 2)]
    return [(voice, part) for voice, part in parts if part.strip()]


def _label(row: str) -> tuple[str, str] | None:
    """`("SARAH", "hello")` when the row may begin with a speaker's label; whether it does, the file decides."""
    found = _LABEL.match(row)
    if found is None:
        return None
    label = found["label"].strip()
    words = label.split()
    if len(label) > 30 or any(word.lower().strip(".'’") in _NOT_A_SPEAKER for word in words):
        return None
    if not all(
        word[0].isupper() or word[0].isdigit() or word[0] in "(#&" or word in _LITTLE for word in words
    ):
        return None
    rest = found["rest"].strip()
    if re.match(r"\d{1,2}[:.]\d{2}\b|[\d.,%$€£\s/:-]+$", rest.removesuffix(AS_WRITTEN)):
        return None  # "Kick-off: 10:30", "Total: 45"
    aside = found["aside"]
    return label, f"{aside.strip()} {rest}" if aside else rest


_LITTLE = frozenset({"of", "de", "van", "von", "der", "da", "di", "al", "bin", "and", "&", "in", "on", "at"})


def _is_upper(label: str) -> bool:
    return sum(c.isalpha() for c in label) >= 2 and label == label.upper() and label != label.lower()


def _mostly_capitals(lines: Sequence[Line]) -> bool:
    cased = [c for line in lines for c in line.text if c.lower() != c.upper()]
    return len(cased) > 40 and sum(c.isupper() for c in cased) > 0.7 * len(cased)
