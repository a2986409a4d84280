"""A question that cannot be asked is refused in one line, before anything is opened or paid for."""

from __future__ import annotations

import pytest

from mrvideo.errors import QuestionError
from mrvideo.questions import check_question, check_words

BROKEN = b"the caf\xe9".decode(errors="surrogateescape")


@pytest.mark.parametrize(
    ("question", "options", "must_choose", "message"),
    [
        ("  \n", None, False, "the question is empty"),
        ("Who?", ["one"], False, "one option only"),
        ("Who?", ["one", " "], False, "the option is empty"),
        ("Who?", None, True, "must-choose needs options"),
        (BROKEN, None, False, "the question holds bytes that are no UTF-8 text, at character 8"),
        ("Who?", ["one", BROKEN], False, "the option holds bytes"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(question, options, must_choose, message):
    with pytest.raises(QuestionError, match=message) as caught:
        check_question(question, options, must_choose=must_choose)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()


def test_any_script_can_be_asked():
    check_question("港で何が見えますか？", ["Zoë", "🎈"], must_choose=True)
    check_words("message", "¿Quién?")
