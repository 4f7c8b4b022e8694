"""WeCom group robot: one markdown message to a room of operators.

Sheet: notifiers/wecom.md. The key in the URL is the whole secret, so it is kept out of logs and errors. The robot
dedupes nothing, and nobody can ask it what it has said. 20 messages a minute; more is 45009.
"""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import quote

from pydantic import Field

from gateway.contract.carrier import DEED
from gateway.contract.errors import BadPayload, ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.contract.notifier import Notifier, NotifierSettings
from gateway.contract.reading import load_object, required, text
from gateway.contract.secret import Secret, hiding
from gateway.domain import Channel, Message

LIMIT = 4096  #: bytes of UTF-8 in a markdown content
CONFIG = frozenset({"93000", "93004", "93008"})  #: bad key, robot removed, not in the group
_KEY = re.compile(r"(?<=[?&]key=)[^&\s\"']+")
_HIDDEN = hiding(_KEY)


class WecomRobotSettings(NotifierSettings):
    base_url: str = Field(default="https://qyapi.weixin.qq.com", pattern=r"^https?://[^\s]+$")
    key: Secret


class WecomRobotNotifier(Notifier):
    """address: `@userid`, several separated by commas, are mentioned; anything else names a room and is not needed."""

    code = "wecom_robot"
    channel = Channel.OPS
    Settings = WecomRobotSettings

    async def send(self, message: Message, address: str) -> str:
        """Always an empty id: the robot gives none."""
        content = markdown(message, re.findall(r"(?:^|,)\s*@([\w.\-]+)", address, re.ASCII))
        body = {"msgtype": "markdown", "markdown": {"content": content}}
        key = self.settings.key.get_secret_value()
        try:
            await self._post(f"/cgi-bin/webhook/send?key={quote(key, safe='')}", json.dumps(body, ensure_ascii=False))
        except ContractError as error:
            # the cause goes too: an error of httpx names the URL, and a traceback would print it
            raise masked(error, key) from None
        return ""

    async def _post(self, url: str, body: str) -> None:
        logging.getLogger("httpx").addFilter(_HIDDEN)
        headers = {"content-type": "application/json"}
        response = await self.http.post(url, content=body.encode(), headers=headers, extensions=DEED)
        try:
            answer = load_object(response.content)
            code, said = required(answer, "errcode"), text(answer, "errmsg")
        except BadPayload as error:
            raise OutcomeUnknown(f"the answer: {error.detail}") from error
        if code != "0":
            raise problem(code, said)


def masked(error: ContractError, key: str) -> ContractError:
    """The same error without the key in anything that is stored or shown."""
    error.detail = _KEY.sub("***", error.detail).replace(key, "***")
    error.args = (error.detail,)
    if isinstance(error, Refused):
        error.body = error.body.replace(key.encode(), b"***")
    return error


def markdown(message: Message, mentioned: list[str]) -> str:
    """Subject, text, link and mentions within the limit; of these the text is cut, on a character border."""
    head = f"**{escaped(' '.join(message.subject.split()))}**\n" if message.subject else ""
    link = quote(message.link, safe=":/?#@!$&'*+,;=%~")
    tail = (f"\n[{escaped(message.link)}]({link})" if link else "") + "".join(f"\n<@{user}>" for user in mentioned)
    room = LIMIT - len(tail.encode())
    return cut(head + escaped(message.text), room) + tail


def escaped(value: str) -> str:
    """Foreign text as plain words: no markup, and a zero-width space in `<@` so that nobody is called."""
    return re.sub(r"([\\*_`><\[\]])", r"\\\1", value.replace("<@", "<\u200b@"))


def cut(value: str, room: int) -> str:
    """At most `room` bytes of UTF-8: whole characters, ending in an ellipsis when something was left out."""
    raw = value.encode()
    if len(raw) <= room:
        return value
    kept = raw[: max(room - 3, 0)].decode(errors="ignore")
    return re.sub(r"(?<!\\)((?:\\\\)*)\\$", r"\1", kept) + "…"


def problem(code: str, said: str) -> ContractError:
    """What an errcode means; an unlisted one is this message's fault."""
    detail = f"{code}: {said[:200]}"
    if code == "45009":
        return Unavailable(detail, code=code, retry_after=60)
    if code == "-1":
        return Unavailable(detail, code=code)
    return Refused(detail, code=code, config=code in CONFIG)
