"""What tests on real clusters have in common."""

from __future__ import annotations

import pytest

MARKS = [
    pytest.mark.xdist_group("clusters"),  # one of each for the whole run
    # Theirs: sockets and processes that the engines leave to the collector, and calls they have not renewed
    # yet.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
