"""Benchmarks, scored as their authors score: load the user's copy, ask, count, report."""
