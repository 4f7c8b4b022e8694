"""圆通 YTO, open platform (open.yto.net.cn). Source: the fact sheet carriers/yto.md.

One number per query. About 200 calls a minute are allowed, says a client (unverified): three a second. Each interface
of the console has its own address and secret, hence a setting for each; what an account can do follows from them.

SIGNED is said of the recipient and, after TMS_RETURN, of the sender: the fold decides.

Known limits. Orders have no documented look-up: one repeated under its logisticsNo is a no, taken for OutcomeUnknown.
Unverified: pushes and the answer to them (from the legacy manual), the words of errors (settings), ACCEPT, UNACCEPT and
NOT_SEND, and intercepts (wanted_report_adapter), whose fields are settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from adapters.yto import wire
from adapters.yto.numbers import NUMBERS
from adapters.yto.orders import booking, order
from adapters.yto.settings import Interface, YtoSettings
from adapters.yto.statuses import STATUSES, refined
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Outcome, Push, Rate, Reply
from gateway.contract.client import Forgiven, unread
from gateway.contract.errors import BadSignature, Refused
from gateway.contract.reading import Fields, china_time, form_bytes, joined, load_fields, load_object, required, text
from gateway.contract.signing import compact, md5_base64, same
from gateway.contract.worded import is_again, taken
from gateway.contract.writing import millis
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan


class YtoAdapter(CarrierAdapter):
    """圆通 by signed forms, one address and secret per interface; pushes of single events, in XML or JSON."""

    code = "yto"
    name = "圆通速递"
    confidence = "medium"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = YtoSettings
    rate = Rate(3, 1)
    statuses = STATUSES
    number_forms = NUMBERS

    @classmethod
    def able(cls, settings: YtoSettings) -> Can:
        """What there are interfaces for."""
        there = {Can.WEBHOOK: settings.push_secret, Can.SUBSCRIBE: settings.subscribe and settings.client_id}
        there |= {Can.BOOK: settings.create, Can.CANCEL: settings.cancel, Can.INTERCEPT: settings.intercept}
        able = cls.can
        for can, setting in there.items():
            able = able if setting else able & ~can
        return able

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each leg; an empty map is "nothing yet"."""
        return [scan for leg in legs for scan in await self._track(leg)]

    def verify(self, request: Push) -> None:
        """`data_digest` over the bytes of `logistics_interface` as they are after form decoding."""
        secret = self.settings.push_secret.get_secret_value() if self.settings.push_secret else ""
        said, given = form_bytes(request.body, "logistics_interface"), form_bytes(request.body, "data_digest")
        expected = md5_base64(said + secret.encode()) if said and secret else ""
        if not same(given.decode("utf-8", "surrogateescape"), expected):
            raise BadSignature("data_digest: does not fit logistics_interface")

    def receive(self, request: Push) -> list[Scan]:
        """One event."""
        event = load_fields(form_bytes(request.body, "logistics_interface"))
        told = text(event, "remark") or text(event, "processInfo")
        return [self._scan(required(event, "mailNo"), event, "acceptTime", told)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        return wire.reply(outcome)

    async def subscribe(self, leg: LegRef) -> None:
        """Every event from now on, to the address set in the console."""
        client = self.settings.client_id
        wanted = compact({"clientId": client, "waybillNo": leg.tracking_number})
        param = {"client_id": client, "msg_type": "online", "logistics_interface": wanted}
        with Forgiven(self._is_again):
            await self._call("subscribe", "subscribe_adapter", param)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the logisticsNo; a no that says that there is such an order is not a no to this booking."""
        said = order(self.settings, parcel, key)
        with taken(self.settings, key):
            answer = await self._call("create", "privacy_create_adapter", said, proof="mailNo", deed=True)
        with unread(deed=True):
            return booking(answer, key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no documented look-up. Booking again under the key is safe: a logisticsNo is unique."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By the logisticsNo of a leg that was booked."""
        if not leg.reference:
            raise Refused("reference: YTO cancels by the logisticsNo, and this leg has none")
        param = {"logisticsNo": leg.reference, "cancelDesc": self.settings.cancel_reason}
        with Forgiven(self._is_again):
            await self._call("cancel", "korder_cancel_adapter", param, proof="logisticsNo", deed=True)

    async def intercept(self, leg: LegRef) -> str:
        """Ask for the parcel to come back. YTO names no reference besides the waybill."""
        param = {self.settings.intercept_number: leg.tracking_number, **self.settings.intercept_fields}
        with Forgiven(self._is_again):
            await self._call("intercept", "wanted_report_adapter", param, deed=True)
        return leg.tracking_number

    def _is_again(self, no: Refused) -> bool:
        return is_again(self.settings, no)

    async def _track(self, leg: LegRef) -> list[Scan]:
        response = await self._send(self.settings.track, "track_query_adapter", {"NUMBER": leg.tracking_number})
        found = wire.events(response.content, self.settings, leg.tracking_number)
        return [
            self._scan(text(event, "waybill_No") or number, event, "upload_Time", text(event, "processInfo"))
            for number, event in found
        ]

    def _scan(self, number: str, event: Fields, time_field: str, said: str) -> Scan:
        code = required(event, "infoContent")
        by_text = refined(code, said)
        status, reason = by_text or self.meaning(code)
        return Scan(
            tracking_number=number,
            at=china_time(event, time_field),
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=joined(event, "city", "district", by=" "),
            inferred=by_text is not None,
        )

    async def _call(self, setting: str, name: str, param: Fields, *, proof: str = "", deed: bool = False) -> Fields:
        """The answer of an interface that says yes, or has the field `proof`."""
        face: Interface | None = getattr(self.settings, setting)
        if face is None:
            raise Refused(f"{setting}: there is no such interface in the settings", config=True)
        response = await self._send(face, name, param, deed=deed)
        with unread(deed=deed):
            return wire.agreed(load_object(response.content), self.settings, proof, deed=deed)

    async def _send(self, face: Interface, name: str, param: Any, *, deed: bool = False) -> httpx.Response:
        form = wire.signed(face, name, compact(param), millis(self.clock()))
        return await self.http.post(face.url, data=form, extensions=DEED if deed else {})
