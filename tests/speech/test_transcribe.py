"""Speech to text: times proven from the samples that the server was sent, and what happens when calls fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import wave
from dataclasses import replace

import numpy as np
import pytest

from mrvideo.errors import BudgetReached, ModelUnavailable, NoVideoStream, SettingsError
from mrvideo.mapreduce import portal
from mrvideo.models.budget import Budget
from mrvideo.models.ledger import Ledger
from mrvideo.records import StageAdvanced, StageFinished, StageStarted
from mrvideo.speech import open_transcriber, transcribe, transcriber_settings

CLOSE = 0.02


@pytest.fixture
def transcriber(server):
    opened = []

    def make(
        name="openai:whisper-1",
        *,
        longest_seconds=None,
        store=None,
        ledger=None,
        budget=None,
        url=None,
        **fields,
    ):
        settings = transcriber_settings(name, base_url=url or server.url, **{"max_attempts": 2} | fields)
        made = open_transcriber(settings, ledger=ledger or Ledger(), store=store, budget=budget)
        opened.append(made)
        return replace(made, longest_seconds=longest_seconds) if longest_seconds else made

    yield make
    for made in opened:
        portal().call(made.aclose)


def heard(transcript) -> list[tuple[float, float, str]]:
    return [(cue.start_seconds, cue.stop_seconds, cue.text) for cue in transcript.cues]


def assert_heard(transcript, expected) -> None:
    assert [text for _, _, text in heard(transcript)] == [text for _, _, text in expected]
    for (start, stop, _), (at, until, _) in zip(heard(transcript), expected, strict=True):
        assert abs(start - at) <= CLOSE
        assert abs(stop - until) <= CLOSE


@pytest.mark.parametrize("name", ["talk.mkv", "talk.mp4"])
def test_cues_stand_where_the_sound_is(make_video, bursts, transcriber, name):
    path = make_video(name, sound=bursts(4.0, (0.7, 0.4, 440), (2.5, 1.0, 880)))
    transcript = transcribe(path, transcriber=transcriber())
    assert_heard(transcript, [(0.7, 1.1, "alpha"), (2.5, 3.5, "charlie")])
    assert {(cue.source, cue.language) for cue in transcript.cues} == {("speech", "en")}
    assert transcript.failures == ()


def test_times_are_the_pictures_clock_wherever_sound_and_pictures_start(make_video, bursts, transcriber):
    sound = bursts(3.0, (0.2, 0.2, 440), (1.0, 0.5, 660))
    late_sound = make_video("a.mkv", sound=sound, sound_starts_seconds=1.5)
    assert_heard(
        transcribe(late_sound, transcriber=transcriber()), [(1.7, 1.9, "alpha"), (2.5, 3.0, "bravo")]
    )
    late_pictures = make_video("b.mkv", sound=sound, sound_starts_seconds=2.0, first_picture_seconds=2.5)
    # What sounds before the first picture lies before the video's zero.
    assert_heard(transcribe(late_pictures, transcriber=transcriber()), [(0.5, 1.0, "bravo")])


def test_many_pieces_cut_at_silences_are_put_back_exactly(make_video, bursts, transcriber, server):
    tones = [(0.3 + 0.9 * n, 0.4 + 0.01 * n, [440, 660, 880, 1320][n % 4]) for n in range(12)]
    names = {440: "alpha", 660: "bravo", 880: "charlie", 1320: "delta"}
    path = make_video(seconds=12.0, sound=bursts(12.0, *tones))
    transcript = transcribe(path, transcriber=transcriber(longest_seconds=2.5))
    # No word is cut in two: each is heard once, whole.
    assert_heard(transcript, [(start, start + length, names[tone]) for start, length, tone in tones])
    assert len(server.requests) >= 5


def test_pieces_are_asked_for_side_by_side(make_video, bursts, transcriber, server):
    server.gate = threading.Barrier(3)
    path = make_video(seconds=6.0, sound=bursts(6.0, (0.5, 0.5, 440), (2.5, 0.5, 660), (4.5, 0.5, 880)))
    transcript = transcribe(path, transcriber=transcriber(longest_seconds=2.2))
    assert [cue.text for cue in transcript.cues] == ["alpha", "bravo", "charlie"]


def test_a_piece_too_big_for_the_server_is_sent_in_halves(make_video, bursts, transcriber, server):
    path = make_video(seconds=8.0, sound=bursts(8.0, (1.0, 1.0, 440), (5.0, 1.0, 660)))
    small = replace(transcriber(), most_bytes=16_000)
    assert_heard(transcribe(path, transcriber=small), [(1.0, 2.0, "alpha"), (5.0, 6.0, "bravo")])
    assert len(server.sizes) > 1
    assert max(server.sizes) <= 16_000


def test_no_audio_track_and_no_sound_are_no_error_and_no_call(make_video, transcriber, server, tmp_path):
    assert transcribe(make_video(), transcriber=transcriber()).cues == ()
    silent = make_video("silent.mkv", sound=np.zeros(96_000, np.int16))
    assert transcribe(silent, transcriber=transcriber()).cues == ()
    assert server.requests == []
    with wave.open(str(tmp_path / "only.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(64_000))
    with pytest.raises(NoVideoStream):
        transcribe(tmp_path / "only.wav", transcriber=transcriber())


def test_a_piece_that_is_declined_is_a_failure_and_the_others_are_kept(
    make_video, bursts, transcriber, server
):
    server.refuse = lambda fields, segments: (
        (413, '{"error": {"message": "too big"}}') if "bravo" in str(segments) else None
    )
    path = make_video(seconds=6.0, sound=bursts(6.0, (0.5, 0.5, 440), (2.5, 0.5, 660), (4.5, 0.5, 880)))
    transcript = transcribe(path, transcriber=transcriber(longest_seconds=2.2))
    assert [cue.text for cue in transcript.cues] == ["alpha", "charlie"]
    (failure,) = transcript.failures
    assert failure.stage == "speech"
    assert failure.start_seconds < 2.5 < 3.0 < failure.stop_seconds
    assert "too big" in failure.reason


def test_busy_servers_are_asked_again_and_given_up_in_the_end(make_video, bursts, transcriber, server):
    path = make_video(sound=bursts(2.0, (0.5, 0.5, 440)))
    server.faults = [(429, "{}")]
    ledger = Ledger()
    assert len(transcribe(path, transcriber=transcriber(ledger=ledger)).cues) == 1
    assert len(server.requests) == 2
    assert ledger.by_stage()["speech"].calls == 1
    server.faults = [(503, "{}"), (503, "{}")]
    (failure,) = transcribe(path, transcriber=transcriber()).failures
    assert "given up after 2 tries" in failure.reason


def test_a_refused_key_ends_the_run(make_video, bursts, transcriber, server):
    server.faults = [(401, "{}")] * 9
    path = make_video(sound=bursts(2.0, (0.5, 0.5, 440)))
    with pytest.raises(ModelUnavailable):
        transcribe(path, transcriber=transcriber())


def test_what_was_transcribed_is_not_asked_for_again(make_video, bursts, transcriber, server, store):
    path = make_video(seconds=6.0, sound=bursts(6.0, (0.5, 0.5, 440), (2.5, 0.5, 660), (4.5, 0.5, 880)))
    server.refuse = lambda fields, segments: (400, "{}") if "bravo" in str(segments) else None
    first = transcribe(path, transcriber=transcriber(longest_seconds=2.2, store=store))
    assert (len(first.cues), len(first.failures)) == (2, 1)
    server.refuse = lambda fields, segments: None
    server.requests.clear()
    again = transcribe(path, transcriber=transcriber(longest_seconds=2.2, store=store))
    assert [cue.text for cue in again.cues] == ["alpha", "bravo", "charlie"]
    assert len(server.requests) == 1  # the one that failed
    assert again.usage.calls == 1


def test_a_server_without_times_gives_one_cue_over_the_sound(make_video, bursts, transcriber, server):
    server.refuse = lambda fields, segments: (
        (400, '{"error": {"message": "no such response_format"}}')
        if fields["response_format"] != "text"
        else None
    )
    server.answer = lambda fields, segments: "all that was said\n"
    path = make_video(sound=bursts(4.0, (1.0, 0.5, 440), (2.0, 1.0, 660)))
    transcript = transcribe(path, transcriber=transcriber())
    assert_heard(transcript, [(1.0, 3.0, "all that was said")])
    assert [fields["response_format"] for fields in server.requests] == ["verbose_json", "json", "text"]


def test_words_with_times_are_gathered_into_lines(make_video, bursts, transcriber, server):
    words = [("Hello", 0.1, 0.4), ("there.", 0.5, 0.9), ("Who", 1.0, 1.2), ("is", 1.2, 1.3), ("it", 2.5, 2.7)]
    server.answer = lambda fields, segments: json.dumps(
        {"text": "…", "words": [{"word": word, "start": a, "end": b} for word, a, b in words]}
    )
    path = make_video(sound=bursts(4.0, (0.0, 3.9, 440)))
    assert heard(transcribe(path, transcriber=transcriber())) == [
        (0.1, 0.9, "Hello there."),
        (1.0, 1.3, "Who is"),
        (2.5, 2.7, "it"),
    ]


def test_speakers_of_different_pieces_are_not_taken_for_one(make_video, bursts, transcriber, server):
    server.answer = lambda fields, segments: json.dumps(
        {"text": "", "segments": [s | {"speaker": "A"} for s in segments]}
    )
    path = make_video(seconds=4.0, sound=bursts(4.0, (0.5, 0.5, 440), (2.5, 0.5, 660)))
    diarising = transcriber("openai:gpt-4o-transcribe-diarize")
    assert [cue.speaker for cue in transcribe(path, transcriber=diarising).cues] == ["A", "A"]
    assert server.requests[0]["response_format"] == "diarized_json"
    in_two = replace(diarising, longest_seconds=2.2)
    assert [cue.speaker for cue in transcribe(path, transcriber=in_two).cues] == ["A (1)", "A (2)"]


def test_times_outside_the_sound_are_kept_inside(make_video, bursts, transcriber, server):
    segments = [
        {"start": -1.0, "end": 1.0, "text": "early"},
        {"start": 1.5, "end": 99.0, "text": "late"},
        {"start": 1.6, "end": 1.2, "text": "backwards"},
        {"start": 1.7, "end": 1.8, "text": "  "},
        {"start": None, "end": 1.8, "text": "nowhere"},
        "not even an object",
    ]
    server.answer = lambda fields, heard: json.dumps({"text": "…", "segments": segments})
    path = make_video(seconds=2.0, sound=bursts(2.0, (0.0, 2.0, 440)))
    cues = heard(transcribe(path, transcriber=transcriber()))
    assert cues == [(0.0, 1.0, "early"), (1.5, 2.0, "late"), (1.6, 1.6, "backwards")]


def test_lines_that_whisper_marks_as_no_speech_are_no_cues_and_are_counted(
    make_video, bursts, transcriber, server
):
    """Over silence Whisper makes up a "Thank you."; as a cue it would be cited as said."""
    invented = {"text": " Thank you.", "no_speech_prob": 0.98, "avg_logprob": -1.5}
    segments = [
        {"start": 0.0, "end": 1.0} | invented,
        {"start": 1.0, "end": 2.0, "text": "hello", "no_speech_prob": 0.98, "avg_logprob": -0.2},
        {"start": 2.0, "end": 3.0, "text": "harbour", "no_speech_prob": 0.2, "avg_logprob": -1.5},
        {"start": 3.0, "end": 3.5} | invented,
    ]
    words = [{"word": "Thank", "start": 0.1, "end": 0.4}]
    server.answer = lambda fields, heard: json.dumps(
        {"text": "Thank you. hello harbour Thank you.", "segments": segments, "words": words}
    )
    path = make_video(sound=bursts(4.0, (0.0, 3.9, 440)))
    transcript = transcribe(path, transcriber=transcriber())
    assert heard(transcript) == [(1.0, 2.0, "hello"), (2.0, 3.0, "harbour")]
    (note,) = transcript.notes
    assert note.startswith("2 lines of speech left out")

    segments[1:3] = []
    transcript = transcribe(path, transcriber=transcriber())
    assert transcript.cues == (), "neither its segments, nor its words, nor its whole text"
    assert transcript.notes[0].startswith("2 lines")
    del segments[1]
    assert transcribe(path, transcriber=transcriber()).notes[0].startswith("1 line of speech left out")


def test_odd_times_and_half_a_character_do_not_end_the_run(make_video, bursts, transcriber, server):
    reply = """{"text": "…", "segments": [
        {"start": "0.5", "end": "1.5", "text": "as text"}, {"start": 1.5, "end": NaN, "text": "wave \\ud83d"},
        {"start": NaN, "end": 1, "text": "never"}, {"start": 1%s, "end": 2, "text": "too far"},
        {"start": true, "end": 2, "text": "yes"}]}""" % ("0" * 400)
    server.answer = lambda fields, segments: reply
    path = make_video(sound=bursts(2.0, (0.0, 2.0, 440)), seconds=2.0)
    transcript = transcribe(path, transcriber=transcriber())
    assert heard(transcript) == [(0.5, 1.5, "as text"), (1.5, 1.5, "wave \ufffd")]


def test_an_answer_without_words_is_a_failure(make_video, bursts, transcriber, server):
    server.answer = lambda fields, segments: "[1, 2]"
    path = make_video(sound=bursts(2.0, (0.5, 0.5, 440)))
    (failure,) = transcribe(path, transcriber=transcriber()).failures
    assert "without words" in failure.reason


def test_language_and_hint_reach_the_server(make_video, bursts, transcriber, server):
    path = make_video(sound=bursts(2.0, (0.5, 0.5, 440)))
    transcribe(path, transcriber=transcriber(), language="German", hint="Frau Krüger")
    assert (server.requests[0]["language"], server.requests[0]["prompt"]) == ("de", "Frau Krüger")


def test_progress_is_told(make_video, bursts, transcriber):
    path = make_video(seconds=6.0, sound=bursts(6.0, (0.5, 0.5, 440), (4.5, 0.5, 880)))
    events = []
    transcribe(
        path, transcriber=transcriber(longest_seconds=3.0), duration_seconds=6.0, on_event=events.append
    )
    assert events[0] == StageStarted(stage="speech", total=2)
    assert isinstance(events[-1], StageFinished)
    assert sum(isinstance(event, StageAdvanced) for event in events) >= 2


def test_a_bound_on_money_is_kept_before_the_call(make_video, bursts, transcriber, server):
    path = make_video(seconds=6.0, sound=bursts(6.0, (0.5, 0.5, 440), (2.5, 0.5, 660), (4.5, 0.5, 880)))
    # Two seconds of it cost 0.0002 dollars.
    budget = Budget(max_cost=0.0005)
    priced = transcriber(
        preset="openai", api_key="test-key", longest_seconds=2.2, budget=budget, concurrency=1
    )
    with pytest.raises(BudgetReached):
        transcribe(path, transcriber=priced)
    assert 1 <= len(server.requests) <= 2
    with pytest.raises(SettingsError, match="no price"):
        transcriber(budget=Budget(max_cost=1.0))


def test_names_that_are_no_transcriber_are_refused():
    for name in ("whisper", "hf:openai/whisper-tiny", "offline", "openai:"):
        with pytest.raises(SettingsError):
            transcriber_settings(name)
    with pytest.raises(SettingsError, match="wants a key"):
        open_transcriber(transcriber_settings("openai:whisper-1"), ledger=Ledger())


@pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed: apt-get install espeak-ng"
)
def test_real_speech_is_found_where_it_was_spoken(make_video, transcriber, tmp_path):
    def spoken(words: str) -> np.ndarray:
        subprocess.run(["espeak-ng", "-w", str(tmp_path / "w.wav"), words], check=True)
        with wave.open(str(tmp_path / "w.wav")) as file:
            raw = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            rate = file.getframerate()
        times = np.arange(0, len(raw) / rate, 1 / 48_000)
        return np.interp(times, np.arange(len(raw)) / rate, raw).astype(np.int16)

    sound = np.zeros(48_000 * 30, np.int16)
    expected = []
    for at, words in (
        (1.0, "good morning"),
        (9.25, "the red door is closed"),
        (17.5, "seven"),
        (24.125, "thank you Sarah"),
    ):
        said = spoken(words)
        start = round(at * 48_000)
        sound[start : start + len(said)] = said
        loud = np.flatnonzero(np.abs(said) > 500)
        expected.append((at + loud[0] / 48_000, at + loud[-1] / 48_000))
    path = make_video("speech.mp4", seconds=30.0, sound=sound)
    transcript = transcribe(path, transcriber=transcriber(longest_seconds=10.0), duration_seconds=30.0)
    for start, stop in expected:
        inside = [cue for cue in transcript.cues if cue.start_seconds < stop and cue.stop_seconds > start]
        assert inside
        assert abs(inside[0].start_seconds - start) < 0.05
        assert abs(inside[-1].stop_seconds - stop) < 0.05
    assert all(
        any(start - 0.05 < cue.start_seconds < stop for start, stop in expected) for cue in transcript.cues
    )
