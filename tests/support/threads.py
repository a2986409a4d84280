"""Work that several threads begin at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


def together(works: list[Callable[[], Any]]) -> list[BaseException]:
    """Do all of them at the same time, each in a thread, and return what they raised."""
    start, raised = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], Any]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
