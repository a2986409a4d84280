"""Photos that a user gave of members of a cast."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A table of its own: corrections are read whole, and a photo is looked at only where it is shown."""
    op.execute(
        """
        CREATE TABLE photos (
            digest TEXT NOT NULL REFERENCES videos (digest) ON DELETE CASCADE, photo TEXT NOT NULL,
            jpeg BLOB NOT NULL, PRIMARY KEY (digest, photo)
        )
        """
    )
