"""What a memory takes to build and to walk, for worlds of growing length, against reading everything.

    python benchmarks/memory.py [--hours 1 10 100] [--questions 22] [--effort low] [--exhaustive] [--lost
    0.3] [--fault misses_character 0.3]

The worlds of tests/support are captioned by perfect eyes without rendering; frames are drawn where a look
asks for one. Tokens are those of gpt-5-mini's rules: instructions, inputs, the reply's schema, and pictures;
replies are not counted. `--lost` leaves out that share of the captions' sentences about people, `--fault`
is of the eyes that look again (not at effort low, which shows no pictures). Printed are the ratio of tokens to those of the length before (limit 1.5 for a
tenfold one), how often the walk opened all scenes that decide (limit 0.99), and the growth of this process's
memory while the largest tree is built (limit 300 MB).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support import perceiver, world_memory
from support import world_questions as asking

from mrvideo.agents.ask.run import ask
from mrvideo.memory.build import build_memory
from mrvideo.memory.tree import Memory
from mrvideo.models.base import Request
from mrvideo.records import Answer

MODEL = "gpt-5-mini"
GROWTH_LIMIT, RECALL_LIMIT, BUILD_LIMIT_MB = 1.5, 0.99, 300


class Counting:
    """A perceiver that counts what it is asked and keeps no request."""

    def __init__(self, eyes: Any) -> None:
        self._eyes = eyes
        self.calls = self.tokens = self.images = 0
        self.read: set[int] = set()

    def __call__(self, request: Request[Any]) -> dict[str, Any]:
        self.calls += 1
        self.tokens += asking.tokens_of(request, MODEL)
        self.images += len(request.pictures)
        if request.stage == "segment_intention":
            self.read.update(scene.index for scene in request.inputs.scenes)  # type: ignore[attr-defined]
        answer = self._eyes(request)
        self._eyes.tasks.clear()
        return answer

    def reset(self) -> None:
        """Begin anew."""
        self.calls = self.tokens = self.images = 0
        self.read = set()


class Model(world_memory.ScriptedModel):
    """One that keeps no request: a hundred hours ask thousands of times."""

    async def run(self, request: Request[Any]) -> Any:
        reply = await super().run(request)
        self.requests.clear()
        return reply


def measure(
    hours: float, arguments: argparse.Namespace
) -> list[tuple[asking.Question, Answer, int, int, int, bool]]:
    """Build and ask; prints the row of the build."""
    long = world_memory.make_long_world(hours, questions=arguments.questions)
    index = world_memory.lossy(long.index, arguments.lost) if arguments.lost else long.index
    fault = {arguments.fault[0]: float(arguments.fault[1])} if arguments.fault else {}
    counting = Counting(world_memory.remembering(perceiver.Perceiver(perceiver.Faults(seed=5, **fault))))
    model = Model(counting, name="perceiver")
    process = psutil.Process()
    before, began = process.memory_info().rss, time.monotonic()
    memory: Memory = asyncio.run(build_memory(index, text=model, on_event=lambda event: None))
    grown = (process.memory_info().rss - before) / 2**20
    levels = ", ".join(f"{len(level):,}" for level in memory.levels)
    print(
        f"{hours:g} h: {len(long.index.scenes):,} scenes, levels {levels}; built with {counting.calls:,} calls, "
        f"{counting.tokens:,} tokens in {time.monotonic() - began:.0f} s; {grown:.0f} MB more, "
        f"{grown / BUILD_LIMIT_MB:.2f} of the limit; {memory.dropped} dropped"
    )
    frames = world_memory.DrawnFrames(long.made)
    rows: list[tuple[asking.Question, Answer, int, int, int, bool]] = []
    for question in long.questions:
        counting.reset()
        answer = asyncio.run(
            ask(
                question.text, options=question.options, index=index, frames=frames, vision=model,
                text=model, effort=arguments.effort, memory=None if arguments.exhaustive else memory,
            )
        )  # fmt: skip
        deciding = {
            scene.index for scene in long.index.scenes if any(scene.span.overlaps(s) for s in question.spans)
        }
        opened = deciding <= counting.read
        rows.append((question, answer, counting.tokens, counting.calls, counting.images, opened))
    return rows


def told(rows: Sequence[tuple[asking.Question, Answer, int, int, int, bool]]) -> str:
    """Median tokens, calls and pictures; right ones; walks that opened what decides."""
    right = sum(asking.is_right(question, answer) for question, answer, *_ in rows)
    opened = sum(row[5] for row in rows)
    medians = [statistics.median(row[column] for row in rows) for column in (2, 3, 4)]
    return (
        f"tokens {medians[0]:,.0f}, calls {medians[1]:.0f}, pictures {medians[2]:.0f}; "
        f"right {right}/{len(rows)}; opened what decides {opened}/{len(rows)}, "
        f"{opened / len(rows) / RECALL_LIMIT:.2f} of the limit"
    )


def main() -> None:
    """Print a block for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--questions", type=int, default=22)
    parser.add_argument("--effort", default="low")
    parser.add_argument("--exhaustive", action="store_true", help="read everything, for comparison")
    parser.add_argument("--lost", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--fault", nargs=2, metavar=("KIND", "RATE"))
    arguments = parser.parse_args()
    if arguments.fault and arguments.effort == "low":
        parser.error("--fault is of pictures, and effort low shows none: add --effort medium")
    last: float | None = None
    for hours in arguments.hours:
        rows = measure(hours, arguments)
        local = [row for row in rows if row[0].kind not in asking.BROAD and row[0].truth is not None]
        broad = [row for row in rows if row not in local]
        print(f"  about a moment    {told(local)}")
        if broad:
            print(f"  about everything  {told(broad)}")
        median = statistics.median(row[2] for row in local)
        if last is not None:
            print(f"  tokens against the length before: × {median / last:.2f}, limit × {GROWTH_LIMIT}")
        last = median


if __name__ == "__main__":
    main()
