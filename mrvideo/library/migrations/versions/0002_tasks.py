"""Requests that wait for somebody to answer them, with their pictures."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds two tables; what is kept stays as it is."""
    op.execute(
        "CREATE TABLE tasks (id INTEGER NOT NULL PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT, "
        "stage TEXT NOT NULL, prompt TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, problem TEXT, "
        "refusals INTEGER NOT NULL, begun_at FLOAT NOT NULL, leased_until FLOAT NOT NULL, settled_at FLOAT)"
    )
    op.execute("CREATE INDEX tasks_by_state ON tasks (state, begun_at)")
    op.execute(
        "CREATE TABLE task_pictures (task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE, "
        "position INTEGER NOT NULL, label TEXT NOT NULL, time_seconds FLOAT NOT NULL, crop TEXT, "
        "jpeg BLOB NOT NULL, PRIMARY KEY (task_id, position))"
    )
