"""The mail relay: an SMTP port, a mailbox, and Mailpit's search by Message-ID over HTTP. Sheet: email-smtp.md.

SMTP dedupes nothing: the same Message-ID twice is two mails. `nobody@` does not exist (550), `full@` has no room (452),
`greylist@` is put off once (450).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote

from aiohttp import web

from gateway.contract.carrier import Reply
from gateway.domain import Channel
from gateway.sandbox.door import carry_out, respond, silence
from gateway.sandbox.faults import Broken, How
from gateway.sandbox.providers.smtp import Envelope, Hangup, Rules, Session
from gateway.sandbox.records import Ask, Call, Done, ReceivedMessage
from gateway.sandbox.world import World

_SCREEN = {
    "nobody": "550 5.1.1 no such mailbox",
    "full": "452 4.2.2 mailbox full",
    "greylist": "450 4.7.1 greylisted, try again later",
}
_BROKEN = {
    How.HTTP500: "451 4.3.0 local error in processing",
    How.HTTP503: "451 4.3.2 system not accepting messages",
    How.HTTP429: "421 4.7.28 rate limit, try again later",
    How.REFUSED: "554 5.7.1 message refused by policy",
    How.GARBAGE: "9\x00\x01 what",
}


class Mail:
    """One mailbox for everybody. tls: a server context offers STARTTLS; off on loopback."""

    code = "mail"

    def __init__(self, world: World, *, tls: ssl.SSLContext | None = None) -> None:
        self.world = world
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._greylisted: set[str] = set()

    def routes(self, prefix: str = "") -> list[web.RouteDef]:
        """Mailpit's path, at the root and below /mailpit."""
        return [web.get(f"{start}/api/v1/search", self.search) for start in (prefix, f"{prefix}/mailpit")]

    async def start(self, host: str, port: int = 0) -> int:
        """Listen; the port that it became."""
        self._server = await asyncio.start_server(self._connected, host, port, limit=1 << 20)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        assert session is not None  # noqa: S101 - start_server runs its callback in a task
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)
        await self._session(reader, writer)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accounts = self.world.accounts
        account = (accounts.smtp_username, accounts.smtp_password) if accounts.smtp_username else None
        answered: list[Call] = []

        async def take(envelope: Envelope, content: bytes) -> str:
            call, reply = await self._take(envelope, content)
            answered.append(call)
            return reply

        async def written() -> None:
            for call in answered:
                await self.world.hooks.run("answered", "mail.send", call)
            answered.clear()

        rules = Rules(screen=self._screen, take=take, written=written, account=account, tls=self._tls)
        await Session(reader, writer, rules).run()

    def _screen(self, address: str) -> str | None:
        local = address.partition("@")[0].lower()
        if local == "greylist" and address in self._greylisted:
            return None
        self._greylisted.add(address)
        return _SCREEN.get(local)

    async def _take(self, envelope: Envelope, content: bytes) -> tuple[Call, str]:
        mail = message_from_bytes(content, policy=policy.default)
        identity = str(mail["Message-ID"] or "").strip()
        ask = Ask(
            provider=self.code,
            operation="send",
            key=identity,
            number=", ".join(envelope.recipients),
            summary={"from": envelope.sender, "subject": str(mail["Subject"] or "")},
        )

        def deliver() -> Done:
            queued = f"{self.world.serial():08X}"
            self.world.messages += [self._received(mail, to, identity, queued) for to in envelope.recipients]
            return Done(reply=Reply(body=f"250 2.0.0 queued as {queued}".encode()), effective=True)

        try:
            call, done = await carry_out(self.world, ask, deliver)
        except Broken as broken:
            return self.world.calls[-1], await self._break(broken.how)
        return call, done.reply.body.decode()

    async def _break(self, how: How) -> str:
        if how is How.TIMEOUT:
            await silence(self.world)
        if how in _BROKEN:
            return _BROKEN[how]
        raise Hangup

    def _received(self, mail: EmailMessage, to: str, identity: str, queued: str) -> ReceivedMessage:
        text = _part(mail, "plain")
        link = re.search(r"https?://\S+", text)
        return ReceivedMessage(
            at=self.world.clock(),
            provider=self.code,
            channel=Channel.EMAIL,
            to=to,
            id=identity,
            provider_id=queued,
            title=str(mail["Subject"] or ""),
            text=text,
            html=_part(mail, "html"),
            link=link[0] if link else "",
            params={"from": str(mail["From"] or "")},
        )

    # Mailpit

    async def search(self, request: web.Request) -> web.StreamResponse:
        wanted = _message_id(request.query.get("query", ""))
        ask = Ask(provider=self.code, operation="find", key=wanted)
        return await respond(
            self.world, request, ask, lambda: self._found(wanted), lambda: Reply(status=400, body=b"bad search")
        )

    def _found(self, wanted: str) -> Done:
        mails = [one for one in self.world.received(Channel.EMAIL) if one.id.strip("<>") == wanted and wanted]
        rows = [_summary(one) for one in reversed(mails)]
        counts = {"total": len(self.world.received(Channel.EMAIL)), "messages_count": len(rows), "count": len(rows)}
        return Done(reply=Reply.json({**counts, "unread": len(rows), "start": 0, "tags": [], "messages": rows}))

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        """Mail has no pushes."""
        return False


def _part(mail: EmailMessage, kind: str) -> str:
    """The text of the best part of a kind; mails are foreign input, and an undecodable part reads as empty."""
    part = mail.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, KeyError, ValueError):
        return ""


def _message_id(query: str) -> str:
    """The id in Mailpit's `message-id:"<...>"`."""
    found = re.search(r'message-id:"?<?([^">\s]+)', unquote(query), re.IGNORECASE)
    return found[1] if found else ""


def _summary(message: ReceivedMessage) -> dict[str, object]:
    name, address = parseaddr(message.params["from"])
    return {
        "ID": message.provider_id,
        "MessageID": message.id.strip("<>"),
        "Read": False,
        "From": {"Name": name, "Address": address},
        "To": [{"Name": "", "Address": message.to}],
        "Cc": [],
        "Bcc": [],
        "Subject": message.title,
        "Created": message.at.isoformat(),
        "Size": len(message.text) + len(message.html),
        "Attachments": 0,
        "Snippet": message.text[:250],
    }
