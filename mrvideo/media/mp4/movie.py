"""MP4 and MOV files of many hours: opened with an index of the wanted span only.

A decoder library keeps some 60 bytes for every picture and sound of the whole file, in every reader. Here it
is shown the same file with another index (`moov`) behind it, which lists few samples, all at their own places
and times:

    file    ftyp  mdat ~~~~~~~~~~~~~~~~~~~~~  moov          samples  |head|................................|tail|
    shown   ftyp  mdat ~~~~~~~~~~~~~~~~~~~~~  free  moov'   listed   |head|      |=== wanted span ===|    |tail|

The head sets the clock's origin, the tail tells the end. Whatever is unusual in a file makes `Movie.of`
decline it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Self

from mrvideo.media.mp4.boxes import Box, NotPlainError, boxes_in, full_box, wrap
from mrvideo.media.mp4.samples import SampleTables
from mrvideo.media.mp4.spliced import Spliced
from mrvideo.records import Span

LONG_INDEX_BYTES = 1 << 18
"""Below this the whole index does not matter: some ten minutes of pictures with sound."""

_BEFORE_SECONDS = 140.0
"""More than a seek is ever made again from further back."""
_AFTER_SECONDS = 5.0
_PARTS = (b"trak", b"mdia", b"minf", b"stbl")
_TABLES = frozenset({b"stts", b"ctts", b"stss", b"stsz", b"stsc", b"stco", b"co64"})
_LEFT_OUT = frozenset({b"sdtp", b"sgpd", b"subs", b"saiz", b"saio", b"padb", b"stdp", b"stsh"})
_STRANGE = frozenset({b"stz2", b"stps", b"sbgp"})


class Movie:
    """A long file's boxes. Reads from the file when asked; holds no table."""

    def __init__(self, path: str, size: int, moov: Box) -> None:
        self._path = path
        self._moov = moov
        self.size_bytes = size
        self._rates: dict[int, Fraction] = {}

    @classmethod
    def of(cls, path: str) -> Self | None:
        """The file as a Movie; None when it is short, no MP4 or MOV, or built in a way that this room does
        not know.
        """
        try:
            size = Path(path).stat().st_size
            if size <= LONG_INDEX_BYTES:
                return None
            with Path(path).open("rb") as file:
                top = list(boxes_in(file, 0, size))
                moovs = [box for box in top if box.kind == b"moov"]
                if len(moovs) != 1 or any(box.kind in (b"moof", b"sidx") for box in top):
                    return None
                moov = moovs[0]
                if moov.stop - moov.start <= LONG_INDEX_BYTES or top[-1].open_ended:
                    return None
                movie = cls(path, size, moov)
                movie._rates = movie._rates_of_videos(file)
                return movie if movie._rates else None
        except (NotPlainError, OSError):
            return None

    def rate(self, stream_index: int) -> Fraction | None:
        """Pictures a second of the stream of that number, over the whole file; None where it is no video."""
        return self._rates.get(stream_index)

    def window(self, span: Span) -> Spliced:
        """The file as a decoder library is to see it: the span, in seconds from the first picture, is listed
        in full.
        """
        file = Path(self._path).open("rb")  # noqa: SIM115 - closed with what is returned
        try:
            index = wrap(b"moov", b"".join(self._rewritten(file, self._moov, span)))
        except BaseException:
            file.close()
            raise
        kind = self._moov.start + 4
        return Spliced(file, [(0, kind), b"free", (kind + 4, self.size_bytes), index])

    def _rates_of_videos(self, file: BinaryIO) -> dict[int, Fraction]:
        boxes = list(self._inside(file, self._moov))
        if odd := {box.kind for box in boxes} & {b"mvex", b"cmov"}:
            raise NotPlainError(*odd)
        tracks = [_tables_of(file, box) for box in boxes if box.kind == b"trak"]
        return {place: tables.rate for place, tables in enumerate(tracks) if tables is not None}

    def _inside(self, file: BinaryIO, box: Box) -> Iterator[Box]:
        return boxes_in(file, box.body, box.stop)

    def _rewritten(self, file: BinaryIO, parent: Box, span: Span) -> Iterator[bytes]:
        for box in self._inside(file, parent):
            if box.kind == b"trak":
                yield _rewritten_track(file, box, _tables_of(file, box), span)
            else:
                yield box.read(file)


def _tables_of(file: BinaryIO, track: Box) -> SampleTables | None:
    """A video track's tables; None for sound and text. Raises NotPlainError for what cannot be cut safely."""
    heads: dict[bytes, bytes] = {}
    stbl: Box | None = None
    for box in _walk(file, track):
        # The first of a kind: MOV files have a second `hdlr`, for the data.
        if box.kind in (b"hdlr", b"mdhd", b"elst") and box.kind not in heads:
            heads[box.kind] = box.read_body(file)
        elif box.kind == b"stbl" and stbl is None:
            stbl = box
    if heads.get(b"hdlr", b"")[8:12] != b"vide":
        return None
    if stbl is None:
        raise NotPlainError("no sample table")
    boxes = {box.kind: box for box in boxes_in(file, stbl.body, stbl.stop)}
    if strange := _STRANGE & boxes.keys():
        raise NotPlainError(*strange)
    if missing := {b"stts", b"stsz", b"stsc"} - boxes.keys():
        raise NotPlainError(*missing)
    return SampleTables(
        file,
        boxes,
        media_header=heads.get(b"mdhd", b""),
        edits=heads.get(b"elst"),
    )


def _walk(file: BinaryIO, box: Box) -> Iterator[Box]:
    for inner in boxes_in(file, box.body, box.stop):
        yield inner
        if inner.kind in (*_PARTS, b"edts"):
            yield from _walk(file, inner)


def _rewritten_track(file: BinaryIO, box: Box, tables: SampleTables | None, span: Span) -> bytes:
    parts: list[bytes] = []
    for inner in boxes_in(file, box.body, box.stop):
        if inner.kind == b"stbl":
            parts.append(wrap(b"stbl", _rewritten_tables(file, inner, tables, span)))
        elif inner.kind in _PARTS:
            parts.append(_rewritten_track(file, inner, tables, span))
        else:
            parts.append(inner.read(file))
    return wrap(box.kind, b"".join(parts))


def _rewritten_tables(file: BinaryIO, stbl: Box, tables: SampleTables | None, span: Span) -> bytes:
    kept = [
        inner.read(file)
        for inner in boxes_in(file, stbl.body, stbl.stop)
        if inner.kind not in _TABLES | _LEFT_OUT | _STRANGE
    ]
    if tables is None:
        empty = (full_box(kind, b"\0\0\0\0") for kind in (b"stts", b"stsc", b"stco"))
        return b"".join([*kept, *empty, full_box(b"stsz", b"\0" * 8)])
    return b"".join(
        [*kept, *tables.listing(span, before_seconds=_BEFORE_SECONDS, after_seconds=_AFTER_SECONDS)]
    )
