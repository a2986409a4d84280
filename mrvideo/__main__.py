"""The command `mrvideo`, also as `python -m mrvideo`: signals are handled before the commands are imported."""

from __future__ import annotations

import sys
from typing import NoReturn

from mrvideo.cli import signals


def main() -> NoReturn:
    """The console script."""
    try:
        signals.settle()
        from mrvideo.cli import app
    except (KeyboardInterrupt, signals.Terminated):
        print(f"mrvideo: {signals.CONTINUE}", file=sys.stderr)  # noqa: T201
        sys.exit(signals.end_of_run())
    app.main()


if __name__ == "__main__":
    main()
