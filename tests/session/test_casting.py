"""A cast put right: what follows, what is kept, and what comes back."""

from __future__ import annotations

import io
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import perceiver, world
from support.casts import DIGEST, cast_index

from mrvideo.api import Video
from mrvideo.captioning.corrections import anchors_of, corrected, keep_index
from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.captioning.rename import marks_in
from mrvideo.captioning.sheets import BOX_MARGIN
from mrvideo.errors import InputError
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.memory.build import memory_key
from mrvideo.memory.tree import Fact, Memory, Node, Sentence
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Answer, Box, Correction, Cue, Evidence, Index, Span
from mrvideo.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(library=tmp_path / "library.db")


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    with Library.open(settings.library) as opened:
        opened.put_index(cast_index())
        yield opened


@pytest.fixture
def video(library: Library, settings: Settings) -> Video:
    return Video(cast_index(), settings)


def _texts(index: Index) -> list[str]:
    return [scene.detailed for scene in index.scenes]


def _answer(text: str, *, quote: str = "") -> Answer:
    evidence = (Evidence(start_seconds=0.0, stop_seconds=10.0, source="caption", quote=quote),)
    return Answer(
        question="What happens?",
        answer=text,
        confidence=4,
        verified=True,
        evidence=evidence if quote else (),
        video="/videos/film.mp4",
        video_digest=DIGEST,
    )


def test_two_who_are_one_are_told_of_under_one_name(video: Video, library: Library) -> None:
    video.merge("person_1", "person_3")
    assert _texts(video.index) == [
        "<person_1> waves.",
        "<person_1> meets <person_2>.",
        "<person_2> sleeps.",
        "<person_1> digs.",
        "<person_1> sings.",
        "<person_1> and <person_1> leave.",
    ]
    assert [scene.parts[0].brief for scene in video.scenes] == _texts(video.index)
    one, two = video.entities
    assert (one.name, one.scene_indexes) == ("person_1", (0, 1, 3, 4, 5))
    assert one.mention_ids == ("0/person_a", "1/person_a", "1/person_b")
    assert two.name == "person_2"
    assert library.latest_index(DIGEST) == video.index
    assert [hit.start_seconds for hit in library.search("sings")] == [40.0]
    assert "<person_1> sings." in [hit.text for hit in library.search("person_1 sings")]


def test_mentions_of_somebody_else_get_a_name_that_nobody_had(video: Video) -> None:
    video.split("person_1", mentions=["1/person_a"])
    assert _texts(video.index)[0] == "<person_1> waves."
    assert _texts(video.index)[3:] == [
        "<person_4> digs.",
        "<person_3> sings.",
        "<person_4> and <person_3> leave.",
    ]
    split_off = video.entities[2]
    assert (split_off.name, split_off.scene_indexes) == ("person_4", (3, 5)), "by first appearance"
    assert split_off.description == "somebody like 1/person_a"


def test_a_split_by_scenes_cuts_a_mention_that_is_in_others_too(video: Video) -> None:
    """Within one shard the captioner itself took two for one: no boundary of mentions tells them apart."""
    video.split("person_1", scenes=[1])
    assert _texts(video.index)[:4] == [
        "<person_1> waves.",
        "<person_4> meets <person_2>.",
        "<person_2> sleeps.",
        "<person_1> digs.",
    ]
    assert [m.mention_id for m in video.index.mentions][:2] == ["0/person_a", "0/person_a_2"]
    by_name = {entity.name: entity for entity in video.entities}
    assert by_name["person_4"].scene_indexes == (1,)
    assert by_name["person_4"].exemplar_seconds == 15.0
    assert by_name["person_1"].scene_indexes == (0, 3, 5)
    video.merge("person_2", "person_4")
    assert _texts(video.index)[1] == "<person_2> meets <person_2>."


def _png(colour: str, size: tuple[int, int] = (900, 600)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, format="PNG")
    return made.getvalue()


def test_a_photo_is_kept_goes_with_whom_it_shows_and_is_taken_back(
    video: Video, library: Library, tmp_path: Path
) -> None:
    before = video.index
    (tmp_path / "anna.png").write_bytes(_png("red"))
    done = video.give_photo("person_1", tmp_path / "anna.png")
    assert (done.correction.kind, done.correction.told, done.stale) == ("photo", "person_1 has a photo", 0)
    assert video.entities[0].photo == done.correction.photo and video.entities[1].photo is None
    assert _texts(video.index) == _texts(before)
    jpeg = video.photo("person_1")
    assert jpeg is not None and Image.open(io.BytesIO(jpeg)).size == (768, 512)
    assert video.photo("person_2") is None
    # Who is one with somebody of whom there is a photo has it; another index of the video, too.
    video.merge("person_3", "person_1")
    assert video.photo("person_3") == jpeg
    keep_index(cast_index("k2"), library)
    again = library.latest_index(DIGEST)
    assert (
        again is not None and {e.name: e.photo for e in again.entities}["person_3"] == done.correction.photo
    )
    video.give_photo("person_3", _png("blue"))
    assert video.photo("person_3") not in (jpeg, None)
    for _ in range(2):
        video.undo()
    assert video.photo("person_1") == jpeg, "the one before holds again"
    video.undo()
    assert video.photo("person_1") is None and video.corrections == ()
    assert done.correction.photo is not None and library.photo(DIGEST, done.correction.photo) is None


def test_the_same_photo_of_two_goes_with_the_last_of_them(video: Video, library: Library) -> None:
    video.give_photo("person_1", _png("red"))
    photo = video.give_photo("person_2", _png("red")).correction.photo or ""
    video.undo()
    assert video.photo("person_1") == library.photo(DIGEST, photo) is not None
    library.remove(DIGEST)
    assert library.photo(DIGEST, photo) is None


@pytest.mark.parametrize("data", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_told_in_one_line_and_nothing_is_kept(video: Video, data: bytes) -> None:
    with pytest.raises(
        InputError, match="the photo is not a picture that can be read; save it as JPEG or PNG"
    ):
        video.give_photo("person_1", data)
    with pytest.raises(InputError, match="nobody in the cast is called person_9"):
        video.give_photo("person_9", _png("red"))
    with pytest.raises(InputError, match="there is no such photo"):
        video.give_photo("person_1", "missing.png")
    assert video.corrections == ()


def test_a_split_that_takes_the_exemplar_leaves_another(video: Video) -> None:
    video.split("person_1", mentions=["0/person_a"])
    rest = next(entity for entity in video.entities if entity.name == "person_1")
    assert (rest.exemplar_seconds, rest.description) == (35.0, "somebody like 1/person_a")


def test_a_real_name_is_found_by_search_and_quoted_as_captioned(video: Video, library: Library) -> None:
    assert library.search("Anna") == ()
    video.rename("person_1", "Anna")
    assert [e.display_name for e in video.entities] == ["Anna", None, None]
    (hit,) = [hit for hit in library.search("Anna digs") if hit.start_seconds == 30.0]
    assert hit.text == "<person_1> digs."
    video.split("Anna", mentions=["1/person_a"])
    assert {e.name: e.display_name for e in video.entities}["person_4"] is None
    video.rename("Anna", "")
    assert library.search("Anna") == ()


def test_what_is_taken_back_is_as_if_it_had_not_been(video: Video, library: Library) -> None:
    video.merge("person_1", "person_3")
    after_one = video.index
    video.split("person_1", scenes=[0, 1])
    video.rename("person_2", "Ben")
    assert len(video.corrections) == 3
    for _ in range(2):
        video.undo()
    assert video.index == after_one == library.latest_index(DIGEST)
    video.undo()
    assert video.index == cast_index() == library.latest_index(DIGEST)
    assert video.corrections == ()
    with pytest.raises(InputError, match="nothing was put right"):
        video.undo()


def test_indexing_again_keeps_what_was_put_right(video: Video, library: Library) -> None:
    video.merge("person_1", "person_3")
    video.rename("person_1", "Anna")
    again = cast_index().model_copy(update={"created_at": "later"})
    kept = keep_index(again, library).index
    assert kept == library.latest_index(DIGEST)
    assert [(e.name, e.display_name) for e in kept.entities] == [("person_1", "Anna"), ("person_2", None)]
    video.undo()
    video.undo()
    latest = library.latest_index(DIGEST)
    assert latest is not None and latest.created_at == "later", "the newest captions, not those of before"
    assert len(latest.entities) == 3


def test_two_told_apart_stay_so_where_indexing_again_joins_them(video: Video, library: Library) -> None:
    video.tell_apart("person_1", "person_3")
    assert video.index == cast_index(), "they are apart already"
    one, other = anchors_of(cast_index(), ["0/person_a", "1/person_b"])
    mistaken = Correction(kind="same", these=(one,), those=(other,), told="what a model may find")
    joined = corrected(cast_index("k2"), [mistaken]).index
    assert len(joined.entities) == 2
    found = keep_index(joined, library)
    assert not found.missed
    groups = [set(entity.mention_ids) for entity in found.index.entities]
    assert {"0/person_a", "1/person_a"} in groups and {"1/person_b"} in groups


def test_other_indexes_of_the_video_follow_and_the_latest_stays_so(video: Video, library: Library) -> None:
    """Another recipe's index has other mention ids: who is meant is told by where and when it was seen."""
    other = cast_index("k0")
    renamed = tuple(m.model_copy(update={"name": f"{m.name}x"}) for m in other.mentions)
    entities = tuple(
        e.model_copy(update={"mention_ids": tuple(f"{m}x" for m in e.mention_ids)}) for e in other.entities
    )
    library.put_index(other.model_copy(update={"mentions": renamed, "entities": entities}))
    library.put_index(cast_index())
    video.merge("person_1", "person_2")
    latest, older = library.latest_index(DIGEST), library.index(DIGEST, "k0")
    assert latest is not None and latest.key == "k1"
    assert older is not None and [e.name for e in older.entities] == ["person_1", "person_3"]
    assert _texts(older) == _texts(latest)


def test_a_correction_that_fits_nobody_is_told_and_the_rest_holds(video: Video, library: Library) -> None:
    video.merge("person_1", "person_3")
    video.rename("person_2", "Ben")
    other = cast_index("k9")
    gone = tuple(m for m in other.mentions if m.mention_id != "1/person_b")
    entities = tuple(e for e in other.entities if e.name != "person_3")
    found = keep_index(other.model_copy(update={"mentions": gone, "entities": entities}), library)
    assert [one.told for one in found.missed] == ["person_3 is person_1"]
    assert [e.display_name for e in found.index.entities] == [None, "Ben"]


def test_answers_that_rest_on_a_changed_name_are_out_of_date_until_it_is_taken_back(
    video: Video, library: Library
) -> None:
    library.put_answer(_answer("person_3 sings"))
    library.put_answer(_answer("Somebody digs", quote="<person_1> digs."))
    library.put_answer(_answer("person_2 sleeps"))
    library.put_answer(_answer("person_33 is a word of the video"))
    change = video.merge("person_1", "person_3")
    assert change.stale == 2
    told = [answer.stale for answer in video.answers()]
    assert told == ["person_3 is person_1", "person_3 is person_1", None, None]
    assert "out of date: person_3 is person_1; ask again" in str(video.answers()[0])
    library.put_answer(_answer("person_1 sings"))
    video.undo()
    assert [answer.stale for answer in video.answers()] == [
        None,
        None,
        None,
        None,
        "taken back: person_3 is person_1",
    ]


def test_memories_follow_without_a_call(video: Video, library: Library) -> None:
    node = Node(
        level=1,
        position=0,
        start_seconds=0.0,
        stop_seconds=60.0,
        first_scene=0,
        last_scene=5,
        title="<person_1> and <person_3>",
        summary=(
            Sentence(text="<person_1> waves.", scenes=(0,)),
            Sentence(text="<person_1> digs.", scenes=(3,)),
        ),
        facts=(Fact(text="<person_3> sings.", scenes=(4,)),),
        entity_names=("person_1", "person_2", "person_3"),
    )
    before = Memory(key=memory_key(cast_index(), "m"), levels=((node,),), made_by="m")
    library.put_part(before.key, "memory", DIGEST, Span(0.0, 60.0), before.model_dump_json())
    video.split("person_1", mentions=["1/person_a"])
    video.merge("person_4", "person_3")
    body = library.part(memory_key(video.index, "m"))
    assert body is not None
    chapter = Memory.model_validate_json(body).chapters[0]
    assert [one.text for one in chapter.summary] == ["<person_1> waves.", "<person_4> digs."]
    assert [one.text for one in chapter.facts] == ["<person_4> sings."]
    assert chapter.entity_names == ("person_1", "person_4", "person_2")
    assert chapter.title == "<person_1> and <person_4>"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda v: v.merge("person_1", "person_9"), "nobody in the cast is called person_9"),
        (lambda v: v.merge("person_1", "person_1"), "are one already"),
        (lambda v: v.split("person_1", scenes=[2]), "person_1 is not in scene 2"),
        (lambda v: v.split("person_1", scenes=[0, 1, 3, 5]), "is in no other scene"),
        (lambda v: v.split("person_1", mentions=["0/person_b"]), "has no mention 0/person_b"),
        (lambda v: v.split("person_1", mentions=["0/person_a", "1/person_a"]), "leave one of them"),
        (lambda v: v.split("person_1"), "one of both"),
        (lambda v: v.rename("person_1", "Person_2"), "person_2 is called Person_2 already"),
        (lambda v: v.rename("person_1", "<b>"), "holds no < or >"),
        (lambda v: v.rename("person_1", "a" * 81), "at most 80 characters"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(video: Video, library: Library, wrong, told) -> None:
    with pytest.raises(InputError, match=told):
        wrong(video)
    assert video.corrections == () and library.latest_index(DIGEST) == cast_index()


def test_what_a_correction_leaves_alone_is_not_written_again(video: Video, library: Library) -> None:
    """Of ten hours these are most rows: a click on "merge" would wait for them."""
    cues = tuple(Cue(start_seconds=n, stop_seconds=n + 1, text=f"line {n}") for n in range(3))
    library.put_index(cast_index().model_copy(update={"cues": cues}))

    with sqlite3.connect(library.path) as other:
        for table, when in (("index_cues", "1"), ("texts", "old.source = 'cue'")):
            other.execute(
                f"CREATE TRIGGER held_{table} BEFORE DELETE ON {table} WHEN {when} "
                "BEGIN SELECT RAISE(ABORT, 'written again'); END"
            )
    change = video.merge("person_1", "person_3")
    assert change.index.cues == cues
    assert library.latest_index(DIGEST) == change.index
    assert [hit.start_seconds for hit in library.search("line 1")] == [1.0]


class _ConfusedCast(perceiver.Perceiver):
    """Who is who within a shard is seen well; on the sheets of the cast look-alikes are confused."""

    def face(self, pose: Any, seen: Any, key: str) -> int:
        return pose.face

    def shown_face(self, task: perceiver.Task, name: str, description: str = "") -> int | None:
        eyes = super() if task.prompt == "link_cast" else perceiver.Perceiver()
        return eyes.shown_face(task, name, description)


def _faces(index: Index, truth: world.World) -> dict[str, int]:
    """Mention id → whose face its exemplar really shows."""
    faces: dict[str, int] = {}
    for mention in index.mentions:
        assert mention.box is not None
        slot = world.slot_of(mention.box)
        poses = truth.scene_at(mention.exemplar_seconds).poses
        faces[mention.mention_id] = next(p.character.face for p in poses if p.slot == slot)
    return faces


def _true_names(index: Index, truth: world.World) -> dict[str, int]:
    """Entity → who most of its mentions really are."""
    faces = _faces(index, truth)
    return {e.name: Counter(faces[m] for m in e.mention_ids).most_common(1)[0][0] for e in index.entities}


def _names_f1(index: Index, truth: world.World) -> float:
    """Of the names in the scenes: how many are of who is there, and how many of those who are there are
    named.
    """
    names = _true_names(index, truth)
    right = told = there = 0
    for scene in index.scenes:
        faces = truth.scene_at(scene.span.middle_seconds).faces
        marked = [names[name] for name in marks_in(scene.detailed)]
        right += len(faces & set(marked))
        told += len(marked)
        there += len(faces)
    return 2 * right / (told + there)


@pytest.mark.slow
def test_two_corrections_put_confused_look_alikes_right_without_a_call(
    tmp_path: Path, settings: Settings
) -> None:
    truth = world.make_world(seed=36, minutes=4.2, characters=6)
    one, other = truth.characters[:2]
    info = probe(truth.render(tmp_path / "world.mp4"))
    eyes = _ConfusedCast(
        perceiver.Faults(confuses_look_alikes=0.3),
        look_alikes={one.face: other.face, other.face: one.face},
    )
    model = ScriptedModel(eyes)

    def build(*, fresh: bool) -> Index:
        options = CaptioningOptions(fresh=fresh)
        return build_index(info, (), options=options, vision=model, library=library, on_event=lambda _: None)

    with Library.open(settings.library) as library:
        video = Video(build(fresh=False), settings)
        calls = len(model.requests)
        assert _names_f1(video.index, truth) < 0.95
        faces = _faces(video.index, truth)
        true = _true_names(video.index, truth)
        wrong = [(e.name, m) for e in video.entities for m in e.mention_ids if faces[m] != true[e.name]]
        ((mixed, face),) = {(name, faces[m]) for name, m in wrong}
        video.split(mixed, mentions=[m for _, m in wrong])
        (split_off,) = [e.name for e in video.entities if wrong[0][1] in e.mention_ids]
        (rest,) = [name for name, true_face in true.items() if true_face == face]
        video.merge(rest, split_off)
        assert _names_f1(video.index, truth) == 1.0
        assert len(model.requests) == calls
        assert _names_f1(build(fresh=True), truth) == 1.0
        assert len(model.requests) > calls


class _SeesPhotosOnly(perceiver.Perceiver):
    """Takes nobody for one with anybody, but for whom a photo shows."""

    def shown_face(self, task: perceiver.Task, name: str, description: str = "") -> int | None:
        if task.prompt == "link_cast" and ": see the photo" not in task.text:
            return None
        return super().shown_face(task, name, description)


@pytest.mark.slow
def test_indexing_again_knows_by_the_photo_who_is_one(tmp_path: Path, settings: Settings) -> None:
    """Whom pixels of the video left in two, a portrait joins; without one, not a byte of any request differs."""
    truth = world.make_world(seed=10, minutes=4.2, characters=6)
    info = probe(truth.render(tmp_path / "world.mp4"))
    model = ScriptedModel(_SeesPhotosOnly())
    asked: list[list[str]] = []

    def build(cast: Path | None = None) -> Index:
        begun = len(model.requests)
        options = CaptioningOptions(fresh=True, cast=cast)
        index = build_index(info, (), options=options, vision=model, library=library, on_event=lambda _: None)
        asked.append(sorted(request.digest for request in model.requests[begun:]))
        return index

    def mentions_of(index: Index, face: int) -> list[set[str]]:
        faces = _faces(index, truth)
        own = {mention for mention, seen in faces.items() if seen == face}
        return [set(e.mention_ids) & own for e in index.entities if set(e.mention_ids) & own]

    with Library.open(settings.library) as library:
        video = Video(build(), settings)
        faces = _faces(video.index, truth)
        face = next(seen for seen, count in Counter(faces.values()).most_common() if count > 1)
        parted = mentions_of(video.index, face)
        assert len(parted) > 1
        build()
        assert asked[1] == asked[0]
        (entity, *_) = [e for e in video.index.entities if set(e.mention_ids) & parted[0]]
        scene = truth.scene_at(entity.exemplar_seconds)
        slot = next(pose.slot for pose in scene.poses if pose.character.face == face)
        frame = Image.fromarray(world.picture(scene, entity.exemplar_seconds))
        box = Box(**world.sprite_box(slot)).padded(BOX_MARGIN)
        edges = (
            box.left * frame.width,
            box.top * frame.height,
            box.right * frame.width,
            box.bottom * frame.height,
        )
        photo = io.BytesIO()
        frame.crop(edges).save(photo, format="PNG")
        video.give_photo(entity.name, photo.getvalue())
        again = build()
        assert len(mentions_of(again, face)) == 1
        assert asked[2] != asked[0]
        shown = next(r for r in model.requests[-len(asked[2]) :] if "see the photo" in r.render().user)
        assert shown.pictures[0].label.startswith("sheet, row 1: L1, R1")
        (one,) = [e for e in again.entities if set(e.mention_ids) & parted[0]]
        # Who they are called is no matter of linking: a name that is taken back is gone.
        assert one.display_name is None and one.photo is not None
        # Named in the cast file, too: one member and not two that are held apart.
        video.rename(entity.name, "Anna")
        (tmp_path / "cast.toml").write_text('[[cast]]\nname = "Anna"\ndescription = "see the photo"\n')
        assert len(mentions_of(build(tmp_path / "cast.toml"), face)) == 1
        given = [r for r in model.requests[-len(asked[3]) :] if "given name Anna" in r.render().user]
        assert given and all(" L2" not in r.render().user for r in given[:1])
        video.undo()
        video.undo()
        build()
        assert asked[4] == asked[0]
