"""Captions, texts on screen and speech as vectors."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """By text, not by time as frames are: a text that is said or shown twice is kept once."""
    op.execute(
        """
        CREATE TABLE text_embeddings (
            digest TEXT NOT NULL REFERENCES videos (digest) ON DELETE CASCADE, embedder TEXT NOT NULL,
            text TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (digest, embedder, text)
        )
        """
    )
