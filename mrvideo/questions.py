"""What can be asked: checked once, in the same words, before anything is paid for."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.errors import QuestionError


def check_question(question: str, options: Sequence[str] | None, *, must_choose: bool) -> None:
    """Raises `QuestionError`, in one line, for a question that cannot be asked."""
    check_words("question", question)
    if options is not None and len(options) == 1:
        raise QuestionError(
            f"one option only ({options[0]!r}); give two or more, or none for an open question"
        )
    for option in options or ():
        check_words("option", option)
    twice = [option for place, option in enumerate(options or ()) if option in (options or ())[:place]]
    if twice:
        raise QuestionError(
            f"the option {twice[0]!r} is given twice; an answer could not tell which is meant"
        )
    if must_choose and not options:
        raise QuestionError("must-choose needs options to choose from; give two or more")


def check_words(what: str, words: str) -> None:
    """Raises `QuestionError` for text that is empty or not valid Unicode (lone surrogates, as a terminal
    passes on undecodable bytes).
    """
    if not words.strip():
        raise QuestionError(f"the {what} is empty; give it some text")
    try:
        words.encode()
    except UnicodeEncodeError as error:
        raise QuestionError(
            f"the {what} holds bytes that are no UTF-8 text, at character {error.start + 1}; type it again, "
            "in a terminal set to UTF-8"
        ) from None
