"""One self-contained HTML page per run: the numbers with their doubt, where they come from, and what went
wrong.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from mrvideo.evals import plots
from mrvideo.evals.counting import RIGHT_OR_WRONG, is_right
from mrvideo.evals.items import STATUSES, Number, Outcome, Question, Scores
from mrvideo.evals.run import Result, spent
from mrvideo.evals.scorers import clustered_mean, evidence_iou, evidence_recall
from mrvideo.records import clock

MAX_FAILURES = 200
_DURATIONS = ((60.0, "under 1 min"), (600.0, "1–10 min"), (1800.0, "10–30 min"), (3600.0, "30–60 min"))
_DOUBT = (
    "± is one standard error, clustered by video. Official numbers leave missing videos out, strict ones count them as "
    "wrong; failed and unparsed answers are wrong in both. Nothing is guessed for them."
)
_PAID = "Per question, over questions whose calls were paid in this run; a dash is unknown, not zero."


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: a plot (SVG), a table, a note.

    Cells after the first of a row are numbers, but in a table that is `folded` under a line of that text.
    """

    title: str
    plot: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    note: str = ""
    folded: str = ""


def render(result: Result) -> str:
    """The page. Needs matplotlib."""
    plan = result.plan
    shown = len({q.video for q in plan.questions})
    sections = (
        _headlines(result),
        *_published(result),
        *_facets(result),
        *_tables(result),
        *_durations(result),
        _costs(result),
        *_evidence(result),
        Section(
            "How questions ended",
            plots.stacked("How questions ended", {s.system: _ends(s) for s in result.scores}),
        ),
        _failures(result),
    )
    return _template().render(
        title=plan.benchmark.title,
        asked=(
            f"{len(plan.questions)} questions on {shown} video{'s' if shown != 1 else ''}, "
            f"{'with' if plan.subtitles else 'without'} subtitles"
        ),
        models=f"vision {plan.settings.vision_model}, text {plan.settings.text_model}",
        made=(
            f"mrvideo {result.about['version']}, commit {result.about['commit'] or 'unknown'}, "
            f"{result.about['started_at']}"
        ),
        # Plots are SVG that matplotlib wrote; it escapes the names in them.
        sections=[{**vars(section), "plot": Markup(section.plot)} for section in sections],  # noqa: S704
        identity=json.dumps(plan.identity, indent=1),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("mrvideo.evals", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html.jinja")


def write_report(result: Result, path: Path) -> None:
    """The page, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(render(result), encoding="utf-8")
    partial.replace(path)


def percent(number: Number) -> str:
    """`61.2 ± 1.4`, `61.2`, or a dash for a mean of nothing."""
    if not number.count:
        return "–"
    error = f" ± {number.standard_error * 100:.1f}" if number.standard_error is not None else ""
    return f"{number.value * 100:.1f}{error}"


def _headlines(result: Result) -> Section:
    names = list(dict.fromkeys(name for scores in result.scores for name in scores.metrics))
    rows = [
        (s.system, *(percent(s.metrics[name]) if name in s.metrics else "" for name in names), str(s.guessed))
        for s in result.scores
    ]
    return Section(
        "Results", head=["system", *(f"{name}, %" for name in names), "guessed"], rows=rows, note=_DOUBT
    )


def _published(result: Result) -> Iterator[Section]:
    if published := result.plan.benchmark.published:
        rows = [
            (name, ", ".join(f"{k} {v:.1f}" for k, v in values.items())) for name, values in published.items()
        ]
        yield Section("Published, for comparison", head=["system", "%"], rows=rows)


def _facets(result: Result) -> Iterator[Section]:
    facets = list(dict.fromkeys(facet for scores in result.scores for facet in scores.facets))
    for facet in facets:
        groups: dict[str, dict[str, Number]] = defaultdict(dict)
        for scores in result.scores:
            for name, number in scores.facets.get(facet, {}).items():
                groups[name][scores.system] = number
        systems = [scores.system for scores in result.scores]
        rows = [
            (
                name,
                *(percent(held[s]) if s in held else "" for s in systems),
                str(max(n.count for n in held.values())),
            )
            for name, held in groups.items()
        ]
        head = [facet, *(f"{s}, %" for s in systems), "questions"]
        yield Section(f"By {facet}", plots.bars(f"By {facet}", groups), head, rows)


def _tables(result: Result) -> Iterator[Section]:
    for scores in result.scores:
        for facet, rows in scores.tables.items():
            head = [facet, *(next(iter(rows.values())) if rows else ())]
            body = [(value, *(share(cell) for cell in row.values())) for value, row in rows.items()]
            yield Section(f"{scores.system}, by {facet}", head=head, rows=body)


def share(value: int | float | None) -> str:
    """A cell of `Scores.tables`: a count as it is, a share in per cent, a dash for a share of nothing."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value * 100:.1f}"


def _durations(result: Result) -> Iterator[Section]:
    """Accuracy by the length of the video, where items say it or captioning measured it."""
    groups: dict[str, dict[str, Number]] = {}
    order = [name for _, name in _DURATIONS] + ["over 60 min"]
    for scores in result.scores:
        held: dict[str, list[tuple[Question, float]]] = defaultdict(list)
        for question, outcome in result.answered(scores.system):
            film = result.captioned.get((scores.system, question.video))
            seconds = film.video_seconds if film else question.duration_seconds
            if seconds and question.kind in RIGHT_OR_WRONG and outcome.status != "missing":
                held[_length(seconds)].append((question, float(is_right(question, outcome))))
        for name in order:
            if name in held:
                number = clustered_mean([v for _, v in held[name]], [q.video for q, _ in held[name]])
                groups.setdefault(name, {})[scores.system] = number
    if groups:
        ordered = {name: groups[name] for name in order if name in groups}
        yield Section(
            "By duration", plots.bars("Right answers by duration of the video, every try by itself", ordered)
        )


def _length(seconds: float) -> str:
    return next((name for below, name in _DURATIONS if seconds < below), "over 60 min")


def _costs(result: Result) -> Section:
    rows: list[Sequence[str]] = []
    points: list[tuple[str, float, Number]] = []
    used = {scores.system: spent(result, scores.system) for scores in result.scores}
    priced = any(spend["cost_per_question"] for spend in used.values())
    for scores in result.scores:
        spend = used[scores.system]
        rows.append(
            (
                scores.system,
                str(spend["questions_paid"]),
                _amount(spend["seconds_per_question"], "{:.1f}"),
                _amount(spend["calls_per_question"], "{:.1f}"),
                _amount(spend["input_tokens_per_question"], "{:,.0f}"),
                _amount(spend["output_tokens_per_question"], "{:,.0f}"),
                _amount(spend["images_per_question"], "{:.0f}"),
                _amount(spend["cost_per_question"], "{:.4f}"),
                _amount(spend["captioning_seconds_per_hour"], "{:,.0f}"),
                _amount(spend["captioning_cost_per_hour"], "{:.2f}"),
                str(spend["captioning_failures"]),
            )
        )
        x = spend["cost_per_question"] if priced else spend["seconds_per_question"]
        number = scores.metrics[scores.headline]
        if x is not None and number.count:
            points.append((scores.system, float(x), number))
    head = [
        "system",
        "paid",
        "s",
        "calls",
        "tokens in",
        "tokens out",
        "images",
        "$",
        "s / video h",
        "$ / video h",
    ]
    label = "$ per question" if priced else "seconds per question (no call cost anything)"
    plot = plots.scatter("Cost against result", label.replace("$", r"\$"), "%", points) if points else ""
    return Section("Cost", plot, head, rows, _PAID)


def _amount(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _evidence(result: Result) -> Iterator[Section]:
    with_evidence = [scores for scores in result.scores if scores.evidence]
    if not with_evidence:
        return
    names = list(with_evidence[0].evidence)
    rows = [(s.system, *(percent(s.evidence[name]) for name in names)) for s in with_evidence]
    overlaps: dict[str, list[float]] = {}
    for scores in with_evidence:
        items = [(q, o) for q, o in result.answered(scores.system) if q.key_spans and o.status != "missing"]
        overlaps[scores.system] = [evidence_iou(o.spans, q.key_spans) for q, o in items]
    plot = plots.histogram(
        "Overlap of cited evidence with the times that matter", "intersection over union", overlaps
    )
    head = ["system", *(f"{name}, %" for name in names)]
    yield Section("Evidence: right for the right reason", plot, head, rows)


def _ends(scores: Scores) -> dict[str, int]:
    return {status: scores.statuses[status] for status in STATUSES if scores.statuses.get(status)}


def _failures(result: Result) -> Section:
    """What is not right, by kind of failure: no answer, wrong answer with and without the right evidence."""
    kinds: Counter[tuple[str, str]] = Counter()
    rows: list[Sequence[str]] = []
    for scores in result.scores:
        for question, outcome in result.answered(scores.system):
            kind = failure_kind(question, outcome)
            if kind is None:
                continue
            kinds[scores.system, kind] += 1
            if len(rows) < MAX_FAILURES:
                rows.append((scores.system, kind, question.id, *_told(question, outcome)))
    if not kinds:
        return Section("Failures", note="None.")
    counted: dict[str, Mapping[str, int]] = {
        scores.system: {kind: n for (system, kind), n in kinds.items() if system == scores.system}
        for scores in result.scores
    }
    more = f", first {MAX_FAILURES} of {sum(kinds.values())}" if sum(kinds.values()) > MAX_FAILURES else ""
    return Section(
        "Failures",
        plots.stacked("Failures by kind", counted),
        ("system", "kind", "question", "asked", "right", "made", "evidence", "reason"),
        rows,
        folded=f"Failures one by one{more}",
    )


def failure_kind(question: Question, outcome: Outcome) -> str | None:
    """Why an item is not right, or None when it is (or cannot be judged by an option)."""
    if outcome.status in ("missing", "failed", "unparsed"):
        return outcome.status
    if question.kind not in RIGHT_OR_WRONG or (question.kind == "choice" and question.right is None):
        return None
    if is_right(question, outcome):
        return None
    if question.kind == "absent":
        return "false find"
    if outcome.status == "not_found":
        return "not found"
    if outcome.guessed:
        return "wrong guess"
    if not question.key_spans:
        return "wrong"
    found = evidence_recall(outcome.spans, question.key_spans) >= 1.0
    return "wrong, right evidence" if found else "wrong, evidence missed"


def _told(question: Question, outcome: Outcome) -> tuple[str, ...]:
    right: Any = question.options[question.right] if question.right is not None else "nothing to find"
    if question.windows:
        right = _times(question)
    elif question.kind == "open" and question.right is None:
        right = " / ".join(question.accepted) or f"{question.seconds:g} s"
    made = question.options[outcome.choice] if outcome.choice is not None else outcome.answer or "–"
    cited = ", ".join(f"{clock(s.start_seconds)}–{clock(s.stop_seconds)}" for s in outcome.spans[:6])
    return (question.text, str(right), made, cited, outcome.reason)


def _times(question: Question) -> str:
    return ", ".join(str(span) for span in question.windows[:6])
