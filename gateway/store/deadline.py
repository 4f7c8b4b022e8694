"""No connection to PostgreSQL keeps anybody waiting for ever.

A server that is frozen, or a line that swallows what is sent, says nothing: not even that it is gone. So every use of a
connection has a deadline, from its making on; past it the connection is ended here, and whoever waits for it fails as
if the line had broken. Cancelling the statement instead would wait for the same silent server.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

log = logging.getLogger(__name__)

#: Seconds for a connection to be made, and as many again until it can be used.
CONNECT_SECONDS = 5
#: Seconds for a transaction from its first word to its last, and for one that may take long (`Store.write`).
WITHIN, LONG = 10.0, 900.0
#: So that the server, too, lets go of what a client held that has vanished: rows of shipments stay locked until then.
#: Set after connecting, since PgBouncer refuses start parameters that it does not know.
_SETTINGS = """
SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
SET idle_in_transaction_session_timeout = '60s'
"""


class Deadlines:
    """When each connection in use is ended. `watch` an engine whose connections were made by `made`."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._ends: WeakKeyDictionary[Any, asyncio.TimerHandle] = WeakKeyDictionary()

    async def made(self, **arguments: Any) -> Any:
        """A connection of asyncpg, with these arguments of its `connect`."""
        connection = await asyncpg.connect(timeout=CONNECT_SECONDS, **arguments)
        self.start(connection, CONNECT_SECONDS)
        await connection.execute(_SETTINGS)
        return connection

    def watch(self, engine: AsyncEngine) -> None:
        event.listen(engine.sync_engine, "checkout", self._taken)
        event.listen(engine.sync_engine, "checkin", self._brought_back)

    def start(self, connection: Any, seconds: float) -> None:
        """From now on, instead of what was set before."""
        self.stop(connection)
        self._ends[connection] = asyncio.get_running_loop().call_later(seconds, self._end, connection, seconds)

    def stop(self, connection: Any) -> None:
        end = self._ends.pop(connection, None)
        if end is not None:
            end.cancel()

    def _taken(self, adapted: Any, record: Any, proxy: Any) -> None:
        """A line that broke while nobody used it was noticed already: no question over the line is needed."""
        connection = adapted.driver_connection
        if connection.is_closed():
            raise InvalidatePoolError("the connection broke meanwhile")
        self.start(connection, self._within)

    def _brought_back(self, adapted: Any, record: Any) -> None:
        if adapted is not None:  # None: it broke
            self.stop(adapted.driver_connection)

    def _end(self, connection: Any, seconds: float) -> None:
        self._ends.pop(connection, None)
        if not connection.is_closed():
            log.warning("a transaction had no end after %g s: its connection to the store is given up", seconds)
            connection.terminate()
