"""What counts as a right answer in words, in times, in lengths."""

import pytest

from mrvideo.evals.matching import LONGEST_ANSWER, gives_length, gives_time, normalised, says, stated_spans
from mrvideo.records import Span


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  The  N7's “last” stop. ", "the n7 s last stop"),
        ("BÄCKEREI Müller, Straße", "backerei muller strasse"),
        ("São João: pão", "sao joao pao"),
        ("１７：３０", "17 30"),
        ("傘が、ある。", "傘が ある"),
        ("أُمّ", "ام"),
    ],
)
def test_case_accents_and_punctuation_do_not_count(text, plain):
    assert normalised(text) == plain


@pytest.mark.parametrize(
    ("answer", "accepted", "rejected"),
    [
        ("It was Dr. Okafor.", ["okafor"], ["reyes"]),
        ("TOM REYES: Why is there no heating?", ["reyes"], ["okafor"]),
        ("Grüne Äpfel", ["apfel"], []),
        ("佐藤：祖母にもらった、傘です。", ["祖母"], []),
        ("قبل ستين سنة، وكان يبيع", ["ستين سنة"], []),
        ("Platform 4", ["4"], ["1"]),
        ("Brightsea leaves from 4 at 14:11, shown at 0:46.0–1:08.0", ["4"], []),
        ("14:26 Dunmere 2 On time", ["2"], []),
        ('"STEP 3" and "STEP 1" are shown 2 times, at 0:31.2 and 1:10', ["2"], []),
        ('"41 stops"', ["41"], []),
        ("8,214 people", ["8214"], []),
        ("Pão 0,90", ["0.90"], []),
        ("No, nobody says that.", ["^no"], []),
        ("twelve", ["12", "twelve"], []),
        ("The train leaves at 14:18", ["14:18"], []),
    ],
)
def test_what_is_accepted_is_recognised(answer, accepted, rejected):
    assert says(answer, accepted, rejected)


@pytest.mark.parametrize(
    ("answer", "accepted", "rejected", "why"),
    [
        ("77 steps", ["7"], [], "a part of a number is not the number"),
        ("seventeen", ["seven"], [], "nor a part of a word the word"),
        ("Ben: And where is it? Mara: Pip ate it.", ["mara"], ["ben"], "the first name is the answer's"),
        ("Corrow 6.10 10.50", ["10.50"], [], "the first number is the answer's"),
        ("It is shown at 0:03.5", ["3", "5"], [], "a time of the video is no count"),
        ("It lasts 12.5 s", ["12.5"], [], "nor is a length"),
        ('3 times: "STEP 2"', ["2"], [], "nor what is quoted beside a number"),
        ("There is a sign NO SWIMMING", ["^no"], [], "a text that is read aloud denies nothing"),
        ("", ["x"], [], "nothing says nothing"),
        ("anything", [], [], "nothing is accepted"),
        ("anything", ["..."], [], "punctuation alone is no word"),
        (
            "okafor " + "and so on " * LONGEST_ANSWER,
            ["okafor"],
            [],
            "who reads out everything has not answered",
        ),
    ],
)
def test_what_only_looks_alike_is_not(answer, accepted, rejected, why):
    assert not says(answer, accepted, rejected), why


@pytest.mark.parametrize(
    ("answer", "spans"),
    [
        ("1:52.0–2:10.0 (112.0 s to 130.0 s)", [(112, 130), (112, 130)]),
        ("from 0:54 to 1:08, and again at 2:12", [(54, 68), (132, 132)]),
        ("at 65 seconds", [(65, 65)]),
        ("nach 1 Minute 5 Sekunden", [(65, 65)]),
        ("de 0:58 à 1:20", [(58, 80)]),
        ("28 秒", [(28, 28)]),
        ('the clock says "09:40" at 1:47', [(107, 107)]),
        ("„FÄHRE 09:40“, 1:47 bis 1:54", [(107, 114)]),
        ("the ferry of 09:40", []),
        ("1:00:02", [(3602, 3602)]),
        ("in the third scene", []),
    ],
)
def test_times_are_read_from_an_answer(answer, spans):
    last = 4000 if "1:00:02" in answer else 168
    found = stated_spans(answer, duration_seconds=last)
    assert [(s.start_seconds, s.stop_seconds) for s in found] == spans


WINDOWS = [Span(20, 30), Span(60, 70)]


@pytest.mark.parametrize(
    ("answer", "cited", "right"),
    [
        ("at 0:22", [], True),
        ("0:20.5–0:29.5", [], True),
        ("0:19–0:32", [], True),
        ("0:20–0:30 and 1:00–1:10", [], True),
        ("at 0:18.1", [], True),
        ("at 0:17", [], False),
        ("at 0:22 and at 0:45", [], False),
        ("0:00–1:10", [], False),
        ("on the board", [Span(62, 64), Span(0, 5)], True),
        ("on the board", [Span(0, 5), Span(62, 64)], False),
        ("at 0:45", [Span(62, 64)], False),
        ("on the board", [], False),
    ],
)
def test_a_time_is_right_within_its_window_and_nowhere_else(answer, cited, right):
    assert gives_time(answer, cited, WINDOWS, duration_seconds=168) is right


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("2:30", True),
        ("150.0 s", True),
        ("two and a half minutes, or 2 minutes 30 seconds", True),
        ("2.5 minutes", True),
        ("2 minutes", False),
        ("about 2:50", False),
        ("15 s", False),
        ("long", False),
        ('"150 s"', False),
    ],
)
def test_a_length_is_right_within_a_tenth(answer, right):
    assert gives_length(answer, 150) is right
