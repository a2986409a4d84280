"""Files may be called anything."""

from __future__ import annotations

import json
import shutil

import pytest

from mrvideo.library import Library

# One process indexes the hostile film for all of them.
pytestmark = pytest.mark.xdist_group("hostile film")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, film_maker, strings):
    """Films with hostile names; a byte more in each makes each another video."""
    folder = tmp_path_factory.mktemp("names")
    film_maker(folder / "plain", 4)
    for number, name in enumerate(strings.NAMES):
        shutil.copy(folder / "plain", folder / name)
        with (folder / name).open("ab") as file:
            # A box of the container that readers skip.
            file.write((8 + number).to_bytes(4, "big") + b"free" + b"\0" * number)
    (folder / "plain").unlink()
    return folder


def test_a_folder_of_hostile_names_is_indexed_whole(folder, bed, strings):
    library = folder / "library.db"
    ended = bed.run("index", folder, "--library", library, "--quiet", "--json")
    assert ended.code == 0, ended.output
    assert "Traceback" not in ended.output
    with Library.open(library, create=False) as kept:
        found = {info.path.rpartition("/")[2] for info in kept.videos()}
    assert found == set(strings.NAMES)
    assert not list(folder.glob("owned")) and not (bed.commands.folder / "owned").exists()


def test_each_is_shown_by_its_name_without_driving_the_terminal(folder, bed, strings):
    library = folder / "library.db"
    # Kept where the test above ran in this process; made where it ran in another.
    assert bed.run("index", folder, "--library", library, "--quiet").code == 0
    for name in strings.NAMES[::3]:
        ended = bed.run("show", "--library", library, "--", folder / name)
        assert ended.code == 0, (name, ended.output)
        assert all(c == "\n" or c.isprintable() for c in ended.output), ascii(ended.output)
        ended = bed.run("status", "--json", "--library", library, "--", folder / name)
        assert json.loads(ended.output)


def test_a_name_that_is_not_text_is_one_clear_line(bed, tmp_path, film_maker):
    import os

    raw = os.fsencode(tmp_path) + b"/\xff\xfe.mp4"
    film_maker(tmp_path / "x.mp4", 2)
    os.rename(tmp_path / "x.mp4", raw)
    ended = bed.run("index", tmp_path, "--library", tmp_path / "library.db", "--quiet")
    assert "Traceback" not in ended.output, ended.output
    assert ended.code in (0, 1, 2)
