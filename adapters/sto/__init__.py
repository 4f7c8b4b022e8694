"""申通 STO, LinkGateway (open.sto.cn). Source: the fact sheet carriers/sto.md.

Several numbers per query: how many is not published, ten is our choice. No pace and no interval either: the gateway's
defaults apply. Pushes carry one event each, and their digest covers it.

签收 is said of the recipient and, after 退回件, of the sender: a text that names one of them decides, else the fold.
A push may name its zone (`tz`, layout unpublished: hours from UTC); one that cannot be read leaves the basis unknown.

Known limits. Orders have no documented look-up: one repeated under its orderNo is OutcomeUnknown unless the answer has
the waybill. Unverified: the answer to pushes, the codes of errors besides S02, what is named in StoSettings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any

from adapters.sto import wire
from adapters.sto.numbers import NUMBERS
from adapters.sto.orders import booking, order
from adapters.sto.settings import StoSettings
from adapters.sto.statuses import STATUSES, is_recipients, is_sorting, refined
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Meaning, Outcome, Push, Reply, Verdict
from gateway.contract.client import Forgiven, unread
from gateway.contract.errors import BadPayload, BadSignature, OutcomeUnknown, Refused
from gateway.contract.reading import (
    SHANGHAI,
    Fields,
    as_object,
    form_bytes,
    inside,
    joined,
    load_object,
    local_time,
    objects,
    required,
    text,
)
from gateway.contract.signing import compact, md5_base64, same
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan, Status

_OFFSET = re.compile(r"(?:GMT|UTC)?([+-]?)(\d{1,2})(?::?(\d{2}))?", re.ASCII)


class StoAdapter(CarrierAdapter):
    """申通 by its one address: a signed form whose `api_name` selects the operation, both ways."""

    code = "sto"
    name = "申通快递"
    confidence = "medium-high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = StoSettings
    batch = 10
    statuses = STATUSES
    number_forms = NUMBERS

    @classmethod
    def able(cls, settings: StoSettings) -> Can:
        """Orders need the source assigned to us; booking the branch's e-waybill account too."""
        account = settings.site_code and settings.customer_name and settings.site_pwd
        lacking = Can.NOTHING if settings.order_source else Can.BOOK | Can.CANCEL
        return cls.can & ~lacking & ~(Can.NOTHING if account else Can.BOOK)

    def meaning(self, word: str) -> Meaning:
        """SC_* is a family in the sheet."""
        return Meaning(Status.IN_TRANSIT) if is_sorting(word) else super().meaning(word)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of the legs; a number without a list is not known (yet)."""
        asked = {"order": "asc", "waybillNoList": [leg.tracking_number for leg in legs]}
        answer = await self._call("STO_TRACE_QUERY_COMMON", "sto_trace_query", asked)
        if "data" not in answer:
            raise BadPayload("data: is missing")
        found = as_object(answer["data"], "data") if answer["data"] is not None else {}
        events = ((number, one) for number, listed in found.items() for one in objects(listed, f"data.{number}"))
        return [self._scan(text(one, "waybillNo") or number, one) for number, one in events]

    def verify(self, request: Push) -> None:
        """`data_digest` over the bytes of `content` as they are after form decoding."""
        content, given = form_bytes(request.body, "content"), form_bytes(request.body, "data_digest")
        if not content or not same(given.decode("utf-8", "surrogateescape"), self._digest(content)):
            raise BadSignature("data_digest: does not fit content")

    def receive(self, request: Push) -> list[Scan]:
        """One event; `outBizCode` is its id at STO."""
        said = load_object(form_bytes(request.body, "content"))
        event = inside(said, "trace")
        scan = self._scan(required(said, "waybillNo"), event)
        return [replace(scan, event_id=text(event, "outBizCode") or None)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"success": True, "errorCode": "", "errorMsg": "", "needRetry": "false"})
        no = {"success": False, "errorCode": "B500", "errorMsg": outcome.verdict.value, "needRetry": "true"}
        return Reply.json(no)

    async def subscribe(self, leg: LegRef) -> None:
        """Every event from now on."""
        wanted = {"subscribeInfoList": [{"waybillNo": leg.tracking_number}]}
        with Forgiven(self._is_repeated):
            await self._call("STO_TRACE_PLATFORM_SUBSCRIBE", "sto_trace_platform", wanted)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the orderNo; a no that says that there is such an order is not a no to this booking."""
        said = order(self.settings, parcel, key)
        try:
            answer = await self._call("OMS_EXPRESS_ORDER_CREATE", "sto_oms", said, deed=True)
        except Refused as no:
            if not self._is_repeated(no):
                raise
            raise OutcomeUnknown(f"order {key} is taken: {no.detail}", code=no.code) from no
        with unread(deed=True):
            return booking(answer, key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no documented look-up. Booking again under the key is safe: an orderNo is taken once."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By the waybill number."""
        which = {"billCode": leg.tracking_number, "orderSource": self.settings.order_source}
        to, more = self.settings.cancel_to_code, self.settings.cancel_fields
        with Forgiven(wire.is_cancelled):
            await self._call("EDI_MODIFY_ORDER_CANCEL", to, {**which, **more}, deed=True)

    async def intercept(self, leg: LegRef) -> str:
        """Ask for the parcel to come back. STO names no reference besides the waybill."""
        asked = {"waybillNo": leg.tracking_number, **self.settings.intercept_fields}
        with Forgiven(self._is_repeated):
            await self._call("INTERCEPT_CREATE_STANDARD", "reverse-center", asked, deed=True)
        return leg.tracking_number

    def _is_repeated(self, no: Refused) -> bool:
        return any(word in no.detail for word in self.settings.again_words)

    def _scan(self, number: str, event: Fields) -> Scan:
        code = required(event, "scanType")
        by_text = refined(code, event)
        status, reason = by_text or self.meaning(code)
        zone, basis = _zone(text(event, "tz"))
        return Scan(
            tracking_number=number,
            at=local_time(required(event, "opTime"), zone, "opTime"),
            basis=basis,
            status=status,
            reason=reason,
            carrier_code=code,
            text=text(event, "memo"),
            place=joined(event, "opOrgCityName", "opOrgName", by=" "),
            inferred=by_text is not None,
            confirmed=is_recipients(code, event),
        )

    def _digest(self, content: bytes) -> str:
        return md5_base64(content + self.settings.secret_key.get_secret_value().encode())

    async def _call(self, api: str, to: str, said: Fields, *, deed: bool = False) -> dict[str, Any]:
        """The answer to one operation that says yes."""
        content = compact(said)
        fields = {"content": content, "data_digest": self._digest(content.encode()), "api_name": api}
        fields |= {"from_appkey": self.settings.from_appkey, "to_appkey": to, "to_code": to}
        fields["from_code"] = self.settings.from_code or self.settings.from_appkey
        response = await self.http.post("/gateway/link.do", data=fields, extensions=DEED if deed else {})
        with unread(deed=deed):
            return wire.agreed(wire.opened(response.content))


def _zone(told: str) -> tuple[tzinfo, Basis]:
    """Beijing unless a push tells another zone; UTC, unknown, where what it tells cannot be read."""
    if not told:
        return SHANGHAI, Basis.CARRIER_ZONE
    found = _OFFSET.fullmatch(told.upper())
    if found is None or int(found[2]) > 14:
        return UTC, Basis.UNKNOWN
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-offset if found[1] == "-" else offset), Basis.GIVEN
