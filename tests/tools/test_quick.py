"""The quick look: the agent looks itself, and what it cites must have been shown."""

from __future__ import annotations

import base64
import io
import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from support import world

from mrvideo.library import Library
from mrvideo.records import Span
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
        return seen


def client_of(place: Any, tmp_path: Path) -> Any:
    return mcp.Client(make_server(load_settings(library=tmp_path / "library.db"), [place.folder]))


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
