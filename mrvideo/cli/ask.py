"""`mrvideo ask` and `mrvideo look`: a question about a whole video, and one about a few seconds of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import FETCHING, JsonFlag, SubtitlesOption, VideoArgument
from mrvideo.cli.output import print_heading, print_json, print_lines
from mrvideo.cli.spans import span_of
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.display.stages import spent
from mrvideo.errors import InputError, MrVideoError, QuestionError
from mrvideo.files import is_folder
from mrvideo.questions import check_question
from mrvideo.records import Answer, EventSink, Notice, VideoInfo
from mrvideo.settings import Settings
from mrvideo.wording import counted, plain, without_secrets

ASK_SETTINGS = (
    "effort", "max_opened", "vision", "text", "verify_model", "embed", "embed_text", "recipe", "detail", "base_url", "preset",
    "engine_args", "engine_seconds",
    "reader", "language", *FETCHING,
    "max_cost", "max_tokens", "concurrency", "max_images", "context_tokens", "max_output_tokens",
    "library", "fresh", "record",
)  # fmt: skip
LOOK_SETTINGS = (
    "vision", "base_url", "preset",
    "reader", *FETCHING,
    "max_cost", "max_tokens", "max_images", "context_tokens", "max_output_tokens",
    "library", "fresh", "record",
)  # fmt: skip


def ask(
    video: VideoArgument,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in quotes.")],
    settings: Settings,
    origins: dict[str, str],
    option: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A possible answer; give two or more.")
    ] = None,
    must_choose: Annotated[
        bool, typer.Option("--must-choose", help="Choose an option in any case; a guess is marked as one.")
    ] = False,
    subtitles: SubtitlesOption = None,
    save_frames: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Also write the picture in the middle of each span that is cited."
        ),
    ] = None,
    save_clips: Annotated[
        Path | None,
        typer.Option("--clips", metavar="FOLDER", help="Also write each span that is cited as an MP4 file."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the answer with its evidence as an HTML page."),
    ] = None,
    link_video: Annotated[
        bool, typer.Option("--link-video", help="The report plays the video's file, by its relative path.")
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Answer a question about a video, with evidence.

    Indexes the video first when that was not done yet. Exit code 1 when the video does not hold an answer.
    """
    # Asking checks it: here it would come after an index that is paid for.
    check_question(question, option or None, must_choose=must_choose)
    if is_folder(video):
        raise QuestionError(f"{video} is a folder; ask one video file at a time")
    if link_video and report is None:
        raise InputError("--link-video needs --report: the video's path is relative to that file")

    from mrvideo.api import Video
    from mrvideo.session.loading import index_for_question
    from mrvideo.session.models import budget_of
    from mrvideo.session.paging import check_page, film_linked, page_of_answer, write_page

    if report is not None:
        # Now: afterwards the answer is paid for.
        check_page(report, settings, video=video)
    with progress() as on_event:
        budget = budget_of(settings)
        index = index_for_question(
            video, settings, origins, on_event=on_event, subtitles=subtitles, budget=budget
        )
        film = film_linked(report, index.video.path, link_video=link_video)
        answer = Video(index, settings, budget).ask(
            question, option or None, must_choose=must_choose, on_event=on_event
        )
        problem = _save(answer, index.video, settings, save_frames, save_clips, on_event)
    if as_json:
        print_json(answer.model_dump())
    else:
        first, *rest = str(answer).split("\n")
        print_heading(first)
        print_lines(rest)
        usage = spent(answer.usage)
        if usage and answer.models.get("vision") != "offline":
            print_lines([usage])
    if report is not None:
        write_page(report, page_of_answer(answer, index, settings, film=film))
    if problem is not None:
        raise problem  # After the answer, which is paid for.
    return DONE if answer.answer is not None or answer.choice is not None else FAILURES


def _save(
    answer: Answer,
    video: VideoInfo,
    settings: Settings,
    frames_folder: Path | None,
    clips_folder: Path | None,
    on_event: EventSink,
) -> MrVideoError | None:
    """Write what the answer cites; the first thing that stood in the way, if any."""
    if frames_folder is None and clips_folder is None:
        return None

    from mrvideo.session.cutting import PADDED_SECONDS, Way, spans_cited, told_to_cut, write_clips

    problem: MrVideoError | None = None
    for folder, way in ((frames_folder, Way(frames=1)), (clips_folder, Way())):
        if folder is None:
            continue
        try:
            if not answer.evidence:
                on_event(Notice(text=f"nothing is cited, and nothing written to {folder}"))
                continue
            # Pictures are those of what is cited, each for itself; clips show what led to it, too.
            pictures = way.frames is not None
            wanted = told_to_cut(
                spans_cited(answer),
                settings,
                video=video,
                pad_seconds=0.0 if pictures else PADDED_SECONDS,
                merge=not pictures,
                instants=pictures,
                on_event=on_event,
            )
            written = write_clips(wanted, folder, settings, way, on_event=on_event)
            on_event(Notice(text=f"{counted(len(written), 'file')} written to {folder}"))
        except MrVideoError as error:
            problem = problem or error
    return problem


def look(
    video: VideoArgument,
    span: Annotated[str, typer.Argument(metavar="SPAN", help="Where: 1:47-1:50, or in seconds, 107-110.")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to look for, in quotes.")],
    settings: Settings,
    max_frames: Annotated[
        int, typer.Option(min=1, max=40, metavar="N", help="Frames to look at, evenly spread.")
    ] = 8,
    as_json: JsonFlag = False,
) -> int:
    """Look at frames of a span of an indexed video, with one question.

    Exit code 1 when the frames show nothing that bears on the question.
    """
    where = span_of(span)

    from mrvideo.api import load

    reply, frames = load(video, settings=settings).look(where, question, max_frames=max_frames)
    if as_json:
        found = {
            "video": without_secrets(video),
            **where.model_dump(),
            "question": question,
            **reply.model_dump(mode="json"),
            "frame_times": [frame.time_seconds for frame in frames],
        }
        print_json(found)
    else:
        print_heading(plain(reply.conclusion))
        print_lines([f"confidence {reply.confidence} of 5, {counted(len(frames), 'frame')} looked at"])
        print_lines(f"  {seen.span}  {plain(seen.text)}" for seen in reply.observations)
    return DONE if reply.observations else FAILURES
