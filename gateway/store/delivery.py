"""Deeds that are under way at the same time, written together: their notes, their leases, their ends.

One statement for many deeds, past SQLAlchemy's compiler. Each first proves its lease and holds its row; for one whose
lease was lost nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Row, delete

from gateway.domain import DeedState
from gateway.store import bulk, outbox
from gateway.store.away import StoreAway
from gateway.store.engine import Store, Tx
from gateway.store.queues import LeaseLost
from gateway.store.tables import compact, micros
from gateway.store.tables import outbox as deeds_table
from gateway.together import Together

#: Deeds of one transaction.
TOGETHER = 64


class Note(NamedTuple):
    """The steps done and begun of a deed, and until when its lease is held."""

    deed: Row[Any]
    progress: Mapping[str, Any]
    until: datetime


class End(NamedTuple):
    """How a deed ends this time. due_at: of one that is tried again, or waits; over: it is not; kept: its row is."""

    deed: Row[Any]
    state: DeedState
    over: bool = True
    due_at: datetime | None = None
    result: Any = None
    reason: str | None = None
    attempts: int = 0
    kept: bool = True


class Notes:
    """Where doers note what they are about to do and what they did, when nothing else is written with it."""

    def __init__(self, store: Store) -> None:
        self._write: Together[Note, bool] = Together(partial(_note, store), most=TOGETHER, everyones=(StoreAway,))

    async def __call__(self, deed: Row[Any], progress: Mapping[str, Any], until: datetime) -> None:
        """Durable when it returns. Raise LeaseLost."""
        if not await self._write(Note(deed, progress, until)):
            raise LeaseLost(f"outbox {deed.id} fence {deed.fence}")


async def _note(store: Store, notes: Sequence[Note]) -> list[bool]:
    async with store.write() as tx:
        held = await (_note_sqlite(tx, notes) if tx.dialect == "sqlite" else _note_postgresql(tx, notes))
    return [note.deed.id in held for note in notes]


async def _note_sqlite(tx: Tx, notes: Sequence[Note]) -> set[str]:
    held = await hold(tx, [note.deed for note in notes])
    mine = [note for note in notes if note.deed.id in held]
    rows = [{"id": note.deed.id, "progress": note.progress, "due_at": note.until} for note in mine]
    await bulk.put_many(tx, deeds_table, rows)
    return held


_NOTE_POSTGRESQL = """UPDATE outbox SET progress = told.progress, due_at = told.due_at
FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[]) AS told (id, fence, progress, due_at)
WHERE outbox.id = told.id AND outbox.fence = told.fence RETURNING outbox.id"""


async def _note_postgresql(tx: Tx, notes: Sequence[Note]) -> set[str]:
    rows = [(note.deed.id, note.deed.fence, compact(note.progress), micros(note.until)) for note in notes]
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return set((await tx.conn.exec_driver_sql(_NOTE_POSTGRESQL, columns)).scalars())


_HOLD_SQLITE = "SELECT id, fence, state FROM outbox WHERE id IN (SELECT value FROM json_each(?))"
_HOLD_POSTGRESQL = "SELECT id, fence, state FROM outbox WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"


async def hold(tx: Tx, deeds: Sequence[Row[Any]], *, doing: bool = False) -> set[str]:
    """The ids of those that are still ours, until the end of the transaction. doing: and have not ended yet."""
    ids = [deed.id for deed in deeds]
    if tx.dialect == "sqlite":  # one writer: what this transaction sees is held
        rows = (await tx.conn.exec_driver_sql(_HOLD_SQLITE, (json.dumps(ids),))).all()
    else:
        rows = (await tx.conn.exec_driver_sql(_HOLD_POSTGRESQL, (ids,))).all()
    fences = {deed.id: deed.fence for deed in deeds}
    return {row.id for row in rows if fences[row.id] == row.fence and (not doing or row.state == DeedState.DOING)}


async def keep_many(tx: Tx, deeds: Sequence[Row[Any]], until: datetime) -> None:
    """Hold the leases of deeds that are under way longer; of those that are no longer ours, or ended, nothing."""
    held = await hold(tx, deeds, doing=True)
    await bulk.put_many(tx, deeds_table, [{"id": one, "due_at": until} for one in sorted(held)])


async def end_many(tx: Tx, ends: Sequence[End], now: datetime) -> None:
    """The ends of deeds that are held, and the start of those that waited for them."""
    await bulk.put_many(tx, deeds_table, [_end(end, now) for end in ends if end.kept])
    if gone := [end.deed.id for end in ends if not end.kept]:
        await tx.conn.execute(delete(deeds_table).where(deeds_table.c.id.in_(gone)))
    await outbox.wake(tx, [end.deed.id for end in ends if end.over], now)


def _end(end: End, now: datetime) -> dict[str, Any]:
    """What is tried again keeps the result and the end that an earlier try of it had."""
    deed = end.deed
    return {
        "id": deed.id,
        "due_at": end.due_at,
        "state": end.state,
        "result": end.result if end.over else deed.result,
        "reason": end.reason,
        "ended_at": now if end.over else deed.ended_at,
        "attempts": end.attempts,
    }
