"""Quotes are found where they stand, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.agents.ask.sources import Sources, find_quote, fold
from mrvideo.records import Span

words = st.text(alphabet="abcdeéßЖ日本 .,-'\"<>", min_size=1, max_size=40).filter(
    lambda text: any(c.isalnum() for c in text)
)


@given(words, words, words)
def test_any_run_of_whole_words_of_a_text_is_found_in_it(before: str, quote: str, after: str) -> None:
    assert find_quote(quote, f"{before} {quote} {after}") is not None


@given(words, words)
def test_what_is_found_are_the_sources_own_characters(quote: str, source: str) -> None:
    found = find_quote(quote, source)
    assert found is None or (found in source and len(found) > 0)


@given(words)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


@given(words)
def test_every_folded_letter_knows_where_it_came_from(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.origins)
    assert list(folded.origins) == sorted(folded.origins)
    assert all(0 <= origin < len(text) for origin in folded.origins)


@pytest.mark.parametrize(
    ("quote", "source", "found"),
    [
        ("person_3 waves", "<person_3> waves.", "<person_3> waves"),
        ("<person_3> waves", "A man, ‹person_3›, no: <person_3> waves.", "<person_3> waves"),
        ("12", "Gate 12", "12"),
        ("12", "Gate 123", None),
        ("art", "The start of it", None),
        ("Straße", "die STRASSE entlang", "STRASSE"),
        ("見て", "写真を見てください", "見て"),
        ("don't", "I don’t know", "don’t"),
        ("first ... last", "first middle last", "first middle last"),
        ("last ... first", "first middle last", None),
        ("", "anything", None),
        ("—", "a — b", None),
        ("hello   world", "Hello\n world!", "Hello\n world"),
        ("‹b›", "a <b> c", "<b>"),
    ],
)
def test_quotes(quote: str, source: str, found: str | None) -> None:
    assert find_quote(quote, source) == found


def test_a_text_that_stands_often_is_cited_near_the_time_given(film: SimpleNamespace) -> None:
    captions = ["Nothing."] * 9
    signs = {n: (n * 10.0 + 2, n * 10.0 + 5, "SALE") for n in (1, 4, 7)}
    sources = Sources(film.index(captions, signs=signs))
    assert [p.span for p in sources.locate("SALE", "caption", Span(40, 50))] == [Span(42, 45)]
    assert [p.span for p in sources.locate("SALE", "caption", Span(0, 60))] == [Span(12, 15), Span(42, 45)]
    assert sources.locate("SALE", "caption", Span(80, 90)) == (), (
        "of three places elsewhere none is the one meant"
    )


def test_a_sign_is_preferred_to_the_caption_that_mentions_it(film: SimpleNamespace) -> None:
    index = film.index(["A shop with a sign, OPEN, in its window."], signs={0: (3.0, 4.0, "OPEN")})
    assert [p.span for p in Sources(index).locate("open", "caption", Span(0, 10))] == [Span(3, 4)]


def test_a_long_source_is_cited_by_the_part_that_was_named(film: SimpleNamespace) -> None:
    index = film.index(["A lecture on whales."], scene_seconds=3600.0)
    (place,) = Sources(index).locate("whales", "caption", Span(1200, 1230))
    assert place.span == Span(1199, 1231)


def test_a_quote_that_is_everywhere_is_cited_a_dozen_times_at_most(film: SimpleNamespace) -> None:
    sources = Sources(film.index(["Grass."] * 200))
    assert len(sources.locate("Grass", "caption", Span(0, 2000))) == 12
