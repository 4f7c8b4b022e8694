"""WeChat official account (服务号): template messages, and the events WeChat sends back in safe mode.

Sheet: notifiers/wechat-official-account.md. `client_msg_id` makes WeChat swallow a repeat for about a minute. A POST in
plain mode is not authenticated (its signature does not cover the body), so only safe mode (AES) is accepted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring
from pydantic import Field, SecretStr, field_validator

from gateway.contract import Notifier, NotifierSettings, Push, RecipientInvalid, RecipientOptedOut, Reply, Secret
from gateway.contract.carrier import DEED
from gateway.contract.errors import BadPayload, BadSignature, ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.contract.reading import SHANGHAI, epoch_time, load_object, required, text, unreadable
from gateway.contract.signing import same
from gateway.contract.tokens import Token, TokenCache
from gateway.domain import Channel, Message, MessageState, Receipt

LIMIT = 20  #: characters of a field that are shown; more is cut silently by WeChat
STALE = 300  #: seconds a callback's timestamp may be off
TOKEN_REFUSED = frozenset({"40001", "40014", "42001", "41001"})  #: drop the token, try once more
DUPLICATE = "40241"  #: the same client_msg_id to the same person a moment ago: it has been sent
#: Appid, secret, address list, permission or template: every further call is refused too.
CONFIG = TOKEN_REFUSED | {
    "40013", "40125", "40243", "40164", "89503", "50004", "50007", "48001", "48004", "61024", "40037", "41030", "43116",
}  # fmt: skip
INVALID = frozenset({"40003", "50002", "50005"})
OPTED_OUT = frozenset({"43004", "43019", "43101", "45015"})
#: Seconds to wait; 45009 lasts until midnight. 43117 (too often to this person) is not here: next channel.
WAIT = {"45011": 60.0, "45047": 60.0}
JSON = {"content-type": "application/json"}
_TOKEN = re.compile(r"(?<=[?&]access_token=)[^&\s\"']+")


class WechatSettings(NotifierSettings):
    base_url: str = Field(default="https://api.weixin.qq.com", pattern=r"^https?://[^\s]+$")
    appid: str = Field(min_length=1)
    secret: Secret
    token: Secret | None = None  #: of the callback server; without it no callback is believed
    encoding_aes_key: Secret | None = None  #: 43 letters and digits; without it (plain mode) no POST is believed

    @field_validator("encoding_aes_key")
    @classmethod
    def _aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9]{43}", value.get_secret_value()):
            raise ValueError("43 letters and digits, as shown in the account's console")
        return value


class WechatOfficialAccount(Notifier):
    code = "wechat_official_account"
    channel = Channel.WECHAT
    Settings = WechatSettings
    needs_template = True
    repeat_safe_for = 60  # client_msg_id; newer vendor pages say 600, field reports 60

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch, self.clock, margin=60)

    async def send(self, message: Message, address: str) -> str:
        """The msgid; empty when WeChat says that it has sent this message already."""
        body, token = _body(message, address), await self._tokens.get()
        try:
            return await self._post(token, body)
        except Refused as refused:
            if refused.code not in TOKEN_REFUSED:
                raise
        self._tokens.drop(token)  # unless another send has fetched a new one meanwhile
        return await self._post(await self._tokens.get(), body)

    async def _post(self, token: str, body: bytes) -> str:
        logging.getLogger("httpx").addFilter(without_token)
        url = f"/cgi-bin/message/template/send?access_token={quote(token, safe='')}"
        try:
            response = await self.http.post(url, content=body, headers=JSON, extensions=DEED)
            answer = load_object(response.content)
            code, msgid = text(answer, "errcode"), text(answer, "msgid")
        except Unavailable as error:
            if not error.code.startswith("5"):
                raise
            raise OutcomeUnknown(error.detail, code=error.code) from error  # a 5xx may have been sent
        except BadPayload as error:
            raise OutcomeUnknown(f"the answer: {error.detail}") from error
        if code not in {"", "0", DUPLICATE}:
            raise problem(code, text(answer, "errmsg"), self.clock())
        if not code and not msgid:
            raise OutcomeUnknown("the answer has neither errcode nor msgid")
        return msgid

    async def _fetch(self) -> Token:
        """A stable token: any number of processes may ask, all get the same one."""
        own = self.settings
        asked = {"grant_type": "client_credential", "appid": own.appid, "secret": own.secret.get_secret_value()}
        body = json.dumps({**asked, "force_refresh": False}).encode()
        answer = load_object((await self.http.post("/cgi-bin/stable_token", content=body, headers=JSON)).content)
        code = text(answer, "errcode")
        if code not in {"", "0"}:
            raise problem(code, text(answer, "errmsg"), self.clock())
        with unreadable("expires_in", answer.get("expires_in")):
            end = self.clock() + timedelta(seconds=float(required(answer, "expires_in")))
        return Token(value=required(answer, "access_token"), expires_at=end)

    def handshake(self, request: Push) -> Reply:
        """WeChat checks the address: its echostr goes back as it is."""
        self._check("signature", request)
        return Reply(body=request.query.get("echostr", "").encode("utf-8", "replace"), content_type="text/plain")

    def verify(self, request: Push) -> None:
        if self.settings.encoding_aes_key is None or request.query.get("encrypt_type") != "aes":
            raise BadSignature("plain mode does not sign the body: safe mode and its encoding_aes_key are needed")
        try:
            outer = parsed(request.body)
            self._check("msg_signature", request, _leaf(outer, "Encrypt"))
            inner = self._decrypted(outer)
        except BadPayload as error:
            raise BadSignature(error.detail) from error
        if _leaf(outer, "ToUserName").encode() not in inner:  # the one thing outside that no signature covers
            raise BadSignature("ToUserName: is another one inside")

    def receipts(self, request: Push) -> list[Receipt]:
        event = parsed(self._decrypted(parsed(request.body)))
        read = EVENTS.get(_leaf(event, "Event").lower())
        return read(event) if read else []

    def acknowledge(self, request: Push, *, accepted: bool) -> Reply:
        """WeChat tries three times in all until it reads `success` within 5 s."""
        return Reply(status=200 if accepted else 503, body=b"success" if accepted else b"no", content_type="text/plain")

    def _check(self, name: str, request: Push, *parts: str) -> None:
        """Raise BadSignature unless the query is signed by our token and fresh: nonces are not remembered."""
        given = [request.query.get(field, "") for field in ("timestamp", "nonce")]
        if self.settings.token is None:
            raise BadSignature("no callback token is configured")
        if not same(request.query.get(name, ""), signature(self.settings.token.get_secret_value(), *given, *parts)):
            raise BadSignature(f"{name} is wrong or missing")
        now = (request.received_at or self.clock()).timestamp()
        if not re.fullmatch(r"[0-9]{1,12}", given[0]) or abs(now - int(given[0])) > STALE:
            raise BadSignature("the timestamp is too old")

    def _decrypted(self, outer: Element) -> bytes:
        """The XML inside Encrypt. Raise BadPayload for what our key does not open, and for another account's."""
        if self.settings.encoding_aes_key is None:
            raise BadPayload("Encrypt: there is no encoding_aes_key")
        xml, appid = decrypted(_leaf(outer, "Encrypt"), self.settings.encoding_aes_key.get_secret_value())
        if appid != self.settings.appid.encode():
            raise BadPayload("Encrypt: is for another appid")
        return xml


def without_token(record: logging.LogRecord) -> bool:
    """A filter for httpx's logger, which writes the URL of every request."""
    if isinstance(record.args, tuple):
        record.args = tuple(_TOKEN.sub("***", str(arg)) if "token=" in str(arg) else arg for arg in record.args)
    return True


def _body(message: Message, address: str) -> bytes:
    template = message.template
    if template is None:
        raise Refused("no approved template is configured for this message")
    data = {}
    for field, ours in template.params.items():
        if ours not in message.params:
            raise Refused(f"template {template.id}: the message has no parameter {ours!r}")
        shown = " ".join(message.params[ours].split())  # line breaks are refused
        data[field] = {"value": shown[: template.limits.get(field, LIMIT)]}
    body = {"touser": address, "template_id": template.id, "client_msg_id": message.id, "data": data}
    return json.dumps(body | ({"url": message.link} if message.link else {}), ensure_ascii=False).encode()


def problem(code: str, said: str, now: datetime) -> ContractError:
    """What an errcode means; an unlisted one is this message's fault. errmsg ends with the rid support asks for."""
    detail = f"{code}: {said[:200]}"
    if code in INVALID:
        return RecipientInvalid(detail, code=code)
    if code in OPTED_OUT:
        return RecipientOptedOut(detail, code=code)
    if code == "-1" or code in WAIT:
        return Unavailable(detail, code=code, retry_after=WAIT.get(code))
    if code == "45009":
        local = now.astimezone(SHANGHAI)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Unavailable(detail, code=code, retry_after=(midnight - local).total_seconds())
    return Refused(detail, code=code, config=code in CONFIG)


def signature(*parts: str) -> str:
    """sha1 of the parts in plain string order."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "backslashreplace")).hexdigest()


def decrypted(encrypt: str, key: str) -> tuple[bytes, bytes]:
    """XML and appid. AES-CBC, IV = the key's beginning, PKCS#7 with blocks of 32. Raise BadPayload."""
    try:
        aes = b64decode(f"{key}=")
        opener = Cipher(algorithms.AES(aes), modes.CBC(aes[:16])).decryptor()
        plain = opener.update(b64decode(encrypt, validate=True)) + opener.finalize()
        padding = plain[-1]
        length = int.from_bytes(plain[16:20], "big")
        if not 1 <= padding <= 32 or plain[-padding:] != bytes([padding]) * padding:
            raise ValueError("padding")
        if 20 + length > len(plain) - padding:
            raise ValueError("length")
    except (ValueError, IndexError) as error:
        raise BadPayload("Encrypt: cannot be opened with our encoding_aes_key") from error
    return plain[20 : 20 + length], plain[20 + length : -padding]


def parsed(xml: bytes) -> Element:
    """An <xml> document without a DTD. Raise BadPayload."""
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise BadPayload(f"not XML: {type(error).__name__}", raw=xml) from error
    if root.tag != "xml":
        raise BadPayload("not an <xml> document", raw=xml)
    return root


def _leaf(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _receipt(event: Element, **said: Any) -> Receipt:
    created = _leaf(event, "CreateTime")
    at = epoch_time(created, SHANGHAI, "CreateTime", unit=1) if created else None
    return Receipt(address=_leaf(event, "FromUserName") or None, at=at, **said)


def _finished(event: Element) -> list[Receipt]:
    """TEMPLATESENDJOBFINISH. MsgID is the msgid of the send; some events have been seen with 0, which is none."""
    status, number = "".join(_leaf(event, "Status").split()).lower(), _leaf(event, "MsgID")
    state = MessageState.DELIVERED if status == "success" else MessageState.FAILED
    provider_id = number if number not in {"", "0"} else None
    blocked = status == "failed:userblock"
    return [_receipt(event, provider_id=provider_id, state=state, code=status, opted_out=blocked)]


def _notice_sent(event: Element) -> list[Receipt]:
    """subscribe_msg_sent_event: one entry per subscription notice."""
    found = []
    for entry in event.iter("List"):
        code = _leaf(entry, "ErrorCode")
        state = MessageState.DELIVERED if code == "0" else MessageState.FAILED
        said = {"provider_id": _leaf(entry, "MsgID") or None, "detail": _leaf(entry, "ErrorStatus")}
        # 43101 is about one template's consent, not about the person
        found.append(_receipt(event, state=state, code=code, opted_out=code in {"43004", "43019"}, **said))
    return found


def _consent(event: Element) -> list[Receipt]:
    """subscribe_msg_popup_event and _change_event speak of one template each, which is named; not of the person."""
    return [
        _receipt(event, code=_leaf(entry, "SubscribeStatusString"), detail=_leaf(entry, "TemplateId"))
        for entry in event.iter("List")
    ]


#: What the events of the sheet say. Anything else a person does in the account is not about our messages.
EVENTS: dict[str, Callable[[Element], list[Receipt]]] = {
    "templatesendjobfinish": _finished,
    "subscribe_msg_sent_event": _notice_sent,
    "subscribe_msg_popup_event": _consent,
    "subscribe_msg_change_event": _consent,
    "subscribe": lambda event: [_receipt(event, code="subscribe", opted_in=True)],
    "unsubscribe": lambda event: [_receipt(event, code="unsubscribe", opted_out=True)],
}
