"""Words of questions: which carry meaning, what numbers and times they spell."""

from __future__ import annotations

import re

from mrvideo.text import tokens


def _words(text: str) -> list[str]:
    return text.split()


def words_of(words: str) -> frozenset[str]:
    """A set of words from a text."""
    return frozenset(_words(words))


STOP = words_of(
    """
    a about all every each an and any anything are as at be been being but by can could did do does done during
    each either for from get gets given had has have having he her here hers him his how i if in
    into is it its itself just me might more most much my of off on once one ones onto or other our
    out over own shall she should so some someone something such than that the their theirs them
    then there these they thing things this those through to too under up upon us was we were what
    whatever when where which while who whom whose why will with within would you your yes no please
    tell per following correct correctly option options answer question true exactly ever also according
    name's what's who's where's when's how's that's video film clip movie footage recording scene scenes part moment point time times time's
    second seconds minute minutes in’s s t d ll re ve m der die das und ist was le la les des un une
    est que el los las del
    """
)

KINDS = words_of("kind kinds sort sorts type types")
"""`What kind of cake` asks for a cake."""

TEXT_NOUNS = words_of(
    """
    text texts word words sign signs title titles caption captions number numbers digit digits code
    codes message messages phrase phrases sentence sentences line lines label labels letter letters
    subtitle subtitles slide slides card cards inscription inscriptions writing heading headline
    headlines banner banners string strings overlay overlays password passwords note notes board
    boards needle needles name names item items poster plate placard billboard tag
    """
)

SHOWING = words_of(
    """
    list enumerate appearance appearances appear appears appeared appearing show shows shown showing display displays displayed displaying
    see sees seen visible write writes written read reads reading screen on-screen onscreen stand
    stands stood come comes came coming flash flashes flashed present presented occur occurs
    occurred pop pops popped contain contains contained feature features featured state stated
    states picture image frame frames displayed inserted insert
    """
)

SAYING = words_of(
    """
    say says said saying speak speaks spoke spoken speaking mention mentions mentioned mentioning
    tell tells told talk talks talked talking hear heard hears utter uttered announce announces
    announced ask asks asked asking reply replies replied answers answered dialogue speech voice
    narrator narration speaker shout shouts shouted whisper whispers quote quoted
    """
)

RELATING = words_of(
    """
    first last final earliest latest initial second third fourth fifth sixth seventh eighth ninth
    tenth next previous before after right immediately directly just straight later earlier
    preceding precedes follows follow between order sequence chronological total many different
    distinct unique various separate long often frequently beginning start starts end ends opening
    closing until not never none missing absent except did't doesn't isn't top bottom left middle
    correct
    """
)

_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        _words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        )
    )
} | {
    "once": 1,
    "twice": 2,
    "thrice": 3,
    "none": 0,
    "never": 0,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}

ORDINALS = {
    word: number
    for number, word in enumerate(
        _words("first second third fourth fifth sixth seventh eighth ninth tenth"), 1
    )
} | {f"{n}{s}": n for n, s in ((1, "st"), (2, "nd"), (3, "rd"), *((n, "th") for n in range(4, 21)))}

_CLOCK = re.compile(r"(?<![\d:])(?:(\d{1,2}):)?(\d{1,3}):(\d{2})(?:[.,](\d{1,3}))?(?![\d:])")
_UNITS = re.compile(
    r"(\d+(?:[.,]\d+)?)[\s-]*(hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b(?:\s*(?:and)?\s*)",
    re.IGNORECASE,
)


_IRREGULAR = {
    past: base
    for base, pasts in (
        line.split(": ")
        for line in " ".join(
            ["lose:", "lost;", "buy:", "bought;", "go:", "went", "gone;", "find:", "found;", "leave:", "left;", "take:", "took", "taken;", "make:", "made;", "tell:", "told;", "come:", "came;", "bring:", "brought;", "think:", "thought;", "know:", "knew", "known;", "eat:", "ate", "eaten;", "drink:", "drank", "drunk;", "write:", "wrote;", "run:", "ran;", "begin:", "began", "begun;", "break:", "broke", "broken;", "meet:", "met;", "pay:", "paid;", "sell:", "sold;", "keep:", "kept;", "feel:", "felt;", "win:", "won;", "send:", "sent;", "build:", "built;", "spend:", "spent;", "catch:", "caught;", "teach:", "taught;", "drive:", "drove", "driven;", "fly:", "flew", "flown;", "fall:", "fell", "fallen;", "wear:", "wore", "worn;", "steal:", "stole", "stolen;", "choose:", "chose", "chosen;", "forget:", "forgot", "forgotten;", "hide:", "hid;", "grow:", "grew", "grown;", "sing:", "sang", "sung;", "sleep:", "slept;", "throw:", "threw", "thrown;", "wake:", "woke;", "understand:", "understood;", "see:", "saw;", "give:", "gave;", "learn:", "learnt;", "burn:", "burnt;", "child:", "children;", "man:", "men;", "woman:", "women;", "person:", "people;", "die:", "died", "dying;", "hold:", "held;", "lie:", "lay"]
        ).split("; ")
    )
    for past in pasts.split()
}  # fmt: skip


def stem(word: str) -> str:
    """Without the endings of English plurals and verbs; crude, and the same for question and text."""
    word = word.removesuffix("'s")
    word = _IRREGULAR.get(word, word)
    for ending in ("ies", "ied", "ings", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            root = word[: -len(ending)]
            if ending in ("ies", "ied"):
                return root + "y"
            if (
                ending in ("ings", "ing", "ed")
                and len(root) >= 4
                and root[-1] == root[-2]
                and root[-1] not in "lsz"
            ):
                return root[:-1]
            return root.rstrip("e") if len(root) > 3 else root
    return word.rstrip("e") if len(word) > 3 else word


LIGHT = frozenset(
    stem(word)
    for word in _words(
        "leave depart arrive cost sell go use need give require make take serve hold run be near"
    )
)
"""Stems of verbs that a sign leaves out: `Flight BA117 … 14:35` tells when it leaves."""


def stems(text: str) -> frozenset[str]:
    """Of every word that is not a stop word."""
    return frozenset(stem(word) for word in tokens(text) if word not in STOP)


def number_in(text: str) -> float | None:
    """The first number a text spells, in digits or words."""
    return next(iter(numbers_in(text)), None)


_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}


def numbers_in(text: str) -> list[float]:
    """Every number a text spells: `300`, `three hundred`, `twenty-five thousand`, `4.2 million`."""
    found: list[float] = []
    run = False
    for word in tokens(text):
        digits = re.fullmatch(r"\d+(?:\.\d+)?", word) is not None
        if digits or word in _NUMBER_WORDS:
            value = float(word) if digits else float(_NUMBER_WORDS[word])
            last = found[-1] if run else 0.0
            if (
                run
                and not digits
                and last >= 20
                and last % 10 == 0
                and value < last % 100 + 10
                and value < 100
            ):
                found[-1] += value
            else:
                found.append(value)
            run = True
        elif word in _SCALES and run:
            found[-1] *= _SCALES[word]
        else:
            run = False
    return found


def times_in(text: str) -> list[float]:
    """Every time a text names, in seconds: `1:23`, `0:01:23.5`, `83 s`, `1 min 23 s`, in order."""
    found: list[tuple[int, float]] = []
    for match in _CLOCK.finditer(text):
        hours, minutes, seconds, part = match.groups()
        value = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{part or 0}")
        found.append((match.start(), value))
    position = 0
    while match := _UNITS.search(text, position):
        begin, value, largest = match.start(), 0.0, 4
        while match and match.start() == (position if value else begin):
            rank, scale = {"h": (3, 3600), "m": (2, 60), "s": (1, 1)}[match.group(2)[0].lower()]
            if rank >= largest:
                break
            value, largest = value + float(match.group(1).replace(",", ".")) * scale, rank
            position = match.end()
            match = _UNITS.match(text, position)
        found.append((begin, value))
    for match in re.finditer(r"\b(second|minute)\s+(\d+(?:\.\d+)?)", text, re.IGNORECASE):
        scale = 60 if match.group(1).lower() == "minute" else 1
        found.append((match.start(), float(match.group(2)) * scale))
    return [value for _, value in sorted(found)]
