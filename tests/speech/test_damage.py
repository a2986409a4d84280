"""Whatever a file holds, it is read, counted, or refused in one line; no other error, and no cue lost in
silence.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles import load_subtitles
from mrvideo.media.subtitles.parse import parse

BITS = st.sampled_from(
    [
        "1\n", "\n", "\n\n", "00:00:01,000 --> 00:00:02,000\n", "00:01.000 --> 00:02.000 line:0\n", "-->", "WEBVTT\n",
        "NOTE x\n", "STYLE\n", "Dialogue: 0,0:00:01.00,0:00:02.00,Default,A,0,0,0,,hi\n", "Dialogue: x,", "[Events]\n",
        "[Script Info]\n", "Style: Default,Arial,x,&H,\n", "<v A>", "</v>", "{\\an8}", "{", "}", "\\N", "\\", "<i>", "<", "&lt;",
        "&#xD800;", "&", "BOB: hi\n", "- ", "\ue000", "\ue001", "\ue003", "\u2060", "{10}{20}x\n", "<tt xmlns='http://www.w3.org/ns/ttml'>",
        "[10][20]mpl\n", "0:00:01:tmp\n", "<SAMI>", "<SYNC Start=10>", "<P Class=A>", "<body>", "<p begin='1s' end='2s'>", "</p>", "<span>",
        "</span>", "<br/>", "&#" + "1" * 5000 + ";", "&#xe000;", "{1}{1}25\n", "{\\p1}", "{\\pos(1,2)}", "[00:01.000 -> 00:02.000] w\n",
        "Comment: 0,0:00:01.00,0:00:02.00,Default,A,0,0,0,karaoke,hi\n", "Dialogue: 0,0:00:01.00,0:00:02.00,K,,0,0,0,fx,{\\pos(1,2)}h\n", "00:00:00:00\t00:00:01:00\tx\n", "99:99:99,999 --> 00:00:00,000\n", "text ", "\x00", "\x0c", "\u2028",
    ]
)  # fmt: skip
FILES = st.lists(BITS, max_size=30).map("".join)


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(FILES.map(str.encode), FILES.map(lambda text: text.encode("utf-16")), st.binary(max_size=200)),
    st.sampled_from(["srt", "vtt", "ass", "ssa", "ttml", "smi", "sub", "txt"]),
)
def test_any_file_is_read_or_refused(data, suffix):
    try:
        parsed = parse(data, f"x.{suffix}")
    except SubtitleError as error:
        assert "\n" not in str(error)
        return
    for line in parsed.lines:
        assert line.text.strip() == line.text != ""
        assert not re.search("[\ue000-\ue003\n]", line.text)


SRT, VTT, ASS = (
    "1\n00:00:01,000 --> 00:00:02,000\n",
    "WEBVTT\n\n",
    "Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,",
)
N = 100_000


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("text", "name", "count", "begins"),
    [
        (VTT + "00:01.000 --> 00:02.000\na\n" * (N // 26), "x.vtt", N // 26, "a"),
        (VTT + "00:01.000 --> 00:02.000\n<v" + " " * N + "a", "x.vtt", 1, "<v a"),
        (VTT + ("00:01.000 --> 00:02.000\n<00:01.500>x\n" + "a\n" * N + "\n") * 2, "x.vtt", 2, "x a a"),
        (ASS + "{" * N, "x.ass", 1, "{{{"),
        (ASS + "{\\k1}a" * (N // 6), "x.ass", 1, "aaa"),
        (SRT + "{\\" * (N // 2), "x.srt", 1, "{{{"),
        (SRT + "&#" + "1" * N + ";a", "x.srt", 1, "\ufffda"),
        (SRT + "&#xe000;" * (N // 8) + "a", "x.srt", 1, "a"),
        ("{1}{1}25\n{25}{50}a" + "{y:" * (N // 3), "x.sub", 1, "a{y:"),
        ("[00:01.000 -> 00:02.000] " + " -> " * (N // 4), "x.txt", 1, "-> ->"),
    ],
    ids=[
        "timings",
        "voice",
        "rolling",
        "braces",
        "codes",
        "escapes",
        "digits",
        "stand-ins",
        "styles",
        "arrows",
    ],
)
def test_a_file_made_to_take_long_takes_no_longer_than_its_size(text, name, count, begins):
    """Each of these took from six seconds to minutes, by the square of its size. How long:
    benchmarks/mutations.py.
    """
    lines = parse(text.encode(), name).lines
    assert len(lines) == count
    assert lines[0].text.startswith(begins)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_lines_of_one_time_without_a_length_take_no_longer_than_their_number(make_video, tmp_path):
    path = tmp_path / "x.srt"
    path.write_text("".join(f"{n}\n00:00:01,000 --> 00:00:01,000\nw{n}\n\n" for n in range(60_000)))
    found = load_subtitles(make_video(), subtitles=path)
    assert len(found.cues) == 60_000
    assert {(cue.start_seconds, cue.stop_seconds) for cue in found.cues} == {(1.0, 3.0)}


@settings(deadline=None)
@given(st.integers(1, 12), st.data())
def test_every_block_of_a_damaged_file_is_read_or_counted(count, data):
    """One row of each broken block is spoilt, as a bad copy does it."""
    broken = data.draw(st.sets(st.integers(1, count), max_size=count - 1 if count > 1 else 0))
    how = st.sampled_from(["no times", "half a time", "other letters"])
    blocks = []
    for n in range(1, count + 1):
        times = f"00:00:{n:02d},000 --> 00:00:{n:02d},900\n"
        if n in broken:
            times = {
                "no times": "",
                "half a time": times[:18] + "\n",
                "other letters": times.replace("00:00", "OO:OO"),
            }[data.draw(how)]
        blocks.append(f"{n}\n{times}line number {n}\n\n")
    parsed = parse("".join(blocks).encode(), "x.srt")
    assert [line.text for line in parsed.lines] == [
        f"line number {n}" for n in range(1, count + 1) if n not in broken
    ]
    assert parsed.notes == ((f"unreadable blocks left out: {len(broken)}",) if broken else ())
