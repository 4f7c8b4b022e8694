"""What readers need of a number, in one hand-written statement. Whoever waits at the same time is answered by the same.

A read that has to ask the store costs its share of a question, not a connection, a transaction and three statements.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, cast

from gateway.store.engine import Store

#: Numbers in one question.
_MOST = 100
#: Seconds on one connection (it has a deadline), and until it is given back when nobody comes.
_STAY, _LINGER = 1.0, 0.05
#: Turns of the loop from the first who asks to the question.
_TURNS = 3


class Asked(NamedTuple):
    """A number that somebody waits for."""

    number: str
    answer: asyncio.Future[list[Row]]


class Row(NamedTuple):
    """A leg of a shipment that has the number, with its shipment, as stored: instants in microseconds, JSON as text.

    own: the number that was asked for. The columns of `shipments` come first.
    """

    own: str
    id: str
    sequence: int
    updated_at: int
    order_id: str
    carrier: str
    tracking_number: str
    status: str
    reason: str | None
    since: int | None
    delivered_at: int | None
    promised_at: int | None
    stalled: bool
    late: bool
    document: str
    leg_id: str
    leg_carrier: str
    leg_number: str
    leg_status: str
    leg_reason: str | None
    closed_why: str | None
    history: str


_COLUMNS = """asked.value, s.id, s.sequence, s.updated_at, s.order_id, s.carrier, s.tracking_number, s.status, s.reason,
 s.since, s.delivered_at, s.promised_at, s.stalled, s.late, s.document, l.id, l.carrier, l.tracking_number, l.status,
 l.reason, l.closed_why, l.history"""
_LEGS = """ legs AS own ON own.tracking_number = asked.value
 CROSS JOIN shipments AS s ON s.id = own.shipment_id CROSS JOIN legs AS l ON l.shipment_id = s.id
 ORDER BY s.created_at, s.id, l.ordinal"""
#: CROSS JOIN ... ON: SQLite then goes from left to right, through the index of numbers.
_SQLITE = "SELECT " + _COLUMNS + " FROM json_each(?) AS asked CROSS JOIN" + _LEGS  # noqa: S608
_POSTGRESQL = "SELECT " + _COLUMNS + " FROM unnest($1::varchar[]) AS asked(value) JOIN" + _LEGS.replace("CROSS ", "")  # noqa: S608


class Reading:
    """Asks for the numbers that wait, all at once, one question after the other.

    As long as they come one after the other it stays on one connection and speaks to the driver itself: taking a
    connection, beginning a transaction and giving it back cost more than the question.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Asked] = []
        self._asking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        store.on_close(self.close)

    async def of_number(self, number: str) -> list[Row]:
        """Every leg of every shipment that has one of this number, as of now; the first leg first. Raise StoreAway."""
        asked = Asked(number, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self._news.set()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asked.answer

    async def close(self) -> None:
        """Let go of the connection. Whoever still waits is cancelled."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        while self._waiting:
            asked: list[Asked] = []
            try:
                async with self._store.read() as tx:
                    driver = (await tx.conn.get_raw_connection()).driver_connection
                    until = time.monotonic() + _STAY
                    while time.monotonic() < until and await self._somebody():
                        asked = self._next()
                        _answer(asked, await self._rows(driver, {one.number for one in asked}))
                        asked = []
            except Exception as error:  # told to those who wait, and there is always somebody
                for one in asked or self._next():
                    if not one.answer.done():
                        one.answer.set_exception(error)
            except asyncio.CancelledError:
                for one in (*asked, *self._waiting):
                    one.answer.cancel()
                raise

    async def _somebody(self) -> bool:
        """Whether somebody waits, or comes within a moment."""
        if not self._waiting:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._news.wait()
                for _ in range(_TURNS):  # who else has a request in hand asks along
                    await asyncio.sleep(0)
        return bool(self._waiting)

    def _next(self) -> list[Asked]:
        asked, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        return asked

    async def _rows(self, driver: Any, numbers: Collection[str]) -> Iterable[Any]:
        sql, parameters = question(self._store.dialect, numbers)
        if self._store.dialect == "sqlite":
            return cast(Iterable[Any], await driver.execute_fetchall(sql, parameters))
        return cast(Iterable[Any], await driver.fetch(sql, *parameters))


def question(dialect: str, numbers: Collection[str]) -> tuple[str, tuple[Any]]:
    """The statement and its one parameter, as the driver takes them."""
    return (_SQLITE, (json.dumps(list(numbers)),)) if dialect == "sqlite" else (_POSTGRESQL, (list(numbers),))


def _answer(asked: Iterable[Asked], rows: Iterable[Any]) -> None:
    """A leg once per number, although its shipment may have two legs of that number."""
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in map(Row._make, rows):
        found[row.own].setdefault(row.leg_id, row)
    for one in asked:
        if not one.answer.done():  # else whoever asked has gone
            one.answer.set_result(list(found[one.number].values()))
