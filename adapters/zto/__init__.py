"""中通 ZTO, open platform (open.zto.com). Source: the fact sheet carriers/zto.md.

One number per query, no published pace (the gateway's default applies). Queries and pushes use the same words with
different meanings, hence tables per door; `carrier_code` says which: `query:ARRIVAL`, `push:ARRIVAL`, `preorder:6`.

Known limits. The app must keep the console's default digest, Base64(MD5(body + secret)). Pre-order pushes tell no
time: they get the one at which they came in. A push SIGNED is the recipient's (a signed return has its own word), a
query 签收 is not: after 退件 the fold decides. Unverified, from public clients: fields and "already" codes of
createIntercept (setting `intercept_destination`), fields of getOrderInfo, `account_type`, and the words that say
"already cancelled" and "no such order" (neither has a documented code).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.zto import wire
from adapters.zto.numbers import NUMBERS
from adapters.zto.orders import booking, order
from adapters.zto.settings import ZtoSettings
from adapters.zto.statuses import RECIPIENT, STATUSES, is_senders, refined
from gateway.contract.carrier import Can, CarrierAdapter, Outcome, Push, Reply, Verdict
from gateway.contract.client import Forgiven, ask, unread
from gateway.contract.errors import BadPayload, BadSignature
from gateway.contract.meanings import handed_back
from gateway.contract.reading import (
    SHANGHAI,
    Fields,
    china_time,
    epoch_time,
    form_bytes,
    inside,
    joined,
    last_four,
    load_object,
    objects,
    optional,
    required,
    text,
)
from gateway.contract.signing import compact, md5_base64, same
from gateway.contract.writing import filled
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan

#: Milliseconds, as number or text; else it is local time.
_COUNTED = re.compile(r"[0-9]+(\.0*)?")


class ZtoAdapter(CarrierAdapter):
    """中通 by its open platform: JSON calls signed in `x-dataDigest`, pushes as signed forms."""

    code = "zto"
    name = "中通快递"
    confidence = "high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = ZtoSettings
    statuses = STATUSES
    number_forms = NUMBERS

    @classmethod
    def able(cls, settings: ZtoSettings) -> Can:
        """Booking needs an e-waybill account."""
        return cls.can if settings.account_id and settings.account_password else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every scan of each leg; an empty list is "nothing yet"."""
        return [scan for leg in legs for scan in await self._tracks(leg)]

    def verify(self, request: Push) -> None:
        """`data_digest` over the bytes of `data` as they are after form decoding."""
        data, given = form_bytes(request.body, "data"), form_bytes(request.body, "data_digest")
        if not data or not same(given.decode("utf-8", "surrogateescape"), self._digest(data)):
            raise BadSignature("data_digest: does not fit data")

    def receive(self, request: Push) -> list[Scan]:
        """One trace event, or one state of a pre-order (without a waybill number yet: no scan)."""
        event = load_object(form_bytes(request.body, "data"))
        if "pre_order_status" in event:
            return self._pre_order(event, request.received_at or self.clock()) if text(event, "bill_code") else []
        number, code = required(event, "billCode"), f"push:{required(event, 'action')}"
        place, hints = joined(event, "city", "facilityName", by=" "), joined(event, "problemCode", "returnType")
        return [self._scan(number, code, china_time(event, "actionTime"), text(event, "desc"), place, hints)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"status": True, "message": "调用成功", "result": "成功", "statusCode": "200"})
        return Reply.json({"status": False, "message": outcome.verdict.value, "result": None, "statusCode": "500"})

    async def subscribe(self, leg: LegRef) -> None:
        """Every trace event from now on."""
        await self._call("zto.merchant.waybill.track.subsrcibe", _number_and_phone(leg))  # spelt so by the vendor

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the partnerOrderCode."""
        answer = await self._call("zto.open.createOrder", order(self.settings, parcel, key), deed=True)
        return booking(inside(answer, "result"))

    async def find_booking(self, key: str) -> Booking | None:
        """By our own code; a booking that has no waybill number yet is OutcomeUnknown, to be asked for again."""
        with Forgiven(wire.is_no_order):
            answer = await self._call("zto.open.getOrderInfo", {"type": 0, "orderCode": key, "partnerOrderCode": key})
            found = answer.get("result") or None
            rows = objects([found] if isinstance(found, dict) else found, "result")
            return next((booking(row) for row in rows if text(row, "partnerOrderCode", key) == key), None)
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By the order code of a leg we booked, else by the waybill number."""
        order_code = leg.extra.get("orderCode")
        which = {"orderCode": order_code} if order_code else {"billCode": leg.tracking_number}
        with Forgiven(wire.is_cancelled):
            await self._call("zto.open.cancelPreOrder", {"cancelType": self.settings.cancel_type, **which}, deed=True)

    async def intercept(self, leg: LegRef) -> str:
        """Ask for the parcel to come back; our own request id, the same for every try."""
        destination = self.settings.intercept_destination
        request = f"{leg.tracking_number}-{destination}"
        body = {"billCode": leg.tracking_number, "requestId": request, "destinationType": destination}
        with Forgiven(wire.is_intercepted):
            await self._call("thirdcenter.createIntercept", {**body, "thirdBizNo": leg.reference or request}, deed=True)
        return request

    async def _tracks(self, leg: LegRef) -> list[Scan]:
        answer = await self._call("zto.merchant.waybill.track.query", _number_and_phone(leg))
        if "result" not in answer:
            raise BadPayload("result: is missing")
        scans = [self._queried(row, leg.tracking_number) for row in objects(answer["result"], "result")]
        return handed_back(scans, is_senders)

    def _queried(self, row: Fields, number: str) -> Scan:
        when, code = required(row, "scanDate"), f"query:{required(row, 'scanType')}"
        counted = _COUNTED.fullmatch(when)
        at = epoch_time(when, SHANGHAI, "scanDate") if counted else china_time(row, "scanDate")
        place = joined(optional(row, "scanSite"), "city", "name", by=" ")
        scan = self._scan(text(row, "billCode") or number, code, at, text(row, "desc"), place)
        return replace(scan, basis=Basis.GIVEN) if counted else scan

    def _pre_order(self, event: Fields, at: datetime) -> list[Scan]:
        number, code = text(event, "bill_code"), f"preorder:{required(event, 'pre_order_status')}"
        scan = self._scan(number, code, at.astimezone(SHANGHAI), text(event, "error_msg"), "")
        return [replace(scan, basis=Basis.GIVEN)]

    def _scan(self, number: str, code: str, at: datetime, said: str, place: str, hints: str = "") -> Scan:
        """A scan with the meaning of its code, refined by hints and text where the sheet says so."""
        told = refined(code, f"{hints} {said}")
        status, reason = told or self.meaning(code)
        return Scan(
            tracking_number=number,
            at=at,
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=place,
            inferred=told is not None,
            confirmed=code in RECIPIENT,
        )

    def _digest(self, body: bytes) -> str:
        return md5_base64(body + self.settings.app_secret.get_secret_value().encode())

    async def _call(self, api: str, body: Fields, *, deed: bool = False) -> dict[str, Any]:
        """The answer of one API that says yes."""
        content = compact(body).encode()
        headers = {"x-appKey": self.settings.app_key, "x-dataDigest": self._digest(content)}
        headers["content-type"] = "application/json; charset=UTF-8"
        answer = await ask(self.http, "POST", f"/{api}", deed=deed, content=content, headers=headers)
        with unread(deed=deed):
            return wire.agreed(answer, deed=deed)


def _number_and_phone(leg: LegRef) -> dict[str, str]:
    return filled({"billCode": leg.tracking_number, "mobilePhone": last_four(leg.phone)})
