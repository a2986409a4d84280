"""Pictures and texts as vectors: a port, and one adapter per file."""
