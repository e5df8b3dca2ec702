"""Whatever a receiver does, it is bounded, and told in our own words."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import pytest

from gateway.domain.clock import SystemClock
from gateway.services.ports.sender import BODY_START_BYTES, SendFault, Sent
from gateway.webhooks.sender import BODY_BYTES_MAX, HEAD_BYTES_MAX, HttpSender
from gateway.webhooks.urls import HostPort
from tests.panels.servers import answering, free_port, page, request_from, reset, serving
from tests.webhooks.receivers import BODY, HEADERS, NAME, Names, a_sender, sent_to

OK = b"HTTP/1.1 200 OK\r\n"


def outcome(sent: Sent) -> tuple[int | None, SendFault | None]:
    return sent.status, sent.fault


async def test_what_is_sent_is_one_plain_post() -> None:
    requests: list[bytes] = []

    async def handle(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(page(b"thanks"))

    async with serving(handle) as base_url:
        sent = await sent_to(base_url, path="/a%20b/../c?x=1&y=%2F")
        host = base_url.partition("://")[2]
    assert sent.is_success
    assert outcome(sent) == (200, None)
    assert sent.body_start == b"thanks"
    assert sent.milliseconds >= 0
    (request,) = requests
    head, _, body = request.decode().partition("\r\n\r\n")
    assert head.split("\r\n") == [
        "POST /a%20b/../c?x=1&y=%2F HTTP/1.1",
        f"host: {host}",
        "user-agent: xtream-gateway",
        "accept-encoding: identity",
        "connection: close",
        f"content-length: {len(BODY)}",
        "content-type: application/json",
        "webhook-id: evt_1",
    ]
    assert body.encode() == BODY


@pytest.mark.parametrize("name", ["Host", "content-length", "Connection", "User-Agent"])
async def test_the_senders_own_headers_cannot_be_given(name: str) -> None:
    async with serving(answering(page(b""))) as base_url:
        sender = a_sender(dangerous=[base_url.partition("://")[2]])
        with pytest.raises(ValueError, match="the sender's own"):
            await sender.send(base_url, {name: "1"}, BODY)


@pytest.mark.parametrize(
    ("answer", "status", "is_success"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, True),
        (b"HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", 299, True),
        (b"HTTP/1.0 200 OK\r\n\r\nold", 200, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", 200, True),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410, False),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 500, False),
    ],
)
async def test_a_whole_answer_is_its_status(answer: bytes, status: int, is_success: bool) -> None:
    async with serving(answering(answer)) as base_url:
        sent = await sent_to(base_url)
    assert (*outcome(sent), sent.is_success) == (status, None, is_success)


async def test_a_page_is_read_to_its_end_and_its_start_kept() -> None:
    text = bytes(range(256)) * 100
    async with serving(answering(page(text))) as base_url:
        sent = await sent_to(base_url)
    assert sent.is_success
    assert sent.body_start == text[:BODY_START_BYTES]


async def test_nothing_is_decompressed() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    headers = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n".encode()
    async with serving(answering(page(bomb, headers=headers))) as base_url:
        sent = await sent_to(base_url)
    assert outcome(sent) == (200, None)
    assert sent.body_start == bomb[:BODY_START_BYTES]


def chunks() -> bytes:
    return b"10000\r\n" + bytes(0x10000) + b"\r\n"


def header(number: int) -> bytes:
    return f"X-{number}: {'x' * 1_000}\r\n".encode()


def interim(_number: int) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "part", "expected"),
    [
        (OK + b"\r\n", lambda _: bytes(65_536), (200, SendFault.BODY_TOO_LARGE)),
        (
            OK + b"Content-Length: 1000000000\r\n\r\n",
            lambda _: bytes(65_536),
            (200, SendFault.BODY_TOO_LARGE),
        ),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            lambda _: chunks(),
            (200, SendFault.BODY_TOO_LARGE),
        ),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            lambda _: b"1;" + b"x" * 3_000 + b"\r\n.\r\n",
            (200, SendFault.BODY_TOO_LARGE),
        ),
        (
            b"HTTP/1.1 500 No\r\n\r\n",
            lambda _: bytes(65_536),
            (500, SendFault.BODY_TOO_LARGE),
        ),
        (OK, header, (None, SendFault.HEAD_TOO_LARGE)),
        (OK + b"X: ", lambda _: b"x" * 1_000, (None, SendFault.HEAD_TOO_LARGE)),
        (b"", interim, (None, SendFault.HEAD_TOO_LARGE)),
        (b"HTTP/1.1 200 ", lambda _: b"x" * 1_000, (None, SendFault.HEAD_TOO_LARGE)),
    ],
    ids=[
        *("endless body", "a gigabyte", "endless chunks", "chunk extensions", "endless error"),
        *("endless headers", "endless header", "endless interim answers", "endless first line"),
    ],
)
async def test_what_does_not_end_is_cut_off(
    begin: bytes,
    part: Callable[[int], bytes],
    expected: tuple[int | None, SendFault],
) -> None:
    cut_off = asyncio.Event()

    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(begin)
            for number in count():
                writer.write(part(number))
                await writer.drain()
        except ConnectionError:
            cut_off.set()

    async with serving(handle) as base_url:
        sent = await sent_to(base_url)
        await cut_off.wait()
    assert outcome(sent) == expected
    assert len(sent.body_start) <= BODY_START_BYTES


async def test_a_head_and_a_body_within_their_limits_are_taken() -> None:
    headers = b"X: " + b"x" * (HEAD_BYTES_MAX - 500) + b"\r\n"
    text = b"y" * (BODY_BYTES_MAX - 100)
    async with serving(answering(page(text, headers=headers))) as base_url:
        assert outcome(await sent_to(base_url)) == (200, None)


def dripping(text: bytes) -> Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in text:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    return handle


async def test_a_head_that_drips_is_given_up() -> None:
    async with serving(dripping(OK + b"X: " + b"x" * 10_000)) as base_url:
        sent = await sent_to(base_url, seconds=0.3)
    assert outcome(sent) == (None, SendFault.TIMED_OUT)


async def test_a_body_that_drips_is_given_up_and_its_status_told() -> None:
    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        await dripping(b"y" * 10_000)(_request, writer)

    async with serving(handle) as base_url:
        sent = await sent_to(base_url, seconds=0.5)
    assert outcome(sent) == (200, SendFault.TIMED_OUT)
    assert not sent.is_success
    assert set(sent.body_start) == {ord("y")}


async def test_who_says_nothing_is_given_up() -> None:
    async def handle(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(handle) as base_url:
        sent = await sent_to(base_url, seconds=0.2)
    assert outcome(sent) == (None, SendFault.TIMED_OUT)


async def test_who_does_not_read_is_given_up() -> None:
    given_up = asyncio.Event()

    async def ignore(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await given_up.wait()  # The reader's buffer fills, and then the system's.
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    place = HostPort(*server.sockets[0].getsockname())
    async with server:
        sender = a_sender(dangerous=[f"{place.host}:{place.port}"])
        url = f"http://{place.host}:{place.port}/"
        sent = await sender.send(url, HEADERS, bytes(50_000_000), timeout_seconds=0.5)
        given_up.set()
    assert outcome(sent) == (None, SendFault.TIMED_OUT)


@pytest.mark.parametrize(
    "begin", [b"", b"HTTP/1.1 2", OK, OK + b"X: y\r\n", b"HTTP/1.1 100 C\r\n\r\n"]
)
async def test_who_closes_before_the_head_is_whole_has_given_no_answer(begin: bytes) -> None:
    async with serving(answering(begin)) as base_url:
        assert outcome(await sent_to(base_url)) == (None, SendFault.BROKEN_OFF)


@pytest.mark.parametrize(
    "begin",
    [
        OK + b"Content-Length: 100\r\n\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    ],
)
async def test_who_closes_within_the_body_has_broken_off(begin: bytes) -> None:
    async with serving(answering(begin)) as base_url:
        sent = await sent_to(base_url)
    assert (*outcome(sent), sent.body_start) == (200, SendFault.BROKEN_OFF, b"half")


async def test_who_resets_has_broken_off() -> None:
    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with serving(handle) as base_url:
        assert outcome(await sent_to(base_url)) == (None, SendFault.BROKEN_OFF)


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        OK + b"Transfer-Encoding: odd\r\n\r\n",
    ],
)
async def test_who_speaks_something_else_is_no_receiver(answer: bytes) -> None:
    async def handle(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(60)

    async with serving(handle) as base_url:
        sent = await sent_to(base_url)
    assert outcome(sent) == (None, SendFault.NOT_HTTP)


async def test_nobody_there() -> None:
    assert outcome(await sent_to(f"http://127.0.0.1:{free_port()}")) == (
        None,
        SendFault.CONNECT_FAILED,
    )


async def test_the_next_address_is_tried_where_the_first_takes_nothing() -> None:
    async with serving(answering(page(b"ok"))) as base_url:
        port = int(base_url.rpartition(":")[2])
        names = Names([["::1", "127.0.0.1", "127.0.0.1"]])
        sender = a_sender(resolve=names, dangerous=[f"{NAME}:{port}"])
        assert (await sender.send(f"http://{NAME}:{port}/", HEADERS, BODY)).is_success


async def unknown(_host: str, _port: int) -> Sequence[str]:
    raise OSError("no such name")


async def impossible(_host: str, _port: int) -> Sequence[str]:
    raise UnicodeError("label too long")


@pytest.mark.parametrize("resolve", [unknown, impossible, Names([[]])])
async def test_a_name_without_an_address(resolve: object) -> None:
    sent = await a_sender(resolve=resolve).send(f"https://{NAME}/", HEADERS, BODY)
    assert outcome(sent) == (None, SendFault.NAME_NOT_FOUND)


async def test_a_name_server_that_says_nothing_is_given_up() -> None:
    async def silent(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    sender = a_sender(resolve=silent, connect_seconds=0.1)
    sent = await sender.send(f"https://{NAME}/", HEADERS, BODY)
    assert outcome(sent) == (None, SendFault.CONNECT_TIMED_OUT)


async def test_the_systems_resolver_is_asked() -> None:
    async with serving(answering(page(b"ok"))) as base_url:
        port = int(base_url.rpartition(":")[2])
        place = HostPort("localhost", port)
        async with HttpSender.opened(SystemClock(), dangerous=[place]) as sender:
            sent = await sender.send(f"http://LOCALHOST:{port}/", HEADERS, BODY)
            assert sent.is_success
            lost = await sender.send("https://nothing.invalid/", HEADERS, BODY, timeout_seconds=2)
            assert lost.status is None


async def test_whoever_gives_up_waiting_leaves_no_connection() -> None:
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_from(reader)
        arrived.set()
        assert await reader.read() == b""
        writer.close()
        closed.set()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        sending = asyncio.create_task(sent_to(f"http://127.0.0.1:{port}"))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await closed.wait()


def test_each_fault_has_its_sentence() -> None:
    assert all(fault.detail.endswith(".") for fault in SendFault)
    assert len({fault.detail for fault in SendFault}) == len(SendFault)
