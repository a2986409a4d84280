"""A dual encoder that was trained for seconds finds what it never saw, through its adapter and `find`."""

from __future__ import annotations

import random
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from support import shapes

import mrvideo
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.records import Index, Shot
from mrvideo.settings import Settings

SECONDS = 2
WIDE = 128


@pytest.mark.slow
def test_a_red_circle_left_of_a_blue_square_is_found(tmp_path: Path) -> None:
    """One shot for each of 24 pairs, with sizes, places and shades that training had none of. The pairs differ
    from each other in one word, or in which word stands first.
    """
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    encoder = shapes.train(tmp_path / "encoder", steps=600)
    chance = random.Random(99)
    order = chance.sample(shapes.PAIRS, len(shapes.PAIRS))
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = WIDE, WIDE, "yuv420p"
        for pair in order:
            drawn = shapes.draw(pair, chance, held_out=True).resize((WIDE, WIDE), Image.Resampling.NEAREST)
            for _ in range(4 * SECONDS):
                frame = av.VideoFrame.from_ndarray(np.asarray(drawn), format="rgb24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    shots = tuple(Shot(start_seconds=SECONDS * n, stop_seconds=SECONDS * (n + 1)) for n in range(len(order)))
    settings = Settings(library=tmp_path / "library.db", embed=str(encoder))
    with Library.open(settings.library) as library:
        library.put_index(Index(key="k", video=probe(str(path)), shots=shots))
    video = mrvideo.load(str(path), settings=settings)

    def found_first(words: str) -> int | None:
        moments = video.find(words).moments
        return None if not moments else round(moments[0].start_seconds / SECONDS)

    wanted = order.index(shapes.Pair(("red", "circle"), ("blue", "square")))
    assert found_first("a red circle left of a blue square") == wanted
    assert found_first("a blue square right of a red circle") == wanted
    right = [found_first(pair.words[0]) == place for place, pair in enumerate(order)]
    assert np.mean(right) >= 0.8
