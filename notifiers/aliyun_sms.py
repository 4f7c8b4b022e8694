"""Aliyun SMS (Dysmsapi 2017-05-25): SendSms, QuerySendDetails, and the SmsReport and SmsUp pushes.

Sheet: notifiers/aliyun-sms.md. Parameters travel in the query string of a POST with an empty body, as in the vendor's
SDK. The vendor dedupes nothing, so every message carries our id as OutId and is looked up by it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import Field

from gateway.contract import Found, Notifier, NotifierSettings, Push, Reply, Secret, Unavailable
from gateway.contract.carrier import DEED
from gateway.contract.errors import BadPayload, BadSignature, ContractError, OutcomeUnknown, RecipientInvalid, Refused
from gateway.contract.reading import SHANGHAI, as_object, load_json, load_object, local_time, objects, required, text
from gateway.contract.signing import hmac_sha256
from gateway.domain import Channel, Message, MessageState, Receipt

#: Account, signature name or template are wrong: every further call is refused too. Other codes: see `problem`.
CONFIG = frozenset({
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.OUT_OF_SERVICE",
    "isv.AMOUNT_NOT_ENOUGH", "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.PRODUCT_UNSUBSCRIBE", "isp.RAM_PERMISSION_DENY", "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL",
    "isv.SMS_SIGN_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.EXTEND_CODE_ERROR",
    "isv.DENY_IP_RANGE", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidTimeStamp.Expired",
})  # fmt: skip
#: The windows of a BUSINESS_LIMIT_CONTROL that are worth waiting for, in seconds; a day's (天级) means next channel.
WINDOWS = {"分钟级": 60.0, "小时级": 3600.0}
OPT_OUT_WORDS = frozenset({"T", "TD", "N", "R", "退订"})
DEFAULT_LIMIT = 20  # characters of a variable whose length the configuration does not give
PAGE, KEPT_DAYS = "50", 30  # of QuerySendDetails: rows at most, days it can look back
VERSION = "2017-05-25"


class AliyunSettings(NotifierSettings):
    base_url: str = Field(default="https://dysmsapi.aliyuncs.com", pattern=r"^https?://[^\s]+$")
    access_key_id: str = Field(min_length=1)
    access_key_secret: Secret
    security_token: Secret | None = None  #: with temporary (STS) keys
    sign_name: str = Field(min_length=1)  #: without the brackets
    signature: Literal["acs3", "rpc"] = "acs3"  #: rpc: the old HMAC-SHA1 form, for old keys and proxies
    region_id: str = "cn-hangzhou"  #: of the rpc form
    settle_seconds: float = Field(default=600, ge=0)  #: until then a message without a record may still get one


class AliyunSms(Notifier):
    code = "aliyun_sms"
    channel = Channel.SMS
    Settings = AliyunSettings
    needs_template = True
    trusted_path = True

    async def send(self, message: Message, address: str) -> str:
        """The BizId. Raise RecipientInvalid for an address that is not E.164."""
        parameters = self._parameters(message, address)
        try:
            return text(await self._call("SendSms", parameters, extensions=DEED), "BizId")
        except BadPayload as error:
            raise OutcomeUnknown(f"SendSms: {error.detail}") from error

    async def find(self, message: Message, address: str) -> Found:
        """By OutId, in the records of every day since it was decided. Unavailable while a record may still appear."""
        now, sure = self.clock(), True
        first = message.created_at.astimezone(SHANGHAI).date()
        days = (now.astimezone(SHANGHAI).date() - first).days
        for day in range(min(max(days, 0), KEPT_DAYS - 1) + 1):
            found = await self._recorded(message.id, address, first + timedelta(days=day))
            if found is Found.SENT:
                return found
            sure = sure and found is Found.NOT_SENT
        wait = self.settings.settle_seconds - (now - message.created_at).total_seconds()
        if wait > 0:
            raise Unavailable("no record of the message yet", retry_after=wait)
        return Found.NOT_SENT if sure else Found.CANNOT_TELL

    def verify(self, request: Push) -> None:
        if request.token is None:
            raise BadSignature("receipts are not signed: they are taken on the secret path only")

    def receipts(self, request: Push) -> list[Receipt]:
        items = load_json(request.body)
        if not isinstance(items, list):
            raise BadPayload("body: a list was expected", raw=request.body)
        read = [_reply(item) if "content" in item else _report(item) for item in objects(items, "body")]
        return [receipt for receipt in read if receipt is not None]

    def acknowledge(self, request: Push, *, accepted: bool) -> Reply:
        """Of a 200 only "code is a number" is looked at, so a no has to be a 5xx: it is pushed again."""
        return Reply.json({"code": 0, "msg": "OK"}) if accepted else Reply.json({"code": 1, "msg": "NO"}, status=503)

    def _parameters(self, message: Message, address: str) -> dict[str, str]:
        template = message.template
        if template is None:
            raise Refused("no approved template is configured for this message")
        values = {}
        for field, ours in template.params.items():
            if ours not in message.params:
                raise Refused(f"template {template.id}: the message has no parameter {ours!r}")
            values[field] = message.params[ours][: template.limits.get(field, DEFAULT_LIMIT)]
        given = {"PhoneNumbers": provider_number(address), "SignName": self.settings.sign_name}
        given |= {"TemplateCode": template.id, "OutId": message.id}
        values_text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        return given | ({"TemplateParam": values_text} if values else {})

    async def _recorded(self, out_id: str, address: str, day: date) -> Found:
        """Whether a day's records hold our OutId. Records are known to be counted yet not listed: nobody can tell."""
        query = {"PhoneNumber": provider_number(address), "SendDate": f"{day:%Y%m%d}", "PageSize": PAGE}
        seen = total = 0
        for page in range(1, 41):  # nobody gets 2000 a day: an answer without end is no answer
            answer = await self._call("QuerySendDetails", {**query, "CurrentPage": str(page)})
            count, listed = required(answer, "TotalCount"), answer.get("SmsSendDetailDTOs")
            rows = [] if listed is None else objects(as_object(listed, "DTOs").get("SmsSendDetailDTO"), "DTO")
            if any(text(row, "OutId") == out_id for row in rows):
                return Found.SENT  # waiting, failed or delivered: the provider has it
            if not count.isdecimal():
                raise BadPayload("TotalCount: is not a number")
            seen, total = seen + len(rows), int(count)
            if seen >= total or not rows:
                break
        return Found.NOT_SENT if seen >= total else Found.CANNOT_TELL

    async def _call(self, action: str, parameters: Mapping[str, str], **options: Any) -> dict[str, Any]:
        """The answer to an action, when its Code is OK. Raise BadPayload for one that cannot be read."""
        url = httpx.URL(self.settings.base_url.rstrip("/") + "/")
        headers, query = self._signed(action, parameters, url)
        try:
            response = await self.http.post(f"{url}?{query}", headers=headers, content=b"", **options)
        except Refused as refused:
            raise _gateway_problem(refused) from refused
        answer = load_object(response.content)
        code = required(answer, "Code")
        if code != "OK":
            raise problem(code, text(answer, "Message"))
        return answer

    def _signed(self, action: str, parameters: Mapping[str, str], url: httpx.URL) -> tuple[dict[str, str], str]:
        """Headers and query string, signed as the settings say."""
        own, secret = self.settings, self.settings.access_key_secret.get_secret_value()
        sts = own.security_token.get_secret_value() if own.security_token else ""
        now = f"{self.clock().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if own.signature == "rpc":
            extra = {"Action": action, "Version": VERSION, "Format": "JSON", "RegionId": own.region_id}
            extra |= {"AccessKeyId": own.access_key_id, "SignatureNonce": self.nonce(), "Timestamp": now}
            extra |= {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}
            signed = {**parameters, **extra, **({"SecurityToken": sts} if sts else {})}
            return {}, canonical({**signed, "Signature": rpc(signed, secret)})
        headers = {"host": url.netloc.decode(), "x-acs-action": action, "x-acs-version": VERSION, "x-acs-date": now}
        headers |= {"x-acs-signature-nonce": self.nonce(), "x-acs-content-sha256": hashlib.sha256(b"").hexdigest()}
        headers |= {"x-acs-security-token": sts} if sts else {}
        query = canonical(parameters)
        headers["authorization"] = acs3(url.path, query, headers, own.access_key_id, secret)
        return headers, query


def canonical(parameters: Mapping[str, str]) -> str:
    """The query string, sorted by code point and percent-encoded by RFC 3986."""
    return "&".join(f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters))


def acs3(path: str, query: str, headers: Mapping[str, str], key_id: str, secret: str) -> str:
    """The Authorization of a POST. headers: lower case, all of them signed, x-acs-content-sha256 among them."""
    names = ";".join(sorted(headers))
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join(("POST", path, query, block, names, headers["x-acs-content-sha256"]))
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = hmac_sha256(secret, f"ACS3-HMAC-SHA256\n{digest}").hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def rpc(parameters: Mapping[str, str], secret: str) -> str:
    """The Signature of the old form: the canonical query is encoded a second time."""
    to_sign = f"POST&%2F&{quote(canonical(parameters), safe='~')}"
    return b64encode(hmac.digest(f"{secret}&".encode(), to_sign.encode(), "sha1")).decode()


def provider_number(address: str) -> str:
    """E.164 to the provider's form: mainland numbers bare, others as country code and number without the plus."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", address):
        raise RecipientInvalid("the address is not a phone number in E.164 form")
    return address.removeprefix("+86") if address.startswith("+86") else address[1:]


def our_number(number: str) -> str | None:
    """The provider's form to E.164. Eleven digits from 13 to 19 are a mainland number, as the provider reads them."""
    digits = number.removeprefix("+").removeprefix("00")
    if re.fullmatch(r"1[3-9][0-9]{9}", digits):
        return f"+86{digits}"
    return f"+{digits}" if re.fullmatch(r"[1-9][0-9]{6,14}", digits) else None


def problem(code: str, said: str) -> ContractError:
    """What a Code means. An unlisted `isp.*` is their trouble and passes; anything else unlisted is this message's."""
    detail = f"{code}: {re.sub(r'[0-9]{7,}', '*', said)[:200]}"
    if code == "isv.MOBILE_NUMBER_ILLEGAL":
        return RecipientInvalid(detail, code=code)
    if code == "SignatureNonceUsed":  # the gateway has already seen this very request
        return OutcomeUnknown(detail, code=code)
    wait = next((seconds for window, seconds in WINDOWS.items() if window in said), None)
    if code == "isv.BUSINESS_LIMIT_CONTROL" and wait:
        return Unavailable(detail, code=code, retry_after=wait)
    if code.split(".")[0] == "Throttling":
        return Unavailable(detail, code=code, retry_after=5)
    if code not in CONFIG and code.startswith(("isp.", "ServiceUnavailable", "InternalError")):
        return Unavailable(detail, code=code)
    return Refused(detail, code=code, config=code in CONFIG or code.startswith("InvalidAccessKeyId"))


def _gateway_problem(refused: Refused) -> ContractError:
    """What a 4xx means: its body has a Code and a Message too."""
    try:
        answer = load_object(refused.body)
        code, said = required(answer, "Code"), text(answer, "Message")
    except BadPayload:
        return refused
    error = problem(code, said)
    if isinstance(error, Refused):
        error.status, error.body, error.config = refused.status, refused.body, error.config or refused.config
    return refused if code == "OK" else error


def _report(item: Mapping[str, Any]) -> Receipt:
    """One SmsReport; its times are Asia/Shanghai without saying so."""
    code, at = text(item, "err_code"), text(item, "report_time")
    failed = required(item, "success").lower() != "true"
    return Receipt(
        provider_id=text(item, "biz_id") or None,
        message_id=text(item, "out_id") or None,
        state=MessageState.FAILED if failed else MessageState.DELIVERED,
        code=code,
        detail=text(item, "err_msg"),
        at=local_time(at, SHANGHAI, "report_time") if at else None,
        address=our_number(text(item, "phone_number")),
        opted_out=failed and code in {"MOBILE_IN_BLACK", "USER_REJECT"},
        suspect=failed and code in {"MOBILE_NOT_ON_SERVICE", "INVALID_NUMBER"},
    )


def _reply(item: Mapping[str, Any]) -> Receipt | None:
    """One SmsUp: only a wish to hear no more is our business."""
    word = unicodedata.normalize("NFKC", text(item, "content")).strip().upper()
    if word not in OPT_OUT_WORDS:
        return None
    address, at = our_number(required(item, "phone_number")), text(item, "send_time")
    if address is None:
        raise BadPayload("phone_number: is not a phone number")
    when = local_time(at, SHANGHAI, "send_time") if at else None
    return Receipt(code=word, at=when, address=address, opted_out=True)
