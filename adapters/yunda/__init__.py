"""韵达 Yunda, open platform (open.yundaex.com). Source: the fact sheet carriers/yunda.md.

One number per query, and only one that was subscribed (or ordered through the API): where an answer says that nobody
subscribed it, the poll subscribes it, and the next one reads it. No pace and no interval are published, the gateway's
defaults apply. The steps decide; `status` of the whole parcel is not read.

SIGNED is said of the recipient and, after RETURN, of the sender: the fold decides. Pushes need a secret path: their
sign could not be reproduced from a published sample (setting `push_sign` asks for the likeliest formula as well).

Known limits. Orders have no documented look-up, and that an order_serial_no is taken once is unverified: after a lost
answer a person looks. Unverified: the answer to pushes, codes and words of errors, the fields of orders (settings).
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.yunda import wire
from adapters.yunda.numbers import NUMBERS
from adapters.yunda.orders import booking, order, ordered
from adapters.yunda.settings import YundaSettings
from adapters.yunda.statuses import STATUSES, refined
from gateway.contract.carrier import Can, CarrierAdapter, Outcome, Push, Reply, Verdict
from gateway.contract.client import Forgiven, ask, unread
from gateway.contract.errors import BadSignature, Refused
from gateway.contract.reading import Fields, china_time, inside, joined, load_object, required, text
from gateway.contract.signing import compact, md5_hex, only_by_path, same, unsigned
from gateway.contract.worded import is_again, taken
from gateway.contract.writing import filled, millis
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan

_TRACES, _ORDERS = "/openapi/outer/logictis", "/openapi-api/v1/accountOrder"  # the first is spelt so by the vendor


class YundaAdapter(CarrierAdapter):
    """韵达 by JSON signed in a header; pushes of single events."""

    code = "yunda"
    name = "韵达速递"
    confidence = "medium"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = YundaSettings
    trusted_path = True
    statuses = STATUSES
    number_forms = NUMBERS
    remembers_key = 0  # unverified, so never relied upon

    @classmethod
    def able(cls, settings: YundaSettings) -> Can:
        """Orders need the branch account."""
        account = settings.partner_id and settings.partner_secret
        return cls.can if account else cls.can & ~(Can.BOOK | Can.CANCEL)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every step of each leg; one without steps is not known (yet)."""
        return [scan for leg in legs for scan in await self._steps(leg)]

    def verify(self, request: Push) -> None:
        """The secret path and, where the setting asks for it, `sign` over the text of `data`."""
        only_by_path(request)
        if self.settings.push_sign == "path":
            return
        with unsigned():
            said = load_object(request.body)
            data = required(said, "data")
            if not same(text(said, "sign"), self._sign(data)):
                raise BadSignature("sign: does not fit data")

    def receive(self, request: Push) -> list[Scan]:
        """One event."""
        event = wire.event(request.body)
        return [self._scan(required(event, "mailno"), event)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"result": True, "code": "0000", "message": "success"})
        return Reply.json({"result": False, "code": "9999", "message": outcome.verdict.value})

    async def subscribe(self, leg: LegRef) -> None:
        """Lets the number be queried, and pushes every event from now on."""
        wanted = {"orderid": leg.reference or leg.tracking_number, "mailno": leg.tracking_number}
        with Forgiven(self._is_again):
            await self._call(f"{_TRACES}/subscribe", {"orders": [wanted]})

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the order_serial_no."""
        said = ordered(self.settings, order(self.settings, parcel, key))
        with taken(self.settings, key):
            answer = await self._call(f"{_ORDERS}/createBmOrder", said, deed=True)
            with unread(deed=True):
                return booking(wire.agreed_about(answer, self.settings, key), key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no documented look-up (`remembers_key`)."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By our order number and the waybill."""
        which = filled({"order_serial_no": leg.reference, "mailno": leg.tracking_number})
        with Forgiven(self._is_again):
            answer = await self._call(f"{_ORDERS}/cancelBmOrder", ordered(self.settings, which), deed=True)
            with unread(deed=True):
                if answer.get("data"):  # not documented; where there is one it is like that of an order
                    wire.agreed_about(answer, self.settings, leg.reference)

    def _is_again(self, no: Refused) -> bool:
        return is_again(self.settings, no)

    async def _steps(self, leg: LegRef) -> list[Scan]:
        data = await self._data(leg)
        steps = wire.steps(data)
        if not steps and wire.is_unsubscribed(data, self.settings):
            await self.subscribe(leg)
        return [self._scan(text(data, "mailno") or leg.tracking_number, step) for step in steps]

    async def _data(self, leg: LegRef) -> Fields:
        try:
            return inside(await self._call(f"{_TRACES}/query", {"mailno": leg.tracking_number}), "data")
        except Refused as no:
            return wire.absent(no, self.settings)

    def _scan(self, number: str, event: Fields) -> Scan:
        code, said = required(event, "action"), text(event, "description")
        by_text = refined(code, said)
        status, reason = by_text or self.meaning(code)
        return Scan(
            tracking_number=number,
            at=china_time(event, "time"),
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=joined(event, "city", "station_name", by=" "),
            inferred=by_text is not None,
        )

    def _sign(self, body: str) -> str:
        return md5_hex(f"{body}_{self.settings.app_secret.get_secret_value()}")

    async def _call(self, path: str, said: Fields, *, deed: bool = False) -> Fields:
        """The answer to one call that says yes."""
        body = compact(said)
        headers = {"app-key": self.settings.app_key, "req-time": millis(self.clock()), "sign": self._sign(body)}
        headers["content-type"] = "application/json; charset=UTF-8"
        answer = await ask(self.http, "POST", path, deed=deed, content=body.encode(), headers=headers)
        with unread(deed=deed):
            return wire.agreed(answer, self.settings, deed=deed)
