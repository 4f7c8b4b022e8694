"""A WeChat official account, from WeChat's side: stable_token, template/send, and events in safe mode.

Sheet: wechat-official-account.md. A repeat of a client_msg_id to one openid within a minute is answered 40241 and shown
to nobody. Openids beginning with `oBLOCKED` do not follow, those beginning with `oUNKNOWN` are of no account.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import same
from gateway.domain import Channel
from gateway.sandbox.door import respond
from gateway.sandbox.providers.approved import approved
from gateway.sandbox.records import Ask, Done, ReceivedMessage
from gateway.sandbox.wire import parsed, text_of
from gateway.sandbox.world import World

_WINDOW = timedelta(seconds=60)
_LIFE = timedelta(seconds=7200)
_OPENIDS = (("oBLOCKED", 43004, "require subscribe"), ("oUNKNOWN", 40003, "invalid openid"))


class WeChat:
    """Every answer is HTTP 200 with an errcode."""

    code = "wechat"

    def __init__(self, world: World) -> None:
        self.world = world
        self._token: tuple[str, datetime] | None = None
        self._seen: dict[tuple[str, str], datetime] = {}

    def routes(self, prefix: str = "/wechat") -> list[web.RouteDef]:
        return [
            web.post(f"{prefix}/cgi-bin/stable_token", self.token),
            web.post(f"{prefix}/cgi-bin/message/template/send", self.send),
        ]

    def revoke(self) -> None:
        """Let the token expire before its time."""
        self._token = None

    async def token(self, request: web.Request) -> web.StreamResponse:
        body = parsed(await request.read()) or {}
        ask = Ask(provider=self.code, operation="token", summary={"grant_type": text_of(body, "grant_type")})
        return await respond(self.world, request, ask, lambda: self._issue(body), lambda: _said(40164, "invalid ip"))

    def _issue(self, body: Mapping[str, object]) -> Done:
        accounts = self.world.accounts
        if text_of(body, "appid") != accounts.wechat_appid:
            return Done(reply=_said(40013, "invalid appid"))
        if not same(text_of(body, "secret"), accounts.wechat_secret):
            return Done(reply=_said(40125, "invalid appsecret"))
        now = self.world.clock()
        if self._token is None or self._token[1] <= now or body.get("force_refresh") is True:
            self._token = (secrets.token_urlsafe(64), now + _LIFE)
        left = int((self._token[1] - now).total_seconds())
        return Done(reply=Reply.json({"access_token": self._token[0], "expires_in": left}))

    async def send(self, request: web.Request) -> web.StreamResponse:
        body = parsed(await request.read()) or {}
        given = request.query.get("access_token", "")
        ask = Ask(
            provider=self.code,
            operation="send",
            key=text_of(body, "client_msg_id"),
            number=text_of(body, "touser"),
            summary=body,
        )
        return await respond(
            self.world, request, ask, lambda: self._send(given, body), lambda: _said(43117, "too frequent")
        )

    def _send(self, token: str, body: Mapping[str, object]) -> Done:
        if self._token is None or self._token[1] <= self.world.clock() or not same(token, self._token[0]):
            return Done(reply=_said(40001, "invalid credential, access_token is invalid or not latest"))
        if refusal := _problem(body):
            return Done(reply=refusal)
        openid, key = text_of(body, "touser"), text_of(body, "client_msg_id")
        if key and self._repeated(openid, key):
            return Done(reply=_said(40241, "same client_msg_id within the window"))
        number = 200_000_000 + self.world.serial()
        template = approved(self.code)[text_of(body, "template_id")]
        values = _values(body)
        self.world.messages.append(
            ReceivedMessage(
                at=self.world.clock(),
                provider=self.code,
                channel=Channel.WECHAT,
                to=openid,
                id=key,
                provider_id=str(number),
                template=template.id,
                title=template.title,
                text=template.filled({name: value[:20] for name, value in values.items()}),
                link=text_of(body, "url"),
                params=values,
            )
        )
        return Done(reply=Reply.json({"errcode": 0, "errmsg": "ok", "msgid": number}), effective=True)

    def _repeated(self, openid: str, key: str) -> bool:
        now = self.world.clock()
        last = self._seen.get((openid, key))
        if last is not None and now - last < _WINDOW:
            return True
        self._seen[openid, key] = now
        return False

    # events

    def receipt(self, message: ReceivedMessage, *, row: str = "oa", status: str = "success") -> Push:
        """TEMPLATESENDJOBFINISH of one message, in safe mode."""
        return self.event(
            message.to,
            f"<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>{message.provider_id}</MsgID>"
            f"<Status><![CDATA[{status}]]></Status>",
            row=row,
        )

    def event(self, openid: str, inner: str, *, row: str = "oa") -> Push:
        """Any event of a follower. inner: the elements that make it that event."""
        accounts = self.world.accounts
        xml = (
            f"<xml><ToUserName><![CDATA[gh_sandbox]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
            f"<CreateTime>{int(self.world.clock().timestamp())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
            f"{inner}</xml>"
        )
        sealed = seal(xml, accounts.wechat_encoding_aes_key, accounts.wechat_appid)
        query = self._query(sealed) | {"openid": openid, "encrypt_type": "aes"}
        body = f"<xml><ToUserName><![CDATA[gh_sandbox]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        path = f"/webhooks/notifiers/{row}"
        return Push(method="POST", path=path, query=query, headers={"content-type": "text/xml"}, body=body.encode())

    def handshake(self, *, row: str = "oa") -> Push:
        """The GET by which WeChat checks the address: the answer must be the echostr."""
        query = self._query("") | {"echostr": secrets.token_hex(8)}
        return Push(method="GET", path=f"/webhooks/notifiers/{row}", query=query)

    def _query(self, sealed: str) -> dict[str, str]:
        token = self.world.accounts.wechat_token
        timestamp, nonce = str(int(self.world.clock().timestamp())), secrets.token_hex(5)
        query = {"timestamp": timestamp, "nonce": nonce, "signature": joined_sha1(token, timestamp, nonce)}
        return query | ({"msg_signature": joined_sha1(token, timestamp, nonce, sealed)} if sealed else {})

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        return status == 200 and body in (b"", b"success")


def _said(code: int, message: str) -> Reply:
    return Reply.json({"errcode": code, "errmsg": f"{message} rid: {secrets.token_hex(4)}"})


def _problem(body: Mapping[str, object]) -> Reply | None:
    openid = text_of(body, "touser")
    for prefix, code, message in _OPENIDS:
        if openid.startswith(prefix) or not openid:
            return _said(code, message)
    template = approved("wechat").get(text_of(body, "template_id"))
    if template is None:
        return _said(40037, "invalid template_id")
    missing = [name for name in template.variables if not _values(body).get(name)]
    return _said(47003, f"argument invalid! data.{missing[0]}.value is empty") if missing else None


def _values(body: Mapping[str, object]) -> dict[str, str]:
    data = body.get("data")
    rows = data.items() if isinstance(data, dict) else ()
    return {name: text_of(row, "value") for name, row in rows if isinstance(row, dict)}


def joined_sha1(*parts: str) -> str:
    """WeChat's signature: SHA-1 over the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def seal(xml: str, encoding_aes_key: str, tail: str, *, random: bytes | None = None) -> str:
    """Safe mode: AES-256-CBC over 16 random bytes, a length, the XML and the appid; padded to blocks of 32."""
    key = base64.b64decode(encoding_aes_key + "=")
    body = xml.encode()
    plain = (random or os.urandom(16)) + struct.pack(">I", len(body)) + body + tail.encode()
    padding = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()
