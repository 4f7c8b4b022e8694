"""Aliyun SMS, from its side: SendSms and QuerySendDetails with ACS3, and the unsigned report. Sheet: aliyun-sms.md.

Sending twice sends twice, as the vendor says. A number that ends in `REFUSED` is refused at once, one in `UNREACHABLE`
is accepted and reported as failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import hmac_sha256, same
from gateway.domain import Channel
from gateway.sandbox.door import respond
from gateway.sandbox.providers.aliyun_wire import (
    REFUSED,
    UNREACHABLE,
    agreed,
    all_texts,
    detail_of,
    escaped,
    gateway_refusal,
    mainland,
    refused,
)
from gateway.sandbox.providers.approved import approved
from gateway.sandbox.records import Ask, Done, ReceivedMessage
from gateway.sandbox.wire import SHANGHAI, form_of, json_push, parsed, shanghai
from gateway.sandbox.world import World

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
                return Done(reply=refusal or gateway_refusal("InvalidAction.NotFound", 404))
            self._nonces.add(request.headers["x-acs-signature-nonce"])
            return deeds[operation](params)

        return await respond(self.world, request, ask, deed, lambda: refused("isv.BUSINESS_LIMIT_CONTROL"))

    # the signature

    def _gate(self, request: web.Request, raw: bytes) -> Reply | None:
        headers = request.headers
        if any(name not in headers for name in _HEADERS):
            return gateway_refusal("IncompleteSignature")
        given = dict(part.partition("=")[::2] for part in headers.get("Authorization", "").partition(" ")[2].split(","))
        if given.get("Credential") != self.world.accounts.aliyun_access_key_id:
            return gateway_refusal("InvalidAccessKeyId.NotFound", 404)
        if not self._authentic(request, raw, given):
            return gateway_refusal("SignatureDoesNotMatch")
        if not self._timely(headers["x-acs-date"]):
            return gateway_refusal("InvalidTimeStamp.Expired")
        return gateway_refusal("SignatureNonceUsed") if headers["x-acs-signature-nonce"] in self._nonces else None

    def _authentic(self, request: web.Request, raw: bytes, given: Mapping[str, str]) -> bool:
        signed = given.get("SignedHeaders", "").split(";")
        needed = {"host", *_HEADERS, *(name for name in map(str.lower, request.headers) if name.startswith("x-acs-"))}
        if not needed <= set(signed) or request.headers["x-acs-content-sha256"] != hashlib.sha256(raw).hexdigest():
            return False
        query = sorted((escaped(name), escaped(value)) for name, value in request.query.items())
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
        phone, template = mainland(params.get("PhoneNumbers", "")), params.get("TemplateCode", "")
        values = parsed(params.get("TemplateParam", "") or "{}")
        if problem := self._problem(phone, template, values, params):
            return Done(reply=refused(problem))
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
        return Done(reply=agreed({"BizId": biz}), effective=True)

    def _problem(
        self, phone: str, template: str, values: Mapping[str, object] | None, params: Mapping[str, str]
    ) -> str | None:
        """The code of the first thing that is wrong, None when it can be sent."""
        known = approved(self.code).get(template)
        checks = (
            (not phone.isdigit() or len(phone) < 8 or phone.endswith(REFUSED), "isv.MOBILE_NUMBER_ILLEGAL"),
            (params.get("SignName") != self.world.accounts.aliyun_sign_name, "isv.SMS_SIGNATURE_ILLEGAL"),
            (known is None, "isv.SMS_TEMPLATE_ILLEGAL"),
            (not all_texts(values), "isv.INVALID_JSON_PARAM"),
            (known is not None and not set(known.variables) <= set(values or ()), "isv.TEMPLATE_MISSING_PARAMETERS"),
            (any("http" in str(value) for value in (values or {}).values()), "isv.PARAM_NOT_SUPPORT_URL"),
        )
        return next((code for wrong, code in checks if wrong), None)

    def _find(self, params: Mapping[str, str]) -> Done:
        """QuerySendDetails: one day's messages to a number, newest first."""
        phone, day = mainland(params.get("PhoneNumber", "")), params.get("SendDate", "")
        rows = [
            detail_of(one)
            for one in reversed(self.world.received(Channel.SMS, phone))
            if one.at.astimezone(SHANGHAI).strftime("%Y%m%d") == day
            and params.get("BizId", one.provider_id) in ("", one.provider_id)
        ]
        size = int(params.get("PageSize") or 10)
        start = (int(params.get("CurrentPage") or 1) - 1) * size
        page = {"SmsSendDetailDTO": rows[start : start + size]}
        return Done(reply=agreed({"TotalCount": str(len(rows)), "SmsSendDetailDTOs": page}))

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
