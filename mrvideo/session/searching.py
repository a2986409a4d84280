"""Full-text search over what is indexed, and the answers given so far."""

from __future__ import annotations

from contextlib import closing

from mrvideo.errors import LibraryError, QuestionError
from mrvideo.library import Library
from mrvideo.questions import MOST_SEARCHED_CHARACTERS, check_length
from mrvideo.records import Answer, Hit
from mrvideo.settings import Settings
from mrvideo.text import tokens


def search_library(words: str, settings: Settings, *, limit: int) -> tuple[Hit, ...]:
    """Full-text search over every indexed video. Raises `LibraryError` when there is no library yet, and
    `QuestionError`.
    """
    _check_searched(words)
    if not settings.library.exists():
        raise LibraryError(
            f"no library at {settings.library}; index a video first, or name it with --library"
        )
    with closing(Library.open(settings.library, create=False)) as library:
        return library.search(words, limit=limit)


def search_video(digest: str, words: str, settings: Settings, *, limit: int) -> tuple[Hit, ...]:
    """Full-text search over one indexed video. Raises `QuestionError` for no words, and for very many."""
    _check_searched(words)
    with closing(Library.open(settings.library, create=False)) as library:
        return library.search(words, digest=digest, limit=limit)


def _check_searched(words: str) -> None:
    check_length("words to search for", words, MOST_SEARCHED_CHARACTERS)
    if not tokens(words):
        raise QuestionError("no words to search for; give some, in quotes")


def answers_of(digest: str, settings: Settings) -> tuple[Answer, ...]:
    """Every answer given about a video, oldest first."""
    with closing(Library.open(settings.library, create=False)) as library:
        return library.answers(digest)
