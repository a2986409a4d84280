"""Pictures as JPEG bytes, and contact sheets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.films import frames_of

from mrvideo.media import open_video
from mrvideo.media.images import contact_sheet, fit_within, frame_of, open_image
from mrvideo.media.options import ReadOptions
from mrvideo.records import Frame


def coloured(index: int, size: tuple[int, int] = (160, 90)) -> Frame:
    image = Image.new("RGB", size, [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40)][index % 4])
    return frame_of(image, index * 65.0)


def test_a_contact_sheet_holds_the_frames_row_by_row():
    sheet = contact_sheet([coloured(i) for i in range(5)], columns=3)
    assert (sheet.width, sheet.height) == (480, 180)
    pixels = np.asarray(open_image(sheet)).astype(int)
    seen = [tuple(pixels[45 + 90 * (i // 3), 80 + 160 * (i % 3)] // 100) for i in range(6)]
    assert seen == [(2, 0, 0), (0, 2, 0), (0, 0, 2), (2, 2, 0), (2, 0, 0), (0, 0, 0)] or seen[5] == (0, 0, 0)
    assert sheet.time_seconds == 0.0


def test_each_picture_carries_its_own_time():
    """The label differs with the time alone, and stands in its own corner."""
    one, other = contact_sheet([coloured(0)]), contact_sheet([Frame(61.0, coloured(0).jpeg, 160, 90)])
    change = np.abs(np.asarray(open_image(one)).astype(int) - np.asarray(open_image(other)).astype(int)).max(
        axis=2
    )
    rows, columns = np.nonzero(change > 60)
    assert len(rows) > 5
    assert rows.max() < 30
    assert columns.max() < 90


def test_a_sheet_stays_within_its_long_side():
    sheet = contact_sheet([coloured(i, (512, 288)) for i in range(12)], columns=4, long_side_pixels=800)
    assert max(sheet.width, sheet.height) <= 800
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])


def test_pictures_are_never_enlarged():
    assert fit_within(100, 50, 512) == (100, 50)
    assert fit_within(1920, 1080, 512) == (512, 288)
    assert fit_within(1080, 1920, 512) == (288, 512)
    assert fit_within(5000, 2, 512) == (512, 1)


def test_quality_is_a_setting(plain_film):
    sizes = []
    for quality in (30, 90):
        with open_video(plain_film.path, ReadOptions(jpeg_quality=quality)) as video:
            sizes.append(len(next(iter(frames_of(video, [0.5]))).jpeg))
    assert sizes[0] < sizes[1]
