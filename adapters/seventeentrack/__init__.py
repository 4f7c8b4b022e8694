"""17TRACK, Tracking API v2.2 and v2.4 (asset.17track.net/api/document). Source: the fact sheet carriers/17track.md.

An aggregator. Only registered numbers can be read: `subscribe` registers, and a poll registers what it finds missing
(as a fallback must) and reads it then. The quota counts registrations, never reads. 40 numbers a call, 3 calls a
second (HTTP 429). 17TRACK itself looks every 6 to 12 hours; no interval is published for us.

Answers speak of each number: what one is refused is logged and harms no other; when none was answered it is raised.
A number without carrier is detected; aliases are 17TRACK's numeric keys. `param` is sent to carriers that ask for a
phone, once they ask. Known limits: postal codes are not sent. Offsets may be 17TRACK's guess: basis inferred. Expired
is its own clock, dated when it is told us. TRACKING_STOPPED tells of no parcel, and stopped numbers are not retracked.
Pushes have no time stamp: no window for replays. Old pushes (v1) are verified, but what they tell of a parcel is not
published in the sheet: they wait in quarantine. Unverified: codes -18019907 and -18019908, taken as a quota used up
(`quota_pause`), -18019909 as nothing known yet.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from adapters.seventeentrack.parcels import latest_status, scans_of
from adapters.seventeentrack.settings import SeventeenTrackSettings
from adapters.seventeentrack.statuses import INVALID, STATUSES
from adapters.seventeentrack.wire import (
    ABSENT,
    NEEDS_PHONE,
    NOT_REGISTERED,
    REGISTERED,
    Answer,
    Refusals,
    answered,
    error,
    meant,
    sign_v1,
    sign_v2,
    worst,
)
from gateway.contract.carrier import Can, CarrierAdapter, Push, Rate
from gateway.contract.client import ask, explained
from gateway.contract.errors import BadSignature, Refused
from gateway.contract.meanings import asked
from gateway.contract.reading import inside, last_four, load_object, required
from gateway.contract.signing import accepted, same, unsigned
from gateway.domain import LegRef, Scan

log = logging.getLogger(__name__)


class SeventeenTrackAdapter(CarrierAdapter):
    """Registered numbers by list and by signed pushes."""

    code = "seventeentrack"
    name = "17TRACK"
    confidence = "high; medium-high for signatures of pushes, low for repeats of pushes"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    Settings = SeventeenTrackSettings
    aggregator = True
    batch = 40
    rate = Rate(3, 1)
    statuses = STATUSES

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each number; one of which nothing is known (yet) is absent."""
        first = await self._ask("/gettrackinfo", legs)
        missing = [leg for leg in legs if first.rejected.get(_key(leg), ("",))[0] == NOT_REGISTERED]
        denied = await self._register(missing) if missing else {}
        ready = [leg for leg in missing if _key(leg) not in denied]
        second = await self._ask("/gettrackinfo", ready) if ready else Answer([], {})
        known = {number: no for number, no in first.rejected.items() if no[0] != NOT_REGISTERED}
        return asked(legs, self._read(first.accepted + second.accepted, {**known, **denied, **second.rejected}))

    def verify(self, request: Push) -> None:
        """`sign` in the header (v2) or in the body (v1): a plain SHA-256 that ends in our key."""
        given, ours = request.headers.get("sign"), self.settings
        keys = accepted(ours.access_key, ours.previous_access_key)
        with unsigned():
            pairs = [(given, sign_v2(request.body, key)) if given else sign_v1(request.body, key) for key in keys]
        if not any(same(stands, expected) for stands, expected in pairs):
            raise BadSignature("sign: does not fit the body")

    def receive(self, request: Push) -> list[Scan]:
        """The whole history of a number; that 17TRACK stopped looking tells nothing of the parcel."""
        said = load_object(request.body)
        event, item = required(said, "event"), inside(said, "data")
        required(item, "number")
        return self._read([item], {}, pushed=request) if event == "TRACKING_UPDATED" else []

    async def subscribe(self, leg: LegRef) -> None:
        """Register; a number that is registered already is a yes."""
        for code, why in (await self._register([leg])).values():
            raise meant(code, why, self.settings.quota_pause)

    def _read(self, accepted: Sequence[dict[str, Any]], refused: Refusals, pushed: Push | None = None) -> list[Scan]:
        """The scans of what was accepted. Raise what the refusals mean when there was nothing else."""
        told_at = (pushed and pushed.received_at) or self.clock()
        wrong = {required(item, "number").upper() for item in accepted if latest_status(item)[1] == INVALID}
        refused = {**refused, **dict.fromkeys(wrong, (INVALID, "17TRACK says that there is no such number"))}
        troubles = {number: no for number, no in refused.items() if no[0] not in ABSENT}
        if troubles and pushed is None and len(troubles) == len(refused) and len(accepted) == len(wrong):
            raise meant(*worst(troubles), self.settings.quota_pause)
        for number, (code, why) in troubles.items():
            log.warning("17TRACK refuses %s: %s %s", number, code, why)
        return [scan for item in accepted for scan in scans_of(item, told_at)]

    async def _register(self, legs: Sequence[LegRef]) -> Refusals:
        """Those that are not registered afterwards. Carriers that want a phone get its last four digits."""
        refused = (await self._ask("/register", legs)).rejected
        numbers = {number for number, no in refused.items() if no[0] == NEEDS_PHONE}
        if again := [leg for leg in legs if _key(leg) in numbers and last_four(leg.phone)]:
            answer = await self._ask("/register", again, with_phone=True)
            known = {_key(leg) for leg in again}
            refused = {number: no for number, no in refused.items() if number not in known} | answer.rejected
        return {number: no for number, no in refused.items() if no[0] != REGISTERED}

    async def _ask(self, path: str, legs: Sequence[LegRef], *, with_phone: bool = False) -> Answer:
        items = [_item(leg) | ({"param": last_four(leg.phone)} if with_phone else {}) for leg in legs]
        key = self.settings.access_key.get_secret_value()
        with explained(error):
            answer = await ask(self.http, "POST", path, json=items, headers={"17token": key})
        return answered(answer, self.settings.quota_pause)


def _key(leg: LegRef) -> str:
    return leg.tracking_number.upper()


def _item(leg: LegRef) -> dict[str, Any]:
    """Raise Refused for an alias that is not one of 17TRACK's keys."""
    named = leg.company or ""
    if named and not (named.isascii() and named.isdecimal()):
        raise Refused(f"company: {named!r} is not one of 17TRACK's numeric keys")
    return {"number": leg.tracking_number} | ({"carrier": int(named)} if named else {})
