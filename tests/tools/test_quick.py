"""The quick look: the agent looks itself, and what it cites must have been shown."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from support import world, world_questions

from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.media.subtitles.write import write_srt
from mrvideo.records import Index, Shot, Span, clock
from mrvideo.session.viewing import REACH_SECONDS, new_times
from mrvideo.settings import load_settings
from mrvideo.tools.mcp import make_server

mcp = pytest.importorskip("mcp")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Five minutes of a world."""
    folder = tmp_path_factory.mktemp("quick")
    made = world.make_world(seed=9, minutes=5, characters=4, named=2)
    path = made.render(folder / "world.mp4")
    return SimpleNamespace(made=made, folder=folder, path=path)


class Looker:
    """A client that reads the pictures it is sent, and counts calls and pictures."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls = 0
        self.pictures = 0
        self.said: list[dict[str, Any]] = []

    async def call(self, name: str, **arguments: Any) -> Any:
        self.calls += 1
        return await self.client.call_tool(name, {"video": "world.mp4", **arguments})

    async def data(self, name: str, **arguments: Any) -> dict[str, Any]:
        result = await self.call(name, **arguments)
        assert not result.is_error, result.content[0].text
        return json.loads(result.content[0].text)

    async def view(self, **arguments: Any) -> dict[float, Any]:
        """Time → what the picture's pixels say."""
        result = await self.call("view_span", **arguments)
        assert not result.is_error, result.content[0].text
        seen: dict[float, Any] = {}
        labels: list[str] = []
        for part in result.content[1:]:
            if part.type == "text":
                labels = part.text.split(": ", 1)[1].split(" | ")
                continue
            image = Image.open(io.BytesIO(base64.b64decode(part.data)))
            assert max(image.size) <= 1568 and len(part.data) * 3 / 4 <= 1_000_000
            columns = min(len(labels), 1568 // world.WIDTH)
            for number, label in enumerate(labels):
                left = number % columns * world.WIDTH
                top = number // columns * (world.HEIGHT + 20) + 20
                stream = io.BytesIO()
                image.crop((left, top, left + world.WIDTH, top + world.HEIGHT)).save(
                    stream, "JPEG", quality=95
                )
                seen[float(label.removesuffix(" s"))] = world.read(stream.getvalue())
        assert list(seen) == json.loads(result.content[0].text)["picture_times"]
        self.pictures += len(seen)
        self.said += json.loads(result.content[0].text)["said"]
        return seen


def client_of(place: Any, tmp_path: Path) -> Any:
    return mcp.Client(make_server(load_settings(library=tmp_path / "library.db"), [place.folder]))


@pytest.mark.slow
async def test_a_clip_is_answered_in_four_calls_and_forty_pictures(place: Any, tmp_path: Path) -> None:
    """Where does somebody do what: found in the overview, its ends in a closer look, told with its span."""
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        overview = await agent.view()
        assert len(overview) == 20 and all(one.place is not None for one in overview.values())
        at, seen = next((t, one) for t, one in overview.items() if one.poses)
        scene = place.made.scene_at(at)
        closer = await agent.view(start_seconds=max(0.0, at - 8), stop_seconds=at + 8, detail="close")
        assert len(closer) == 12 and not set(closer) & set(overview)
        same = [time for time, one in {**overview, **closer}.items() if one.event == seen.event]
        start, stop = min(same), max(same)
        assert scene.start_seconds <= start <= stop <= scene.stop_seconds
        words = f"At the {world.PLACES[seen.place]}"
        assert seen.place == scene.place
        noted = await agent.data(
            "note", observations=[{"start_seconds": start, "stop_seconds": stop, "text": words}]
        )
        assert noted == {"kept": 1, "refused": []}
        told = await agent.data(
            "answer",
            question="Where is it?",
            answer=words,
            claims=[{"text": words, "start_seconds": start, "stop_seconds": stop}],
        )
        assert told["accepted"] and told["refused"] == []
        assert (agent.calls, agent.pictures) == (4, 32)
        # Twenty pictures of five minutes leave most of it unseen, and say so.
        unseen = sum(one["stop_seconds"] - one["start_seconds"] for one in told["unseen"])
        assert 180 < unseen < 300
        assert not any(one["start_seconds"] < at < one["stop_seconds"] for one in told["unseen"])


@pytest.mark.slow
async def test_what_was_not_shown_is_refused_every_time(place: Any, tmp_path: Path) -> None:
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        shown = sorted(await agent.view())
        gaps = [(a + REACH_SECONDS + 0.1, b - REACH_SECONDS - 0.1) for a, b in pairwise(shown)]
        assert len(gaps) == 19
        claim: dict[str, Any] = {}
        for start, stop in [*gaps, (shown[0], shown[1]), (shown[3] + 1, shown[3] + 2.5), (gaps[0][0],) * 2]:
            claim = {"text": "A boat.", "start_seconds": start, "stop_seconds": stop}
            told = await agent.data("answer", question="What?", answer="A boat.", claims=[claim])
            assert not told["accepted"] and "never shown" in told["refused"][0]["reason"]
            noted = await agent.data("note", observations=[claim])
            assert noted["kept"] == 0 and noted["refused"][0]["place"] == 0
        right = {"text": "A door.", "start_seconds": shown[4] - 1.5, "stop_seconds": shown[4] + 1.5}
        mixed = await agent.data("answer", question="What?", answer="Both.", claims=[right, claim])
        assert not mixed["accepted"] and [one["place"] for one in mixed["refused"]] == [1]
        alone = await agent.data("answer", question="What?", answer="A door.", claims=[right])
        assert alone["accepted"]
        beyond = await agent.data(
            "answer", question="?", answer="?", claims=[{**claim, "start_seconds": 4e3, "stop_seconds": 5e3}]
        )
        assert "no span of this video" in beyond["refused"][0]["reason"]


async def test_a_picture_stands_for_nothing_beyond_a_cut_that_an_index_knows(
    place: Any, tmp_path: Path
) -> None:
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        shown = sorted(await agent.view())
        cut = shown[4] + 0.8
        over = {"text": "A door.", "start_seconds": cut + 0.2, "stop_seconds": cut + 0.9}
        assert (await agent.data("note", observations=[over]))["kept"] == 1
        info = probe(str(place.path))
        shots = (
            Shot(start_seconds=0.0, stop_seconds=cut),
            Shot(start_seconds=cut, stop_seconds=info.duration_seconds),
        )
        with Library.open(tmp_path / "library.db") as library:
            library.put_video(info)
            library.put_index(Index(key="k", video=info, shots=shots, created_at="2026-01-01T00:00:00+00:00"))
        refused = await agent.data("note", observations=[over])
        assert refused["kept"] == 0 and "never shown" in refused["refused"][0]["reason"]
        before = {**over, "start_seconds": cut - 0.6, "stop_seconds": cut - 0.1}
        assert (await agent.data("note", observations=[before]))["kept"] == 1


async def test_no_picture_comes_twice_unless_asked_and_another_conversation_begins_anew(
    place: Any, tmp_path: Path
) -> None:
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        first = await agent.view(start_seconds=10, stop_seconds=20)
        more = [await agent.view(start_seconds=10, stop_seconds=20) for _ in range(6)]
        every = [time for one in (first, *more) for time in one]
        assert len(every) == len(set(every)) <= 101, "a frame each tenth of a second"
        assert more[-1] == {}, "all there is was shown"
        again = await agent.view(start_seconds=10, stop_seconds=20, again=True)
        assert set(again) == set(first)
        other = await agent.view(start_seconds=10, stop_seconds=20, conversation="other")
        assert set(other) == set(first)
    # Kept: a server that is started anew shows nothing twice.
    async with client_of(place, tmp_path) as client:
        assert await Looker(client).view(start_seconds=10, stop_seconds=20) == {}


async def test_what_was_noted_comes_back_with_the_span(place: Any, tmp_path: Path) -> None:
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        first = await agent.data("view_span", start_seconds=0, stop_seconds=20, detail="close")
        assert first["noted"] == []
        at = first["picture_times"][0]
        lines = [
            {"start_seconds": at + 1, "stop_seconds": at + 1, "kind": "text", "text": "a moment"},
            {"start_seconds": at, "stop_seconds": at + 1, "kind": "caption", "text": "they walk"},
        ]
        assert (await agent.data("note", observations=lines))["kept"] == 2
        again = await agent.data("view_span", start_seconds=0, stop_seconds=20)
        assert again["noted"] == lines[::-1], "in order of time"
        other = await agent.data("view_span", start_seconds=0, stop_seconds=20, conversation="other")
        assert other["noted"] == []
        later = await agent.data("view_span", start_seconds=100, stop_seconds=120)
        assert later["noted"] == []


async def test_an_answer_comes_with_what_was_noted_of_its_spans(indexed_demo: Path, tmp_path: Path) -> None:
    shutil.copytree(indexed_demo, tmp_path / "demo")
    settings = load_settings(library=tmp_path / "demo" / ".mrvideo" / "library.db")
    async with mcp.Client(make_server(settings, [tmp_path / "demo"])) as client:
        asked = {"video": "talk.mp4", "question": "What is written on the ferry's sign?"}
        answer = json.loads((await client.call_tool("ask_video", asked)).content[0].text)
        assert answer["noted"] == [] and answer["evidence"]
        start = answer["evidence"][0]["start_seconds"]
        await client.call_tool(
            "view_span", {"video": "talk.mp4", "start_seconds": start, "stop_seconds": start + 2}
        )
        line = {
            "start_seconds": start + 0.5,
            "stop_seconds": start + 1.0,
            "kind": "text",
            "text": "FERRY 9:40",
        }
        far = {"start_seconds": 1.0, "stop_seconds": 1.0, "kind": "text", "text": "far from it"}
        await client.call_tool("view_span", {"video": "talk.mp4", "start_seconds": 0, "stop_seconds": 3})
        await client.call_tool("note", {"video": "talk.mp4", "observations": [line, far]})
        answer = json.loads((await client.call_tool("ask_video", asked)).content[0].text)
        assert answer["noted"] == [line]
        other = (await client.call_tool("ask_video", {**asked, "conversation": "other"})).content[0].text
        assert json.loads(other)["noted"] == []


@pytest.mark.slow
async def test_the_pictures_of_a_conversation_are_bounded(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrvideo.session.viewing.MOST_PICTURES", 50)
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        assert [len(await agent.view()) for _ in range(3)] == [20, 20, 10]
        refused = await agent.call("view_span")
        assert refused.is_error and "50 pictures" in refused.content[0].text


async def test_what_cannot_be_looked_at_is_one_line(place: Any, tmp_path: Path) -> None:
    async with client_of(place, tmp_path) as client:
        agent = Looker(client)
        for name, arguments, words in [
            ("view_span", {"start_seconds": 500.0}, "lies outside the video"),
            ("view_span", {"start_seconds": 9.0, "stop_seconds": 3.0}, "swap them"),
            ("view_span", {"video": "../nothing.mp4"}, "not there"),
            ("answer", {"question": "?", "answer": "!", "claims": []}, "claims"),
            (
                "note",
                {"observations": [{"start_seconds": 1, "stop_seconds": 2, "text": "x", "kind": "guess"}]},
                "kind",
            ),
        ]:
            failed = await agent.call(name, **arguments)
            assert failed.is_error and words in failed.content[0].text, (name, failed.content[0].text)
    with Library.open(tmp_path / "library.db", create=False) as library:
        assert library.videos() == (), "nothing is indexed by looking"


def test_new_times_are_as_far_as_can_be_from_those_shown() -> None:
    assert new_times(Span(0, 10), 5, ()) == (1, 3, 5, 7, 9)
    (one,) = new_times(Span(0, 10), 1, (0.0, 10.0))
    assert abs(one - 5) < 0.5
    assert new_times(Span(0, 1), 4, tuple(n / 10 for n in range(11))) == ()


class Seen:
    """What somebody who looked at every half second of a world knows of it: who did what, from when to when.
    Names come from greetings of who is alone there.
    """

    def __init__(self, pictures: dict[float, Any], said: list[dict[str, Any]]) -> None:
        self.said = said
        times = sorted(pictures)
        self.deeds: dict[int, list[SimpleNamespace]] = {}
        for time in times:
            seen = pictures[time]
            for pose in seen.poses:
                own = self.deeds.setdefault(pose.face, [])
                if not own or own[-1].event != (seen.event, seen.place):
                    own.append(
                        SimpleNamespace(
                            event=(seen.event, seen.place),
                            start=time,
                            stop=time,
                            place=world.PLACES[seen.place],
                            action=world.ACTIONS[pose.action],
                            prop=world.PROPS[pose.prop],
                            signs=[],
                        )
                    )
                own[-1].stop = time
                own[-1].signs.append(world.SIGNS[seen.sign])
        self.faces: dict[str, int] = {}
        for line in said:
            name = re.fullmatch(r"Hello, (\w+)!", line["text"])
            near = pictures[min(times, key=lambda time: abs(time - line["start_seconds"]))]
            if name and len(near.poses) == 1:
                self.faces[name[1]] = near.poses[0].face

    def answer(self, question: str) -> tuple[str | None, list[tuple[float, float]]]:
        """The answer, None for what is not shown, and the spans that show it."""
        kind, asked = next(
            (kind, found)
            for kind, form in world_questions._FORMS.items()
            if (found := re.fullmatch(form, question))
        )
        given = asked.groupdict()
        name = given["name"]
        fitting = [
            deed
            for deed in self.deeds[self.faces[name]]
            if given.get("place") in (None, deed.place) and given.get("action") in (None, deed.action)
        ]
        spans = [(deed.start, deed.stop) for deed in fitting]
        if kind == "why":
            lines = [
                line for line in self.said if line["text"].startswith(f"{name} {given['action']} because ")
            ]
            return (
                lines[0]["text"].split(" because ")[1].rstrip("."),
                [(line["start_seconds"], line["stop_seconds"]) for line in lines],
            )
        if kind in ("count", "visits"):
            return str(len(fitting)), spans
        if kind == "order":
            places = given["places"].replace("the ", "").split(", ")
            fitting = [deed for deed in fitting if deed.place in places]
            return ", ".join(f"the {deed.place}" for deed in fitting), [(d.start, d.stop) for d in fitting]
        if kind == "summary":
            return "; ".join(f"{d.action} with {d.prop} at the {d.place}" for d in fitting), spans
        if not fitting:
            return None, []
        first = fitting[0]
        told = {
            "with": first.prop,
            "where": first.place,
            "what": first.action,
            "when": clock(first.start),
            "sign": next((sign for sign in first.signs if sign), None),
        }
        return told[kind], spans[:1]


@pytest.mark.slow
async def test_every_question_of_the_test_bed_is_answered_right_by_looking(tmp_path: Path) -> None:
    """No model is configured and nothing is indexed: the caller looks, and its citations are checked."""
    made = world.make_world(seed=5, minutes=2, characters=4, named=4)
    cues = sorted((*made.cues(), *world_questions.cause_cues(made, 1)), key=lambda cue: cue.start_seconds)
    path = made.render(tmp_path / "world.mp4")
    lines = [(cue.start_seconds, cue.stop_seconds, cue.text) for cue in cues]
    path.with_suffix(".srt").write_text(write_srt(lines), encoding="utf-8")
    questions = world_questions.make_questions(made, seed=1, count=60, cues=cues)
    assert len({question.kind for question in questions}) >= 10
    server = make_server(load_settings(library=tmp_path / "library.db"), [tmp_path])
    async with mcp.Client(server) as client:
        agent = Looker(client)
        pictures: dict[float, Any] = {}
        for start in range(0, 120, 10):
            pictures |= await agent.view(start_seconds=start, stop_seconds=start + 10)
        assert (agent.calls, agent.pictures) == (12, 240)
        seen = Seen(pictures, agent.said)
        wrong: list[str] = []
        for question in questions:
            answer, spans = seen.answer(question.text)
            cited = [{"text": question.text, "start_seconds": a, "stop_seconds": b} for a, b in spans]
            whole = [{"text": "not seen", "start_seconds": 0, "stop_seconds": 119}]
            told = await agent.data(
                "answer",
                question=question.text,
                answer=answer or "It is not shown.",
                claims=cited or whole,
            )
            near = [span.padded(1.0) for span in question.spans]
            right = world_questions.is_right(question, SimpleNamespace(answer=answer))
            shown = all(any(n.start_seconds <= a and b <= n.stop_seconds for n in near) for a, b in spans)
            if not (told["accepted"] and right and shown):
                wrong.append(f"{question.text} {answer!r}, not {question.truth!r}: {told['refused']}")
        assert wrong == []
