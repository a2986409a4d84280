"""Search: the words find their scene, whatever the words are."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrvideo.records import Cue, Scene, Sighting


@pytest.mark.parametrize(
    ("words", "source", "span", "line"),
    [
        ("waiters", "caption", (6.5, 60.0), "Two waiters are running between tables."),
        ("CAFE", "caption", (6.5, 60.0), "The café is full."),
        ("run", "caption", (6.5, 60.0), "Two waiters are running between tables."),
        ("gate b12", "caption", (2.0, 8.0), "GATE B12"),
        ("train", "cue", (4.0, 5.5), "Sarah: Where is the train?"),
        ("sarah", "cue", (4.0, 5.5), "Sarah: Where is the train?"),
        ("person_1", "caption", (0.0, 6.5), "<person_1> waits at a crossing."),
        ("clock noon", "caption", (6.5, 60.0), "A clock shows noon."),
    ],
)
def test_a_hit_is_the_line_that_matches_over_its_own_span(library, index, words, source, span, line):
    library.put_index(index())
    hits = library.search(words)
    assert (hits[0].source, (hits[0].start_seconds, hits[0].stop_seconds), hits[0].text) == (
        source,
        span,
        line,
    )
    assert hits[0].video == index().video.path
    assert hits[0].video_digest == index().video.digest


def test_texts_with_all_the_words_come_alone_and_else_those_with_any(library, index):
    library.put_index(index())
    assert len(library.search("red car")) == 1
    assert {hit.text for hit in library.search("car zeppelin")} == {"A red car stops."}
    assert library.search("zeppelin") == ()


def test_the_best_come_first_and_no_more_than_asked_for(library, index):
    scenes = [
        Scene(
            index=n,
            start_seconds=n,
            stop_seconds=n + 1,
            brief="dog" if n == 7 else "nothing",
            detailed="A dog among very many other words that are here to be long." if n % 2 else "empty",
        )
        for n in range(12)
    ]
    library.put_index(index().model_copy(update={"scenes": tuple(scenes)}))
    hits = library.search("dog", limit=3)
    assert len(hits) == 3
    assert hits[0].start_seconds == 7.0
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert library.search("dog", limit=0) == ()


def test_words_that_stand_everywhere_give_the_densest_texts_and_never_hide_a_rare_word(
    library, index, monkeypatch
):
    """In a large library the ranking of a common word is cut short; a search must not lose what it is about."""
    monkeypatch.setattr("mrvideo.library.search._RANKED_AT_MOST", 20)
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=n,
            stop_seconds=n + 1,
            brief="Man." if n == 60 else "The man walks on and on.",
            detailed="A zebra." if n == 3 else "",
        )
        for n in range(200)
    )
    library.put_index(index().model_copy(update={"scenes": scenes, "cues": ()}))
    assert library.search("man", limit=2)[0].start_seconds == 60.0
    assert [hit.start_seconds for hit in library.search("man zebra", limit=2)] == [3.0]
    assert [hit.start_seconds for hit in library.search("a man with any zebra", limit=2)] == [3.0]
    assert len(library.search("man walks", limit=2)) == 2


def test_one_video_is_searched_alone(library, index, video):
    other = video("other.mp4", content="other")
    library.put_index(index())
    library.put_index(index(of=other))
    assert {hit.video for hit in library.search("waiters")} == {index().video.path, other.path}
    assert {hit.video for hit in library.search("waiters", digest=other.digest)} == {other.path}
    assert library.search("waiters", digest='" OR folded : "waiters') == ()


def test_only_the_latest_index_is_searched(library, index):
    library.put_index(index("k1"))
    library.put_index(index("k2", detailed="A blue bus stops."))
    assert library.search("red") == ()
    assert len(library.search("waiters")) == 1


def test_a_text_over_two_scenes_is_one_hit_and_one_that_comes_back_is_two(library, index):
    sightings = [(0, 4.9), (5, 9), (30, 31)]
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=a,
            stop_seconds=b,
            brief="",
            detailed="",
            sightings=(Sighting(text="EXIT", start_seconds=a, stop_seconds=b),),
        )
        for n, (a, b) in enumerate(sightings)
    )
    library.put_index(index().model_copy(update={"scenes": scenes}))
    assert sorted((h.start_seconds, h.stop_seconds) for h in library.search("exit")) == [(0, 9), (30, 31)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("这是一个红色的汽车", "汽车"),
        ("東京駅に着いた", "東京駅"),
        ("ｆｕｌｌ ｗｉｄｔｈ １２３", "width 123"),
        ("Straße Ärger", "arger"),
        ("Привет, мир", "привет"),
        ("C++ and C# — 50 % off", "50 %"),
    ],
)
def test_words_of_any_script_are_found(library, index, text, words):
    cue = Cue(start_seconds=1, stop_seconds=2, text=text)
    library.put_index(index().model_copy(update={"cues": (cue,), "scenes": ()}))
    assert [hit.text for hit in library.search(words)] == [text]


@pytest.mark.parametrize(
    "words",
    [
        '"',
        "'",
        "AND",
        "NOT red",
        "NEAR(red car, 2)",
        "red*",
        "folded : red",
        "digest : x",
        "-red",
        "^red",
        "(red",
        "red)",
        "{red}",
        "red OR",
        "\0red",
        "red\x02",
        "%",
        "*",
        "",
        "   ",
        "“red”",
        "\ud800 red",
        "red ; DROP TABLE texts;--",
        "🙂",
        "+",
        "a" * 5000,
    ],
)
def test_no_words_can_break_the_query(library, index, words):
    library.put_index(index())
    hits = library.search(words)
    if "red" in words:
        assert "A red car stops." in [hit.text for hit in hits]


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30))
def test_any_words_are_answered_with_lines_that_stand_in_the_index(library, index, words):
    if library.latest_index(index().video.digest) is None:
        library.put_index(index())
    known = {line for scene in index().scenes for line in (scene.brief, scene.detailed, "GATE B12")}
    for hit in library.search(words):
        assert hit.source == "cue" or any(hit.text in line for line in known)
