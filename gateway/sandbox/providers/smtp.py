"""A small SMTP server (RFC 5321) on asyncio: one session per connection, replies with enhanced codes (RFC 3463).

It speaks PIPELINING, 8BITMIME, SMTPUTF8, SIZE, DSN, AUTH when an account is set, and STARTTLS when a context is given.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

LIMIT = 10 << 20
_MAX_LINE = 64 << 10


@dataclass(slots=True, kw_only=True)
class Envelope:
    sender: str = ""
    recipients: list[str] = field(default_factory=list)


class Hangup(Exception):
    """End the connection without another word."""


#: Told of every RCPT; the reply to give instead of a yes, None for a yes.
Screen = Callable[[str], "str | None"]
#: Given envelope and content; the reply after DATA. May raise Hangup.
Take = Callable[[Envelope, bytes], Awaitable[str]]
#: What follows the final reply: called when it has been written.
Written = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a session may do. account: (user, password), None: no AUTH. tls: the context for STARTTLS, None: off."""

    screen: Screen
    take: Take
    written: Written
    account: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None


class Session:
    """One client. `run` returns when it has left; a client that breaks off ends it silently."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rules: Rules) -> None:
        self._reader, self._writer, self._rules = reader, writer, rules
        self._envelope: Envelope | None = None
        self._greeted = self._authenticated = self._secure = False
        self._verbs: dict[str, Callable[[str], Awaitable[str]]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "VRFY": self._vrfy,
            "AUTH": self._auth,
            "STARTTLS": self._starttls,
        }

    async def run(self) -> None:
        try:
            await self._say("220 sandbox ESMTP")
            while await self._turn():
                pass
        except (Hangup, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return
        finally:
            self._writer.close()

    async def _turn(self) -> bool:
        line = (await self._reader.readuntil(b"\n"))[:_MAX_LINE].decode("utf-8", "replace").strip()
        verb, _, rest = line.partition(" ")
        if verb.upper() == "QUIT":
            await self._say("221 2.0.0 bye")
            return False
        answer = self._verbs.get(verb.upper())
        reply = await answer(rest.strip()) if answer else "500 5.5.2 unknown command"
        if reply:
            await self._say(reply)
        return True

    async def _say(self, reply: str) -> None:
        self._writer.write(reply.encode() + b"\r\n")
        await self._writer.drain()

    async def _ehlo(self, rest: str) -> str:
        self._greeted, self._envelope = True, None
        extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8", f"SIZE {LIMIT}", "DSN", "ENHANCEDSTATUSCODES"]
        if self._rules.account:
            extensions.append("AUTH PLAIN LOGIN")
        if self._rules.tls and not self._secure:
            extensions.append("STARTTLS")
        lines = ["sandbox", *extensions]
        return "\r\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)

    async def _helo(self, rest: str) -> str:
        self._greeted, self._envelope = True, None
        return "250 sandbox"

    async def _mail(self, rest: str) -> str:
        if not self._greeted or self._envelope is not None:
            return "503 5.5.1 bad sequence of commands"
        if self._rules.account and not self._authenticated:
            return "530 5.7.0 authentication required"
        if not rest.upper().startswith("FROM:"):
            return "501 5.5.4 MAIL FROM:<address>"
        self._envelope = Envelope(sender=_address(rest[5:]))
        return "250 2.1.0 ok"

    async def _rcpt(self, rest: str) -> str:
        if self._envelope is None:
            return "503 5.5.1 bad sequence of commands"
        address = _address(rest[3:]) if rest.upper().startswith("TO:") else ""
        if "@" not in address:
            return "501 5.1.3 RCPT TO:<address>"
        if refusal := self._rules.screen(address):
            return refusal
        self._envelope.recipients.append(address)
        return "250 2.1.5 ok"

    async def _data(self, rest: str) -> str:
        envelope = self._envelope
        if envelope is None or not envelope.recipients:
            return "503 5.5.1 no valid recipients"
        await self._say("354 end with <CRLF>.<CRLF>")
        content = await self._content()
        self._envelope = None
        if content is None:
            return "552 5.3.4 message too big"
        await self._say(await self._rules.take(envelope, content))
        await self._rules.written()
        return ""

    async def _content(self) -> bytes | None:
        """The message with dots unstuffed; None when it is too large (it is read to its end all the same)."""
        lines: list[bytes] = []
        size = 0
        while (line := await self._reader.readuntil(b"\n")) not in (b".\r\n", b".\n"):
            size += len(line)
            if size <= LIMIT:
                lines.append(line.removeprefix(b"."))
        return b"".join(lines) if size <= LIMIT else None

    async def _rset(self, rest: str) -> str:
        self._envelope = None
        return "250 2.0.0 ok"

    async def _noop(self, rest: str) -> str:
        return "250 2.0.0 ok"

    async def _vrfy(self, rest: str) -> str:
        return "252 2.5.0 cannot verify, will try"

    async def _auth(self, rest: str) -> str:
        kind, _, initial = rest.partition(" ")
        if not self._rules.account:
            return "503 5.5.1 no authentication here"
        if kind.upper() not in {"PLAIN", "LOGIN"}:
            return "504 5.5.4 PLAIN or LOGIN"
        given = await (self._plain(initial) if kind.upper() == "PLAIN" else self._login(initial))
        self._authenticated = given == self._rules.account
        return "235 2.7.0 welcome" if self._authenticated else "535 5.7.8 authentication failed"

    async def _plain(self, initial: str) -> tuple[str, str] | None:
        parts = _decoded(initial or await self._challenge("")).split("\0")
        return (parts[1], parts[2]) if len(parts) == 3 else None

    async def _login(self, initial: str) -> tuple[str, str]:
        user = _decoded(initial or await self._challenge("Username:"))
        return user, _decoded(await self._challenge("Password:"))

    async def _challenge(self, text: str) -> str:
        await self._say("334 " + base64.b64encode(text.encode()).decode())
        return (await self._reader.readuntil(b"\n")).decode("ascii", "replace").strip()

    async def _starttls(self, rest: str) -> str:
        if self._rules.tls is None or self._secure:
            return "454 4.7.0 TLS not available"
        await self._say("220 2.0.0 go ahead")
        await self._writer.start_tls(self._rules.tls)
        self._secure, self._greeted, self._envelope, self._authenticated = True, False, None, False
        return ""


def _address(text: str) -> str:
    """The path of MAIL and RCPT without its brackets and parameters."""
    path = text.strip().split(" ")[0]
    return path.removeprefix("<").removesuffix(">")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
