"""Indexing by key frames alone is another index, and says what it is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from mrvideo.captioning.options import index_key
from mrvideo.media.identity import probe
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Notice
from mrvideo.session.indexing import index_video
from mrvideo.session.options import captioning_options
from mrvideo.settings import load_settings


def test_a_coarse_index_never_passes_for_a_fine_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = make_film(tmp_path / "three-walls.mp4")
    model = ScriptedModel([])
    keys = {
        index_key(
            probe(film),
            (),
            options=captioning_options(load_settings(keyframes_only=coarse)),
            vision=model,
        )
        for coarse in (False, True)
    }
    assert len(keys) == 2


@pytest.mark.slow
def test_a_coarse_index_tiles_the_video_and_tells_what_it_did_not_see(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = make_film(tmp_path / "three-walls.mp4")
    events = []
    index = index_video(str(film), load_settings(keyframes_only=True), on_event=events.append)
    assert [event.text for event in events if isinstance(event, Notice)][:1] == [
        "key frames only: what is shown between two of them is not seen"
    ]
    spans = [(scene.start_seconds, scene.stop_seconds) for scene in index.scenes]
    assert spans[0][0] == 0.0
    assert spans[-1][1] == index.video.duration_seconds
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def make_film(path):
    """Twelve seconds, three walls, a key frame every two seconds."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(
            "libx264", rate=5, options={"g": "10", "bf": "2", "sc_threshold": "0"}
        )
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(60):
            wall = np.full((64, 96, 3), 60 * (number // 20) + 20, np.uint8)
            wall[:, (number * 2) % 90 : (number * 2) % 90 + 6] = 255
            output.mux(stream.encode(av.VideoFrame.from_ndarray(wall, format="rgb24")))
        output.mux(stream.encode(None))
    return path
