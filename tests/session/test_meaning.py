"""Texts compared by meaning: embedded once over HTTP, kept, and fused beside words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.asked import remembering
from support.embedding_server import EmbeddingServer
from support.films import grey_film, video_info

import mrvideo
from mrvideo.errors import BudgetReached, ModelRefused, ModelUnavailable, SettingsError
from mrvideo.library import Library
from mrvideo.models import Budget
from mrvideo.models.learnt import forget
from mrvideo.records import Cue, Index, Scene, Sighting, Usage
from mrvideo.retrieval.embedders import texts as embedders
from mrvideo.retrieval.meanings import STRANGE_TEXTS, chance_of, meanings_of
from mrvideo.session import asking, estimating, indexing, meaning
from mrvideo.session.indexing import index_video
from mrvideo.settings import Settings

CAPTIONS = (
    "Rain falls on <person_1>.",
    "A car crosses the bridge.",
    "A cat sleeps in a basket.",
    "Two men carry a ladder.",
)
MODEL = "openai:concepts"


@pytest.fixture(autouse=True)
def unlearnt() -> None:
    """Ports are used again by other servers."""
    forget()


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as running:
        yield running


def indexed(tmp_path: Path, *, url: str | None, **given: Any) -> mrvideo.Video:
    scenes = [
        Scene(index=n, start_seconds=10 * n, stop_seconds=10 * n + 10, brief="", detailed=text)
        for n, text in enumerate(CAPTIONS)
    ]
    sign = Sighting(start_seconds=21.0, stop_seconds=22.0, text="CLOSED")
    scenes[2] = scenes[2].model_copy(update={"sightings": (sign,)})
    cues = (
        Cue(start_seconds=32.0, stop_seconds=33.0, text="The harbour was"),
        Cue(start_seconds=33.0, stop_seconds=34.0, text="built of stone."),
        Cue(start_seconds=34.0, stop_seconds=35.0, text="Mind the step!"),
    )
    index = Index(
        key="k",
        video=video_info(40.0),
        scenes=tuple(scenes),
        cues=cues,
        created_at="2026-01-01T00:00:00+00:00",
    )
    settings = Settings(library=tmp_path / "library.db", embed_text=MODEL, embed_text_base_url=url, **given)
    with Library.open(settings.library) as library:
        library.put_index(index)
    return mrvideo.Video(index, settings)


def embed(video: mrvideo.Video, *, budget: Budget | None = None, told: list[str] | None = None) -> Usage:
    def listen(event: Any) -> None:
        if told is not None and hasattr(event, "text"):
            told.append(event.text)

    return meaning.embed_texts(video.index, video.settings, budget or Budget(), listen)


def notices(video: mrvideo.Video, query: str, **given: Any) -> tuple[mrvideo.Found, list[str]]:
    told: list[str] = []
    found = video.find(query, on_event=lambda event: told.append(getattr(event, "text", "")), **given)
    return found, [text for text in told if text]


def test_what_is_compared_are_captions_texts_on_screen_and_sentences(tmp_path: Path) -> None:
    """Marks of people become words, so that a name given later changes no vector."""
    found = {one.text: one.span for one in meanings_of(indexed(tmp_path, url="http://127.0.0.1:9/v1").index)}
    assert set(found) == {
        "Rain falls on person.", *CAPTIONS[1:], "CLOSED", "The harbour was built of stone.", "Mind the step!"
    }  # fmt: skip
    span = found["The harbour was built of stone."]
    assert (span.start_seconds, span.stop_seconds) == (32.0, 34.0)


@pytest.mark.slow
def test_a_jalopy_finds_the_car_and_without_meaning_does_not(tmp_path: Path, server: EmbeddingServer) -> None:
    """Alone that moment: its neighbours, whose texts mean something else, lend it no time of theirs."""
    video = indexed(tmp_path, url=server.base_url)
    embed(video)
    found = video.find("jalopy")
    assert [(m.start_seconds, m.stop_seconds) for m in found.moments] == [(10.0, 20.0)]
    (reason,) = found.moments[0].why
    assert (reason.source, reason.quote) == ("meaning", "A car crosses the bridge.")
    assert found.moments[0].lacks == () and found.searched == ("caption", "text", "speech", "meaning")
    without = mrvideo.Video(video.index, Settings(library=video.settings.library))
    assert without.find("jalopy").moments == ()
    assert [m.start_seconds for m in video.find("a tabby snoozes").moments] == [20.0]
    assert video.find("a zeppelin above Paris").moments == (), "by chance nothing is near enough"
    assert video.find("jalopy", within=(20, 40)).moments == ()
    assert [m.start_seconds for m in video.find("jalopy", within=(12, 40)).moments] == [12.0]


@pytest.mark.slow
def test_words_and_meaning_meet_in_one_moment(tmp_path: Path, server: EmbeddingServer) -> None:
    video = indexed(tmp_path, url=server.base_url)
    embed(video)
    best = video.find("car on the bridge").moments[0]
    assert best.start_seconds == 10.0
    assert [reason.source for reason in best.why] == ["caption", "meaning"]


@pytest.mark.slow
def test_a_query_and_a_text_are_embedded_once(tmp_path: Path, server: EmbeddingServer) -> None:
    video = indexed(tmp_path, url=server.base_url)
    taken = embed(video)
    assert taken.calls == len(server.batches) == 2, "the strange queries, and all seven texts"
    assert sorted(server.batches[1]) == sorted({one.text for one in meanings_of(video.index)})
    assert taken.input_tokens == sum(len(text.split()) for text in server.texts)
    assert embed(video) == Usage() and server.calls == 2
    found = video.find("jalopy")
    assert server.batches[2:] == [["jalopy"]]
    assert found.usage.calls == 1 and found.usage.input_tokens == 1
    assert video.find("jalopy").usage.calls == 0 and server.calls == 3


@pytest.mark.slow
def test_only_what_is_new_is_embedded(tmp_path: Path, server: EmbeddingServer) -> None:
    video = indexed(tmp_path, url=server.base_url)
    embed(video)
    scene = Scene(index=4, start_seconds=38, stop_seconds=40, brief="", detailed="A kite rises.")
    longer = video.index.model_copy(update={"scenes": (*video.index.scenes, scene), "created_at": "2026-02"})
    _, told = notices(mrvideo.Video(longer, video.settings), "jalopy")
    assert any("1 of 8 texts are not compared by meaning yet; mrvideo index" in text for text in told)
    embed(mrvideo.Video(longer, video.settings))
    assert server.batches[-1] == ["A kite rises."]
    found, told = notices(mrvideo.Video(longer, video.settings), "kite rises")
    assert told == [] and found.moments[0].why[-1].source == "meaning"


@pytest.mark.slow
def test_another_model_redoes_the_vectors_alone(tmp_path: Path, server: EmbeddingServer) -> None:
    video = indexed(tmp_path, url=server.base_url)
    embed(video)
    other = mrvideo.Video(video.index, video.settings.updated(embed_text="openai:other"))
    calls = server.calls
    _, told = notices(other, "jalopy")
    assert server.calls == calls, "nothing is sent where nothing can be compared"
    assert told == [
        "texts are not compared by meaning: none are kept as vectors of openai:other; "
        f"mrvideo index {video.info.path} --embed-text openai:other makes them"
    ]
    embed(other)
    assert [m.start_seconds for m in other.find("jalopy").moments] == [10.0]
    assert server.calls == calls + 3
    with Library.open(video.settings.library) as library:
        kept = library.text_embedders([video.info.digest])
    assert kept == {f"openai:{name} {server.base_url} 128" for name in ("concepts", "other")}


@pytest.mark.slow
def test_batches_are_bounded_and_one_that_fails_is_sent_again(
    tmp_path: Path, server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "MOST_TEXTS", 3)
    video = indexed(tmp_path, url=server.base_url)
    server.faults.extend([None, (503, "busy"), (429, "slower")])
    embed(video)
    assert sorted(len(batch) for batch in server.batches[1:]) == [1, 3, 3]
    assert server.calls == 1 + 3 + 2
    assert [m.start_seconds for m in video.find("jalopy").moments] == [10.0]


def test_a_batch_has_no_more_tokens_than_a_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "MOST_TOKENS", 20)
    texts = ["word " * 12, "word " * 12, "short", "word " * 500]
    assert [len(batch) for batch in embedders.batches_of(texts, MODEL)] == [1, 2, 1]


@pytest.mark.slow
def test_a_server_that_takes_fewer_and_a_text_that_it_refuses(tmp_path: Path) -> None:
    def refuses(texts: list[str]) -> bool:
        return "CLOSED" in texts

    told: list[str] = []
    with EmbeddingServer(most=20, refuses=refuses) as server:
        video = indexed(tmp_path, url=server.base_url)
        embed(video, told=told)
        assert "CLOSED" not in server.texts and len(server.texts) == len(STRANGE_TEXTS) + 6
        (line,) = told
        assert line.startswith("1 of 7 texts are not compared by meaning: openai:concepts:") and "400" in line
        assert [m.start_seconds for m in video.find("jalopy").moments] == [10.0]


@pytest.mark.slow
def test_the_budget_ends_it_and_what_is_done_is_kept(
    tmp_path: Path, server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "MOST_TEXTS", 1)
    video = indexed(tmp_path, url=server.base_url)
    empty = video.index.model_copy(update={"scenes": (), "cues": ()})
    embed(mrvideo.Video(empty, video.settings))
    with pytest.raises(BudgetReached, match="what is done is kept"):
        embed(video, budget=Budget(max_tokens=20))
    done = len(server.texts) - len(STRANGE_TEXTS)
    assert 0 < done < 7
    embed(video)
    assert len(server.texts) == len(STRANGE_TEXTS) + 7, "none was asked for twice"
    with pytest.raises(SettingsError, match="no price is known for openai:concepts"):
        embed(video, budget=Budget(max_cost=1.0))


@pytest.mark.slow
def test_a_model_of_another_size_under_the_same_name_is_told_and_redone(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    video = indexed(tmp_path, url=server.base_url)
    embed(video)
    video.find("jalopy")
    server.dimensions = 64
    _, told = notices(video, "a tabby")
    assert len(told) == 1
    assert "gives vectors of 64 numbers by now" in told[0] and "makes them anew" in told[0]
    embed(video)
    assert [m.start_seconds for m in video.find("jalopy").moments] == [10.0]


@pytest.mark.slow
def test_a_model_that_changes_while_it_is_asked_is_asked_anew(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    video = indexed(tmp_path, url=server.base_url)
    scenes, index = video.index.scenes, video.index
    embed(mrvideo.Video(index.model_copy(update={"scenes": scenes[:1]}), video.settings))
    server.dimensions = 64
    embed(video)
    assert [m.start_seconds for m in video.find("jalopy").moments] == [10.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"data": [{"embedding": [1.0, 2.0]}]}', "sent 1 vectors for 20 texts"),
        (
            '{"data": [' + ", ".join(['{"embedding": [1.0]}'] * 19 + ['{"embedding": [1.0, 2.0]}']) + "]}",
            "vectors of 1 and 2 numbers",
        ),
        ('{"data": [' + ", ".join(['{"embedding": ["x"]}'] * 20) + "]}", "vectors that are no numbers"),
        ("<html><title>Welcome</title></html>", "web page"),
        ('{"choices": []}', "no data"),
    ],
)
def test_what_is_no_vector_is_told_in_a_line(
    tmp_path: Path, server: EmbeddingServer, body: str, told: str
) -> None:
    video = indexed(tmp_path, url=server.base_url)
    server.faults.append((200, body))
    with pytest.raises((ModelRefused, ModelUnavailable), match=told) as raised:
        embed(video)
    assert "\n" not in str(raised.value) and MODEL in str(raised.value)


@pytest.mark.slow
def test_a_wrong_key_and_a_server_that_is_down_are_told_in_a_line(tmp_path: Path) -> None:
    with EmbeddingServer(key="right-key-of-the-server") as server:
        video = indexed(tmp_path, url=server.base_url, api_key="wrong-key-of-the-user")
        with pytest.raises(ModelUnavailable, match=r"refused the key \(401\)") as raised:
            embed(video)
        assert "wrong-key" not in str(raised.value)
        right = mrvideo.Video(video.index, video.settings.updated(api_key="right-key-of-the-server"))
        embed(right)
    with pytest.raises(ModelUnavailable, match="nothing answers at"):
        embed(mrvideo.Video(video.index, video.settings.updated(embed_text="openai:other")))
    forget()
    found, told = notices(right, "rain")
    assert [m.start_seconds for m in found.moments] == [0.0], "words find without it"
    (line,) = told
    assert line.startswith("texts are not compared by meaning: openai:concepts: nothing answers at")


@pytest.mark.slow
def test_indexing_embeds_texts_counts_them_and_sends_nothing_unless_it_is_set(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    path = grey_film(tmp_path / "film.mp4", seconds=4)
    (tmp_path / "film.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nA jalopy!\n")
    plain = Settings(library=tmp_path / "library.db", base_url=server.base_url)
    index_video(str(path), plain, on_event=lambda event: None)
    mrvideo.load(str(path), settings=plain).find("car")
    assert server.calls == 0
    index = index_video(str(path), plain.updated(embed_text=MODEL), on_event=lambda event: None)
    assert "A jalopy!" in server.texts and index.usage.calls == server.calls
    found = mrvideo.load(str(path), settings=plain.updated(embed_text=MODEL)).find("roadster")
    assert found.moments[0].start_seconds == 1.0


def test_a_server_that_is_not_there_is_told_before_captions_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = grey_film(tmp_path / "film.mp4", seconds=4)
    monkeypatch.setattr(indexing, "build_index", lambda *given, **more: pytest.fail("captions were made"))
    settings = Settings(
        library=tmp_path / "library.db", embed_text=MODEL, embed_text_base_url="http://127.0.0.1:9/v1"
    )
    with pytest.raises(ModelUnavailable, match="no server answers at"):
        index_video(str(path), settings, on_event=lambda event: None)
    with pytest.raises(SettingsError, match="such as openai:text-embedding-3-small"):
        index_video(str(path), settings.updated(embed_text="siglip2"), on_event=lambda event: None)


@pytest.mark.slow
def test_a_question_is_pointed_by_what_texts_mean(
    tmp_path: Path, server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = indexed(tmp_path, url=server.base_url)
    given: dict[str, Any] = {}

    monkeypatch.setattr(asking, "ask", remembering(given, video.info.digest))
    video.ask("jalopy?")
    assert given["pointed"] == () and server.calls == 0
    embed(video)
    answer = video.ask("jalopy?")
    assert [(m.start_seconds, m.why[0].source) for m in given["pointed"]] == [(10.0, "meaning")]
    assert answer.usage.calls == 1, "the question is counted"


def test_an_estimate_counts_texts_with_their_price(tmp_path: Path) -> None:
    path = grey_film(tmp_path / "film.mp4", seconds=4)
    settings = Settings(library=tmp_path / "library.db", embed_text="openai:text-embedding-3-small")
    row = estimating.estimate_index(str(path), settings).recipes["fused"]["embed_text"]
    assert row.calls == 2 and row.output_tokens == 0
    assert row.cost == pytest.approx(row.input_tokens * 0.02 / 1e6)
    unpriced = estimating.estimate_index(str(path), settings.updated(embed_text="ollama:small"))
    assert unpriced.recipes["fused"]["embed_text"].cost is None
    off = estimating.estimate_index(str(path), Settings(library=settings.library))
    assert "embed_text" not in off.recipes["fused"]


def test_a_video_may_be_about_a_strange_query_or_two() -> None:
    assert chance_of([0.9, 0.1, 0.3, 0.8, 0.2]) == 0.3
    assert chance_of([]) == 1.0
