"""Royal Mail: what its samples cannot show (its secrets are static, so the sheet has no vectors)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.royalmail import RoyalMailAdapter, RoyalMailSettings
from gateway.contract import Unavailable
from gateway.contract.client import contract_client
from gateway.domain import LegRef, Scan, Status

NUMBERS = [f"AB{number:09d}GB" for number in range(30)]
RECEIVED = {"eventCode": "EVDAV", "eventName": "Item received", "eventDateTime": "2026-01-14T10:00:00+00:00"}
OUT = {"eventCode": "EVGPD", "eventName": "With our postman", "eventDateTime": "2026-01-15T08:00:00+00:00"}


class Vendor:
    """A stand-in that knows the same of every item, and breaks at the numbers it is told to break at."""

    def __init__(self) -> None:
        self.category = "IN TRANSIT"
        self.events = [RECEIVED]
        self.broken: set[str] = set()
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/summary":
            numbers = request.url.params["mailPieceId"].split(",")
            return httpx.Response(200, json={"mailPieces": [self._summary(number) for number in numbers]})
        if path.split("/")[1] in self.broken:
            return httpx.Response(503)
        return httpx.Response(200, json={"mailPieces": {"events": self.events}})

    def _summary(self, number: str) -> dict[str, Any]:
        last = self.events[0]
        names = ("Code", "Name", "DateTime")
        said = {f"lastEvent{name}": last[f"event{name}"] for name in names} | {"statusCategory": self.category}
        return {"mailPieceId": number, "summary": said}

    def moves(self) -> None:
        self.category, self.events = "OUT FOR DELIVERY", [OUT, RECEIVED]


def adapter(handler: Any) -> RoyalMailAdapter:
    checked = RoyalMailSettings(base_url="https://royalmail.test", client_id="made-up", client_secret="made-up")
    client = contract_client("https://royalmail.test", httpx.MockTransport(handler))
    return RoyalMailAdapter(checked, client, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC))


def legs(numbers: list[str]) -> list[LegRef]:
    return [LegRef(carrier="royalmail", tracking_number=number) for number in numbers]


def told(scans: list[Scan]) -> set[tuple[str, Status]]:
    return {(scan.carrier_code, scan.status) for scan in scans}


async def test_events_are_read_when_the_last_one_has_changed_and_not_before() -> None:
    vendor = Vendor()
    speaks = adapter(vendor)
    first = await speaks.poll(legs(NUMBERS))
    assert vendor.asked == ["/summary", *(f"/{number}/events" for number in NUMBERS)]
    assert await speaks.poll(legs(NUMBERS)) == first
    assert vendor.asked[31:] == ["/summary"]
    vendor.moves()
    await speaks.poll(legs(NUMBERS[:1]))
    assert vendor.asked[32:] == ["/summary", f"/{NUMBERS[0]}/events"]


async def test_an_event_keeps_what_it_meant_while_it_was_the_last_one() -> None:
    vendor = Vendor()
    speaks = adapter(vendor)
    assert told(await speaks.poll(legs(NUMBERS[:1]))) == {("EVDAV", Status.IN_TRANSIT)}
    vendor.moves()
    wanted = {("EVDAV", Status.IN_TRANSIT), ("EVGPD", Status.OUT_FOR_DELIVERY)}
    assert told(await speaks.poll(legs(NUMBERS[:1]))) == wanted


async def test_what_was_read_before_a_failure_is_not_asked_for_again() -> None:
    vendor = Vendor()
    speaks = adapter(vendor)
    vendor.broken = {NUMBERS[2]}
    with pytest.raises(Unavailable):
        await speaks.poll(legs(NUMBERS[:3]))
    vendor.broken, vendor.asked = set(), []
    assert len(await speaks.poll(legs(NUMBERS[:3]))) == 3
    assert vendor.asked == ["/summary", f"/{NUMBERS[2]}/events"]
