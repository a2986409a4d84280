"""Words find their texts in whatever form they stand there, and nothing else."""

from __future__ import annotations

import pytest

from mrvideo.retrieval.words import WordIndex, misspelt, sampled_language
from mrvideo.text import languages

EN = [
    "A fisherman mends nets at the harbour.",
    "A dog rides a skateboard through the park.",
    "A house stands beside the road; a train passes.",
    "The sign reads GATE B12 and 0CEAN VIEW.",
    "Two women see a long film.",
]
DE = ["Der Hund läuft durch den Garten.", "Zwei Häfen liegen am Meer."]
JA = ["東京駅で電車を待つ。", "京都の寺で猫が眠る。", "駅の猫。"]
TH = ["สุนัขวิ่งในสวน", "แมวนอนหลับ"]


def found(query: str, texts: list[str], *codes: str) -> list[int]:
    table = languages()
    given = [table[code] for code in codes] or [sampled_language(texts)] * len(texts)
    return [match.place for match in WordIndex(texts, given).rank(query)]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("mending a net", 0),
        ("harbor", 0),
        ("harbuor", 0),
        ("harb*", 0),
        ("skatebord", 1),
        ("DOGS", 1),
        ("b12", 3),
        ("ocean", 3),
        ("trains", 2),
    ],
)
def test_a_word_is_found_in_another_form(query: str, place: int) -> None:
    assert found(query, EN) == [place]


@pytest.mark.parametrize("query", ["horse", "rain", "zebra", "b13", "zz*", "", "   ", "*", "the", '"(OR'])
def test_what_only_looks_alike_is_not_found(query: str) -> None:
    assert found(query, EN) == []


@pytest.mark.parametrize("query", ["big buck bunny", "Big Buck", "buck bunny big buck"])
def test_neighbours_are_found_where_they_are_written_as_one(query: str) -> None:
    texts = [*EN, "Text on screen: BigBuck BUNNY"]
    index = WordIndex(texts, [sampled_language(texts)] * len(texts))
    best = index.rank(query)[0]
    assert (best.place, best.covered) == (5, 1.0)
    assert found("buck big", texts) == [], "the other way round they are no such word"


def test_words_are_stemmed_in_the_language_of_their_text() -> None:
    assert found("Hunde im Gärten", DE, "de", "de") == [0]
    assert found("Hafen", DE, "de", "de") == [1]
    # One library, two languages: each word is taken in both.
    both = [*EN, *DE]
    codes = ["en"] * len(EN) + ["de"] * len(DE)
    assert found("Hafen", both, *codes) == [len(EN) + 1]
    assert found("dogs", both, *codes) == [1]


def test_unspaced_scripts_are_found_by_pairs_of_signs() -> None:
    assert found("東京", JA) == [0]
    # 京 alone stands in both; 京都 in one.
    assert found("京都", JA) == [1]
    assert set(found("京", JA)) == {0, 1}
    assert set(found("猫", JA)) == {1, 2}
    assert found("สุนัข", TH, "en", "en") == [0]


def test_a_text_with_all_the_words_leads_and_tells_what_it_lacks() -> None:
    texts = ["A dog sleeps.", "A skateboard lies there.", "A dog rides a skateboard.", "A cat."]
    index = WordIndex(texts, [languages()["en"]] * 4)
    first, *others = index.rank("a dog on a skateboard")
    assert (first.place, first.covered, first.held) == (2, 1.0, ("dog", "skateboard"))
    assert all(other.covered == pytest.approx(0.5) for other in others)
    lacking = index.rank("dog zeppelin")[0]
    assert lacking.held == ("dog",) and lacking.covered < 0.5


def test_rare_words_weigh_more_than_common_ones() -> None:
    texts = ["A man walks."] * 20 + ["A man mends."] + ["A lantern burns."]
    matches = WordIndex(texts, [languages()["en"]] * len(texts)).rank("a man with a lantern")
    assert matches[0].place == 21


def test_tags_are_taken_as_they_are() -> None:
    index = WordIndex(["A walk.", "A walk."], [languages()["en"]] * 2, tags=[(), ("person_1",)])
    assert [match.place for match in index.rank("", tags=["person_1"])] == [1]
    assert index.rank("", tags=["person_10"]) == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("harbor", "harbour", True),
        ("color", "colour", True),
        ("theatre", "theater", True),
        ("tabel", "table", True),
        ("encyclopedia", "encyclopaedai", True),
        ("house", "horse", False),
        ("grey", "gray", False),
        ("train", "rain", False),
        ("rain", "train", False),
        ("gate12x", "gate13x", False),
        ("lantern", "pattern", False),
    ],
)
def test_misspellings(first: str, second: str, same: bool) -> None:
    assert misspelt(first, second) is same
    assert misspelt(second, first) is same


def test_accents_may_be_left_out() -> None:
    assert found("cafe", ["Das Café ist voll.", "Leer."], "de", "de") == [0]
    assert found("café", ["The cafe is full.", "Empty."], "en", "en") == [0]
