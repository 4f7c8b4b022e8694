"""The providers' side of the truth: parcels, what happened to them, and every call and message that came in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from gateway.domain import Channel, Reason, Status
from gateway.sandbox.accounts import Accounts
from gateway.sandbox.faults import Faults, How
from gateway.sandbox.hooks import Hook, Hooks
from gateway.sandbox.numbering import number_for
from gateway.sandbox.records import Call, Event, ReceivedMessage, Waybill

#: Given a carrier and a number nobody booked here: the waybill it shall be, None when it is really unknown.
Stranger = Callable[[str, str], "Waybill | None"]


class World:
    """Everything the stand-ins know. All its methods are synchronous: what a stand-in does, it does at once.

    first_number: where issued tracking numbers and ids begin; a process that outlives its predecessor's gateway takes
    the time of day, so that it never issues a number twice.
    """

    def __init__(
        self,
        *,
        accounts: Accounts | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        first_number: int = 1,
    ) -> None:
        self.accounts = accounts or Accounts()
        self.clock = clock
        self.waybills: dict[tuple[str, str], Waybill] = {}
        self.calls: list[Call] = []
        self.messages: list[ReceivedMessage] = []
        self.hooks: Hooks[Call] = Hooks()
        self.faults = Faults()
        self.stranger: Stranger | None = None
        self.closed = asyncio.Event()
        self._serial = first_number - 1

    # parcels

    def serial(self) -> int:
        """The next number of this world; never the same twice."""
        self._serial += 1
        return self._serial

    def book(self, carrier: str, reference: str = "", *, number: str = "", phone: str = "", **extra: str) -> Waybill:
        """A new waybill, under a number of our own unless one is given. The stand-ins look for repeats before."""
        number = number or number_for(carrier, self.serial())
        waybill = Waybill(
            carrier=carrier, number=number, reference=reference, phone=phone, created_at=self.clock(), extra=extra
        )
        self.waybills[carrier, number] = waybill
        return waybill

    def find(self, carrier: str, number: str) -> Waybill | None:
        """The waybill of a number. An unknown one is offered to `stranger` first (the journeys' test numbers)."""
        known = self.waybills.get((carrier, number))
        if known is None and self.stranger is not None:
            return self.stranger(carrier, number)
        return known

    def booked(self, carrier: str, reference: str) -> Waybill | None:
        """The first waybill booked under a reference."""
        found = (one for one in self.waybills.values() if one.carrier == carrier and one.reference == reference)
        return next(found, None) if reference else None

    def happen(
        self,
        carrier: str,
        number: str,
        status: Status = Status.UNKNOWN,
        *,
        at: datetime | None = None,
        reason: Reason | None = None,
        code: str = "",
        text: str = "",
        place: str = "",
    ) -> Event:
        """Something happens to a parcel, now unless `at` says when. Raises KeyError for a number never booked here."""
        event = Event(
            at=at or self.clock(),
            status=status,
            reason=reason,
            code=code,
            text=text,
            place=place,
            serial=self.serial(),
        )
        self.waybills[carrier, number].events.append(event)
        return event

    # what came in

    def effective(self, operation: str) -> list[Call]:
        """The calls of an operation ("sf.book") that changed something: two for one key is a doubled deed."""
        return [call for call in self.calls if f"{call.provider}.{call.operation}" == operation and call.effective]

    def received(self, channel: Channel | None = None, to: str = "") -> list[ReceivedMessage]:
        """The messages that reached a channel and an address."""
        chosen = (one for one in self.messages if channel in (None, one.channel))
        return [one for one in chosen if to in ("", one.to)]

    # what tests do to it

    def before(self, operation: str, hook: Hook[Call]) -> None:
        """Run when "provider.operation" has been asked and nothing was done yet. "*" is every operation."""
        self.hooks.add("before", operation, hook)

    def after(self, operation: str, hook: Hook[Call]) -> None:
        """Run when it was done and nothing has been answered yet."""
        self.hooks.add("after", operation, hook)

    def answered(self, operation: str, hook: Hook[Call]) -> None:
        """Run when the answer has been written to the socket."""
        self.hooks.add("answered", operation, hook)

    def fail(self, provider: str, operation: str, times: int | None, how: How | str, *, acted: bool = False) -> None:
        """Break the next `times` calls (None: until `heal`). acted: do it, then lose the answer."""
        self.faults.add(provider, operation, times, How(how), acted=acted)

    def heal(self, provider: str = "*") -> None:
        """Take back the faults of a provider, or all."""
        self.faults.clear(provider)
