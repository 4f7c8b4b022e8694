"""WeChat official account (服务号): template messages, and the events WeChat sends back in safe mode.

Sheet: notifiers/wechat-official-account.md. `client_msg_id` makes WeChat swallow a repeat for about a minute. A POST in
plain mode is not authenticated (its signature does not cover the body), so only safe mode (AES) is accepted.
"""

from __future__ import annotations

import json
import logging
import re
from functools import cached_property, partial
from urllib.parse import quote
from xml.etree.ElementTree import Element

from gateway.contract.carrier import DEED, Push, Reply
from gateway.contract.errors import BadPayload, BadSignature, OutcomeUnknown, Unavailable
from gateway.contract.notifier import Notifier
from gateway.contract.reading import load_object, text
from gateway.contract.secret import hiding
from gateway.contract.signing import same, unsigned
from gateway.contract.tokens import Token, TokenCache, token_in
from gateway.contract.writing import filled, filled_template
from gateway.domain import Channel, Message, Receipt
from notifiers.wechat_official_account.envelopes import decrypted, leaf, parsed, signature
from notifiers.wechat_official_account.events import receipts
from notifiers.wechat_official_account.settings import WechatOfficialAccountSettings
from notifiers.wechat_official_account.wire import DUPLICATE, TOKEN_REFUSED, problem

LIMIT = 20  #: characters of a field that are shown; more is cut silently by WeChat
STALE = 300  #: seconds a callback's timestamp may be off
JSON = {"content-type": "application/json"}
_HIDDEN = hiding(re.compile(r"(?<=[?&]access_token=)[^&\s\"']+"))


class WechatOfficialAccountNotifier(Notifier):
    """微信服务号 by template messages; callbacks in safe mode only."""

    code = "wechat_official_account"
    channel = Channel.WECHAT
    Settings = WechatOfficialAccountSettings
    needs_template = True
    repeat_safe_for = 60  # client_msg_id; newer vendor pages say 600, field reports 60

    async def send(self, message: Message, address: str) -> str:
        """The msgid; empty when WeChat says that it has sent this message already."""
        return await self._tokens.use(partial(self._post, _body(message, address)))

    def handshake(self, request: Push) -> Reply:
        """WeChat checks the address: its echostr goes back as it is."""
        self._check("signature", request)
        return Reply(body=request.query.get("echostr", "").encode("utf-8", "replace"), content_type="text/plain")

    def verify(self, request: Push) -> None:
        """`msg_signature` over the encrypted part, and a fresh timestamp."""
        if self.settings.encoding_aes_key is None or request.query.get("encrypt_type") != "aes":
            raise BadSignature("plain mode does not sign the body: safe mode and its encoding_aes_key are needed")
        with unsigned():
            outer = parsed(request.body)
            self._check("msg_signature", request, leaf(outer, "Encrypt"))
            inner = self._decrypted(outer)
        if leaf(outer, "ToUserName").encode() not in inner:  # the one thing outside that no signature covers
            raise BadSignature("ToUserName: is another one inside")

    def receipts(self, request: Push) -> list[Receipt]:
        """Of one event."""
        return receipts(parsed(self._decrypted(parsed(request.body))))

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
        xml, appid = decrypted(leaf(outer, "Encrypt"), self.settings.encoding_aes_key.get_secret_value())
        if appid != self.settings.appid.encode():
            raise BadPayload("Encrypt: is for another appid")
        return xml

    async def _post(self, body: bytes, token: str) -> str:
        logging.getLogger("httpx").addFilter(_HIDDEN)
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
        return token_in(answer, self.clock())

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch, self.clock, refused=TOKEN_REFUSED)


def _body(message: Message, address: str) -> bytes:
    template, values = filled_template(message, LIMIT, lambda value: " ".join(value.split()))  # no line breaks
    data = {field: {"value": value} for field, value in values.items()}
    body = {"touser": address, "template_id": template.id, "client_msg_id": message.id, "data": data}
    return json.dumps(filled({**body, "url": message.link}), ensure_ascii=False).encode()
