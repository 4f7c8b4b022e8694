"""A real SMTP server on loopback (aiosmtpd) whose answers a test scripts, and certificates of our own making."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: Instead of an answer: hang up, or never answer.
HANG_UP, SILENCE = "hang up", "silence"
USER, PASSWORD = "notice@example.com", "made-up-password"


@dataclass
class Script:
    """Answers by command ("EHLO", "MAIL", "RCPT", "DATA"): an SMTP reply, HANG_UP or SILENCE. Mails that were taken."""

    replies: dict[str, str] = field(default_factory=dict)
    extensions: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, bool]] = field(default_factory=list)  # mechanism, over TLS
    without: list[str] = field(default_factory=list)  # mechanisms of AUTH that are not offered
    dsn: list[str] = field(default_factory=list)
    connections: int = 0

    async def _answer(self, server: SMTP, command: str, otherwise: str) -> str:
        reply = self.replies.get(command, otherwise)
        if reply == HANG_UP:
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]
        if reply in {HANG_UP, SILENCE}:
            await asyncio.Event().wait()
        return reply

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if "EHLO" in self.replies:
            return [await self._answer(server, "EHLO", "")]
        return [*responses[:-1], *(f"250-{name}" for name in self.extensions), responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._answer(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return await self._answer(server, "RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = await self._answer(server, "DATA", "250 2.0.0 Ok: queued as 4XyZ")
        if reply.startswith("2"):
            content = envelope.content or b""
            raw = content.encode() if isinstance(content, str) else content
            self.envelopes.append(envelope)
            self.mails.append(message_from_bytes(raw, policy=policy.default))
        return reply

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        assert server.transport is not None
        self.logins.append((mechanism, server.transport.get_extra_info("sslcontext") is not None))
        right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


class _Server(SMTP):
    """aiosmtpd with the parameters of DSN (RFC 3461), which it does not know: kept by the script and taken off."""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        await super().smtp_MAIL(self._without_dsn(arg, "RET=", "ENVID="))

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        await super().smtp_RCPT(self._without_dsn(arg, "NOTIFY=", "ORCPT="))

    def _without_dsn(self, arg: str | None, *names: str) -> str:
        words = (arg or "").split()
        self.event_handler.dsn += [word for word in words if word.startswith(names)]
        return " ".join(word for word in words if not word.startswith(names))


@asynccontextmanager
async def mail_server(script: Script, *, tls: str = "none", trust: Certificates | None = None) -> AsyncIterator[int]:
    """The port of a server on 127.0.0.1. tls: none, starttls or implicit."""
    context = trust.server() if trust and tls != "none" else None

    def connection() -> SMTP:
        script.connections += 1
        return _Server(
            script,
            hostname="mail.test",
            enable_SMTPUTF8="SMTPUTF8" in script.extensions,
            tls_context=context if tls == "starttls" else None,
            authenticator=script.login,
            auth_require_tls=False,
            auth_exclude_mechanism=script.without,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def greeting(line: str) -> AsyncIterator[int]:
    """The port of a server that says one line and hangs up."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{line}\r\n".encode() if line else b"")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Certificates:
    """A certificate authority of our own and a certificate for 127.0.0.1, in files."""

    def __init__(self, folder: Path) -> None:
        self.ca_file, self._chain = folder / "ca.pem", folder / "server.pem"
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("made-up CA", ca_key, "made-up CA", ca_key, authority=True)
        own = _certificate("127.0.0.1", key, "made-up CA", ca_key, authority=False)
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._chain.write_bytes(private + own.public_bytes(serialization.Encoding.PEM))

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._chain)
        return context


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signed_by: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signed_by, hashes.SHA256())
