"""Schema migrations: one numbered file per step, run by Alembic when a library is opened."""
