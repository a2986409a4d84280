"""The held-out set: its films are what its truth says, its score is what a reader would count, and it does
not drift.
"""

import hashlib
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from mrvideo.cli.app import app
from mrvideo.errors import InputError
from mrvideo.evals.counting import is_right
from mrvideo.evals.items import Outcome
from mrvideo.evals.journal import Journal
from mrvideo.evals.offline import BENCHMARK, build_films
from mrvideo.evals.offline.benchmark import QUESTIONS, WRONG_AND_SURE, question_file, score
from mrvideo.evals.offline.film import FRAMES_PER_SECOND, Film, Planted, Shot, shake
from mrvideo.evals.offline.films import FILMS
from mrvideo.evals.offline.films.harbour import TEXTS
from mrvideo.evals.offline.floors import CEILINGS, FLOORS, QUESTIONS_DIGEST
from mrvideo.evals.offline.lettering import Words
from mrvideo.evals.offline.scenery import plain
from mrvideo.evals.outcomes import outcome_of
from mrvideo.records import Answer, Span

ROWS = [json.loads(line) for line in question_file().splitlines()]


def planted(name: str) -> tuple[Planted, ...]:
    if name != "harbour":
        return FILMS[name].planted()
    demo = Path(__file__).resolve().parents[2] / "demo" / "harbour.srt"
    cues = blocks_of(demo.read_text(encoding="utf-8"))
    return (*TEXTS, *(Planted(text, Span(start, stop), cue=True) for start, stop, text in cues))


def blocks_of(srt: str) -> list[tuple[float, float, str]]:
    found = []
    for block in srt.strip().split("\n\n"):
        _, times, *lines = block.split("\n")
        start, stop = (
            sum(
                float(part) * by
                for part, by in zip(time.replace(",", ".").split(":"), (3600, 60, 1), strict=True)
            )
            for time in times.split(" --> ")
        )
        found.append((round(start, 3), round(stop, 3), "\n".join(lines)))
    return found


# films ------------------------------------------------------------------------------------------


def hurried(film):
    """The film with each of its shots for two seconds at most, and what is written and said in that time."""
    shots = tuple(
        replace(
            shot,
            seconds=min(shot.seconds, 2.0),
            words=tuple(
                replace(words, when=words.when and (words.when[0], min(words.when[1], 2.0)))
                for words in shot.words
                if words.when is None or words.when[0] < 2.0
            ),
        )
        for shot in film.shots
    )
    length = sum(shot.seconds for shot in shots)
    return replace(film, shots=shots, cues=tuple(cue for cue in film.cues if cue[1] <= length))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["departures", "scripts"])
def test_a_film_is_generated_identically_twice(tmp_path, name):
    """One has sound and no cues, one has cues and no sound."""
    film = hurried(FILMS[name])
    assert bool(film.cues) == bool(FILMS[name].cues)
    first, second = film.write(tmp_path / "a"), film.write(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    there = {path.name for path in (tmp_path / "a").iterdir()}
    assert there == {path.name for path in (tmp_path / "b").iterdir()}
    assert there == {f"{name}.mp4", *([f"{name}.srt"] if FILMS[name].cues else [])}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flat", "match", "news", "signs"])
def test_every_text_stands_in_the_file_when_the_truth_says_so(tmp_path, name):
    """In the decoded film: while a text stands, its place looks as drawn with it; before and after, as drawn
    without.
    """
    film = FILMS[name]
    with av.open(str(film.write(tmp_path))) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == round(film.duration_seconds * FRAMES_PER_SECOND)
    checked = 0
    for begin, shot in zip(film.starts_seconds, film.shots, strict=True):
        for words in shot.words:
            start, stop = words.when or (0.0, shot.seconds)
            for seconds, there in ((start, True), ((start + stop) / 2, True), (stop - 0.2, True)):
                checked += one_place(film, shot, words, frames, begin, seconds, there)
            for seconds in (start - 0.2, stop):
                if 0 <= seconds < shot.seconds:
                    checked += one_place(film, shot, words, frames, begin, seconds, False)
    assert checked > 60


def one_place(film, shot, words, frames, begin, seconds, there) -> bool:
    number = round((begin + seconds) * FRAMES_PER_SECOND)
    now = number / FRAMES_PER_SECOND - begin
    left, top = words.corner(now)
    width, height = words.extent
    if shot.hand_held:
        left, top = left + shake(now)[0], top + shake(now)[1]
    box = slice(max(top, 0), top + height), slice(max(left, 0), left + width)
    if left + width <= 8 or left >= 632:
        return False  # It has crawled out of the picture.
    always = replace(words, when=None, drift=0.0, x=words.x + words.drift * (now - (words.when or (0,))[0]))
    others = tuple(other for other in shot.words if other is not words)
    drawn = {
        shows: frame_of(film, replace(shot, words=(*others, *([always] if shows else []))), begin, now)[box]
        for shows in (True, False)
    }
    seen = frames[number][box].astype(int)
    away = {shows: np.abs(seen - picture.astype(int)).mean() for shows, picture in drawn.items()}
    assert away[there] < away[not there] / 2, f"{words.text!r} at {begin + now} s: {away}"
    return True


def frame_of(film, shot, begin, now):
    from PIL import Image, ImageDraw

    still = Image.new("RGB", (640, 360))
    shot.backdrop(ImageDraw.Draw(still))
    return np.asarray(film._frame(shot, still, now, begin + now).convert("L"))


@pytest.mark.parametrize("name", [name for name, film in FILMS.items() if film.cues])
def test_the_subtitle_file_holds_the_cues_at_their_times(name):
    assert tuple(blocks_of(FILMS[name].subtitles())) == FILMS[name].cues


@pytest.mark.slow
def test_films_are_drawn_once_and_those_asked_for_alone(tmp_path):
    drawn = []
    folder = build_films(tmp_path, films=["scripts", "harbour"], on_film=drawn.append)
    assert drawn == ["scripts"], "the demo film is copied"
    assert {path.name for path in folder.iterdir()} == {
        "scripts.mp4", "scripts.srt", "harbour.mp4", "harbour.srt", QUESTIONS,
    }  # fmt: skip
    assert build_films(tmp_path, films=["scripts"], on_film=drawn.append) == folder
    assert drawn == ["scripts"], "not drawn twice"
    with pytest.raises(InputError, match=r"no film 'tennis'.*talk"):
        build_films(tmp_path, films=["tennis"])


def test_a_film_refuses_what_would_make_its_truth_false():
    shot = Shot(2.0, plain((0, 0, 0)), (Words("EXIT", 100, 100),))
    assert Film("x", (shot, shot)).planted()[1] == Planted("EXIT", Span(2.0, 4.0))
    with pytest.raises(ValueError, match=r"0\.3 s does not lie on a frame"):
        Film("x", (replace(shot, words=(replace(shot.words[0], when=(0.3, 1.0)),)),))
    with pytest.raises(ValueError, match="'EXIT' stands outside"):
        Film("x", (replace(shot, words=(replace(shot.words[0], when=(1.0, 3.0)),)),))
    with pytest.raises(ValueError, match="'late' stands outside"):
        Film("x", (shot,), cues=((1.0, 3.0, "late"),))
    with pytest.raises(ValueError, match="no letters for '茶'"):
        Words("茶", 1, 1)


# the set ----------------------------------------------------------------------------------------


def test_the_set_is_as_large_and_as_mixed_as_it_has_to_be():
    films = {row["film"] for row in ROWS}
    assert len(ROWS) >= 150 and len(films) >= 6
    assert len({row["id"] for row in ROWS}) == len({(r["film"], r["question"]) for r in ROWS}) == len(ROWS)
    assert sum(not row["answerable"] for row in ROWS) * 4 >= len(ROWS)
    languages = Counter(row["language"] for row in ROWS)
    assert len(ROWS) - languages["en"] >= 45
    assert set(languages) == {"en", "de", "fr", "es", "pt", "it", "nl", "zh", "ja", "ar"}
    assert all(60 <= film.duration_seconds <= 240 for film in FILMS.values())
    assert films == {*FILMS, "harbour"}


@pytest.mark.parametrize("row", [row for row in ROWS if row["answerable"]], ids=lambda row: row["id"])
def test_what_bears_an_answer_out_stands_where_the_truth_says(row):
    spans = [Span(*pair) for pair in row.get("spans", []) + row.get("windows", [])]
    things = planted(row["film"])
    for words in row.get("words", []):
        holding = [thing for thing in things if words in thing.text.replace("\n", " ")]
        assert holding, f"{words!r} is not in the film"
        if spans:
            assert any(thing.span.overlaps(span) for thing in holding for span in spans), words
    for span in spans:
        held = [thing for thing in things if thing.span.overlaps(span)]
        assert any(words in thing.text.replace("\n", " ") for thing in held for words in row["words"]), span


def test_what_cannot_be_answered_is_asked_without_a_truth():
    for row in ROWS:
        if not row["answerable"]:
            left = set(row) - {
                "id",
                "film",
                "language",
                "kind",
                "question",
                "answerable",
                "options",
                "accepted",
            }
            assert not left, row["id"]
            assert "accepted" not in row or row["kind"] == "present", row["id"]


def test_the_set_is_frozen():
    """A changed question is another measurement: its numbers cannot be compared with those before it."""
    assert hashlib.sha256(question_file().encode()).hexdigest() == QUESTIONS_DIGEST, (
        "questions.jsonl changed: measure anew, and write digest and floors together"
    )


# score ------------------------------------------------------------------------------------------


@pytest.fixture
def ask(tmp_path):
    """The questions of rows, as the loader makes them."""

    def load(*rows):
        base = {"film": "talk", "language": "en", "kind": "fact", "question": "?", "answerable": True}
        lines = [json.dumps({"id": str(n), **base, **row}) for n, row in enumerate(rows)]
        (tmp_path / QUESTIONS).write_text("\n".join(lines))
        return BENCHMARK.load(tmp_path, subtitles=True)

    return load


def made(question, answer, *, choice=None, cited=(), confidence=3):
    found = answer is not None or choice is not None
    return Outcome(
        id=question.id,
        system="s",
        video=question.video,
        status="answered" if found else "not_found",
        answer=answer,
        choice=choice,
        spans=tuple(Span(*pair) for pair in cited),
        confidence=confidence,
    )


@pytest.mark.parametrize(
    ("row", "answer", "more", "right"),
    [
        ({"accepted": ["okafor"], "spans": [[0, 14]]}, "Dr. Okafor", {"cited": [(10, 12)]}, True),
        ({"accepted": ["okafor"], "spans": [[0, 14]]}, "Dr. Okafor", {"cited": [(14.5, 20)]}, True),
        ({"accepted": ["okafor"], "spans": [[0, 14]]}, "Dr. Okafor", {"cited": [(30, 40)]}, False),
        ({"accepted": ["okafor"], "spans": [[0, 14]]}, "Dr. Okafor", {}, False),
        ({"accepted": ["okafor"]}, "Dr. Okafor", {}, True),
        ({"accepted": ["okafor"], "spans": [[0, 14]]}, "Reyes", {"cited": [(10, 12)]}, False),
        (
            {"accepted": ["okafor"], "spans": [[0, 14]]},
            "Okafor",
            {"cited": [(20 + 5 * n, 21 + 5 * n) for n in range(5)] + [(0, 14)]},
            False,
        ),
        ({"options": ["a", "b"], "right": 1}, "b", {"choice": 1}, True),
        ({"options": ["a", "b"], "right": 1}, "b", {"choice": 0}, False),
        (
            {"options": ["a", "b"], "right": 1, "spans": [[0, 5]]},
            "b",
            {"choice": 1, "cited": [(9, 11)]},
            False,
        ),
        ({"windows": [[20, 30]]}, "at 0:25", {}, True),
        ({"windows": [[20, 30]]}, "at 0:45", {"cited": [(20, 30)]}, False),
        ({"seconds": 16}, "It stands there for 16.0 s", {}, True),
        ({"seconds": 16}, "It stands there for 26.0 s", {}, False),
        ({"accepted": ["okafor"]}, None, {}, False),
        ({"answerable": False}, None, {}, True),
        ({"answerable": False}, "red", {}, False),
        ({"answerable": False, "accepted": ["^no"]}, "No, it does not.", {}, True),
        ({"answerable": False, "accepted": ["^no"]}, "Yes: NO SMOKING", {}, False),
        ({"answerable": False, "options": ["no", "yes"], "accepted": ["^no"]}, "no", {"choice": 0}, False),
    ],
)
def test_an_answer_is_right_for_what_it_says_and_shows(ask, row, answer, more, right):
    (question,) = ask(row)
    assert is_right(question, made(question, answer, **more)) is right


def test_precision_recall_and_false_finds_are_counted_by_hand(ask):
    there, absent = {"accepted": ["right"]}, {"answerable": False}
    questions = ask(
        there, there, there, {**there, "language": "de"}, absent, absent, {**absent, "kind": "visual"}
    )
    outcomes = [
        made(questions[0], "right", confidence=5),
        made(questions[1], "wrong", confidence=4),
        made(questions[2], None),
        made(questions[3], "right"),
        made(questions[4], None, confidence=5),
        made(questions[5], "found", confidence=5),
        made(questions[6], None),
    ]
    scores = score("s", list(zip(questions, outcomes, strict=True)))
    values = {name: (number.value, number.count) for name, number in scores.metrics.items()}
    assert values == {"precision": (2 / 4, 4), "recall": (2 / 4, 4), "false finds": (1 / 3, 3)}
    assert scores.tables["all"]["all"] == {
        "asked": 7, "answerable": 4, "answered": 4,
        "precision": 0.5, "recall": 0.5, "false finds": 1 / 3, WRONG_AND_SURE: 2,
    }  # fmt: skip
    assert scores.tables["language"]["de"]["recall"] == 1.0
    assert scores.tables["language"]["de"]["false finds"] is None
    assert scores.tables["kind"]["visual"]["false finds"] == 0.0
    assert list(scores.tables["language"]) == ["en", "de"], "the largest first"


def test_what_is_missing_or_failed_counts_in_no_share(ask):
    questions = ask({"accepted": ["right"]}, {"accepted": ["right"]}, {"accepted": ["right"]})
    outcomes = [
        made(questions[0], "right"),
        *(Outcome(id=q.id, system="s", video="talk", status=status)
          for q, status in zip(questions[1:], ("missing", "failed"), strict=True)),
    ]  # fmt: skip
    scores = score("s", list(zip(questions, outcomes, strict=True)))
    assert scores.metrics["recall"].value == 1.0 and scores.metrics["recall"].count == 1
    assert scores.statuses == {"answered": 1, "missing": 1, "failed": 1}


def test_an_answer_beside_the_options_is_wrong_and_told_apart(ask):
    (question,) = ask({"options": ["a", "b"], "right": 1})
    answer = Answer(question="?", answer="c", confidence=4, verified=False, video="v", video_digest="0")
    outcome = outcome_of(question, "s", answer, seconds=0.1)
    assert outcome.status == "unparsed"
    scores = score("s", [(question, outcome)])
    assert scores.tables["all"]["all"]["precision"] == 0.0
    assert scores.tables["all"]["all"][WRONG_AND_SURE] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "'0' is answerable|0 is answerable"),
        ({"options": ["a"], "accepted": ["a"]}, "0 is answerable and has no truth"),
        ({"accepted": ["a"], "colour": "red"}, "0 has a field 'colour'"),
        ({"accepted": ["a"], "film": None}, "no 'film'"),
    ],
)
def test_a_row_without_a_truth_is_refused(ask, row, message):
    with pytest.raises(InputError, match=message):
        ask(row)


# the command ------------------------------------------------------------------------------------


@pytest.fixture
def type_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*words):
        done = CliRunner().invoke(app, ["eval", "offline", *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return invoke


@pytest.mark.slow
def test_footage_of_ones_own_is_asked_and_printed(type_in, tmp_path):
    """A folder with films, subtitles beside them and a question file; the set's own films are not drawn for
    it.
    """
    own = tmp_path / "own"
    film = Film(
        "street",
        (Shot(6.0, plain((90, 120, 150)), (Words("LIME STREET", 320, 150, size=40),)),),
        cues=((1.0, 4.0, "ANNA: The ferry leaves at noon."),),
    )
    film.write(own)
    base = {"film": "street", "language": "en", "answerable": True}
    rows = [
        {**base, "id": "1", "kind": "when", "question": "When is LIME STREET shown?", "windows": [[0, 6]]},
        {**base, "id": "2", "kind": "when", "question": "When is HIGH STREET shown?", "answerable": False},
    ]
    (own / "questions.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    done = type_in("--data", "own", "-q")
    assert done.exit_code == 0, done.output
    assert "false finds" in " ".join(done.output.split()) and "language" in done.output
    assert not (tmp_path / ".mrvideo" / "evals" / "offline").exists()
    again = json.loads(type_in("--data", "own", "-q", "--json", "--resume").stdout)
    (system,) = again["systems"]
    assert system["tables"]["all"]["all"]["asked"] == 2
    assert system["tables"]["all"]["all"]["recall"] == 1.0


def test_it_measures_the_offline_model_whatever_the_settings_name(type_in, tmp_path, monkeypatch):
    monkeypatch.setenv("MRVIDEO_VISION", "openai:a-paid-model")
    (tmp_path / "own").mkdir()
    row = {
        "id": "1", "film": "lost", "language": "en", "kind": "fact", "question": "Who?", "answerable": False,
    }  # fmt: skip
    (tmp_path / "own" / "questions.jsonl").write_text(json.dumps(row))
    done = type_in("--data", "own", "-q", "--json")
    assert done.exit_code == 1, "the film is missing, and that is said"
    told = json.loads(done.stdout)
    assert told["identity"]["settings"]["vision"] == "offline"
    assert told["systems"][0]["statuses"] == {"missing": 1}


@pytest.mark.parametrize("data", [(), ("--data", "own")])
def test_a_film_that_is_not_there_is_named(type_in, tmp_path, data):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "questions.jsonl").write_text("")
    with pytest.raises(InputError, match="no film 'tennis'"):
        type_in(*data, "--films", "tennis", "-q")


# floors -----------------------------------------------------------------------------------------

whole_set = [
    pytest.mark.slow,
    pytest.mark.timeout(350),
    pytest.mark.xdist_group("held-out"),
    pytest.mark.skipif(
        os.environ.get("MRVIDEO_TEST_HELD_OUT") is None,
        reason="minutes long: set MRVIDEO_TEST_HELD_OUT to run it",
    ),
]


@pytest.fixture(scope="module")
def asked():
    """What each film's run came to, gathered for the floors."""
    return {}


@pytest.mark.parametrize(
    "film", [pytest.param(name, marks=whole_set) for name in sorted({row["film"] for row in ROWS})]
)
def test_a_whole_film_can_be_asked(type_in, asked, film):
    """Film by film: none takes longer than a test may."""
    done = type_in("--films", film, "--json", "-q")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    outcomes = Journal(Path(told["folder"])).outcomes
    questions = BENCHMARK.load(Path(told["identity"]["asked"]["data"]), subtitles=True)
    asked[film] = [(q, outcomes["mrvideo high", q.id]) for q in questions if q.video == film]


@pytest.mark.parametrize("_", [pytest.param(None, marks=whole_set, id="all")])
def test_the_whole_set_holds_its_floors(asked, _):
    answered = [pair for pairs in asked.values() for pair in pairs]
    assert len(answered) == len(ROWS), "every film was asked"
    measured = score("offline", answered).tables["all"]["all"]
    below = {name: (measured[name], least) for name, least in FLOORS.items() if measured[name] < least}
    above = {name: (measured[name], most) for name, most in CEILINGS.items() if measured[name] > most}
    assert not below and not above, measured
