"""What can be asked: checked once, in the same words, before anything is paid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mrvideo.errors import QuestionError

MOST_CHARACTERS = 20_000
"""Of a question or a message, about 5,000 tokens: it stands in every request that is made for it."""
MOST_OPTIONS = 100
MOST_OPTION_CHARACTERS = 2_000
MOST_SEARCHED_CHARACTERS = 2_000
_SHOWN = 200


def check_question(question: str, options: Sequence[str] | None, *, must_choose: bool) -> None:
    """Raises `QuestionError`, in one line, for a question that cannot be asked."""
    check_words("question", question)
    if options is not None and len(options) == 1:
        raise QuestionError(
            f"one option only ({options[0][:_SHOWN]!r}); give two or more, or none for an open question"
        )
    if options is not None and len(options) > MOST_OPTIONS:
        raise QuestionError(f"{len(options):,} options; at most {MOST_OPTIONS} can be chosen from")
    for option in options or ():
        check_words("option", option, most_characters=MOST_OPTION_CHARACTERS)
    twice = [option for option, count in Counter(options or ()).items() if count > 1]
    if twice:
        raise QuestionError(
            f"the option {twice[0][:_SHOWN]!r} is given twice; an answer could not tell which is meant"
        )
    if must_choose and not options:
        raise QuestionError("must-choose needs options to choose from; give two or more")


def check_words(what: str, words: str, *, most_characters: int = MOST_CHARACTERS) -> None:
    """Raises `QuestionError` for text that is empty, too long or not valid Unicode (lone surrogates, as a
    terminal passes on undecodable bytes).
    """
    check_length(what, words, most_characters)
    if not words.strip():
        raise QuestionError(f"the {what} is empty; give it some text")
    try:
        words.encode()
    except UnicodeEncodeError as error:
        raise QuestionError(
            f"the {what} holds bytes that are no UTF-8 text, at character {error.start + 1}; type it again, "
            "in a terminal set to UTF-8"
        ) from None


def check_length(what: str, words: str, most_characters: int) -> None:
    """Raises `QuestionError` for words of more characters than that."""
    if len(words) > most_characters:
        raise QuestionError(
            f"{what}: {len(words):,} characters are more than are taken ({most_characters:,}); say it in fewer"
        )
