"""How much a run tells, and where: `--quiet`, `--verbose` and `--log-file`, before the command or after it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mrvideo.display.stages import event_text
from mrvideo.errors import InputError
from mrvideo.files import make_owners_file
from mrvideo.records import Event, EventSink, Notice, StageAdvanced

_log = logging.getLogger("mrvideo")

_CHATTY = ("httpx",)
"""Libraries whose INFO tells which request went where. Others stay at WARNING: their logs hold whole
pictures.
"""


@dataclass(frozen=True)
class Manners:
    """`verbosity` 1 tells every step and request, 2 every unit of work as well. `log_file` takes all of it in
    any case.
    """

    quiet: bool = False
    verbosity: int = 0
    log_file: Path | None = None

    def joined(self, other: Manners) -> Manners:
        """With what was said after the command added to what was said before it."""
        return Manners(
            quiet=self.quiet or other.quiet,
            verbosity=max(self.verbosity, other.verbosity),
            log_file=other.log_file or self.log_file,
        )


_current = Manners()


def current() -> Manners:
    """The running command's; after it, the last one's."""
    return _current


def forget() -> None:
    """Begin with the defaults."""
    global _current
    _current = Manners()


@contextmanager
def behaving(manners: Manners) -> Generator[None]:
    """Log as the manners say, until the end of the block. Raises `InputError` for a log file that cannot be
    written.
    """
    global _current
    _current = manners
    handlers = list(_handlers(manners))
    loggers = [_log, *(logging.getLogger(name) for name in _CHATTY)]
    levels = [logger.level for logger in loggers]
    for logger in loggers if handlers else ():
        logger.setLevel(logging.DEBUG if logger is _log else logging.INFO)
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            handler.close()


@contextmanager
def progress() -> Generator[EventSink]:
    """A sink for events: bars on stderr, unless the run is to be quiet, and lines in the log."""
    from mrvideo.display.progress import ProgressBars

    with ProgressBars(quiet=_current.quiet) as bars:
        yield _logged(bars)


def _logged(sink: EventSink) -> EventSink:

    def tell(event: Event) -> None:
        level = logging.DEBUG if isinstance(event, StageAdvanced) else logging.INFO
        if _log.isEnabledFor(level):
            # Notices are printed anyway.
            printed = isinstance(event, Notice)
            _log.log(level, "%s", event_text(event), extra={"printed": printed})
        sink(event)

    return tell


def _handlers(manners: Manners) -> Generator[logging.Handler]:
    if manners.log_file is not None:
        try:
            make_owners_file(manners.log_file)
            file = logging.FileHandler(manners.log_file, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise InputError(
                f"--log-file {manners.log_file} cannot be written: {error.strerror}; name another file"
            ) from error
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        yield file
    if manners.verbosity:
        terminal = _Stderr(logging.DEBUG if manners.verbosity > 1 else logging.INFO)
        terminal.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        terminal.addFilter(lambda record: not getattr(record, "printed", False))
        yield terminal


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at the time: while bars are drawn, that is their own stream above them."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)  # noqa: T201
