"""Slow and oversized requests over real sockets: refused, and the connection is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import httpx2
import pytest

from gateway.api.app import create_app
from gateway.api.connection import HEADERS_BYTES_MAX, HEADERS_MAX, URL_BYTES_MAX
from gateway.api.options import ApiOptions
from gateway.api.rest.routing import Route, get
from gateway.api.rest.shapes import Out
from gateway.api.server import open_socket, serving
from gateway.services.context import Context
from tests.api.support import ROUTES, some_ports

SECONDS: Final = 0.5
#: Far more than it takes; nothing is measured.
PATIENCE: Final = 30
KEY: Final = b"Authorization: Bearer operator\r\n"
GOOD: Final = b"GET /v1/things HTTP/1.1\r\nHost: x\r\n" + KEY + b"\r\n"
HEAD: Final = (
    b"POST /v1/things HTTP/1.1\r\nHost: x\r\n" + KEY + b"Content-Type: application/json\r\n"
)


class Much(Out, frozen=True, kw_only=True):
    """An answer that no socket's buffers hold."""

    text: str


@get("/v1/much", needs=None)
async def much(context: Context) -> Much:
    """Read much."""
    return Much(text="x" * 32 * 1024 * 1024)


TABLE: Final[tuple[Route, ...]] = (*ROUTES, much)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = open_socket("127.0.0.1:0")
    app = create_app(some_ports(), ApiOptions(request_seconds=SECONDS), table=TABLE)
    async with serving([(app, listener)], drain_seconds=1, request_seconds=SECONDS):
        yield listener.getsockname()[1]


async def closed(port: int, *parts: bytes, pause: float = 0.0, endless: bytes = b"") -> bytes:
    """Send *parts*, then *endless* again and again; return what comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        while endless:
            writer.write(endless)
            await asyncio.sleep(SECONDS / 10)

    sending = asyncio.ensure_future(send())
    try:
        async with asyncio.timeout(PATIENCE):
            answer = b""
            while piece := await reader.read(65_536):
                answer += piece
            return answer
    except ConnectionError:
        return answer
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def problem_in(answer: bytes) -> tuple[int, str]:
    """Return status and code of the one answer, which says that the connection ends."""
    response = httpx2.Response(
        int(answer.split(b" ", 2)[1]), content=answer.partition(b"\r\n\r\n")[2]
    )
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"connection: close" in head
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert answer.count(b"HTTP/1.1") == 1
    problem = response.json()
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return response.status_code, problem["code"]


async def test_who_says_nothing_is_closed_without_a_word(port: int) -> None:
    assert await closed(port) == b""


@pytest.mark.parametrize(
    "parts",
    [(b"G",), (b"GET /v1/things HTTP/1.1\r\n",), (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n",)],
)
async def test_a_head_that_does_not_come_to_an_end(port: int, parts: tuple[bytes, ...]) -> None:
    assert problem_in(await closed(port, *parts)) == (408, "request_timeout")


async def test_a_head_that_comes_drop_by_drop(port: int) -> None:
    answer = await closed(port, b"GET / HTTP/1.1\r\n", endless=b"a: b\r\n")
    assert problem_in(answer) == (408, "request_timeout")


async def test_empty_lines_are_no_request(port: int) -> None:
    assert b"408" in await closed(port, endless=b"\r\n")


@pytest.mark.parametrize("endless", [b"", b"a"])
@pytest.mark.parametrize("length", [b"Content-Length: 1000\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_a_body_that_does_not_come(port: int, endless: bytes, length: bytes) -> None:
    piece = b"1\r\na\r\n" if b"chunked" in length and endless else endless
    answer = await closed(port, HEAD + length + b"\r\n", endless=piece)
    assert problem_in(answer) == (408, "request_timeout")


async def test_a_body_that_nobody_reads_holds_no_connection(port: int) -> None:
    """It is refused before its body is read, which then drips on."""
    head = HEAD.replace(KEY, b"") + b"Content-Length: 1000000\r\n\r\n"
    answer = await closed(port, head, endless=b"a")
    assert answer.startswith(b"HTTP/1.1 401")


async def test_after_an_answer_the_next_head_has_its_time_too(port: int) -> None:
    answer = await closed(port, GOOD, b"GET /", pause=SECONDS / 5)
    first, second = answer.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200")
    assert second.startswith(b"408")


async def test_slow_but_within_the_time_is_served(port: int) -> None:
    halves = (GOOD[:20], GOOD[20:].replace(b"Host", b"Connection: close\r\nHost"))
    answer = await closed(port, *halves, pause=SECONDS / 10)
    assert answer.startswith(b"HTTP/1.1 200")


async def test_who_does_not_take_the_answer_is_cut_off(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(GOOD.replace(b"things", b"much"))
    await writer.drain()
    await asyncio.sleep(6 * SECONDS)
    taken = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            taken = await reader.read()
    assert len(taken) < 32 * 1024 * 1024
    writer.close()


async def test_who_takes_it_gets_it_all(port: int) -> None:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.get("/v1/much", headers={"Authorization": "Bearer operator"})
    assert len(answer.json()["text"]) == 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET /" + b"a" * (URL_BYTES_MAX + 1), 414, "uri_too_long"),
        (b"GET /?" + b"a" * (URL_BYTES_MAX + 1), 414, "uri_too_long"),
        (
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (HEADERS_MAX + 1),
            431,
            "headers_too_large",
        ),
        (b"GET / HTTP/1.1\r\na: " + b"b" * HEADERS_BYTES_MAX, 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 400_000, 431, "headers_too_large"),
        (b"NONSENSE\r\n", 400, "malformed_body"),
    ],
    ids=["path", "query", "headers", "bytes", "megabytes", "nonsense"],
)
async def test_a_head_that_is_too_large(port: int, head: bytes, status: int, code: str) -> None:
    end = b"" if b"HTTP/1.1" in head else b" HTTP/1.1"
    answer = await closed(port, head + end + b"\r\n\r\n")
    assert problem_in(answer) == (status, code)


async def test_an_endless_header_is_not_kept(port: int) -> None:
    answer = await closed(port, b"GET / HTTP/1.1\r\na: ", *[b"b" * 16_384] * 40)
    assert b"431" in answer or answer == b""


async def test_heads_at_their_limits_are_read(port: int) -> None:
    path = b"/" + b"a" * (URL_BYTES_MAX - 1)
    headers = b"a: b\r\n" * (HEADERS_MAX - 2) + b"Connection: close\r\nc: " + b"d" * 20_000
    answer = await closed(port, b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404")
