"""WeCom, from its side: the group robot and app messages. Sheet: wecom.md."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web

from gateway.contract.carrier import Reply
from gateway.contract.signing import same
from gateway.domain import Channel
from gateway.sandbox.door import respond
from gateway.sandbox.records import Ask, Done, ReceivedMessage
from gateway.sandbox.wire import compact, parsed, text_of
from gateway.sandbox.world import World

_LIMITS = {"text": 2048, "markdown": 4096, "markdown_v2": 4096, "textcard": 512}
_PER_MINUTE = 20


class WeCom:
    """The robot takes 20 messages a minute and dedupes nothing; the app swallows an identical body if asked to."""

    code = "wecom"

    def __init__(self, world: World) -> None:
        self.world = world
        self._token = ""
        self._robot: list[datetime] = []
        self._bodies: dict[str, datetime] = {}

    def routes(self, prefix: str = "/wecom") -> list[web.RouteDef]:
        return [
            web.post(f"{prefix}/cgi-bin/webhook/send", self.robot),
            web.get(f"{prefix}/cgi-bin/gettoken", self.token),
            web.post(f"{prefix}/cgi-bin/message/send", self.app),
        ]

    async def robot(self, request: web.Request) -> web.StreamResponse:
        body = parsed(await request.read()) or {}
        key = request.query.get("key", "")
        ask = Ask(provider=self.code, operation="send", summary=body)
        return await respond(self.world, request, ask, lambda: self._robot_send(key, body), _too_often)

    def _robot_send(self, key: str, body: Mapping[str, object]) -> Done:
        if not same(key, self.world.accounts.wecom_key):
            return Done(reply=_said(93000, "invalid webhook url"))
        now = self.world.clock()
        self._robot = [at for at in self._robot if now - at < timedelta(minutes=1)]
        if len(self._robot) >= _PER_MINUTE:
            return Done(reply=_too_often())
        if refusal := _problem(body):
            return Done(reply=refusal)
        self._robot.append(now)
        self._received("robot", body, "")
        return Done(reply=_said(0, "ok"), effective=True)

    async def token(self, request: web.Request) -> web.StreamResponse:
        accounts, query = self.world.accounts, request.query

        def issue() -> Done:
            right = same(query.get("corpsecret", ""), accounts.wecom_corpsecret)
            if query.get("corpid") != accounts.wecom_corpid or not right:
                return Done(reply=_said(40001, "invalid credential"))
            self._token = self._token or secrets.token_urlsafe(64)
            return Done(reply=Reply.json({"errcode": 0, "access_token": self._token, "expires_in": 7200}))

        return await respond(self.world, request, Ask(provider=self.code, operation="token"), issue, _too_often)

    async def app(self, request: web.Request) -> web.StreamResponse:
        body = parsed(await request.read()) or {}
        token = request.query.get("access_token", "")
        ask = Ask(provider=self.code, operation="send_app", number=text_of(body, "touser"), summary=body)
        return await respond(self.world, request, ask, lambda: self._app_send(token, body), _too_often)

    def _app_send(self, token: str, body: Mapping[str, object]) -> Done:
        if not same(token, self._token):
            return Done(reply=_said(40014, "invalid access_token"))
        if refusal := _problem(body):
            return Done(reply=refusal)
        message = f"MSG{self.world.serial():010d}"
        first = not self._repeated(body)
        if first:
            self._received(text_of(body, "touser"), body, message)
        answer = {"errcode": 0, "errmsg": "ok", "invaliduser": "", "invalidparty": "", "invalidtag": ""}
        return Done(reply=Reply.json(answer | {"msgid": message}), effective=first)

    def _repeated(self, body: Mapping[str, object]) -> bool:
        if str(body.get("enable_duplicate_check")) != "1":
            return False
        window = timedelta(seconds=int(text_of(body, "duplicate_check_interval") or 1800))
        text, now = compact(body), self.world.clock()
        last = self._bodies.get(text)
        self._bodies[text] = now
        return last is not None and now - last < window

    def _received(self, to: str, body: Mapping[str, object], provider_id: str) -> None:
        inner = _content(body)
        message = ReceivedMessage(
            at=self.world.clock(),
            provider=self.code,
            channel=Channel.OPS,
            to=to,
            provider_id=provider_id,
            title=text_of(inner, "title"),
            text=text_of(inner, "content", "description"),
            link=text_of(inner, "url"),
        )
        self.world.messages.append(message)

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        return status == 200 and body == b""


def _said(code: int, message: str) -> Reply:
    return Reply.json({"errcode": code, "errmsg": message})


def _too_often() -> Reply:
    return _said(45009, "api freq out of limit")


def _content(body: Mapping[str, object]) -> Mapping[str, object]:
    inner = body.get(text_of(body, "msgtype"))
    return inner if isinstance(inner, dict) else {}


def _problem(body: Mapping[str, object]) -> Reply | None:
    kind, inner = text_of(body, "msgtype"), _content(body)
    if kind not in _LIMITS:
        return _said(40008, "invalid message type")
    text = text_of(inner, "content", "description")
    if not text:
        return _said(44004, "text content is empty")
    return _said(40058, "content exceeds the limit") if len(text.encode()) > _LIMITS[kind] else None
