"""The SMTP server by itself: login, STARTTLS, the order of commands, and what it does not take."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.sandbox.accounts import Accounts
from gateway.sandbox.providers.mail import Mail
from gateway.sandbox.world import World

HOST = "127.0.0.1"


def letter() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "notice@shop.example", "li@example.com", "您好"
    mail["Message-ID"] = "<1@shop.example>"
    mail.set_content("text")
    return mail


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate_file, key_file


@pytest.fixture
async def plain() -> AsyncIterator[tuple[Mail, int]]:
    mail = Mail(World(accounts=Accounts(smtp_username="shop", smtp_password="of the sandbox")))
    yield mail, await mail.start(HOST)
    await mail.close()


@pytest.mark.parametrize("method", ["plain", "login"])
async def test_who_logs_in_may_send(plain: tuple[Mail, int], method: str) -> None:
    mail, port = plain
    async with aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False) as client:
        await (client.auth_plain if method == "plain" else client.auth_login)("shop", "of the sandbox")
        await client.send_message(letter())
    assert [one.title for one in mail.world.messages] == ["您好"]


async def test_a_wrong_password_and_no_login_are_refused(plain: tuple[Mail, int]) -> None:
    _, port = plain
    async with aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False) as client:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await client.auth_plain("shop", "wrong")
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
            await client.mail("notice@shop.example")
    assert refused.value.code == 530


async def test_starttls_is_offered_with_a_certificate(tmp_path: Path) -> None:
    certificate_file, key_file = certificate(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate_file, key_file)
    mail = Mail(World(), tls=server)
    port = await mail.start(HOST)
    trust = ssl.create_default_context(cafile=str(certificate_file))
    await aiosmtplib.send(letter(), hostname=HOST, port=port, start_tls=True, tls_context=trust)
    await mail.close()
    assert len(mail.world.messages) == 1


async def test_commands_come_in_their_order() -> None:
    mail = Mail(World())
    reader, writer = await asyncio.open_connection(HOST, await mail.start(HOST))
    said = ["MAIL FROM:<a@b.example>", "EHLO me", "RCPT TO:<c@d.example>", "DATA", "MAIL FROM:<>", "RCPT TO:<nobody>"]
    said += ["DATA", "STARTTLS", "JUMP", "RSET", "NOOP", "VRFY x", "QUIT"]
    writer.write("".join(f"{line}\r\n" for line in said).encode())
    answers = (await asyncio.wait_for(reader.read(), 5)).decode().splitlines()
    writer.close()
    await mail.close()
    final = [line[:3] for line in answers if line[3] == " "]
    assert final == ["220", "503", "250", "503", "503", "250", "501", "503", "454", "500", "250", "250", "252", "221"]
