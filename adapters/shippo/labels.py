"""Labels: bought once under a key, found again, refunded.

Shippo knows no idempotency key. Ours is the `metadata` of the shipment, whose rates live a week. What was made under it
is looked for among the shipments of that week and by the transactions of their rates before anything is bought. When
the answer to a purchase is lost and its transaction cannot be read yet, the outcome stays unknown: it is asked again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from adapters.shippo import orders
from adapters.shippo.settings import ShippoSettings
from gateway.contract.client import Forgiven, unread
from gateway.contract.errors import BadPayload, OutcomeUnknown, Refused, TryAgain
from gateway.contract.reading import Fields, listed, required, text
from gateway.domain import Booking, Parcel

#: How long a rate lives, and so how long a key is looked for.
KEPT = timedelta(days=7)
_PAGE, _PAGES = 100, 50
_TAKEN = frozenset({"QUEUED", "PENDING", "SUCCESS"})  # of a refund


class Labels:
    """One account's labels. call: asks Shippo (method, path, request as httpx takes it)."""

    def __init__(
        self,
        settings: ShippoSettings,
        call: Callable[..., Awaitable[dict[str, Any]]],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._call = call
        self._clock = clock

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """The label of this key, bought unless it was. Goes on with a shipment that was made and not bought."""
        made = await self._made(key)
        if (booked := await self._booked(made)) is not None:
            return booked
        shipment = next((one for one in made if one["rates"]), None)
        if shipment is None:
            wanted = orders.shipment(self._settings, parcel, key)
            shipment = await self._call("POST", "/shipments/", json=wanted)
        rate = orders.cheapest(shipment, parcel.service, self._settings.company)
        return await self._buy(rate, key)

    async def find(self, key: str) -> Booking | None:
        """The label that was bought under a key."""
        return await self._booked(await self._made(key))

    async def refund(self, transaction: str) -> None:
        """Ask for a refund. One that was asked for before is a yes."""
        body = {"transaction": transaction, "async": False}
        try:
            refund = await self._call("POST", "/refunds/", deed=True, json=body)
        except Refused as no:
            if no.config or not await self._is_void(transaction):
                raise
            return
        with unread(deed=True):
            state = required(refund, "status")
        if state not in _TAKEN and not await self._is_void(transaction):
            raise Refused(f"refund {state}", code=state, status=200)

    async def _made(self, key: str) -> list[dict[str, Any]]:
        """The shipments of a week that were made under a key."""
        query = {"object_created_gt": (self._clock() - KEPT).isoformat(timespec="seconds"), "results": _PAGE}
        found: list[dict[str, Any]] = []
        for page in range(1, _PAGES + 1):
            answer = await self._call("GET", "/shipments/", params={**query, "page": page})
            made = [one for one in listed(answer, "results") if text(one, "metadata") == orders.metadata(key)]
            found += [{**one, "rates": listed(one, "rates")} for one in made]
            if not text(answer, "next"):
                return found
        raise OutcomeUnknown(f"not among {_PAGE * _PAGES} shipments of a week, and there are more")

    async def _booked(self, made: Sequence[Fields]) -> Booking | None:
        for rate in (rate for shipment in made for rate in orders.rates(shipment)):
            if (found := await self._bought(rate)) is not None:
                return found
        return None

    async def _bought(self, rate: str) -> Booking | None:
        found = listed(await self._call("GET", "/transactions/", params={"rate": rate}), "results")
        return next((booked for one in found if (booked := orders.booking(one)) is not None), None)

    async def _buy(self, rate: str, key: str) -> Booking:
        """Buy once; when the answer is lost, the transactions of the rate are read."""
        try:
            body = orders.transaction(self._settings, rate, key)
            bought = await self._call("POST", "/transactions/", deed=True, json=body)
            with unread(deed=True):
                booked = orders.booking(bought)
        except OutcomeUnknown as lost:
            return await self._after(lost, rate)
        if booked is None:
            raise Refused(orders.failure(bought), code=text(bought, "status"), status=200)
        return booked

    async def _after(self, lost: OutcomeUnknown, rate: str) -> Booking:
        try:
            booked = await self._bought(rate)
        except (TryAgain, BadPayload):
            booked = None
        if booked is None:
            raise lost
        return booked

    async def _is_void(self, transaction: str) -> bool:
        with Forgiven(lambda no: no.status == 404):
            found = await self._call("GET", f"/transactions/{quote(transaction, safe='')}")
            return required(found, "status") in orders.VOID
        return False
