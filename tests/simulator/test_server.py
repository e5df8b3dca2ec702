"""The panel's port: bytes, headers, limits and broken connections over real TCP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.simulator import httpwire, sending
from gateway.simulator.httpwire import BadRequest
from gateway.simulator.messages import PanelRequest
from gateway.simulator.running import RunningSimulator, running_simulator
from tests.simulator import replay
from tests.simulator.asking import add_fault, eventually, line_form

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator(clock="virtual") as running:
        yield running


def post(call: str, body: str, *extra: str, version: str = "1.1", path: str = "/api.php") -> bytes:
    action, _, sub = call.partition("/")
    lines = [
        f"POST {path}?action={action}&sub={sub} HTTP/{version}",
        "Host: panel",
        f"Content-Type: {FORM}",
        f"Content-Length: {len(body.encode())}",
        *extra,
    ]
    return "\r\n".join([*lines, "", body]).encode()


async def connect(simulator: RunningSimulator) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = simulator.base_url.removeprefix("http://").rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def test_script_answers_have_no_length_and_end_with_the_connection(
    simulator: RunningSimulator,
) -> None:
    raw = await replay.raw_request(simulator.base_url, post("stream/offline", ""))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Server: nginx",
        b"Date: Tue, 24 Nov 2026 23:06:40 GMT" if b"23:06:40" in head else head.split(b"\r\n")[2],
        b"Content-Type: text/html; charset=UTF-8",
        b"Connection: close",
    ]
    assert body == b"[]"


async def test_web_server_answers_keep_the_connection(simulator: RunningSimulator) -> None:
    reader, writer = await connect(simulator)
    for _ in range(2):
        writer.write(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert "Connection: keep-alive" in head
        length = int(head.partition("Content-Length: ")[2].split("\r\n")[0])
        assert (await reader.readexactly(length)).startswith(b"<html>\r\n")
    writer.write(b"PUT /api.php HTTP/1.0\r\n\r\n")
    rest = await reader.read()
    assert b"Connection: close" in rest
    assert b"application/octet-stream\r\nContent-Length: 0\r\n" in rest
    writer.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"get /api.php HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api.php HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET api.php HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api.php HTTP/1.1\r\n\r\n",
        b"GET /api.php HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET /api.php HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"POST /api.php HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"GET /api.php HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
    ],
)
async def test_bad_requests(simulator: RunningSimulator, raw: bytes) -> None:
    reader, writer = await connect(simulator)
    writer.write(raw)
    writer.write_eof()
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close" in answer
    writer.close()


async def test_an_unknown_transfer_encoding(simulator: RunningSimulator) -> None:
    raw = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n"
    reader, writer = await connect(simulator)
    writer.write(raw)
    writer.write_eof()
    assert (await reader.read()).startswith(b"HTTP/1.1 501 ")
    writer.close()


@pytest.mark.parametrize(
    "piece", [b"", b"POST /api", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"]
)
async def test_a_caller_that_hangs_up(simulator: RunningSimulator, piece: bytes) -> None:
    reader, writer = await connect(simulator)
    writer.write(piece)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


async def test_slow_callers_are_dropped(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpwire, "READ_TIMEOUT", 0.02)
    for piece in (b"GET /", post("user/info", "a=1")[:-2]):
        reader, writer = await connect(simulator)
        writer.write(piece)
        assert await reader.read() == b""
        writer.close()


async def test_chunked_bodies_and_100_continue(simulator: RunningSimulator) -> None:
    reader, writer = await connect(simulator)
    body = line_form().encode()
    writer.write(
        b"POST /api.php?action=user&sub=create HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Type: " + FORM.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"5;x=y\r\n" + body[:5] + b"\r\n%x\r\n" % len(body[5:]) + body[5:] + b"\r\n")
    writer.write(b"0\r\nTrailer: x\r\n\r\n")
    assert b'"username":"alice"' in await reader.read()
    writer.close()


async def test_a_chunked_body_over_the_limit(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpwire, "BODY_LIMIT", 4)
    head = b"POST /api.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader, writer = await connect(simulator)
    writer.write(head + b"5\r\nabcde\r\n0\r\n\r\n")
    writer.write_eof()
    assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_large_body_is_refused_without_a_continue(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LINGER_IDLE", 0.02)
    raw = (
        b"POST /api.php HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: 99999999\r\n\r\n"
    )
    answer = await replay.raw_request(simulator.base_url, raw)
    assert answer.startswith(b"HTTP/1.1 413 Request Entity Too Large\r\n")


@pytest.mark.parametrize("k", [0, 1, 40, 100000])
async def test_a_reset_after_k_bytes(simulator: RunningSimulator, k: int) -> None:
    add_fault(simulator.panel, "reset_at", k_out=k)
    reader, writer = await connect(simulator)
    writer.write(post("user/create", line_form()))
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(k + 100_000)
    writer.close()
    await simulator.panel.wait_idle()
    assert len(simulator.panel.tables["users"]) == 1
    record = simulator.panel.ledger.records[0]
    assert record.sent_bytes == min(k, record.sent_bytes)


async def test_a_cut_body_ends_cleanly(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "truncate", bytes=10)
    raw = await replay.raw_request(simulator.base_url, post("user/create", line_form()))
    assert raw.endswith(b'\r\n\r\n{"result":')


async def test_a_ghost_over_tcp(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "ghost_write")
    reader, writer = await connect(simulator)
    writer.write(post("user/create", line_form()))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read()
    assert not len(simulator.panel.tables["users"])
    writer.close()
    await eventually(lambda: len(simulator.panel.tables["users"]) == 1)


async def test_a_redirect_names_a_place(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "status", code=301, location="http://127.0.0.1/login.php")
    raw = await replay.raw_request(simulator.base_url, post("user/info", "", "Connection: close"))
    assert b"\r\nLocation: http://127.0.0.1/login.php\r\n" in raw


async def test_late_work_is_done_after_the_answer(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "status", code=500, effect="after")
    raw = await replay.raw_request(simulator.base_url, post("user/create", line_form()))
    assert raw.startswith(b"HTTP/1.1 500 ")
    await simulator.panel.wait_idle()
    assert len(simulator.panel.tables["users"]) == 1


async def test_late_work_is_dropped_when_the_panel_closes() -> None:
    async with running_simulator(clock="virtual") as simulator:
        panel = simulator.panel
        panel.world.pause_at.add("write_1")
        add_fault(panel, "status", code=500, effect="after")
        await replay.raw_request(simulator.base_url, post("user/create", line_form()))
        reader, writer = await connect(simulator)
        writer.write(post("user/create", line_form("bob")))
        await eventually(lambda: panel.world.gates.waiting == 2)
    assert await reader.read() == b""
    writer.close()
    assert panel.active == 0


async def test_a_mistake_of_ours_drops_only_that_connection(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_request: PanelRequest) -> None:
        raise RuntimeError("ours")

    with monkeypatch.context() as patch:
        patch.setattr(simulator.panel, "prepare", fail)
        assert await replay.raw_request(simulator.base_url, post("user/info", "")) == b""
    assert "failed on a request" in caplog.text
    assert await replay.raw_request(simulator.base_url, post("user/info", ""))


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/api.php?x=1", "/api.php"),
        ("//api.php", "/api.php"),
        ("/a/../api.php", "/api.php"),
        ("/./api%2Ephp", "/api.php"),
        ("/api.php/", "/api.php/"),
        ("http://panel:25461/api.php?x", "/api.php"),
        ("/", "/"),
        ("*", "/"),
    ],
)
def test_paths_are_resolved(target: str, path: str) -> None:
    head = httpwire.parse_head(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert head.path == path


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_head_is_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BadRequest):
        head = httpwire.parse_head(raw)
        assert head.path.startswith("/")


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(raw=st.binary(min_size=1, max_size=80), with_head=st.booleans())
async def test_no_bytes_bring_the_port_down(raw: bytes, with_head: bool) -> None:
    async with running_simulator() as simulator:
        reader, writer = await connect(simulator)
        writer.write((b"POST /api.php?" if with_head else b"") + raw + b"\r\n\r\n")
        writer.write_eof()
        await reader.read()
        writer.close()
        assert await replay.raw_request(simulator.base_url, post("user/info", ""))
