"""What a process does when it has come to believe that the machine's clock was set."""

from __future__ import annotations

import logging
from datetime import timedelta

from gateway.runtime import Runtime
from gateway.steady import Steady
from gateway.store.deadline import LONG
from gateway.store.set_back import set_back
from gateway.store.slots import take_slot

log = logging.getLogger(__name__)

#: Processes of one machine see the same step within so many seconds; it is put right once.
_ONCE = 600


class ClockSetBack:
    """Listens to the clock where it is `Steady`; the loop that keeps the process up to date calls `put_right`."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._by = timedelta()
        if isinstance(rt.clock, Steady):
            rt.clock.stepped.append(self._stepped)

    def _stepped(self, by: timedelta) -> None:
        """Forwards nothing is to be done: what is late is done."""
        if by < timedelta():
            self._by -= by
            self._rt.signals.nudge("policies")

    async def put_right(self) -> None:
        """Once, by whichever process is the first."""
        if not self._by:
            return
        by, now = self._by, self._rt.clock()
        async with self._rt.store.write(within=LONG) as tx:
            if await take_slot(tx, "set back", int(now.timestamp()) // _ONCE, ahead=1):
                log.warning("the clock was set back by %s: %d rows are due sooner", by, await set_back(tx, now, by))
        self._by -= by
