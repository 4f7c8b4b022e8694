"""顺丰 SF Express, 丰桥 (Fengqiao) open platform. Source: the fact sheet carriers/sf.md.

Pushes are unsigned and need a secret path. No pace is published (30 calls a second and a daily cap are said); the
gateway's default applies. The poll follows a parcel that goes on under another number (648, 631) for one step.

Known limits. Unverified: ten numbers per query, business codes (`order_codes`), the layouts of route registration and
intercept (`..._fields`), code 658, the answer to order-state pushes. Abroad, times may be local without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

from adapters.sf import pushes, wire
from adapters.sf.numbers import NUMBERS
from adapters.sf.orders import booking, order, order_id
from adapters.sf.settings import SfSettings
from adapters.sf.statuses import MOVED, STATUSES, on_behalf, refined
from gateway.contract.carrier import Can, CarrierAdapter, Meaning, Outcome, Push, Reply, Verdict
from gateway.contract.client import post_form, unread
from gateway.contract.errors import Refused
from gateway.contract.reading import Fields, china_time, last_four, listed, objects, required, text
from gateway.contract.signing import compact, java_quoted, md5_base64, only_by_path
from gateway.contract.tokens import Token, TokenCache, token_in
from gateway.contract.writing import filled, millis
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan, Status


class SfAdapter(CarrierAdapter):
    """顺丰 by its one address: a signed form per call that names the service."""

    code = "sf"
    name = "顺丰速运"
    confidence = "high for tracking, medium for error codes and rare operation codes"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = SfSettings
    batch = 10
    trusted_path = True
    statuses = STATUSES
    number_forms = NUMBERS

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every route of the legs, and what happened to parcels under the numbers they went on with."""
        phones = ",".join(sorted({last_four(leg.phone) for leg in legs} - {""}))
        scans = await self._routes([leg.tracking_number for leg in legs], phones)
        return scans + await self._followed(scans, phones)

    def verify(self, request: Push) -> None:
        """Not signed."""
        only_by_path(request)

    def receive(self, request: Push) -> list[Scan]:
        """The routes of a push, or the states of an order of ours."""
        return [self._scan(required(route, "mailno"), route) for route in pushes.routes(pushes.message(request))]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """In the format in which the push came."""
        status = 401 if outcome.verdict is Verdict.FORGED else 200
        return pushes.reply(pushes.message(outcome.push), yes=outcome.verdict is Verdict.ACCEPTED, status=status)

    async def subscribe(self, leg: LegRef) -> None:
        """Register the route by waybill number."""
        asked = {"language": "zh-CN", "attributeNo": leg.tracking_number, "checkPhoneNo": last_four(leg.phone)}
        await self._call("EXP_RECE_REGISTER_ROUTE", asked | self.settings.register_fields)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the orderId; when SF has one of that id already, it is looked up."""
        order_data = order(self.settings, parcel, key)
        answer = await self._call("EXP_RECE_CREATE_ORDER", order_data, but="duplicate", deed=True)
        with unread(deed=True):
            known = await self.find_booking(key) if answer is None else None
            return known or booking(answer or {})

    async def find_booking(self, key: str) -> Booking | None:
        """By the orderId."""
        asked = {"searchType": "1", "orderId": order_id(key), "language": "zh-CN"}
        answer = await self._call("EXP_RECE_SEARCH_ORDER_RESP", asked, but="unknown")
        return None if answer is None else booking(answer)

    async def cancel(self, leg: LegRef) -> None:
        """By orderId and waybill together; resStatus 2 is done."""
        waybills = [{"waybillType": 1, "waybillNo": leg.tracking_number}]
        asked = {"language": "zh-CN", "orderId": leg.reference, "dealType": 2, "waybillNoInfoList": waybills}
        answer = await self._call("EXP_RECE_UPDATE_ORDER", asked, but="cancelled", deed=True)
        if answer is not None and text(answer, "resStatus") != "2":
            raise Refused("resStatus: order and waybill do not match", code=text(answer, "resStatus"))

    async def intercept(self, leg: LegRef) -> str:
        """As `intercept_fields` say; the reference is SF's cusId."""
        asked = {"waybillNo": leg.tracking_number, "monthlyCardNo": self.settings.monthly_card}
        answer = await self._call("EXP_RECE_WANTED_INTERCEPT", asked | self.settings.intercept_fields, deed=True)
        return text(answer or {}, "cusId") or leg.tracking_number

    async def _routes(self, numbers: Sequence[str], phones: str) -> list[Scan]:
        asked = {"language": "zh-CN", "trackingType": "1", "trackingNumber": list(numbers), "methodType": "1"}
        answer = await self._call("EXP_RECE_SEARCH_ROUTES", asked | {"checkPhoneNo": phones}) or {}
        found = ((one, route) for one in listed(answer, "routeResps") for route in objects(one.get("routes"), "routes"))
        return [self._scan(required(one, "mailNo"), route) for one, route in found]

    async def _followed(self, scans: Sequence[Scan], phones: str) -> list[Scan]:
        told = sorted((one for one in scans if one.carrier_code in MOVED), key=lambda one: (one.at, one.text))
        found = ((re.search(r"新单号(?:为|是)?[:：]?\s*([A-Za-z]*\d{10,})", scan.text), scan) for scan in told)
        moved = {number[1]: scan for number, scan in found if number}
        try:
            later = await self._routes(list(moved)[-self.batch :], phones) if moved else []
        except Refused as error:
            if error.config:
                raise
            return []  # the history of the number we know is worth having without it
        return [on_behalf(scan, moved[scan.tracking_number]) for scan in later if scan.tracking_number in moved]

    def _scan(self, number: str, route: Fields) -> Scan:
        word, meaning = self._read(route)
        return Scan(
            tracking_number=number,
            at=china_time(route, "acceptTime"),
            basis=Basis.CARRIER_ZONE,
            status=meaning.status,
            reason=meaning.reason,
            carrier_code=word,
            text=text(route, "remark"),
            place=text(route, "acceptAddress"),
            event_id=text(route, "id") or None,
            inferred=meaning != self.meaning(word),
        )

    def _read(self, route: Fields) -> tuple[str, Meaning]:
        """The word that decides. The stage of a query comes first, but never hides that a parcel goes back."""
        op, stage = text(route, "opCode"), "secondary:" + text(route, "secondaryStatusCode")
        own = refined(op, route) or self.meaning(op)
        if stage not in self.statuses or own.status is Status.RETURNING or own == self.meaning(stage):
            return op or stage.removeprefix("secondary:"), own
        return stage, self.meaning(stage)

    async def _call(self, service: str, data: Fields, *, but: str = "", deed: bool = False) -> dict[str, Any] | None:
        """msgData of the answer, None where it is the no that `but` names in `order_codes`."""
        said = compact(filled(data))
        send = partial(self._send, service, said, deed=deed)
        answer = await (self._tokens.use(send) if self.settings.auth == "oauth2" else send(""))
        with unread(deed=deed):
            return wire.agreed(answer, deed=deed, but=self.settings.order_codes.get(but))

    async def _send(self, service: str, said: str, token: str, *, deed: bool) -> dict[str, Any]:
        now, check_word = millis(self.clock()), self.settings.check_word.get_secret_value()
        proof = {"accessToken": token} if token else {"msgDigest": md5_base64(java_quoted(said + now + check_word))}
        fields = {"partnerID": self.settings.partner_id, "requestID": self.nonce(), "serviceCode": service}
        fields |= {"timestamp": now, "msgData": said, **proof}
        answer = await post_form(self.http, "/std/service", fields, deed=deed)
        with unread(deed=deed):
            return wire.passed(answer)

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch_token, self.clock, refused={wire.BAD_TOKEN}, shared=self.shared_tokens)

    async def _fetch_token(self) -> Token:
        account = {"partnerID": self.settings.partner_id, "secret": self.settings.check_word.get_secret_value()}
        answer = wire.passed(await post_form(self.http, self.settings.token_url, account | {"grantType": "password"}))
        return token_in(answer, self.clock(), value="accessToken", life="expiresIn")
