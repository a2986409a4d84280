"""Each benchmark: files of its real shape in, the authors' numbers out."""

import json

import pytest

from mrvideo.errors import InputError
from mrvideo.evals import files, longvideobench, tasks
from mrvideo.evals.lvbench import split_options
from mrvideo.evals.tasks import NAMES, choose, find_benchmark
from mrvideo.records import Span


def score(benchmark, pairs):
    return benchmark.score("s", pairs)


def rounded(numbers):
    return {name: round(number.value, 4) for name, number in numbers.items()}


# LVBench ----------------------------------------------------------------------------------------

LVBENCH = [
    {
        "key": "abc",
        "type": "cartoon",
        "video_info": {"fps": 25, "resolution": "1280x720", "duration_minutes": 60.5},
        "qa": [
            {
                "uid": "1",
                "question": "What year is on the sign?\n(A) 1636\n(B) 1366\n(C) 1363\n(D) 1633",
                "answer": "D",
                "question_type": ["key information retrieval", "entity recognition"],
                "time_reference": "00:15-00:19",
            },
            {
                "uid": 2,
                "question": "Who wins?\n(A) Ann\n(B) Bob\n(C) Cy\n(D) Di",
                "answer": "A",
                "question_type": ["reasoning"],
                "time_reference": "1:00:01-1:00:09",
            },
        ],
    },
    {
        "key": "gone",
        "type": "sport",
        "qa": [
            {
                "uid": "3",
                "question": "Who?\n(A) a\n(B) b\n(C) c\n(D) d",
                "answer": "B",
                "question_type": ["reasoning"],
                "time_reference": "",
            }
        ],
    },
]


@pytest.fixture
def lvbench(folder):
    return find_benchmark("lvbench").load(
        folder({"video_info.meta.jsonl": LVBENCH}, ["videos/abc.mp4"]), subtitles=False
    )


def test_lvbench_reads_inline_options_times_and_categories(lvbench):
    first, second, third = lvbench
    assert first.text == "What year is on the sign?"
    assert first.options == ("1636", "1366", "1363", "1633") and first.right == 3
    assert first.key_spans == (Span(15, 19),) and second.key_spans == (Span(3601, 3609),)
    assert first.facets["category"] == ("key information retrieval", "entity recognition")
    assert first.duration_seconds == 3630
    assert second.id == "2" and third.path is None


def test_lvbench_options_that_cannot_be_told_apart_stay_in_the_text():
    text = "Which?\n(A) one\n(C) two"
    assert split_options(text) == (text, ("A", "B", "C", "D"))


def test_lvbench_official_leaves_a_missing_video_out_and_strict_counts_it_wrong(lvbench, outcome):
    first, second, third = lvbench
    pairs = [
        (first, outcome(first, 3, cited=[(15.5, 16)])),
        (second, outcome(second, "failed")),
        (third, outcome(third, "missing")),
    ]
    scores = score(find_benchmark("lvbench"), pairs)
    assert rounded(scores.metrics) == {"accuracy": 0.5, "accuracy, strict": 0.3333}
    # A question counts in each of its categories, and once overall.
    assert rounded(scores.facets["category"]) == {
        "entity recognition": 1.0,
        "key information retrieval": 1.0,
        "reasoning": 0.0,
    }
    assert scores.statuses == {"answered": 1, "failed": 1, "missing": 1}
    assert rounded(scores.evidence) == {
        "recall": 0.5,
        "intersection over union": round(0.5 / 4 / 2, 4),
        "right with recall 1": 0.5,
    }


def test_lvbench_hands_in_letters_and_never_guesses_one(lvbench, outcome):
    first, second, third = lvbench
    pairs = [
        (first, outcome(first, 3)),
        (second, outcome(second, "failed")),
        (third, outcome(third, "missing")),
    ]
    handed_in = find_benchmark("lvbench").submit(pairs)
    assert handed_in["answers.json"] == {"1": "D", "2": ""}
    assert handed_in["result.json"] == {"ER": 1.0, "KIR": 1.0, "Rea": 0.0, "Overall": 0.5}


# LongVideoBench ---------------------------------------------------------------------------------


def lvb_row(**changes):
    row = {
        "id": "v1_0",
        "video_id": "v1",
        "video_path": "v1.mp4",
        "subtitle_path": "v1_en.json",
        "question": "What?",
        "question_wo_referring_query": "What?",
        "candidates": ["a", "b", "c", "d", "e"],
        "correct_choice": 2,
        "position": [10],
        "topic_category": "T",
        "question_category": "S2E",
        "level": "L1-Perception",
        "duration_group": 3600,
        "duration": 1200.5,
        "starting_timestamp_for_subtitles": 100.0,
        "view_count": 1,
    }
    return {**row, **changes}


def test_longvideobench_moves_subtitles_to_the_clips_clock(folder):
    cues = [
        {"timestamp": [90.0, 95.0], "text": "before the clip"},
        {"timestamp": [99.0, 104.0], "text": "runs into it"},
        {"timestamp": [110.0, None], "text": "no end"},
        {"timestamp": [112.5, 113.0], "text": "last"},
    ]
    data = folder({"lvb_val.json": [lvb_row()], "subtitles/v1_en.json": cues}, ["videos/v1.mp4"])
    (question,) = find_benchmark("longvideobench").load(data, subtitles=True)
    assert [(c.start_seconds, c.stop_seconds, c.text) for c in question.cues] == [
        (0.0, 4.0, "runs into it"),
        (10.0, 12.5, "no end"),
        (12.5, 13.0, "last"),
    ]
    assert question.right == 2 and question.facets["duration group"] == ("3600",)
    assert choose(find_benchmark("longvideobench"), (question,), subset="long", limit=None) == (question,)
    (without,) = find_benchmark("longvideobench").load(data, subtitles=False)
    assert without.cues == ()


def test_longvideobench_reads_the_other_subtitle_shape(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps([{"start": "00:01:40.500", "end": "00:01:42", "line": "hello"}]))
    (cue,) = longvideobench.read_cues(path, starting_seconds=100.0)
    assert (cue.start_seconds, cue.stop_seconds, cue.text) == (0.5, 2.0, "hello")


def test_longvideobench_parquet_leaves_absent_options_out(folder):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    row = {**lvb_row(), "option0": "a", "option1": "b", "option2": "c", "option3": "d", "option4": "N/A"}
    del row["candidates"]
    data = folder({}, ["v1.mp4"])
    pyarrow.parquet.write_table(arrow.Table.from_pylist([row]), data / "validation-00000.parquet")
    (question,) = find_benchmark("longvideobench").load(data, subtitles=False)
    assert question.options == ("a", "b", "c", "d") and question.path is not None


def test_a_hidden_answer_is_handed_in_but_not_scored(folder, outcome):
    row = lvb_row()
    del row["correct_choice"]
    data = folder({"lvb_test_wo_gt.json": [row]}, ["v1.mp4"])
    (question,) = find_benchmark("longvideobench").load(data, subtitles=False)
    pairs = [(question, outcome(question, 1))]
    assert score(find_benchmark("longvideobench"), pairs).metrics["accuracy"].count == 0
    assert find_benchmark("longvideobench").submit(pairs) == {"predictions.json": {"v1_0": "B"}}


# Video-MME --------------------------------------------------------------------------------------


def test_videomme_reads_and_writes_the_official_shape(folder, outcome):
    row = {
        "video_id": "001",
        "duration": "long",
        "domain": "Knowledge",
        "sub_category": "Humanity",
        "url": "u",
        "videoID": "fFj",
        "question_id": "001-1",
        "task_type": "Counting",
        "question": "How many?",
        "options": ["A. 1.", "B. 2.", "C. 3.", "D. 4."],
        "answer": "C",
    }
    benchmark = find_benchmark("Video-MME")
    data = folder({"videomme.json": [row], "subtitle/fFj.srt": ""}, ["data/fFj.mp4"])
    (question,) = benchmark.load(data, subtitles=True)
    assert question.options == ("1.", "2.", "3.", "4.") and question.right == 2
    assert question.subtitles.endswith("fFj.srt")
    assert benchmark.load(data, subtitles=False)[0].subtitles is None
    handed_in = benchmark.submit([(question, outcome(question, 0))])["output.json"]
    assert handed_in == [
        {
            "video_id": "001",
            "duration": "long",
            "domain": "Knowledge",
            "sub_category": "Humanity",
            "questions": [
                {
                    "question_id": "001-1",
                    "task_type": "Counting",
                    "question": "How many?",
                    "options": row["options"],
                    "answer": "C",
                    "response": "A",
                }
            ],
        }
    ]
    # The official result file can be read back as a question file.
    (data / "videomme.json").write_text(json.dumps(handed_in))
    (again,) = benchmark.load(data, subtitles=False)
    assert (again.id, again.right, again.options) == (question.id, question.right, question.options)


# EgoSchema --------------------------------------------------------------------------------------


def test_egoschema_scores_the_public_answers_only(folder, outcome):
    rows = [
        {
            "q_uid": uid,
            "google_drive_id": f"g-{uid}",
            "question": "Why?",
            **{f"option {n}": f"o{n}" for n in range(5)},
        }
        for uid in ("u1", "u2")
    ]
    benchmark = find_benchmark("egoschema")
    data = folder({"questions.json": rows, "subset_answers.json": {"u1": 4}}, ["videos/u1.mp4", "g-u2.mp4"])
    first, second = benchmark.load(data, subtitles=False)
    assert second.path is not None, "found by its drive id"
    scores = score(benchmark, [(first, outcome(first, 4)), (second, outcome(second, 0))])
    assert scores.metrics["accuracy"].value == 1.0 and scores.metrics["accuracy"].count == 1
    assert choose(benchmark, (first, second), subset="subset", limit=None) == (first,)


# MLVU -------------------------------------------------------------------------------------------


def mlvu_row(kind, video, answer):
    return {
        "video": video,
        "duration": 500,
        "question": "Which?",
        "candidates": ["x", "y"],
        "answer": answer,
        "question_type": kind,
    }


def test_mlvu_averages_tasks_and_leaves_generation_out(folder, outcome):
    benchmark = find_benchmark("mlvu")
    data = folder(
        {
            "json/1_plotQA.json": [mlvu_row("plotQA", "m1.mp4", "x")] * 3,
            "json/4_count.json": [mlvu_row("count", "m1.mp4", "y")],
            "json/9_summary.json": [
                {"video": "m1.mp4", "question": "Sum up", "answer": "…", "question_type": "summary"}
            ],
        },
        ["video/1_plotQA/m1.mp4", "video/4_count/m1.mp4"],
    )
    questions = benchmark.load(data, subtitles=False)
    assert len(questions) == 4
    assert {q.path.split("/")[-2] for q in questions} == {"1_plotQA", "4_count"}
    assert len({q.id for q in questions}) == 4
    scores = score(benchmark, [(q, outcome(q, 0)) for q in questions])
    assert scores.metrics["M-Avg"].value == 0.5, "not 3 of 4"


def test_mlvu_refuses_an_answer_that_is_no_candidate(folder):
    data = folder({"1_plotQA.json": [mlvu_row("plotQA", "m.mp4", "z")]})
    with pytest.raises(InputError, match="none of the candidates"):
        find_benchmark("mlvu").load(data, subtitles=False)


# VNBench ----------------------------------------------------------------------------------------


def vnbench_rows(video, kind, gt="Al", times=(12.5,)):
    options = ["Al", "Bo", "Cy", "Di"]
    return [
        {
            "video": f"/VNBench/{video}.mp4",
            "question": "What is the secret word?",
            "options": options[turn:] + options[:turn],
            "gt": gt,
            "gt_option": "ABCD"[-turn % 4],
            "needle_time": list(times),
            "type": kind,
            "try": turn,
            "length": 60,
        }
        for turn in range(4)
    ]


def test_vnbench_is_circular_and_averages_tasks(folder, outcome):
    rows = [
        *vnbench_rows("v1", "ret_edit1"),
        *vnbench_rows("v2", "ret_insert1"),
        *vnbench_rows("v3", "ord_edit1"),
        *vnbench_rows("v4", "ord_edit1"),
    ]
    benchmark = find_benchmark("vnbench")
    data = folder({"VNBench-main-4try.json": rows}, [f"{name}.mp4" for name in ("v1", "v2", "v3")])
    questions = benchmark.load(data, subtitles=False)
    assert questions[1].right == 3 and questions[1].key_spans == (Span(12.5, 14.5),)
    assert questions[1].id == "v1_1"
    pairs = [
        (
            q,
            outcome(
                q, q.right if "v3" in q.video or "v1" in q.video or q.id == "v2_0" else (q.right + 1) % 4
            ),
        )
        for q in questions
    ]
    scores = score(benchmark, pairs)
    # ret: v1 right, v2 right once in four; ord: v3 right, v4 missing.
    assert scores.metrics["circular accuracy"].value == pytest.approx((0.5 + 1.0) / 2)
    assert scores.metrics["circular accuracy, strict"].value == pytest.approx((0.5 + 0.5) / 2)
    assert scores.metrics["accuracy of single tries"].value == pytest.approx(9 / 12)
    handed_in = benchmark.submit(pairs)["results.jsonl"]
    assert handed_in[0]["gt"] == handed_in[0]["pred"] == "A" and handed_in[-1]["pred"] is None


def test_an_absent_needle_that_is_found_is_a_false_find(folder, outcome):
    rows = [
        {
            "video": "v.mp4",
            "group": "v-a",
            "question": "What is the secret fruit?",
            "type": "abs_edit1",
            "gt": None,
        },
        {
            "video": "v.mp4",
            "group": "v-b",
            "question": "What is the secret city?",
            "type": "abs_edit1",
            "gt": None,
        },
        *vnbench_rows("v", "ret_edit1"),
    ]
    benchmark = find_benchmark("vnbench")
    questions = benchmark.load(folder({"VNBench-main-4try.json": rows}, ["v.mp4"]), subtitles=False)
    made = ["not_found", 1, *(q.right for q in questions[2:])]
    scores = score(benchmark, [(q, outcome(q, m)) for q, m in zip(questions, made, strict=True)])
    assert scores.metrics["false finds"].value == 0.5
    assert scores.metrics["circular accuracy"].value == 1.0
    assert scores.statuses == {"answered": 5, "not_found": 1}


# moments ----------------------------------------------------------------------------------------


def test_vuetr_scores_empty_truth_and_the_failed(folder, outcome):
    rows = [
        {"query_id": n, "video_id": "v", "duration": 90, "query": "a dog", "gt": gt, "query_format": "phrase"}
        for n, gt in enumerate([[[10, 20]], [], []])
    ]
    benchmark = find_benchmark("vue-tr")
    questions = benchmark.load(folder({"VUE-TR_ground_truth.json": rows}, ["v.mp4"]), subtitles=False)
    made = [[(10.2, 19.7)], "not_found", "failed"]
    pairs = [(q, outcome(q, m)) for q, m in zip(questions, made, strict=True)]
    scores = score(benchmark, pairs)
    assert scores.metrics["IoU AUC"].value == pytest.approx((0.995 + 0.995 + 0) / 3)
    assert benchmark.submit(pairs)["results.json"][0] == {"query_id": "0", "answer": [[10.2, 19.7]]}


@pytest.mark.parametrize(
    "files",
    [
        {
            "charades_sta_test.json": [
                {"video": "AO8RW.mp4", "caption": "opens a door.", "timestamp": [0.0, 10.0]}
            ]
            * 3
        },
        {"charades_sta_test.txt": "AO8RW 0.0 10.0##opens a door.\n" * 3},
    ],
)
def test_charades_takes_the_first_span_only(folder, outcome, files):
    benchmark = find_benchmark("charades")
    questions = benchmark.load(folder(files, ["AO8RW.mp4"]), subtitles=False)
    made = [[(0.0, 6.0)], [(20.0, 30.0), (0.0, 10.0)], "unparsed"]
    scores = score(benchmark, [(q, outcome(q, m)) for q, m in zip(questions, made, strict=True)])
    official = {name: value for name, value in rounded(scores.metrics).items() if "strict" not in name}
    assert official == {
        "R@1, IoU ≥ 0.3": 0.3333,
        "R@1, IoU ≥ 0.5": 0.3333,
        "R@1, IoU ≥ 0.7": 0.0,
        "mIoU": 0.2,
    }


def test_qvhighlights_ranks_moments_and_takes_the_best_window(folder, outcome):
    row = {
        "qid": 7,
        "query": "A man walks.",
        "duration": 150,
        "vid": "R_360.0_510.0",
        "relevant_windows": [[26, 36], [80, 90]],
        "relevant_clip_ids": [13],
        "saliency_scores": [[4, 4, 2]],
    }
    benchmark = find_benchmark("qvhighlights")
    data = folder({"highlight_val_release.jsonl": [row]}, ["videos/R_360.0_510.0.mp4"])
    (question,) = benchmark.load(data, subtitles=False)
    assert question.path is not None, "a name with dots is not cut at the last one"
    pairs = [(question, outcome(question, [(80, 90), (0, 10), (26, 34)]))]
    scores = score(benchmark, pairs)
    assert scores.metrics["R1@0.7"].value == 1.0
    assert scores.metrics["mAP@0.5"].value == pytest.approx((1 + 2 / 3) / 2)
    assert scores.metrics["mAP"].value == pytest.approx((7 * (1 + 2 / 3) / 2 + 3 * 0.5) / 10)
    assert benchmark.submit(pairs)["submission.jsonl"][0]["pred_relevant_windows"][0] == [80.0, 90.0, 1.0]


# all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_the_benchmarks_files_is_refused_by_name(tmp_path, name):
    with pytest.raises(InputError, match=str(tmp_path)):
        find_benchmark(name).load(tmp_path, subtitles=False)


def test_an_unknown_benchmark_or_subset_names_those_there_are(lvbench):
    with pytest.raises(InputError, match="vnbench"):
        find_benchmark("imagenet")
    with pytest.raises(InputError, match="entity recognition"):
        choose(find_benchmark("lvbench"), lvbench, subset="nothing", limit=None)
    assert [q.id for q in choose(find_benchmark("lvbench"), lvbench, subset="Rea", limit=1)] == ["2"]


def test_a_limit_keeps_circles_whole(folder):
    rows = [*vnbench_rows("v1", "ret_edit1"), *vnbench_rows("v2", "ret_edit1")]
    questions = find_benchmark("vnbench").load(folder({"VNBench-main-4try.json": rows}), subtitles=False)
    assert len(tasks.choose(find_benchmark("vnbench"), questions, subset=None, limit=1)) == 4


def test_a_damaged_annotation_file_is_named(folder):
    data = folder({"questions.json": "{not json"})
    with pytest.raises(InputError, match=r"questions\.json"):
        find_benchmark("egoschema").load(data, subtitles=False)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("00:15-00:19", [(15, 19)]),
        ("01:02:03-01:02:10", [(3723, 3730)]),
        ("00:15-00:19, 01:00-01:30", [(15, 19), (60, 90)]),
        ("00:20", [(20, 20)]),
        ("00:19-00:15", []),
        ("", []),
    ],
)
def test_time_references_are_read(text, spans):
    assert [(s.start_seconds, s.stop_seconds) for s in files.clock_spans(text)] == spans


def test_an_answer_that_is_no_option_names_its_file(folder):
    rows = [LVBENCH[0] | {"qa": [LVBENCH[0]["qa"][0] | {"answer": "7"}]}]
    with pytest.raises(InputError, match=r"video_info\.meta\.jsonl: the answer '7' is none of 4 options"):
        find_benchmark("lvbench").load(folder({"video_info.meta.jsonl": rows}), subtitles=False)


def test_a_time_that_is_no_number_names_its_line(folder):
    with pytest.raises(InputError, match=r"charades_sta_test\.txt, line 1: .*'1O\.0'"):
        find_benchmark("charades").load(
            folder({"charades_sta_test.txt": "AO8RW 0.0 1O.0##opens a door.\n"}), subtitles=False
        )
