"""Pages of an index and of an answer: whole in one file, each picture beside its own words, and text that
stays text.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image, ImageStat
from support.films import grey_film, video_info
from support.strings import ALL

from mrvideo.api import Video
from mrvideo.display.page import Chapter, Pictures, answer_page, file_name, index_page
from mrvideo.errors import InputError
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.memory.build import memory_key
from mrvideo.memory.tree import Memory, Node, Sentence
from mrvideo.records import (
    Answer,
    Claim,
    Cue,
    Entity,
    Evidence,
    Failure,
    Index,
    Scene,
    Sighting,
    Span,
    Unseen,
    Usage,
)
from mrvideo.session.exporting import FORMATS, export_index
from mrvideo.session.paging import check_page, film_beside, page_of_answer, page_of_index
from mrvideo.session.remembering import KIND
from mrvideo.settings import Settings

SECONDS = 20


class Parsed(HTMLParser):
    """Elements, attributes and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.pictures: list[tuple[str, Image.Image]] = []
        self.addresses: list[str] = []
        self.policy = ""
        self.script = self.style = self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.elements[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        given = dict(attrs)
        if tag == "meta" and given.get("http-equiv"):
            self.policy = given["content"] or ""
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = given.get(name)
            if address and address.startswith("data:image/jpeg;base64,"):
                data = base64.b64decode(address.partition(",")[2])
                self.pictures.append((given["alt"] or "", Image.open(io.BytesIO(data))))
            elif address is not None:
                self.addresses.append(address)

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            setattr(self, self._inside, data)
            self._inside = ""
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.elements["!--"] += 1


def index_of(texts: list[str], **video: object) -> Index:
    """A text in every place that holds one, from a video or a model."""
    length = float(len(texts))
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=n,
            stop_seconds=n + 1,
            brief=text,
            detailed=text,
            sightings=(Sighting(start_seconds=n, stop_seconds=n + 1, text=text),),
        )
        for n, text in enumerate(texts)
    )
    return Index(
        key="k",
        video=video_info(length, **{"path": texts[0], **video}),
        settings={"vision": texts[1]},
        scenes=scenes,
        cues=tuple(Cue(start_seconds=n, stop_seconds=n + 1, text=t, speaker=t) for n, t in enumerate(texts)),
        entities=tuple(
            Entity(name=f"person_{n}", kind="person", description=t, display_name=t, exemplar_seconds=0)
            for n, t in enumerate(texts)
        ),
        failures=tuple(
            Failure(start_seconds=n, stop_seconds=n + 1, stage="caption", reasons=(t,))
            for n, t in enumerate(texts)
        ),
    )


def answer_of(texts: list[str], **fields: object) -> Answer:
    evidence = tuple(
        Evidence(id=f"e{n}", start_seconds=n, stop_seconds=n + 1, source="caption", quote=t)
        for n, t in enumerate(texts)
    )
    told: dict[str, object] = {
        "question": texts[0],
        "options": (texts[0], texts[1]),
        "answer": texts[0],
        "confidence": 4,
        "verified": True,
        "checked_by": ("pixels",),
        "claims": tuple(Claim(text=t, evidence_ids=(f"e{n}",), holds=True) for n, t in enumerate(texts[:-1])),
        "evidence": evidence,
        "nearest": evidence[:1],
        "unseen": tuple(Unseen.of(Span(n, n + 1), t) for n, t in enumerate(texts)),
        "unread": (Span(0, 2),),
        "searched": texts[2],
        "usage": Usage(calls=3, input_tokens=12_345, cost=None),
        "video": texts[0],
        "video_digest": "0" * 64,
        "models": {"vision": texts[3]},
        "stale": texts[4],
    }
    return Answer.model_validate(told | fields)


def _pages(texts: list[str]) -> dict[str, str]:
    chapters = [Chapter(Span(0, 1), text, text) for text in texts]
    notes = texts[:3]
    return {
        "index": index_page(index_of(texts), chapters=chapters, player="film.mp4", notes=notes),
        "answer": answer_page(answer_of(texts), duration_seconds=len(texts), player="film.mp4", notes=notes),
    }


@pytest.mark.parametrize("kind", ["index", "answer"])
def test_hostile_texts_make_the_same_elements_as_plain_words(kind: str) -> None:
    """A page is sent on to people who trust it: a text that could open an element could rewrite it, or run in
    it.
    """
    assert len(ALL) >= 40
    plain = Parsed(_pages([f"plain words {n}" for n in range(len(ALL))])[kind])
    hostile = Parsed(_pages(ALL)[kind])
    assert hostile.elements == plain.elements
    assert hostile.attributes == plain.attributes
    assert hostile.addresses == plain.addresses == ["film.mp4"]
    assert hostile.policy == plain.policy
    assert "<script>alert(1)</script>" in hostile.text and "{{ 7 * 7 }}" in hostile.text
    assert not set("\u202e\x1b\u2066\x08") & set(hostile.text)


@pytest.mark.parametrize("kind", ["index", "answer"])
def test_the_one_script_and_style_are_those_that_the_policy_names(kind: str) -> None:
    page = Parsed(_pages([f"words {n}" for n in range(9)])[kind])
    assert page.elements["script"] == page.elements["style"] == 1
    for text, what in ((page.script, "script-src"), (page.style, "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{what} 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'; img-src data:;")
    without = Parsed(index_page(index_of([f"words {n}" for n in range(9)])))
    assert without.elements["script"] == without.elements["button"] == without.elements["video"] == 0
    assert "script-src 'none'" in without.policy


def test_a_page_tells_what_an_index_holds() -> None:
    index = index_of([f"words {n}" for n in range(9)], path="/films/talk.mp4")
    page = Parsed(index_page(index, chapters=[Chapter(Span(0, 9), "The first chapter", "What is in it.")]))
    for told in ("talk.mp4", "The first chapter", "What is in it.", "words 8", "Not seen", "0:08.0–0:09.0"):
        assert told in page.text
    assert "/films" not in page.text, "a page that is sent on tells no folder"


def test_names_that_were_given_stand_in_the_captions() -> None:
    scene = Scene(
        index=0, start_seconds=0, stop_seconds=1, brief="<person_0> waves to <person_7>.", detailed="x"
    )
    index = index_of([f"Mara {n}" for n in range(5)]).model_copy(update={"scenes": (scene,)})
    assert "Mara 0 waves to <person_7>." in Parsed(index_page(index)).text


def test_an_answer_is_told_with_its_checks_its_cost_and_what_was_left_unseen() -> None:
    texts = [f"words {n}" for n in range(6)]
    claims = (
        Claim(text="It floats.", evidence_ids=("e0",), holds=True),
        Claim(text="It sinks.", evidence_ids=("e1", "gone"), holds=False),
        Claim(text="It is there.", evidence_ids=("e2",)),
    )
    text = Parsed(
        answer_page(answer_of(texts, claims=claims, checked_by=("quote",)), duration_seconds=6)
    ).text
    assert "holds, checked by quote" in text and "does not hold, checked by quote" in text
    assert "looked at" not in text, "a quote is no look"
    for told in (
        "not checked",
        "12,345 in",
        "costunknown",
        "Not read",
        "Out of date: words 4",
        "Also seen or said",
    ):
        assert told in text.replace("\n", ""), told


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each second is lighter by 10 than the one before; the first is 30."""
    return grey_film(tmp_path_factory.mktemp("films") / "a film #1 é.mp4", seconds=SECONDS)


@pytest.fixture
def kept(film: Path, tmp_path: Path) -> tuple[Index, Settings]:
    """An index of a scene a second, in a library."""
    index = index_of([f"words {n}" for n in range(SECONDS)]).model_copy(update={"video": probe(str(film))})
    settings = Settings(library=tmp_path / "library.db")
    with Library.open(settings.library) as library:
        library.put_index(index)
    return index, settings


def _grey(picture: Image.Image) -> float:
    return ImageStat.Stat(picture.convert("L")).mean[0]


def test_each_scene_has_a_frame_of_its_own_span(kept: tuple[Index, Settings]) -> None:
    page = Parsed(page_of_index(*kept, most_pictures=100))
    scenes = [(alt, picture) for alt, picture in page.pictures if alt.startswith("frame at")]
    assert len(scenes) == SECONDS
    for second, (_, picture) in enumerate(scenes):
        assert _grey(picture) == pytest.approx(30 + 10 * second, abs=4)
    assert len(page.pictures) == 2 * SECONDS, "and each of the cast"


def test_pictures_are_bounded_by_number_and_by_bytes_and_the_page_says_so(
    kept: tuple[Index, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Parsed(page_of_index(*kept, most_pictures=8))
    assert len(page.pictures) == 8
    assert "6 of 20 scenes and 2 of 20 in the cast have a picture" in page.text
    monkeypatch.setattr("mrvideo.session.paging.Pictures", lambda: Pictures(left=2_000))
    small = page_of_index(*kept, most_pictures=100)
    assert sum(len(data) for data in re.findall(r"base64,([^\"]*)", small)) <= 2_000 * 4 / 3 + 4 * 40
    left = 40 - len(Parsed(small).pictures)
    assert 0 < left < 40 and f"{left} pictures left out" in small
    with pytest.raises(InputError, match="give 0 to"):
        page_of_index(*kept, most_pictures=10**6)
    assert not Parsed(page_of_index(*kept, most_pictures=0)).pictures


def test_a_film_that_is_gone_or_another_by_now_leaves_a_page_without_pictures_that_says_why(
    kept: tuple[Index, Settings], tmp_path: Path
) -> None:
    index, settings = kept
    other = grey_film(tmp_path / "other.mp4", seconds=3)
    for path in (str(tmp_path / "gone.mp4"), str(other)):
        moved = index.model_copy(update={"video": index.video.model_copy(update={"path": path})})
        page = Parsed(page_of_index(moved, settings))
        assert not page.pictures and "No pictures: " in page.text and "words 19" in page.text


def test_evidence_is_shown_by_its_own_frames(kept: tuple[Index, Settings]) -> None:
    index, settings = kept
    evidence = (
        Evidence(id="e1", start_seconds=2, stop_seconds=3, source="caption", quote="short"),
        Evidence(id="e2", start_seconds=10, stop_seconds=20, source="frame", quote="long"),
    )
    claims = (
        Claim(text="One.", evidence_ids=("e1",)),
        Claim(text="Two.", evidence_ids=("e2", "e1")),
    )
    answer = answer_of([f"words {n}" for n in range(6)], evidence=evidence, claims=claims, nearest=())
    page = Parsed(page_of_answer(answer, index, settings))
    greys = [_grey(picture) for _, picture in page.pictures]
    assert greys == pytest.approx([50, 180, 140, 210], abs=5), "the same frame is not shown twice"
    few = Parsed(page_of_answer(answer, index, settings, most_pictures=2))
    assert [_grey(picture) for _, picture in few.pictures] == pytest.approx([50, 180], abs=5)
    assert "2 of 4 pictures of the evidence are shown" in few.text


def test_chapters_are_those_that_are_kept_by_whichever_model(kept: tuple[Index, Settings]) -> None:
    index, settings = kept
    assert "Chapters" not in page_of_index(index, settings, most_pictures=0)
    node = Node(
        start_seconds=0, stop_seconds=SECONDS, level=1, position=0, first_scene=0, last_scene=19,
        title="At the harbour", summary=(Sentence(text="<person_1> waits.", scenes=(1,)),),
    )  # fmt: skip
    memory = Memory(key=memory_key(index, "some/model"), levels=((node,),), made_by="some/model")
    with Library.open(settings.library) as library:
        library.put_part(memory.key, KIND, index.video.digest, Span(0, SECONDS), memory.model_dump_json())
    for asked in (settings, settings.updated(text="openai:gpt-5-mini")):
        text = Parsed(page_of_index(index, asked, most_pictures=0)).text
        assert "At the harbour" in text and "words 1 waits." in text


def test_the_film_is_found_from_the_page_by_a_relative_address(film: Path, tmp_path: Path) -> None:
    page = film.parent / "pages" / "talk.html"
    assert film_beside(page, str(film)) == "../a%20film%20%231%20%C3%A9.mp4"
    assert film_beside(film.parent / "talk.html", str(film)) == "a%20film%20%231%20%C3%A9.mp4"
    for name in ("javascript:alert(1).mp4", "a?b&c.mp4", "'\"><x>.mp4"):
        try:
            odd = grey_film(tmp_path / name, seconds=1)
        except OSError:
            continue  # Not a name that this file system takes.
        assert not set(":?&'\"<>") & set(film_beside(tmp_path / "p.html", str(odd)))
    for gone in (str(tmp_path / "gone.mp4"), "https://films.example/a.mp4?key=secret"):
        with pytest.raises(InputError, match="leave out --link-video") as told:
            film_beside(page, gone)
        assert "secret" not in str(told.value)


def test_a_page_never_replaces_the_film_or_the_library(kept: tuple[Index, Settings], tmp_path: Path) -> None:
    index, settings = kept
    for page in (Path(index.video.path), settings.library, tmp_path, tmp_path / "none" / "p.html"):
        with pytest.raises(InputError, match=r"overwritten|cannot write"):
            check_page(page, settings, video=index.video.path)
    check_page(tmp_path / "p.html", settings, video=index.video.path)


def test_the_sdk_writes_what_the_command_line_writes(kept: tuple[Index, Settings], tmp_path: Path) -> None:
    index, settings = kept
    video = Video(index, settings)
    film = film_beside(tmp_path / "x.html", index.video.path)
    linked = video.export(tmp_path / "index.html", format="html", pictures=2, link_video=True)
    assert linked == page_of_index(index, settings, most_pictures=2, film=film)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == linked
    for name in FORMATS:
        assert video.export(format=name) == export_index(index, name)  # type: ignore[arg-type]
    answer = answer_of([f"words {n}" for n in range(6)], video_digest=index.video.digest)
    told = video.report(answer, str(tmp_path / "answer.html"), pictures=1)
    assert told == page_of_answer(answer, index, settings, most_pictures=1)
    assert (tmp_path / "answer.html").read_text(encoding="utf-8") == told
    for wrong, call in (
        ("no format 'pdf'; there are json", lambda: video.export(format="pdf")),  # type: ignore[arg-type]
        ("a file of its own", lambda: video.export(format="html", link_video=True)),
        ("overwritten", lambda: video.report(answer, index.video.path)),
        ("is about", lambda: video.report(answer.model_copy(update={"video_digest": "0" * 64}))),
    ):
        with pytest.raises(InputError, match=wrong):
            call()


def test_a_page_names_the_file_alone() -> None:
    assert file_name("/a/b.mp4") == file_name("C:\\a\\b.mp4") == "b.mp4"
    address = file_name("https://u:word@films.example/a.mp4?key=secret")
    assert address.startswith("https://films.example/a.mp4") and not {"word", "secret"} & set(
        re.findall(r"\w+", address)
    )
