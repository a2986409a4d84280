"""Full-text search (FTS5): rows to index, queries from a user's words, and the line that a hit quotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from mrvideo.records import CaptionPart, Cue, Hit, Scene, Sighting, merge_spans
from mrvideo.wording import printable

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|[\r\n]+")

# Scripts written without spaces: each character is made a word, and a user's word becomes a phrase of them.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)

_NAME = re.compile(r"<(\w+)>")

_OPEN, _CLOSE = "\x02", "\x03"

_SAME_TEXT_GAP_SECONDS = 0.5

_RANKED_AT_MOST = 5000
"""Above so many matches BM25 tells nothing (its weight of a word that is everywhere is zero) and takes long.
"""

_SAMPLED = 200

_COLUMNS = """
    SELECT t.digest, v.path, t.source, t.start_seconds, t.stop_seconds, t.text, {rank} AS rank,
           highlight(texts_fts, 1, :open, :close) AS marked
    FROM texts_fts AS f JOIN texts AS t ON t.id = f.rowid JOIN videos AS v ON v.digest = t.digest
    WHERE texts_fts MATCH :query
"""
_BEST = text(_COLUMNS.format(rank="f.rank") + "ORDER BY f.rank LIMIT :limit")
_LATEST = text(_COLUMNS.format(rank="0.0") + "ORDER BY f.rowid DESC LIMIT :limit")
_IS_COMMON = text("SELECT 1 FROM texts_fts WHERE texts_fts MATCH :query LIMIT 1 OFFSET :most")


def fold(line: str) -> str:
    """The line as search compares it: character width and ligatures normalised, control characters
    removed.
    """
    plain = printable(unicodedata.normalize("NFKC", line))
    return " ".join(_UNSPACED.sub(r" \1 ", plain).split())


def scene_rows(scenes: Iterable[Scene], called: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """One row per part of a scene with a line per sentence, and one per text on screen with the span it stood
    there.

    Whom a caption marks can be found by what it is `called`, too: entity name → real name.
    """
    sightings: dict[str, list[Sighting]] = {}
    for scene in scenes:
        for part in scene.parts or (CaptionPart(**scene.span.model_dump(), text="", brief=scene.brief),):
            lines = [line for words in (part.brief, part.text) for line in _SENTENCE_END.split(words)]
            yield _row("caption", part.start_seconds, part.stop_seconds, lines, called or {})
        for sighting in scene.sightings:
            sightings.setdefault(sighting.text, []).append(sighting)
    for words, seen in sightings.items():
        # A text that stays over a scene's end is one sighting to whoever searches.
        for span in merge_spans([s.span for s in seen], gap_seconds=_SAME_TEXT_GAP_SECONDS):
            yield _row("caption", span.start_seconds, span.stop_seconds, [words])


def cue_rows(cues: Iterable[Cue]) -> Iterator[dict[str, Any]]:
    """One row per cue; the speaker can be searched for, too."""
    for cue in cues:
        line = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
        yield _row("cue", cue.start_seconds, cue.stop_seconds, [line])


def _row(
    source: str,
    start_seconds: float,
    stop_seconds: float,
    lines: list[str],
    called: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    def with_names(line: str) -> str:
        return _NAME.sub(lambda mark: f"{mark[0]} {(called or {}).get(mark[1], '')}", line)

    kept = [plain for line in lines if (plain := " ".join(line.split()))]
    return {
        "source": source,
        "start_seconds": start_seconds,
        "stop_seconds": stop_seconds,
        "text": "\n".join(kept),
        "folded": "\n".join(fold(with_names(line)) for line in kept),
    }


def find(connection: Connection, words: str, *, digest: str | None, limit: int) -> tuple[Hit, ...]:
    """Texts that hold all the words, best first; where none does, those that hold any.

    Of more than `_RANKED_AT_MOST` the latest are taken, those first that hold the words most densely.
    """
    terms = _terms(words)
    if not terms or limit < 1:
        return ()
    within = "" if digest is None else f'digest : "{re.sub("[^0-9A-Za-z]", "", digest)}" AND '
    found = _matching(connection, f"{within}folded : ({' AND '.join(terms)})", limit)
    if not found and len(terms) > 1:
        # A word that stands nearly everywhere would only push out the ones that tell texts apart.
        rare = [term for term in terms if not _is_common(connection, f"{within}folded : {term}", limit)]
        found = _matching(connection, f"{within}folded : ({' OR '.join(rare)})", limit) if rare else []
        found = found or _matching(connection, f"{within}folded : ({' OR '.join(terms)})", limit)
    return tuple(found)


def _matching(connection: Connection, query: str, limit: int) -> list[Hit]:
    values = {"query": query, "limit": limit, "open": _OPEN, "close": _CLOSE}
    if not _is_common(connection, query, limit):
        return [_hit(row, -row.rank) for row in connection.execute(_BEST, values)]
    latest = connection.execute(_LATEST, values | {"limit": max(_SAMPLED, limit)})
    # Below any score of BM25, so that hits of several searches can be laid together.
    found = [_hit(row, 1e-6 * row.marked.count(_OPEN) / (len(row.marked) + 1)) for row in latest]
    return sorted(found, key=lambda hit: -hit.score)[:limit]


def _is_common(connection: Connection, query: str, limit: int) -> bool:
    most = max(_RANKED_AT_MOST, 5 * limit)
    return connection.scalar(_IS_COMMON, {"query": query, "most": most}) is not None


def _terms(words: str) -> list[str]:
    """Each word as a quoted string, in which FTS5 knows no operators; words without a letter or digit are
    left out.

    A word of an unspaced script becomes a phrase.
    """
    plain = "".join(c for c in words if not "\ud800" <= c <= "\udfff")
    kept = [word for word in map(fold, plain.split()) if any(c.isalnum() for c in word)]
    return ['"' + word.replace('"', '""') + '"' for word in dict.fromkeys(kept)]


def _hit(row: Any, score: float) -> Hit:
    # The folded text has the same lines as the text itself: the line with most marks is the one to quote.
    marked = row.marked.split("\n")
    best = max(range(len(marked)), key=lambda i: (marked[i].count(_OPEN), -i))
    return Hit(
        video_digest=row.digest,
        video=row.path,
        source=row.source,
        start_seconds=row.start_seconds,
        stop_seconds=row.stop_seconds,
        text=row.text.split("\n")[best],
        score=score,
    )
