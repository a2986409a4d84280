"""Killed at any moment, a run goes on where it was: nothing is lost, and next to nothing is paid twice."""

from __future__ import annotations

import random
import signal

import pytest
from support.kills import CONCURRENCY, KILLS, Killer

QUESTION = "Which colours are the walls?"


@pytest.fixture
def undisturbed(commands, film, contents, model, server):
    """What a library holds after a run that nobody disturbed, and how many calls that took."""
    library = commands.folder / "undisturbed.db"
    assert commands.run("index", film, "--library", library, "--quiet").code == 0
    index_calls = model.asked.total()
    assert commands.run("ask", film, QUESTION, "--library", library, "--quiet").code == 0
    found = contents(library, film) | {"index calls": index_calls, "calls": model.asked.total()}
    assert model.repeated == 0
    model.asked.clear()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("command", ["index", "ask"])
def test_kill_9_at_random_moments_loses_nothing(command, commands, film, contents, model, undisturbed):
    """Were a reply kept only with its shard, a kill would cost minutes of paid calls; were it half kept, the
    library.
    """
    chance = random.Random(f"{command} 7")
    killer = Killer(commands, model, chance)
    kills = runs = 0
    calls = undisturbed["index calls"] if command == "index" else undisturbed["calls"]
    while kills < KILLS:
        runs += 1
        assert runs < 6 * KILLS, "the commands end before they can be killed"
        library = commands.folder / f"killed-{runs}.db"
        model.asked.clear()
        killed = 0
        while True:
            if kills < KILLS:
                killer.arm(most_calls=calls, longest_seconds=2.0)
            arguments = (film, QUESTION) if command == "ask" else (film,)
            ended = commands.run(command, *arguments, "--library", library, "--quiet")
            killer.disarm()
            if ended.code == 0:
                break
            assert ended.code == 137, ended.output
            killed, kills = killed + 1, kills + 1
        if command == "index":
            assert commands.run("ask", film, QUESTION, "--library", library, "--quiet").code == 0
        found = contents(library, film)
        for what in ("index", "replies", "parts", "hits"):
            assert found[what] == undisturbed[what], what
        # A kill between the keeping of an answer and the end of the command leaves one answer more.
        assert undisturbed["answers"][0] in found["answers"]
        assert all(answer == undisturbed["answers"][0] for answer in found["answers"])
        # In flight at a kill: calls that wait for the server, and as many replies on their way to the disk.
        assert model.repeated <= killed * 2 * CONCURRENCY
        assert len(model.asked) == undisturbed["calls"]


def test_ctrl_c_repeats_only_what_was_in_flight(commands, film, contents, model, undisturbed):
    model.on_call = lambda count: commands.signal(signal.SIGINT) if count == 9 else None
    ended = commands.run("index", film, "--quiet")
    assert ended.code == 130
    assert "Traceback" not in ended.output
    assert model.asked.total() < undisturbed["index calls"]
    model.on_call = lambda count: None
    assert commands.run("index", film, "--quiet").code == 0
    assert model.repeated <= 2 * CONCURRENCY
    library = commands.folder / ".mrvideo" / "library.db"
    assert contents(library, film)["index"] == undisturbed["index"]


def test_ctrl_c_says_how_to_go_on(commands, film, model):
    model.on_call = lambda count: commands.signal(signal.SIGINT) if count == 9 else None
    ended = commands.run("index", film, "--quiet")
    assert ended.output.endswith("what is done is kept, run the same command again to go on\n")
