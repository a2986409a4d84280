"""Accuracy against faults of perception, for each effort, in the synthetic world of tests/support.

    python benchmarks/faults.py [--minutes 6] [--questions 60] [--seed 5] [--rates 0.1 0.2 0.4]

The whole pipeline runs: a real video is decoded, captioned by a perceiver that sees only pixels and the prompts'
text, named, and asked. The perceiver fails at a set rate, decided by what it looks at: another picture may go well.
With a rate of 0 every answer is right, so whatever is lost here perception lost, or the pipeline did not win back.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EFFORTS = ("low", "medium", "high")
KINDS = ("misses_character", "confuses_look_alikes", "vague_caption", "wrong_split")


def load_support() -> Any:
    """tests/support/world_questions.py; tests are no package."""
    file = Path(__file__).resolve().parents[1] / "tests" / "support" / "world_questions.py"
    spec = importlib.util.spec_from_file_location("tests_support_world_questions", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def twins(made: Any) -> dict[int, int]:
    """Face → the face that shares its look."""
    return {
        one.face: other.face
        for one in made.characters
        for other in made.characters
        if one.face != other.face and one.look == other.look
    }


def measure(
    support: Any, made: Any, path: Path, cues: Any, questions: Any, frames: Any, faults: Any
) -> dict[str, tuple[int, int, int, int]]:
    """Per effort: right answers, wrong ones that were given, verified ones, and right ones among these."""
    eyes = support.teach(support.perceiver.Perceiver(faults, look_alikes=twins(made)))
    model = support.perceiving(eyes)
    with tempfile.TemporaryDirectory() as folder:
        index = support.index_of(path, model, cues, Path(folder))
    scores: dict[str, Any] = {}
    for effort in EFFORTS:
        right = wrong = verified = verified_right = 0
        for question in questions:
            answer = asyncio.run(support.put(question, index, frames, model, effort))
            good = support.is_right(question, answer)
            right += good
            wrong += answer.answer is not None and not good
            verified += answer.verified
            verified_right += answer.verified and good
            eyes.tasks.clear()
            model.requests.clear()
        scores[effort] = (right, wrong, verified, verified_right)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.2, 0.4])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    arguments = parser.parse_args()
    support = load_support()
    made = support.world.make_world(seed=arguments.seed, minutes=arguments.minutes, characters=8, named=8)
    cues = sorted((*made.cues(), *support.cause_cues(made, arguments.seed)), key=lambda c: c.start_seconds)
    questions = support.make_questions(made, seed=arguments.seed, count=arguments.questions, cues=cues)
    count = len(questions)
    print(
        f"{arguments.minutes:g} minutes, {len(made.scenes)} scenes, {count} questions; "
        f"standard error at 80 % right: {100 * math.sqrt(0.8 * 0.2 / count):.1f} points\n"
    )
    print(
        "| fault | rate | low | medium | high | wrong answers given: low / medium / high | verified, and right |"
    )
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = made.render(Path(folder) / "world.mp4")
        frames = support.KeptFrames(path)
        runs = [("none", 0.0)] + [(kind, rate) for kind in arguments.kinds for rate in arguments.rates]
        for kind, rate in runs:
            began = time.perf_counter()
            given = {} if kind == "none" else {kind: rate}
            faults = support.perceiver.Faults(seed=arguments.seed, **given)
            scores = measure(support, made, path, cues, questions, frames, faults)
            shares = " | ".join(f"{100 * scores[e][0] / count:.0f} %" for e in EFFORTS)
            wrong = " / ".join(str(scores[e][1]) for e in EFFORTS)
            verified, good = scores["high"][2:]
            print(
                f"| {kind.replace('_', ' ')} | {rate:g} | {shares} | {wrong} | {verified}, {good} |",
                flush=True,
            )
            print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
