"""The tool that finds moments: typed, bounded, and told apart from exact search."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from mrvideo.errors import InputError, SettingsError
from mrvideo.tools.toolbox import Toolbox


async def test_moments_are_found_in_one_video_and_in_all(served) -> None:
    box = Toolbox(served.settings, roots=(served.root,))
    one = (await box.call("find_moments", {"query": "mackerels", "video": "talk.mp4"})).data
    assert one["moments"] and one["moments"][0]["why"][0]["source"] in ("caption", "text", "speech")
    everywhere = (await box.call("find_moments", {"query": "mackerels"})).data
    assert everywhere["moments"] == one["moments"]
    start = one["moments"][0]["start_seconds"]
    before = await box.call("find_moments", {"query": "mackerels", "stop_seconds": max(start - 1, 0)})
    assert all(moment["start_seconds"] < start for moment in before.data["moments"])


async def test_pictures_come_on_a_labelled_sheet_where_they_are_wanted(served) -> None:
    box = Toolbox(served.settings, roots=(served.root,))
    plain = await box.call("find_moments", {"query": "mackerels", "video": "talk.mp4"})
    assert plain.parts == ()
    shown = await box.call("find_moments", {"query": "mackerels", "video": "talk.mp4", "pictures": True})
    assert shown.data == plain.data
    labels, jpeg = shown.parts
    moments = shown.data["moments"]
    assert len(labels.split(" | ")) == len(moments)
    number, time = labels.split(" | ")[0].removesuffix(" s").split(": ")
    assert number == "1" and moments[0]["start_seconds"] <= float(time) < moments[0]["stop_seconds"]
    assert Image.open(io.BytesIO(jpeg)).format == "JPEG"


async def test_nothing_is_an_empty_list_and_bad_input_an_error(served) -> None:
    box = Toolbox(served.settings, roots=(served.root,))
    nothing = (await box.call("find_moments", {"query": "zeppelins above Vladivostok"})).data
    assert nothing["moments"] == [] and nothing["searched"]
    with pytest.raises(SettingsError, match="a model that sees"):
        await box.call("find_moments", {"query": "mackerel", "confirm": True})
    with pytest.raises(InputError, match="swap them"):
        await box.call("find_moments", {"query": "mackerel", "start_seconds": 9, "stop_seconds": 2})
