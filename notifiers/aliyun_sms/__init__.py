"""Aliyun SMS (Dysmsapi 2017-05-25): SendSms, QuerySendDetails, and the SmsReport and SmsUp pushes.

Sheet: notifiers/aliyun-sms.md. Parameters travel in the query string of a POST with an empty body, as in the vendor's
SDK. The vendor dedupes nothing, so every message carries our id as OutId and is looked up by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any

import httpx

from gateway.contract.carrier import DEED, Push, Reply
from gateway.contract.errors import BadPayload, OutcomeUnknown, Refused, Unavailable
from gateway.contract.notifier import Found, Notifier
from gateway.contract.reading import SHANGHAI, as_object, load_json, load_object, objects, required, text
from gateway.contract.signing import compact, only_by_path
from gateway.contract.writing import filled_template
from gateway.domain import Channel, Message, Receipt
from notifiers.aliyun_sms.numbers import provider_number
from notifiers.aliyun_sms.receipts import receipt
from notifiers.aliyun_sms.settings import AliyunSmsSettings
from notifiers.aliyun_sms.signatures import acs3, canonical, rpc
from notifiers.aliyun_sms.wire import gateway_problem, problem

DEFAULT_LIMIT = 20  # characters of a variable whose length the configuration does not give
PAGE, KEPT_DAYS = "50", 30  # of QuerySendDetails: rows at most, days it can look back
VERSION = "2017-05-25"


class AliyunSmsNotifier(Notifier):
    """阿里云短信 by signed query strings; what became of a message comes by push, and can be looked up by OutId."""

    code = "aliyun_sms"
    channel = Channel.SMS
    Settings = AliyunSmsSettings
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
        """Not signed."""
        only_by_path(request)

    def receipts(self, request: Push) -> list[Receipt]:
        """Reports and replies, several in one push."""
        items = load_json(request.body)
        if not isinstance(items, list):
            raise BadPayload("body: a list was expected", raw=request.body)
        read = [receipt(item) for item in objects(items, "body")]
        return [found for found in read if found is not None]

    def acknowledge(self, request: Push, *, accepted: bool) -> Reply:
        """Of a 200 only "code is a number" is looked at, so a no has to be a 5xx: it is pushed again."""
        return Reply.json({"code": 0, "msg": "OK"}) if accepted else Reply.json({"code": 1, "msg": "NO"}, status=503)

    def _parameters(self, message: Message, address: str) -> dict[str, str]:
        template, values = filled_template(message, DEFAULT_LIMIT)
        given = {"PhoneNumbers": provider_number(address), "SignName": self.settings.sign_name}
        given |= {"TemplateCode": template.id, "OutId": message.id}
        return given | ({"TemplateParam": compact(values)} if values else {})

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
            raise gateway_problem(refused) from refused
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
