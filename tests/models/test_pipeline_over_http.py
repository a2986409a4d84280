"""Stage A against a server over real HTTP that answers by looking at the pixels: the words, the money, and no
key anywhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import pytest

import mrvideo
from mrvideo.records import StageAdvanced
from mrvideo.session.exporting import Format, export_index

KEY = "sk-secret-fedcba9876543210"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Twelve seconds: four of red, four of green, four of blue."""
    path = tmp_path_factory.mktemp("video") / "colours.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(120):
            picture = np.full((96, 160, 3), list(COLOURS.values())[number // 40], dtype=np.uint8)
            # Something moves, so that no frame is thinned out as still.
            picture[10:20, number : number + 20] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


def colour_of(asked: Any, index: int) -> str:
    red, green, blue = asked.image(index).getpixel((80, 80))
    return max((red, "red"), (green, "green"), (blue, "blue"))[1]


def by_the_pixels(asked: Any) -> dict[str, Any]:
    """Captions one scene for each run of frames of one colour."""
    if asked.schema_name != "CaptionClipReply":
        return {"characters": [], "pairs": []}
    scenes: list[dict[str, Any]] = []
    before = None
    for index, (label, _) in enumerate(asked.pictures):
        if not label.endswith(" s"):
            before = colour_of(asked, index)
            continue
        time_seconds, colour = float(label.removesuffix(" s")), colour_of(asked, index)
        if not scenes or scenes[-1]["brief"] != colour:
            if scenes:
                scenes[-1]["stop_seconds"] = time_seconds
            words = f"The picture is {colour}."
            scenes.append({"start_seconds": time_seconds, "brief": colour, "detailed": words})
            scenes[-1] |= {"appearing": [], "screen_text": []}
        scenes[-1]["stop_seconds"] = time_seconds + 0.5
    return {"continues_previous": before == scenes[0]["brief"], "scenes": scenes}


def test_a_video_is_captioned_over_http_by_what_its_pixels_show(serve, video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MRVIDEO_API_KEY", KEY)
    server = serve(by_the_pixels, key=KEY)
    events: list[Any] = []
    settings = {"vision": "openai:test-vlm", "base_url": server.base_url}

    indexed = mrvideo.index(video, on_event=events.append, **settings)

    assert server.refusals == []
    shown = {scene.brief: (scene.start_seconds, scene.stop_seconds) for scene in indexed.scenes}
    assert set(shown) == set(COLOURS)
    for number, colour in enumerate(COLOURS):
        assert shown[colour] == pytest.approx((number * 4, number * 4 + 4), abs=0.51)
    assert indexed.failures == ()

    told = [event.usage for event in events if isinstance(event, StageAdvanced)]
    assert sum(usage.input_tokens for usage in told) == server.input_tokens
    assert indexed.index.usage.input_tokens == server.input_tokens
    assert indexed.index.usage.output_tokens == server.output_tokens
    assert indexed.index.usage.cost is None

    asked_before = server.calls
    again = mrvideo.index(video, **settings)
    assert server.calls == asked_before, "a second index of the same video calls nothing"
    assert again.scenes == indexed.scenes

    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"The picture is red" in written, "the library lies here"
    exported = "".join(export_index(indexed.index, name) for name in get_args(Format))
    shown_anywhere = [repr(indexed), repr(indexed.settings), repr(events), exported]
    shown_anywhere.append(json.dumps(indexed.index.model_dump(mode="json")))
    assert KEY.encode() not in written
    assert KEY not in "".join(shown_anywhere)


def test_a_clip_whose_calls_fail_for_good_is_listed_and_the_next_run_repairs_it(
    serve, video, tmp_path, monkeypatch, chat
):
    monkeypatch.chdir(tmp_path)
    settings = {"vision": "openai:test-vlm"}
    broken = serve(
        lambda asked: by_the_pixels(asked) if asked.schema_name != "CaptionClipReply" else "no idea"
    )
    indexed = mrvideo.index(video, base_url=broken.base_url, **settings)
    assert indexed.scenes == ()
    assert sum(failure.duration_seconds for failure in indexed.failures) >= 11.5
    assert all("outside its bounds twice" in failure.reason for failure in indexed.failures)

    broken.answer = by_the_pixels
    repaired = mrvideo.index(video, base_url=broken.base_url, **settings)
    assert repaired.failures == ()
    assert {scene.brief for scene in repaired.scenes} == set(COLOURS)
