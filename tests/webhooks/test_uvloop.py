"""The product runs on uvloop, which has words of its own for connections that fail."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from gateway.services.ports.sender import SendFault, Sent
from tests.panels.servers import free_port, reset, serving
from tests.webhooks.receivers import BODY, HEADERS, a_sender, sent_to


async def to_nobody() -> Sent:
    return await sent_to(f"http://127.0.0.1:{free_port()}")


async def to_a_reset() -> Sent:
    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with serving(handle) as base_url:
        return await sent_to(base_url)


async def to_a_reset_within_the_body() -> Sent:
    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        await writer.drain()
        await asyncio.sleep(0.1)
        reset(writer)

    async with serving(handle) as base_url:
        return await sent_to(base_url)


async def to_a_reset_handshake() -> Sent:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reset(writer)

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        return await a_sender(dangerous=[place]).send(f"https://{place}/", HEADERS, BODY)


async def to_silence() -> Sent:
    async def handle(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(handle) as base_url:
        return await sent_to(base_url, seconds=0.2)


@pytest.mark.parametrize(
    ("scenario", "status", "fault"),
    [
        (to_nobody, None, SendFault.CONNECT_FAILED),
        (to_a_reset, None, SendFault.BROKEN_OFF),
        (to_a_reset_within_the_body, 200, SendFault.BROKEN_OFF),
        (to_a_reset_handshake, None, SendFault.TLS_FAILED),
        (to_silence, None, SendFault.TIMED_OUT),
    ],
)
def test_each_failure_has_its_word(scenario: object, status: int | None, fault: SendFault) -> None:
    assert callable(scenario)
    sent: Sent = uvloop.run(scenario())
    assert (sent.status, sent.fault) == (status, fault)
