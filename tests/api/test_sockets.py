"""The edge behind its real server, over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.api.app import create_app
from gateway.api.server import PortTakenError, open_socket, serving
from tests.api.support import OPERATOR, ROUTES, assert_problem, some_ports

MIB = 1024 * 1024
JSON = OPERATOR | {"content-type": "application/json"}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = open_socket("127.0.0.1:0")
    app = create_app(some_ports(), table=ROUTES)
    async with serving([(app, listener)], drain_seconds=1):
        yield listener.getsockname()[1]


@pytest.fixture
async def client(port: int) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


async def exchange(port: int, request: bytes) -> bytes:
    """Send raw bytes and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_large_body_is_answered_and_the_connection_lives(
    client: httpx2.AsyncClient,
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a" * (MIB // 10)

    for _ in range(3):
        announced = await client.post("/v1/things", headers=JSON, content=b"a" * (10 * MIB))
        assert_problem(announced, 413, "body_too_large")
        streamed = await client.post("/v1/things", headers=JSON, content=pieces())
        assert_problem(streamed, 413, "body_too_large")
        assert (await client.get("/v1/things", headers=OPERATOR)).status_code == 200


async def test_a_head_has_no_body(port: int) -> None:
    answer = await exchange(port, b"HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b""


async def test_odd_bytes_in_path_and_query_are_not_our_fault(port: int) -> None:
    for target in (b"/v1/things/%FF%FE", b"/v1/things/\xc3\xa9", b"/v1/%00", b"/%2e%2e/etc"):
        request = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % target
        answer = await exchange(port, request + b"Authorization: Bearer operator\r\n\r\n")
        assert answer.split(b" ", 2)[1][:1] == b"4", answer
    request = b"GET /v1/things?name=\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    answer = await exchange(port, request + b"Authorization: Bearer operator\r\n\r\n")
    assert answer.split(b" ", 2)[1] in {b"400", b"422"}


def test_a_taken_port_is_named() -> None:
    first = open_socket("127.0.0.1:0")
    port = first.getsockname()[1]
    with first, pytest.raises(PortTakenError, match=f"Port {port} on 127.0.0.1"):
        open_socket(f"127.0.0.1:{port}")
