"""A run: every question of a benchmark put to every system, video by video, each finished item kept at once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from typing import Any, TypeAlias

from mrvideo.errors import BudgetReached, InputError, LibraryError, ModelError, ModelUnavailable, MrVideoError
from mrvideo.evals.baselines import answer_with, without_cast
from mrvideo.evals.finding import found_with
from mrvideo.evals.items import Benchmark, Captioned, Outcome, Question, Scores, silent
from mrvideo.evals.journal import Journal, open_folder, write_json
from mrvideo.evals.outcomes import outcome_of, outcome_of_found, outcome_of_salience, without_answer
from mrvideo.evals.salience import Salience, salience_with, summary_with
from mrvideo.evals.systems import System
from mrvideo.mapreduce import portal
from mrvideo.media.subtitles import write_srt
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Answer, Found, Index
from mrvideo.session.indexing import index_video
from mrvideo.session.models import model_settings
from mrvideo.settings import OFFLINE, Settings

AT_ONCE = 4
"""Questions of one video in flight; their calls share the run's concurrency."""

Done = Callable[[int, int, Outcome], None]
"""Called with how many items are finished, of how many, and the newest."""

_Made: TypeAlias = Answer | Found | Salience

_STOPS = (ModelUnavailable, BudgetReached, LibraryError)


@dataclass(frozen=True)
class Plan:
    """What a run does. `identity` is everything that would change its results: a resumed run must have the
    same.
    """

    benchmark: Benchmark
    questions: tuple[Question, ...]
    systems: tuple[System, ...]
    settings: Settings
    subtitles: bool
    asked: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def identity(self) -> dict[str, Any]:
        """In words, for `run.json`."""
        made = self.settings.model_dump(
            mode="json",
            exclude={"library", "api_key", "key_file", "fresh", "max_cost", "max_tokens", "concurrency"},
        )
        return {
            "benchmark": self.benchmark.name,
            "asked": self.asked,
            "questions": _digest([q.id for q in self.questions]),
            "subtitles": self.subtitles,
            "systems": [system.model_dump(mode="json") for system in self.systems],
            "settings": {**made, "vision": self.settings.vision_model, "text": self.settings.text_model},
            "prompts": prompt_digests(),
        }


@dataclass(frozen=True)
class Result:
    """A finished run, as the report reads it."""

    plan: Plan
    folder: Path
    outcomes: dict[tuple[str, str], Outcome]
    captioned: dict[tuple[str, str], Captioned]
    scores: tuple[Scores, ...]
    about: dict[str, Any]

    def answered(self, system: str) -> list[tuple[Question, Outcome]]:
        """Every question beside what the system made of it."""
        return [
            (q, self.outcomes[system, q.id]) for q in self.plan.questions if (system, q.id) in self.outcomes
        ]


def run(plan: Plan, base: Path, *, resume: bool = False, on_done: Done | None = None) -> Result:
    """Ask what is not finished yet, and score all of it.

    A question or video that fails is an outcome. Raises `ModelUnavailable`, `BudgetReached`, `LibraryError`
    when the whole run cannot go on, and `InputError` when there is nothing to resume; what is finished stays
    in the folder.
    """
    # A library keeps a video's cues: runs with and without subtitles must not share one.
    library = base / ("subtitled.db" if plan.subtitles else "plain.db")
    heard = plan.settings.speech if plan.subtitles else None
    settings = plan.settings.model_copy(update={"library": library, "speech": heard})
    plan = replace(plan, settings=settings)
    identity = plan.identity
    name = f"{plan.benchmark.name}-{_digest(identity)[:8]}"
    made = about()
    folder = open_folder(base, name, {**identity, "about": made}, resume=resume)
    journal = Journal(folder)
    total = len(plan.questions) * len(plan.systems)
    kept = len(journal.outcomes)

    def keep(outcome: Outcome) -> None:
        journal.add(outcome)
        if on_done is not None:
            on_done(min(len(journal.outcomes), total), total, outcome)

    if kept and on_done is not None:
        on_done(kept, total, next(reversed(journal.outcomes.values())))
    for questions in _by_video(plan.questions):
        tried: set[str] = set()
        for system in plan.systems:
            open_ones = [q for q in questions if not journal.finished(system.name, q.id)]
            if open_ones:
                # Systems with one recipe share an index: what failed in it is tried again once, not once for
                # each.
                retry = system.recipe not in tried
                _one_video(plan, system, open_ones, folder, journal, keep, retry=retry)
                tried.add(system.recipe)
    return collect(plan, folder, journal, made)


def collect(plan: Plan, folder: Path, journal: Journal, made: dict[str, Any]) -> Result:
    """Scores from what the journal holds, written as `results.json` beside each benchmark's own files."""
    result = Result(plan, folder, journal.outcomes, journal.captioned, (), made)
    scores = tuple(plan.benchmark.score(s.name, result.answered(s.name)) for s in plan.systems)
    result = replace(result, scores=scores)
    write_json(folder / "results.json", summary(result))
    if plan.benchmark.submit is not None:
        for system in plan.systems:
            place = folder / "submission" / system.name.replace(" ", "-").replace(",", "")
            place.mkdir(parents=True, exist_ok=True)
            for name, value in plan.benchmark.submit(result.answered(system.name)).items():
                if name.endswith(".jsonl"):
                    lines = (json.dumps(row, ensure_ascii=False) for row in value)
                    (place / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                else:
                    write_json(place / name, value)
    return result


def summary(result: Result) -> dict[str, Any]:
    """All numbers of a run as plain data. Numbers that do not exist, such as a mean of nothing, are null."""
    return {
        "benchmark": result.plan.benchmark.name,
        "folder": str(result.folder),
        "about": result.about,
        "identity": result.plan.identity,
        "published": {name: dict(values) for name, values in result.plan.benchmark.published.items()},
        "systems": [
            {**_plain(scores.model_dump(mode="json")), "spent": spent(result, scores.system)}
            for scores in result.scores
        ],
    }


def spent(result: Result, system: str) -> dict[str, float | int | None]:
    """What answering took per question, and captioning per video hour; None where every call was kept from
    before.
    """
    fresh = [o for _, o in result.answered(system) if not o.cached and o.status not in ("missing", "failed")]
    films = [c for (name, _), c in result.captioned.items() if name == system and c.usage.calls]
    timed = [c for c in films if c.seconds is not None]
    hours = sum(c.video_seconds for c in films) / 3600
    count = len(fresh)

    def each(values: Iterable[float | None], by: float) -> float | None:
        held = list(values)
        return None if not by or None in held else sum(v for v in held if v is not None) / by

    return {
        "questions_paid": count,
        "seconds_per_question": each((o.seconds for o in fresh), count),
        "calls_per_question": each((o.usage.calls for o in fresh), count),
        "input_tokens_per_question": each((o.usage.input_tokens for o in fresh), count),
        "output_tokens_per_question": each((o.usage.output_tokens for o in fresh), count),
        "images_per_question": each((o.usage.images for o in fresh), count),
        "cost_per_question": each((o.usage.cost for o in fresh), count),
        "captioned_hours": hours or None,
        "captioning_failures": sum(c.failures for (name, _), c in result.captioned.items() if name == system),
        "captioning_seconds_per_hour": each(
            (c.seconds for c in timed), sum(c.video_seconds for c in timed) / 3600
        ),
        "captioning_input_tokens_per_hour": each((c.usage.input_tokens for c in films), hours),
        "captioning_cost_per_hour": each((c.usage.cost for c in films), hours),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value else None
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _by_video(questions: Sequence[Question]) -> list[list[Question]]:
    held: dict[str, list[Question]] = {}
    for question in questions:
        held.setdefault(question.video, []).append(question)
    return list(held.values())


def _one_video(
    plan: Plan,
    system: System,
    questions: list[Question],
    folder: Path,
    journal: Journal,
    keep: Callable[[Outcome], None],
    *,
    retry: bool,
) -> None:
    path = questions[0].path
    if path is None:
        for question in questions:
            keep(
                without_answer(
                    question, system.name, "missing", f"{question.video} is not in the data folder"
                )
            )
        return
    settings = plan.settings.model_copy(
        update={"recipe": system.recipe, "effort": system.effort, **_left(plan.settings, journal)}
    )
    started, started_at = time.monotonic(), _now()
    try:
        index = index_video(
            path, settings, subtitles=_subtitles(plan, questions[0], folder), on_event=silent, retry=retry
        )
    except _STOPS:
        raise
    except MrVideoError as error:
        for question in questions:
            keep(without_answer(question, system.name, "failed", str(error)))
        return
    if (system.name, questions[0].video) not in journal.captioned:
        made_now = index.created_at >= started_at
        seconds = time.monotonic() - started if made_now else None
        journal.add(_captioned(system, questions[0], index, seconds))
    _ask_all(plan, system, index, questions, settings, journal, keep)


def _captioned(system: System, question: Question, index: Index, seconds: float | None) -> Captioned:
    return Captioned(
        video=question.video,
        system=system.name,
        video_seconds=index.video.duration_seconds,
        seconds=seconds,
        paid=seconds is not None,
        usage=index.usage,
        failures=len(index.failures),
    )


def _ask_all(
    plan: Plan,
    system: System,
    index: Index,
    questions: list[Question],
    settings: Settings,
    journal: Journal,
    keep: Callable[[Outcome], None],
) -> None:
    settings = settings.model_copy(update={"concurrency": max(_calls_at_once(settings) // AT_ONCE, 1)})
    waiting = list(reversed(questions))
    running: dict[Future[_Made], tuple[Question, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                question = waiting.pop()
                left = settings.model_copy(update=_left(plan.settings, journal, sharers=len(running) + 1))
                work = _work(system, index, question, left)
                running[portal().start_task_soon(work)] = (question, time.monotonic())
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                question, started = running.pop(future)
                try:
                    seconds = time.monotonic() - started
                    keep(_outcome(question, system, index, future.result(), seconds))
                except _STOPS:
                    raise
                except (ModelError, InputError) as error:
                    keep(without_answer(question, system.name, "failed", str(error)))
    finally:
        for future in running:
            future.cancel()


def _work(
    system: System, index: Index, question: Question, settings: Settings
) -> Callable[[], Awaitable[_Made]]:
    if system.kind == "find":
        return partial(found_with, system, index, question, settings)
    if question.picture is not None:
        return partial(_refused, f"{system.name} takes no picture beside a question; find does")
    if question.kind == "salience":
        return partial(salience_with, index, settings)
    if question.kind == "summary" and system.kind == "pipeline" and system.memory:
        own = index if system.cast else without_cast(index)
        return partial(summary_with, own, question, settings)
    # A benchmark demands a letter; whether there is anything to find is the question about absent needles.
    must_choose = question.kind == "choice" and bool(question.options)
    return partial(
        answer_with, system, index, question.text, question.options, settings, must_choose=must_choose
    )


async def _refused(reason: str) -> Answer:
    raise InputError(reason)


def _outcome(question: Question, system: System, index: Index, made: _Made, seconds: float) -> Outcome:
    length = index.video.duration_seconds
    if isinstance(made, Found):
        return outcome_of_found(question, system.name, made, seconds=seconds, video_seconds=length)
    if isinstance(made, Salience):
        return outcome_of_salience(question, system.name, made, seconds=seconds, video_seconds=length)
    return outcome_of(question, system.name, made, seconds=seconds, video_seconds=length)


def _calls_at_once(settings: Settings) -> int:
    model = model_settings(settings, "vision")
    return settings.concurrency or (model.server.concurrency if model.talks_to_server else AT_ONCE)


def _left(settings: Settings, journal: Journal, *, sharers: int = 1) -> dict[str, float | int]:
    """What remains of the run's budget for the next work, when `sharers` draw on it. Raises `BudgetReached`."""
    films = [film for film in journal.captioned.values() if film.paid]
    used = [row.usage for row in (*journal.outcomes.values(), *films)]
    left: dict[str, float | int] = {}
    if settings.max_cost is not None:
        left["max_cost"] = (settings.max_cost - sum(usage.cost or 0.0 for usage in used)) / sharers
    if settings.max_tokens is not None:
        tokens = sum(usage.input_tokens + usage.output_tokens for usage in used)
        left["max_tokens"] = (settings.max_tokens - tokens) // sharers
    if any(amount <= 0 for amount in left.values()):
        raise BudgetReached("the run's budget is used up; raise --max-cost or --max-tokens and --resume")
    return left


def _subtitles(plan: Plan, question: Question, folder: Path) -> Path:
    """The subtitle file to give; an empty one where the protocol gives none, lest those in the video are
    read.
    """
    if plan.subtitles and question.subtitles:
        return Path(question.subtitles)
    place = folder / "subtitles"
    place.mkdir(exist_ok=True)
    if plan.subtitles and question.cues:
        path = place / f"{_digest(question.video)[:12]}.srt"
        path.write_text(
            write_srt([(c.start_seconds, c.stop_seconds, c.text) for c in question.cues]), encoding="utf-8"
        )
        return path
    none = place / "none.vtt"
    none.write_text("WEBVTT\n\n", encoding="utf-8")
    return none


def about() -> dict[str, Any]:
    """When, and with which code."""
    return {
        "started_at": _now(),
        "version": metadata.version("mrvideo"),
        "commit": commit(),
    }


def commit() -> str | None:
    """The checkout's commit, with a mark when files differ from it; None for an installed package."""
    here = Path(__file__).resolve().parent
    try:
        where = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True, timeout=10
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return where.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def prompt_digests() -> dict[str, str]:
    """Every prompt's digest, by name."""
    names = sorted(
        file.name.removesuffix(".md")
        for file in resources.files("mrvideo.prompts").iterdir()
        if file.name.endswith(".md")
    )
    return {name: load_prompt(name).digest for name in names}


def offline_only(settings: Settings) -> bool:
    """Whether no model takes part."""
    return settings.vision_model == OFFLINE and settings.text_model == OFFLINE


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
