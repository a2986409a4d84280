"""Pictures, tokens and calls of a question, by kind and effort, in the synthetic world of tests/support.

    python benchmarks/questions.py [--minutes 6] [--seeds 5 6] [--questions 44] [--efforts medium high]
    [--fault vague_caption 0.3]

The whole pipeline runs over real pixels; see benchmarks/faults.py for what is lost. Tokens are those of
gpt-5-mini's rules: instructions, inputs, the reply's schema, and each picture by its size. Replies are not
counted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support import world_questions as support

from mrvideo.media.subtitles.write import write_srt
from mrvideo.records import Effort
from mrvideo.session.estimating import estimate_index
from mrvideo.settings import Settings

MODEL = "gpt-5-mini"


@dataclass
class Cost:
    """What the questions of one kind took, each by itself."""

    pictures: list[int] = field(default_factory=list[int])
    tokens: list[int] = field(default_factory=list[int])
    calls: list[int] = field(default_factory=list[int])
    right: int = 0
    verified: int = 0
    stages: Counter[str] = field(default_factory=Counter[str])
    least: int = 0
    most: int = 0

    @property
    def outside(self) -> int:
        """How many took fewer or more tokens than the estimate's range."""
        return sum(not self.least <= tokens <= self.most for tokens in self.tokens)


def measure(
    seed: int, minutes: float, count: int, efforts: list[Effort], fault: tuple[str, float] | None
) -> dict[tuple[str, str], Cost]:
    """One world's costs, by effort and kind."""
    made = support.world.make_world(seed=seed, minutes=minutes, characters=8, named=8)
    cues = sorted((*made.cues(), *support.cause_cues(made, seed)), key=lambda c: c.start_seconds)
    costs: dict[tuple[str, str], Cost] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = made.render(Path(folder) / "world.mp4")
        # The estimate reads a video's own subtitles.
        path.with_suffix(".srt").write_text(
            write_srt([(c.start_seconds, c.stop_seconds, c.text) for c in cues]), encoding="utf-8"
        )
        frames = support.KeptFrames(path)
        faults = support.perceiver.Faults(seed=seed, **({fault[0]: fault[1]} if fault else {}))
        model = support.perceiving(support.teach(support.perceiver.Perceiver(faults)))
        index = support.index_of(path, model, cues, Path(folder))
        estimate = estimate_index(str(path), Settings(vision=f"openai:{MODEL}"))
        for effort in efforts:
            for question in support.make_questions(made, seed=seed, count=count, cues=cues):
                model.requests.clear()
                answer = asyncio.run(support.put(question, index, frames, model, effort))
                least, most = estimate.question[effort], estimate.question_most[effort]
                cost = costs.setdefault(
                    (effort, question.kind), Cost(least=least.input_tokens, most=most.input_tokens)
                )
                cost.pictures.append(sum(len(r.pictures) for r in model.requests))
                cost.tokens.append(sum(support.tokens_of(r, MODEL) for r in model.requests))
                cost.calls.append(len(model.requests))
                cost.right += support.is_right(question, answer)
                cost.verified += answer.verified
                for request in model.requests:
                    cost.stages[request.stage] += len(request.pictures)
    return costs


def main() -> None:
    """Print the table: median and most of each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--questions", type=int, default=44)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6])
    parser.add_argument("--efforts", nargs="+", default=["medium", "high"])
    parser.add_argument("--fault", nargs=2, metavar=("KIND", "RATE"))
    arguments = parser.parse_args()
    fault = (arguments.fault[0], float(arguments.fault[1])) if arguments.fault else None
    worlds = [
        measure(s, arguments.minutes, arguments.questions, arguments.efforts, fault) for s in arguments.seeds
    ]
    print(
        "| effort | kind | questions | right | verified | pictures: median, most | tokens: median, most | calls: median, most | tokens by the estimate | outside |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for effort, kind in worlds[0]:
        of = [world[effort, kind] for world in worlds if (effort, kind) in world]
        columns = [
            [n for cost in of for n in getattr(cost, name)] for name in ("pictures", "tokens", "calls")
        ]
        told = " | ".join(f"{statistics.median(c):,.0f}, {max(c):,}" for c in columns)
        right, verified = sum(c.right for c in of), sum(c.verified for c in of)
        range_ = f"{min(c.least for c in of):,}–{max(c.most for c in of):,}"
        outside = sum(c.outside for c in of)
        print(
            f"| {effort} | {kind} | {len(columns[0])} | {right} | {verified} | {told} | {range_} | {outside} |"
        )
    stages: Counter[str] = sum((c.stages for world in worlds for c in world.values()), Counter())
    print(
        "\nPictures by stage: "
        + ", ".join(f"{stage} {count}" for stage, count in stages.most_common() if count)
    )


if __name__ == "__main__":
    main()
