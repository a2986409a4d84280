"""What the offline model reached on the held-out set, rounded down: the one place to raise it.

Measured before the answering half was rebuilt: precision 66.7, recall 30.4, false finds 14.4, 14 wrong at
confidence 4 or 5, of 401 questions. After it, with the search that reads boards: 76.0, 46.0, 9.6 and 6. With
every rule weighed alone (docs/log.md): 82.5, 47.8, 7.2 and 3. A release that falls below has lost something
that people ask for.
"""

QUESTIONS_DIGEST = "a4b36974aab930dbd023b1eb760f01c0b605944bccfbedbdc26e630e7aa0392d"
"""SHA-256 of `questions.jsonl`. The numbers below belong to these questions and to no others."""

FLOORS = {"precision": 0.78, "recall": 0.45}
CEILINGS = {"false finds": 0.1, "wrong at ≥ 4": 6}
"""Columns of the table `all`; a share of 1, or a count."""
