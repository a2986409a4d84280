"""What pictures that fit a question add to asking, where captions have missed some of what happens.

    python benchmarks/pointing.py [--hours 1] [--questions 88] [--misses 0.3] [--effort high]

A long world of tests/support is captioned by perfect eyes, and each sentence about somebody is then lost at
the given rate. The same questions are asked three times: by the memory alone, pointed to what `find` finds by
words, and by words and pictures. The embedder reads places, deeds and things off the pixels, one frame a
shot, and knows nobody's name. Printed are right answers, walks that opened all scenes that decide, and calls
and tokens per question: more right ones at no more calls is what pictures are for.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support import perceiver, world, world_memory
from support import world_questions as asking

from mrvideo.agents.ask.run import ask
from mrvideo.memory.build import build_memory
from mrvideo.records import Moment
from mrvideo.retrieval.embedders.port import Vectors, unit
from mrvideo.retrieval.finder import Finder
from mrvideo.retrieval.pictures import RANDOM_TEXTS, ShotFrames, like_text

ARMS = ("memory alone", "words", "words and pictures")
WORDS = (*world.ACTIONS, *world.PROPS, *world.PLACES)
POINTED = 6
MODEL = "gpt-5-mini"


def image_vectors(jpegs: Sequence[bytes]) -> Vectors:
    """A dimension for each word whose thing is to be seen; one more that all share."""
    rows: list[set[str]] = []
    for jpeg in jpegs:
        seen = world.read(jpeg)
        words = {} if seen.place is None else {world.PLACES[seen.place]}
        rows.append(
            {*words, *(w for p in seen.poses for w in (world.ACTIONS[p.action], world.PROPS[p.prop]))}
        )
    return _vectors(rows)


def text_vectors(texts: Sequence[str]) -> Vectors:
    """The same, of the words that a text names."""
    return _vectors([{word for word in WORDS if word in text} for text in texts])


def _vectors(rows: Sequence[set[str]]) -> Vectors:
    return unit(np.array([[*(float(word in row) for word in WORDS), 0.3] for row in rows], np.float32))


def main() -> None:
    """Print a block for each arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--questions", type=int, default=88)
    parser.add_argument("--misses", type=float, default=0.3)
    parser.add_argument("--effort", default="high")
    arguments = parser.parse_args()
    long = world_memory.make_long_world(arguments.hours, questions=arguments.questions)
    index = world_memory.lossy(long.index, arguments.misses)
    frames = world_memory.DrawnFrames(long.made)
    times = [shot.span.middle_seconds for shot in index.shots]
    shots = [
        ShotFrames(index.video.digest, s.span, (t,), (n,))
        for n, (s, t) in enumerate(zip(index.shots, times, strict=True))
    ]
    vectors = image_vectors([frame.jpeg for frame in frames.at(times)])
    random_texts = text_vectors(RANDOM_TEXTS)
    finder = Finder([index])

    def pointed(question: asking.Question, arm: str) -> tuple[Moment, ...]:
        if arm == ARMS[0]:
            return ()
        near = (
            like_text(shots, vectors, text_vectors([question.text]), random_texts) if arm == ARMS[2] else ()
        )
        return finder.find(" ".join([question.text, *question.options]), top=POINTED, pictures=near)[0]

    eyes = world_memory.remembering(perceiver.Perceiver(perceiver.Faults(seed=5)))
    model = world_memory.model_of(eyes)
    memory = asyncio.run(build_memory(index, text=model, on_event=lambda event: None))
    print(
        f"{arguments.hours:g} h, {len(index.scenes):,} scenes, {arguments.misses:.0%} of the sentences lost"
    )
    for arm in ARMS:
        rows: list[tuple[bool, bool, bool, int, int]] = []
        for question in (q for q in long.questions if q.truth is not None):
            model.requests.clear()
            given: dict[str, Any] = {
                "effort": arguments.effort,
                "memory": memory,
                "pointed": pointed(question, arm),
            }
            answer = asyncio.run(
                ask(
                    question.text,
                    options=question.options,
                    index=index,
                    frames=frames,
                    vision=model,
                    text=model,
                    **given,
                )
            )
            eyes.tasks.clear()
            deciding = {s.index for s in index.scenes if any(s.span.overlaps(d) for d in question.spans)}
            read: set[int] = set()
            for request in model.requests:
                if request.stage == "segment_intention":
                    read |= {scene.index for scene in request.inputs.scenes}  # type: ignore[attr-defined]
            tokens = sum(asking.tokens_of(request, MODEL) for request in model.requests)
            right, opened = asking.is_right(question, answer), deciding <= read
            rows.append((question.kind in asking.BROAD, right, opened, len(model.requests), tokens))
        print(arm)
        for name, broad in (("about a moment", False), ("about everything", True)):
            own = [row for row in rows if row[0] is broad]
            if own:
                right, opened = sum(row[1] for row in own), sum(row[2] for row in own)
                calls, tokens = (
                    statistics.mean(row[3] for row in own),
                    statistics.median(row[4] for row in own),
                )
                print(
                    f"  {name:17} right {right}/{len(own)}, opened {opened}/{len(own)}, calls {calls:.1f}, tokens {tokens:,.0f}"
                )


if __name__ == "__main__":
    main()
