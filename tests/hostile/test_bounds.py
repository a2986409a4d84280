"""What comes from outside is bounded before it costs time, memory or money: settings files, questions, words
of callers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mrvideo.tools
from mrvideo.cli.app import run
from mrvideo.errors import InputError, QuestionError, SettingsError
from mrvideo.media.subtitles import LONGEST_CHARACTERS, load_subtitles
from mrvideo.questions import (
    MOST_CHARACTERS,
    MOST_OPTION_CHARACTERS,
    MOST_OPTIONS,
    check_question,
)
from mrvideo.settings import MOST_FILE_BYTES, Settings, load_settings
from mrvideo.tools.results import problem_text
from mrvideo.tools.toolbox import Toolbox

SETTINGS_FILES = {
    "too big": b"#" * (MOST_FILE_BYTES + 1),
    "nested": b"a = " + b"[" * 100_000,
    "tables": b"a = " + b"{a = " * 50_000,
    "a key of many parts": b"a." * (MOST_FILE_BYTES // 2 - 10) + b"a = 1",
    "quoted parts": b'"a b".' * 40_000 + b"a = 1",
    "a table of many parts": b"[" + b"a." * 100_000 + b"a]",
    "a long name": b'"' + b"n" * 200_000 + b'" = 1',
    "a number of many digits": b"max_tokens = " + b"9" * 100_000,
    "a hexadecimal number": b"max_tokens = 0x" + b"f" * 100_000,
    "a hexadecimal number for a text": b"vision = 0x" + b"f" * 100_000,
    "a hexadecimal number for seconds": b"timeout_seconds = 0x" + b"f" * 100_000,
    "a number of a thousand digits": b"max_tokens = " + b"9" * 1_000,
    "seconds of a thousand digits": b"timeout_seconds = " + b"9" * 1_000,
    "no text": b"\xff\xfe\x00",
    "zeros": bytes(100_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SETTINGS_FILES)
def test_a_settings_file_is_one_line_in_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """A cloned folder's mrvideo.toml of 256 KB held up each command for minutes: the parser's time grows with
    the square.
    """
    (tmp_path / "mrvideo.toml").write_bytes(SETTINGS_FILES[case])
    monkeypatch.chdir(tmp_path)
    begun = time.process_time()
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert time.process_time() - begun < 2
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 2_000
    assert run(["config", "show"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_question_is_as_long_as_a_question_may_be() -> None:
    check_question("x" * MOST_CHARACTERS, None, must_choose=False)
    with pytest.raises(QuestionError, match="more than are taken"):
        check_question("x" * (MOST_CHARACTERS + 1), None, must_choose=False)


def test_options_are_counted_and_bounded() -> None:
    """To look for equal ones took time with the square of their number: hours for what fits into one request."""
    check_question("Which?", [f"{n}" for n in range(MOST_OPTIONS)], must_choose=True)
    begun = time.process_time()
    with pytest.raises(QuestionError, match="300,000 options"):
        check_question("Which?", [f"{n}" for n in range(300_000)], must_choose=True)
    assert time.process_time() - begun < 2
    with pytest.raises(QuestionError, match="more than are taken"):
        check_question("Which?", ["a", "b" * (MOST_OPTION_CHARACTERS + 1)], must_choose=True)
    for options in (["x" * 10**6], ["y" * MOST_OPTION_CHARACTERS] * 2):
        with pytest.raises(QuestionError) as refused:
            check_question("Which?", options, must_choose=True)
        assert len(str(refused.value)) < 500


LONG = "n" * 1_000_000
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "tool": (LONG, {}),
    "video": ("video_status", {"video": LONG}),
    "lines": ("video_status", {"video": "a\nb" * 10_000}),
    "argument": ("video_status", {"video": "v", LONG: 1}),
    "value": ("read_scenes", {"video": "v", "start_seconds": LONG, "stop_seconds": 1}),
    "words": ("search_video", {"words": LONG}),
    "many words": ("search_video", {"words": " ".join(map(str, range(100_000)))}),
    "question": ("ask_video", {"video": "v", "question": LONG}),
    "options": ("ask_video", {"video": "v", "question": "Which?", "options": [str(n) for n in range(100_000)]}),
    "controls": ("video_status", {"video": "\x9b\u202e" * 10_000}),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
@pytest.mark.parametrize("confined", [False, True], ids=["anywhere", "below a root"])
async def test_what_a_caller_says_comes_back_bounded(tmp_path: Path, case: str, confined: bool) -> None:
    """What was wrong is told with the name that was wrong, and a name of a million letters is a result of as
    many.
    """
    name, arguments = CALLS[case]
    library = tmp_path / "library.db"
    library.touch()
    roots = (tmp_path,) if confined else None
    box = Toolbox(Settings(library=library), roots)
    begun = time.process_time()
    with pytest.raises(InputError) as refused:
        await box.call(name, arguments)
    told = problem_text(refused.value)
    functions = mrvideo.tools.openai(settings=Settings(library=library), roots=roots)
    said = await functions.acall(name, arguments)
    assert time.process_time() - begun < 10
    for text in (told, said):
        assert 0 < len(text) <= 2_100 and "\n" not in text
    assert said.startswith("error: ")


@pytest.mark.parametrize(
    "command", [("ask", LONG[:100_000], "Who?"), ("index", LONG[:100_000]), ("status", "a/" * 50_000)]
)
def test_a_name_that_is_too_long_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*command, "--quiet"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and len(err) < 5_000


def test_a_cue_is_as_long_as_a_cue_may_be(tmp_path: Path, film_maker: Callable[[Path, int], None]) -> None:
    """One of 30 million letters was kept, searched, and would have been sent with every request about its
    second.
    """
    film = tmp_path / "film.mp4"
    film_maker(film, 4)
    timing = "1\n00:00:01,000 --> 00:00:02,000\n"
    film.with_suffix(".srt").write_text(timing + "x" * 100_000, encoding="utf-8")
    found = load_subtitles(film)
    assert [len(cue.text) for cue in found.cues] == [LONGEST_CHARACTERS]
    assert found.cues[0].text.endswith("x…")
    assert any("cut there" in note for note in found.notes)
    film.with_suffix(".srt").write_text(timing + "x" * LONGEST_CHARACTERS, encoding="utf-8")
    assert load_subtitles(film).notes == ()
