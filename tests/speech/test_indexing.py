"""From sound to an answer: what is heard joins the index, is kept, and what could not be heard is told."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

import mrvideo
from mrvideo.errors import SettingsError, VideoChanged
from mrvideo.library import Library
from mrvideo.media.identity import digest_of
from mrvideo.records import Notice


@pytest.fixture
def settings(server, tmp_path):
    return mrvideo.load_settings(
        library=tmp_path / "library.db", speech="openai:whisper-1", speech_base_url=server.url
    )


def test_what_is_said_is_heard_kept_searched_and_cited(make_video, bursts, server, settings):
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    video = mrvideo.index(film, settings=settings)
    [cue] = video.cues
    assert (cue.start_seconds, cue.stop_seconds) == pytest.approx((2.0, 3.0), abs=0.05)
    assert cue.source == "speech"
    assert "cue" in [hit.source for hit in video.search(cue.text)]
    answer = video.ask(f"When is the word {cue.text} said?")
    assert [e.source for e in answer.evidence] == ["cue"]
    assert answer.evidence[0].start_seconds == pytest.approx(2.0, abs=0.05)

    calls = len(server.requests)
    again = mrvideo.index(film, settings=settings)
    assert again.cues == video.cues
    assert len(server.requests) == calls, "kept: nothing is transcribed twice"


def test_nothing_heard_is_kept_for_a_film_that_is_replaced_meanwhile(make_video, bursts, server, settings):
    """What was heard may be of either film."""
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    digest = digest_of(film)
    other = make_video("other.mkv", seconds=6, sound=bursts(6, (4.0, 1.0, 880)))
    answer = server.answer

    def replace_and_answer(fields, segments):
        other.replace(film)
        return answer(fields, segments)

    server.answer = replace_and_answer
    with pytest.raises(VideoChanged, match="holds another video"):
        mrvideo.index(film, settings=settings)
    assert len(server.requests) == 1
    with Library.open(settings.library) as kept:
        assert kept.cues(digest) == ()


@pytest.mark.slow
def test_sound_that_could_not_be_heard_is_told_and_tried_again(make_video, bursts, server, settings):
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    willing = server.refuse
    server.refuse = lambda fields, segments: (400, '{"error": {"message": "not today"}}')
    video = mrvideo.index(film, settings=settings)
    [failure] = [f for f in video.failures if f.stage == "speech"]
    assert failure.span.overlaps(mrvideo.Span(2.0, 3.0))
    unseen = video.ask("What is the secret word?").unseen
    assert any("speech" in part.reason for part in unseen)

    server.refuse = willing
    healed = mrvideo.index(film, settings=settings)
    assert not healed.failures
    assert len(healed.cues) == 1


def test_subtitles_that_somebody_wrote_are_not_transcribed_again(make_video, bursts, server, settings):
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    film.with_suffix(".srt").write_text("1\n00:00:02,000 --> 00:00:03,000\nGood morning\n")
    video = mrvideo.index(film, settings=settings)
    assert [cue.text for cue in video.cues] == ["Good morning"]
    assert server.requests == []


def test_lines_over_silence_are_told_each_time_and_not_cited(make_video, bursts, server, settings):
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    server.answer = lambda fields, segments: json.dumps(
        {
            "text": "Thank you.",
            "segments": [
                {"start": 0, "end": 1, "text": "Thank you.", "no_speech_prob": 0.98, "avg_logprob": -1.5}
            ],
        }
    )
    for _ in range(2):
        told = []
        video = mrvideo.index(film, settings=settings, on_event=told.append)
        assert video.cues == ()
        notices = [event.text for event in told if isinstance(event, Notice)]
        assert [text for text in notices if "1 line of speech left out" in text]
    assert len(server.requests) == 1


@pytest.mark.slow
def test_an_index_is_written_once_with_what_was_not_heard(make_video, bursts, server, settings, monkeypatch):
    """Written first without, a kill in between would leave an index that looks whole."""
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    server.refuse = lambda fields, segments: (400, '{"error": {"message": "not today"}}')
    written = []
    put = Library.put_index
    monkeypatch.setattr(
        Library,
        "put_index",
        lambda library, index, **given: (written.append(index), put(library, index, **given)),
    )
    video = mrvideo.index(film, settings=settings)
    (index,) = written
    assert [failure.stage for failure in index.failures] == ["speech"]
    assert index.failures == video.failures


@pytest.mark.slow
def test_sound_that_does_not_decode_is_told_and_not_tried_for_ever(
    damaged_sound, server, settings, monkeypatch
):
    video = mrvideo.index(damaged_sound, settings=settings)
    lost = [failure for failure in video.failures if failure.stage == "sound"]
    assert lost and all(3.5 < failure.start_seconds < failure.stop_seconds < 6.5 for failure in lost)
    unseen = video.ask("What is the secret word?").unseen
    assert any("sound" in part.reason for part in unseen)

    asked = len(server.requests)

    def again(*_, **__):
        raise AssertionError("the sound is decoded a second time")

    monkeypatch.setattr("mrvideo.session.indexing.transcribe", again)
    kept = mrvideo.index(damaged_sound, settings=settings)
    assert kept.failures == video.failures and len(server.requests) == asked


def notices(film, settings):
    told = []
    mrvideo.index(film, settings=settings, on_event=told.append)
    return [event.text for event in told if isinstance(event, Notice)]


UNHEARD = "there are no subtitles, and the sound is not transcribed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sounds", "subtitled", "told"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_sound_that_nobody_transcribes_is_told_with_the_way_to_hear_it(
    make_video, bursts, tmp_path, sounds, subtitled, told
):
    """A film without subtitles was indexed deaf, and nothing said so."""
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)) if sounds else None)
    if subtitled:
        film.with_suffix(".srt").write_text("1\n00:00:02,000 --> 00:00:03,000\nGood morning\n")
    lines = [
        line for line in notices(film, mrvideo.load_settings(library=tmp_path / "l.db")) if UNHEARD in line
    ]
    assert len(lines) == told
    for line in lines:
        assert "--speech openai:whisper-1" in line and "--speech faster-whisper:small" in line


def test_with_a_transcriber_nothing_of_that_is_told(make_video, bursts, server, settings):
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    assert not [line for line in notices(film, settings) if UNHEARD in line]


@pytest.fixture
def subtitled(make_video, bursts):
    film = make_video(seconds=6, sound=bursts(6, (2.0, 1.0, 440)))
    film.with_suffix(".srt").write_text("1\n00:00:02,000 --> 00:00:03,000\nGood morning\n")
    return film


def test_a_transcriber_that_is_not_needed_is_told(subtitled, server, settings):
    lines = notices(subtitled, settings)
    assert f"{subtitled} has subtitles, which are used: --speech openai:whisper-1 is not" in lines
    assert server.requests == []


@pytest.mark.skipif(find_spec("faster_whisper") is not None, reason="faster-whisper is installed")
def test_its_missing_extra_is_told_also_where_it_is_not_needed(subtitled, tmp_path):
    settings = mrvideo.load_settings(library=tmp_path / "l.db", speech="faster-whisper:small")
    (line,) = [line for line in notices(subtitled, settings) if "--speech" in line]
    assert line.endswith(
        "--speech faster-whisper:small is not (faster-whisper:small needs: pip install 'mrvideo[asr]')"
    )


def test_a_transcriber_that_does_not_exist_is_a_mistake_in_any_case(subtitled, tmp_path):
    with pytest.raises(SettingsError, match="no transcriber 'wisper'"):
        mrvideo.index(subtitled, library=tmp_path / "l.db", speech="wisper")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("workers", 2), ("cluster", "dask://127.0.0.1:9")])
def test_workers_for_a_video_that_is_indexed_already_are_told(subtitled, tmp_path, name, value):
    """The command ended in a second, as if the cluster had done the work."""
    settings = mrvideo.load_settings(library=tmp_path / "l.db")
    assert not [line for line in notices(subtitled, settings) if "indexed already" in line]
    assert not [line for line in notices(subtitled, settings) if "indexed already" in line]
    assert notices(subtitled, settings.updated(**{name: value}))[-1] == (
        f"{subtitled} is indexed already: there was no work for --{name} {value}; --no-cache indexes it again"
    )
