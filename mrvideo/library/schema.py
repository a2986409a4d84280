"""The library's tables as queries see them. `mrvideo.library.migrations` creates them.

    videos ─┬─ cues                                     speech and subtitles, by where they came from
            ├─ indexes ─┬─ scenes, entities, mentions    one row per record; `body` is its JSON
            │           └─ shots, failures, index_cues
            ├─ texts ─── texts_fts                      what search reads: the latest index of each video
            ├─ parts                                    finished shards and stages
            ├─ corrections                              what a user put right in the cast, and the indexes before
            ├─ photos                                   of members of the cast, as a user gave them
            ├─ embeddings                               frames as vectors, by embedder
            ├─ text_embeddings                          captions, texts and speech as vectors, by embedder
            └─ answers
    replies                                             what models said, by request
    tasks ─── task_pictures                             requests that somebody is to answer

A record's JSON stands beside the columns people look for, so that a new field with a default needs no
migration.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 6
"""What `PRAGMA user_version` says of a library this code reads; the number of the newest migration."""

APPLICATION_ID = 0x4D525649
"""What `PRAGMA application_id` says of any library: `MRVI`."""

metadata = MetaData()

videos = Table(
    "videos",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("duration_seconds", Float, nullable=False),
    Column("body", Text, nullable=False),
    Column("added_at", Text, nullable=False),
)


def _digest() -> Column[str]:
    return Column("digest", Text, ForeignKey("videos.digest", ondelete="CASCADE"), nullable=False)


def _span() -> tuple[Column[float], Column[float]]:
    return Column("start_seconds", Float, nullable=False), Column("stop_seconds", Float, nullable=False)


cues = Table(
    "cues",
    metadata,
    _digest(),
    Column("position", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    *_span(),
    Column("text", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("digest", "position"),
)

indexes = Table(
    "indexes",
    metadata,
    Column("id", Integer, primary_key=True),
    _digest(),
    Column("key", Text, nullable=False),
    Column("turn", Integer, nullable=False),  # the highest of a video is the one put last
    Column("body", Text, nullable=False),  # settings, usage, created_at
    UniqueConstraint("digest", "key"),
)


def _of_index(name: str, *columns: Column[str] | Column[float]) -> Table:
    """A table of one kind of record of an index, in order of `position`."""
    return Table(
        name,
        metadata,
        Column("index_id", Integer, ForeignKey("indexes.id", ondelete="CASCADE"), primary_key=True),
        Column("position", Integer, primary_key=True),
        *columns,
        Column("body", Text, nullable=False),
    )


def _word(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


scenes = _of_index("scenes", *_span(), _word("brief"))
entities = _of_index("entities", _word("name"), _word("kind"))
mentions = _of_index("mentions", *_span(), _word("name"), _word("kind"))
shots = _of_index("shots", *_span())
failures = _of_index("failures", *_span(), _word("stage"), _word("reason"))
index_cues = _of_index("index_cues", *_span(), _word("text"))

texts = Table(
    "texts",
    metadata,
    Column("id", Integer, primary_key=True),
    _digest(),
    Column("source", Text, nullable=False),  # caption | cue
    *_span(),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Index("texts_by_video", "digest", "source"),
)

parts = Table(
    "parts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    *_span(),
    Column("body", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Index("parts_by_video", "digest", "kind"),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("digest", Text, ForeignKey("videos.digest", ondelete="CASCADE"), primary_key=True),
    Column("embedder", Text, primary_key=True),  # its fingerprint
    Column("time_seconds", Float, primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
)

text_embeddings = Table(
    "text_embeddings",
    metadata,
    Column("digest", Text, ForeignKey("videos.digest", ondelete="CASCADE"), primary_key=True),
    Column("embedder", Text, primary_key=True),  # model, address and dimensions
    Column("text", Text, primary_key=True),  # SHA-256 of it
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
)

answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    _digest(),
    Column("question", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("stale", Text),  # why it may no longer hold
    Column("stale_by", Integer),  # the correction that made it so
    Index("answers_by_video", "digest"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    _digest(),
    Column("body", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Index("corrections_by_video", "digest"),
)

uncorrected = Table(
    "uncorrected",
    metadata,
    _digest(),
    Column("key", Text, nullable=False),  # of the index
    Column("body", Text, nullable=False),  # the index as captioned
    UniqueConstraint("digest", "key"),
)

photos = Table(
    "photos",
    metadata,
    Column("digest", Text, ForeignKey("videos.digest", ondelete="CASCADE"), primary_key=True),
    Column("photo", Text, primary_key=True),  # SHA-256 of the JPEG
    Column("jpeg", LargeBinary, nullable=False),
)

replies = Table(
    "replies",
    metadata,
    Column("key", Text, primary_key=True),
    Column("reply", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("usage", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),  # in the order in which they were asked
    Column("key", Text, nullable=False, unique=True),  # that of its reply
    Column("digest", Text),  # of the video that it is about
    Column("stage", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("body", Text, nullable=False),  # what the request is made of again; empty once it is answered
    Column("state", Text, nullable=False),  # waiting | answered | failed
    Column("problem", Text),  # of the last reply that was refused
    Column("refusals", Integer, nullable=False),
    Column("begun_at", Float, nullable=False),  # POSIX seconds: of the run that asked it
    Column("leased_until", Float, nullable=False),
    Column("settled_at", Float),
    Index("tasks_by_state", "state", "begun_at"),
)

task_pictures = Table(
    "task_pictures",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("time_seconds", Float, nullable=False),
    Column("crop", Text),
    Column("jpeg", LargeBinary, nullable=False),
)
