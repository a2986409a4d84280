"""Who speaks, as subtitles write it."""

from __future__ import annotations

from mrvideo.media.subtitles.parse import parse


def said(*texts: str) -> list[tuple[str | None, str]]:
    text = "".join(
        f"{n}\n00:00:{n:02d},000 --> 00:00:{n + 1:02d},000\n{t}\n\n" for n, t in enumerate(texts, 1)
    )
    return [(line.speaker, line.text) for line in parse(text.encode(), "talk.srt").lines]


def test_a_label_in_capitals_is_a_speaker():
    assert said("SARAH: Hello.", "MAN 2: Who is it?", "DR. O'BRIEN (whispers): Me.") == [
        ("SARAH", "Hello."),
        ("MAN 2", "Who is it?"),
        ("DR. O'BRIEN", "(whispers) Me."),
    ]


def test_a_capitalised_label_is_one_when_it_comes_back():
    assert said("Sarah: Hello.", "Sarah: Again.") == [("Sarah", "Hello."), ("Sarah", "Again.")]
    assert said("Remember this: never run.", "Sarah: Hello.") == [
        (None, "Remember this: never run."),
        (None, "Sarah: Hello."),
    ]


def test_notes_times_sums_and_sentences_are_no_speakers():
    texts = [
        "Note: 10:30",
        "NOTE: 10:30",
        "NOTE: bring water",
        "Kick-off: 10:30",
        "TOTAL: 45 %",
        "I have one rule: never run",
        "see https://example.org: it is there",
        "[music]",
        "at 10:30: lunch",
        "Warning: hot. Warning: hot.",
    ]
    assert said(*texts, *texts) == [(None, text) for text in texts * 2]


def test_two_speakers_in_one_cue_are_two_lines_of_its_span():
    assert said("- ANNA: Hi.\n- BEN: Hello\nyou.", ">> HOST: Welcome.") == [
        ("ANNA", "Hi."),
        ("BEN", "Hello you."),
        ("HOST", "Welcome."),
    ]
    assert said("- ANNA: Hi.\n- Hello.") == [("ANNA", "Hi."), (None, "- Hello.")]
    assert said("- Hi.\n- Hello.") == [(None, "- Hi. - Hello.")]


def test_where_all_is_in_capitals_a_label_has_to_come_back():
    shouted = [
        "THE STORM HAS REACHED THE COAST OF FLORIDA",
        "ONE THING IS CLEAR: STAY AT HOME",
        "KIM: THANK YOU",
    ]
    assert said(*shouted) == [(None, text) for text in shouted]
    assert ("KIM", "AND NOW SPORT") in said(*shouted, "KIM: AND NOW SPORT")
