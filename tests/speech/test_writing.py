"""Subtitles written: any words survive, and two tracks stand apart."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mrvideo.captioning.options import cues_of
from mrvideo.media.subtitles import load_cues, write_srt, write_vtt
from mrvideo.media.subtitles.parse import parse
from mrvideo.records import Cue, Span

LINE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Co"]), max_size=40)
TIMED = st.tuples(st.integers(0, 90_000_000), st.integers(1, 60_000), LINE)


def collapsed(text: str) -> str:
    return " ".join(text.split())


@settings(deadline=None)
@given(st.lists(TIMED, max_size=8))
@example([(0, 1, "A"), (1, 1, "A"), (2, 1, "A"), (3, 1, "A")])
def test_what_is_written_as_webvtt_is_read_again(lines):
    text = write_vtt([(start / 1000, (start + length) / 1000, words) for start, length, words in lines])
    read = parse(text.encode(), "x.vtt")
    expected = sorted(
        (start, start + length, collapsed(words.replace("-->", "→")))
        for start, length, words in lines
        if words.strip()
    )
    got = sorted((line.start_ms, line.stop_ms, line.text) for line in read.lines if not line.speaker)
    labelled = [line for line in read.lines if line.speaker]
    assert read.notes == ()
    assert len(got) + len(labelled) == len(expected)
    assert [item for item in got if item not in expected] == []


def spelled(text: str) -> list[tuple[float, float, str]]:
    return [(second, second + 1, letter) for second, letter in enumerate(text)]


def said_anew(text: str) -> list[tuple[float, float, str]]:
    return [(second, second + 1, text[: second + 1]) for second in range(len(text))]


LETTERS = st.text("Hel", min_size=1, max_size=4)
ONE_AFTER_THE_OTHER = st.lists(st.tuples(LETTERS, st.integers(0, 300)), max_size=8)


@pytest.mark.parametrize(("write", "suffix"), [(write_srt, "srt"), (write_vtt, "vtt")])
@settings(deadline=None)
@given(ONE_AFTER_THE_OTHER)
@example([("H", 0), ("e", 0), ("l", 0), ("l", 0)])
@example([("H", 0), ("He", 0), ("Hel", 0)])
@example([("H", 0), ("e", 0), ("l", 0), ("l", 0), ("Hell", 0), ("Hellll", 0)])
def test_short_words_one_after_the_other_are_read_as_they_were_written(write, suffix, words):
    """A word that somebody spells, or says anew with a letter more, looks like an effect of karaoke."""
    start_ms, lines = 0, []
    for text, pause_ms in words:
        lines.append((start_ms, start_ms + 500, text))
        start_ms += 500 + pause_ms
    written = write([(start / 1000, stop / 1000, text) for start, stop, text in lines])
    read = parse(written.encode(), f"x.{suffix}").lines
    assert [(line.start_ms, line.stop_ms, line.text) for line in read] == lines


@pytest.mark.parametrize("write", [write_srt, write_vtt])
def test_two_who_spell_at_once_are_read_as_they_were_written(write):
    """The second track's lines stand between those of the first."""
    read = parse(write(spelled("long"), said_anew("long")).encode(), "x.srt").lines
    assert [line.text for line in read] == ["l", "l", "o", "lo", "n", "lon", "g", "long"]


def test_a_speaker_who_spells_is_still_the_speaker():
    lines = [(n, n + 1, f"ANN: {'Hello there'[: n + 1]}\nBEN: {'long'[: n + 1]}") for n in range(4)]
    read = parse(write_vtt(lines).encode(), "x.vtt").lines
    assert [(line.speaker, line.text) for line in read] == [
        pair for n in range(4) for pair in (("ANN", "Hello there"[: n + 1]), ("BEN", "long"[: n + 1]))
    ]
    totals = [(n, n + 1, f"TOTAL: {'1234'[: n + 1]}") for n in range(4)]
    read = parse(write_srt(totals).encode(), "x.srt").lines
    assert [(line.speaker, line.text) for line in read] == [(None, text) for _, _, text in totals]


@pytest.mark.parametrize("lines", [spelled("long"), said_anew("long")], ids=["spelled", "said anew"])
def test_written_lines_inside_a_video_are_read_as_they_were_written(make_video, tmp_path, lines):
    (tmp_path / "x.srt").write_text(write_srt(lines), encoding="utf-8")
    payloads = (tmp_path / "x.srt").read_text(encoding="utf-8").split("\n\n")
    stream = [
        (start, stop - start, payload.split("\n")[2].encode())
        for (start, stop, _), payload in zip(lines, payloads, strict=True)
    ]
    path = make_video(subtitles=[("subrip", "eng", stream)])
    assert [cue.text for cue in load_cues(path)] == [text for _, _, text in lines]
    foreign = [(start, stop - start, text.encode()) for start, stop, text in lines]
    path = make_video("karaoke.mkv", subtitles=[("subrip", "eng", foreign)])
    assert [cue.text for cue in load_cues(path)] == ["long"]


def test_only_a_file_that_would_be_misread_bears_marks():
    for write in (write_srt, write_vtt):
        assert "\u2060" not in write(spelled("lon")) + write([(0.0, 1.0, "so"), (1.0, 2.0, "so long")])
        assert write(spelled("long")).count("\u2060") == 4


def test_marks_in_the_words_are_shown_not_obeyed():
    lines = [
        (1.0, 2.0, "<person_3> runs --> {\\i1}away\n\nfast & <b>"),
        (3.0, 3.0, "an instant"),
        (4.0, 5.0, " "),
    ]
    srt, vtt = write_srt(lines), write_vtt(lines)
    assert srt == (
        "1\n00:00:01,000 --> 00:00:02,000\n‹person_3› runs → {\u2060\\i1}away\nfast & ‹b›\n\n"
        "2\n00:00:03,000 --> 00:00:03,001\nan instant\n"
    )
    assert vtt.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n&lt;person_3&gt; runs → {\\i1}away\n")
    assert parse(vtt.encode(), "x.vtt").lines[0].text == "<person_3> runs → away fast & <b>".replace(
        "away", "away"
    )


def test_a_second_track_stands_at_the_top():
    cues, scenes = [(0.0, 1.0, "hello")], [(0.0, 10.0, "A man waves.")]
    assert "{\\an8}A man waves." in write_srt(cues, scenes)
    assert "00:00:00.000 --> 00:00:10.000 line:0\nA man waves." in write_vtt(cues, scenes)
    assert [line.text for line in parse(write_srt(cues, scenes).encode(), "x.srt").lines] == [
        "hello",
        "A man waves.",
    ]


BORDERS = st.lists(st.integers(0, 400).map(lambda n: n / 4), min_size=2, max_size=12, unique=True).map(sorted)
CUES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40), st.text("ab", max_size=2)), max_size=20)


@settings(deadline=None)
@given(BORDERS, CUES)
def test_over_any_tiling_no_cue_is_lost_and_none_is_double_within_a_tile(borders, raw):
    low, high = borders[0], borders[-1]
    cues = [
        Cue(start_seconds=start / 4, stop_seconds=(start + length) / 4, text=text)
        for start, length, text in raw
        if low <= start / 4 < high
    ]
    tiles = [cues_of(cues, Span(a, b)) for a, b in pairwise(borders)]
    for tile, (a, b) in zip(tiles, pairwise(borders), strict=True):
        assert len(tile) == sum(c.span.overlaps(Span(a, b)) for c in cues)
    assert {id(cue) for tile in tiles for cue in tile} == {id(cue) for cue in cues}
    touched = [id(cue) for cue in cues for a, b in pairwise(borders) if cue.span.overlaps(Span(a, b))]
    assert sorted(touched) == sorted(id(cue) for tile in tiles for cue in tile)
