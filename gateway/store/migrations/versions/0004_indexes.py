"""Every list, count and search of the gateway walks an index; SQLite is told which of them are wide."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: They are made anew below.
REPLACED = {
    "shipments_order": "shipments",
    "shipments_stalled": "shipments",
    "legs_number": "legs",
    "legs_live": "legs",
    "cases_state": "cases",
    "ledger_issued": "ledger",
    "ledger_order": "ledger",
}


def _only(sqlite: str, postgresql: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql)}


def _begins(column: str) -> dict[str, Any]:
    """PostgreSQL finds beginnings only by this class, unless the database sorts by bytes; it serves equality, too."""
    return {"postgresql_ops": {column: "varchar_pattern_ops"}}


_STALLED, _LATE = _only("stalled = 1", "stalled"), _only("late = 1", "late")
_UNDER_WAY, _OPEN = ("closed_at IS NULL",) * 2, ("open_key IS NOT NULL",) * 2
MADE: tuple[tuple[str, str, list[str], dict[str, Any]], ...] = (
    ("shipments_order", "shipments", ["order_id"], _begins("order_id")),
    ("shipments_status", "shipments", ["status", "id"], {}),
    ("shipments_carrier", "shipments", ["carrier", "id"], {}),
    ("shipments_stalled", "shipments", ["carrier", "id"], _STALLED),
    ("shipments_stuck", "shipments", ["id"], _STALLED),
    ("shipments_late", "shipments", ["id"], _LATE),
    ("legs_number", "legs", ["tracking_number"], _begins("tracking_number")),
    ("legs_live", "legs", ["carrier", "opened_at"], _only(*_UNDER_WAY)),
    ("cases_opened", "cases", ["opened_at", "id"], {}),
    ("cases_state", "cases", ["state", "opened_at", "id"], {}),
    ("cases_kind", "cases", ["kind", "opened_at", "id"], {}),
    ("cases_owner", "cases", ["owner", "opened_at", "id"], {}),
    ("cases_open", "cases", ["opened_at", "id"], _only(*_OPEN)),
    ("cases_standing", "cases", ["kind", "state"], _only(*_OPEN)),
    ("ledger_issued", "ledger", ["issued_at", "id"], {}),
    ("ledger_order", "ledger", ["order_id", "state"], {}),
    ("ledger_state", "ledger", ["state", "issued_at", "id"], {}),
    ("ledger_expiry", "ledger", ["state", "expires_at"], {}),
    ("messages_state", "messages", ["state", "created_at", "id"], {}),
    ("messages_channel", "messages", ["channel", "created_at", "id"], {}),
    ("messages_case", "messages", ["case_id"], {}),
    ("messages_deed", "messages", ["deed_id"], {}),
    ("suppressions_address", "suppressions", ["address_key"], {}),
)


#: What SQLite must know to choose: of 1,000,000 rows, how many share the first column, the first two, ... The other
#: indexes are as good as it takes them for (10 rows). ANALYZE, if somebody runs it, replaces this by what it counts.
SHARED = {
    "shipments_status": ("shipments", "1000000 100000 1"),
    "shipments_carrier": ("shipments", "1000000 100000 1"),
    "legs_live": ("legs", "1000000 100000 2"),
    "polls_due": ("polls", "1000000 100000 2"),
    "inbox_state": ("inbox", "1000000 300000 1"),
    "cases_state": ("cases", "1000000 200000 2 1"),
    "cases_kind": ("cases", "1000000 100000 2 1"),
    "cases_owner": ("cases", "1000000 100000 2 1"),
    "ledger_state": ("ledger", "1000000 200000 2 1"),
    "ledger_expiry": ("ledger", "1000000 200000 2"),
    "messages_state": ("messages", "1000000 200000 2 1"),
    "messages_channel": ("messages", "1000000 250000 2 1"),
}


def upgrade() -> None:
    for name, table in REPLACED.items():
        op.drop_index(name, table_name=table)
    for name, table, columns, more in MADE:
        op.create_index(name, table, columns, unique=False, **more)
    if op.get_bind().dialect.name == "sqlite":
        _tell_sqlite()


def _tell_sqlite() -> None:
    op.execute("ANALYZE")  # makes the table
    op.execute("DELETE FROM sqlite_stat1")
    stats = sa.table("sqlite_stat1", *map(sa.column, ("tbl", "idx", "stat")))
    op.bulk_insert(stats, [{"tbl": table, "idx": name, "stat": told} for name, (table, told) in SHARED.items()])
