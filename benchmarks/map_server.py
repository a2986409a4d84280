"""The server of `map.py`, in a process of its own: a fixed latency, so many calls at once, faults by a fixed
draw.

    python benchmarks/map_server.py LATENCY_SECONDS CONCURRENCY FAULTS(0|1)      prints its port, then a report on SIGTERM

It reads no pixels: on two cores, a server that did would be what is measured.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import signal
import sys
from collections import Counter

RETRY_AFTER_LATENCIES = 1.25

_TIME = re.compile(rb"(\d+\.\d\d) s")


def fault(key: str, attempt: int) -> str:
    """What happens to the n-th try (from 0) of one request: the same in every run, known to the simulation
    too.
    """
    draw = int.from_bytes(hashlib.sha256(f"{key}/{attempt}".encode()).digest()[:4], "big") / 2**32
    for name, share in (("429", 0.20), ("500", 0.10), ("stall", 0.05), ("malformed", 0.05)):
        if draw < share:
            return name
        draw -= share
    return "ok"


class Server:
    """Counts tries by request; a request is known by its schema and the times of its pictures."""

    def __init__(self, latency_seconds: float, concurrency: int, faults: bool) -> None:
        self.latency_seconds, self.faults = latency_seconds, faults
        self.slots = asyncio.Semaphore(concurrency)
        self.attempts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (line := await reader.readline()).strip():
                length = 0
                while (header := await reader.readline()).strip():
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                body = await reader.readexactly(length)
                assert line.startswith(b"POST")
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    await self.answer(body, writer)
                finally:
                    self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The client is gone, or the benchmark is over.
            pass
        finally:
            writer.close()

    async def answer(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        kind, times = _asked(body)
        key = f"{kind}/{min(times)}"
        attempt = self.attempts[key]
        self.attempts[key] += 1
        outcome = fault(key, attempt) if self.faults else "ok"
        self.outcomes[outcome] += 1
        if outcome == "stall":
            await asyncio.sleep(3600)
        async with self.slots:
            await asyncio.sleep(self.latency_seconds)
        if outcome in ("429", "500"):
            wait_seconds = self.latency_seconds * RETRY_AFTER_LATENCIES
            extra = f"retry-after: {wait_seconds}\r\n" if outcome == "429" else ""
            await _write(writer, int(outcome), b'{"error": {"message": "made to fail"}}', extra)
            return
        value: object = {"characters": []}
        if kind == "CaptionClipReply":
            scene = {"start_seconds": min(times), "stop_seconds": max(times), "brief": "b", "detailed": key}
            value = {"continues_previous": False, "scenes": [scene | {"appearing": [], "screen_text": []}]}
        text = "I see a clip." if outcome == "malformed" else json.dumps(value)
        self.paid[key] += outcome == "ok"
        usage = {"prompt_tokens": 5000, "completion_tokens": 100, "total_tokens": 5100}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        await _write(writer, 200, json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode())

    def report(self) -> str:
        return json.dumps(
            {
                "keys": list(self.attempts),
                "outcomes": self.outcomes,
                "paid": sum(self.paid.values()),
                "paid_twice": sum(count > 1 for count in self.paid.values()),
                "most_in_flight": self.most_in_flight,
            }
        )


def _asked(body: bytes) -> tuple[str, list[float]]:
    """The name of the reply's schema, and the times of the pictures. Found between quotes, for base64 has
    none: a pattern searched through megabytes would cost more than all the rest.
    """
    words = body.split(b'"')
    times = [float(found.group(1)) for word in words if len(word) < 20 and (found := _TIME.fullmatch(word))]
    return words[words.index(b"name", words.index(b"response_format")) + 2].decode(), times


async def _write(writer: asyncio.StreamWriter, status: int, body: bytes, extra: str = "") -> None:
    head = (
        f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


async def main(latency_seconds: float, concurrency: int, faults: bool) -> None:
    server = Server(latency_seconds, concurrency, faults)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, backlog=512, limit=2**20)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    print(server.report(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"))
