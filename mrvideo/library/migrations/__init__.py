"""How a library comes to the newest schema: one numbered file per step, run by Alembic when a library is opened."""
