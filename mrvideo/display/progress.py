"""Progress on a terminal: events become bars on stderr, one per stage, with an ETA, calls and cost so far."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from typing_extensions import Self

from mrvideo.display.stages import spent
from mrvideo.records import Event, Notice, StageAdvanced, StageFinished, StageStarted, Usage
from mrvideo.wording import plain, stage_label

_LABEL_COLUMNS = 24


class ProgressBars:
    """A sink for events and a context manager. On a terminal it draws bars; elsewhere a line per finished
    stage.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(file=sys.stderr, quiet=quiet, emoji=False)
        self._live = self._console.is_terminal and not quiet
        self._progress = Progress(
            TextColumn(f"{{task.description:<{_LABEL_COLUMNS}}}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[spent]}"),
            console=self._console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._usage: dict[str, Usage] = {}
        self._counts: dict[str, list[int]] = {}
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Take one event; called from any thread."""
        match event:
            case StageStarted():
                self._start(event)
            case StageAdvanced():
                self._advance(event)
            case StageFinished():
                self._finish(event.stage)
            case Notice():
                if event.text not in self._said:
                    self._said.add(event.text)
                    self._progress.print(
                        f"mrvideo: {plain(event.text)}", markup=False, highlight=False, soft_wrap=True
                    )
            case _:
                pass

    def _start(self, event: StageStarted) -> None:
        self._counts[event.stage] = [0, event.total]
        if event.stage in self._tasks:
            self._progress.reset(self._tasks[event.stage], total=event.total, visible=event.total > 0)
        else:
            self._tasks[event.stage] = self._progress.add_task(
                # A stage that turns out to have nothing to do is nobody's business.
                stage_label(event.stage),
                total=event.total,
                spent="",
                visible=event.total > 0,
            )

    def _advance(self, event: StageAdvanced) -> None:
        usage = self._usage.get(event.stage, Usage()) + event.usage
        self._usage[event.stage] = usage
        if event.stage in self._counts:
            self._counts[event.stage][0] += event.done
        if event.stage in self._tasks:
            self._progress.update(self._tasks[event.stage], advance=event.done, spent=spent(usage))

    def _finish(self, stage: str) -> None:
        if self._live or stage not in self._counts:
            return
        done, total = self._counts[stage]
        usage = self._usage.get(stage, Usage())
        if not (done or total or usage.calls):
            return
        took = spent(usage)
        self._console.print(
            f"{stage_label(stage)}: {done} of {max(done, total)}{f', {took}' if took else ''}",
            markup=False,
            highlight=False,
        )
