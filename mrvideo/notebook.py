"""`mrvideo.notebook.Bars()`: progress in a notebook cell. Lives in `mrvideo.display.notebook`."""

from mrvideo.display.notebook import Bars

__all__ = ["Bars"]
