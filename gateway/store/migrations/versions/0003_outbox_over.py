"""Deeds of no case that are over, by their end: what retention deletes is found without a scan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OVER_ALONE = sa.text("case_id IS NULL AND ended_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "outbox_over",
        "outbox",
        ["ended_at", "id"],
        unique=False,
        sqlite_where=OVER_ALONE,
        postgresql_where=OVER_ALONE,
    )
