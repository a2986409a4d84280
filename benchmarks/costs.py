"""What an hour and ten hours cost for 1, 5 and 50 questions: with an index and its memory, reading every caption,
and sending the whole video with each question.

    python benchmarks/costs.py [--model gemini-2.5-flash] [--video-tokens 290]

Calls and pictures of an index are those of `mrvideo estimate` (360p frames, no cues), tokens and prices by the
model's published rules. Tokens of a question about a moment are measured by benchmarks/memory.py: `--walked` and
`--read` for one and ten hours. `--video-tokens` are what the model counts for a second of video with sound
(gemini-2.5: 258 for a frame a second, 32 for sound). Printed are dollars, and from which question on an index is
cheaper.
"""

from __future__ import annotations

import argparse
import math

from mrvideo.captioning.estimate import estimate_calls
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.models.prices import cost
from mrvideo.records import Usage, VideoInfo

HOURS = (1, 10)
QUESTIONS = (1, 5, 50)
MEMORY_SHARE = 0.031
"""What a memory takes on top of an index's input tokens, measured on worlds of 1 to 100 hours."""

REPLY_TOKENS = 1500
"""Of all calls of one question."""


def video(hours: int) -> VideoInfo:
    """A film of so many hours, on paper."""
    return VideoInfo(
        digest="0" * 64, path="film.mp4", codec="h264", width=640, height=360, duration_seconds=3600.0 * hours,
        frames_per_second=25.0, size_bytes=1, has_audio=True,
    )  # fmt: skip


def dollars(model: str, usage: Usage) -> float:
    """What it costs. Raises SystemExit for a model without a price."""
    paid = cost(model, usage)
    if paid is None:
        raise SystemExit(f"no price for {model}: add it to ~/.config/mrvideo/prices.toml")
    return paid


def main() -> None:
    """Print a row for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="gemini-2.5-flash")
    parser.add_argument("--video-tokens", type=int, default=290)
    parser.add_argument("--walked", type=int, nargs=2, default=[25_016, 35_235])
    parser.add_argument("--read", type=int, nargs=2, default=[47_699, 438_636])
    arguments = parser.parse_args()
    model = arguments.model
    print(f"| {model} | index | questions | with the memory | reading all captions | whole video each time |")
    print("|---|---|---|---|---|---|")
    for hours, walked, read in zip(HOURS, arguments.walked, arguments.read, strict=True):
        rows = [row.usage(model) for row in estimate_calls(video(hours), CaptioningOptions())]
        made = sum(rows[1:], rows[0])
        index = dollars(model, made)
        memory = dollars(
            model, Usage(input_tokens=round(MEMORY_SHARE * made.input_tokens), output_tokens=12_000 * hours)
        )
        one = [dollars(model, Usage(input_tokens=t, output_tokens=REPLY_TOKENS)) for t in (walked, read)]
        whole = dollars(
            model, Usage(input_tokens=3600 * hours * arguments.video_tokens, output_tokens=REPLY_TOKENS // 3)
        )
        for count in QUESTIONS:
            walk, all_ = index + memory + count * one[0], index + count * one[1]
            print(f"| {hours} h | {index:.2f} | {count} | {walk:.2f} | {all_:.2f} | {count * whole:.2f} |")
        print(
            f"{hours} h: cheaper than the whole video from question {math.ceil((index + memory) / (whole - one[0]))} on"
        )


if __name__ == "__main__":
    main()
