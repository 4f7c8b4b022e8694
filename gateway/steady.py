"""The time of day, not fooled by a clock that jumps.

A step of the machine's clock (an operator's mistake, a bad time server, a virtual machine that was asleep) is not
believed at once: time goes on by the monotonic clock. A step that is taken back within PROOF was never there. One that
lasts is believed, and whoever listens is told, so that what was scheduled by the wrong clock does not wait for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

#: A clock that is off by less is followed at once: time servers correct it so.
SLACK = timedelta(seconds=30)
#: How long a step must last until it is believed.
PROOF = timedelta(minutes=10)


class Steady:
    """A clock: `steady()` is the time. stepped: hears by how much, when a step is believed (negative: backwards);
    jumped: hears of every jump of the machine's clock as it happens.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        *,
        proof: timedelta = PROOF,
    ) -> None:
        self.stepped: list[Callable[[timedelta], None]] = []
        self.jumped: list[Callable[[], None]] = []
        self._wall, self._monotonic, self._proof = wall, monotonic, proof
        self._at, self._since = wall(), monotonic()
        self._off: tuple[timedelta, float] | None = None

    def __call__(self) -> datetime:
        wall, now = self._wall(), self._monotonic()
        ours = self._at + timedelta(seconds=now - self._since)
        off = wall - ours
        if abs(off) <= SLACK:
            self._follow(wall, now)
            return wall
        if now - self._doubted(off, now) < self._proof.total_seconds():
            return ours
        log.warning("the machine's clock has been off by %s for %s: it is believed now", off, self._proof)
        self._off = None
        self._follow(wall, now)
        for told in self.stepped:
            told(off)
        return wall

    def _follow(self, wall: datetime, now: float) -> None:
        if self._off is not None:
            log.warning("the machine's clock is right again")
            self._jump(None)
        self._at, self._since = wall, now

    def _doubted(self, off: timedelta, now: float) -> float:
        """Since when. Another step than the one that is being watched starts the time of proof anew."""
        if self._off is None or abs(off - self._off[0]) > SLACK:
            log.warning("the machine's clock has jumped by %s: it is not believed for %s", off, self._proof)
            self._jump((off, now))
            return now
        return self._off[1]

    def _jump(self, off: tuple[timedelta, float] | None) -> None:
        self._off = off
        for told in self.jumped:
            told()
