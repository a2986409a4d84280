"""faster-whisper's answers in our terms, with a model that listens for loudness in place of the network's."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import av
import numpy as np
import pytest

from mrvideo.errors import SettingsError
from mrvideo.models.ledger import Ledger
from mrvideo.models.limits import LimitedModel, Limits
from mrvideo.speech import Transcriber, open_transcriber, transcribe, transcriber_settings
from mrvideo.speech.whisper import FasterWhisper


@dataclass
class Segment:
    start: float
    end: float
    text: str


@dataclass
class Info:
    language: str


class Loudness:
    """Takes what faster-whisper's model takes, and returns what it returns: a generator and an info."""

    def __init__(self):
        self.options = []

    def transcribe(self, audio, **options):
        self.options.append(options)
        with av.open(audio) as container:
            samples = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
        loud = np.flatnonzero(np.abs(samples.astype(int)) > 500) / 16_000
        return (s for s in [Segment(loud[0], loud[-1] + 0.5, " beep "), Segment(99.0, 99.0, " ")]), Info("en")


def test_its_segments_become_cues(make_video, bursts):
    model = Loudness()
    loads = []

    def load(settings):
        loads.append(settings.model)
        return model

    adapter = FasterWhisper(transcriber_settings("faster-whisper:small"), load)
    ledger = Ledger()
    transcriber = Transcriber(model=LimitedModel(adapter, Limits(ledger=ledger)), longest_seconds=2.2)
    path = make_video(seconds=4.0, sound=bursts(4.0, (0.5, 0.5, 440), (3.5, 0.5, 660)))
    transcript = transcribe(path, transcriber=transcriber, language="eng", hint="Sarah")
    first, second = transcript.cues
    assert abs(first.start_seconds - 0.5) < 0.01
    assert abs(second.start_seconds - 3.5) < 0.01
    assert second.stop_seconds <= 4.0
    assert (first.text, first.language) == ("beep", "en")
    assert loads == ["small"]
    assert model.options[0]["language"] == "en"
    assert model.options[0]["initial_prompt"] == "Sarah"
    assert ledger.total().cost == 0  # it runs here: nobody sends a bill


def test_a_line_that_it_marks_as_no_speech_is_left_out(make_video, bursts):
    @dataclass
    class Marked(Segment):
        no_speech_prob: float = 0.9
        avg_logprob: float = -1.2

    class Inventing(Loudness):
        def transcribe(self, audio, **options):
            return iter([Marked(0.0, 1.0, "Thank you."), Segment(1.0, 2.0, "hello")]), Info("en")

    adapter = FasterWhisper(transcriber_settings("faster-whisper:small"), lambda settings: Inventing())
    transcriber = Transcriber(model=LimitedModel(adapter, Limits(ledger=Ledger())))
    transcript = transcribe(make_video(sound=bursts(4.0, (0.0, 3.9, 440))), transcriber=transcriber)
    assert [cue.text for cue in transcript.cues] == ["hello"]
    assert transcript.notes[0].startswith("1 line of speech")


@pytest.mark.skipif(
    importlib.util.find_spec("faster_whisper") is not None, reason="faster-whisper is installed"
)
def test_without_the_extra_it_says_how_to_install_it():
    with pytest.raises(SettingsError, match=r"mrvideo\[asr\]"):
        open_transcriber(transcriber_settings("faster-whisper:small"), ledger=Ledger())
