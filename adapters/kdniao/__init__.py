"""快递鸟 KDNiao: an aggregator over some 1,600 companies. Source: the fact sheet carriers/kdniao.md.

One number per query, at most ten queries a second and account (documented); the free plan has 500 a day, over which the
account rests until midnight. Each push tells of several numbers and carries their whole histories.

A trace of the advanced plans (8001, 102) has its own code, `Action`. The basic plan (1002, 101) has only a `State` of
the parcel: it is read as that of the newest trace, and the traces before stay unknown. A State of the aggregator's own
clocks (402, 403 ...) has no time of its own and makes no scan. Pushes of COD money (107) tell of no parcel.

Known limits. An order repeated under one OrderCode gives the first one (106); there is no look-up beside that. Fields
of pickup orders (1001, 1004) are read like those of 1007 and 1147. Unverified: the ResultCodes and the words of limits
(settings), the answer of 2002 (a public client shows one), the map queries (8002, 8003), how often a push that got a
no comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.kdniao import wire
from adapters.kdniao.orders import account, booking, order
from adapters.kdniao.settings import KdniaoSettings
from adapters.kdniao.statuses import CLOCKS, NOTHING, OF_PARCEL, RECIPIENT, STATUSES, dropped, too_late
from gateway.contract.carrier import Can, CarrierAdapter, Meaning, Outcome, Push, Rate, Reply, Verdict
from gateway.contract.client import Forgiven, post_form, unread
from gateway.contract.errors import BadPayload, BadSignature, Refused
from gateway.contract.reading import (
    SHANGHAI,
    Fields,
    china_time,
    form,
    form_bytes,
    last_four,
    listed,
    load_object,
    objects,
    required,
    text,
)
from gateway.contract.signing import compact, md5_hex_base64, same
from gateway.contract.writing import company_of
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan, Status

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")  # the second in very old answers
#: RequestType of an order -> its address, and the RequestType that cancels it.
_ORDERS = {"1007": ("/api/EOrderService", "1147"), "1001": ("/api/OOrderService", "1004")}
_QUERY, _COD_MONEY = "/Ebusiness/EbusinessOrderHandle.aspx", "107"


class KdniaoAdapter(CarrierAdapter):
    """快递鸟 by signed forms: a JSON text, the number of the command, and one digest both ways."""

    code = "kdniao"
    name = "快递鸟"
    confidence = "high; the rule of repeated pushes is unknown"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = KdniaoSettings
    statuses = STATUSES
    rate = Rate(10, 1)
    aggregator = True

    @classmethod
    def able(cls, settings: KdniaoSettings) -> Can:
        """A row books with the one company it names."""
        return cls.can if settings.company else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every trace of each leg; no traces are "nothing yet"."""
        return [scan for leg in legs for scan in await self._query(leg)]

    def verify(self, request: Push) -> None:
        """DataSign over the bytes of RequestData as they are after form decoding; and it must be for our account."""
        data, given = form_bytes(request.body, "RequestData"), form_bytes(request.body, "DataSign")
        if not data or not same(given.decode("utf-8", "surrogateescape"), self._sign(data)):
            raise BadSignature("DataSign: does not fit RequestData")
        try:
            account_id = text(load_object(data), "EBusinessID")
        except BadPayload:
            return  # signed with our key: kept, whatever it is
        if not same(account_id, self.settings.ebusiness_id):
            raise BadSignature("EBusinessID: is not ours")

    def receive(self, request: Push) -> list[Scan]:
        """The histories of all its numbers; none in the empty push that checks the address (Count 0)."""
        if form(request.body).get("RequestType") == _COD_MONEY:
            return []
        said = load_object(form_bytes(request.body, "RequestData"))
        empty = text(said, "Count") == "0" and said.get("Data") is None
        parcels = [] if empty else listed(said, "Data")
        return [scan for parcel in parcels for scan in self._scans(parcel, required(parcel, "LogisticCode"))]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d); `Success` false brings the push again."""
        kept = outcome.verdict is Verdict.ACCEPTED
        now = self.clock().astimezone(SHANGHAI).strftime(_FORMATS[0])
        said = {"EBusinessID": self.settings.ebusiness_id, "UpdateTime": now, "Success": kept}
        return Reply.json(said | {"Reason": "" if kept else outcome.verdict.value})

    async def subscribe(self, leg: LegRef) -> None:
        """Pushes go to the one address set in the console."""
        await self._call(self.settings.subscribe_type, "/api/dist", self._waybill(leg))

    async def detect(self, number: str) -> list[str]:
        """Command 2002."""
        answer = await self._call("2002", _QUERY, {"LogisticCode": number})
        return list(dict.fromkeys(required(one, "ShipperCode") for one in listed(answer, "Shippers")))

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the OrderCode."""
        if not self.settings.company:
            raise Refused("company: is not set, so there is none to book with")
        command, said = self.settings.order_type, order(self.settings, parcel, key)
        answer = await self._call(command, _ORDERS[command][0], said, deed=True, fine=self.settings.exists_code)
        with unread(deed=True):
            return booking(answer, key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no look-up by our key. Booking again under it is safe: it gives the first booking."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By the OrderCode and the number."""
        address, command = _ORDERS[self.settings.order_type]
        which = {"ShipperCode": self._company(leg), "OrderCode": leg.reference, "ExpNo": leg.tracking_number}
        with Forgiven(wire.is_cancelled):
            await self._call(command, address, which | account(self.settings), deed=True)

    async def _query(self, leg: LegRef) -> list[Scan]:
        with Forgiven(wire.is_nothing_yet):
            asked = self._waybill(leg)
            answer = await self._call(self.settings.query_type, _QUERY, asked)
            known = {"ShipperCode": text(answer, "ShipperCode") or asked["ShipperCode"]}
            return self._scans({**answer, **known}, text(answer, "LogisticCode") or leg.tracking_number)
        return []

    def _scans(self, parcel: Fields, number: str) -> list[Scan]:
        """Read alike however the traces are ordered: what is said of the parcel belongs to the newest of them."""
        if "Traces" not in parcel and text(parcel, "Success").lower() != "false":
            raise BadPayload("Traces: is missing")
        traces = [(china_time(one, "AcceptTime", *_FORMATS), one) for one in objects(parcel.get("Traces"), "Traces")]
        newest = max((at for at, _ in traces), default=None)
        company, of_parcel = text(parcel, "ShipperCode"), self._of_parcel(parcel)
        told = {"tracking_number": number, "company": None if company in {self.settings.company, ""} else company}
        coded = ((text(one, "Action") or (of_parcel if at == newest else ""), at, one) for at, one in traces)
        return too_late([self._scan(code, one, {**told, "at": at}) for code, at, one in coded if code != NOTHING])

    def _of_parcel(self, parcel: Fields) -> str:
        """StateEx where the plan has it, else State; nothing where it is one of the aggregator's clocks."""
        code = text(parcel, "StateEx") or text(parcel, "State")
        return "" if code in CLOCKS | {NOTHING, ""} else OF_PARCEL + code

    def _scan(self, code: str, trace: Fields, told: dict[str, Any]) -> Scan:
        said = text(trace, "AcceptStation") or text(trace, "Remark")
        waits = dropped(code, said)
        status, reason = Meaning(Status.AVAILABLE_FOR_PICKUP) if waits else self.meaning(code)
        return Scan(
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=text(trace, "Location"),
            inferred=waits or code.startswith(OF_PARCEL),
            confirmed=code in RECIPIENT,
            **told,
        )

    def _waybill(self, leg: LegRef) -> dict[str, str]:
        company = self._company(leg)
        phone = "" if company == "JD" else last_four(leg.phone)
        customer = self.settings.customer_names.get(company, phone)
        names = {"OrderCode": "", "ShipperCode": company, "LogisticCode": leg.tracking_number}
        return names | {"CustomerName": customer}

    def _company(self, leg: LegRef) -> str:
        return company_of(self.code, leg, self.settings.company)

    def _sign(self, data: bytes) -> str:
        return md5_hex_base64(data + self.settings.app_key.get_secret_value().encode())

    async def _call(
        self, command: str, address: str, data: Fields, *, deed: bool = False, fine: str = ""
    ) -> dict[str, Any]:
        """The answer to one command that says yes, or has the ResultCode `fine`."""
        said = compact(data)
        fields = {"RequestData": said, "EBusinessID": self.settings.ebusiness_id, "RequestType": command}
        fields |= {"DataSign": self._sign(said.encode()), "DataType": "2"}
        one_for_all = "/kdniaosandbox/gateway/exterfaceInvoke.json"
        answer = await post_form(self.http, one_for_all if self.settings.sandbox else address, fields, deed=deed)
        with unread(deed=deed):
            return wire.agreed(answer, self.settings, self.clock(), deed=deed, fine=fine)
