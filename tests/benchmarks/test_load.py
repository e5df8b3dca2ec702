"""The load generator understands the answers that it meets, and counts right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from benchmarks.load import Connection, Plan, carry_out

REQUEST = b"GET / HTTP/1.1\r\nHost: it\r\n\r\n"
HELLO = (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",)


@asynccontextmanager
async def serving(pieces: tuple[bytes, ...], *, closes: bool = False) -> AsyncIterator[int]:
    """Answer each request with *pieces*, apart from each other; yields the port."""

    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.002)
                if closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        if tasks:
            await asyncio.wait(tasks)


@pytest.mark.parametrize(
    "pieces",
    [
        HELLO,
        (b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth:5\r\n\r", b"\nhe", b"llo"),
        (b"HTTP/1.1 200 OK\r\nX-Content-Length-Of: 3\r\nCONTENT-LENGTH: 5\r\n\r\nhello",),
    ],
    ids=["whole", "in pieces", "other case"],
)
async def test_an_answer_ends_where_its_length_says(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces) as port:
        connection = await Connection.opened("127.0.0.1", port)
        for _ in range(2):
            answer = await connection.ask(REQUEST)
            assert (answer.status, answer.body) == (200, b"hello")
        connection.close()


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async with serving((b"HTTP/1.1 404 No\r\n\r\nhel", b"lo"), closes=True) as port:
        connection = await Connection.opened("127.0.0.1", port)
        answer = await connection.ask(REQUEST)
        assert (answer.status, answer.body) == (404, b"hello")
        with pytest.raises(ConnectionError):
            await connection.ask(REQUEST)
        connection.close()


async def test_an_answer_that_breaks_off_is_none() -> None:
    async with serving(
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",), closes=True
    ) as port:
        connection = await Connection.opened("127.0.0.1", port)
        with pytest.raises(ConnectionError):
            await connection.ask(REQUEST)
        connection.close()


async def test_a_count_is_kept_over_all_connections() -> None:
    async with serving(HELLO) as port:
        plan = Plan(port=port, requests=(REQUEST,), connections=4, count=10)
        result = await carry_out(plan)
    assert (result.asked, len(result.milliseconds), result.refused) == (10, 10, 0)


async def test_the_warm_up_is_not_measured() -> None:
    async with serving(HELLO) as port:
        plan = Plan(port=port, requests=(REQUEST,), warm_seconds=0.1, seconds=0.1)
        result = await carry_out(plan)
    assert 0 < len(result.milliseconds) < result.asked
    assert result.per_second == len(result.milliseconds) / result.seconds


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_a_pace_is_kept_whatever_answers_take(keep_alive: bool) -> None:
    slow = (*HELLO[0].split(b"l"),)
    pieces = (slow[0], b"l", b"l" + slow[-1])
    async with serving(pieces, closes=not keep_alive) as port:
        plan = Plan(
            port=port,
            requests=(REQUEST,),
            connections=8,
            count=10,
            rate=1000,
            keep_alive=keep_alive,
        )
        result = await carry_out(plan)
    assert len(result.milliseconds) == 10


async def test_a_refusal_ends_the_run_and_is_told() -> None:
    async with serving((b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy",)) as port:
        result = await carry_out(Plan(port=port, requests=(REQUEST,), count=10))
    assert (result.asked, result.refused, result.milliseconds) == (1, 1, [])
    assert result.first_refusal == "503: busy"
