"""菜鸟 Cainiao, LINK gateway (lcp.cloud.cainiao.com). Source: the fact sheet carriers/cainiao.md.

LINK carries messages between merchants and Cainiao: what it answers depends on the message types subscribed in the
console, and it has no trace of arbitrary numbers. Prefer 快递100 or 快递鸟 for Cainiao's parcels, 17TRACK for those
that cross borders. One number per query; no pace and no interval are published, the gateway's defaults apply.

Known limits. Confidence is low: only the form, the digest and the hosts are verified. The layout of traces is that of
TMS_PRACTICE_TRACE_INFO (one source); message types, names of fields and codes of errors are settings. Numbers 14 to 26
and words besides the sheet's are unknown. XML pushes are read when their fields stand right below the root. Waybills
(TMS_WAYBILL_GET) are of the company `cp_code`; there is no look-up, and that an objectId is served once is unverified:
after a lost answer a person looks. Not spoken: changes of waybills, balances, GLOBAL_* and CN_WMS_* messages.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.cainiao import wire
from adapters.cainiao.orders import booking, order
from adapters.cainiao.settings import CainiaoSettings
from adapters.cainiao.statuses import RECIPIENT, STATUSES
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Outcome, Push, Reply
from gateway.contract.client import Forgiven, unread
from gateway.contract.errors import BadSignature
from gateway.contract.reading import Fields, china_time, form_bytes, listed, load_fields, required, text
from gateway.contract.signing import compact, md5_base64, same
from gateway.contract.worded import is_again, is_nothing, taken
from gateway.contract.writing import filled
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan


class CainiaoAdapter(CarrierAdapter):
    """菜鸟 by signed forms, the same both ways: `msg_type` says what `logistics_interface` is."""

    code = "cainiao"
    name = "菜鸟"
    confidence = "low: the form, the digest and the hosts alone are verified"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = CainiaoSettings
    statuses = STATUSES
    remembers_key = 0  # unverified, so never relied upon

    @classmethod
    def able(cls, settings: CainiaoSettings) -> Can:
        """Waybills need the company they are of, and those that are printed a template."""
        lacking = Can.NOTHING if settings.cp_code else Can.BOOK | Can.CANCEL
        return cls.can & ~lacking & ~(Can.NOTHING if settings.template_url else Can.BOOK)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each leg; one without events is not known (yet)."""
        return [scan for leg in legs for scan in await self._details(leg)]

    def verify(self, request: Push) -> None:
        """`data_digest` over the bytes of `logistics_interface` as they are after form decoding."""
        said, given = form_bytes(request.body, "logistics_interface"), form_bytes(request.body, "data_digest")
        if not said or not same(given.decode("utf-8", "surrogateescape"), self._digest(said)):
            raise BadSignature("data_digest: does not fit logistics_interface")

    def receive(self, request: Push) -> list[Scan]:
        """One event, or the list of a parcel's."""
        said = load_fields(form_bytes(request.body, "logistics_interface"))
        number, fields = required(said, self.settings.number_field), self.settings.events_field
        return [self._scan(number, event) for event in (listed(said, fields) if fields in said else [said])]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        return wire.reply(outcome)

    async def subscribe(self, leg: LegRef) -> None:
        """Every event from now on, to the address set in the console."""
        wanted = {self.settings.number_field: leg.tracking_number, **self.settings.subscribe_fields}
        with Forgiven(lambda no: is_again(self.settings, no)):
            await self._call(self.settings.subscribe_type, wanted)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """A waybill of the company `cp_code`; `key` is the objectId."""
        with taken(self.settings, key):
            answer = await self._call("TMS_WAYBILL_GET", order(self.settings, parcel, key), deed=True)
        with unread(deed=True):
            return booking(answer, key)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no documented look-up (`remembers_key`)."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """Void the waybill."""
        which = {"cpCode": self.settings.cp_code, "waybillCode": leg.tracking_number}
        with Forgiven(lambda no: is_again(self.settings, no)):
            answer = await self._call("TMS_WAYBILL_DISCARD", which, deed=True)
            with unread(deed=True):
                wire.agreed_void(answer)

    async def _details(self, leg: LegRef) -> list[Scan]:
        asked = {self.settings.number_field: leg.tracking_number}
        with Forgiven(lambda no: is_nothing(self.settings, no)):
            answer = await self._call(self.settings.trace_type, asked, self.settings.trace_url)
            events = listed(answer, self.settings.events_field)
            return [self._scan(leg.tracking_number, event) for event in events]
        return []

    def _scan(self, number: str, event: Fields) -> Scan:
        names, code = self.settings, required(event, self.settings.code_field)
        status, reason = self.meaning(code)
        return Scan(
            tracking_number=number,
            at=china_time(event, names.time_field),
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=text(event, names.text_field),
            place=text(event, names.place_field),
            confirmed=code in RECIPIENT,
        )

    def _digest(self, said: bytes) -> str:
        return md5_base64(said + self.settings.secret_key.get_secret_value().encode())

    async def _call(self, kind: str, said: Fields, address: str = "", *, deed: bool = False) -> Fields:
        """The answer to one message that says yes."""
        content = compact(said)
        fields = {"msg_type": kind, "logistic_provider_id": self.settings.logistic_provider_id}
        fields |= {"to_code": self.settings.to_code, "logistics_interface": content}
        form = filled(fields | {"data_digest": self._digest(content.encode())})
        response = await self.http.post(address or self.settings.path, data=form, extensions=DEED if deed else {})
        with unread(deed=deed):
            return wire.agreed(load_fields(response.content), self.settings, deed=deed)
