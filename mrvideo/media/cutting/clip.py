"""One span, or several after one another, as an MP4 film."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import av.error

from mrvideo.errors import VideoError
from mrvideo.files import fills_disk, not_written
from mrvideo.media import sources
from mrvideo.media.cutting.copying import copy, copyable, shows_the_same
from mrvideo.media.cutting.new_file import new_file
from mrvideo.media.cutting.sound import Hearing
from mrvideo.media.cutting.source import Film, SourceSpan, source_spans
from mrvideo.media.cutting.turning import turn
from mrvideo.media.cutting.writer import TICKS, Writer
from mrvideo.media.mp4.boxes import NotPlainError
from mrvideo.media.options import ReadOptions
from mrvideo.records import Span


def cut_clip(
    path: str, span: Span, target: Path, reading: ReadOptions | None = None, *, overwrite: bool = False
) -> bool:
    """The span as an MP4 file, from the picture on screen at its start to the last one before its stop, with
    the sound of just then.

    Whether the pictures were copied: they are where the first one is a key frame and nothing after the last
    one is needed. A copy begins with its key frame, less than a frame before the start. Raises `InputError`
    where the target exists, `DecodeError` where some of the span cannot be decoded, `VideoError` where it
    cannot be written, `NotWritten` where the disk is full.
    """
    path, reading = sources.named(path), reading or ReadOptions()
    recordings = source_spans(path, span, reading)
    with _written(path, target, overwrite=overwrite) as made:
        if len(recordings) == 1 and _copied(path, recordings[0], made, reading):
            return True
        _encode(path, recordings, made, reading)
        return False


def join_clips(
    path: str,
    spans: Sequence[Span],
    target: Path,
    reading: ReadOptions | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """The spans after one another as one MP4 film, encoded anew. Raises as `cut_clip` does."""
    path, reading = sources.named(path), reading or ReadOptions()
    recordings = [source for span in spans for source in source_spans(path, span, reading)]
    with _written(path, target, overwrite=overwrite) as made:
        _encode(path, recordings, made, reading)


def _go_on() -> None:
    """Nobody stops it."""


@contextmanager
def _written(path: str, target: Path, *, overwrite: bool) -> Generator[Path]:
    with new_file(target, overwrite=overwrite) as made, told_as(f"{path}: {target} cannot be written"):
        yield made


@contextmanager
def told_as(told: str) -> Generator[None]:
    """Raises `VideoError` with these words and the reason where a file cannot be made, `NotWritten` where its
    disk is full.
    """
    try:
        yield
    except (av.error.FFmpegError, ValueError, NotPlainError, OSError) as error:
        if isinstance(error, OSError) and fills_disk(error):
            raise not_written(told, error, way_out="") from error
        reason = (getattr(error, "strerror", None) or str(error)).strip()
        raise VideoError(f"{told}: {reason}") from error


def _copied(path: str, source: SourceSpan, made: Path, reading: ReadOptions) -> bool:
    with closing(Film(path, source, reading)) as film:
        copied = copyable(film)
        if copied is None:
            return False
        begun = source._replace(span=Span(copied.start_seconds, copied.stop_seconds))
        film.source = begun
        kind = Hearing.kind_of(film)
        with closing(Hearing(film)) as hearing, closing(Writer(made, kind)) as writer:
            if kind is not None:
                count = round(begun.span.duration_seconds * kind[0])
                writer.hear(hearing.samples(*kind, count))
            copy(film, copied, writer)
            writer.finish()
        turn(made, film.first.rotation)
        return shows_the_same(film, copied, made, reading)


def _encode(path: str, recordings: Sequence[SourceSpan], made: Path, reading: ReadOptions) -> None:
    with closing(Film(path, recordings[0], reading)) as first:
        kind = Hearing.kind_of(first)
    with closing(Writer(made, kind)) as writer:
        turned = encode_spans(path, recordings, writer, kind, reading)
    turn(made, turned)


def encode_spans(
    path: str,
    recordings: Sequence[SourceSpan],
    writer: Writer,
    kind: tuple[int, str] | None,
    reading: ReadOptions,
    go_on: Callable[[], None] = _go_on,
) -> int:
    """Encode the spans behind one another, with sound of this kind, and finish the file; by how many degrees
    `turn` is to turn it. `go_on` as in `Film.shown`.
    """
    turned: int | None = None
    done = 0.0
    for source in recordings:
        with closing(Film(path, source, reading)) as film, closing(Hearing(film)) as hearing:
            if turned is None:
                turned = film.first.rotation
                writer.encode_pictures(film)
            _write_span(film, hearing, writer, kind, done, go_on)
        done += source.span.duration_seconds
    writer.finish()
    return turned or 0


def _write_span(
    film: Film,
    hearing: Hearing,
    writer: Writer,
    kind: tuple[int, str] | None,
    done: float,
    go_on: Callable[[], None],
) -> None:
    """Encode a film's span, with its sound, behind the `done` seconds that are written."""
    span = film.source.span
    offset = done - span.start_seconds
    if kind is not None:
        # Counted from the film's start, so that roundings do not add up over many spans.
        count = round((done + span.duration_seconds) * kind[0]) - round(done * kind[0])
        writer.hear(hearing.samples(*kind, count))
    for shown in film.shown(go_on):
        tick, stop = (round((t + offset) * TICKS) for t in (shown.start_seconds, shown.stop_seconds))
        if stop > tick:
            writer.write(shown, tick, stop)
    # The reader of the sound closes with this span: what it holds is taken now.
    writer.hear_until(None)
