"""Subtitle files that lie beside a video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from mrvideo.media.subtitles.languages import language_of

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
_FLAGS = frozenset({"forced", "sdh", "cc", "default", "orig", "auto", "full", "foreign"})


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file beside the video, and what its name says: `talk.en.forced.srt`."""

    path: Path
    language: str | None
    forced: bool


def sidecars(video: Path) -> list[Sidecar]:
    """Files named as the video, with language and flags between stem and suffix; the plainest name first.

    Names are compared in Unicode's composed form: a name keeps its letters when it moves from a Mac to
    another system, but not always how they are made up. What is found may be a pipe or lead nowhere: whoever
    reads it says so.
    """
    try:
        names = sorted(entry for entry in video.parent.iterdir() if entry.suffix.lower() in SUFFIXES)
    except OSError:
        return []
    found: list[tuple[int, int, Sidecar]] = []
    for path in names:
        named = normalize("NFC", path.stem)
        for stem in (normalize("NFC", video.name), normalize("NFC", video.stem)):
            if named == stem or named.startswith(stem + "."):
                tags = named[len(stem) :].lower().replace("-orig", ".orig").split(".")[1:]
                languages = [tag for tag in tags if tag not in _FLAGS]
                if all(map(language_of, languages)) and not path.is_dir():
                    language = language_of(languages[0]) if languages else None
                    sidecar = Sidecar(path, language, not _FLAGS.isdisjoint(tags) and "forced" in tags)
                    found.append((len(tags), SUFFIXES.index(path.suffix.lower()), sidecar))
                break
    return [sidecar for _, _, sidecar in sorted(found, key=lambda item: item[:2])]


def tagged_language(path: Path) -> str | None:
    """The language that a subtitle file's own name gives: `anything.de.srt`."""
    for tag in reversed(path.stem.split(".")[1:]):
        if language := language_of(tag):
            return language
    return None
