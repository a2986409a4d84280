"""A bound is a command's: all its videos, and its question too, are paid out of one purse."""

from __future__ import annotations

import pytest

QUESTION = "Which colours are the walls?"


@pytest.fixture
def films(film, tmp_path):
    """Two videos that differ in a box that readers skip."""
    folder = tmp_path / "films"
    folder.mkdir()
    for number in range(2):
        box = (9 + number).to_bytes(4, "big") + b"free" + bytes(number + 1)
        (folder / f"{number}.mp4").write_bytes(film.read_bytes() + box)
    return folder


def _taken(server) -> int:
    return server.input_tokens + server.output_tokens


def test_the_videos_of_a_folder_share_one_bound(commands, films, server):
    """Were it each video's own, a folder of 500 could cost 500 times what was allowed."""
    assert commands.run("index", films / "0.mp4", "--library", "alone.db", "--quiet").code == 0
    one = _taken(server)
    # Enough for one, and for the last call's worst case.
    bound = one + 6000
    # Their pictures are the same: without --fresh the second would cost nothing.
    stopped = commands.run("index", films, "--fresh", "--max-tokens", bound, "--quiet")
    assert stopped.code == 1
    assert f"max_tokens {bound} would be passed" in stopped.output
    assert one < _taken(server) - one <= bound


def test_a_question_and_the_index_it_needs_share_one_bound(commands, film, server):
    assert commands.run("ask", film, QUESTION, "--library", "alone.db", "--quiet").code == 0
    both = _taken(server)
    bound = both - 100
    stopped = commands.run("ask", film, QUESTION, "--max-tokens", bound, "--quiet")
    assert stopped.code == 1
    assert f"max_tokens {bound} would be passed" in stopped.output
    assert 0 < _taken(server) - both <= bound
    assert commands.run("ask", film, QUESTION, "--quiet").code == 0
    assert _taken(server) == 2 * both, "nothing is paid twice"
