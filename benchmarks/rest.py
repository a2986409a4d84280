"""How often the check of the rest finds an occurrence that a draft leaves out, in worlds of tests/support.

    python benchmarks/rest.py [--hours 0.1 1] [--questions 120] [--lost 0.3]

Questions are those that count what happens at least twice. From each draft one occurrence is left out, as
captions and looks may miss it; the check of the rest is asked by eyes that see perfectly, and finds it or
does not. `--lost` leaves out that share of the captions' sentences about people. Told apart are occurrences that a caption still tells and those
that none does. Printed are the share found, the pictures of the check, and of how many scenes they are.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support import perceiver, world_memory

from mrvideo.agents.ask.run import ask
from mrvideo.memory.build import build_memory
from mrvideo.records import Index, Span

WALKED_FROM = 128


@dataclass
class Found:
    """Occurrences left out, those that were found, and pictures of the checks."""

    asked: int = 0
    found: int = 0
    pictures: int = 0
    checks: int = 0


def leaving_out(handler: Any, span: Span) -> Any:
    """The mind's answer as if nobody had told of this span."""

    def answer(eyes: Any, task: Any) -> dict[str, Any]:
        kept = [line for line in task.text.split("\n") if not _of(line, span)]
        return handler(eyes, perceiver.Task(task.prompt, "\n".join(kept), task.pictures))

    return answer


def _of(line: str, span: Span) -> bool:
    found = re.match(r"e\d+ \((\d+\.\d+), (\d+\.\d+)\)", line)
    return bool(found) and Span(float(found[1]), float(found[2])).overlaps(span)


def measure(hours: float, questions: int, lost: float) -> tuple[int, dict[bool, Found]]:
    """By whether a caption tells of what is left out."""
    long = world_memory.make_long_world(hours, questions=questions)
    index: Index = world_memory.lossy(long.index, lost) if lost else long.index
    eyes = world_memory.remembering(perceiver.Perceiver())
    whole = eyes.handlers["answer"]
    model = world_memory.model_of(eyes)
    walked = len(index.scenes) > WALKED_FROM
    memory = asyncio.run(build_memory(index, text=model, on_event=lambda _: None)) if walked else None
    frames = world_memory.DrawnFrames(long.made)
    found = {True: Found(), False: Found()}
    for question in long.questions:
        if question.kind not in ("count", "visits") or len(question.spans) < 2:
            continue
        for hidden in question.spans[:3]:
            scene = next(s for s in index.scenes if s.span.overlaps(hidden.padded(-0.1)))
            told = scene.detailed == next(s for s in long.index.scenes if s.index == scene.index).detailed
            eyes.handlers["answer"] = leaving_out(whole, hidden)
            model.requests.clear()
            eyes.tasks.clear()
            asyncio.run(
                ask(
                    question.text, index=index, frames=frames, vision=model, text=model, effort="high",
                    max_rounds=1, memory=memory,
                )
            )  # fmt: skip
            checks = [r for r in model.requests if r.prompt.name == "verify" and r.inputs.sampled]  # type: ignore[attr-defined]
            if not checks:
                continue
            (check,) = checks
            of = found[told]
            of.asked += 1
            of.checks += 1
            of.pictures += len(check.pictures)
            times = check.inputs.frame_times  # type: ignore[attr-defined]
            of.found += any(hidden.start_seconds <= time < hidden.stop_seconds for time in times)
    return len(index.scenes), found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[0.1, 1])
    parser.add_argument("--questions", type=int, default=120)
    parser.add_argument("--lost", type=float, default=0.3)
    arguments = parser.parse_args()
    print("| scenes | told by a caption | left out | shown to the check | pictures a check |")
    print("|---|---|---|---|---|")
    for hours in arguments.hours:
        scenes, found = measure(hours, arguments.questions, arguments.lost)
        for told, of in found.items():
            if of.asked:
                share = f"{of.found} ({100 * of.found / of.asked:.0f} %)"
                print(
                    f"| {scenes} | {'yes' if told else 'no'} | {of.asked} | {share} | {of.pictures / of.checks:.1f} |"
                )


if __name__ == "__main__":
    main()
