"""京东物流 JDL, LOP gateway (open.jdl.com). Source: the fact sheet carriers/jd.md.

One number per query; no pace and no interval are published, the gateway's defaults apply. Times are in the zone of the
header `lop-tz`, which we set to Beijing. Pushes need a secret path: that LOP can sign them is unverified.

A waybill ends with 拒收 (10035): the goods travel back under a number that nobody tells, and this one stays silent.
After a pickup a cancellation is an interception at JD, so `cancel` and `intercept` are one call with two hopes.

Known limits. An order repeated under one orderId gives the first waybill (0_0001); there is no look-up beside that.
Unverified: the answer to pushes, the codes of the gateway (its words decide), the names of fields in a query (read
like those of a push), the layout of `standard` queries, of token_url and of cancellations (`cancel_fields`,
`result_types`). Not spoken: the older JOS gateway.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from adapters.jd import wire
from adapters.jd.grant import Grant
from adapters.jd.numbers import NUMBERS
from adapters.jd.orders import booking, order
from adapters.jd.settings import JdSettings
from adapters.jd.statuses import STATUSES, word
from gateway.contract.carrier import Can, CarrierAdapter, Outcome, Push, Reply, Verdict
from gateway.contract.client import Forgiven, ask, unread
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import (
    SHANGHAI,
    Fields,
    china_time,
    inside,
    joined,
    last_four,
    load_object,
    objects,
    required,
    text,
)
from gateway.contract.signing import compact, only_by_path
from gateway.contract.tokens import TokenCache
from gateway.contract.writing import filled
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan

#: LOP-DN -> its codes of yes.
_YES = {"ECAP": frozenset({"0"}), "Tracking_JD": frozenset({"0", "1000"})}


class JdAdapter(CarrierAdapter):
    """京东物流: one JSON object in a list, signed in the address; pushes of single events."""

    code = "jd"
    name = "京东物流"
    confidence = "high for polls, medium for pushes"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = JdSettings
    trusted_path = True
    statuses = STATUSES
    number_forms = NUMBERS

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every trace of each leg; a waybill JD does not know (yet) has none."""
        return [scan for leg in legs for scan in await self._traces(leg)]

    def verify(self, request: Push) -> None:
        """Not signed."""
        only_by_path(request)

    def receive(self, request: Push) -> list[Scan]:
        """One event."""
        event = load_object(request.body)
        return [self._scan(required(event, "waybillCode"), event)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"code": 0, "success": True, "msg": "成功"})
        return Reply.json({"code": 1, "success": False, "msg": outcome.verdict.value})

    async def subscribe(self, leg: LegRef) -> None:
        """Every event from now on, to the address set in the console."""
        asked = {"waybillCode": leg.tracking_number, "orderCode": leg.extra.get("orderCode")}
        asked |= {"mobile": last_four(leg.phone), **self._customer()}
        await self._call("/ecap/v1/orders/trace/subscribe", asked)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the orderId; 0_0001 tells of the waybill it has already."""
        said = order(self.settings, parcel, key)
        answer = await self._call("/ecap/v1/orders/create", said, but="0_0001", deed=True)
        with unread(deed=True):
            return booking(answer, key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no look-up by our key. Booking again under it is safe: it gives the first waybill."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """Refused where JD had it already and has begun to intercept it instead."""
        with Forgiven(wire.is_cancelled):
            if (result := await self._called_off(leg)) != self.settings.result_types["cancelled"]:
                raise Refused(f"not cancelled: it ended as resultType {result}", code=result)

    async def intercept(self, leg: LegRef) -> str:
        """Cancelled before the pickup is stopped too. The reference is the waybill."""
        if (result := await self._called_off(leg)) not in self.settings.result_types.values():
            raise Refused(f"not intercepted: it ended as resultType {result}", code=result)
        return leg.tracking_number

    async def _called_off(self, leg: LegRef) -> str:
        """What a cancellation ended as."""
        asked = {"waybillCode": leg.tracking_number, **self._customer(), **self.settings.cancel_fields}
        answer = await self._call("/ecap/v1/orders/cancel", asked, deed=True)
        with unread(deed=True):
            return required(inside(answer, "data"), "resultType")

    async def _traces(self, leg: LegRef) -> list[Scan]:
        with Forgiven(wire.is_not_found):
            data = inside(await (self._own(leg) if self.settings.query == "own" else self._standard(leg)), "data")
            if "traceDetails" not in data:
                raise BadPayload("traceDetails: is missing")
            traces = objects(data["traceDetails"], "traceDetails")
            return [self._scan(text(one, "waybillCode") or leg.tracking_number, one) for one in traces]
        return []

    async def _own(self, leg: LegRef) -> dict[str, Any]:
        asked = {"waybillCode": leg.tracking_number, "orderOrigin": self.settings.order_origin}
        asked |= {"customerCode": self.settings.customer_code}
        return await self._call("/ecap/v1/orders/trace/query", asked)

    async def _standard(self, leg: LegRef) -> dict[str, Any]:
        asked = {"referenceNumber": leg.tracking_number, "referenceType": 20000, "phone": last_four(leg.phone)}
        return await self._call("/jd/tracking/query", asked, domain="Tracking_JD")

    def _scan(self, number: str, event: Fields) -> Scan:
        code = word(event, self.statuses)
        status, reason = self.meaning(code)
        return Scan(
            tracking_number=number,
            at=china_time(event, "operationTime"),
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=text(event, "operationRemark") or text(event, "operationTitle"),
            place=joined(event, "routeCityName", "operateSite", by=" "),
        )

    def _customer(self) -> dict[str, Any]:
        origin, unit = self.settings.order_origin, self.settings.business_unit_code
        return {"orderOrigin": origin, "customerCode": self.settings.customer_code, "businessUnitCode": unit}

    @cached_property
    def _tokens(self) -> TokenCache:
        grant = Grant(self.settings, self.http, self.clock)
        return TokenCache(grant.first, self.clock, renew=grant.renewed, shared=self.shared_tokens)

    async def _call(
        self, path: str, said: Fields, *, domain: str = "ECAP", but: str = "", deed: bool = False
    ) -> dict[str, Any]:
        """The answer to one call that says yes, or has the subCode `but`. A token that is refused is replaced once."""
        logging.getLogger("httpx").addFilter(wire.without_tokens)
        body = compact([filled(said)])

        async def asked(token: str) -> dict[str, Any]:
            answer = await self._send(path, self._query(token, domain, path, body), body, deed=deed)
            with unread(deed=deed):
                return wire.agreed(answer, _YES[domain], but, deed=deed)

        return await self._tokens.use(asked)

    def _query(self, token: str, domain: str, path: str, body: str) -> dict[str, str]:
        """The signed part of the address."""
        now = self.clock().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        signed = {"access_token": token, "app_key": self.settings.app_key, "method": path, "param_json": body}
        signed |= {"timestamp": now, "v": "2.0"}
        sign = wire.signature(self.settings.app_secret.get_secret_value(), self.settings.algorithm, signed)
        query = {name: signed[name] for name in ("app_key", "access_token", "timestamp", "v")}
        return {"LOP-DN": domain, **query, "sign": sign, "algorithm": self.settings.algorithm}

    async def _send(self, path: str, query: dict[str, str], body: str, *, deed: bool) -> dict[str, Any]:
        headers = {"lop-tz": "8", "content-type": "application/json;charset=utf-8"}
        try:
            return await ask(self.http, "POST", path, deed=deed, params=query, content=body.encode(), headers=headers)
        except Refused as no:
            wire.explain(no, deed=deed)
            raise
