"""Alembic's entry: runs over the connection that gateway.store.migrate hands in."""

from __future__ import annotations

from alembic import context

from gateway.store.tables import metadata

connection = context.config.attributes["connection"]
if connection is None:
    raise RuntimeError("migrations run through `gateway migrate`, which hands in its connection")
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
