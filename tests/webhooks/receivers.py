"""Receivers of webhooks on loopback, a canary that nobody may reach, and made-up name servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.domain.clock import SystemClock
from gateway.services.ports.sender import Sent
from gateway.webhooks.sender import HttpSender
from gateway.webhooks.urls import HostPort, read_host_port

NAME = "hooks.example.com"
BODY = b'{"type":"line.created"}'
HEADERS = {"content-type": "application/json", "webhook-id": "evt_1"}


@dataclass
class Canary:
    """A listener on this machine that counts who comes."""

    port: int
    connections: int = 0


@asynccontextmanager
async def a_canary() -> AsyncIterator[Canary]:
    """Yield a listener on all of this machine's addresses, IPv6 where there is any."""
    canary = Canary(port=0)

    def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        canary.connections += 1
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    canary.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            other = await asyncio.start_server(count, "::1", canary.port)
        except OSError:  # A machine without IPv6.
            yield canary
        else:
            async with other:
                yield canary


@dataclass
class Names:
    """A resolver that gives one answer after the other, then the last one again."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def nobody(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up")


def a_sender(
    *,
    resolve: object = nobody,
    dangerous: Collection[str] = (),
    authority: str | None = None,
    connect_seconds: float = 5.0,
) -> HttpSender:
    """Return a sender with a resolver and a certificate authority of the test's own."""
    places: list[HostPort] = [read_host_port(text) for text in dangerous]
    assert callable(resolve)
    return HttpSender(
        SystemClock(),
        resolve=resolve,
        context=ssl.create_default_context(cadata=authority),
        dangerous=places,
        connect_seconds=connect_seconds,
    )


async def sent_to(base_url: str, *, seconds: float = 15.0, path: str = "/hook") -> Sent:
    """Post to a server on loopback, let through as dangerous."""
    place = base_url.partition("://")[2]
    sender = a_sender(dangerous=[place])
    return await sender.send(f"{base_url}{path}", HEADERS, BODY, timeout_seconds=seconds)


@dataclass(frozen=True)
class Authority:
    """A certificate authority that nobody else trusts."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Test authority")
        builder = _builder(name, name, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        return cls(key, builder.sign(key, hashes.SHA256()), folder)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def serves(self, *names: x509.GeneralName, days: int = 1) -> ssl.SSLContext:
        """Return a server's TLS with a certificate for *names*; *days* below 0: expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(_name("Receiver"), self.certificate.subject, key, days=days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / "receiver.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int = 1
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
    )
