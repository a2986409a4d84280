"""What users put right in a cast, the indexes as they were captioned, and which answers that made stale."""

from alembic import op

revision = "0003"
down_revision = "0002"

_VIDEO = "digest TEXT NOT NULL REFERENCES videos (digest) ON DELETE CASCADE"


def upgrade() -> None:
    """Two tables, and two columns of answers."""
    op.execute(
        f"CREATE TABLE corrections (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, {_VIDEO}, "
        "body TEXT NOT NULL, created_at TEXT NOT NULL)"
    )
    op.execute("CREATE INDEX corrections_by_video ON corrections (digest)")
    op.execute(
        f"CREATE TABLE uncorrected ({_VIDEO}, key TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (digest, key))"
    )
    op.execute("ALTER TABLE answers ADD COLUMN stale TEXT")
    op.execute("ALTER TABLE answers ADD COLUMN stale_by INTEGER")
