"""Words between colons are shown as they are: `openai:x:` is a model's name, and no picture of a cross."""

from __future__ import annotations

import pytest

from mrvideo.cli.output import print_lines
from mrvideo.display.progress import ProgressBars
from mrvideo.records import Notice


def test_a_name_between_colons_is_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as bars:
        bars(Notice(text="openai:x: the connection was lost"))
    print_lines(["a sign reads :ship:"])
    shown = capsys.readouterr()
    assert shown.err == "mrvideo: openai:x: the connection was lost\n"
    assert shown.out == "a sign reads :ship:\n"
