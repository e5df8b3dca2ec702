"""Certificates are held against the name in the URL, not against the address."""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography.x509 import DNSName, GeneralName, IPAddress

from gateway.services.ports.sender import SendFault, Sent
from tests.panels.servers import answering, page, serving
from tests.webhooks.receivers import BODY, HEADERS, NAME, Authority, Names, a_sender

ADDRESS = IPAddress(IPv4Address("127.0.0.1"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path)


async def sent_over(
    tls: ssl.SSLContext, authority: Authority | None, *, host: str = NAME, seconds: float = 15
) -> Sent:
    async with serving(answering(page(b"ok")), tls) as base_url:
        port = base_url.rpartition(":")[2]
        sender = a_sender(
            resolve=Names([["127.0.0.1"]]),
            dangerous=[f"{host}:{port}"],
            authority=authority.pem if authority else None,
        )
        url = f"https://{host}:{port}/"
        return await sender.send(url, HEADERS, BODY, timeout_seconds=seconds)


@pytest.mark.parametrize("name", [NAME, "*.example.com"])
async def test_the_right_name_is_taken(authority: Authority, name: str) -> None:
    tls = authority.serves(DNSName(name))
    assert (await sent_over(tls, authority)).is_success


@pytest.mark.parametrize(
    "names",
    [
        [DNSName("other.example.com")],
        [DNSName("example.com")],
        [DNSName("*.hooks.example.com")],
        [ADDRESS],
        [DNSName("127.0.0.1"), ADDRESS],
    ],
    ids=["another", "parent", "child", "the address", "the address twice"],
)
async def test_any_other_name_is_not(authority: Authority, names: list[GeneralName]) -> None:
    sent = await sent_over(authority.serves(*names), authority)
    assert (sent.status, sent.fault) == (None, SendFault.TLS_FAILED)


async def test_an_address_in_the_url_is_what_the_certificate_must_have(
    authority: Authority,
) -> None:
    assert (await sent_over(authority.serves(ADDRESS), authority, host="127.0.0.1")).is_success
    named = await sent_over(authority.serves(DNSName(NAME)), authority, host="127.0.0.1")
    assert named.fault is SendFault.TLS_FAILED


async def test_an_authority_that_is_not_trusted_is_not(authority: Authority) -> None:
    sent = await sent_over(authority.serves(DNSName(NAME)), None)
    assert sent.fault is SendFault.TLS_FAILED


async def test_an_expired_certificate_is_not_taken(authority: Authority) -> None:
    sent = await sent_over(authority.serves(DNSName(NAME), days=-1), authority)
    assert sent.fault is SendFault.TLS_FAILED


async def test_an_old_protocol_is_not_spoken(authority: Authority) -> None:
    tls = authority.serves(DNSName(NAME))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    assert (await sent_over(tls, authority)).fault is SendFault.TLS_FAILED


@pytest.mark.parametrize(
    ("host", "asked"),
    [(NAME, NAME), ("HOOKS.Example.COM", NAME), ("bücher.de", "xn--bcher-kva.de")],
)
async def test_the_server_is_asked_for_by_the_name_in_the_url(
    authority: Authority, host: str, asked: str
) -> None:
    heard: list[str | None] = []
    tls = authority.serves(DNSName(asked))
    tls.sni_callback = lambda _object, name, _context: heard.append(name)
    requests: list[bytes] = []

    async def handle(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(page(b""))

    async with serving(handle, tls) as base_url:
        port = base_url.rpartition(":")[2]
        names = Names([["127.0.0.1"]])
        sender = a_sender(resolve=names, dangerous=[f"{asked}:{port}"], authority=authority.pem)
        sent = await sender.send(f"https://{host}:{port}/", HEADERS, BODY)
    assert sent.is_success
    assert heard == names.asked == [asked]
    assert f"host: {asked}:{port}\r\n".encode() in requests[0]


async def test_who_does_not_speak_tls_is_told() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        sender = a_sender(dangerous=[f"127.0.0.1:{port}"])
        sent = await sender.send(f"https://127.0.0.1:{port}/", HEADERS, BODY)
    assert sent.fault is SendFault.TLS_FAILED


@pytest.mark.parametrize(
    ("connect_seconds", "seconds", "fault"),
    [(0.1, 15, SendFault.CONNECT_TIMED_OUT), (5, 0.1, SendFault.TIMED_OUT)],
)
async def test_a_handshake_that_stands_still_is_given_up(
    connect_seconds: float, seconds: float, fault: SendFault
) -> None:
    closed = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # All there is, up to the end of the connection.
        writer.close()
        closed.set()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        sender = a_sender(dangerous=[f"127.0.0.1:{port}"], connect_seconds=connect_seconds)
        url = f"https://127.0.0.1:{port}/"
        sent = await sender.send(url, HEADERS, BODY, timeout_seconds=seconds)
        await closed.wait()
    assert sent.fault is fault
