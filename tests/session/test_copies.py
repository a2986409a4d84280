"""Copies of one film with other subtitles: one content, an index for each set of cues, and lines that say whose."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from support.films import part_of

from mrvideo.library import Library
from mrvideo.records import Notice
from mrvideo.session.indexing import index_video
from mrvideo.session.loading import index_for_question, load_index
from mrvideo.settings import Settings

GERMAN, RUSSIAN = "Guten Morgen, Herr Nachbar.", "Доброе утро, сосед."


class Copies:
    """A folder with copies of one film, and what was said while they were indexed."""

    def __init__(self, folder: Path, film: Path) -> None:
        self.folder, self.notices = folder, list[str]()
        self.settings = Settings(library=folder / "library.db")
        for name in ("german", "russian", "base"):
            shutil.copy(film, folder / f"{name}.mp4")
        self.write("german.de.srt", GERMAN)
        self.write("russian.srt", RUSSIAN)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(f"1\n00:00:00,500 --> 00:00:01,500\n{text}\n", encoding="utf-8")
        return path

    def path(self, name: str) -> str:
        return str(self.folder / f"{name}.mp4")

    def told(self, event: object) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)

    def index(self, name: str, subtitles: Path | None = None) -> str:
        self.notices.clear()
        index = index_video(self.path(name), self.settings, subtitles=subtitles, on_event=self.told)
        return " ".join(cue.text for cue in index.cues)

    def shown(self, name: str) -> str:
        return " ".join(cue.text for cue in load_index(self.path(name), self.settings).cues)

    def asked(self, name: str) -> str:
        self.notices.clear()
        origins = dict.fromkeys(Settings.model_fields, "default")
        index = index_for_question(self.path(name), self.settings, origins, on_event=self.told)
        return " ".join(cue.text for cue in index.cues)

    def heard_in_search(self, word: str) -> bool:
        with closing(Library.open(self.settings.library)) as library:
            return bool(library.search(word))

    def line(self, *parts: str) -> bool:
        return any(all(part in notice for part in parts) for notice in self.notices)


@pytest.fixture
def copies(tmp_path: Path, repository: Path) -> Copies:
    return Copies(tmp_path, part_of(repository / "demo" / "harbour.mp4", tmp_path / "source.mp4", 0.0, 2.0))


def test_each_copy_is_shown_and_asked_with_its_own_subtitles(copies: Copies) -> None:
    """Dangerous: the German file was answered from Russian words, and nothing said so."""
    assert copies.index("german") == GERMAN
    assert not copies.line("take the place")
    assert copies.index("russian") == RUSSIAN
    assert copies.line("russian.mp4 is the same film as", "german.mp4", "those from german.de.srt")
    assert (copies.shown("german"), copies.shown("russian")) == (GERMAN, RUSSIAN)
    assert copies.asked("german") == GERMAN
    assert not copies.line("subtitles")


def test_a_copy_without_subtitles_says_from_where_it_has_cues(copies: Copies) -> None:
    copies.index("german")
    assert copies.index("base") == GERMAN
    assert copies.line("base.mp4 has no subtitles of its own", "german.de.srt")
    assert copies.asked("base") == GERMAN
    assert copies.line("base.mp4 has no subtitles of its own", "german.de.srt")
    assert copies.asked("german") == GERMAN
    assert not copies.notices


def test_a_copy_that_was_not_indexed_with_its_subtitles_says_so(copies: Copies) -> None:
    copies.index("german")
    assert copies.asked("russian") == GERMAN
    assert copies.line("russian.mp4 has subtitles of its own", "not indexed with them", "german.de.srt")


def test_indexing_a_kept_copy_again_makes_search_read_its_cues(copies: Copies) -> None:
    copies.index("german")
    copies.index("russian")
    assert not copies.heard_in_search("Nachbar")
    assert copies.index("german") == GERMAN
    assert copies.line("german.mp4 is the same film as", "those from russian.srt")
    assert copies.heard_in_search("Nachbar") and not copies.heard_in_search("сосед")
    assert copies.index("base") == GERMAN
    copies.index("german")
    assert not copies.notices, "nothing is replaced a second time"


def test_a_renamed_copy_is_known_by_the_subtitles_beside_it(copies: Copies) -> None:
    copies.index("german")
    copies.index("russian")
    for name in ("german.mp4", "german.de.srt"):
        (copies.folder / name).rename(copies.folder / name.replace("german", "moved"))
    assert copies.shown("moved") == GERMAN


def test_subtitles_that_were_given_stay_those_of_their_file(copies: Copies) -> None:
    """What lies beside a file is not what the user named for it."""
    copies.index("german")
    given = copies.write("elsewhere.txt.srt", "Better words.")
    assert copies.index("german", given) == "Better words."
    assert copies.line("german.mp4: cues from elsewhere.txt.srt take the place of those from german.de.srt")
    assert copies.asked("german") == "Better words."
    assert not copies.notices


def test_an_index_tells_where_its_cues_come_from(copies: Copies) -> None:
    copies.index("german")
    made = load_index(copies.path("german"), copies.settings).settings
    assert made["cues_from"] == str(copies.folder / "german.de.srt")
