"""All benchmarks by name; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from mrvideo.errors import InputError
from mrvideo.evals.items import Benchmark, Question

NAMES = (
    "lvbench",
    "longvideobench",
    "videomme",
    "egoschema",
    "mlvu",
    "vnbench",
    "vuetr",
    "charades",
    "qvhighlights",
    "momentseeker",
    "videoxum",
    "tvsum",
    "summe",
    "mlvugeneration",
    "offline",
)


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of this name. Raises `InputError` naming those there are."""
    plain = name.lower().replace("-", "").replace("_", "")
    if plain not in NAMES:
        raise InputError(f"no benchmark {name!r}; there are {', '.join(NAMES)}, needle")
    found: Benchmark = import_module(f"mrvideo.evals.{plain}").BENCHMARK
    return found


def choose(
    benchmark: Benchmark,
    questions: tuple[Question, ...],
    *,
    subset: str | None,
    limit: int | None,
    videos: Sequence[str] = (),
) -> tuple[Question, ...]:
    """The questions of a subset (any facet's value, or an alias of one), on these videos, and the first
    `limit` of them.

    Tries of one circle stay together and count as one. Raises `InputError` naming the subsets, or the videos,
    when there is no such one.
    """
    known_videos = {q.video for q in questions}
    if unknown := sorted(set(videos) - known_videos):
        raise InputError(
            f"{benchmark.name} has no film {unknown[0]!r}; there are {', '.join(sorted(known_videos))}"
        )
    if videos:
        questions = tuple(q for q in questions if q.video in videos)
    if subset is not None:
        wanted = benchmark.aliases.get(subset, subset).casefold()
        values = {value for q in questions for held in q.facets.values() for value in held}
        if wanted not in {value.casefold() for value in values}:
            known = sorted(values | set(benchmark.aliases))
            raise InputError(f"{benchmark.name} has no subset {subset!r}; there are {', '.join(known)}")
        questions = tuple(
            q
            for q in questions
            if wanted in {value.casefold() for held in q.facets.values() for value in held}
        )
    if limit is None:
        return questions
    kept = list(dict.fromkeys(q.circle or q.id for q in questions))[:limit]
    return tuple(q for q in questions if (q.circle or q.id) in set(kept))
