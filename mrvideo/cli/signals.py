"""SIGINT and SIGTERM: the first one is raised once, those that follow do not disturb the cleaning up.

    first                        raised in the main thread: KeyboardInterrupt, Terminated
    within 2 s of it             passed over: `timeout` sends two, to the command and to its group
    later                        the process ends at once: cleaning up hangs, and somebody presses Ctrl-C again

Some code logs or drops whatever is raised inside it, as a database pool that closes a connection does, a
`__del__`, or a callback of a weak reference. A first signal that arrives there is sent again a moment later;
where it was dropped nevertheless it is sent again, too, and no traceback is shown.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM

CONTINUE = "interrupted; what is done is kept, run the same command again to go on"

PATIENCE_SECONDS = 2.0
"""A signal that comes later than this after the first ends the process at once."""

_AGAIN_SECONDS = 0.01
_LONGEST_PUT_OFF_SECONDS = 2.0

_SWALLOWING = ("sqlalchemy", "logging", "weakref", "_weakrefset")
"""Packages that log or drop what is raised inside them. None of them stays long."""

_END_AT_ONCE = "mrvideo: ended at once; what is done is kept\n"
_SHOW_CURSOR = "\x1b[?25h"


class Terminated(BaseException):
    """SIGTERM was received.

    Raised like `KeyboardInterrupt`, so that processes and connections are closed in order.
    """


class _Signals:
    """What came, in the main thread of one process."""

    def __init__(self) -> None:
        self.came: int | None = None
        self._first_seconds = 0.0
        self._put_off_since: float | None = None
        self._ending = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        now = time.monotonic()
        if self.came is not None or self._ending:
            if now - self._first_seconds > PATIENCE_SECONDS:
                _end_at_once(number)
            return
        if _is_swallowed(frame):
            self._put_off_since = now if self._put_off_since is None else self._put_off_since
            if now - self._put_off_since < _LONGEST_PUT_OFF_SECONDS:
                _send_later(number)
                return
        self.came, self._first_seconds, self._put_off_since = number, now, None
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    def dropped(self) -> None:
        """What was raised went no further: it is sent again."""
        number, self.came = self.came, None
        if number is not None and not self._ending:
            _send_later(number)

    def end(self) -> int | None:
        """The run is over: what comes now is passed over. Returns the code for the signal that came."""
        if not self._ending:
            self._ending = True
            if self.came is None:
                self._first_seconds = time.monotonic()
        if self.came is None:
            return None
        # Where Ctrl-C came through source code that was given as text, as dataclasses are made, CPython
        # notes that it was not handled, and ends by the signal whatever code is returned. This resets it.
        eval("0")  # noqa: S307
        return TERMINATED if self.came == signal.SIGTERM else INTERRUPTED


_current: _Signals | None = None


def settle() -> None:
    """Handle both signals from now on, in the main thread; nothing elsewhere, nor twice.

    A SIGINT that the process was told to ignore stays ignored, as in a shell's background.
    """
    global _current
    if _current is not None or threading.current_thread() is not threading.main_thread():
        return
    _current = found = _Signals()
    signal.signal(signal.SIGTERM, found.handle)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, found.handle)
    sys.unraisablehook = _unraisable(sys.unraisablehook)
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_tells_no_signal)
    # Registered first, so that it runs last: the interpreter would put the system's handlers in place.
    atexit.register(_ignore)


def end_of_run() -> int | None:
    """To be called once the run is over. Returns the exit code where a signal was raised in it, also where
    something made another error, or nothing, of it.
    """
    return None if _current is None else _current.end()


def _is_swallowed(frame: FrameType | None) -> bool:
    """Whether what is raised here might be logged or dropped."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _SWALLOWING or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _send_later(number: int) -> None:
    """Send the signal to the main thread, which may be waiting for something, in a moment.

    Not by `threading`: the handler may have interrupted it while it holds its own lock.
    """

    def send() -> None:
        time.sleep(_AGAIN_SECONDS)
        if hasattr(signal, "pthread_kill"):
            with contextlib.suppress(OSError, ValueError):
                signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            signal.raise_signal(number)

    with contextlib.suppress(RuntimeError):  # The interpreter is going down.
        _thread.start_new_thread(send, ())


def _end_at_once(number: int) -> None:
    """Worker processes and servers end with this process."""
    told = (_SHOW_CURSOR if os.isatty(2) else "") + _END_AT_ONCE
    with contextlib.suppress(OSError):
        os.write(2, told.encode())
    os._exit(TERMINATED if number == signal.SIGTERM else INTERRUPTED)


def _unraisable(before: Any) -> Any:
    def hook(told: Any) -> None:
        if isinstance(told.exc_value, Terminated | KeyboardInterrupt) and _current is not None:
            _current.dropped()
        elif not (_current is not None and _of_signal(told.exc_value)):
            before(told)

    return hook


def _tells_no_signal(record: logging.LogRecord) -> bool:
    """False for a record whose traceback is of a signal."""
    return record.exc_info is None or not _of_signal(record.exc_info[1])


def _of_signal(error: BaseException | None) -> bool:
    """Whether an error is, or came of, a signal."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, Terminated | KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _ignore() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        if _current is not None and signal.getsignal(number) == _current.handle:
            signal.signal(number, signal.SIG_IGN)
