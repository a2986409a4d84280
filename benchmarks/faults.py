"""Accuracy against faults of perception, for each effort, in the synthetic world of tests/support.

    python benchmarks/faults.py [--minutes 6] [--questions 40] [--seeds 5 6 7 8 9 10] [--rates 0.1 0.3]
    [--workers 2]

The whole pipeline runs: a real video is decoded, captioned by a perceiver that sees only pixels and the
prompts' text, named, and asked. How it fails, and what is drawn anew, is told at `Faults` in
tests/support/perceiver.py. With a rate of 0 every answer is right, so whatever is lost here perception lost,
or the pipeline did not win back.

`unchecked` is effort high with blind checks: they say yes to every claim, and that nothing was left out. What
high has over it is won by verification; what it has over medium, by searching again where nothing was found.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support import world_questions as support

EFFORTS = ("low", "medium", "unchecked", "high")
KINDS = ("misses_character", "confuses_look_alikes", "vague_caption", "wrong_split")


def twins(made: Any) -> dict[int, int]:
    """Face → the face that shares its look."""
    return {
        one.face: other.face
        for one in made.characters
        for other in made.characters
        if one.face != other.face and one.look == other.look
    }


def blind(eyes: Any, task: Any) -> dict[str, Any]:
    """A check that looks at nothing."""
    verdicts = ["no" if s.startswith("Anything else") else "yes" for s in support.statements_of(task)]
    return {"checks": [{"number": n, "verdict": v, "seen": ""} for n, v in enumerate(verdicts, start=1)]}


@dataclass
class Score:
    """What became of one world's questions under one fault and effort."""

    asked: int = 0
    right: int = 0
    wrong: int = 0
    verified: int = 0
    verified_right: int = 0
    calls: int = 0


@dataclass
class World:
    """One seed's scores, by fault (kind, rate) and effort."""

    scenes: int
    scores: dict[tuple[str, float], dict[str, Score]] = field(default_factory=dict[Any, Any])


def measure(
    support: Any, made: Any, path: Path, cues: Any, questions: Any, frames: Any, faults: Any
) -> dict[str, Score]:
    """Every effort's score."""
    eyes = support.teach(support.perceiver.Perceiver(faults, look_alikes=twins(made)))
    model = support.perceiving(eyes)
    sees = eyes.handlers["verify"]
    with tempfile.TemporaryDirectory() as folder:
        index = support.index_of(path, model, cues, Path(folder))
    scores: dict[str, Score] = {}
    for effort in EFFORTS:
        eyes.handlers["verify"] = blind if effort == "unchecked" else sees
        score = scores[effort] = Score()
        for question in questions:
            eyes.tasks.clear()
            model.requests.clear()
            asked = "high" if effort == "unchecked" else effort
            answer = asyncio.run(support.put(question, index, frames, model, asked))
            good = support.is_right(question, answer)
            score.asked += 1
            score.right += good
            score.wrong += answer.answer is not None and not good
            score.verified += answer.verified
            score.verified_right += answer.verified and good
            score.calls += len(eyes.tasks)
    return scores


def one_world(seed: int, *, minutes: float, count: int, runs: list[tuple[str, float]]) -> World:
    """All faults in the world of this seed."""
    made = support.world.make_world(seed=seed, minutes=minutes, characters=8, named=8)
    cues = sorted((*made.cues(), *support.cause_cues(made, seed)), key=lambda c: c.start_seconds)
    questions = support.make_questions(made, seed=seed, count=count, cues=cues)
    found = World(len(made.scenes))
    with tempfile.TemporaryDirectory() as folder:
        path = made.render(Path(folder) / "world.mp4")
        frames = support.KeptFrames(path)
        for kind, rate in runs:
            faults = support.perceiver.Faults(seed=seed, **({} if kind == "none" else {kind: rate}))
            found.scores[kind, rate] = measure(support, made, path, cues, questions, frames, faults)
            print(f"seed {seed}: {kind} {rate:g}", file=sys.stderr, flush=True)
    return found


def mean(values: list[float]) -> str:
    """The mean over worlds in percent, and its standard error."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{100 * statistics.mean(values):.0f} ± {100 * error:.0f} %"


def row(kind: str, rate: float, worlds: list[World]) -> str:
    """One line of the table."""
    scores = [world.scores[kind, rate] for world in worlds]
    total: dict[str, Counter[str]] = {e: Counter() for e in EFFORTS}
    for score in scores:
        for effort in EFFORTS:
            total[effort].update(vars(score[effort]))
    shares = [mean([s[e].right / s[e].asked for s in scores]) for e in EFFORTS]
    won = mean([(s["high"].right - s["unchecked"].right) / s["high"].asked for s in scores])
    wrong = " / ".join(str(total[e]["wrong"]) for e in EFFORTS)
    high = total["high"]
    return (
        f"| {kind.replace('_', ' ')} | {rate:g} | {' | '.join(shares)} | {won} | {wrong} "
        f"| {high['verified']}, {high['verified_right']} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6, 7, 8, 9, 10])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.3])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    runs = [("none", 0.0)] + [(kind, rate) for kind in arguments.kinds for rate in arguments.rates]
    work = partial(one_world, minutes=arguments.minutes, count=arguments.questions, runs=runs)
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        worlds = list(pool.map(work, arguments.seeds))
    counts = [world.scores["none", 0.0]["low"].asked for world in worlds]
    print(
        f"{len(worlds)} worlds of {arguments.minutes:g} minutes, {sum(w.scenes for w in worlds)} scenes, "
        f"{sum(counts)} questions; ± is the standard error over worlds\n"
    )
    print(
        "| fault | rate | low | medium | high, unchecked | high | won by checks | "
        "wrong answers given: low / medium / unchecked / high | verified, and right |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, rate in runs:
        print(row(kind, rate, worlds))
    every = [scores for world in worlds for scores in world.scores.values()]
    calls = {e: sum(s[e].calls for s in every) / sum(s[e].asked for s in every) for e in EFFORTS}
    print("\nCalls per question: " + ", ".join(f"{effort} {count:.1f}" for effort, count in calls.items()))


if __name__ == "__main__":
    main()
