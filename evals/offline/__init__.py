"""The held-out set: films made here, what people would ask about them, and how answers without a model are
judged.

Nobody who works on the answering code reads the questions to write it: they measure it.
"""

from mrvideo.evals.offline.benchmark import BENCHMARK, build_films

__all__ = ["BENCHMARK", "build_films"]
