"""Benchmarks, scored as their authors score."""
