"""Many rows written with one statement: what a batch of scans needs, at a fraction of the calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, Update, bindparam, update

from gateway.store.engine import Tx


async def put_many(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update rows by their primary key. Each names the key and the columns to write: one statement per set of them."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[tuple(row)].append({f"_{name}": value for name, value in row.items()})
    for names, values in alike.items():
        await tx.conn.execute(_statement(table, names), values)


@lru_cache(maxsize=64)
def _statement(table: Table, names: tuple[str, ...]) -> Update:
    (key,) = table.primary_key.columns
    written = {name: bindparam(f"_{name}", type_=table.c[name].type) for name in names if name != key.name}
    return update(table).where(key == bindparam(f"_{key.name}")).values(written)
