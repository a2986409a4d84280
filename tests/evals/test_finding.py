"""Questions about moments through `find`: ranked spans, scored as the benchmarks' authors do."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.films import video_info
from support.outcomes import official, scored_outcome
from typer.testing import CliRunner

from mrvideo.cli.app import app
from mrvideo.errors import InputError, SettingsError
from mrvideo.evals import run as running
from mrvideo.evals.items import Outcome, Question
from mrvideo.evals.moments import leading, score_stretches, stretches
from mrvideo.evals.outcomes import outcome_of_found
from mrvideo.evals.run import Plan, run
from mrvideo.evals.scorers import graded_precision, matched_precision, ranked_precision
from mrvideo.evals.systems import NAMES, check_fit, named
from mrvideo.evals.tasks import find_benchmark
from mrvideo.records import Found, Index, Moment, Reason, Scene, Span
from mrvideo.settings import load_settings


def made(question, *scored, **changes):
    return scored_outcome(question, *scored, system="find", **changes)


def moment(start, stop, score, **changes):
    why = (Reason(start_seconds=start, stop_seconds=stop, source="caption", quote="a dog"),)
    fields = {"start_seconds": start, "stop_seconds": stop, "score": score, "why": why}
    return Moment(**{**fields, "video": "v.mp4", "video_digest": "d", **changes})


def question(**changes):
    fields = {"id": "1", "kind": "moments", "video": "v", "path": "v.mp4", "text": "when?", "query": "a dog"}
    return Question(**{**fields, **changes})


# the measures -----------------------------------------------------------------------------------


def test_clips_alike_come_in_together_and_precision_never_falls_backwards():
    # 0.9: 1 of 1; 0.5: 2 of 3; 0.1 brings in none; 0: 3 of 5.
    found = ranked_precision([0.9, 0.5, 0.5, 0.1, 0.0], [True, False, True, False, True])
    assert found == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    # 2nd and 3rd places: 1/2 is raised to the 2/3 of the higher recall.
    assert ranked_precision([3, 2, 1], [False, True, True]) == pytest.approx(2 / 3)
    assert ranked_precision([1, 1, 0], [True, False, False]) == 0.5
    assert ranked_precision([1, 2], [False, False]) == 0.0
    assert ranked_precision([1, 2], [True, True]) == 1.0


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=20))
def test_ranked_precision_agrees_with_the_curve_read_from_low_thresholds_up(clips):
    scores, marked = [s for s, _ in clips], [m for _, m in clips]
    if all(marked) or not any(marked):
        return
    precision, recall = [], []
    for threshold in sorted(set(scores)):
        taken = [m for s, m in clips if s >= threshold]
        precision.append(sum(taken) / len(taken))
        recall.append(sum(taken) / sum(marked))
    precision.append(1.0)
    recall.append(0.0)
    for i in range(1, len(precision)):
        precision[i] = max(precision[i - 1], precision[i])
    falls = [precision[i] for i in range(len(recall) - 1) if recall[i] != recall[i + 1]]
    assert ranked_precision(scores, marked) == pytest.approx(sum(falls) / len(falls))


def test_momentseekers_two_precisions_worked_by_hand():
    ranked = [Span(0, 10), Span(20, 30), Span(10, 20)]
    truth = [Span(5, 10), Span(12, 20)]
    # Against 5–20: 5/20, 0, 10/15; the mean down to the third place is 11/36.
    assert graded_precision(ranked, truth) == pytest.approx(1 / 4 * 1 / 4 + 11 / 36 * 2 / 3)
    # 5/10 with the first truth, nothing, 8/10 with the second: precisions 1/1 and 2/3.
    assert matched_precision(ranked, truth, 0.3) == pytest.approx((1 + 2 / 3) / 2)
    assert matched_precision([Span(0, 10), Span(0, 10)], [Span(0, 10)], 0.3) == 1.0, "a truth is matched once"
    assert graded_precision(ranked, []) == matched_precision(ranked, [], 0.3) == 0.0


def test_a_stretch_has_the_best_of_what_spans_lend_it():
    parts = stretches(35.0, 10.0)
    assert [(p.start_seconds, p.stop_seconds) for p in parts] == [(0, 10), (10, 20), (20, 30), (30, 35)]
    outcome = made(question(), (12, 18, 2.0), (15, 35, 0.4))
    # 10–20 holds all of the first; half of 10–20, all of 20–30 and of 30–35 lie in the second.
    assert score_stretches(outcome, parts) == pytest.approx([0.0, 2.0, 0.4, 0.4])
    unscored = Outcome(
        id="1", system="ask", video="v", status="answered", spans=(Span(0, 10), Span(25, 30), Span(30, 32))
    )
    assert score_stretches(unscored, parts) == pytest.approx([1.0, 0.0, 1 / 2, 1 / 3])


def test_as_a_set_of_times_only_spans_near_the_best_count():
    assert leading(made(question(), (0, 5, 1.0), (10, 15, 0.5), (20, 25, 0.49))) == (Span(0, 5), Span(10, 15))


# from what was found to outcomes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("certain", "found", "status", "guessed", "spans"),
    [
        (False, {"moments": (moment(5, 9, 2.0), moment(1, 3, 1.0))}, "answered", False, [(5, 9), (1, 3)]),
        (True, {"nearest": (moment(5, 9, 0.1),)}, "answered", True, [(5, 9)]),
        (False, {"nearest": (moment(5, 9, 0.1),)}, "not_found", False, []),
        (True, {}, "not_found", False, []),
    ],
)
def test_what_is_no_better_than_chance_is_given_only_where_a_moment_is_promised(
    certain, found, status, guessed, spans
):
    outcome = outcome_of_found(
        question(certain=certain), "find", Found(query="q", **found), seconds=1.0, video_seconds=30.0
    )
    assert (outcome.status, outcome.guessed, outcome.video_seconds) == (status, guessed, 30.0)
    assert [(s.start_seconds, s.stop_seconds) for s in outcome.spans] == spans
    assert len(outcome.scores) == len(outcome.spans)


# benchmarks -------------------------------------------------------------------------------------

SEEKER = {
    "qry_text": "A man opens the safe.",
    "qry_img_path": "",
    "qry_video_path": "",
    "src_video_path": "/share/movies/movie101_16.mp4",
    "answering_time_interval": [[11, 19]],
    "task": "Action Recognition",
}


def test_momentseeker_reads_words_pictures_and_clips(folder):
    data = folder(
        {
            "benchmark/t2v.json": [SEEKER],
            "benchmark/ti2v.json": [{**SEEKER, "qry_img_path": "img/a.png", "task": "Other"}],
            "benchmark/tv2v.json": [{**SEEKER, "qry_text": "", "qry_video_path": "clips/b.mp4"}],
        },
        ["videos/movie101_16.mp4", "img/a.png", "clips/b_mid_frame.png"],
    )
    words, picture, clip = find_benchmark("MomentSeeker").load(data, subtitles=False)
    assert (words.video, words.query, words.picture) == ("movie101_16", "A man opens the safe.", None)
    assert words.path.endswith("videos/movie101_16.mp4") and words.windows == (Span(11, 19),)
    assert words.facets == {"task": ("Action Recognition",), "group": ("event",), "asked by": ("words",)}
    assert picture.picture == str(data / "img/a.png") and "group" not in picture.facets
    assert clip.picture == str(data / "clips/b_mid_frame.png") and clip.query == ""
    assert len({q.id for q in (words, picture, clip)}) == 3


def test_momentseeker_ranks_stretches_of_ten_seconds(folder):
    data = folder(
        {"t2v.json": [SEEKER, {**SEEKER, "answering_time_interval": [[30, 34]]}]}, ["movie101_16.mp4"]
    )
    benchmark = find_benchmark("momentseeker")
    first, second = benchmark.load(data, subtitles=False)
    spans = [(12, 18, 2.0), (15, 35, 0.4)]
    pairs = [(q, made(q, *spans, video_seconds=35.0)) for q in (first, second)]
    # Ranked: 10–20, 20–30, 30–35. The first: 8/10 at once. The second: 4/5 at the third place.
    assert official(benchmark.score("find", pairs)) == {
        "R@1": 0.5,
        "mAP@5": round((0.8 * 0.8 + 0.8 / 3 * 0.8) / 2, 4),
        "mAP@5, as described": round((1 + 1 / 3) / 2, 4),
    }
    failed = [(first, made(first, *spans, video_seconds=35.0, status="failed"))]
    assert official(benchmark.score("find", failed))["R@1"] == 0.0


QV = {
    "qid": 7,
    "query": "A man walks.",
    "duration": 10,
    "vid": "v",
    "relevant_windows": [[2, 6]],
    "relevant_clip_ids": [1, 2],
    "saliency_scores": [[4, 3, 2], [4, 4, 4]],
}


def test_qvhighlights_scores_clips_as_each_annotator_saw_them(folder):
    benchmark = find_benchmark("qvhighlights")
    (asked,) = benchmark.load(folder({"highlight_val_release.jsonl": [QV]}, ["v.mp4"]), subtitles=False)
    outcome = made(asked, (2, 4, 1.0), (4, 6, 0.5))
    found = official(benchmark.score("find", [(asked, outcome)]))
    # Clips: 0, 1, 0.5, 0, 0. Of VeryGood the second and third annotator marked the third clip alone.
    assert {name: value for name, value in found.items() if "highlights" in name} == {
        "highlights: mAP, Fair": 1.0,
        "highlights: HIT@1, Fair": 1.0,
        "highlights: mAP, Good": round((1 + 1 + 0.5) / 3, 4),
        "highlights: HIT@1, Good": 1.0,
        "highlights: mAP, VeryGood": round((1 + 0.5 + 0.5) / 3, 4),
        "highlights: HIT@1, VeryGood": 1.0,
    }
    (row,) = benchmark.submit([(asked, outcome)])["submission.jsonl"]
    assert row["pred_saliency_scores"] == [0.0, 1.0, 0.5, 0.0, 0.0]
    assert row["pred_relevant_windows"] == [[2.0, 4.0, 1.0], [4.0, 6.0, 0.9]]
    assert set(row) == {"qid", "query", "vid", "pred_relevant_windows", "pred_saliency_scores"}


def test_qvhighlights_hit_is_missed_where_nobody_marked_the_best_clip(folder):
    benchmark = find_benchmark("qvhighlights")
    (asked,) = benchmark.load(folder({"highlight_val_release.jsonl": [QV]}, ["v.mp4"]), subtitles=False)
    found = official(benchmark.score("find", [(asked, made(asked, (8, 10, 1.0), (2, 6, 0.5)))]))
    assert found["highlights: HIT@1, Fair"] == 0.0
    # The fifth clip first, then both marked ones at one score: 2 of 3 for everybody.
    assert found["highlights: mAP, Fair"] == round(2 / 3, 4)
    not_found = official(benchmark.score("find", [(asked, made(asked, status="not_found"))]))
    assert not_found["highlights: mAP, Fair"] == not_found["highlights: HIT@1, Fair"] == 0.0


def test_qvhighlights_takes_windows_of_one_length_alone(folder):
    rows = [
        {**QV, "qid": 1, "duration": 150, "relevant_windows": [[0, 10], [20, 45]]},
        {**QV, "qid": 2, "duration": 150, "relevant_windows": [[0, 10]]},
    ]
    benchmark = find_benchmark("qvhighlights")
    asked = benchmark.load(folder({"highlight_val_release.jsonl": rows}, ["v.mp4"]), subtitles=False)
    scores = benchmark.score("find", [(q, made(q, (0, 10, 1.0))) for q in asked])
    assert official(scores) | {"mAP": 0.75, "mAP, short": 1.0, "mAP, middle": 0.0} == official(scores)
    assert scores.metrics["mAP, short"].count == 2 and scores.metrics["mAP, middle"].count == 1
    assert "mAP, long" not in scores.metrics, "no window is that long"


# a run ------------------------------------------------------------------------------------------


@pytest.fixture
def indexed(monkeypatch):
    """A video of a minute in six scenes, as captioned."""
    told = [
        "A woman waters flowers on a balcony.",
        "A brown dog rides a skateboard down the street.",
        "Two men carry a piano.",
        "A boy draws a whale.",
        "Rain falls on a market.",
        "A train leaves the station.",
    ]
    scenes = tuple(
        Scene(index=n, start_seconds=10 * n, stop_seconds=10 * n + 10, brief=text, detailed=text)
        for n, text in enumerate(told)
    )
    index = Index(key="k", video=video_info(60), scenes=scenes, created_at="9999")
    monkeypatch.setattr(running, "index_video", lambda *_, **__: index)
    return index


def plan_of(benchmark, data, names=("find",)):
    questions = benchmark.load(data, subtitles=False)
    return Plan(benchmark, questions, named(names, "high", "fused"), load_settings(), False)


def test_find_answers_charades_without_any_model(folder, indexed, tmp_path):
    rows = [
        {"video": "v", "caption": "a dog rides a skateboard", "timestamp": [10.0, 20.0]},
        {"video": "v", "caption": "a boy draws a whale", "timestamp": [33.0, 37.0]},
        {"video": "v", "caption": "xylophones", "timestamp": [0.0, 5.0]},
    ]
    data = folder({"charades_test.json": rows}, ["v.mp4"])
    result = run(plan_of(find_benchmark("charades"), data), tmp_path / "out")
    outcomes = [o for _, o in result.answered("find")]
    assert [o.status for o in outcomes] == ["answered", "answered", "not_found"]
    assert outcomes[0].spans[0] == Span(10, 20) and outcomes[0].usage.calls == 0
    assert official(result.scores[0])["mIoU"] == round((1 + 0.4 + 0) / 3, 4)
    again = running.Journal(result.folder).outcomes["find", outcomes[0].id]
    assert again.scores == outcomes[0].scores and again.video_seconds == 60.0, "kept for --resume"


def test_find_answers_vuetr_momentseeker_and_qvhighlights(folder, indexed, tmp_path):
    query = "a dog rides a skateboard"
    data = folder(
        {
            "VUE-TR_ground_truth.json": [
                {"query_id": 1, "video_id": "v", "duration": 60, "query": query, "gt": [[10, 20]]},
                {"query_id": 2, "video_id": "v", "duration": 60, "query": "an elephant sings", "gt": []},
            ],
            "highlight_val_release.jsonl": [
                {
                    **QV,
                    "query": query,
                    "duration": 60,
                    "relevant_clip_ids": [5],
                    "saliency_scores": [[4, 4, 4]],
                }
            ],
            "t2v.json": [
                {
                    **SEEKER,
                    "qry_text": query,
                    "src_video_path": "v.mp4",
                    "answering_time_interval": [[12, 18]],
                }
            ],
        },
        ["v.mp4"],
    )
    found = {
        name: official(run(plan_of(find_benchmark(name), data), tmp_path / "out").scores[0])
        for name in ("vuetr", "momentseeker", "qvhighlights")
    }
    assert found["vuetr"]["mean IoU"] == 1.0, "nothing there, nothing found"
    assert found["momentseeker"]["R@1"] == 1.0
    # All five clips of the scene are alike; the first of them is the marked one.
    assert found["qvhighlights"]["highlights: HIT@1, VeryGood"] == 1.0
    assert found["qvhighlights"]["highlights: mAP, VeryGood"] == 0.2


def test_a_picture_that_is_not_there_fails_by_name_and_ask_takes_none(folder, indexed, tmp_path):
    row = {**SEEKER, "src_video_path": "v.mp4", "qry_img_path": "img/gone.png"}
    data = folder({"ti2v.json": [row]}, ["v.mp4"])
    result = run(plan_of(find_benchmark("momentseeker"), data, ("find", "ask")), tmp_path / "out")
    (found,), (asked,) = ([o for _, o in result.answered(s.system)] for s in result.scores)
    assert found.status == "failed" and "img/gone.png" in found.reason
    assert asked.status == "failed" and "takes no picture" in asked.reason


def test_confirming_looks_at_ten_moments_and_no_more(folder, monkeypatch, indexed, tmp_path):
    """Each is a call of its own: a hundred for every query would be nobody's plan."""
    asked = []

    async def find_moments(indexes, query, settings, **how):
        asked.append((how["top"], how["confirm"]))
        return Found(query=query, moments=(moment(10, 20, 1.0, confirmed=True),))

    monkeypatch.setattr("mrvideo.evals.finding.find_moments", find_moments)
    rows = [{"video": "v", "caption": "a dog", "timestamp": [10.0, 20.0]}]
    plan = plan_of(find_benchmark("charades"), folder({"charades_test.json": rows}, ["v.mp4"]))
    plan = replace(
        plan,
        systems=named(("find", "find-confirm"), "high", "fused"),
        settings=load_settings(vision="openai:x"),
    )
    result = run(plan, tmp_path / "out")
    assert asked == [(100, False), (10, True)]
    ((_, outcome),) = result.answered("find, confirmed")
    assert outcome.verified and outcome.spans == (Span(10, 20),)


# which systems ----------------------------------------------------------------------------------


def test_systems_are_named_in_their_order_and_each_once():
    systems = named(("no-memory", "find", "ask", "find"), "medium", "fused")
    assert [s.name for s in systems] == ["mrvideo medium, no memory", "find", "mrvideo medium"]
    assert [s.memory for s in systems] == [False, True, True]
    assert len({s.name for s in named(NAMES, "high", "fused")}) == len(NAMES)


def test_find_is_refused_for_questions_that_ask_for_no_moment():
    with pytest.raises(InputError, match="--systems ask"):
        check_fit(named(("find",), "high", "fused"), [question(kind="choice")], sees=True)
    with pytest.raises(SettingsError, match="--vision"):
        check_fit(named(("find-confirm",), "high", "fused"), [question()], sees=False)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("--systems", "oracle"), InputError, "no system 'oracle'; there are ask, find"),
        (("--systems", " , "), InputError, "no system is named"),
        (("--systems", "find", "--ablate"), SettingsError, "--ablate"),
    ],
)
def test_systems_that_do_not_exist_are_refused_on_the_command_line(folder, words, error, message):
    data = folder({"charades_test.json": [{"video": "v", "caption": "a dog", "timestamp": [0, 1]}]})
    done = CliRunner().invoke(app, ["eval", "charades", "--data", str(data), *words])
    assert isinstance(done.exception, error) and message in str(done.exception)


def test_the_command_line_asks_find(folder, indexed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"video": "v", "caption": "two men carry a piano", "timestamp": [20.0, 30.0]}]
    data = folder({"charades_test.json": rows}, ["v.mp4"])
    words = ["eval", "charades", "--data", str(data), "--systems", "find", "--offline", "--json", "-q"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (system,) = json.loads(done.stdout)["systems"]
    assert system["system"] == "find" and math.isclose(system["metrics"]["mIoU"]["value"], 1.0)
