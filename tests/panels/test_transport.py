"""HTTP to a panel: what is an answer, what was sent for sure, and what was not."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.panels import Tls
from gateway.panels.dialect import ANSWER_BYTES_MAX, Answer, Reason
from gateway.panels.transport import Transport
from tests.panels.makers import HTML
from tests.panels.sending import REQUEST, fault_of, send
from tests.panels.servers import HEAD, answering, free_port, page, reset, self_signed, serving


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport.opened() as opened:
        yield opened


async def test_the_request_is_one_plain_post(transport: Transport) -> None:
    seen: list[bytes] = []

    async def note(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(page(b"[]"))

    async with serving(note) as url:
        await send(transport, url)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /api.php?action=user&sub=info HTTP/1.1"
    assert set(lines[2:]) == {
        b"Content-Type: application/x-www-form-urlencoded",
        b"Accept: */*",
        b"Accept-Encoding: identity",
        b"Connection: close",
        b"User-Agent: xtream-gateway",
        b"Content-Length: 18",
    }
    assert body == b"password=TOPSECRET"


async def test_each_request_has_a_connection_of_its_own(transport: Transport) -> None:
    ports: list[int] = []

    async def note(_request: bytes, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n[]")
        await asyncio.sleep(0.05)

    async with serving(note) as url:
        await send(transport, url)
        await send(transport, url)
    assert len(set(ports)) == 2


async def test_the_body_ends_at_the_end_of_the_connection(transport: Transport) -> None:
    async with serving(answering(page(b'{"result":true}'))) as url:
        answer = await send(transport, url)
    assert answer == Answer(status=200, body=b'{"result":true}', content_type=HTML)


async def test_a_chunked_body_is_put_together(transport: Transport) -> None:
    raw = page(b"2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n", headers=b"Transfer-Encoding: chunked\r\n")
    async with serving(answering(raw)) as url:
        assert (await send(transport, url)).body == b"[1]"


async def test_a_redirect_is_an_answer_and_is_not_followed(transport: Transport) -> None:
    hits: list[bytes] = []

    async def note(request: bytes, writer: asyncio.StreamWriter) -> None:
        hits.append(request)
        writer.write(page(b"", b"302 Found", b"Location: /elsewhere\r\n"))

    async with serving(note) as url:
        assert (await send(transport, url)).status == 302
    assert len(hits) == 1


async def test_a_compressed_body_is_left_as_it_is_and_named(transport: Transport) -> None:
    raw = page(b"[]", headers=b"Content-Encoding: gzip\r\n")
    async with serving(answering(raw)) as url:
        answer = await send(transport, url)
    assert (answer.body, answer.content_encoding) == (b"[]", "gzip")


async def test_no_more_than_a_megabyte_is_read(transport: Transport) -> None:
    async def flood(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        while True:  # Until the other side hangs up.
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with serving(flood) as url:
        answer = await send(transport, url)
    assert (len(answer.body), answer.whole) == (ANSWER_BYTES_MAX, False)


async def test_a_megabyte_exactly_is_whole(transport: Transport) -> None:
    async with serving(answering(page(b"x" * ANSWER_BYTES_MAX))) as url:
        assert (await send(transport, url)).whole


async def test_a_refused_port_is_not_sent(transport: Transport) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert await fault_of(transport, url) == (Reason.UNREACHABLE, False)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "xn--zzzzzz99999"])
async def test_a_host_without_address_is_not_sent(transport: Transport, host: str) -> None:
    assert await fault_of(transport, f"http://{host}:80") == (Reason.UNREACHABLE, False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999", "ftp://127.0.0.1", "http://", "nonsense"]
)
async def test_an_address_that_is_none_is_not_sent(transport: Transport, url: str) -> None:
    assert await fault_of(transport, url) == (Reason.UNREACHABLE, False)


async def test_a_full_backlog_is_not_sent(transport: Transport) -> None:
    """The kernel drops further connects, as a packet filter would."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for other in waiting:
            other.setblocking(False)
            other.connect_ex(("127.0.0.1", port))
        found = await fault_of(transport, f"http://127.0.0.1:{port}", seconds=0.5)
        for other in waiting:
            other.close()
    assert found == (Reason.CONNECT_TIMED_OUT, False)


async def test_a_silent_server_may_have_got_it(transport: Transport) -> None:
    async def sleep(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    async with serving(sleep) as url:
        assert await fault_of(transport, url, seconds=0.2) == (Reason.TIMED_OUT, True)


async def test_a_reset_before_the_headers_may_have_got_it(transport: Transport) -> None:
    async def cut(_request: bytes, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with serving(cut) as url:
        assert await fault_of(transport, url) == (Reason.BROKEN_OFF, True)


async def test_a_close_before_the_headers_may_have_got_it(transport: Transport) -> None:
    async with serving(answering(b"")) as url:
        assert await fault_of(transport, url) == (Reason.BROKEN_OFF, True)


async def test_a_reset_inside_the_body_may_have_got_it(transport: Transport) -> None:
    async def cut(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(page(b'{"res'))
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    async with serving(cut) as url:
        assert await fault_of(transport, url) == (Reason.BROKEN_OFF, True)


@pytest.mark.parametrize(
    "raw",
    [
        page(b'{"result":true}', headers=b"Content-Length: 100\r\n"),
        page(b"zz\r\n[]", headers=b"Transfer-Encoding: chunked\r\n"),
        b"not http at all\r\n\r\n",
        HEAD + b"X: " + b"x" * 200_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
        b"\x15\x03\x01\x00\x02\x02\x50",
    ],
    ids=["short", "chunks", "no http", "endless headers", "only interim", "tls alert"],
)
async def test_what_is_no_whole_answer_may_have_got_it(transport: Transport, raw: bytes) -> None:
    async with serving(answering(raw)) as url:
        assert await fault_of(transport, url) == (Reason.BROKEN_OFF, True)


@pytest.mark.parametrize("start", [b"", HEAD + b"\r\n"], ids=["head", "body"])
async def test_a_slow_drip_ends_at_the_deadline(transport: Transport, start: bytes) -> None:
    async def drip(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        for byte in (HEAD + b"\r\n") * 10:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(drip) as url:
        began = time.monotonic()
        assert await fault_of(transport, url, seconds=0.4) == (Reason.TIMED_OUT, True)
    assert time.monotonic() - began < 2


async def test_an_untrusted_certificate_is_not_sent(transport: Transport, tmp_path: Path) -> None:
    hits: list[bytes] = []

    async def note(request: bytes, _writer: asyncio.StreamWriter) -> None:
        hits.append(request)

    async with serving(note, self_signed(tmp_path)[0]) as url:
        assert await fault_of(transport, url) == (Reason.TLS_FAILED, False)
    assert hits == []


async def test_a_panels_own_authority_or_no_check_lets_it_in(
    transport: Transport, tmp_path: Path
) -> None:
    context, pem = self_signed(tmp_path)
    async with serving(answering(page(b"[]")), context) as url:
        for tls in (Tls(ca_pem=pem), Tls(verify=False)):
            assert (await send(transport, url, tls=tls)).body == b"[]"


async def test_a_name_that_the_certificate_lacks_is_not_sent(
    transport: Transport, tmp_path: Path
) -> None:
    context, pem = self_signed(tmp_path)
    async with serving(answering(page(b"[]")), context) as url:
        there = url.replace("127.0.0.1", "localhost")
        assert await fault_of(transport, there, tls=Tls(ca_pem=pem)) == (Reason.TLS_FAILED, False)


async def test_https_to_a_plain_port_is_not_sent(transport: Transport) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(page(b"[]", b"400 Bad Request"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await fault_of(transport, url) == (Reason.TLS_FAILED, False)


async def test_an_authority_that_is_no_certificate_is_not_sent(transport: Transport) -> None:
    found = await fault_of(transport, "https://127.0.0.1:1", tls=Tls(ca_pem="nonsense"))
    assert found == (Reason.TLS_FAILED, False)


async def test_old_and_new_tls_settings_live_side_by_side(
    transport: Transport, tmp_path: Path
) -> None:
    context, pem = self_signed(tmp_path)
    async with serving(answering(page(b"[]")), context) as url:
        assert (await send(transport, url, tls=Tls(ca_pem=pem))).status == 200
        assert await fault_of(transport, url) == (Reason.TLS_FAILED, False)
        assert (await send(transport, url, tls=Tls(ca_pem=pem))).status == 200


async def test_the_environments_proxies_are_not_used(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with serving(answering(page(b"[]"))) as url:
        assert (await send(transport, url)).body == b"[]"


async def test_a_caller_that_gives_up_is_not_told_anything_else(transport: Transport) -> None:
    async def sleep(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    async with serving(sleep) as url:
        task = asyncio.ensure_future(send(transport, url))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_no_part_of_a_request_or_answer_shows_a_secret() -> None:
    assert "TOPSECRET" not in repr(REQUEST)
    assert "TOPSECRET" not in repr(Answer(status=200, body=b"TOPSECRET"))
