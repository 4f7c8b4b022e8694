"""Aliyun SMS, from its side: SendSms and QuerySendDetails with ACS3, and the unsigned report. Sheet: aliyun-sms.md.

Sending twice sends twice, as the vendor says. A number that ends in `REFUSED` is refused at once, one in `UNREACHABLE`
is accepted and reported as failed.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import hmac_sha256, same
from gateway.domain import Channel
from gateway.sandbox.door import respond
from gateway.sandbox.providers.approved import approved
from gateway.sandbox.wire import SHANGHAI, form_of, json_push, parsed, shanghai
from gateway.sandbox.world import Ask, Done, ReceivedMessage, World

REFUSED, UNREACHABLE = "9901", "9902"
_OPERATIONS = {"SendSms": "send", "QuerySendDetails": "find"}
_HEADERS = ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
_WINDOW = timedelta(minutes=15)


class Aliyun:
    """Answers business errors with HTTP 200 and a Code, those of its gateway with HTTP 400."""

    code = "aliyun"

    def __init__(self, world: World) -> None:
        self.world = world
        self._nonces: set[str] = set()

    def routes(self, prefix: str = "/aliyun") -> list[web.RouteDef]:
        return [web.post(prefix, self.service), web.post(f"{prefix}/", self.service)]

    async def service(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        params = {**request.query, **form_of(raw)}
        operation = _OPERATIONS.get(request.headers.get("x-acs-action", ""), "unknown")
        refusal = self._gate(request, raw)
        deeds: dict[str, Callable[[Mapping[str, str]], Done]] = {"send": self._send, "find": self._find}
        ask = Ask(
            provider=self.code,
            operation=operation,
            key=params.get("OutId", params.get("BizId", "")),
            number=params.get("PhoneNumbers", params.get("PhoneNumber", "")),
            summary=params,
        )

        def deed() -> Done:
            if refusal or operation not in deeds:
                return Done(reply=refusal or _gateway("InvalidAction.NotFound", 404))
            self._nonces.add(request.headers["x-acs-signature-nonce"])
            return deeds[operation](params)

        return await respond(self.world, request, ask, deed, lambda: _no("isv.BUSINESS_LIMIT_CONTROL"))

    # the signature

    def _gate(self, request: web.Request, raw: bytes) -> Reply | None:
        headers = request.headers
        if any(name not in headers for name in _HEADERS):
            return _gateway("IncompleteSignature")
        given = dict(part.partition("=")[::2] for part in headers.get("Authorization", "").partition(" ")[2].split(","))
        if given.get("Credential") != self.world.accounts.aliyun_access_key_id:
            return _gateway("InvalidAccessKeyId.NotFound", 404)
        if not self._authentic(request, raw, given):
            return _gateway("SignatureDoesNotMatch")
        if not self._timely(headers["x-acs-date"]):
            return _gateway("InvalidTimeStamp.Expired")
        return _gateway("SignatureNonceUsed") if headers["x-acs-signature-nonce"] in self._nonces else None

    def _authentic(self, request: web.Request, raw: bytes, given: Mapping[str, str]) -> bool:
        signed = given.get("SignedHeaders", "").split(";")
        needed = {"host", *_HEADERS, *(name for name in map(str.lower, request.headers) if name.startswith("x-acs-"))}
        if not needed <= set(signed) or request.headers["x-acs-content-sha256"] != hashlib.sha256(raw).hexdigest():
            return False
        query = sorted((_escaped(name), _escaped(value)) for name, value in request.query.items())
        lines = [f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed]
        canonical = "\n".join(
            (
                request.method,
                request.rel_url.raw_path,
                "&".join(f"{name}={value}" for name, value in query),
                "".join(lines),
                ";".join(signed),
                request.headers["x-acs-content-sha256"],
            )
        )
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        return same(given.get("Signature", ""), hmac_sha256(self.world.accounts.aliyun_access_key_secret, text).hex())

    def _timely(self, date: str) -> bool:
        try:
            at = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            return False
        return abs(self.world.clock() - at) <= _WINDOW

    # the actions

    def _send(self, params: Mapping[str, str]) -> Done:
        phone, template = _mainland(params.get("PhoneNumbers", "")), params.get("TemplateCode", "")
        values = parsed(params.get("TemplateParam", "") or "{}")
        if problem := self._problem(phone, template, values, params):
            return Done(reply=_no(problem))
        biz = f"{self.world.serial():018d}^0"
        given = {name: str(value) for name, value in (values or {}).items()}
        self.world.messages.append(
            ReceivedMessage(
                at=self.world.clock(),
                provider=self.code,
                channel=Channel.SMS,
                to=phone,
                id=params.get("OutId", ""),
                provider_id=biz,
                template=template,
                title=params["SignName"],
                text=approved(self.code)[template].filled(given),
                params=given,
            )
        )
        return Done(reply=_yes({"BizId": biz}), effective=True)

    def _problem(
        self, phone: str, template: str, values: Mapping[str, object] | None, params: Mapping[str, str]
    ) -> str | None:
        """The code of the first thing that is wrong, None when it can be sent."""
        known = approved(self.code).get(template)
        checks = (
            (not phone.isdigit() or len(phone) < 8 or phone.endswith(REFUSED), "isv.MOBILE_NUMBER_ILLEGAL"),
            (params.get("SignName") != self.world.accounts.aliyun_sign_name, "isv.SMS_SIGNATURE_ILLEGAL"),
            (known is None, "isv.SMS_TEMPLATE_ILLEGAL"),
            (not _all_texts(values), "isv.INVALID_JSON_PARAM"),
            (known is not None and not set(known.variables) <= set(values or ()), "isv.TEMPLATE_MISSING_PARAMETERS"),
            (any("http" in str(value) for value in (values or {}).values()), "isv.PARAM_NOT_SUPPORT_URL"),
        )
        return next((code for wrong, code in checks if wrong), None)

    def _find(self, params: Mapping[str, str]) -> Done:
        """QuerySendDetails: one day's messages to a number, newest first."""
        phone, day = _mainland(params.get("PhoneNumber", "")), params.get("SendDate", "")
        rows = [
            _detail(one)
            for one in reversed(self.world.received(Channel.SMS, phone))
            if one.at.astimezone(SHANGHAI).strftime("%Y%m%d") == day
            and params.get("BizId", one.provider_id) in ("", one.provider_id)
        ]
        size = int(params.get("PageSize") or 10)
        start = (int(params.get("CurrentPage") or 1) - 1) * size
        page = {"SmsSendDetailDTO": rows[start : start + size]}
        return Done(reply=_yes({"TotalCount": str(len(rows)), "SmsSendDetailDTOs": page}))

    # the report

    def receipt(self, message: ReceivedMessage, *, row: str = "sms") -> Push:
        """The SmsReport of one message, to the notifier row's receipt address."""
        failed = message.to.endswith(UNREACHABLE)
        report = {
            "phone_number": message.to,
            "send_time": shanghai(message.at),
            "report_time": shanghai(self.world.clock()),
            "success": not failed,
            "err_code": "MOBILE_NOT_ON_SERVICE" if failed else "DELIVERED",
            "err_msg": "号码停机" if failed else "用户接收成功",
            "sms_size": "1",
            "biz_id": message.provider_id,
            "out_id": message.id,
        }
        token = self.world.accounts.aliyun_token
        return json_push(f"/webhooks/notifiers/{row}/{token}", [report], token=token)

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        """The vendor looks only at the status, and that the code is a number."""
        return status == 200 and isinstance((parsed(body) or {}).get("code"), int)


def _escaped(text: str) -> str:
    return quote(text, safe="~")


def _mainland(phone: str) -> str:
    """The bare eleven digits of a mainland number however it was written; others without the plus."""
    digits = phone.removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def _all_texts(values: Mapping[str, object] | None) -> bool:
    return values is not None and all(isinstance(value, str) for value in values.values())


def _detail(message: ReceivedMessage) -> dict[str, object]:
    failed = message.to.endswith(UNREACHABLE)
    return {
        "PhoneNum": message.to,
        "SendStatus": 2 if failed else 3,
        "ErrCode": "MOBILE_NOT_ON_SERVICE" if failed else "DELIVERED",
        "TemplateCode": message.template,
        "Content": f"【{message.title}】{message.text}",
        "SendDate": shanghai(message.at),
        "ReceiveDate": shanghai(message.at),
        "OutId": message.id,
    }


def _answer(code: str, message: str, extra: Mapping[str, object], status: int) -> Reply:
    request = {"RequestId": str(uuid.uuid4()).upper()}
    return Reply.json({"Code": code, "Message": message, **request, **extra}, status=status)


def _yes(extra: Mapping[str, object]) -> Reply:
    return _answer("OK", "OK", extra, 200)


def _no(code: str) -> Reply:
    texts = {"isv.BUSINESS_LIMIT_CONTROL": "触发天级流控Permits:10"}
    return _answer(code, texts.get(code, code), {}, 200)


def _gateway(code: str, status: int = 400) -> Reply:
    return _answer(code, code, {"HostId": "sandbox"}, status)
