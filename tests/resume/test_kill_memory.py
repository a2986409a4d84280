"""A memory that is built, killed at any moment: the same chapters come of it, and next to nothing is paid
twice.
"""

from __future__ import annotations

import random

import pytest
from support.kills import CONCURRENCY, KILLS, Killer
from support.memory_films import film as numbered

from mrvideo.library import Library
from mrvideo.memory.tree import Memory
from mrvideo.records import Usage

SCENES = 500
"""Five seconds each: forty minutes, some 45 chapters."""


@pytest.fixture
def kept():
    """A library that holds the index of a film of numbered deeds, and no memory of it."""

    def make(path):
        with Library.open(path) as library:
            index = numbered(SCENES)
            library.put_index(index)
        return index.video.digest

    return make


def memories(path, digest):
    """All of them, but for what a run took: a run that goes on takes less."""
    with Library.open(path, create=False) as library:
        found = [Memory.model_validate_json(body) for body in library.parts(digest, "memory")]
    return [memory.model_copy(update={"usage": Usage()}) for memory in found]


@pytest.mark.slow
def test_kill_9_in_the_middle_of_a_build_loses_nothing(commands, model, kept):
    untouched = commands.folder / "undisturbed.db"
    digest = kept(untouched)
    ended = commands.run("chapters", digest, "--library", untouched, "--quiet", "--json")
    assert ended.code == 0, ended.output
    calls, told, expected = model.asked.total(), ended.output, memories(untouched, digest)
    assert calls > 40
    assert len(expected) == 1
    assert model.repeated == 0
    killer = Killer(commands, model, random.Random(11))
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        assert runs < 6 * KILLS, "the command ends before it can be killed"
        library = commands.folder / f"killed-{runs}.db"
        kept(library)
        model.asked.clear()
        killed = 0
        while True:
            if kills < KILLS:
                killer.arm(most_calls=calls, longest_seconds=2.0)
            ended = commands.run("chapters", digest, "--library", library, "--quiet", "--json")
            killer.disarm()
            if ended.code == 0:
                break
            assert ended.code == 137, ended.output
            killed, kills = killed + 1, kills + 1
        assert memories(library, digest) == expected
        assert ended.output == told
        assert model.repeated <= killed * 2 * CONCURRENCY
        assert len(model.asked) == calls
