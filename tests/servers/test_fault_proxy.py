"""The proxy does to bytes what it says; all else that uses it rests on this."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.servers.fault_proxy import FaultProxy, Wire, at, of_http

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789"


class Echo:
    """Answers the first bytes that come, and remembers all."""

    def __init__(self) -> None:
        self.got = b""
        self.ended: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1_000):
                self.got += data
                writer.write(data)
                await writer.drain()
            self.ended.append("end")
        except ConnectionError:
            self.ended.append("reset")
        finally:
            writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with FaultProxy.before(f"http://127.0.0.1:{port}") as made:
        yield made
    server.close()


async def ask(proxy: FaultProxy, *parts: bytes) -> bytes:
    """Send, end, and return all that comes back; a reset is raised."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.transport.abort()


async def test_a_whole_wire_hands_everything_on_both_ways(proxy: FaultProxy, echo: Echo) -> None:
    assert await ask(proxy, b"hello ", b"there") == b"hello there"
    assert (echo.got, echo.ended) == (b"hello there", ["end"])
    assert (proxy.taken, proxy.spoilt) == (1, 0)


@pytest.mark.parametrize("count", [0, 5, len(REQUEST) - 1])
async def test_a_request_is_reset_at_a_byte(proxy: FaultProxy, echo: Echo, count: int) -> None:
    proxy.wire = Wire(reset_request=at(count))
    with pytest.raises(ConnectionResetError):
        await ask(proxy, REQUEST[:20], REQUEST[20:])
    await asyncio.sleep(0.05)
    assert echo.got in {REQUEST[:count], b""}  # A reset may overtake what was sent before.
    assert echo.ended == ["reset"]


@pytest.mark.parametrize(
    ("cut", "count"),
    [(of_http(0), 0), (of_http(0.5), len(REQUEST) // 2), (of_http(1, but=1), len(REQUEST) - 1)],
)
def test_a_share_of_a_message_is_known_once_its_length_is(cut: object, count: int) -> None:
    assert callable(cut)
    assert cut(REQUEST[:20]) is None
    assert cut(REQUEST[:45]) == cut(REQUEST) == count


async def test_an_answer_is_reset_at_a_byte(proxy: FaultProxy, echo: Echo) -> None:
    proxy.wire = Wire(reset_answer=at(3))
    with pytest.raises(ConnectionResetError):
        await ask(proxy, b"hello")
    assert echo.got == b"hello"


async def test_an_answer_ends_early_while_the_request_may_go_on(
    proxy: FaultProxy, echo: Echo
) -> None:
    proxy.wire = Wire(end_answer_after=2)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.read() == b"he"
    writer.write(b" there")
    await asyncio.sleep(0.05)
    assert echo.got == b"hello there"
    writer.transport.abort()


async def test_a_black_hole_takes_all_and_answers_nothing(proxy: FaultProxy, echo: Echo) -> None:
    proxy.wire = Wire(blackhole=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(proxy, b"hello"), 0.2)
    assert echo.got == b""


async def test_delay_and_bandwidth_take_their_time(proxy: FaultProxy) -> None:
    for wire in (Wire(delay_seconds=0.2), Wire(bytes_per_second=25)):
        proxy.wire = wire
        began = time.monotonic()
        assert await ask(proxy, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.2


async def test_only_connections_that_begin_so_are_meant(proxy: FaultProxy) -> None:
    proxy.wire = Wire(when=(b"sub=create",), reset_answer=at(0))
    assert await ask(proxy, b"POST /?sub=info") == b"POST /?sub=info"
    with pytest.raises(ConnectionResetError):
        await ask(proxy, b"POST /?sub=create")
    assert (proxy.taken, proxy.spoilt) == (2, 1)


async def test_down_is_refused_and_up_again_is_the_same_port(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"x")
    assert await reader.read(1) == b"x"
    port = proxy.port
    await proxy.refuse()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    with pytest.raises(ConnectionRefusedError):
        await ask(proxy, b"x")
    await proxy.mend()
    assert proxy.port == port
    assert await ask(proxy, b"x") == b"x"
    writer.close()
