"""Spans of videos as files in a folder: clips, one film of highlights, GIFs, pictures, or an edit list.

arguments ─┐
an answer ─┼─► spans of one video, or of several ─► files whose names sort as the spans do
a find    ─┘   padded, cut to the film, checked before anything is written
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import ValidationError

from mrvideo.errors import DecodeError, InputError
from mrvideo.files import is_file, not_written, read_small
from mrvideo.media.content import Content
from mrvideo.media.cutting import check_new, cut_clip, cut_gif, join_clips, new_file
from mrvideo.media.edit_lists import EDIT_LIST_FORMATS, EditListFormat, edit_list
from mrvideo.media.identity import probe
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.sources import address_of
from mrvideo.records import (
    HIGHEST_JPEG_QUALITY,
    Answer,
    EventSink,
    Found,
    Notice,
    Record,
    Span,
    Spanned,
    StageAdvanced,
    StageFinished,
    StageStarted,
    VideoInfo,
    clock,
    merge_spans,
)
from mrvideo.session.loading import load_index
from mrvideo.session.options import read_options
from mrvideo.settings import Settings
from mrvideo.wording import is_url

ClipFormat: TypeAlias = Literal["mp4", "gif", "edl", "otio", "llc"]
CLIP_FORMATS: tuple[str, ...] = get_args(ClipFormat)

PADDED_SECONDS = 1.0
"""Before and after what an answer or a find names: evidence may be an instant."""
MOST_CLIPS = 1000
MOST_PICTURES_PER_SPAN = 1000

_MOST_JSON_BYTES = 64 << 20
_FRAME_PIXELS = 1 << 14
"""Larger than any picture that is decoded: pictures are written in the film's own size."""
_JPEG_QUALITY = 93
_STAGE = "clips"


@dataclass(frozen=True)
class ToCut:
    """A video, and the spans of it to cut, in the order of their files. The path must hold the video's
    content.
    """

    video: VideoInfo
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Way:
    """How spans are written. Raises `InputError` for what does not go together.

    `format` is that of the files; `join` makes one film of all spans; with `frames`, so many pictures of each
    span are written instead.
    """

    format: ClipFormat = "mp4"
    join: bool = False
    frames: int | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.format not in CLIP_FORMATS:
            raise InputError(f"format {self.format!r}: must be one of {', '.join(CLIP_FORMATS)}")
        if self.join and (self.format != "mp4" or self.frames is not None):
            raise InputError("join makes an MP4 film; leave out --format and --frames")
        if self.frames is not None and self.format != "mp4":
            raise InputError("frames are JPEG pictures; leave out --format")
        if self.frames is not None and not 1 <= self.frames <= MOST_PICTURES_PER_SPAN:
            raise InputError(f"frames is {self.frames}; give 1 to {MOST_PICTURES_PER_SPAN} pictures a span")


class WrittenClip(Record):
    """A file that was written and what it shows. `copied`: its pictures are the film's own data, not encoded
    anew.
    """

    path: str
    video: str
    spans: tuple[Span, ...]
    copied: bool = False


def video_named(video: str, settings: Settings) -> VideoInfo:
    """The video of a path, an address, or the first digits of an indexed one's digest. Raises the VideoError
    tree, `InputError`.
    """
    if is_url(video) or is_file(video):
        return probe(video, read_options(settings))
    if Path(video).exists() or Path(video).suffix or not settings.library.exists():
        return probe(video, read_options(settings))  # Says what is wrong with it.
    return load_index(video, settings).video


def to_cut(
    video: VideoInfo,
    spans: Sequence[Span],
    *,
    pad_seconds: float = 0.0,
    instants: bool = False,
    on_event: EventSink,
) -> ToCut:
    """The spans in their order, widened, and cut to the film. Raises `InputError` for one outside it, and for
    none at all.

    An instant has no clip, only a picture: it is refused unless `instants`.
    """
    if not 0 <= pad_seconds <= 3600:
        raise InputError(f"pad is {pad_seconds}; give 0 to 3600 seconds")
    if not spans:
        raise InputError("no span to cut; give one like 1:47-1:50")
    whole = Span(0.0, video.duration_seconds)
    cut: list[Span] = []
    for span in spans:
        if span.start_seconds >= whole.stop_seconds:
            raise InputError(f"{span} lies outside {video.path}, which is {clock(whole.stop_seconds)} long")
        wider = span.padded(pad_seconds, within=whole)
        if wider.duration_seconds <= 0 and not instants:
            raise InputError(f"{span} is an instant, which no clip can show; give --pad 1, or a longer span")
        if span.stop_seconds > whole.stop_seconds + 0.05:
            on_event(Notice(text=f"{span} is cut at the film's end, {clock(whole.stop_seconds)}"))
        cut.append(wider)
    return ToCut(video, tuple(cut))


def spans_told(text: str, *, name: str) -> list[tuple[str, str, list[Span]]]:
    """Path, digest and spans of each video that an answer's or a find's JSON tells of, spans in order of
    time.

    `name` is whose text it is, for the message. Raises `InputError` for other JSON, and where it names no
    span.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} holds no JSON; give what ask --json or find --json prints") from error
    try:
        if isinstance(told, dict) and "moments" in told:
            return spans_found(Found.model_validate(told), name=name)
        if isinstance(told, dict) and "evidence" in told:
            return spans_cited(Answer.model_validate(told), name=name)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(
            f"{name} is no answer and no find: {where} does not fit; give what ask --json prints"
        ) from error
    raise InputError(f"{name} is no answer and no find; give what ask --json or find --json prints")


def spans_cited(answer: Answer, *, name: str = "the answer") -> list[tuple[str, str, list[Span]]]:
    """What an answer cites. Raises `InputError` where that is nothing."""
    spans = _in_time(answer.evidence)
    if not spans:
        raise InputError(f"{name} cites no span of the video; there is nothing to cut")
    return [(answer.video, answer.video_digest, spans)]


def spans_found(found: Found, *, name: str = "the find") -> list[tuple[str, str, list[Span]]]:
    """What was found, by video. Raises `InputError` where that is nothing."""
    if not found.moments:
        raise InputError(f"{name} found no moment; there is nothing to cut")
    videos = {moment.video_digest: moment.video for moment in found.moments}
    return [
        (path, digest, _in_time([m for m in found.moments if m.video_digest == digest]))
        for digest, path in videos.items()
    ]


def told_to_cut(
    told: Sequence[tuple[str, str, list[Span]]],
    settings: Settings,
    *,
    video: VideoInfo | None = None,
    pad_seconds: float = PADDED_SECONDS,
    merge: bool = True,
    instants: bool = False,
    on_event: EventSink,
) -> list[ToCut]:
    """What is told, in the files that it names, or in `video` alone, wherever that lies now.

    Spans that share time are one, unless `merge` is off. Raises `InputError` where nothing is told of
    `video`, `VideoChanged`.
    """
    if video is not None and all(digest != video.digest for _, digest, _ in told):
        raise InputError(f"the spans are those of {told[0][0]}, not of {video.path}; name that video")
    found: list[ToCut] = []
    for path, digest, spans in told:
        if video is not None and digest != video.digest:
            continue
        film = video or probe(path, read_options(settings))
        Content(digest, address=address_of(film.path)).check(
            film.path, allow_url=settings.allow_url, allow_private=settings.allow_private
        )
        cut = to_cut(film, spans, pad_seconds=pad_seconds, instants=instants, on_event=on_event)
        found.append(
            replace(cut, spans=tuple(merge_spans(list(cut.spans), gap_seconds=None))) if merge else cut
        )
    return found


def read_told(path: Path) -> str:
    """The text of a stored answer or find. Raises `InputError`."""
    data = read_small(path, most_bytes=_MOST_JSON_BYTES, what="JSON file")
    return data.decode("utf-8", "replace")


def write_clips(
    wanted: Sequence[ToCut], folder: Path, settings: Settings, way: Way | None = None, *, on_event: EventSink
) -> list[WrittenClip]:
    """The files, each written whole or not at all, in the order of their names.

    Names of all files are checked before the first is written. Raises `InputError` where one exists or the
    folder cannot be written, `NotWritten` where its disk is full, `DecodeError` where a span is damaged,
    `VideoError`; files that were complete by then stay.
    """
    way = way or Way()
    count = sum(len(one.spans) for one in wanted)
    if count > MOST_CLIPS:
        raise InputError(f"{count:,} spans; at most {MOST_CLIPS:,} are cut at once")
    if way.join and len(wanted) > 1:
        raise InputError(
            f"the spans are of {len(wanted)} videos, and a joined film is of one; name one VIDEO"
        )
    jobs = _jobs(wanted, folder, way)
    reading = replace(read_options(settings), reader="pyav", keyframes_only=False)
    for job in jobs:
        if job.target is not None:
            check_new(job.target, overwrite=way.overwrite)
    made_folder = _made(folder)
    on_event(StageStarted(stage=_STAGE, total=len(jobs)))
    written: list[WrittenClip] = []
    try:
        for job in jobs:
            written += _write(job, reading, way)
            on_event(StageAdvanced(stage=_STAGE))
    except BaseException:
        if made_folder:
            with suppress(OSError):
                folder.rmdir()  # Only where nothing was written.
        raise
    on_event(StageFinished(stage=_STAGE))
    return written


@dataclass(frozen=True)
class _Job:
    """What becomes one file; of pictures, all of one span, whose names tell their own times."""

    video: VideoInfo
    spans: tuple[Span, ...]
    number: str
    target: Path | None
    folder: Path


def _jobs(wanted: Sequence[ToCut], folder: Path, way: Way) -> list[_Job]:
    if way.join:
        one = wanted[0]
        return [_Job(one.video, one.spans, "", folder / "highlights.mp4", folder)]
    if way.format in EDIT_LIST_FORMATS:
        several = len(wanted) > 1
        return [
            _Job(
                one.video,
                one.spans,
                "",
                folder
                / f"{f'{number:02d}_' if several else ''}{_stem(one.video)}{'-proj' if way.format == 'llc' else ''}.{way.format}",
                folder,
            )
            for number, one in enumerate(wanted, 1)
        ]
    all_spans = [(one.video, span) for one in wanted for span in one.spans]
    width = max(2, len(str(len(all_spans))))
    jobs: list[_Job] = []
    for place, (video, span) in enumerate(all_spans, 1):
        number = f"{place:0{width}d}"
        target = folder / f"{number}_{_stamp(span.start_seconds)}.{way.format}"
        jobs.append(_Job(video, (span,), number, None if way.frames else target, folder))
    return jobs


def _write(job: _Job, reading: ReadOptions, way: Way) -> list[WrittenClip]:
    path, span = job.video.path, job.spans[0]
    reading = replace(reading, content=Content(job.video.digest, address=address_of(path)))
    target = job.target
    if target is None:
        return _pictures(job, reading, way)
    place = address_of(path) or path
    copied = False
    if way.join:
        join_clips(place, job.spans, target, reading, overwrite=way.overwrite)
    elif way.format == "gif":
        cut_gif(place, span, target, reading, overwrite=way.overwrite)
    elif way.format == "mp4":
        copied = cut_clip(place, span, target, reading, overwrite=way.overwrite)
    else:
        _edit_list(job, target, way.format, overwrite=way.overwrite)
    return [WrittenClip(path=str(target), video=path, spans=job.spans, copied=copied)]


def _edit_list(job: _Job, target: Path, format_name: EditListFormat, *, overwrite: bool) -> None:
    try:
        text = edit_list(job.video, job.spans, format_name)
    except ValueError as error:
        raise InputError(f"{target}: {error}") from error
    with new_file(target, overwrite=overwrite) as made:
        _put(made, text.encode("utf-8"))


def _pictures(job: _Job, reading: ReadOptions, way: Way) -> list[WrittenClip]:
    span = job.spans[0]
    options = replace(
        reading,
        long_side_pixels=_FRAME_PIXELS,
        jpeg_quality=min(_JPEG_QUALITY, HIGHEST_JPEG_QUALITY),
        crop_bars=False,
    )
    source = FrameSource(job.video.path, options)
    shown: dict[float, Path] = {}
    # One at a time: pictures in full size are large.
    for time in span.spread(way.frames or 1):
        found = source.at([time])
        if not found:
            raise DecodeError(
                f"{job.video.path}: no picture could be decoded at {clock(time)}; choose another span"
            )
        frame = found[0]
        if frame.time_seconds in shown:
            continue  # A still picture is on screen at several of the times.
        target = job.folder / f"{job.number}_{_stamp(frame.time_seconds, milliseconds=True)}.jpg"
        with new_file(target, overwrite=way.overwrite) as made:
            _put(made, frame.jpeg)
        shown[frame.time_seconds] = target
    return [
        WrittenClip(path=str(target), video=job.video.path, spans=(Span(time, time),))
        for time, target in shown.items()
    ]


def _put(made: Path, data: bytes) -> None:
    try:
        made.write_bytes(data)
    except OSError as error:
        raise not_written(
            f"{made.parent} cannot be written", error, way_out="choose another folder"
        ) from error


def _made(folder: Path) -> bool:
    """Make the folder where it is missing; whether it was. Raises `InputError` where nothing can be written
    there, `NotWritten` where its disk is full.
    """
    missing = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe_file = folder / ".mrvideo.part"
        probe_file.touch()
        probe_file.unlink()
    except OSError as error:
        way_out = "choose another folder with -o"
        raise not_written(f"{folder} cannot be written", error, way_out=way_out) from error
    except ValueError as error:
        raise InputError(f"{folder} cannot be written: {error}; choose another folder with -o") from error
    return missing


def _stem(video: VideoInfo) -> str:
    name = video.path.rpartition("/")[2].partition("?")[0] if is_url(video.path) else video.path
    return Path(name).stem or "video"


def _stamp(seconds: float, *, milliseconds: bool = False) -> str:
    """`00-12-03`, which sorts, and which every file system takes; with `milliseconds`, `00-12-03.480`."""
    whole, fraction = divmod(round(seconds * 1000), 1000)
    text = f"{whole // 3600:02d}-{whole // 60 % 60:02d}-{whole % 60:02d}"
    return f"{text}.{fraction:03d}" if milliseconds else text


def _in_time(found: Sequence[Spanned]) -> list[Span]:
    """Their spans in order of time, each once."""
    ends = sorted({(one.start_seconds, one.stop_seconds) for one in found})
    return [Span(start, stop) for start, stop in ends]
