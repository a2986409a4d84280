"""Progress in a notebook: a bar per stage, drawn in the cell and kept in the saved notebook.

video = mrvideo.index("talk.mp4", on_event=mrvideo.display.notebook.Bars())
"""

from __future__ import annotations

import threading
import time
from typing import Any

from mrvideo.display.html import progress_html
from mrvideo.display.stages import spent
from mrvideo.records import Event, Notice, StageAdvanced, StageFinished, StageStarted, Usage
from mrvideo.wording import stage_label

_REDRAW_SECONDS = 0.2


class Bars:
    """A sink for events, called from any thread. Needs IPython, which a notebook has."""

    def __init__(self) -> None:
        self._stages: dict[str, tuple[int, int]] = {}
        self._usage: dict[str, Usage] = {}
        self._notes: list[str] = []
        self._display: Any = None
        self._drawn_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            if self._take(event):
                self._draw(at_once=not isinstance(event, StageAdvanced))

    def _take(self, event: Event) -> bool:
        match event:
            case StageStarted():
                self._stages[event.stage] = (0, event.total)
            case StageAdvanced():
                usage = self._usage.get(event.stage, Usage()) + event.usage
                self._usage[event.stage] = usage
                done, total = self._stages.get(event.stage, (0, 0))
                self._stages[event.stage] = (done + event.done, total)
            case StageFinished():
                done, total = self._stages.get(event.stage, (0, 0))
                self._stages[event.stage] = (done, max(done, total))
            case Notice() if event.text not in self._notes:
                self._notes.append(event.text)
            case _:
                return False
        return True

    def _draw(self, *, at_once: bool) -> None:
        now = time.monotonic()
        complete = all(done >= total for done, total in self._stages.values())
        if not (at_once or complete) and now - self._drawn_at < _REDRAW_SECONDS:
            return
        self._drawn_at = now
        rows = [
            (stage_label(stage), done, total, spent(self._usage.get(stage, Usage())))
            for stage, (done, total) in self._stages.items()
            if total
        ]
        page = progress_html(rows, self._notes)
        text = "; ".join(f"{stage} {done}/{total}" for stage, done, total, _ in rows)
        shown = {"text/html": page, "text/plain": text}
        if self._display is None:
            from IPython.display import display  # pyright: ignore

            self._display = display(shown, raw=True, display_id=True)  # pyright: ignore
        else:
            self._display.update(shown, raw=True)
