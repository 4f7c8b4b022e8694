"""A failover under way: its deed, what has been noted of it, and where it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.domain import DeedKind
from gateway.outcome import Drop, End, No
from gateway.remedies.ground import Ground, Parcel, ground
from gateway.runtime import Runtime
from gateway.store import outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row

#: The step of a deed that books leg B once there is stock for it.
REPLACEMENT = "replacement"


class Stop(Exception):
    """This is how the deed ends this time."""

    def __init__(self, end: End) -> None:
        super().__init__(str(end))
        self.end = end


@dataclass(slots=True)
class Work:
    """progress, as noted in the outbox: `begun`, the step whose call may be under way; what has been done since:
    `cancelled`, `intercept`, `requested`, `booked`; `booking`, the one that was begun (carrier, service, key); `tries`,
    how many keys were used; `refused`, carrier -> why it does not take the parcel.
    """

    rt: Runtime
    deed: Row
    progress: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What carriers see as our order id: the case's own, and the number of the try; at most 32 characters."""
        number = self.progress.get("tries", 0)
        return f"{self.deed.case_id.replace('_', '-')}-{number}"

    def set(self, **changes: Any) -> None:
        """Change what is noted, with the next note; None takes a name away."""
        merged = {**self.progress, **changes}
        self.progress = {name: value for name, value in merged.items() if value is not None}

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[tuple[Tx, Ground, Parcel]]:
        """A transaction on locked ground, at whose end the progress is noted, also when it ends with Stop.

        Raise LeaseLost; Stop when the case has no parcel.
        """
        stop: Stop | None = None
        async with self.rt.store.write() as tx:
            before = self.progress
            here = await ground(self.rt, tx, self.deed, before)
            if here.parcel is None:
                raise Stop(No(reason="the case has no parcel"))
            try:
                yield tx, here, here.parcel
            except Stop as said:
                stop = said
            if self.progress != before:
                await self.note(tx)
        if stop is not None:
            raise stop

    async def noted(self, **changes: Any) -> None:
        """Note what came of a step, by itself. Raise LeaseLost."""
        self.set(**changes)
        await self.rt.notes(self.deed, self.progress, self.rt.clock() + self.rt.lease)

    async def note(self, tx: Tx) -> None:
        """Write the progress, and prove the lease once more. Raise LeaseLost."""
        await outbox.note(tx, self.deed, self.progress, until=self.rt.clock() + self.rt.lease)

    async def alone(self, tx: Tx, here: Ground, parcel: Parcel) -> None:
        """One failover per parcel at a time, and only away from the leg the case was opened about. Raise Stop.

        A replacement that another case asked for, and that nobody has answered yet, is one under way.
        """
        if parcel.leg.opened_at > here.case.opened_at:
            raise Stop(Drop(reason=f"the parcel is with {parcel.leg.carrier} since the case was opened"))
        others = await outbox.live_of_shipment(tx, parcel.shipment.id, DeedKind.FAILOVER)
        others = [other for other in others if other.id != self.deed.id]
        if any(other.progress or other.payload.get("step") == REPLACEMENT for other in others):
            raise Stop(Drop(reason="another failover of this parcel is under way"))
