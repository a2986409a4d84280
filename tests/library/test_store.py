"""What is put into a library is what comes out of it."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.vectors import kept_vectors

from mrvideo.errors import LibraryError
from mrvideo.library import Library
from mrvideo.models.base import ReplyStore
from mrvideo.records import Cue, Scene, Span, Usage


def test_an_index_comes_back_equal_also_after_the_file_was_closed(path, index):
    with Library.open(path) as library:
        library.put_index(index())
    with Library.open(path) as library:
        assert library.index(index().video.digest, "k1") == index()
        assert library.latest_index(index().video.digest) == index()
        assert library.videos() == (index().video,)


def test_what_is_not_kept_is_none(library):
    assert library.video("00") is None
    assert library.index("00", "k") is None
    assert library.latest_index("00") is None
    assert library.part("k") is None
    assert library.get_reply("k") is None
    assert library.cues("00") == library.answers("00") == library.videos() == library.search("a") == ()


def test_an_index_under_other_settings_stays_readable_and_the_last_put_is_the_latest(library, index):
    first, second = index("k1"), index("k2", detailed="A blue car stops.")
    library.put_index(first)
    library.put_index(second)
    digest = first.video.digest
    assert library.latest_index(digest) == second
    assert library.index(digest, "k1") == first
    library.put_index(first)
    assert library.latest_index(digest) == first
    assert library.index(digest, "k2") == second


def test_putting_an_index_again_replaces_it_whole(library, index):
    """A retried clip must not stand beside its own failure."""
    library.put_index(index())
    mended = index().model_copy(update={"failures": (), "scenes": index().scenes[:1]})
    library.put_index(mended)
    assert library.index(mended.video.digest, "k1") == mended
    assert library.search("waiters") == ()


def test_an_index_that_cannot_be_kept_whole_is_not_kept_at_all(library, index, monkeypatch):
    from mrvideo.library import store

    library.put_index(index())

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "scene_rows", broken)
    with pytest.raises(KeyboardInterrupt):
        library.put_index(index(detailed="A blue car stops.").model_copy(update={"failures": ()}))
    assert library.latest_index(index().video.digest) == index()
    assert library.search("red")


def test_the_same_content_under_a_new_name_is_one_video_at_its_new_path(library, video):
    library.put_video(video("old.mp4"))
    library.put_video(video("new.mp4"))
    assert [info.path for info in library.videos()] == ["/videos/new.mp4"]


def test_videos_come_in_the_order_they_were_put(library, video):
    infos = [video(f"{n}.mp4", content=str(n)) for n in range(5)]
    for info in infos:
        library.put_video(info)
    assert list(library.videos()) == infos


def test_new_cues_take_the_place_of_the_old(library, video):
    library.put_video(video())
    digest = video().digest
    library.put_cues(digest, [Cue(start_seconds=0, stop_seconds=1, text="first")], origin="sidecar")
    spoken = [Cue(start_seconds=n, stop_seconds=n + 1, text=f"spoken {n}", source="speech") for n in (3, 1)]
    library.put_cues(digest, spoken, origin="speech")
    assert library.cues(digest) == tuple(spoken)
    assert not library.search("first")
    assert [hit.start_seconds for hit in library.search("spoken 1")] == [1.0]


def test_cues_of_a_video_that_is_not_kept_are_refused(library):
    with pytest.raises(LibraryError):
        library.put_cues("00", [Cue(start_seconds=0, stop_seconds=1, text="x")], origin="sidecar")


def test_answers_stay_with_the_settings_they_were_made_with(library, video, answer):
    library.put_video(video())
    asked = [answer("Who?"), answer("Where?"), answer("Who?")]
    for one in asked:
        library.put_answer(one)
    assert list(library.answers(video().digest)) == asked


def test_a_part_is_replaced_under_its_key(library, video):
    library.put_part("k", "shard", "ab", Span(0, 120), '{"a": 1}')
    library.put_part("k", "shard", "ab", Span(0, 120), '{"a": 2}')
    assert library.part("k") == '{"a": 2}'


def test_it_is_a_reply_store_and_a_reply_is_there_for_another_holder_at_once(library, path):
    store: ReplyStore = library
    store.put_reply("k", '{"x": 1}', model="scripted", prompt="scenes", usage=Usage(calls=1))
    with Library.open(path) as other:
        assert other.get_reply("k") == '{"x": 1}'


def test_many_threads_write_and_read_at_once(library):
    gate = threading.Barrier(8)
    missing = []

    def work(worker: int) -> None:
        gate.wait()
        for n in range(25):
            key = f"{worker}/{n}"
            library.put_reply(key, key, model="m", prompt="p", usage=Usage())
            if library.get_reply(key) != key:
                missing.append(key)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert all(library.get_reply(f"{w}/{n}") for w in range(8) for n in range(25))


_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(brief=_ANY_TEXT, detailed=_ANY_TEXT, cue=_ANY_TEXT)
def test_any_text_comes_back_as_it_was(library, index, brief, detailed, cue):
    scene = Scene(index=0, start_seconds=0, stop_seconds=1, brief=brief, detailed=detailed)
    cues = (Cue(start_seconds=0, stop_seconds=1, text=cue, speaker=brief or None),)
    kept = index().model_copy(update={"scenes": (scene,), "cues": cues})
    library.put_index(kept)
    assert library.latest_index(kept.video.digest) == kept


def test_vectors_are_read_by_frame(library, index):
    """More than one statement takes, in any order; what is not kept is left out."""
    digest = index().video.digest
    library.put_index(index())
    kept = {n / 3: str(n).encode() for n in range(900)}
    library.put_embeddings(digest, "a", kept)
    library.put_embeddings(digest, "b", dict.fromkeys(kept, b"other"))
    asked = [(digest, time) for time in reversed(kept)]
    found = library.embeddings_at("a", [*asked, (digest, 0.1), ("z", 0.0)])
    assert found == {(digest, time): vector for time, vector in kept.items()}
    assert library.embeddings_at("a", []) == library.embeddings_at("c", asked) == {}


def test_vectors_of_frames_are_kept_by_embedder_and_go_with_their_video(library, index):
    digest = index().video.digest
    library.put_index(index())
    library.put_embeddings(digest, "a", {2.0: b"22", 1.0: b"11"})
    library.put_embeddings(digest, "a", {2.0: b"33"})
    library.put_embeddings(digest, "b", {9.0: b"99"})
    assert list(kept_vectors(library, digest, "a").items()) == [(1.0, b"11"), (2.0, b"33")]
    assert kept_vectors(library, digest, "b") == {9.0: b"99"}
    assert library.embedders() == {"a": 2, "b": 1}
    assert library.embedding_counts("a", [digest, "z"]) == {digest: 2}
    assert library.text_embedding_counts("a", [digest]) == {}
    assert library.embedding_times("a") == library.embedding_times("a", [digest]) == {digest: [1.0, 2.0]}
    assert library.embedding_times("a", ["z"]) == library.embedding_times("z") == {}
    library.remove(digest)
    assert kept_vectors(library, digest, "a") == {}
