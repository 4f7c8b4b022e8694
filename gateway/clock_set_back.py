"""What a process does when it has come to believe that the machine's clock was set."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from gateway.runtime import Runtime
from gateway.steady import Steady
from gateway.store.deadline import LONG
from gateway.store.set_back import set_back
from gateway.store.slots import take_slot

log = logging.getLogger(__name__)

#: Processes of one machine see the same step within so many seconds; it is put right once.
_ONCE = 600
#: Seconds after which it is done again, for what was under way and was written with the time of before; and so much
#: sooner than the wrong time may be what was written then.
_LATER, _MARGIN = 30.0, timedelta(minutes=2)


class ClockSetBack:
    """Listens to the clock where it is `Steady`; the loop that keeps the process up to date calls `put_right`."""

    def __init__(self, rt: Runtime, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rt = rt
        self._monotonic = monotonic
        self._due: list[tuple[float, str, timedelta]] = []
        if isinstance(rt.clock, Steady):
            rt.clock.stepped.append(self._stepped)

    def _stepped(self, by: timedelta) -> None:
        """Forwards nothing is to be done: what is late is done."""
        if by < timedelta():
            now = self._monotonic()
            self._due += [(now, "set back", -by), (now + _LATER, "set back, later", -by)]
            self._rt.signals.nudge("policies")

    async def put_right(self) -> None:
        """What is due of it; once, by whichever process is the first. Raise StoreAway: it is still due then."""
        for one in [one for one in self._due if one[0] <= self._monotonic()]:
            _, name, by = one
            now = self._rt.clock()
            beyond = now if name == "set back" else now + by - _MARGIN
            async with self._rt.store.write(within=LONG) as tx:
                if await take_slot(tx, name, int(now.timestamp()) // _ONCE, ahead=1):
                    log.warning("%s by %s: %d rows are due sooner", name, by, await set_back(tx, now, by, beyond))
            self._due.remove(one)
