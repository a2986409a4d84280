"""The benchmark of thinning counts what it says: moments near a frame, and the frames of an act."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mrvideo.records import Span


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "thinning.py"
    spec = importlib.util.spec_from_file_location("thinning_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_moment_is_caught_by_a_frame_near_it_and_an_act_has_those_around_it(bench: ModuleType) -> None:
    moment = bench.Noted("a.mp4", True, Span(5.0, 5.0))
    act = bench.Noted("a.mp4", True, Span(10.0, 10.5))
    assert bench.counted([moment], [4.6, 5.4]).caught == 0
    assert bench.counted([moment], [4.8]) == bench.Counted(moments=1, caught=1, acts=())
    assert bench.counted([moment, act], [9.0, 9.7, 10.2, 10.8, 11.2]).acts == (3,)


def test_the_notes_hold_thirty_moments_of_three_films_and_half_of_them_chose_nothing(
    bench: ModuleType,
) -> None:
    notes = bench.noted()
    assert len(notes) >= 30
    assert len({one.film for one in notes}) >= 3
    assert sum(one.held_out for one in notes) >= len(notes) / 2


def test_only_what_moves_is_kept_of_a_film(bench: ModuleType, moving_video: object) -> None:
    """Over the whole of it the samples, and never more than those."""
    every, kept = bench.shown(Path(moving_video.path))  # type: ignore[attr-defined]
    assert set(kept) <= set(every)
    assert every[0] == kept[0] == 0.0
    assert len(every) >= 2 * 60
