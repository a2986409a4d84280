"""Text that came from a video, made safe for a terminal."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text with control characters (ANSI escapes, line breaks, bells, bidirectional overrides) as spaces."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
