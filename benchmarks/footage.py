"""Where the real films lie that benchmarks measure on, unless they are told another folder."""

from __future__ import annotations

from pathlib import Path

FOOTAGE = Path(__file__).resolve().parent.parent.parent / "shared" / "footage"
