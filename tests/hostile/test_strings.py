"""A video that gives orders is a video with text in it, and nothing more."""

from __future__ import annotations

import html.parser
import json
import re
from collections import Counter

import pytest
from markdown_it import MarkdownIt

import mrvideo
from mrvideo.library import Library
from mrvideo.media.identity import digest_of

# One process indexes the hostile film for all of them.
pytestmark = pytest.mark.xdist_group("hostile film")

QUESTION = "What do the signs say?"


def _index(bed):
    with Library.open(bed.commands.folder / ".mrvideo" / "library.db", create=False) as library:
        index = library.latest_index(digest_of(bed.film))
    assert index is not None
    return index


def _all_plain(output: str) -> bool:
    return all(c == "\n" or c.isprintable() for c in output)


def test_there_are_enough_of_them(strings):
    assert len(set(strings.ALL)) >= 40
    assert len(set(strings.NAMES)) >= 12


def _words(texts) -> list[str]:
    """The texts but for white space, which a reader of signs does not see."""
    return [" ".join(text.split()) for text in texts]


def test_every_text_is_kept_as_it_stood(bed):
    index = _index(bed)
    assert _words(scene.sightings[0].text for scene in index.scenes) == _words(bed.texts)
    assert index.cues
    assert index.failures == ()


def test_every_text_is_found_by_its_own_words(bed):
    with Library.open(bed.commands.folder / ".mrvideo" / "library.db", create=False) as library:
        for number, text in enumerate(bed.texts):
            if any(c.isalnum() for c in text):
                hits = library.search(text, limit=200)
                assert any(hit.start_seconds <= number * 2 < hit.stop_seconds for hit in hits), text


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "--scenes"),
        ("show", "--cues"),
        ("show", "--entities"),
        ("status",),
        ("ask", QUESTION, "--quiet"),
        ("index", "--quiet"),
        ("index",),
    ],
    ids=" ".join,
)
def test_no_command_lets_a_text_drive_the_terminal(bed, arguments):
    """An escape sequence on screen could clear the terminal, retitle it, or forge the line that says the
    answer.
    """
    command, *rest = arguments
    ended = bed.run(command, bed.film, *rest)
    assert ended.code in (0, 1), ended.output
    assert ended.output.strip()
    assert _all_plain(ended.output), ascii(ended.output)
    assert "Traceback" not in ended.output


def test_search_prints_each_of_them_harmlessly(bed):
    for text in bed.texts[::8]:
        ended = bed.run("search", "--", text)
        assert ended.code in (0, 1, 2), ended.output
        assert _all_plain(ended.output), ascii(ended.output)
        assert "Traceback" not in ended.output


@pytest.mark.parametrize("command", ["show", "status", "ask"])
def test_json_output_is_one_value_whatever_the_texts_are(bed, command):
    ended = bed.run(command, bed.film, *((QUESTION, "--quiet") if command == "ask" else ()), "--json")
    assert json.loads(ended.output)


def test_json_exports_give_every_text_back(bed):
    whole = json.loads(bed.run("export", bed.film, "--format", "json").output)
    assert _words(scene["sightings"][0]["text"] for scene in whole["scenes"]) == _words(bed.texts)
    lines = bed.run("export", bed.film, "--format", "jsonl").output.split("\n")
    assert _words(json.loads(line)["sightings"][0]["text"] for line in lines if line) == _words(bed.texts)


def test_markdown_exports_hold_text_alone(bed, harmless):
    """Headings, links, images and raw HTML would let a video write into a report that people trust."""

    def tags(some) -> Counter[str]:
        text = some.run("export", some.film, "--format", "md").output
        rendered = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
        found = Counter(re.findall(r"<\s*([a-z!][\w-]*)", rendered))
        index = _index(some)
        # A cue that held nothing but marks is no cue; all others are one item of a list.
        assert found.pop("li") == len(index.entities) + len(index.cues) + len(index.scenes)
        return found

    assert tags(bed) == tags(harmless)


@pytest.mark.parametrize("format_name", ["srt", "vtt"])
def test_subtitle_exports_hold_as_many_cues_as_there_are(bed, harmless, format_name):
    for some in (bed, harmless):
        index = _index(some)
        exported = some.run("export", some.film, "--format", format_name).output
        timed = re.findall(r"^[\d:]+[,.]\d{3} --> [\d:]+[,.]\d{3}( \S+:\S+)*$", exported, re.MULTILINE)
        assert len(timed) == exported.count("-->") == len(index.cues) + len(index.scenes)


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.found[tag] += 1
        self.attributes |= {name for name, _ in attrs}

    def handle_comment(self, data):
        self.found["!--"] += 1


def test_notebook_views_hold_the_same_elements_as_those_of_plain_words(bed, harmless):
    def elements(some) -> _Tags:
        library = some.commands.folder / ".mrvideo" / "library.db"
        video = mrvideo.load(some.film, library=library)
        parsed = _Tags()
        parsed.feed(video._repr_html_())
        for answer in video.answers():
            parsed.feed(mrvideo.api._answer_html(answer))
        return parsed

    harmless.run("ask", harmless.film, QUESTION, "--quiet")
    bed.run("ask", bed.film, QUESTION, "--quiet")
    hostile, plain = elements(bed), elements(harmless)
    assert not {"script", "svg", "h1", "!--"} & set(hostile.found)
    assert set(hostile.found) <= set(plain.found)
    assert hostile.attributes <= plain.attributes
    assert not {name for name in hostile.attributes if name.startswith("on")}


def test_no_text_changes_the_shape_of_a_prompt(bed, harmless):
    """A text that could close its block would speak with the prompt's own voice."""

    def shapes(some) -> dict[tuple, tuple]:
        some.run("ask", some.film, QUESTION, "--quiet")
        found = {}
        for asked in some.server.asked:
            if asked.schema_name in ("CaptionClipReply", "CharactersReply", "WholeIntentionReply"):
                # A cue of nothing but marks is no cue: its clip then has no such block.
                text = re.sub(r"<cues>.*?</cues>\s*(Cues tell [^\n]*\n)?", "", asked.text, flags=re.DOTALL)
                blocks = tuple(re.findall(r"^\s*</?[a-z]+>\s*$", text, re.MULTILINE))
                labels = tuple(label for label, _ in asked.pictures)
                others = [line for line in text.splitlines() if not re.match(r"\(\d+\.\d+, \d+\.\d+\)", line)]
                found[asked.schema_name, labels] = (blocks, len(others), asked.system)
        return found

    hostile, plain = shapes(bed), shapes(harmless)
    for call, shape in plain.items():
        assert hostile[call] == shape, call


def test_an_obedient_model_cannot_cite_what_the_video_does_not_hold(bed):
    """A model may fall for the order; its proof is still looked up, and the answer says that none was found."""
    bed.reader.obedient = True
    try:
        ended = bed.run(
            "ask", bed.film, "Which letter?", "--option", "A", "--option", "B", "--json", "--quiet"
        )
    finally:
        bed.reader.obedient = False
    answer = json.loads(ended.output)
    assert answer["removed_citations"] >= 2
    assert answer["evidence"] == []
    assert answer["verified"] is False


def test_evidence_quotes_stand_in_the_video_word_for_word(bed):
    index = _index(bed)
    ended = bed.run("ask", bed.film, QUESTION, "--json", "--quiet")
    evidence = json.loads(ended.output)["evidence"]
    assert evidence
    sources = [scene.detailed for scene in index.scenes] + [scene.brief for scene in index.scenes]
    sources += [cue.text for cue in index.cues] + [s.text for scene in index.scenes for s in scene.sightings]
    for item in evidence:
        assert item["source"] == "frame" or any(item["quote"] in source for source in sources), item
