"""A cast file and its photos are somebody else's: whatever they hold, they are used or refused in one line,
at once.
"""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image

from mrvideo.captioning.cast_file import Given, given_digest, load_given
from mrvideo.errors import InputError

ANNA = '[[cast]]\nname = "Anna"\n'


def loaded(folder: Path, text: str) -> tuple[Given, ...]:
    path = folder / "cast.toml"
    path.write_text(text, encoding="utf-8")
    return load_given(path)


def photographed(folder: Path, data: bytes) -> Image.Image:
    (folder / "photo").write_bytes(data)
    (anna,) = loaded(folder, ANNA + 'photo = "photo"\n')
    assert anna.jpeg is not None
    return Image.open(io.BytesIO(anna.jpeg))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey_png(width: int, height: int, packed: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = " + "[" * 50_000, "nested too deep"),
        ("a = " + "1" * 5000, "is not TOML"),
        ("a." * 50_000 + "a = 1", "a key of more than 16 parts"),
        ('"a b".' * 40_000 + "a = 1", "a key of more than 16 parts"),
        ("\x00\x01", "is not TOML"),
        (ANNA + 'description = "' + "x" * 300_000 + '"', "294 KB is too big for a cast file, at most 256 KB"),
        (ANNA + 'description = "' + "x" * 3000 + '"', "at most 2000 characters"),
        (ANNA + f'photo = "{"x" * 300}"', "cannot read"),
        (ANNA + 'photo = "a\\u0000b"', "null byte|null character"),
        ('[[cast]]\nname = "  "\ndescription = "x"', "at least 1 character"),
        ('[[cast]]\nname = "a\\nb"\ndescription = "x"', "words in one line"),
        ('[[cast]]\nname = "<a>"\ndescription = "x"', "without < and >"),
    ],
    ids=["deep", "digits", "dots", "quotes", "binary", "huge", "long", "long path", "null", "blank", "rows", "marks"],
)  # fmt: skip
def test_a_deep_huge_odd_or_binary_cast_file_is_refused_in_one_line(tmp_path, text, says):
    with pytest.raises(InputError, match=says) as caught:
        loaded(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_dots_in_words_are_no_keys(tmp_path):
    dots = "." * 100
    (anna,) = loaded(tmp_path, f'{ANNA}description = """{dots}\n{dots} a "quoted" one\n"""  # {dots}\n')
    assert anna.description.startswith(dots)


@pytest.mark.timeout(60)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_devices_and_folders_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("pipe", "named pipe"), ("/dev/zero", "device"), (".", "folder")):
        with pytest.raises(InputError, match=says):
            loaded(tmp_path, f'{ANNA}photo = "{name}"\n')
        with pytest.raises(InputError, match=says):
            load_given(tmp_path / name)
        with pytest.raises(InputError, match=says):
            given_digest(tmp_path / name)


def test_a_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(6 << 30)
    tracemalloc.start()
    with pytest.raises(InputError, match="6144 MB is too big for a cast file"):
        load_given(tmp_path / "huge")
    with pytest.raises(InputError, match="6144 MB is too big for a photo, at most 64 MB"):
        loaded(tmp_path, ANNA + 'photo = "huge"\n')
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("side", [7000, 30_000])
def test_a_picture_that_claims_more_than_can_be_held_is_refused_before_it_is_decoded(tmp_path, side):
    """A file of a few KB that unpacks to gigabytes; Pillow's own bound is a warning, then an error of its
    own.
    """
    bomb = grey_png(side, side, zlib.compress(bytes((side + 1) * 100)))
    with pytest.raises(InputError, match="more than 40 million pixels are not decoded; scale it down"):
        photographed(tmp_path, bomb)


@pytest.mark.slow
def test_a_large_photo_of_a_camera_is_read_at_a_part_of_its_size(tmp_path):
    assert photographed(tmp_path, saved(Image.new("RGB", (8064, 6048), "red"), "JPEG")).size == (768, 576)


def test_a_photo_lying_on_its_side_stands_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.new("RGB", (400, 200), "blue")
    turned.paste("red", (0, 0, 200, 200))
    photo = photographed(tmp_path, saved(turned, "JPEG", exif=exif))
    assert photo.size == (200, 400)
    assert photo.getpixel((100, 50))[0] > 200, "the left half is now the upper one"


@pytest.mark.parametrize(
    "data",
    [
        grey_png(100, 100, b"not packed"),
        grey_png(100, 100, zlib.compress(b""))[:50],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n",
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 40,
        b"",
    ],
    ids=["wrong data", "cut off", "a program for a printer", "a wrong chunk", "empty"],
)
def test_what_is_no_whole_picture_is_refused_in_one_line(tmp_path, data):
    with pytest.raises(InputError, match="is not a picture that can be read; save it as JPEG or PNG"):
        photographed(tmp_path, data)
