"""The paper's released captions: every quirk read, nothing invented, nothing lost; and the way back."""

import json
import os
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.errors import InputError
from mrvideo.evals.haystack import build_haystack
from mrvideo.evals.released import export_released, import_released
from mrvideo.records import Span

CAPTION = """[1. Brief Description]: The rats scurry, then <woman_a-1> stands in a room.
[2. Appeared Characters]: [rat_a-6, woman_a-1]
[3. Detailed Description]: A group of rats, including <rat_a-6>, scurries. <woman_a-1> looks distressed."""


@pytest.fixture
def imported(tmp_path):
    def read(rows, **given):
        path = tmp_path / "2sriHX3PbXw.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return import_released(path, **given)

    return read


def entry(start, stop, caption="Something happens."):
    return {"t_start": start, "t_end": stop, "caption": caption}


def spans(index):
    return [(scene.start_seconds, scene.stop_seconds) for scene in index.scenes]


def test_a_caption_in_three_parts_becomes_a_scene_with_its_cast(imported):
    index = imported([entry(0, 10, CAPTION), entry(10, 13, "<rat_a-6> eats. It is <person_d-10>'s bread.")])
    first, second = index.scenes
    assert first.brief == "The rats scurry, then <woman_1> stands in a room."
    assert first.detailed == "A group of rats, including <rat_1>, scurries. <woman_1> looks distressed."
    assert first.entity_names == ("rat_1", "woman_1") and second.entity_names == ("rat_1", "person_1")
    assert second.brief == "<rat_1> eats."
    assert second.detailed == "<rat_1> eats. It is <person_1>'s bread."
    cast = {entity.name: (entity.kind, entity.scene_indexes) for entity in index.entities}
    assert cast == {"rat_1": ("rat", (0, 1)), "woman_1": ("woman", (0,)), "person_1": ("person", (1,))}


@pytest.mark.parametrize(
    "caption",
    [
        "BEGIN_OF_NEW_DESCRIPTION\n" + CAPTION + "\nEND_OF_NEW_DESCRIPTION",
        CAPTION.replace("[1. Brief Description]:", "**1. Brief Description**:").replace(
            "[2. Appeared", "2. Appeared"
        ),
        CAPTION.replace("[1.", "[1:").replace("Appeared Characters]:", "Appearing Character]"),
        CAPTION.replace("rat_a-6, woman_a-1", "<rat_a-6>, <woman_a-1>"),
        CAPTION.replace("\n", " "),
    ],
)
def test_marks_and_header_styles_make_no_difference(imported, caption):
    plain, odd = imported([entry(0, 10, CAPTION)]), imported([entry(0, 10, caption)])
    assert [(s.brief, s.detailed, s.entity_names) for s in odd.scenes] == [
        (s.brief, s.detailed, s.entity_names) for s in plain.scenes
    ]


def test_without_headers_the_first_sentence_is_brief(imported):
    (scene,) = imported([entry(0, 5, "A dog runs. It barks at a cat.")]).scenes
    assert (scene.brief, scene.detailed) == ("A dog runs.", "A dog runs. It barks at a cat.")


def test_odd_names_get_ours_and_two_names_never_become_one(imported):
    caption = "<Person_D-10>, <person_d-10>, <old man_b-2>, <red_car_aa> and <person_3>; [a note], 2 < 3 > 1."
    (scene,) = imported([entry(0, 5, caption)]).scenes
    assert scene.detailed == (
        "<person_1>, <person_2>, <old_man_1>, <red_car_1> and <person_3>; [a note], 2 < 3 > 1."
    )


def test_overlapping_and_unordered_entries_tile(imported):
    index = imported([entry(20, 30, "C."), entry(0, 12, "A."), entry(3, 5, "In A."), entry(10, 20, "B.")])
    assert [(s.brief, s.start_seconds, s.stop_seconds) for s in index.scenes] == [
        ("A.", 0, 3),
        ("In A.", 3, 5),
        ("A.", 5, 10),
        ("B.", 10, 20),
        ("C.", 20, 30),
    ]
    assert index.failures == ()


def test_gaps_and_empty_captions_are_failures_not_scenes(imported):
    index = imported([entry(0, 10), entry(10, 20, {}), entry(25, 30), entry(30, 40, None)])
    assert spans(index) == [(0, 10), (25, 30)]
    assert [(f.start_seconds, f.stop_seconds, "no words" in f.reason) for f in index.failures] == [
        (10, 25, True)
    ]
    left_out = imported([entry(5, 10), entry(20, 30)]).failures
    assert [(f.start_seconds, f.stop_seconds, "leaves it out" in f.reason) for f in left_out] == [
        (0, 5, True),
        (10, 20, True),
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "list of t_start"),
        ({"a": 1}, "list of t_start"),
        ([["a"]], "entry 0"),
        ([entry(0, 1), {"t_end": 2, "caption": "x"}], "entry 1"),
        ([entry("soon", 1)], "entry 0"),
        ([entry(0, float("inf"))], "entry 0"),
        ([entry(10**400, 1)], "entry 0"),
        ([entry(True, 1)], "entry 0"),
        ([entry(0, 1), entry(9, 3)], r"entry 1 ends \(3 s\) before it starts \(9 s\)"),
        ([entry(-9, 1)], "entry 0 lies outside any video"),
        ([entry(0, 1e30)], "entry 0 lies outside any video"),
        ([entry(0, 5, {"a": 1})], "entry 0 has a caption that is no text"),
        ([entry(0, 5, "")], "no caption"),
    ],
)
def test_what_is_no_caption_file_is_refused_by_entry(imported, rows, words):
    with pytest.raises(InputError, match=words):
        imported(rows)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b'[{"t_start": ' + b"1" * 5000 + b"}]", "cannot be read as captions"),
        (b"\x00\x01\xff", "cannot be read as captions"),
    ],
    ids=["deep", "digits", "binary"],
)
def test_a_file_that_is_deep_odd_or_binary_is_refused_in_one_line(tmp_path, data, words):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        import_released(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


@pytest.mark.timeout(60)
def test_a_pipe_and_a_huge_file_are_refused_unread(tmp_path):
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(InputError, match="6144 MB is too big for a caption file"):
        import_released(tmp_path / "huge.json")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(InputError, match="named pipe"):
            import_released(tmp_path / "pipe.json")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "caption",
    [
        "*" * 100_000,
        "[" + "# " * 50_000,
        f"[2. Appeared Characters]: [{'_' * 100_000}xyz_1] [3. Detailed Description]: d",
    ],
    ids=["stars", "hashes", "underscores"],
)
def test_a_caption_of_100_000_marks_takes_no_longer_than_its_length(imported, caption):
    """Patterns that begin anew at each star of a run took minutes."""
    (scene,) = imported([entry(0, 5, caption)]).scenes
    assert scene.detailed in (" ".join(caption.split()), "d")
    assert scene.entity_names == ()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_many_entries_that_overlap_take_no_longer_than_their_number(imported):
    rows = [entry(n, 100_000 - n, f"caption {n}") for n in range(20_000)]
    rows += [entry(0, 100_000, f"twin {n}") for n in range(20_000)]
    scenes = imported(rows).scenes
    assert len(scenes) == 2 * 20_000 - 1
    assert scenes[1].brief == scenes[-2].brief == "caption 1"
    assert scenes[0].detailed.startswith("caption 0 twin 0 twin 1 twin 2 ")


def test_half_a_character_is_made_one_that_can_be_kept(imported):
    (scene,) = imported([entry(0, 5, "wave \ud83d.")]).scenes
    assert scene.detailed == "wave \ufffd."


@pytest.mark.slow
def test_with_its_video_the_index_belongs_to_the_video(imported, tmp_path):
    video = tmp_path / "v.mp4"
    build_haystack(video, duration_seconds=12, seed=0)
    index = imported([entry(0, 10)], video=video)
    assert index.video.duration_seconds == pytest.approx(12, abs=0.1)
    assert index.video.path.endswith("v.mp4")
    assert [(f.start_seconds, round(f.stop_seconds)) for f in index.failures] == [(10, 12)]
    with pytest.raises(InputError, match="another video"):
        imported([entry(0, 60)], video=video)


def test_without_its_video_the_captions_are_the_identity(imported):
    one, other = imported([entry(0, 10)]), imported([entry(0, 10, "Something else.")])
    assert one.video.digest != other.video.digest and one.key != other.key
    assert one.video.duration_seconds == 10


def test_the_release_comes_back_as_it_was(imported):
    rows = [entry(0, 10, CAPTION), entry(10.5, 13.25, CAPTION.replace("rats", "mice"))]
    assert export_released(imported(rows)) == rows


words = st.text("abc def.,'", min_size=1, max_size=30).filter(lambda t: re.search("[a-z]", t))
names = st.sampled_from(["<person_d-10>", "<woman_a-1>", "<rat_a-6>", "<dog_2>", "<odd man>"])
captions = st.lists(st.one_of(words, names), min_size=1, max_size=6).map(" ".join)
rows = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 30), st.one_of(captions, captions, st.none())),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@given(rows)
def test_any_file_tiles_keeps_every_caption_and_goes_round(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("r")
    held = [entry(start / 2, (start + length) / 2, text) for start, length, text in rows]
    (folder / "a.json").write_text(json.dumps(held))
    try:
        index = import_released(folder / "a.json")
    except InputError:
        assert all(text is None for _, _, text in rows)
        return
    ends = spans(index)
    assert all(a[1] <= b[0] for a, b in pairwise(ends)), "in order, no overlap"
    everything = [Span(*each) for each in ends] + [f.span for f in index.failures]
    assert all(any(s.contains(t / 4) for s in everything) for t in range(int(ends[-1][1] * 4) - 1)), (
        "no time lost"
    )
    said = " ".join(scene.detailed for scene in index.scenes)
    kept = re.sub("<.*?>", "<>", said)
    assert all(re.sub("<.*?>", "<>", " ".join(text.split())) in kept for _, _, text in rows if text), (
        "no word lost"
    )
    known = {entity.name for entity in index.entities}
    assert set(re.findall("<(.*?)>", " ".join(s.detailed for s in index.scenes))) <= known
    (folder / "b.json").write_text(json.dumps(export_released(index)))
    again = import_released(folder / "b.json")
    assert spans(again) == ends
    assert [(s.brief, s.detailed, s.entity_names) for s in again.scenes] == [
        (s.brief, s.detailed, s.entity_names) for s in index.scenes
    ]
