"""What the gateway tells about a journey, narrowed to its parcels: for its conditions and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.sandbox.client import Gateway, GatewayError
from gateway.sandbox.conditions import Answer, Condition
from gateway.sandbox.run import Run
from gateway.sandbox.world import World

#: where the rows of an answer are, and the field that ties a row to a journey
_LISTS: Mapping[str, tuple[str, str]] = {
    "cases": ("/v1/cases", "order_id"),
    "coupons": ("/v1/coupons", "order_id"),
    "messages": ("/v1/messages", "shipment_id"),
    "carrier": ("/v1/carriers", "code"),
    "unmapped": ("/v1/mappings/unmapped", "carrier"),
}


class View:
    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world, self._gateway = world, gateway

    async def missing(self, run: Run, conditions: Sequence[Condition]) -> str | None:
        """The first condition that is not met, None when all are. A gateway that is away has met none."""
        for condition in conditions:
            try:
                rows = await self.rows(condition.about, run)
            except GatewayError as error:
                return f"{condition}: {error}"
            if not condition.met(rows):
                return str(condition)
        return None

    async def rows(self, about: Answer, run: Run, number: str = "") -> list[Any]:
        """The rows of an answer that belong to this journey. Raise GatewayError."""
        if about == "tracking":
            return [await self._tracking(run, one) for one in ([number] if number else run.numbers)]
        if about == "received":
            return self._received(run)
        path, field = _LISTS[about]
        mine = {
            "order_id": run.orders,
            "shipment_id": run.shipments,
            "code": [run.journey.carrier],
            "carrier": [run.journey.carrier],
        }[field]
        return [row for row in await self._gateway.items(path) if row.get(field) in mine]

    async def _tracking(self, run: Run, number: str) -> Any:
        return await self._gateway.get(f"/v1/tracking/{number}", carrier=run.journey.carrier)

    def _received(self, run: Run) -> list[Any]:
        """What the stand-ins delivered to this journey's customers."""
        addresses = run.addresses()
        return [
            {"channel": one.channel.value, "template": one.template, "text": one.text}
            for one in self._world.messages
            if one.to in addresses
        ]
