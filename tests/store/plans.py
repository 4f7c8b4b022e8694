"""What a store means to do for a statement, and whether that grows with a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from gateway.store.engine import Store
from tests.store.recorder import Said

#: Rows of these come with every parcel, push, deed or message. The others are configuration, or as many as carriers.
GROWING = {
    *("shipments", "legs", "polls", "watches", "inbox", "strays", "outbox", "cases", "case_events", "ledger"),
    *("messages", "suppressions", "dwells", "audit", "idempotency"),
}
#: Columns of which few rows share a value: what is found by one of them may also be sorted.
_NARROW = {
    *("id", "shipment_id", "leg_id", "case_id", "deed_id", "order_id", "tracking_number", "key", "open_key", "claim"),
    *("code", "decision", "address_key", "customer", "address", "after", "provider_id", "rowid"),
}
_FLAGS = {"shipments_stuck": "stalled", "shipments_late": "late"}
#: Of tables with 6,000 rows: reading one whole costs PostgreSQL more, and sorting so many is sorting all of something.
_CHEAP, _MANY = 100, 600
#: They give nothing before they were given everything.
_WHOLE = {"Sort", "Aggregate", "Hash", "WindowAgg"}
_ALIAS = re.compile(r"\b(\w+) AS (\w+)\b")
_STEP = re.compile(r"^(SCAN|SEARCH) (\w+)(?: USING (?:INTEGER PRIMARY KEY|(?:COVERING )?INDEX (\w+)))?(?: \((.*)\))?")
_COLUMN = re.compile(r"\(?(\w+)(=|<|>| IS NULL)")


async def grows(store: Store, said: Said) -> list[str]:
    """What is wrong with the plan of a statement; nothing, when it touches what it needs."""
    async with store.read() as tx:
        if store.dialect == "sqlite":
            found = await tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {said.statement}", said.parameters)
            return list(_sqlite(said.statement, [row[3] for row in found.all()]))
        found = await tx.conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {said.statement}", said.parameters)
        plan = found.scalar_one()
        (top,) = json.loads(plan) if isinstance(plan, str) else plan
    return list(_postgresql(top["Plan"], limited=False))


def _sqlite(statement: str, steps: list[str]) -> Iterator[str]:
    """A scan is fine that walks an index in the order that is asked for, with nothing to skip, up to a LIMIT."""
    aliases = {alias: table for table, alias in _ALIAS.findall(statement)}
    sorts = [step for step in steps if step == "USE TEMP B-TREE FOR ORDER BY"]
    wide = []
    for step in steps:
        match = _STEP.match(step)
        if match is None or aliases.get(match[2], match[2]) not in GROWING:
            continue
        if match[1] == "SCAN" and (sorts or "LIMIT" not in statement or _skips(statement, match[3])):
            yield step
        if match[1] == "SEARCH" and not _NARROW & {name for name, _ in _COLUMN.findall(match[4] or "")}:
            wide.append(step)
    if sorts and wide:
        yield f"{wide[0]}, sorted"


def _skips(statement: str, index: str | None) -> bool:
    """Whether a walk may pass over rows: it has conditions, other than the flag whose rows alone the index holds."""
    return "WHERE" in statement and re.search(rf"WHERE \w+\.{_FLAGS.get(index or '')} = 1 +ORDER", statement) is None


def _postgresql(node: dict[str, Any], limited: bool) -> Iterator[str]:
    """limited: a LIMIT above ends it soon by the planner's own reckoning, and nothing between needs every row first."""
    kind, table = node["Node Type"], node.get("Relation Name")
    condition = node.get("Index Cond") or node.get("Recheck Cond")
    if table in GROWING and "Scan" in kind and not limited and (kind == "Seq Scan" or not condition):
        yield f"{kind} on {table} {node.get('Index Name', '')} filter [{node.get('Filter', '')}]"
    if kind == "Sort" and node["Plan Rows"] > _MANY:
        yield f"Sort by {node['Sort Key']} of {node['Plan Rows']} rows"
    below = limited and kind not in _WHOLE
    if kind == "Limit":
        below = node["Total Cost"] <= _CHEAP
    for child in node.get("Plans", ()):
        yield from _postgresql(child, below)
