"""What transcription servers answer besides what their maker documents: read, or told in their own words at
once.
"""

from __future__ import annotations

import json

import pytest

from mrvideo.errors import BudgetReached, ModelUnavailable
from mrvideo.mapreduce import portal
from mrvideo.models.budget import Budget
from mrvideo.models.ledger import Ledger
from mrvideo.speech import open_transcriber, transcribe, transcriber_settings


@pytest.fixture
def hear(make_video, bursts, server):
    """Transcribes two seconds of sound by the running server."""
    opened = []
    path = make_video(sound=bursts(2.0, (0.5, 0.5, 440)))

    def run(*, ledger=None, budget=None, store=None, **fields):
        settings = transcriber_settings(
            "openai:whisper-1", base_url=server.url, **{"max_attempts": 4} | fields
        )
        opened.append(open_transcriber(settings, ledger=ledger or Ledger(), budget=budget, store=store))
        return transcribe(path, transcriber=opened[-1])

    yield run
    for one in opened:
        portal().call(one.aclose)


def words(transcript) -> list[str]:
    return [cue.text for cue in transcript.cues]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"text": "hello harbour", "segments": None}, "hello harbour"),
        ({"text": "hello harbour", "segments": [{"start": None, "end": None, "text": "x"}]}, "hello harbour"),
        (
            {"text": "x", "segments": [{"start": "0.5", "end": "1.5", "text": "hello harbour"}]},
            "hello harbour",
        ),
        ([{"start": 0, "end": 1, "text": "hello harbour"}], "hello harbour"),
        ("hello harbour", "hello harbour"),
        ({"text": "x", "segments": [{"start": 2, "end": 1, "text": "hello"}]}, "hello"),
        ({"text": "x", "segments": [{"start": 0, "end": 1, "text": "wave \ud83d"}]}, "wave \ufffd"),
        ({"text": "wave \ud83d"}, "wave \ufffd"),
        ({"text": "hi", "segments": [{"start": float("nan"), "end": 1e400, "text": "x"}]}, "hi"),
        (
            '{"text": "hi", "segments": [{"start": 0, "end": 1, "text": "hi", "id": ' + "9" * 6000 + "}]}",
            "hi",
        ),
    ],
)
def test_words_are_read_in_whatever_shape_they_come(hear, server, store, answer, text):
    server.answer = lambda fields, segments: json.dumps(answer) if not isinstance(answer, str) else answer
    transcript = hear(store=store)
    assert words(transcript) == [text]
    assert transcript.failures == ()
    transcript.model_dump_json().encode()
    assert len(store.kept) == 1
    (cue,) = transcript.cues
    assert 0 <= cue.start_seconds <= cue.stop_seconds <= 4.0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"error": {"message": "model not loaded"}}, "model not loaded"),
        ({"detail": "no such task"}, "no such task"),
        ({}, "without words"),
        ('{"text": "cut off', "no JSON"),
    ],
)
def test_an_answer_without_words_is_told_in_the_servers_own_at_once(hear, server, answer, told):
    """It was asked for four times, and then said to be `without words`."""
    server.answer = lambda fields, segments: answer if isinstance(answer, str) else json.dumps(answer)
    try:
        (failure,) = hear().failures
        line = failure.reasons[0]
    except ModelUnavailable as error:
        line = str(error)
    assert told in line and "\n" not in line
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "page", ["<!doctype html><title>Open WebUI</title>", "<html><body>Open WebUI</body></html>"]
)
def test_a_page_is_no_speech(hear, server, page):
    """It became a cue that one could cite."""
    server.answer = lambda fields, segments: page
    with pytest.raises(ModelUnavailable, match="Open WebUI; base_url must end where the API begins"):
        hear()
    assert len(server.requests) == 1


@pytest.mark.parametrize("field", ["timestamp_granularities[]", "language", "prompt"])
def test_a_field_that_is_refused_in_words_is_left_out_and_the_form_kept(make_video, bursts, server, field):
    def refuse(fields, segments):
        name = field.removesuffix("[]")
        body = {"error": {"message": f"Unsupported parameter: '{name}'", "param": None}}
        return (400, json.dumps(body)) if field in fields else None

    server.refuse = refuse
    settings = transcriber_settings("openai:whisper-1", base_url=server.url)
    transcriber = open_transcriber(settings, ledger=Ledger())
    path = make_video(sound=bursts(2.0, (0.5, 0.5, 440)))
    heard = transcribe(path, transcriber=transcriber, language="en", hint="alpha")
    portal().call(transcriber.aclose)
    assert words(heard) == ["alpha"]
    assert server.requests[-1]["response_format"] == "verbose_json"
    assert len(server.requests) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "usage", [None, {}, {"input_tokens": -(10**9), "output_tokens": 0}, {"input_tokens": "x"}]
)
def test_a_bound_on_tokens_holds_for_a_server_that_counts_none(hear, server, usage):
    server.answer = lambda fields, segments: json.dumps({"text": "alpha", "usage": usage})
    ledger = Ledger()
    hear(ledger=ledger)
    taken = ledger.total()
    # Ten tokens for each second of sound, as where they are counted.
    assert 20 <= taken.input_tokens <= 50 and 0 < taken.output_tokens < 10
    budget = Budget(max_tokens=100)
    with pytest.raises(BudgetReached):
        for _ in range(50):
            hear(budget=budget)


def test_an_absurd_count_is_moved_to_what_can_be(hear, server):
    usage = {"input_tokens": 10**15, "output_tokens": 10**15}
    server.answer = lambda fields, segments: json.dumps({"text": "alpha", "usage": usage})
    ledger = Ledger()
    hear(ledger=ledger)
    assert ledger.total().input_tokens < 2000 and ledger.total().output_tokens < 2000


def test_a_body_that_goes_on_is_given_up(hear, server):
    server.answer = lambda fields, segments: json.dumps({"text": "a" * 5 * 2**20})
    (failure,) = hear().failures
    assert "more than 4 MiB in one answer" in failure.reasons[0]


def test_a_server_that_repeats_the_key_in_what_was_said_does_not_spread_it(hear, server, store):
    """A transcript stands in the library, in exports and in every prompt."""
    key = "sk-secret-0123456789abcdef"
    spoken = {"start": 0.0, "end": 1.0, "text": f"the header is {key}", "speaker": f"{key[:14]}…"}
    server.answer = lambda fields, segments: json.dumps({"text": f"Bearer {key}", "segments": [spoken]})
    transcript = hear(store=store, api_key=key)
    assert "the header is ***" in words(transcript)[0]
    assert key[:10] not in transcript.model_dump_json() + repr(store.kept)
    server.answer = lambda fields, segments: json.dumps({"nothing": f"Bearer {key}"})
    (failure,) = hear(api_key=key).failures
    assert "without words" in failure.reasons[0] and key[:10] not in failure.reasons[0]
