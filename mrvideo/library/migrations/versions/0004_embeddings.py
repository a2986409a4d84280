"""Frames as vectors."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A table of its own: vectors are large, and an index made anew keeps those of its video."""
    op.execute(
        """
        CREATE TABLE embeddings (
            digest TEXT NOT NULL REFERENCES videos (digest) ON DELETE CASCADE, embedder TEXT NOT NULL,
            time_seconds FLOAT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (digest, embedder, time_seconds)
        )
        """
    )
