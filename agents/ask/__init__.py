"""The graph that answers one question about one video."""
