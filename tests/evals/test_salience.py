"""What matters in a video, by its memory, against what people found important."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.films import video_info
from support.outcomes import official, scored_outcome

from mrvideo.errors import InputError
from mrvideo.evals import keyshots
from mrvideo.evals import run as running
from mrvideo.evals.items import Outcome
from mrvideo.evals.ranks import chosen_shots, f_score, frame_scores, kendall, spearman, top_frames
from mrvideo.evals.report import failure_kind, render
from mrvideo.evals.run import Plan, run
from mrvideo.evals.salience import salience_of
from mrvideo.evals.systems import ablations, check_fit, named
from mrvideo.evals.tasks import find_benchmark
from mrvideo.memory.tree import Fact, Memory, Node, Sentence
from mrvideo.records import Index, Scene, Sighting, Span
from mrvideo.settings import load_settings


def mask(text):
    return np.array([letter == "1" for letter in text])


# the measures -----------------------------------------------------------------------------------


def test_correlations_worked_by_hand():
    ours, theirs = np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0, 4.0])
    # Five of six pairs agree and one is tied on our side: 5 / √(5 · 6).
    assert kendall(ours, theirs) == pytest.approx(5 / math.sqrt(30))
    # Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: 4.5 / √(4.5 · 5).
    assert spearman(ours, theirs) == pytest.approx(4.5 / math.sqrt(22.5))
    assert kendall(ours, -theirs) == pytest.approx(-5 / math.sqrt(30))
    assert kendall(ours, np.ones(4)) == spearman(ours, np.ones(4)) == 0.0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_kendall_agrees_with_counting_pairs(pairs):
    agree = ours = theirs = 0
    for place, (a, b) in enumerate(pairs):
        for c, d in pairs[:place]:
            agree += ((a > c) - (a < c)) * ((b > d) - (b < d))
            ours += a != c
            theirs += b != d
    expected = agree / math.sqrt(ours * theirs) if ours and theirs else 0.0
    one, other = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    assert kendall(one, other) == pytest.approx(expected)


def test_kendall_of_more_frames_than_are_compared_at_once():
    rising = np.arange(1200.0)
    assert kendall(rising, rising) == pytest.approx(1.0)
    assert kendall(rising, rising[::-1]) == pytest.approx(-1.0)


def test_overlap_of_summaries_worked_by_hand():
    # 2 of 3 chosen are wanted, 2 of 4 wanted are chosen.
    assert f_score(mask("1110000"), mask("0111100")) == pytest.approx(2 * 2 / 7)
    assert f_score(mask("1000"), mask("0111")) == f_score(mask("0000"), mask("0000")) == 0.0


def test_frames_of_one_score_come_in_together():
    # 15 % of 20 is the fourth best, which is 2: everything from 2 up.
    scores = np.array([5.0, 4.0, 2.0, 2.0, 2.0, 1.0] + [0.0] * 14)
    assert top_frames(scores).tolist() == [True] * 5 + [False] * 15


def test_shots_fill_fifteen_per_cent_at_the_highest_score():
    # 40 frames give room for 6. Shots of 6, 4, 2 and 28 frames: 0.5 + 0.4 beat 0.8 alone.
    shots = [(0, 5), (6, 9), (10, 11), (12, 39)]
    scores = np.array([0.8] * 6 + [0.5] * 4 + [0.4] * 2 + [0.9] * 28)
    assert np.flatnonzero(chosen_shots(scores, shots)).tolist() == [6, 7, 8, 9, 10, 11]
    scores[:6] = 0.95
    assert np.flatnonzero(chosen_shots(scores, shots)).tolist() == [0, 1, 2, 3, 4, 5]
    assert not chosen_shots(np.zeros(40), shots).any(), "what is worth nothing is not chosen"


# from the memory to scores ----------------------------------------------------------------------


def test_a_scene_matters_by_what_cites_it_at_every_level():
    def node(level, position, first, last, facts, summary, children=()):
        return Node(
            level=level, position=position, first_scene=first, last_scene=last, title="t", children=children,
            start_seconds=first, stop_seconds=last + 1,
            facts=tuple(Fact(text="f", scenes=scenes) for scenes in facts),
            summary=tuple(Sentence(text="s", scenes=scenes) for scenes in summary),
        )  # fmt: skip

    chapters = (node(1, 0, 0, 1, [(0,), (0, 1)], [(1,)]), node(1, 1, 2, 3, [], [(2,)]))
    root = node(2, 0, 0, 3, [(0,)], [(0, 2)], (0, 1))
    memory = Memory(key="k", levels=(chapters, (root,)))
    # Scene 0: fact 1 + half a fact + the root's fact 1 + half the root's sentence.
    assert salience_of(memory) == {0: 3.0, 1: 1.5, 2: 1.5}


def test_a_frame_has_the_score_of_its_scene():
    outcome = Outcome(
        id="1", system="s", video="v", status="answered", spans=(Span(0, 2), Span(3, 5)), scores=(1.0, 2.0)
    )
    assert frame_scores(outcome, [0.0, 1.9, 2.0, 2.5, 3.0, 4.9, 5.0]).tolist() == [1, 1, 0, 0, 2, 2, 0]


# benchmarks -------------------------------------------------------------------------------------

XUM = {
    "video_id": "QOlSCBRmfWY",
    "duration": 10.0,
    "sampled_frames": list(range(10)),
    "timestamps": [[0, 5], [5, 10]],
    "tsum": ["A man runs.", "He falls."],
    "vsum": [[[0, 2]], [[0, 4]]],
    "vsum_onehot": [[1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]],
}


def test_videoxum_compares_with_every_worker_and_correlates_with_their_mean(folder):
    benchmark = find_benchmark("videoxum")
    (asked,) = benchmark.load(folder({"test_videoxum.json": [XUM]}, ["v_QOlSCBRmfWY.mp4"]), subtitles=False)
    assert asked.path is not None and asked.kind == "salience"
    outcome = scored_outcome(asked, (0, 2, 3.0), (2, 10, 1.0), video_seconds=10.0)
    scores = benchmark.score("ask", [(asked, outcome)])
    # The second best of ten frames is 3: the first two. F1 with the workers: 1 and 2·2/6.
    # Choices 1 1 ½ ½ 0…: 16 pairs differ on our side, 28 on theirs, and 16 agree.
    assert official(scores) == {
        "F1": round((1 + 2 / 3) / 2, 4),
        "F1, best worker": 1.0,
        "Kendall τ": round(16 / math.sqrt(16 * 28), 4),
        "Spearman ρ": round(
            float(np.corrcoef([9.5] * 2 + [4.5] * 8, [9.5] * 2 + [7.5] * 2 + [3.5] * 6)[0, 1]), 4
        ),
    }
    told = outcome.model_copy(update={"answer": "A man runs."})
    assert benchmark.submit([(asked, told)]) == {
        "tsum.json": [{"image_id": "QOlSCBRmfWY", "caption": "A man runs."}]
    }
    lost = [(asked, scored_outcome(asked, video_seconds=None, status="failed"))]
    assert set(official(benchmark.score("ask", lost)).values()) == {0.0}


def test_videoxum_refuses_choices_that_are_no_table(folder):
    row = {**XUM, "vsum_onehot": [[1, 0], [1]]}
    with pytest.raises(InputError, match=r"test_videoxum\.json: QOlSCBRmfWY: vsum_onehot"):
        find_benchmark("videoxum").load(folder({"test_videoxum.json": [row]}), subtitles=False)


# 40 frames, a score for every tenth; shots as in the test of the knapsack.
TABLES = {
    "n_frames": np.int64(40),
    "picks": np.arange(0, 40, 10),
    "change_points": np.array([[0, 5], [6, 9], [10, 11], [12, 39]]),
    "user_summary": np.array([[1] * 6 + [0] * 34, [0] * 6 + [1] * 6 + [0] * 28], dtype=np.float32),
}
RATED = [[1] * 10 + [3] * 10 + [2] * 20, [4] * 10 + [1] * 30]


@pytest.fixture
def tables(monkeypatch):
    """Stands for what h5py reads."""

    def use(**groups):
        monkeypatch.setattr(keyshots, "read_tables", lambda path, needed: groups)

    return use


def annotations(*videos):
    lines = [f"{name}\tVT\t{','.join(map(str, scores))}" for name, rows in videos for scores in rows]
    return "\n".join(lines) + "\n"


def test_tvsum_takes_names_and_scores_from_the_annotations(folder, tables):
    benchmark = find_benchmark("tvsum")
    data = folder(
        {
            "eccv16_dataset_tvsum_google_pool5.h5": "",
            "ydata-tvsum50-anno.tsv": annotations(("AwmHb44_ouw", RATED), ("98MoyGZKHXc", RATED)),
        },
        ["AwmHb44_ouw.mp4"],
    )
    tables(video_1=TABLES, video_2=TABLES)
    first, second = benchmark.load(data, subtitles=False)
    assert (first.id, second.id) == ("AwmHb44_ouw", "98MoyGZKHXc")
    assert first.path is not None and second.path is None
    # Frames at 0.5, 10.5, 20.5 and 30.5 of 40: scores 4, 1, 2, 2, spread over ten frames each.
    outcome = scored_outcome(first, (0, 10, 4.0), (10, 20, 1.0), (20, 40, 2.0), video_seconds=40.0)
    found = official(benchmark.score("ask", [(first, outcome)]))
    # The shots of six frames: the first has 4, the second and third 4 and 1 together.
    assert found["F"] == round((2 * 0 / 12 + 2 * 6 / 12) / 2, 4)
    # 4 1 2 2 against 1 3 2 2 and 4 1 1 1: -5 of 5 and 5, and 3 of √(5 · 3).
    assert found["Kendall τ"] == round((-1 + 3 / math.sqrt(15)) / 2, 4)


def test_tvsum_of_two_releases_is_refused(folder, tables):
    data = folder({"tvsum.h5": "", "ydata-tvsum50-anno.tsv": annotations(("a", [[1, 2, 3]]))})
    tables(video_1=TABLES)
    with pytest.raises(InputError, match="video_1 has 40 frames, and a 3"):
        find_benchmark("tvsum").load(data, subtitles=False)
    tables(video_2=TABLES)
    with pytest.raises(InputError, match="video_2 is none of the 1 videos"):
        find_benchmark("tvsum").load(data, subtitles=False)
    (data / "ydata-tvsum50-anno.tsv").write_text("a\tVT\n")
    with pytest.raises(InputError, match="line 1: expected video, category and scores"):
        find_benchmark("tvsum").load(data, subtitles=False)


def test_summe_takes_the_person_it_fits_best_and_correlates_once(folder, tables):
    benchmark = find_benchmark("summe")
    data = folder({"eccv16_dataset_summe_google_pool5.h5": ""}, ["Air_Force_One.mp4"])
    tables(video_1={**TABLES, "video_name": b"Air Force One"})
    (asked,) = benchmark.load(data, subtitles=False)
    assert asked.id == "Air Force One" and asked.path is not None
    outcome = scored_outcome(asked, (0, 10, 4.0), (10, 20, 1.0), (20, 40, 2.0), video_seconds=40.0)
    found = official(benchmark.score("ask", [(asked, outcome)]))
    assert found["F"] == 1.0, "the second person kept the same six frames"
    # 4 1 2 2 against ½ ½ 0 0: 4 pairs differ on their side, 5 on ours; 2 agree and 2 do not.
    assert found["Kendall τ"] == 0.0
    tables(video_1=TABLES)
    with pytest.raises(InputError, match="video_1 has no video_name"):
        benchmark.load(data, subtitles=False)


def test_an_hdf5_file_is_read_without_its_features(tmp_path, folder):
    hdf5 = pytest.importorskip("h5py")
    path = folder({}, ["St_Maarten.mp4"]) / "eccv16_dataset_summe_google_pool5.h5"
    with hdf5.File(path, "w") as file:
        for name, value in {**TABLES, "features": np.zeros((4, 8)), "video_name": "St Maarten"}.items():
            file.create_dataset(f"video_1/{name}", data=value)
    (asked,) = find_benchmark("summe").load(tmp_path, subtitles=False)
    assert asked.id == "St Maarten" and asked.path is not None and "features" not in asked.source
    with hdf5.File(path, "a") as file:
        del file["video_1/picks"]
    with pytest.raises(InputError, match="video_1 has no 'picks'"):
        find_benchmark("summe").load(tmp_path, subtitles=False)
    path.write_bytes(b"no such file")
    with pytest.raises(InputError, match="cannot be read"):
        find_benchmark("summe").load(tmp_path, subtitles=False)


# a run ------------------------------------------------------------------------------------------


@pytest.fixture
def indexed(monkeypatch):
    """A minute of six scenes, one of which shows a text: what a memory without a model keeps."""
    sign = Sighting(start_seconds=21, stop_seconds=29, text="LAST FERRY 21:40")
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=10 * n,
            stop_seconds=10 * n + 10,
            brief=f"Boat {n} passes the harbour wall.",
            detailed=f"Boat {n} passes the harbour wall while gulls wait.",
            sightings=(sign,) if n == 2 else (),
        )
        for n in range(6)
    )
    index = Index(key="k", video=video_info(60), scenes=scenes, created_at="9999")
    monkeypatch.setattr(running, "index_video", lambda *_, **__: index)
    return index


def plan_of(benchmark, data):
    questions = benchmark.load(data, subtitles=False)
    settings = load_settings(vision="offline", text="offline")
    return Plan(benchmark, questions, named(("ask",), "high", "fused"), settings, False)


@pytest.mark.slow
def test_a_run_scores_scenes_by_the_memory_and_hands_in_its_summary(folder, indexed, tmp_path):
    row = {**XUM, "video_id": "v", "duration": 60.0, "vsum_onehot": [[0] * 20 + [1] * 10 + [0] * 30]}
    benchmark = find_benchmark("videoxum")
    result = run(plan_of(benchmark, folder({"test_videoxum.json": [row]}, ["v.mp4"])), tmp_path / "out")
    ((_, outcome),) = result.answered("mrvideo high")
    assert outcome.status == "answered" and outcome.usage.cost == 0
    assert [s.start_seconds for s in outcome.spans] == [0, 10, 20, 30, 40, 50]
    assert len(outcome.scores) == 6 and max(outcome.scores) == outcome.scores[2], "the text is told once more"
    assert outcome.answer, "the summary in words"
    assert (result.folder / "submission/mrvideo-high/tsum.json").exists()
    pytest.importorskip("matplotlib")
    page = render(result)
    assert "Kendall τ" in page and "By duration" not in page, "there is no share of right answers"


def test_salience_has_no_other_system(folder):
    (asked,) = find_benchmark("videoxum").load(folder({"test_videoxum.json": [XUM]}), subtitles=False)
    check_fit(named(("ask",), "high", "fused"), [asked], sees=True)
    for systems in (ablations("high", "fused"), named(("uniform",), "high", "fused")):
        with pytest.raises(InputError, match="memory alone"):
            check_fit(systems, [asked], sees=True)


# MLVU, generation -------------------------------------------------------------------------------

MLVU = {
    "json/8_sub_scene.json": [
        {
            "video": "a.mp4",
            "duration": 60,
            "question": "What happens after\nthe ferry leaves?",
            "answer": "A gull lands.",
            "question_type": "sub_scene",
            "scoring_points": ["a gull", "lands"],
        }
    ],
    "json/9_summary.json": [
        {"video": "b.mp4", "question": "Sum it up.", "answer": "Boats pass.", "question_type": "summary"},
        {"video": "gone.mp4", "question": "Sum it up.", "answer": "…", "question_type": "summary"},
    ],
    "json/1_plotQA.json": [
        {"video": "a.mp4", "question": "?", "candidates": ["x"], "question_type": "plotQA"}
    ],
}


def test_mlvu_generation_writes_what_the_judges_read(folder, indexed, tmp_path):
    benchmark = find_benchmark("mlvu-generation")
    data = folder(MLVU, ["video/8_sub_scene/a.mp4", "video/9_summary/b.mp4"])
    result = run(plan_of(benchmark, data), tmp_path / "out")
    kinds = [(q.kind, o.status) for q, o in result.answered("mrvideo high")]
    assert [kind for kind, _ in kinds] == ["written", "summary", "summary"]
    assert kinds[1][1] == "answered" and kinds[2][1] == "missing"
    handed_in = benchmark.submit(result.answered("mrvideo high"))
    (scene,), (summary,) = handed_in["sub_scene.json"], handed_in["summary.json"]
    assert list(scene) == list(summary) == ["video_name", "Q", "A", "pred"]
    assert scene["video_name"] == "a.mp4" and scene["A"] == "A gull lands."
    assert "Boat 2 passes the harbour wall while gulls wait." in summary["pred"]
    assert handed_in["sub_scene_scorepoint.json"] == [
        {"question": "What happens afterthe ferry leaves?", "scoring_points": ["a gull", "lands"]}
    ]
    kinds = {failure_kind(q, o) for q, o in result.answered("mrvideo high") if o.status == "answered"}
    assert kinds == {None}, "what is judged elsewhere is not wrong"
    (scores,) = result.scores
    assert set(scores.metrics) == {"written", "written, strict"}, "nothing is judged here"


def test_an_item_that_is_not_answered_is_written_empty_never_guessed(folder, outcome):
    benchmark = find_benchmark("mlvu-generation")
    scene, *_ = benchmark.load(folder(MLVU, ["a.mp4", "b.mp4"]), subtitles=False)
    pairs = [(scene, outcome(scene, "failed"))]
    assert benchmark.submit(pairs)["sub_scene.json"][0]["pred"] == ""
    assert benchmark.score("s", pairs).metrics["written"].value == 0.0


def test_mlvu_generation_refuses_a_task_that_it_does_not_know(folder):
    data = folder({"9_summary.json": [{"video": "a.mp4", "question": "?", "question_type": "poem"}]})
    with pytest.raises(InputError, match="'poem' is none of sub_scene"):
        find_benchmark("mlvu-generation").load(data, subtitles=False)
