"""A run: nothing guessed, nothing lost, nothing asked twice, everything counted."""

import json
from dataclasses import replace

import pytest
from support.films import video_info

from mrvideo.errors import BudgetReached, DecodeError, InputError, ModelBusy, ModelUnavailable
from mrvideo.evals import run as running
from mrvideo.evals.counting import score_choices
from mrvideo.evals.items import Benchmark, Question
from mrvideo.evals.journal import ITEMS, Journal
from mrvideo.evals.report import failure_kind, render
from mrvideo.evals.run import Plan, run, summary
from mrvideo.evals.systems import ablations, plain
from mrvideo.records import Answer, Claim, Evidence, Index, Span, Usage
from mrvideo.settings import load_settings


def info(path):
    return video_info(1800, path=str(path), width=640, height=360)


def answer(choice=None, *, span=(10, 12), **changes):
    evidence = (Evidence(id="e1", start_seconds=span[0], stop_seconds=span[1], source="frame", quote="x"),)
    fields = {
        "question": "q",
        "answer": None if choice is None else "text",
        "choice": choice,
        "confidence": 4,
        "verified": True,
        "claims": (Claim(text="x", evidence_ids=("e1",)),),
        "evidence": evidence,
        "usage": Usage(calls=3, input_tokens=1000, output_tokens=50, images=8, cost=0.01),
        "video": "v",
        "video_digest": "d" * 64,
    }
    return Answer(**{**fields, **changes})


class Bench:
    """A fake pipeline: what each question gets, and what was asked."""

    def __init__(self):
        self.asked, self.indexed, self.made, self.subtitles, self.retried = [], [], {}, [], []

    def index_video(self, path, settings, *, subtitles, on_event, retry):
        self.indexed.append((path, settings.recipe))
        self.retried.append((path, settings.recipe, retry))
        self.subtitles.append(subtitles.read_text())
        found = self.made.get(path)
        if isinstance(found, BaseException):
            raise found
        return Index(key="k", video=info(path), usage=Usage(calls=9, cost=0.5), created_at="9999")

    async def answer_with(self, system, index, question, options, settings, *, must_choose):
        self.asked.append((system.name, question))
        found = self.made.get((system.name, question), self.made.get(question, answer(0)))
        if isinstance(found, BaseException):
            raise found
        return found


@pytest.fixture
def bench(monkeypatch):
    bench = Bench()
    monkeypatch.setattr(running, "index_video", bench.index_video)
    monkeypatch.setattr(running, "answer_with", bench.answer_with)
    return bench


def question(n, video="v1", **changes):
    fields = {
        "id": str(n),
        "kind": "choice",
        "video": video,
        "path": f"/data/{video}.mp4",
        "text": f"q{n}",
        "options": ("a", "b", "<b>&"),
        "right": 0,
        "facets": {"category": ("x & y" if n % 2 else "z",)},
        "key_spans": (Span(11, 13),),
    }
    return Question(**{**fields, **changes})


@pytest.fixture
def plan():
    benchmark = Benchmark(
        name="toy",
        title="Toy <benchmark>",
        load=lambda data, *, subtitles: (),
        score=score_choices,
        submit=lambda answered: {
            "p.json": {q.id: o.choice for q, o in answered},
            "p.jsonl": [{"a": 1}, {"a": 2}],
        },
        published={"Paper": {"accuracy": 60.8}},
    )
    questions = (question(1), question(2), question(3, video="v2"), question(4, video="gone", path=None))
    return Plan(benchmark, questions, (plain("high", "fused"),), load_settings(), False)


def statuses(result, system="mrvideo high"):
    return {q.id: o.status for q, o in result.answered(system)}


def test_whatever_happens_to_a_question_is_counted_and_nothing_is_guessed(bench, plan, tmp_path):
    bench.made = {"q2": ModelBusy("still busy"), "/data/v2.mp4": DecodeError("v2.mp4 breaks off")}
    result = run(plan, tmp_path)
    assert statuses(result) == {"1": "answered", "2": "failed", "3": "failed", "4": "missing"}
    assert result.outcomes["mrvideo high", "2"].choice is None
    assert "still busy" in result.outcomes["mrvideo high", "2"].reason
    (scores,) = result.scores
    assert scores.metrics["accuracy"].value == pytest.approx(1 / 3)
    assert scores.metrics["accuracy, strict"].value == pytest.approx(1 / 4)
    assert scores.evidence["recall"].value == pytest.approx(1 / 3)
    held = json.loads((result.folder / "submission" / "mrvideo-high" / "p.json").read_text())
    assert held == {"1": 0, "2": None, "3": None, "4": None}
    assert (result.folder / "submission" / "mrvideo-high" / "p.jsonl").read_text().count("\n") == 2


def test_an_answer_without_an_option_is_unparsed_and_one_that_is_not_there_not_found(bench, plan, tmp_path):
    bench.made = {"q1": answer(None, answer="a story"), "q2": answer(None), "q3": answer(2, guessed=True)}
    result = run(plan, tmp_path)
    assert statuses(result) == {"1": "unparsed", "2": "not_found", "3": "answered", "4": "missing"}
    assert result.scores[0].guessed == 1
    kinds = [failure_kind(q, o) for q, o in result.answered("mrvideo high")]
    assert kinds == ["unparsed", "not found", "wrong guess", "missing"]


def test_a_killed_run_goes_on_where_it_was(bench, plan, tmp_path):
    bench.made = {"/data/v2.mp4": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path)
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    with (folder / ITEMS).open("a") as file:
        file.write('{"kind": "outcome", "id": "3", "cut off')
    bench.made, bench.asked = {}, []
    result = run(plan, tmp_path, resume=True)
    assert result.folder == folder
    assert bench.asked == [("mrvideo high", "q3")], "what was answered is not paid twice"
    assert statuses(result) == {"1": "answered", "2": "answered", "3": "answered", "4": "missing"}


def test_resume_asks_again_what_failed_or_was_missing(bench, plan, tmp_path):
    bench.made = {"q1": ModelBusy("busy")}
    run(plan, tmp_path)
    bench.made, bench.asked = {}, []
    found = (*plan.questions[:3], question(4, video="gone"))
    result = run(replace(plan, questions=found), tmp_path, resume=True)
    assert sorted(q for _, q in bench.asked) == ["q1", "q4"]
    assert set(statuses(result).values()) == {"answered"}
    assert len(Journal(result.folder).outcomes) == 4


def test_other_settings_are_another_run(bench, plan, tmp_path):
    first = run(plan, tmp_path)
    second = run(plan, tmp_path)
    assert second.folder != first.folder, "without --resume nothing is overwritten"
    other = replace(plan, settings=load_settings(frames_per_second=1.0))
    with pytest.raises(InputError, match="no run to resume"):
        run(other, tmp_path, resume=True)


def test_a_damaged_line_in_the_middle_is_named_not_skipped(bench, plan, tmp_path):
    folder = run(plan, tmp_path).folder
    lines = (folder / ITEMS).read_text().splitlines()
    (folder / ITEMS).write_text("\n".join([lines[0], "{", *lines[2:]]) + "\n")
    with pytest.raises(InputError, match="line 2"):
        run(plan, tmp_path, resume=True)


@pytest.mark.parametrize("stop", [ModelUnavailable("no key"), BudgetReached("spent")])
def test_what_no_question_can_survive_stops_the_run_and_keeps_what_is_done(bench, plan, tmp_path, stop):
    bench.made = {"q3": stop}
    with pytest.raises(type(stop)):
        run(plan, tmp_path)
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert {o.status for o in Journal(folder).outcomes.values()} == {"answered"}


def test_the_runs_budget_covers_captioning_and_answers(bench, plan, tmp_path):
    # 0.5 for the first video, 2 × 0.01 for its answers: nothing is left for the second video.
    tight = replace(plan, settings=load_settings(max_cost=0.52))
    with pytest.raises(BudgetReached, match="--resume"):
        run(tight, tmp_path)
    assert [path for path, _ in bench.indexed] == ["/data/v1.mp4"]
    assert len(bench.asked) == 2


def test_without_subtitles_an_empty_file_keeps_those_in_the_video_out(bench, plan, tmp_path):
    run(plan, tmp_path)
    assert set(bench.subtitles) == {"WEBVTT\n\n"}


def test_subtitles_of_a_benchmarks_own_shape_reach_the_pipeline(bench, plan, tmp_path):
    from mrvideo.records import Cue

    cues = (Cue(start_seconds=1.5, stop_seconds=3, text="hello\nthere"),)
    asked = (question(1, cues=cues), question(2, video="v2"))
    run(replace(plan, questions=asked, subtitles=True), tmp_path)
    assert "00:00:01,500 --> 00:00:03,000" in bench.subtitles[0] and "hello" in bench.subtitles[0]
    assert bench.subtitles[1] == "WEBVTT\n\n"


def test_ablations_ask_every_system_and_caption_once_a_recipe(bench, plan, tmp_path):
    systems = ablations("high", "fused")
    names = [system.name for system in systems]
    assert len(set(names)) == len(names) == 8
    bench.made = {(names[0], "q1"): answer(1)}
    result = run(replace(plan, systems=systems), tmp_path)
    assert {name for name, _ in bench.asked} == set(names)
    assert result.scores[0].metrics["accuracy"].value == pytest.approx(2 / 3)
    assert {recipe for _, recipe in bench.indexed} == {"fused", "paper"}
    again = [(path, recipe) for path, recipe, retry in bench.retried if retry]
    assert len(again) == len(set(again)) == 4, "two videos, two recipes: lost clips are tried again once each"
    spend = {row["system"]: row["spent"] for row in summary(result)["systems"]}
    assert spend[names[1]]["cost_per_question"] == pytest.approx(0.01)
    assert spend[names[1]]["captioning_cost_per_hour"] == pytest.approx(1.0)


def test_numbers_say_where_they_come_from(bench, plan, tmp_path):
    result = run(plan, tmp_path)
    kept = json.loads((result.folder / "results.json").read_text())
    assert kept["identity"]["settings"]["vision"] == "offline"
    assert set(kept["identity"]["prompts"]) >= {"answer", "caption_clip", "uniform"}
    assert kept["about"]["commit"] is None or len(kept["about"]["commit"].split("+")[0]) == 40
    assert "api_key" not in json.dumps(kept)
    assert kept["systems"][0]["metrics"]["accuracy"]["standard_error"] is not None


def test_an_unknown_cost_is_unknown_not_nothing(bench, plan, tmp_path):
    bench.made = {"q1": answer(0, usage=Usage(calls=1, cost=None))}
    (row,) = summary(run(plan, tmp_path))["systems"]
    assert row["spent"]["cost_per_question"] is None
    assert row["spent"]["calls_per_question"] == pytest.approx(7 / 3)


@pytest.mark.slow
def test_the_page_stands_alone_and_escapes_everything(bench, plan, tmp_path):
    pytest.importorskip("matplotlib")
    bench.made = {"q2": ModelBusy("<script>alert(1)</script>"), "q3": answer(2)}
    page = render(run(replace(plan, systems=ablations("high", "fused")[:2]), tmp_path))
    assert "Toy &lt;benchmark&gt;" in page and "x &amp; y" in page
    assert "<script" not in page and "&lt;script&gt;" in page and "&lt;b&gt;&amp;" in page
    assert "http-equiv" not in page and "src=" not in page and "@import" not in page
    assert page.count("<svg") >= 5
    ids = [part.split('"')[0] for part in page.split('id="')[1:]]
    assert len(ids) == len(set(ids)), "plots do not share identifiers"


def test_an_answer_with_any_kind_of_line_end_is_read_again(tmp_path, outcome):
    question = Question(id="q1", kind="choice", video="v", path=None, text="?", options=("a", "b"), right=0)
    kept = outcome(question, "answered").model_copy(
        update={"answer": "first\u2028second\u2029third\u0085fourth\x0cfifth"}
    )
    Journal(tmp_path).add(kept)
    Journal(tmp_path).add(kept.model_copy(update={"id": "q2"}))
    assert [one.answer for one in Journal(tmp_path).outcomes.values()] == [kept.answer, kept.answer]
