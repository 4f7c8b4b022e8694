"""Walking an index from value to value: what a column holds, in as many steps as there are different values."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, func, select

from gateway.store.engine import Tx


async def firsts(tx: Tx, column: Column[Any], *where: Any) -> list[str]:
    """The different values of an indexed column of few, among rows that meet `where`. DISTINCT would read every row."""
    smallest = select(func.min(column)).where(*where)
    step = smallest.cte("step", recursive=True)
    following = select(func.min(column)).where(*where, column > step.c[0]).scalar_subquery()
    step = step.union_all(select(following).where(step.c[0].is_not(None)))
    return [row[0] for row in (await tx.conn.execute(select(step).where(step.c[0].is_not(None)))).all()]
