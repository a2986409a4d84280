"""`mrvideo ask` and `mrvideo look`: a question about a whole video, and one about a few seconds of it."""

from __future__ import annotations

from typing import Annotated

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag, SubtitlesOption, VideoArgument
from mrvideo.cli.output import print_heading, print_json, print_lines
from mrvideo.cli.spans import span_of
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.display.stages import spent
from mrvideo.errors import QuestionError
from mrvideo.files import is_folder
from mrvideo.questions import check_question
from mrvideo.settings import Settings
from mrvideo.wording import counted, plain, without_secrets

ASK_SETTINGS = (
    "effort", "max_opened", "vision", "text", "verify_model", "embed", "recipe", "detail", "base_url", "preset",
    "engine_args", "engine_seconds",
    "reader", "language", "allow_url", "allow_private",
    "max_cost", "max_tokens", "concurrency", "max_images", "context_tokens", "max_output_tokens",
    "library", "fresh", "record",
)  # fmt: skip
LOOK_SETTINGS = (
    "vision", "base_url", "preset",
    "reader", "allow_url", "allow_private",
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
    as_json: JsonFlag = False,
) -> int:
    """Answer a question about a video, with evidence.

    Indexes the video first when that was not done yet. Exit code 1 when the video does not hold an answer.
    """
    # Asking checks it: here it would come after an index that is paid for.
    check_question(question, option or None, must_choose=must_choose)
    if is_folder(video):
        raise QuestionError(f"{video} is a folder; ask one video file at a time")

    from mrvideo.api import Video
    from mrvideo.session.loading import index_for_question
    from mrvideo.session.models import budget_of

    with progress() as on_event:
        budget = budget_of(settings)
        index = index_for_question(
            video, settings, origins, on_event=on_event, subtitles=subtitles, budget=budget
        )
        answer = Video(index, settings, budget).ask(
            question, option or None, must_choose=must_choose, on_event=on_event
        )
    if as_json:
        print_json(answer.model_dump())
    else:
        first, *rest = str(answer).split("\n")
        print_heading(first)
        print_lines(rest)
        usage = spent(answer.usage)
        if usage and answer.models.get("vision") != "offline":
            print_lines([usage])
    return DONE if answer.answer is not None or answer.choice is not None else FAILURES


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
