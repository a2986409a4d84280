"""The demo film: what can be read in it, and when. It was written down from the picture; its cues lie beside
the file.
"""

from __future__ import annotations

from mrvideo.evals.offline.film import Planted
from mrvideo.records import Span

TEXTS = tuple(
    Planted(text, Span(start, stop))
    for text, start, stop in (
        ("A DAY IN SALTWICK", 0.0, 7.4),
        ("KITTIWAKE", 7.4, 21.2),
        ("BREAD & BUNS", 21.2, 35.8),
        ("OPEN 7-12", 21.2, 35.8),
        ("APPLES 3", 35.8, 49.0),
        ("PLUMS 5", 35.8, 49.0),
        ("Look where the gulls sleep", 49.0, 56.6),
        ("NO SWIMMING", 56.6, 68.0),
        ("77 STEPS UP", 80.2, 89.8),
        ("K-38", 98.8, 107.2),
        ("09:35", 107.2, 114.0),
        ("FERRY 09:40", 107.2, 114.0),
        ("BREAD & BUNS", 114.0, 125.0),
        ("OPEN 7-12", 114.0, 125.0),
        ("KITTIWAKE", 125.0, 138.4),
        ("STORM WARNING", 138.4, 149.0),
        ("TODAY 18:00", 138.4, 149.0),
        ("KITTIWAKE", 149.0, 162.2),
        ("THE END", 162.2, 168.0),
    )
)
