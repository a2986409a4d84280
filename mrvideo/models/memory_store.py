"""An in-memory reply store for worker processes, which have no library."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from mrvideo.records import Record, Usage


class KeptReply(Record):
    """One reply on its way between a library and a worker."""

    key: str
    reply: str
    model: str = ""
    prompt: str = ""
    usage: Usage = Usage()


class MemoryStore:
    """A `ReplyStore` of one process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._replies: dict[str, str] = {}
        self._new: list[KeptReply] = []

    def seed(self, replies: Iterable[KeptReply]) -> None:
        """Replies that are kept elsewhere: found here from now on, and never handed back."""
        with self._lock:
            self._replies.update({one.key: one.reply for one in replies})

    def get_reply(self, key: str) -> str | None:
        """The reply's JSON, or None."""
        with self._lock:
            return self._replies.get(key)

    def put_reply(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> None:
        """Keep it until it is taken."""
        one = KeptReply(key=key, reply=reply_json, model=model, prompt=prompt, usage=usage)
        with self._lock:
            self._replies[key] = reply_json
            self._new.append(one)

    def take(self) -> tuple[KeptReply, ...]:
        """The replies put since the last call, to be kept for good by whoever takes them; they are forgotten
        here.
        """
        with self._lock:
            taken, self._new = tuple(self._new), []
            for one in taken:
                self._replies.pop(one.key, None)
            return taken
