"""中国邮政 EMS, platform of contract customers (api.ems.com.cn). Source: the fact sheet carriers/ems.md.

One number per query; no pace and no interval are published, the gateway's defaults apply. The business JSON travels in
an SM4 envelope, which is all the authentication there is: a push is genuine when it decrypts and ends with our key.
Blocks of ECB stand alone: who has two genuine pushes might splice them, so give the row a `webhook_token` as well.

Reversals take back the newest event of another code before them; of 207, 212, 304, 424, 448, 472, 474, 483 and 492 the
sheet does not say which code that is: they move nothing until the setting `reversals` names it. A signed return has
its own code (711), so a delivery is the recipient's.

Known limits. Orders have no documented look-up, and that a logisticsOrderNo is taken once is unverified: after a lost
answer a person looks. Of the 237 opCodes the sheet's are mapped. Unverified: values of deliverCode and
attemptDeliveryCode, the wrapper of answers, codes of cancellations (settings), fields of orders, the words of errors.
Not spoken: the legacy platform (eis.11183.com.cn) and its digest pushes, labels (010004).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.ems import wire
from adapters.ems.envelope import opened, sealed
from adapters.ems.numbers import NUMBERS
from adapters.ems.orders import booking, order
from adapters.ems.settings import EmsSettings
from adapters.ems.statuses import STATUSES, is_foreign, refined
from gateway.contract.carrier import Can, CarrierAdapter, Meaning, Outcome, Push, Reply
from gateway.contract.client import Forgiven, post_form, unread
from gateway.contract.reading import SHANGHAI, Fields, china_time, joined, load_json, objects, required, text
from gateway.contract.signing import compact, unsigned
from gateway.contract.worded import is_again, is_nothing, taken
from gateway.contract.writing import filled
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan, Status


class EmsAdapter(CarrierAdapter):
    """EMS and China Post by one address: a form whose `apiCode` selects the operation, its JSON encrypted both ways."""

    code = "ems"
    name = "中国邮政 EMS"
    confidence = "medium"
    can = Can.POLL | Can.WEBHOOK | Can.BOOK | Can.CANCEL
    Settings = EmsSettings
    statuses = STATUSES
    number_forms = NUMBERS
    remembers_key = 0  # unverified, so never relied upon

    @classmethod
    def able(cls, settings: EmsSettings) -> Can:
        """Orders need the e-commerce user they belong to."""
        return cls.can if settings.ecommerce_user_id else cls.can & ~(Can.BOOK | Can.CANCEL)

    def meaning(self, word: str) -> Meaning:
        """O_* is a family in the sheet."""
        return Meaning(Status.IN_TRANSIT) if is_foreign(word) else super().meaning(word)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each leg; an empty list is "nothing yet"."""
        return [scan for leg in legs for scan in await self._traces(leg)]

    def verify(self, request: Push) -> None:
        """The envelope opens with our key and holds it."""
        with unsigned():
            self._opened(request)

    def receive(self, request: Push) -> list[Scan]:
        """One event (a list of them is read as well)."""
        held = load_json(self._opened(request))
        events = objects([held] if isinstance(held, dict) else held, "logitcsInterface")
        return [self._scan(required(event, "waybillNo"), event) for event in events]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        return wire.reply(outcome, self.settings.sender_no)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the logisticsOrderNo."""
        said = order(self.settings, parcel, key, self.clock().astimezone(SHANGHAI))
        with taken(self.settings, key):
            answer = await self._call(self.settings.order_code, said, deed=True)
        with unread(deed=True):
            return booking(wire.body(answer, self._key), key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no documented look-up (`remembers_key`)."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By our order number and the waybill."""
        which = {"ecommerceUserId": self.settings.ecommerce_user_id, "logisticsOrderNo": leg.reference}
        said = filled({**which, "waybillNo": leg.tracking_number, **self.settings.cancel_fields})
        with Forgiven(lambda no: is_again(self.settings, no)):
            await self._call(self.settings.cancel_code, said, deed=True)

    @property
    def _key(self) -> str:
        key: str = self.settings.secret_key.get_secret_value()
        return key

    def _opened(self, request: Push) -> str:
        # a form whose Base64 was not escaped has blanks for its pluses
        return opened(required(wire.pushed(request), "logitcsInterface").replace(" ", "+"), self._key)

    async def _traces(self, leg: LegRef) -> list[Scan]:
        with Forgiven(lambda no: is_nothing(self.settings, no)):
            answer = await self._call(self.settings.trace_code, {"waybillNo": leg.tracking_number})
            events = objects(wire.body(answer, self._key), "retBody")
            return [self._scan(text(event, "waybillNo") or leg.tracking_number, event) for event in events]
        return []

    def _scan(self, number: str, event: Fields) -> Scan:
        code, finer, by_text = refined(event)
        status, reason = finer or self.meaning(code)
        voids = self.settings.reversals.get(code)
        return Scan(
            tracking_number=number,
            at=china_time(event, "opTime"),
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=text(event, "opDesc") or text(event, "opName"),
            place=joined(event, "opOrgCity", "opOrgName", by=" "),
            order=int(voids is not None),  # of one second with what it takes back, it came later
            inferred=by_text,
            confirmed=status is Status.DELIVERED,
            voids=voids,
        )

    async def _call(self, api: str, said: Fields, *, deed: bool = False) -> Fields:
        """The answer to one operation that says yes."""
        plain = compact([said] if api in self.settings.array_codes else said)
        now = self.clock().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        form: dict[str, Any] = {"apiCode": api, "senderNo": self.settings.sender_no, "timeStamp": now}
        form |= {"authorization": self.settings.authorization.get_secret_value(), "serialNo": self.nonce()}
        form |= {"logitcsInterface": sealed(plain, self._key), "msgType": "0", "version": "V3.0.0"}
        answer = await post_form(self.http, "/test" if self.settings.sandbox else "/open", form, deed=deed)
        with unread(deed=deed):
            return wire.agreed(answer, self.settings, deed=deed)
