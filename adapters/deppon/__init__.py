"""德邦 Deppon, open platform (dpopen.deppon.com). Source: the fact sheet carriers/deppon.md.

One number per query; no pace and no interval are published, the gateway's defaults apply. Pushes tell of several
numbers, and their digest covers params and timestamp. A signed return has its own word (BACK_SIGNED), so SIGNED is the
recipient's. FAILED never ends a parcel: it is written when one is redirected or sent back.

Known limits. A logisticID is taken once (2006), and a lost order is looked for by it; fields of that look-up are a
setting (unverified). Unverified as well: the names of fields in answers to queries, every code but 1000, 2006 and 3002
(the words decide), pushes of order states. Cancelling needs a permission of its own (3002). Not spoken: labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.deppon import wire
from adapters.deppon.numbers import NUMBERS
from adapters.deppon.orders import booking, order, order_id
from adapters.deppon.settings import DepponSettings
from adapters.deppon.statuses import RECIPIENT, STATUSES, refined
from gateway.contract.carrier import Can, CarrierAdapter, Outcome, Push, Reply, Verdict
from gateway.contract.client import Forgiven, post_form, unread
from gateway.contract.errors import BadSignature, OutcomeUnknown, Refused
from gateway.contract.reading import (
    SHANGHAI,
    Fields,
    china_time,
    form_bytes,
    joined,
    listed,
    load_object,
    required,
    text,
)
from gateway.contract.signing import compact, md5_hex_base64, same
from gateway.contract.worded import is_nothing
from gateway.contract.writing import filled, millis
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan

_TIME = "%Y-%m-%d %H:%M:%S"


class DepponAdapter(CarrierAdapter):
    """德邦 by forms of four fields, both ways: a JSON text, its time and its digest."""

    code = "deppon"
    name = "德邦快递"
    confidence = "medium-high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = DepponSettings
    statuses = STATUSES
    number_forms = NUMBERS

    @classmethod
    def able(cls, settings: DepponSettings) -> Can:
        """Booking needs the customer that is billed, and the prefix assigned to our order ids."""
        return cls.can if settings.customer_code and settings.order_prefix else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every trace of each leg; one without traces is not known (yet)."""
        return [scan for leg in legs for scan in await self._traces(leg)]

    def verify(self, request: Push) -> None:
        """`digest` over the bytes of `params` and `timestamp` as they are after form decoding."""
        fields = {name: form_bytes(request.body, name) for name in ("params", "timestamp", "digest")}
        expected = self._digest(fields["params"], fields["timestamp"]) if fields["params"] else ""
        if not same(fields["digest"].decode("utf-8", "surrogateescape"), expected):
            raise BadSignature("digest: does not fit params and timestamp")

    def receive(self, request: Push) -> list[Scan]:
        """The traces of all its numbers, or one state of an order (without a waybill number yet: no scan)."""
        said = load_object(form_bytes(request.body, "params"))
        if "statusType" in said:
            return self._order_state(said, request.received_at or self.clock())
        parcels = ((required(one, "tracking_number"), listed(one, "trace_list")) for one in listed(said, "track_list"))
        return [self._trace(number, trace) for number, traces in parcels for trace in traces]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"success": True, "error_code": "1000", "error_msg": "成功", "result": True})
        no = {"success": False, "error_code": "9999", "error_msg": outcome.verdict.value, "result": False}
        return Reply.json(no)

    async def subscribe(self, leg: LegRef) -> None:
        """Every trace from now on."""
        wanted = filled({"tracking_number": leg.tracking_number, "order_number": leg.reference})
        with Forgiven(lambda no: wire.is_repeated(no, self.settings)):
            await self._call("standTraceSubscribe", wanted)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` behind our prefix is the logisticID; that it is taken is not a no to this booking."""
        said = order(self.settings, parcel, key, self.clock().astimezone(SHANGHAI))
        try:
            answer = await self._call("createOrderNotify", said, deed=True)
        except Refused as no:
            if not wire.is_repeated(no, self.settings):
                raise
            raise OutcomeUnknown(f"order {key} is taken: {no.detail}", code=no.code) from no
        with unread(deed=True):
            held = wire.held(answer) if "responseParam" in answer else {}
            return booking({**answer, **held}, key, said["logisticID"])

    async def find_booking(self, key: str) -> Booking | None:
        """By the logisticID; an order that has no waybill number yet is OutcomeUnknown, to be asked for again."""
        which = {**self.settings.query_fields, "logisticID": order_id(self.settings, key)}
        with Forgiven(lambda no: is_nothing(self.settings, no)):
            answer = await self._call("queryOrder", which)
            found = wire.held(answer)
            return booking(found, key, which["logisticID"]) if found else None
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By the logisticID of a leg we booked, else by the waybill number."""
        which = {"logisticID": leg.reference} if leg.reference else {"mailNo": leg.tracking_number}
        when = self.clock().astimezone(SHANGHAI).strftime(_TIME)
        said = {**which, "cancelTime": when, "remark": self.settings.cancel_reason}
        with Forgiven(lambda no: wire.is_repeated(no, self.settings)):
            await self._call("cancelOrder", said, deed=True)

    async def _traces(self, leg: LegRef) -> list[Scan]:
        with Forgiven(lambda no: is_nothing(self.settings, no)):
            answer = await self._call("newTraceQuery", {"mailNo": leg.tracking_number})
            return [self._trace(leg.tracking_number, trace) for trace in wire.traces(answer)]
        return []

    def _trace(self, number: str, trace: Fields) -> Scan:
        place = joined(trace, "city", "site", by=" ")
        return self._scan(
            number, required(trace, "status"), china_time(trace, "time"), text(trace, "description"), place
        )

    def _order_state(self, said: Fields, arrived: datetime) -> list[Scan]:
        """One scan, at the time it came in where it tells none."""
        fields, code = self.settings, f"order:{required(said, 'statusType')}"
        number, told = text(said, fields.order_number_field), text(said, fields.order_text_field)
        if not number:
            return []
        if text(said, fields.order_time_field):
            return [self._scan(number, code, china_time(said, fields.order_time_field), told, "")]
        return [replace(self._scan(number, code, arrived.astimezone(SHANGHAI), told, ""), basis=Basis.GIVEN)]

    def _scan(self, number: str, code: str, at: datetime, said: str, place: str) -> Scan:
        by_text = refined(code, said)
        status, reason = by_text or self.meaning(code)
        return Scan(
            tracking_number=number,
            at=at,
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=place,
            inferred=by_text is not None,
            confirmed=code in RECIPIENT,
        )

    def _digest(self, params: bytes, stamp: bytes) -> str:
        return md5_hex_base64(params + self.settings.appkey.get_secret_value().encode() + stamp)

    async def _call(self, operation: str, said: Fields, *, deed: bool = False) -> Fields:
        """The answer to one operation that says yes."""
        params, stamp = compact(said), millis(self.clock())
        fields = {"companyCode": self.settings.company_code, "params": params, "timestamp": stamp}
        fields["digest"] = self._digest(params.encode(), stamp.encode())
        answer = await post_form(self.http, wire.address(self.settings, operation), fields, deed=deed)
        with unread(deed=deed):
            return wire.agreed(answer, self.settings, deed=deed)
