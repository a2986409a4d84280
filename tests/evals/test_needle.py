"""Haystacks: the needles are where the truth says, and the truth can be asked."""

import json
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrvideo.errors import InputError, VideoError
from mrvideo.evals.files import find_file
from mrvideo.evals.haystack import FRAMES_PER_SECOND, Needle, build_haystack
from mrvideo.evals.needle import BENCHMARK, SLOT_SECONDS, build_needles
from mrvideo.evals.pictures import SHAPES, full_screen, sticker, subtitle, title_card
from mrvideo.records import Span

pytestmark = pytest.mark.slow


def frames_of(path):
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def whole_frames(span):
    return {
        round(span.start_seconds * FRAMES_PER_SECOND) + i
        for i in range(round(span.duration_seconds * FRAMES_PER_SECOND))
    }


def test_needles_stand_exactly_where_the_truth_says(tmp_path):
    path = tmp_path / "hay.mp4"
    needles = [
        Needle(3.3, 1.0, "insert", title_card("The hidden metal is Zinc")),
        Needle(9.07, 2.0, "edit", lambda frame: full_screen("red", "star")(frame)),
    ]
    spans = build_haystack(path, duration_seconds=14, seed=5, needles=needles)
    shown = frames_of(path)
    assert len(shown) == 14 * FRAMES_PER_SECOND
    assert [round(t * FRAMES_PER_SECOND) for t, _ in shown] == list(range(len(shown))), "no gap and no jump"
    white = {i for i, (_, picture) in enumerate(shown) if np.mean(picture[:20] > 240) > 0.99}
    dark = {i for i, (_, picture) in enumerate(shown) if np.all(picture[:20].mean(axis=(0, 1)) < 45)}
    assert dark == whole_frames(spans[0])
    assert white == whole_frames(spans[1])
    assert 3.3 <= spans[0].start_seconds <= 5.4
    assert spans[1].start_seconds == pytest.approx(9.07, abs=0.5 / FRAMES_PER_SECOND)


def test_the_same_seed_gives_the_same_file_and_another_does_not(tmp_path):
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.mp4"
        build_haystack(
            path, duration_seconds=12, seed=seed, needles=[Needle(5, 2, "edit", subtitle("The gate is open"))]
        )
        made.append(path.read_bytes())
    assert made[0] == made[1] != made[2]


def test_the_users_own_footage_is_repeated_to_the_length(tmp_path):
    own, path = tmp_path / "own.mp4", tmp_path / "hay.mp4"
    build_haystack(own, duration_seconds=3, seed=0)
    spans = build_haystack(
        path,
        duration_seconds=8,
        seed=0,
        needles=[Needle(4, 1, "insert", full_screen("blue", "ring"))],
        footage=[own],
    )
    shown = frames_of(path)
    assert len(shown) == 8 * FRAMES_PER_SECOND
    white = {i for i, (_, picture) in enumerate(shown) if np.mean(picture[:20] > 240) > 0.99}
    assert white == whole_frames(spans[0])
    first, again = shown[0][1].astype(int), shown[3 * FRAMES_PER_SECOND][1].astype(int)
    assert np.abs(first - again).mean() < 8, "after three seconds the footage starts again"


def test_a_haystack_that_breaks_off_leaves_no_file(tmp_path):
    def broken(frame):
        raise KeyError("no such colour")

    with pytest.raises(KeyError):
        build_haystack(
            tmp_path / "hay.mp4", duration_seconds=6, seed=0, needles=[Needle(2, 1, "edit", broken)]
        )
    assert list(tmp_path.iterdir()) == []


def test_footage_that_is_no_video_is_refused(tmp_path):
    own = tmp_path / "own.mp4"
    own.write_text("no film")
    with pytest.raises(VideoError, match=r"own\.mp4"):
        build_haystack(tmp_path / "hay.mp4", duration_seconds=6, seed=0, footage=[own])


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_looks_different(shape):
    from PIL import Image

    def drawn(name):
        return np.asarray(full_screen("red", name)(Image.new("RGB", (128, 72))))

    others = [np.mean(drawn(shape) != drawn(other)) for other in SHAPES if other != shape]
    assert min(others) > 0.01
    assert np.mean(drawn(shape) != 255) > 0.02
    corner = np.asarray(sticker("red", shape)(Image.new("RGB", (128, 72))))
    assert corner[:30, 90:].any() and not corner[40:].any()


# planning ---------------------------------------------------------------------------------------


@pytest.fixture
def planned(monkeypatch):
    """Plans without drawing: every needle gets the place it asked for, as late as an insert may slip."""

    def build(path, *, duration_seconds, seed, needles, footage):
        slip = {"edit": 0.0, "insert": 2.0}
        path.touch()
        return [
            Span(n.wanted_seconds + slip[n.how], n.wanted_seconds + slip[n.how] + n.duration_seconds)
            for n in needles
        ]

    monkeypatch.setattr("mrvideo.evals.needle.build_haystack", build)


def rows_of(folder):
    return json.loads(find_file(folder, "VNBench-main-4try.json").read_text())


# The fixture holds nothing between examples: each plan goes to a folder of its own.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    minutes=st.sampled_from([1.5, 3, 7, 30, 240]),
    types=st.sampled_from(["text", "all"]),
)
def test_every_plan_can_be_asked_and_its_truth_holds(planned_free, seed, minutes, types):
    rows = planned_free(minutes=minutes, seed=seed, types=types)
    by_group = {}
    for row in rows:
        by_group.setdefault(row["group"], []).append(row)
    every_span = sorted({tuple(span) for row in rows for span in row["needle_spans"]})
    assert all(b[0] - a[1] > 1 for a, b in pairwise(every_span)), "needles stand apart"
    assert every_span[-1][1] <= minutes * 60
    for tries in by_group.values():
        kind = tries[0]["type"]
        if kind.startswith("abs"):
            assert len(tries) == 1 and tries[0]["gt"] is None and not tries[0]["needle_spans"]
            continue
        assert [row["try"] for row in tries] == [0, 1, 2, 3]
        assert sorted(row["gt_option"] for row in tries) == ["A", "B", "C", "D"], "right at each place once"
        for row in tries:
            assert len(set(row["options"])) == 4
            assert row["options"]["ABCD".index(row["gt_option"])] == row["gt"]
        if kind.startswith("cnt"):
            assert int(tries[0]["gt"]) == len(tries[0]["needle_spans"])
    questions = [tries[0]["question"] for tries in by_group.values() if tries[0]["type"] != "ret_insert1"]
    assert len(set(questions)) == len(questions), "no question has two truths"


@pytest.fixture
def planned_free(planned, tmp_path_factory):
    def plan(**wanted):
        return rows_of(build_needles(tmp_path_factory.mktemp("plan"), **wanted))

    return plan


def test_the_same_seed_plans_the_same_and_what_is_built_is_kept(planned, tmp_path):
    first = rows_of(build_needles(tmp_path / "a", minutes=3, seed=4))
    assert first == rows_of(build_needles(tmp_path / "b", minutes=3, seed=4))
    assert first != rows_of(build_needles(tmp_path / "c", minutes=3, seed=5))
    truth = tmp_path / "a" / "VNBench-main-4try.json"
    truth.write_text("[]")
    build_needles(tmp_path / "a", minutes=3, seed=4)
    assert truth.read_text() == "[]", "not built twice"
    build_needles(tmp_path / "a", minutes=3, seed=5)
    assert truth.read_text() != "[]", "built anew for another seed"


def test_too_short_a_haystack_is_refused(tmp_path):
    with pytest.raises(InputError, match="too short"):
        build_needles(tmp_path, minutes=0.5)
    assert not (tmp_path / "needles.json").exists()


def test_two_small_haystacks_load_as_a_benchmark(planned, tmp_path):
    """Drawn ones are asked in test_cli: here the files are empty."""
    folder = build_needles(tmp_path, minutes=1.5, seed=3, videos=2, types="text")
    questions = BENCHMARK.load(folder, subtitles=False)
    assert len({q.video for q in questions}) == 2 and all(q.path for q in questions)
    assert {q.facets["task"][0] for q in questions} == {"ret", "ord", "cnt", "abs"}
    assert all(q.right is not None for q in questions if q.kind == "choice")
    assert all(q.key_spans for q in questions if q.kind == "choice")
    assert {q.kind for q in questions if q.facets["task"] == ("abs",)} == {"absent"}
    assert int(90 // SLOT_SECONDS) >= len({s for q in questions[:19] for s in q.key_spans})
