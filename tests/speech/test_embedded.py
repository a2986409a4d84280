"""Subtitle streams inside a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrvideo.media.subtitles import load_cues, load_subtitles
from mrvideo.media.subtitles.embedded import look_into


def mov_text(words: str) -> bytes:
    data = words.encode()
    return len(data).to_bytes(2, "big") + data


def test_a_subrip_stream_is_read_with_its_language(make_video):
    path = make_video(subtitles=[("subrip", "ger", [(1.0, 1.5, b"<i>Guten</i> Tag")])])
    (cue,) = load_cues(path)
    assert (cue.start_seconds, cue.stop_seconds, cue.text) == (1.0, 2.5, "Guten Tag")
    assert (cue.source, cue.language) == ("embedded", "de")


def test_times_are_shifted_to_the_first_picture(make_video):
    path = make_video(first_picture_seconds=1.4, subtitles=[("subrip", "eng", [(2.0, 1.0, b"late")])])
    (cue,) = load_cues(path)
    assert abs(cue.start_seconds - 0.6) < 0.002


def test_an_edit_list_shifts_times_too(make_video):
    """MP4 writes pictures that start late as an edit list."""
    track = ("mov_text", "eng", [(2.0, 1.0, mov_text("late"))])
    (cue,) = load_cues(make_video("late.mp4", first_picture_seconds=1.4, subtitles=[track]))
    assert abs(cue.start_seconds - 0.6) < 0.002


def test_mov_text_in_mp4_is_read_with_its_braces(make_video):
    lines = [
        (0.0, 0.5, mov_text("")),
        (0.5, 1.0, mov_text("{laughs} a < b")),
        (1.5, 0.5, mov_text("two\nrows")),
    ]
    path = make_video("talk.mp4", subtitles=[("mov_text", "eng", lines)])
    assert [(c.start_seconds, c.stop_seconds, c.text) for c in load_cues(path)] == [
        (0.5, 1.5, "{laughs} a < b"),
        (1.5, 2.0, "two rows"),
    ]


def test_voices_of_a_webvtt_stream_are_kept(make_video):
    path = make_video(subtitles=[("webvtt", "eng", [(1.0, 1.0, b"<v Esme>Hello <b>there</b></v>")])])
    (cue,) = load_cues(path)
    assert (cue.speaker, cue.text) == ("Esme", "Hello there")


def test_an_ass_stream_gives_speaker_and_plain_words(make_video):
    dialogue = rb"0,0,Default,Anna,0,0,0,,{\an8\i1}Look,{\i0} up\Nthere {a note}"
    path = make_video(subtitles=[("ass", "eng", [(1.0, 1.0, dialogue)])])
    (cue,) = load_cues(path)
    assert (cue.speaker, cue.text) == ("Anna", "Look, up there")


def test_a_language_that_is_no_text_leaves_no_broken_characters(make_video):
    """Dangerous: with PyAV 19 a lone surrogate came through, which can be neither printed nor stored."""
    path: Path = make_video(subtitles=[("subrip", "qqq", [(1.0, 1.0, b"hello")])])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"qqq", b"q\xffq"))
    (track,) = look_into(path, clock=False).tracks
    assert track.language == "q\ufffdq"
    found = load_subtitles(path, language="de")
    assert found.cues[0].text == "hello"
    "".join(found.notes).encode()


def test_the_wanted_language_wins_else_the_default_else_the_first(make_video):
    tracks = [("subrip", "eng", [(1.0, 1.0, b"hello")]), ("subrip", "fre", [(1.0, 1.0, b"bonjour")])]
    path = make_video(subtitles=tracks, default_track=1)
    assert load_cues(path, language="en")[0].text == "hello"
    assert load_cues(path, language="French")[0].text == "bonjour"
    assert load_cues(path)[0].text == "bonjour"
    path = make_video("other.mkv", subtitles=tracks, default_track=0)
    assert load_cues(path)[0].text == "hello"


def test_another_language_than_wanted_is_said(make_video):
    path = make_video(subtitles=[("subrip", "eng", [(1.0, 1.0, b"hello")])])
    found = load_subtitles(path, language="de")
    assert found.cues[0].text == "hello"
    assert "no subtitles in de; taken: en" in found.notes[0]


def test_a_file_beside_goes_before_a_stream_inside(make_video):
    path: Path = make_video(subtitles=[("subrip", "eng", [(1.0, 1.0, b"inside")])])
    path.with_suffix(".srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nbeside\n")
    assert load_cues(path)[0].text == "beside"
    # but not when only the stream is in the language asked for
    path.with_suffix(".srt").rename(path.with_suffix(".fr.srt"))
    assert load_cues(path, language="en")[0].text == "inside"


def test_no_subtitles_are_no_error(make_video):
    found = load_subtitles(make_video())
    assert (found.cues, found.notes) == ((), ())


@pytest.mark.parametrize(
    ("name", "codec", "data", "known", "unknown"),
    [
        ("talk.mp4", "mov_text", mov_text("x"), b"tx3g", b"stpp"),
        ("talk.mkv", "webvtt", b"x", b"D_WEBVTT/SUBTITLES", b"S_HDMV/TEXTST\0\0\0\0\0"),
    ],
    ids=["TTML in MP4", "text of a Blu-ray disc"],
)
def test_a_stream_without_a_decoder_is_a_note(make_video, name, codec, data, known, unknown):
    """FFmpeg lists the stream, PyAV gives it no codec: asking for its name ended the whole indexing."""
    path: Path = make_video(name, subtitles=[(codec, "eng", [(1.0, 1.0, data)])])
    written = path.read_bytes()
    assert written.count(known) == 1
    path.write_bytes(written.replace(known, unknown))
    found = load_subtitles(path)
    assert found.cues == ()
    (note,) = found.notes
    assert "1 subtitle stream is of a kind that is not decoded here" in note and "SRT" in note
    assert load_cues(path) == ()
    beside = path.with_suffix(".srt")
    beside.write_text("1\n00:00:01,000 --> 00:00:02,000\nbeside\n")
    assert [cue.text for cue in load_cues(path)] == ["beside"]


def test_letters_of_an_effect_in_a_stream_are_one_line(make_video):
    lines = [
        (1.0, 1.0, f"{n},0,Song,,0,0,0,fx,{{\\pos({n * 10},5)}}{letter}".encode())
        for n, letter in enumerate("long")
    ]
    path = make_video(subtitles=[("ass", "eng", lines)])
    assert [(c.start_seconds, c.stop_seconds, c.text) for c in load_cues(path)] == [(1.0, 2.0, "long")]
