"""`webhook tail` against a gateway that listens, and a program that is forwarded to."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.api.server import open_socket, serving
from gateway.cli.following import EventReader, GatewayAway, followed
from gateway.cli.output import CommandError
from gateway.domain.clock import SystemClock
from gateway.domain.standard_webhooks import secret_key, signature_v1
from tests.panels.servers import answering, free_port, page
from tests.panels.servers import serving as receiving
from tests.world import World, a_world

PROGRAM = str(Path(sys.executable).with_name("xtream-gateway"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int | None
    stdout: str
    stderr: str


async def tail(url: str, key: str, *arguments: str) -> Ran:
    """Run the command as a program of its own, on a machine that has no settings."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("webhook", "tail", "--every", "0.1", *arguments),
        env={"XTREAM_GATEWAY_URL": url, "XTREAM_GATEWAY_KEY": key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        stdout, stderr = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return Ran(process.returncode, stdout.decode(), stderr.decode())


@dataclass(frozen=True)
class Served:
    """A gateway that listens."""

    world: World
    url: str

    async def tail(self, *arguments: str, key: str | None = None) -> Ran:
        """Run the command as reseller A, or with another key."""
        return await tail(self.url, key or str(self.world.a.api.key), *arguments)

    async def lines(self, *arguments: str, key: str | None = None) -> list[dict[str, Any]]:
        ran = await self.tail("--json", *arguments, key=key)
        assert ran.code == 0, ran
        return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(a_world(f"sqlite:///{tmp_path}/gateway.db"))
        listener = open_socket("127.0.0.1:0")
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        await stack.enter_async_context(serving([(world.runtime.app(), listener)], drain_seconds=1))
        yield Served(world, url)


async def test_what_happens_is_printed_as_it_comes(served: Served) -> None:
    await served.world.line()
    watching = asyncio.create_task(served.lines("--type", "line.created", "--count", "2"))
    made = []
    while not watching.done():  # Until it has seen two of them; the first of all was before.
        made.append(await served.world.line())
        await asyncio.sleep(0.1)
    events = await watching
    ids = [line["id"] for line in made]
    first = ids.index(events[0]["resource_id"])
    assert [event["resource_id"] for event in events] == ids[first : first + 2]
    assert {event["type"] for event in events} == {"line.created"}
    assert events[0]["data"]["sequence"] == 1


async def test_it_begins_with_the_last_ones_oldest_first(served: Served) -> None:
    lines = [await served.world.line() for _ in range(3)]
    events = await served.lines("--type", "line.created", "--last", "2", "--count", "2")
    assert [event["resource_id"] for event in events] == [line["id"] for line in lines[1:]]


async def test_a_table_has_one_line_for_each(served: Served) -> None:
    line = await served.world.line()
    ran = await served.tail("--resource", line["id"], "--last", "9", "--count", "1")
    (row,) = ran.stdout.splitlines()
    assert row.split()[1:] == ["line.created", line["id"], "1"]


async def test_others_see_nothing_of_it(served: Served) -> None:
    await served.world.line()
    mine = await served.world.line(served.world.b.api)
    events = await served.lines(
        *("--type", "line.created", "--last", "9", "--count", "1"),
        key=str(served.world.b.api.key),
    )
    assert [event["resource_id"] for event in events] == [mine["id"]]


async def test_a_program_on_this_machine_gets_them_signed(served: Served) -> None:
    line = await served.world.line()
    requests: list[bytes] = []

    async def handle(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(page(b"", b"204 No Content"))

    async with receiving(handle) as base_url:
        forward = ("--forward", f"{base_url}/hook?x=1", "--secret", SECRET)
        narrowed = ("--resource", line["id"], "--last", "1", "--count", "1")
        ran = await served.tail("--json", *forward, *narrowed)
    event = json.loads(ran.stdout)
    assert event.pop("forwarded").items() >= {"status": 204, "fault": None}.items()
    (request,) = requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in rest)
    assert first == "POST /hook?x=1 HTTP/1.1"
    assert json.loads(body) == {name: event[name] for name in ("type", "timestamp", "data")}
    assert headers["webhook-id"] == event["id"]
    assert headers["webhook-signature"] == signature_v1(
        secret_key(SECRET), event["id"], int(headers["webhook-timestamp"]), body
    )
    assert f"Signed with {SECRET}" in ran.stderr
    assert SECRET not in ran.stdout


async def test_a_program_that_fails_is_told_and_the_next_is_forwarded(served: Served) -> None:
    lines = [await served.world.line() for _ in range(2)]
    assert lines
    narrowed = ("--type", "line.created", "--last", "2", "--count", "2")
    async with receiving(answering(page(b"", b"500 No"))) as base_url:
        ran = await served.tail("--forward", base_url, *narrowed)
    assert [" 500 in " in row for row in ran.stdout.splitlines()] == [True, True]
    assert "whsec_" in ran.stderr
    ran = await served.tail("--forward", f"http://127.0.0.1:{free_port()}/", *narrowed)
    assert ran.stdout.count("nobody listens there") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--forward", "https://example.com/"), "this machine only"),
        (("--forward", "http://10.0.0.1:80/"), "this machine only"),
        (("--forward", "here"), "no URL"),
        (("--secret", "whsec_short"), "--secret"),
        (("--type", "line.eaten"), "line.created"),
    ],
)
async def test_a_wrong_argument_is_told(arguments: tuple[str, ...], words: str) -> None:
    ran = await tail("http://127.0.0.1:1", "xgw_x", *arguments)
    assert ran.code != 0
    assert words in ran.stderr


async def test_a_gateway_that_refuses_is_told(served: Served) -> None:
    ran = await served.tail(key="xgw_unknown")
    assert (ran.code, "status 401" in ran.stderr) == (1, True)
    ran = await tail(f"{served.url}/elsewhere", "xgw_x")
    assert (ran.code, "status 404" in ran.stderr) == (1, True)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A program that is started has Ctrl-C off where we have: in a shell's background, say."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
async def test_ctrl_c_is_the_usual_end(served: Served) -> None:
    environ = {"XTREAM_GATEWAY_URL": served.url, "XTREAM_GATEWAY_KEY": str(served.world.a.api.key)}
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "webhook", "tail", "--last", "1"), env=environ, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await served.world.line()
        assert await process.stdout.readline()  # It is at work.
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()


async def test_a_gateway_that_is_not_there_is_told() -> None:
    ran = await tail(f"http://127.0.0.1:{free_port()}", "xgw_x")
    assert (ran.code, "does not answer" in ran.stderr) == (1, True)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://127.0.0.1:99999", "http://["])
async def test_what_is_no_address_is_told(url: str) -> None:
    ran = await tail(url, "xgw_x")
    assert (ran.code, "not an address" in ran.stderr) == (1, True)


async def test_something_that_is_no_gateway_is_told() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(page(b"<html>"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, EventReader.opened(url, "k", narrowed={}) as reader:
        with pytest.raises(CommandError, match="no gateway's answer"):
            await reader.newest(1)


class Away(EventReader):
    """Reads from a list of what the gateway does, one after the other."""

    def __init__(self, *found: Any) -> None:
        self.found = list(found)

    async def _read(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        found = self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return list(found)


class NoWaiting(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await super().sleep(0)


async def test_a_gateway_that_is_away_for_a_while_is_waited_for() -> None:
    told: list[str] = []
    reader = Away(
        [],
        GatewayAway("status 503"),
        GatewayAway("status 503"),
        [{"id": "evt_1"}],
        [],
        [{"id": "evt_2"}],
        CommandError("over"),
    )
    events = followed(reader, NoWaiting(), last=0, every_seconds=1, tell=told.append)
    assert [(await anext(events))["id"] for _ in range(2)] == ["evt_1", "evt_2"]
    with pytest.raises(CommandError, match="over"):
        await anext(events)
    assert told == [
        "The gateway does not answer (status 503); trying again.",
        "The gateway answers again.",
    ]
