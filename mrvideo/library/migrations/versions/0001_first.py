"""The first schema."""

from alembic import op

revision = "0001"
down_revision = None

_RECORD = """
    index_id INTEGER NOT NULL REFERENCES indexes (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    {columns},
    body TEXT NOT NULL,
    PRIMARY KEY (index_id, position)
"""
_SPAN = "start_seconds FLOAT NOT NULL, stop_seconds FLOAT NOT NULL"
_VIDEO = "digest TEXT NOT NULL REFERENCES videos (digest) ON DELETE CASCADE"

_RECORDS = {
    "scenes": f"{_SPAN}, brief TEXT NOT NULL",
    "entities": "name TEXT NOT NULL, kind TEXT NOT NULL",
    "mentions": f"{_SPAN}, name TEXT NOT NULL, kind TEXT NOT NULL",
    "shots": _SPAN,
    "failures": f"{_SPAN}, stage TEXT NOT NULL, reason TEXT NOT NULL",
    "index_cues": f"{_SPAN}, text TEXT NOT NULL",
}

_TABLES = {
    "videos": """
        digest TEXT NOT NULL PRIMARY KEY, path TEXT NOT NULL, duration_seconds FLOAT NOT NULL,
        body TEXT NOT NULL, added_at TEXT NOT NULL
    """,
    "cues": f"""
        {_VIDEO}, position INTEGER NOT NULL, origin TEXT NOT NULL, {_SPAN},
        text TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (digest, position)
    """,
    "indexes": f"""
        id INTEGER NOT NULL PRIMARY KEY, {_VIDEO}, key TEXT NOT NULL, turn INTEGER NOT NULL,
        body TEXT NOT NULL, UNIQUE (digest, key)
    """,
    **{name: _RECORD.format(columns=columns) for name, columns in _RECORDS.items()},
    "texts": f"""
        id INTEGER NOT NULL PRIMARY KEY, {_VIDEO}, source TEXT NOT NULL, {_SPAN},
        text TEXT NOT NULL, folded TEXT NOT NULL
    """,
    "parts": f"""
        key TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, {_SPAN},
        body TEXT NOT NULL, created_at TEXT NOT NULL
    """,
    "answers": f"""
        id INTEGER NOT NULL PRIMARY KEY, {_VIDEO}, question TEXT NOT NULL,
        body TEXT NOT NULL, created_at TEXT NOT NULL
    """,
    "replies": """
        key TEXT NOT NULL PRIMARY KEY, reply TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL,
        usage TEXT NOT NULL, created_at TEXT NOT NULL
    """,
}

_INDEXES = ("texts (digest, source)", "parts (digest, kind)", "answers (digest)")


def upgrade() -> None:
    """From nothing."""
    for name, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {name} ({columns})")
    for index in _INDEXES:
        op.execute(f"CREATE INDEX {index.split()[0]}_by_video ON {index}")
    # The digest is a column of the search index, so that one video's texts are found without reading the
    # others'.
    op.execute(
        "CREATE VIRTUAL TABLE texts_fts USING fts5(digest, folded, content='texts', content_rowid='id', "
        "tokenize='porter unicode61 remove_diacritics 2')"
    )
    op.execute("INSERT INTO texts_fts (texts_fts, rank) VALUES ('rank', 'bm25(0.0, 1.0)')")
    op.execute(
        "CREATE TRIGGER texts_put AFTER INSERT ON texts BEGIN "
        "INSERT INTO texts_fts (rowid, digest, folded) VALUES (new.id, new.digest, new.folded); END"
    )
    op.execute(
        "CREATE TRIGGER texts_gone AFTER DELETE ON texts BEGIN "
        "INSERT INTO texts_fts (texts_fts, rowid, digest, folded) "
        "VALUES ('delete', old.id, old.digest, old.folded); END"
    )
