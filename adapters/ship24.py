"""Ship24, Tracking API v1 (docs.ship24.com). Source: the fact sheet carriers/ship24.md.

An aggregator. One number per call, about 10 calls a second (unverified). On a plan per shipment a number is read by the
tracker that is made for it, and making it again gives the same one; on a plan per call (`plan: per_call`) numbers are
searched, which takes Ship24 up to a minute, longer than our client waits, and nothing is pushed.

Known limits. A push carries a static secret and is not bound to its body. A parcel passes through several couriers, and
events name theirs: the company that a tracker was made for travels in its `clientTrackerId`; of trackers made elsewhere
an event's own courier is taken. Times without an offset are local to a place nobody tells; some are a date alone, which
stands for its midnight. An unlisted `statusCode` counts by the milestone beside it, and never as delivered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from gateway.contract.carrier import Can, CarrierAdapter, CarrierSettings, Meaning, Push, Rate
from gateway.contract.client import Forgiven, ask, explained
from gateway.contract.errors import BadSignature, refusal
from gateway.contract.meanings import finer, table
from gateway.contract.phrases import read_text
from gateway.contract.reading import (
    Fields,
    given_time,
    inside,
    listed,
    load_object,
    objects,
    required,
    text,
    unreadable,
)
from gateway.contract.secret import Secret
from gateway.contract.signing import accepted, same
from gateway.contract.writing import filled
from gateway.domain import LegRef, Reason, Scan, Status

#: Sheet (e): `statusMilestone`, then `statusCode`; of the two families that the sheet gives whole, those not listed.
STATUSES = table(
    ("info_received data_*", Status.PRE_TRANSIT),
    ("transit_pickup picked_up", Status.PICKED_UP),
    ("in_transit transit_* destination_arrival customs_cleared", Status.IN_TRANSIT),  # by text: picked_up
    ("customs_received customs_processing", Status.CUSTOMS),
    ("out_for_delivery delivery_out_for_delivery", Status.OUT_FOR_DELIVERY),
    ("failed_attempt delivery_attempted", Status.ATTEMPT_FAILED),
    ("available_for_pickup delivery_available_for_pickup", Status.AVAILABLE_FOR_PICKUP),
    ("delivered delivery_delivered", Status.DELIVERED),
    ("customs_exception customs_rejected", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("delivery_refused", Status.EXCEPTION, Reason.REFUSED),
    ("exception delivery_exception", Status.EXCEPTION, Reason.OTHER),
    ("exception_return", Status.RETURNING),
)
_FAMILIES = ("data_", "transit_")
_SILENT = frozenset({"pending"})
_MOVING = frozenset({"in_transit", "transit_*"})
_NOT_YET = r"\b(?:not|un\w+|fail\w*|attempt\w*|will|to be)\b"
_PATHS = {"per_shipment": "/trackers/track", "per_call": "/tracking/search"}
_CONFIG = frozenset({"auth_invalid_api_key", "quota_limit_reached", "webhook_url_missing"})


class Ship24Settings(CarrierSettings):
    """base_url: https://api.ship24.com/public/v1. webhook_secret: of the dashboard; without it no push is taken."""

    api_key: Secret
    webhook_secret: Secret | None = None
    previous_webhook_secret: Secret | None = None  #: still accepted, while the secret is changed
    plan: Literal["per_shipment", "per_call"] = "per_shipment"


class Ship24Adapter(CarrierAdapter):
    """Trackers by number and by push."""

    code = "ship24"
    name = "Ship24"
    confidence = "medium-high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    Settings = Ship24Settings
    aggregator = True
    rate = Rate(10, 1)
    statuses = STATUSES

    @classmethod
    def able(cls, settings: Ship24Settings) -> Can:
        """Pushes need their secret; a plan per call has no trackers that could push."""
        if settings.plan == "per_call":
            return Can.POLL
        return cls.can if settings.webhook_secret else cls.can & ~(Can.WEBHOOK | Can.SUBSCRIBE)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each leg's tracker, which is made where there is none."""
        return [scan for leg in legs for scan in await self._history(leg)]

    def verify(self, request: Push) -> None:
        """The static secret of the dashboard as a bearer."""
        given, ours = request.headers.get("authorization", ""), self.settings
        secrets = accepted(ours.webhook_secret, ours.previous_webhook_secret)
        if not any(same(given, f"Bearer {secret}") for secret in secrets):
            raise BadSignature("Authorization: not our webhook secret")

    def receive(self, request: Push) -> list[Scan]:
        """One event of each tracking; other topics have nothing for us."""
        trackings = listed(load_object(request.body), "trackings")
        told = [one for one in trackings if required(inside(one, "metadata"), "topic") == "tracking/events"]
        return [scan for tracking in told for scan in self._scans(tracking, _company_of(tracking))]

    async def subscribe(self, leg: LegRef) -> None:
        """Make a tracker. Again gives the same one."""
        await self._call("/trackers", _tracker(leg))

    async def _history(self, leg: LegRef) -> list[Scan]:
        with Forgiven(lambda no: no.code == "tracker_not_found"):
            body = _tracker(leg) if self.settings.plan == "per_shipment" else _number(leg)
            found = inside(await self._call(_PATHS[self.settings.plan], body), "data")
            return [scan for one in listed(found, "trackings") for scan in self._scans(one, leg.company)]
        return []

    def _scans(self, tracking: Fields, company: str | None) -> list[Scan]:
        number = required(inside(tracking, "tracker"), "trackingNumber")
        scans = [self._scan(number, company, event) for event in listed(tracking, "events")]
        return [scan for scan in scans if scan is not None]

    def _scan(self, number: str, company: str | None, event: Fields) -> Scan | None:
        """One event, None for one that says nothing (yet)."""
        code, said = _word(event), text(event, "status")
        if code is None:
            return None
        at, basis = given_time(event, "occurrenceDatetime")
        taken_over = code in _MOVING and _picked_up(said)
        status, reason = Meaning(Status.PICKED_UP) if taken_over else self.meaning(code)
        return Scan(
            tracking_number=number,
            company=company or text(event, "courierCode") or None,
            at=at,
            basis=basis,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=text(event, "location"),
            event_id=text(event, "eventId") or None,
            order=_order(event),
            inferred=taken_over,
        )

    async def _call(self, path: str, body: Fields) -> dict[str, Any]:
        """The answer of one call that says yes."""
        headers = {"authorization": f"Bearer {self.settings.api_key.get_secret_value()}"}
        with explained(_error, _CONFIG):
            answer = await ask(self.http, "POST", path, headers=headers, json=body)
        if answer.get("errors"):
            code, said = _error(answer)
            raise refusal(code, said, {}, _CONFIG)
        return answer


def _number(leg: LegRef) -> dict[str, Any]:
    courier = {"courierCode": [leg.company]} if leg.company else {}
    return {"trackingNumber": leg.tracking_number, **courier}


def _tracker(leg: LegRef) -> dict[str, Any]:
    """A tracker is the same by number and clientTrackerId."""
    ours = f"{leg.company}:{leg.tracking_number}" if leg.company else ""
    return filled({**_number(leg), "clientTrackerId": ours})


def _company_of(tracking: Fields) -> str | None:
    """The company a tracker was made for, where we made it."""
    tracker = inside(tracking, "tracker")
    company, _, number = text(tracker, "clientTrackerId").partition(":")
    return company if company and number == text(tracker, "trackingNumber") else None


def _word(event: Fields) -> str | None:
    """The one of code and milestone that counts; None where nothing is known (yet)."""
    code, milestone = text(event, "statusCode"), text(event, "statusMilestone")
    family = next((f"{name}*" for name in _FAMILIES if code.startswith(name) and code not in STATUSES), code)
    return finer(STATUSES, milestone, family, _SILENT)


def _picked_up(said: str) -> bool:
    """Whether a text tells of a pickup by the courier, not of one that failed and not of the recipient's."""
    told = re.search(r"picked[ _]up", said, re.IGNORECASE) and not re.search(_NOT_YET, said, re.IGNORECASE)
    return bool(told) and read_text(said, ("en",)) == Meaning(Status.PICKED_UP)


def _order(event: Fields) -> int:
    """Ship24's own sequence: lower is older."""
    given = text(event, "order", "0")
    with unreadable("order", given):
        return int(given)


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    """The first code of a refusal, and all it says."""
    errors = objects(answer.get("errors"), "errors")
    said = "; ".join(text(error, "message") for error in errors)
    return next((text(error, "code") for error in errors), ""), said
