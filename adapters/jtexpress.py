"""J&T Express China (极兔), open platform "webopenplatformapi" (https://open.jtexpress.com.cn).

Ten numbers per call, as the vendor advises (30 are allowed); no pace, no interval is published. Times are Beijing's.
The digest covers `bizContent` alone: no window for replays. Both callback addresses of the console are this webhook.

Unverified, so settings: numbers and words of errors (`again_codes`, `busy_words`, `config_codes`); what getOrders and
cancelOrder say of orders unknown or void (`no_order_codes`, `void_codes`); the enums of a booking (`order`); the
fields of an order-status push (`order_status_field`, `order_time_field`; without a time: that of receipt). Unverified,
as in the J&T family: getOrders. Not sent: `items`, the pickup window. Not read: `timeZone`, overseas scanType 12, 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.contract.carrier import DEED, Can, CarrierAdapter, CarrierSettings, Meaning, Outcome, Push, Reply, Verdict
from gateway.contract.client import unread
from gateway.contract.errors import BadPayload, BadSignature, Refused, refusal
from gateway.contract.reading import SHANGHAI, form, inside, listed, load_object, local_time, required, says, text
from gateway.contract.secret import Secret
from gateway.contract.signing import compact, md5_base64, md5_hex, same
from gateway.domain import Basis, Booking, Confidence, LegRef, NumberPattern, Parcel, Party, Reason, Scan, Status

#: scanType is a number, or the name beside it; 10/101: signed, scanTypeCode of a return; 11/: problem scans, by their
#: problemType, whichever way 11 was written. order/ is the order-status push: it alone says cancelled.
_TABLE = {
    "1 快件揽收 order/103": Meaning(Status.PICKED_UP),
    "2 入仓扫描 3 发件扫描 4 到件扫描 5 出仓扫描 8 快件取出扫描 12 安检扫描": Meaning(Status.IN_TRANSIT),
    "6 入库扫描 7 代理点收入扫描 11/A17 11/A18 11/A21": Meaning(Status.AVAILABLE_FOR_PICKUP),
    "9 出库扫描": Meaning(Status.OUT_FOR_DELIVERY),
    "10 快件签收": Meaning(Status.DELIVERED),
    "10/101 快件签收/101": Meaning(Status.RETURNED),
    "13 其他扫描": Meaning(Status.INFO),
    "14 退件扫描 11/A4 11/A25": Meaning(Status.RETURNING),
    "11/A1 11/A26 11/A31 11/A7 11/A8 11/A20 11/A24 11/A30 11/A32": Meaning(Status.EXCEPTION, Reason.OTHER),
    "11/A2 11/A14 11/A29 11/A35": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "11/A3 11/A12 11/A15 11/A16 11/A19": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "11/A9 11/A10": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    "11/A11 11/A13 11/A34": Meaning(Status.ATTEMPT_FAILED),
    "11/A23": Meaning(Status.EXCEPTION, Reason.CARRIER_DELAY),
    "11/A27 11/A28": Meaning(Status.EXCEPTION, Reason.WEATHER),
    "11/A33": Meaning(Status.EXCEPTION, Reason.SECURITY),
    "order/100 order/101 order/102 order/105": Meaning(Status.PRE_TRANSIT),
    "order/104": Meaning(Status.CANCELLED),
}
#: The two scan types whose row asks for the text: words, unless, status.
_OUT = ("派件", "[未不待将]|失败|异常|取消|准备|派件(网点|部|公司)", Status.OUT_FOR_DELIVERY)
_SIGNED = ("签收|取走|取件(?!码|通知|时间|地址)", "[未不待请代可]|及时|尽快|异常|退回|退件", Status.DELIVERED)
_BY_TEXT = {"5": _OUT, "出仓扫描": _OUT, "9": _SIGNED, "出库扫描": _SIGNED}
#: What a booking is, unless the setting `order` says otherwise; operateType 1 adds.
_KIND = {"expressType": "EZ", "orderType": "2", "serviceType": "01", "deliveryType": "03", "payType": "PP_PM"}
_ORDER = _KIND | {"goodsType": "bm000001", "operateType": 1, "totalQuantity": 1}


class JtexpressSettings(CarrierSettings):
    """customer_code and customer_password are for orders. order: fields of addOrder by J&T's names."""

    api_account: str
    private_key: Secret
    customer_code: str = ""
    customer_password: Secret | None = None
    order: dict[str, str] = {}
    again_codes: tuple[str, ...] = ("0",)
    busy_words: tuple[str, ...] = ("繁忙", "频繁", "限流", "次数", "稍后", "busy", "too many", "frequent")
    config_codes: tuple[str, ...] = ("145003030", "145003010", "145003012")
    no_order_codes: tuple[str, ...] = ()
    void_codes: tuple[str, ...] = ()
    order_status_field: str = "orderStatus"
    order_time_field: str = "scanTime"


class JtexpressAdapter(CarrierAdapter):
    """Reads lists of numbers, takes signed pushes of traces and order states, books, finds and cancels orders."""

    code = "jtexpress"
    name = "J&T Express China"
    confidence = "medium-high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = JtexpressSettings
    batch = 10
    number_forms = (NumberPattern(form="JT[0-9]{13}", says=Confidence.CERTAIN, note="JT and 13 digits"),)
    statuses = {word: meaning for words, meaning in _TABLE.items() for word in words.split()}

    @classmethod
    def able(cls, settings: Any) -> Can:
        return cls.can if settings.customer_code and settings.customer_password else cls.can & ~(Can.BOOK | Can.CANCEL)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """A number without details is not known (yet)."""
        answer = await self._ask("/logistics/trace", {"billCodes": ",".join(leg.tracking_number for leg in legs)})
        return [scan for parcel in listed(answer, "data") for scan in self._scans(parcel)]

    def verify(self, request: Push) -> None:
        """Base64 MD5 of `bizContent` and the key, in the header `digest`."""
        try:
            said = form(request.body).get("bizContent", "")
        except BadPayload as error:
            raise BadSignature("jtexpress: not a form") from error
        if not same(request.headers.get("digest", ""), self._digest(said)):
            raise BadSignature("jtexpress: digest does not fit bizContent")

    def receive(self, request: Push) -> list[Scan]:
        said = load_object(form(request.body).get("bizContent", ""))
        if "details" in said:
            return self._scans(said)
        state, at = required(said, self.settings.order_status_field), text(said, self.settings.order_time_field)
        detail = {"scanType": f"order/{state}", "scanTime": at}
        return [self._scan(required(said, "billCode"), detail, request.received_at)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Any code but 1 brings the push again."""
        kept = outcome.verdict is Verdict.ACCEPTED
        no = {"code": "0", "msg": outcome.verdict.value, "data": "FAIL"}
        return Reply.json({"code": "1", "msg": "success", "data": "SUCCESS"} if kept else no)

    async def subscribe(self, leg: LegRef) -> None:
        wanted = {"waybillCode": leg.tracking_number, "traceNode": "1&3&4&5&6&7&8&9&10&11&12&13&14"}
        await self._ask("/trace/subscribe", {"id": self.settings.api_account, "list": [wanted]})

    async def book(self, parcel: Parcel, key: str) -> Booking:
        order = self._customer() | _ORDER | self.settings.order
        order |= {"expressType": parcel.service} if parcel.service else {}
        order |= {"sender": _party(parcel.sender), "receiver": _party(parcel.recipient), "remark": parcel.remark}
        order |= {"txlogisticId": key, "weight": f"{parcel.weight_g / 1000:.3f}"}
        answer = await self._ask("/order/addOrder", order, deed=True)
        with unread(deed=True):
            return _booking(inside(answer, "data"), key)

    async def find_booking(self, key: str) -> Booking | None:
        asked = {**self._customer(), "command": 1, "serialNumber": [key]}
        answer = await self._ask("/order/getOrders", asked, fine=self.settings.no_order_codes)
        found = [order for order in listed(answer, "data") if required(order, "txlogisticId") == key]
        return _booking(found[0], key) if found else None

    async def cancel(self, leg: LegRef) -> None:
        kind = (_ORDER | self.settings.order)["orderType"]
        order = {"orderType": kind, "txlogisticId": leg.reference, "reason": "客户取消"}
        await self._ask("/order/cancelOrder", self._customer() | order, deed=True, fine=self.settings.void_codes)

    async def _ask(self, path: str, said: object, deed: bool = False, fine: Sequence[str] = ()) -> dict[str, Any]:
        """A form of one field, its digest in a header. A code of `fine` is an empty yes, any other than 1 a no."""
        content, stamp = compact(said), str(int(self.clock().timestamp() * 1000))
        headers = {"apiAccount": self.settings.api_account, "digest": self._digest(content), "timestamp": stamp}
        mark = DEED if deed else None
        response = await self.http.post(path, data={"bizContent": content}, headers=headers, extensions=mark)
        with unread(deed=deed):
            answer = load_object(response.content)
            code, why = required(answer, "code"), text(answer, "msg")
        if code in {"1", *fine}:
            return answer if code == "1" else {"data": []}
        again = [code] if any(it in why.lower() for it in self.settings.busy_words) else self.settings.again_codes
        raise refusal(code, why, dict.fromkeys(again), self.settings.config_codes)

    def _digest(self, content: str) -> str:
        return md5_base64(content + self.settings.private_key.get_secret_value())

    def _customer(self) -> dict[str, Any]:
        customer, password = self.settings.customer_code, self.settings.customer_password
        if password is None:
            raise Refused("jtexpress: orders need customer_code and customer_password", config=True)
        cipher = md5_hex(password.get_secret_value() + "jadada236t2").upper()
        return {"customerCode": customer, "digest": self._digest(customer + cipher)}

    def _scans(self, parcel: Mapping[str, Any]) -> list[Scan]:
        return [self._scan(required(parcel, "billCode"), detail) for detail in listed(parcel, "details")]

    def _scan(self, number: str, detail: Mapping[str, Any], received_at: datetime | None = None) -> Scan:
        code, said = required(detail, "scanType"), text(detail, "desc")
        if code in {"11", "问题件扫描"} and (problem := text(detail, "problemType")):
            code = f"11/{problem}"
        elif code in {"10", "快件签收"} and text(detail, "scanTypeCode") == "101":
            code += "/101"
        status, reason = self.meaning(code)
        words, unless, told = _BY_TEXT.get(code, ("(?!)", "", status))
        by_text = says(said, words, unless)
        at, basis = received_at, Basis.GIVEN
        if at is None or text(detail, "scanTime"):
            at, basis = local_time(required(detail, "scanTime"), SHANGHAI), Basis.CARRIER_ZONE
        place = text(detail, "scanNetworkCity") or text(detail, "scanNetworkName")
        more: dict[str, Any] = {"status": told if by_text else status, "reason": reason, "inferred": by_text}
        return Scan(tracking_number=number, at=at, basis=basis, carrier_code=code, text=said, place=place, **more)


def _party(party: Party) -> dict[str, str]:
    at = party.address
    if at.country != "CN":
        raise Refused(f"jtexpress: books within China only, not to or from {at.country}")
    known = {"name": party.name, "company": party.company, "mobile": party.phone.removeprefix("+86")}
    place = {"countryCode": "CHN", "prov": at.region, "city": at.city, "area": at.district, "address": at.address}
    return {field: value for field, value in (known | place).items() if value}


def _booking(order: Mapping[str, Any], key: str) -> Booking:
    """billCode is one number or a list of them; the first is the parcel's."""
    numbers = order.get("billCode")
    first = {"billCode": numbers[0] if numbers else None} if isinstance(numbers, list) else order
    extra = {name: text(order, name) for name in ("sortingCode", "lastCenterName", "sumFreight") if order.get(name)}
    return Booking(tracking_number=required(first, "billCode"), reference=key, extra=extra)
