"""What a file of `gateway export` holds, and what became of it in a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.store.archive_reader import Reader
from gateway.store.engine import Store
from gateway.store.export import export
from gateway.store.load import fill
from gateway.store.migrate import bring
from gateway.store.tables import metadata

#: Table -> primary key -> column -> value.
Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]
FINGERPRINT = "0123456789abcdef"


def quiet(table: str, done: int, of: int) -> None:
    """Nobody watches."""


def contents(path: Path) -> Rows:
    found: Rows = {}
    with Reader(path) as reader:
        for section, rows in reader.batches():
            key = [column.name for column in metadata.tables[section.table].primary_key.columns]
            held = [dict(zip(section.columns, row, strict=True)) for row in rows]
            found.setdefault(section.table, {}).update({tuple(row[name] for name in key): row for row in held})
    return found


async def stored(store: Store, folder: Path) -> Rows:
    """Every row of a store with the newest schema."""
    path = folder / "now.jsonl.gz"
    await export(store, path, secret=FINGERPRINT, told=quiet)
    return contents(path)


async def take_in(store: Store, path: Path) -> None:
    """A file into an empty store of exactly its own schema, which may be an old one."""
    with Reader(path) as reader:
        async with store.write() as tx:
            await bring(tx, reader.head.schema)
            await fill(tx, reader, quiet)


def lost(before: Rows, after: Rows) -> list[str]:
    """What is no longer as it was, of the columns that are still there."""
    found = [f"{table} is gone" for table in sorted(before.keys() - after.keys())]
    for table in sorted(before.keys() & after.keys()):
        for key, row in before[table].items():
            now = after[table].get(key)
            found += [f"{table} {key} is gone"] if now is None else _changed(f"{table} {key}", row, now)
    return found


def _changed(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = [name for name in before if name in after and before[name] != after[name]]
    return [f"{where}: {name} was {before[name]!r} and is {after[name]!r}" for name in names]
