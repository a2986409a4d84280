"""What this process has learnt about a server: fields that it refuses, and how much it takes in one
request.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from mrvideo.models.presets import ReplyFormat
from mrvideo.models.settings import ModelSettings

FORMATS: tuple[ReplyFormat, ...] = ("json_schema", "json_object", "text")
"""Ways to ask for a reply's form, the strongest first."""


@dataclass
class Learnt:
    """What was learnt about one model at one server. Fields are set independently, from any event loop.

    `answered` is whether a completion has ever come, `sees` whether one to a request with pictures has.
    """

    reached: bool = False
    answered: bool = False
    sees: bool = False
    reply_format: ReplyFormat | None = None
    left_out: frozenset[str] = frozenset()
    without_system: bool = False
    max_images: int | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None

    def fewer_images(self, most: int) -> None:
        """Send at most so many images in one request."""
        self.max_images = most if self.max_images is None else min(self.max_images, most)

    def smaller_context(self, tokens: int) -> None:
        """Send at most so many tokens in one request."""
        self.context_tokens = tokens if self.context_tokens is None else min(self.context_tokens, tokens)

    def shorter_output(self, most: int) -> None:
        """Ask for replies of at most so many tokens."""
        self.max_output_tokens = most if self.max_output_tokens is None else min(self.max_output_tokens, most)


_known: dict[tuple[str | None, str], Learnt] = {}
_lock = Lock()


def learnt_of(settings: ModelSettings) -> Learnt:
    """What was learnt about that model at that server; shared within the process."""
    with _lock:
        return _known.setdefault((settings.base_url, settings.model), Learnt())


def forget() -> None:
    """Forget everything. For tests, whose servers reuse ports."""
    with _lock:
        _known.clear()
