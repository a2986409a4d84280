"""An OpenAI-compatible `/embeddings` server on loopback whose vectors know synonyms.

    with EmbeddingServer() as server:
        Settings(embed_text="openai:concepts", embed_text_base_url=server.base_url)

    server.batches   the texts of each call that was answered, in order
    server.faults    a status (with its words), a whole body or None per call, then none

A text is the bag of its words' concepts, each with a direction of its own: "jalopy" and "car" are one.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from typing_extensions import Self

CONCEPTS = {"jalopy": "car", "roadster": "car", "tabby": "cat", "snoozes": "sleeps"}
"""None of them stands among the synonyms that find's words know."""
LIGHT = frozenset({"a", "an", "the", "of", "in", "on", "is", "and", "to"})


def concept_vector(text: str, dimensions: int = 128) -> list[float]:
    """The bag of a text's concepts."""
    total = np.zeros(dimensions)
    for word in map(str, re.findall(r"\w+", text.lower())):
        if word not in LIGHT:
            seed = hashlib.sha256(CONCEPTS.get(word, word).encode()).digest()[:8]
            total += np.random.default_rng(int.from_bytes(seed, "little")).normal(size=dimensions)
    return [float(number) for number in total]


class EmbeddingServer:
    """See the module. `refuses` declines (400) a call by its texts; `most` is the longest batch it takes."""

    def __init__(
        self,
        *,
        key: str | None = None,
        dimensions: int = 128,
        most: int = 10_000,
        refuses: Callable[[list[str]], bool] = lambda texts: False,
    ) -> None:
        self.key, self.dimensions, self.most, self.refuses = key, dimensions, most, refuses
        self.batches: list[list[str]] = []
        self.calls = 0
        self.faults: deque[tuple[int, str] | None] = deque()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def texts(self) -> list[str]:
        """All texts that were embedded, call by call."""
        return [text for batch in self.batches for text in batch]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        """Status and body for one call."""
        with self._lock:
            self.calls += 1
            fault = self.faults.popleft() if self.faults else None
            if fault is not None:
                return fault[0], fault[1].encode()
            if path != "/v1/embeddings":
                return 404, b'{"error": {"message": "no such endpoint"}}'
            if self.key is not None and headers.get("Authorization") != f"Bearer {self.key}":
                return 401, b'{"error": {"message": "incorrect key"}}'
            texts = json.loads(body)["input"]
            if len(texts) > self.most or self.refuses(texts):
                return 400, b'{"error": {"message": "this input is not taken"}}'
            self.batches.append(texts)
            data = [
                {"index": place, "embedding": concept_vector(text, self.dimensions)}
                for place, text in enumerate(texts)
            ]
            tokens = sum(len(text.split()) for text in texts)
            # Not in order: the index tells which is which.
            return 200, json.dumps({"data": data[::-1], "usage": {"prompt_tokens": tokens}}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, answer = server.answer(self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on stderr."""

        return Handler
