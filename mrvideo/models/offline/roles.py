"""Who holds a role or did a work: `Harriet Blane, Mayor`, `Directed by Ines Calloway`, `Music: The Tin Gulls`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mrvideo.models.offline.choosing import option_text
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision, texts_words
from mrvideo.models.offline.words import STOP, stem, words_of
from mrvideo.text import holds, tokens

MOST_NAMED = 3
MOST_NAME_WORDS = 4

_MADE = "did|does|made|makes|wrote|composed|painted|designed|built|shot|filmed|edited|produced|directed|sang|performed|created|drew|played|recorded|translated|narrated|presented"
_FILM = "film|video|movie|clip|documentary|show|report|episode|programme|program"
_ASKED = (
    r"^who(?:'s| is| was| are| were) (?:the |our )?(?P<role>.+)$",
    r"^(?:what|which|what's) (?:is |was )?(?:the |our )?(?P<role>.+?)'s? (?:full |first |last |own )?names?$",
    r"^(?:what|which|what's) (?:is |was )?the (?:full |first |last )?names? of (?:the |our )?(?P<role>.+)$",
    r"^(?:what|how) (?:is|was) (?:the |our )?(?P<role>.+?) called$",
    r"^(?:name|who plays) the (?P<role>.+)$",
)
_DEED = re.compile(rf"^who (?P<deed>{_MADE}) (?:the |this )?(?P<work>.+)$")
_PARTS = re.compile(r"\w[\w'’&.-]*\w\.?|\w|[:,;|–—-]")
_MODIFIERS = words_of("head chief senior junior deputy vice lead leading assistant executive associate general managing former acting our the a an is was as my new")  # fmt: skip
_PARTICLES = words_of("de da di del van von der den la le el al bin of the")
_NO_NAMES = words_of("i i'm he she it we they this that he's she's it's here there who what my our your his her its the a an and but so yes no mr mrs ms dr")  # fmt: skip


def holder_of_role(question: Question, timeline: Timeline) -> Decision | None:
    """The name that stands beside the role which the question names; None where it names none, or where none is told."""
    if question.perceptual or question.where == "speech" or question.kind == "nth":
        return None
    for role, keyed in _roles_asked(question):
        found = dict(_named(role, timeline, keyed=keyed))
        if not found or len(found) > MOST_NAMED:
            continue
        names = list(found)
        cited = tuple(dict.fromkeys(item for items in found.values() for item in items))
        if not question.options:
            return Decision(texts_words(names), None, 4, cited, "The name stands beside it.")
        hits = [
            n
            for n, option in enumerate(question.options)
            if any(holds(option_text(option), name) or holds(name, option_text(option)) for name in names)
        ]
        if len(hits) == 1:
            return Decision(question.options[hits[0]], hits[0], 5, cited, "The name stands beside it.")
    return None


def _roles_asked(question: Question) -> Iterator[tuple[frozenset[str], bool]]:
    """Roles as roots of words, likeliest first, and whether only `Music: …` and `Music by …` will do."""
    plain = " ".join(question.text.replace("’", "'").split()).rstrip("?!. ")
    plain = re.sub(rf",? (?:of|in|for) (?:the|this) (?:{_FILM})$", "", plain)
    low = plain.lower()
    if match := _DEED.match(low):
        if not re.fullmatch(_FILM, match.group("work")):
            yield _roots(match.group("work")), True
        yield _roots(match.group("deed")), True
        return
    for pattern in _ASKED:
        if match := re.match(pattern, low):
            said = plain[match.start("role") : match.end("role")]
            # `Who is Tomas Reyk?` asks for the role, not for the name.
            if not said[:1].isupper() and 1 <= len(_roots(said)) <= MOST_NAME_WORDS:
                yield _roots(said), False
            return


def _roots(text: str) -> frozenset[str]:
    return frozenset(_root(w) for w in tokens(text) if w not in STOP)


def _root(word: str) -> str:
    """One for the doer and the deed: director, directed."""
    root = stem(word)
    return (root[:-2] if len(root) >= 6 and root.endswith(("or", "er")) else root).rstrip("e")


def _named(
    role: frozenset[str], timeline: Timeline, *, keyed: bool
) -> Iterator[tuple[str, tuple[Item, ...]]]:
    if not role:
        return
    for item in timeline.everything:
        if role <= frozenset(_root(w) for w in tokens(item.text)):
            if name := _name_beside(item, role, keyed=keyed):
                yield name, (item,)
            elif item.channel == "screen" and not keyed and len(tokens(item.text)) <= len(role) + 4:
                beside = [other for other in timeline.screen if _together(item, other)]
                names = [other for other in beside if _is_name(other.text)]
                if len(names) == 1:
                    yield names[0].text, (names[0], item)


def _together(item: Item, other: Item) -> bool:
    return (
        other is not item
        and abs(other.start_seconds - item.start_seconds) <= 1.0
        and abs(other.stop_seconds - item.stop_seconds) <= 1.0
    )


def _is_name(text: str) -> bool:
    words = text.split()
    return 2 <= len(words) <= MOST_NAME_WORDS and all(re.fullmatch(r"[A-Z][\w'’.-]*", w) for w in words)


def _name_beside(item: Item, role: frozenset[str], *, keyed: bool) -> str | None:
    parts = _PARTS.findall(item.text)
    for first, last in _windows(parts, role):
        if name := _behind(parts, last, spoken=item.channel == "speech", keyed=keyed):
            return name
        if not keyed and (name := _before(parts, first, spoken=item.channel == "speech")):
            return name
    return None


def _windows(parts: Sequence[str], role: frozenset[str]) -> Iterator[tuple[int, int]]:
    """First and last part of every run that holds the role's words, and beside them only words without weight."""
    for first, part in enumerate(parts):
        if _root(part.lower()) not in role:
            continue
        seen: set[str] = set()
        for last in range(first, len(parts)):
            root = _root(parts[last].lower())
            if root in role:
                seen.add(root)
            elif parts[last].lower() not in STOP:
                break
            if seen >= role:
                # `Mayor's Office`: somebody else's.
                if not re.search(r"['’]s?$", parts[last]):
                    yield first, last
                break


def _behind(parts: Sequence[str], last: int, *, spoken: bool, keyed: bool) -> str | None:
    """The name behind a role: `Director: Ines Calloway`, `Directed by …`, `our mayor, Harriet Blane`."""
    rest = list(parts[last + 1 :])
    mark = rest[0].lower() if rest else ""
    told = mark in (":", "by", "–", "—")
    if told or mark in (",", "is", "was"):
        rest = rest[1:]
    if keyed and mark not in (":", "by"):
        return None
    if not told and mark == "," and not spoken:
        return None
    name = _leading_name(rest)
    enough = 1 if told or spoken else 2
    return " ".join(name) if len(name) >= enough else None


def _leading_name(rest: Sequence[str]) -> list[str]:
    name: list[str] = []
    for place, part in enumerate(rest[: MOST_NAME_WORDS + 1]):
        following = rest[place + 1].lower() if place + 1 < len(rest) else ""
        if following in (":", "by"):
            # The next credit begins: `Camera: Jo Pell Music: …`.
            break
        capital = part[:1].isupper() and (part.lower() not in _NO_NAMES or part.lower() in ("the", "dr", "mr", "mrs", "ms"))  # fmt: skip
        if not capital and not (name and part.lower() in _PARTICLES and following[:1].isalpha()):
            break
        name.append(part)
        if len(name) == MOST_NAME_WORDS:
            break
    while name and name[-1].lower() in _PARTICLES:
        name.pop()
    return name


def _before(parts: Sequence[str], first: int, *, spoken: bool) -> str | None:
    """The name before a role: `Harriet Blane, Mayor`, `Harriet Blane is the mayor`."""
    head = list(parts[:first])
    marked = False
    while head and (head[-1].lower() in _MODIFIERS or head[-1] in ",–—|-"):
        marked |= head[-1] in ",–—|" or head[-1].lower() in ("is", "was")
        head.pop()
    name: list[str] = []
    while head and head[-1][:1].isupper() and head[-1].lower() not in _NO_NAMES:
        name.insert(0, head.pop())
    # On screen a name begins its text; what stands before it is no name but a sentence.
    alone = not head or head[-1] in (":", ";", "|")
    enough = 1 if marked else 2
    if spoken and not marked:
        return None
    fits = enough <= len(name) <= MOST_NAME_WORDS and (alone or spoken)
    return " ".join(name) if fits else None
