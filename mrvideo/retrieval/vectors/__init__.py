"""Frames near a vector: a port, and one way to search per file."""
