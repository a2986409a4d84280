"""Moments of kept indexes, and what the vision model says when it looks at them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.asked import remembering
from support.casts import cast_index
from support.chat_server import ChatServer
from support.films import grey_film, video_info

import mrvideo
from mrvideo.errors import (
    BudgetReached,
    InputError,
    ModelRefused,
    ModelUnavailable,
    QuestionError,
    SettingsError,
)
from mrvideo.library import Library
from mrvideo.media import looks
from mrvideo.media.identity import probe
from mrvideo.models.base import Request
from mrvideo.models.ledger import Ledger
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index, Moment, Scene, Shot
from mrvideo.retrieval.embedders.offline import LooksEmbedder
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.vectors.signs import SignVectors
from mrvideo.session import asking, embedding, finding
from mrvideo.session.models import Models
from mrvideo.session.thumbnails import pictures_of
from mrvideo.settings import Settings

CAPTIONS = ("A dog waits.", "A dog rides a skateboard.", "A cat sleeps.", "A skateboard carries a dog.")


@pytest.fixture
def video(tmp_path: Path) -> mrvideo.Video:
    path = grey_film(tmp_path / "film.mp4", seconds=20)
    info = probe(str(path))
    scenes = tuple(
        Scene(index=n, start_seconds=5 * n, stop_seconds=5 * n + 5, brief="", detailed=text)
        for n, text in enumerate(CAPTIONS)
    )
    index = Index(key="k", video=info, scenes=scenes, created_at="2026-01-01T00:00:00+00:00")
    settings = Settings(library=tmp_path / "library.db")
    with Library.open(settings.library) as library:
        library.put_index(index)
    return mrvideo.load(str(path), settings=settings)


def opening(model: ScriptedModel) -> Callable[..., Any]:
    """Opens this model for both roles."""

    @asynccontextmanager
    async def opened(*given: Any, **also: Any) -> AsyncGenerator[Models]:
        yield Models(model, model, Ledger())

    return opened


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedModel]:
    """Has a scripted model look instead of the one that is set."""

    def install(reply: Callable[[Request[Any]], Any]) -> ScriptedModel:
        model = ScriptedModel(lambda request: {"checks": [{"number": 1, **reply(request)}]})

        monkeypatch.setattr(finding, "models_at_hand", opening(model))
        return model

    return install


def starts(found: mrvideo.Found) -> list[float]:
    return [moment.start_seconds for moment in found.moments]


def test_moments_come_best_first_with_their_reasons(video: mrvideo.Video) -> None:
    found = video.find("a dog on a skateboard")
    assert starts(found) == [15.0, 5.0] or starts(found) == [5.0, 15.0]
    assert found.moments[0].why[0].source == "caption"
    assert found.moments[0].why[0].words == ("dog", "skateboard")
    assert found.searched == ("caption",) and found.usage.calls == 0
    assert starts(video.find("a dog on a skateboard", top=1)) == starts(found)[:1]
    assert starts(video.find("a dog on a skateboard", within=(0, 9))) == [5.0]
    assert starts(asyncio.run(video.afind("cat"))) == [10.0]


def test_confirm_drops_what_is_not_there_and_corrects_times(
    video: mrvideo.Video, seeing: Callable[..., ScriptedModel]
) -> None:
    def reply(request: Request[Any]) -> dict[str, Any]:
        (span,) = request.inputs.spans
        if span.start_seconds == 5.0:
            return {"verdict": "no", "seen": "An empty street."}
        return {
            "verdict": "other_time",
            "seen": "A dog rolls by.",
            "shown_seconds": [16.0, 18.0],
        }

    model = seeing(reply)
    found = video.find("a dog on a skateboard", confirm=True, vision="openai:eyes")
    assert [(m.start_seconds, m.stop_seconds, m.confirmed) for m in found.moments] == [(16.0, 18.0, True)]
    assert [(m.start_seconds, m.seen) for m in found.dropped] == [(5.0, "An empty street.")]
    assert found.usage.calls == 2
    assert all(1 <= len(request.pictures) <= 8 for request in model.requests)
    assert {request.inputs.statements[0].text for request in model.requests} == {"a dog on a skateboard"}


def test_what_cannot_be_told_stays_behind_what_is_confirmed(
    video: mrvideo.Video, seeing: Callable[..., ScriptedModel]
) -> None:
    first = video.find("a dog on a skateboard").moments[0].start_seconds
    seeing(
        lambda request: {"verdict": "unclear" if request.inputs.spans[0].start_seconds == first else "yes"}
    )
    found = video.find("a dog on a skateboard", confirm=True, vision="openai:eyes")
    assert [moment.confirmed for moment in found.moments] == [True, None]
    assert found.moments[1].start_seconds == first


def test_what_comes_closest_counts_only_when_it_is_seen(
    video: mrvideo.Video, seeing: Callable[..., ScriptedModel]
) -> None:
    seeing(lambda request: {"verdict": "unclear"})
    found = video.find("a cat beneath a zeppelin", confirm=True, vision="openai:eyes")
    assert not found and [moment.start_seconds for moment in found.nearest] == [10.0]
    seeing(lambda request: {"verdict": "yes"})
    assert starts(video.find("a cat beneath a zeppelin", confirm=True, vision="openai:eyes")) == [10.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "options", "error", "told"),
    [
        ("", {}, QuestionError, "empty"),
        ("  ?! ", {}, QuestionError, "holds no word"),
        ("x" * 10_000, {}, QuestionError, "10,000 characters"),
        ("dog", {"within": (30, 40)}, InputError, "outside the video, which is 0:20"),
        ("dog", {"top": 0}, InputError, "give 1 to 100"),
        ("dog", {"confirm": True}, SettingsError, "a model that sees"),
    ],
)
def test_what_cannot_be_found_is_told_in_a_line(
    video: mrvideo.Video, query: str, options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        video.find(query, **options)


def test_a_library_and_a_folder_are_found_in(video: mrvideo.Video, tmp_path: Path) -> None:
    found = mrvideo.find("skateboard", settings=video.settings)
    assert {moment.video_digest for moment in found.moments} == {video.info.digest}
    assert starts(mrvideo.find("skateboard", folder=tmp_path, settings=video.settings)) == starts(found)
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="no indexed video below"):
        mrvideo.find("skateboard", folder=tmp_path / "other", settings=video.settings)
    with pytest.raises(InputError, match="no library at"):
        mrvideo.find("skateboard", library=tmp_path / "none.db")


def test_an_index_made_anew_is_read_anew(video: mrvideo.Video) -> None:
    """The finder of an index is kept: it must not answer for the next index of the same video."""
    assert starts(video.find("cat")) == [10.0]
    scene = Scene(index=0, start_seconds=0, stop_seconds=20, brief="", detailed="A cat jumps.")
    with Library.open(video.settings.library) as library:
        library.put_index(video.index.model_copy(update={"scenes": (scene,), "created_at": "2026-02"}))
    assert starts(mrvideo.load(video.info.path, settings=video.settings).find("cat")) == [0.0]


@pytest.mark.slow
def test_a_cast_that_was_put_right_is_found_by_its_names(tmp_path: Path) -> None:
    """The index keeps its key and its date: names of before were found for as long as the process lived."""
    settings = Settings(library=tmp_path / "library.db")
    with Library.open(settings.library) as library:
        library.put_index(cast_index())
    film = mrvideo.Video(cast_index(), settings)
    assert film.find("Anna digs").moments == ()
    film.rename("person_1", "Anna")
    assert starts(film.find("Anna digs")) == [30.0]
    film.undo()
    assert film.find("Anna digs").moments == ()


# Pictures --------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path) -> mrvideo.Video:
    """Eight places of 5 s, each with a pattern of its own; indexed without a caption."""
    path = tmp_path / "places.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for place in range(8):
            for _ in range(20):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(place), format="rgb24")))
        container.mux(stream.encode())
    shots = tuple(Shot(start_seconds=5 * n, stop_seconds=5 * n + 5) for n in range(8))
    index = Index(key="k", video=probe(str(path)), shots=shots)
    settings = Settings(library=tmp_path / "library.db")
    with Library.open(settings.library) as library:
        library.put_index(index)
    return mrvideo.load(str(path), settings=settings)


def pattern(seed: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 6, 3))
    return np.kron(coarse, np.ones((16, 16, 1), int)).astype(np.uint8)


@pytest.mark.slow
def test_the_shot_that_looks_like_a_picture_is_found(places: mrvideo.Video, tmp_path: Path) -> None:
    """Scaled, brighter and coded anew, it is still that place; a place that is not in the film is none of it."""
    brighter = np.clip(pattern(3).astype(int) + 12, 0, 255).astype(np.uint8)
    Image.fromarray(brighter).resize((300, 200)).save(tmp_path / "there.webp")
    found = places.find(like=tmp_path / "there.webp")
    assert starts(found) == [15.0]
    assert found.searched == ("picture",)
    assert "by colour and texture alone" in found.moments[0].why[0].quote
    Image.fromarray(pattern(99)).save(tmp_path / "elsewhere.png")
    nothing = places.find(like=tmp_path / "elsewhere.png")
    assert nothing.moments == () and nothing.nearest


def test_frames_are_embedded_once_and_go_on_after_a_stop(
    places: mrvideo.Video, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(pattern(3)).save(tmp_path / "p.png")
    embedder = LooksEmbedder()
    counts: list[int] = []
    whole = embedder.embed_images

    def counted(jpegs: Any) -> Any:
        if len(counts) == 2:
            raise KeyboardInterrupt
        counts.append(len(jpegs))
        return whole(jpegs)

    monkeypatch.setattr(embedder, "embed_images", counted)
    monkeypatch.setattr(embedding, "_AT_ONCE", 4)
    with pytest.raises(KeyboardInterrupt):
        embedding.embed_index(places.index, places.settings, embedder, lambda event: None)
    counts.clear()
    monkeypatch.setattr(embedder, "embed_images", lambda jpegs: counts.append(len(jpegs)) or whole(jpegs))
    embedding.embed_index(places.index, places.settings, embedder, lambda event: None)
    frames = embedding.frames_kept([places.index], places.settings, embedder)
    # Two frames a shot; two of the chunks of four were kept before the stop.
    assert len(frames) == 16
    assert len(counts) == 2
    counts.clear()
    embedding.embed_index(places.index, places.settings, embedder, lambda event: None)
    assert counts == []


def test_a_picture_that_is_none_and_words_that_an_embedder_cannot_read_are_told(
    places: mrvideo.Video, tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    for path in (tmp_path / "text.jpg", tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(InputError, match="name a JPEG"):
            places.find(like=path)
    notices: list[Any] = []
    places.find("a dog", embed="offline", on_event=notices.append)
    assert any("knows no words" in getattr(event, "text", "") for event in notices)


@pytest.mark.slow
def test_a_picture_without_frames_to_compare_it_with_says_how(places: mrvideo.Video, tmp_path: Path) -> None:
    """It said that nothing in the video is like the picture, though nothing had been compared."""
    Image.fromarray(pattern(3)).save(tmp_path / "p.png")
    film = Path(places.info.path)
    film.rename(tmp_path / "elsewhere.mp4")
    with pytest.raises(InputError, match="no frames are kept as vectors") as raised:
        places.find(like=tmp_path / "p.png")
    assert f"mrvideo index {film} --embed offline" in str(raised.value) and "\n" not in str(raised.value)
    with Library.open(places.settings.library) as library:
        library.put_index(places.index.model_copy(update={"video": video_info(10.0)}))
    with pytest.raises(
        InputError, match=r"2 videos: no frames are kept .* mrvideo index VIDEO --embed offline"
    ):
        mrvideo.find(like=tmp_path / "p.png", settings=places.settings)
    (tmp_path / "elsewhere.mp4").rename(film)
    embedding.embed_index(places.index, places.settings, LooksEmbedder(), lambda event: None)
    film.unlink()
    assert starts(places.find(like=tmp_path / "p.png")) == [15.0], "what is kept needs no file"


@pytest.mark.slow
def test_many_frames_are_found_by_signs_as_they_are_one_by_one(
    places: mrvideo.Video, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(pattern(3)).save(tmp_path / "p.png")
    found = places.find(like=tmp_path / "p.png")
    monkeypatch.setattr(embedding, "_vectors", {})
    monkeypatch.setattr("mrvideo.retrieval.vectors.registry.EXACT_UP_TO", 3)
    assert places.find(like=tmp_path / "p.png") == found
    (index,) = embedding._vectors.values()
    assert isinstance(index, SignVectors)
    assert starts(places.find(like=tmp_path / "p.png", within=(16, 19))) == [16.0]
    assert starts(places.find(like=tmp_path / "p.png", within=(21, 40))) == []


def test_what_stays_in_memory_is_not_read_or_drawn_again(
    places: mrvideo.Video, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred hours have 300,000 times, and chance is drawn from 20,000 vectors."""
    Image.fromarray(pattern(3)).save(tmp_path / "p.png")
    first = places.find(like=tmp_path / "p.png")

    def fail(*told: object, **more: object) -> Any:
        raise AssertionError("once is enough")

    monkeypatch.setattr(finding, "likeness_of_strangers", fail)
    monkeypatch.setattr(embedding, "open_vectors", fail)
    once = list[str]()
    times = Library.embedding_times
    monkeypatch.setattr(Library, "embedding_times", lambda *given: once.append("read") or times(*given))
    assert places.find(like=tmp_path / "p.png") == first
    assert len(once) <= 1, "by the look for frames that are not embedded yet"


@pytest.mark.slow
def test_frames_that_are_kept_later_are_found(places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors stay in memory: those of before must not hide what was embedded since."""
    monkeypatch.setattr(finding, "embedder_of", lambda name: Place())
    kept = {1.25: np.eye(8, dtype="<f4")[0].tobytes()}
    with Library.open(places.settings.library) as library:
        library.put_embeddings(places.info.digest, "place", kept)
    before = embedding.frames_kept([places.index], places.settings, Place())
    assert len(before) == 1
    assert embedding.frames_kept([places.index], places.settings, Place()) is before
    assert starts(places.find("place 3", embed="place")) == [15.0]
    # Of another size: of a model that is gone. Near to nothing, and no error.
    with Library.open(places.settings.library) as library:
        library.put_embeddings(places.info.digest, "place", {0.1: b"1234"})
    assert starts(places.find("place 5", embed="place")) == [25.0]


@pytest.mark.slow
def test_another_model_redoes_the_vectors_alone(
    places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another name and another size: what was kept of the one before stays, and is not taken for its own."""

    class Larger(Place):
        name = fingerprint = "larger"
        dimensions = 9

        def embed_images(self, jpegs: Sequence[bytes]) -> Vectors:
            return np.pad(super().embed_images(jpegs), ((0, 0), (0, 1)))

        def embed_texts(self, texts: Sequence[str]) -> Vectors:
            return np.pad(super().embed_texts(texts), ((0, 0), (0, 1)))

    monkeypatch.setattr(finding, "embedder_of", lambda name: Place() if name == "place" else Larger())
    assert starts(places.find("place 3", embed="place")) == [15.0]
    assert starts(places.find("place 3", embed="larger")) == [15.0]
    with Library.open(places.settings.library) as library:
        assert library.embedders() == {"place": 16, "larger": 16}
        assert library.latest_index(places.info.digest) == places.index


# In other words ---------------------------------------------------------------------------------------


@pytest.fixture
def wording(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedModel]:
    """Has a scripted text model word queries anew."""

    def install(reply: Callable[[Request[Any]], Any]) -> ScriptedModel:
        model = ScriptedModel(reply)

        monkeypatch.setattr(finding, "embedder_of", lambda name: Place())
        monkeypatch.setattr(finding, "models_at_hand", opening(model))
        return model

    return install


@pytest.mark.slow
def test_pictures_are_compared_with_a_description_of_what_is_asked(
    places: mrvideo.Video, wording: Callable[..., ScriptedModel]
) -> None:
    model = wording(lambda request: {"description": "place 3\nat night"})
    found = places.find("When do we get to the third?", embed="place", text="openai:words")
    assert starts(found) == [15.0] and found.described == "place 3 at night"
    assert found.query == "When do we get to the third?" and found.usage.calls == 1
    (request,) = model.requests
    shown = request.prompt.render(request.inputs)
    assert (request.prompt.name, request.prompt.role, request.pictures) == ("describe", "text", ())
    assert "as the caption under a photograph would" in shown.system
    assert shown.user == "<query>\nWhen do we get to the third?\n</query>"


@pytest.mark.slow
def test_a_query_is_worded_anew_only_where_words_meet_pictures_and_a_text_model_is_there(
    places: mrvideo.Video, wording: Callable[..., ScriptedModel], tmp_path: Path
) -> None:
    model = wording(lambda request: {"description": "place 5"})
    Image.fromarray(pattern(3)).save(tmp_path / "p.png")
    assert starts(places.find("place 3", embed="place")) == [15.0]
    assert starts(places.find("place 3", embed="place", text="host")) == [15.0]
    places.find("place 3", text="openai:words")
    places.find("place 3", like=tmp_path / "p.png", embed="place", text="openai:words")
    assert model.requests == []
    assert starts(places.find("place 3", embed="place", text="openai:words")) == [25.0]


@pytest.mark.slow
def test_a_query_stays_as_it_is_where_the_text_model_fails(
    places: mrvideo.Video, wording: Callable[..., ScriptedModel]
) -> None:
    def fail(request: Request[Any]) -> Any:
        raise ModelRefused("openai:words: no")

    wording(fail)
    notices: list[str] = []
    found = places.find(
        "place 3",
        embed="place",
        text="openai:words",
        on_event=lambda e: notices.append(getattr(e, "text", "")),
    )
    assert starts(found) == [15.0] and found.described == "" and found.usage.calls == 0
    assert "pictures are compared with the query as it stands: openai:words: no" in notices


@pytest.mark.slow
def test_the_words_for_a_query_are_kept(places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two searches over HTTP, one call; and a search may cost no more than it was allowed."""
    monkeypatch.setattr(finding, "embedder_of", lambda name: Place())
    with ChatServer(answer=lambda asked: '{"description": "place 3"}', models=("gpt-4.1-nano",)) as server:
        told: dict[str, Any] = {"embed": "place", "text": "openai:gpt-4.1-nano", "base_url": server.base_url}
        with pytest.raises(BudgetReached):
            places.find("The third one?", max_tokens=10, **told)
        assert server.asked == []
        first = places.find("The third one?", **told)
        assert starts(first) == [15.0] and first.usage.calls == 1 and first.usage.input_tokens > 0
        again = places.find("The third one?", **told)
        assert again.described == "place 3" and starts(again) == [15.0]
        assert len(server.asked) == 1


def test_a_video_is_opened_once_for_the_pictures_of_all_its_moments(
    places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    open_video = looks.open_video
    monkeypatch.setattr(
        looks, "open_video", lambda path, options: opened.append(path) or open_video(path, options)
    )
    moments = [
        Moment(
            start_seconds=5 * n, stop_seconds=5 * n + 5, video_digest=places.info.digest, video="v", score=1.0,
            why=(),
        )
        for n in (6, 1, 3)
    ]  # fmt: skip
    shown = pictures_of(moments, [places.index], places.settings, lambda event: None)
    assert len(opened) == 1
    for place, n in enumerate((6, 1, 3)):
        seen = np.asarray(Image.open(io.BytesIO(shown[place].jpeg)).convert("RGB"), int)
        near = [float(np.abs(seen - pattern(other)).mean()) for other in range(8)]
        assert int(np.argmin(near)) == n


# Asking ----------------------------------------------------------------------------------------------


class Place:
    """Reads which of the eight places is shown or named: `place 3`."""

    name = fingerprint = "place"
    dimensions = 8
    takes_texts = True

    def embed_images(self, jpegs: Sequence[bytes]) -> Vectors:
        shown = [np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), int) for jpeg in jpegs]
        known = [pattern(place).astype(int) for place in range(8)]
        near = [[-float(np.abs(one - other).mean()) for other in known] for one in shown]
        return np.eye(8, dtype=np.float32)[np.argmax(near, axis=1)]

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.array([[float(str(n) in text) for n in range(8)] for text in texts], np.float32)


def _asked(places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[Any, list[str]]:
    """What an asked question is pointed to, and the notices."""
    given: dict[str, Any] = {}

    monkeypatch.setattr(asking, "ask", remembering(given, places.info.digest))
    notices: list[str] = []
    film = mrvideo.Video(places.index, places.settings.model_copy(update=settings))
    film.ask("What happens at place 3?", on_event=lambda e: notices.append(getattr(e, "text", "")))
    return given["pointed"], notices


@pytest.mark.slow
def test_a_question_is_pointed_to_by_the_pictures_that_are_embedded(
    places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "embedder_of", lambda name: Place())
    assert _asked(places, monkeypatch) == ((), []), "without an embedder all is read anyway"
    pointed, _ = _asked(places, monkeypatch, embed="place")
    assert pointed == (), "asking embeds nothing"
    embedding.embed_index(places.index, places.settings, Place(), lambda event: None)
    pointed, _ = _asked(places, monkeypatch, embed="place")
    assert [(moment.start_seconds, moment.why[0].source) for moment in pointed] == [(15.0, "picture")]


def test_a_question_is_pointed_by_its_description_once_pictures_are_kept(
    places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "embedder_of", lambda name: Place())
    with ChatServer(answer=lambda asked: '{"description": "place 5"}') as server:
        told: dict[str, Any] = {"embed": "place", "text": "openai:test-vlm", "base_url": server.base_url}
        assert _asked(places, monkeypatch, **told) == ((), [])
        assert server.asked == [], "nothing is kept that a description could be compared with"
        embedding.embed_index(places.index, places.settings, Place(), lambda event: None)
        pointed, _ = _asked(places, monkeypatch, **told)
        assert [moment.start_seconds for moment in pointed] == [25.0]
        assert "What happens at place 3?" in server.asked[0].text


def test_a_question_is_answered_without_the_embedder_too(
    places: mrvideo.Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(name: str) -> Any:
        raise ModelUnavailable("the embedder place is not here")

    monkeypatch.setattr(finding, "embedder_of", gone)
    pointed, notices = _asked(places, monkeypatch, embed="place")
    assert pointed == ()
    assert "pictures are not compared with the question: the embedder place is not here" in notices
