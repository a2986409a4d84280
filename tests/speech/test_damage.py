"""Whatever a file holds, it is read, counted, or refused in one line; no other error, and no cue lost in silence."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles.parse import parse

BITS = st.sampled_from(
    [
        "1\n", "\n", "\n\n", "00:00:01,000 --> 00:00:02,000\n", "00:01.000 --> 00:02.000 line:0\n", "-->", "WEBVTT\n",
        "NOTE x\n", "STYLE\n", "Dialogue: 0,0:00:01.00,0:00:02.00,Default,A,0,0,0,,hi\n", "Dialogue: x,", "[Events]\n",
        "[Script Info]\n", "Style: Default,Arial,x,&H,\n", "<v A>", "</v>", "{\\an8}", "{", "}", "\\N", "\\", "<i>", "<", "&lt;",
        "&#xD800;", "&", "BOB: hi\n", "- ", "\ue000", "\ue001", "\ue003", "\u2060", "{10}{20}x\n", "<tt xmlns='http://www.w3.org/ns/ttml'>",
        "[10][20]mpl\n", "0:00:01:tmp\n", "<SAMI>", "00:00:00:00\t00:00:01:00\tx\n", "99:99:99,999 --> 00:00:00,000\n", "text ", "\x00", "\x0c", "\u2028",
    ]
)  # fmt: skip
FILES = st.lists(BITS, max_size=30).map("".join)


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(FILES.map(str.encode), FILES.map(lambda text: text.encode("utf-16")), st.binary(max_size=200)),
    st.sampled_from(["srt", "vtt", "ass", "ssa", "ttml", "txt"]),
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
