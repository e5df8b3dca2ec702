"""Web sockets below the messages: frames, handshakes, and errors that nobody expected."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import struct
from typing import Any

import pytest
from starlette.types import Message

from gateway.api.app import create_app
from gateway.api.options import BODY_BYTES_MAX, ApiOptions
from tests.api.graphql.stand_in import StandIn
from tests.api.graphql.support import WAIT_SECONDS_MAX, Served
from tests.api.support import Recorder, some_ports

MASK = b"\x01\x02\x03\x04"
INIT = b'{"type":"connection_init","payload":{"authorization":"Bearer operator"}}'
ACK = {"type": "connection_ack"}


def frame(payload: bytes, *, first: int = 0x81, length: int | None = None) -> bytes:
    """Return one masked frame; *first* is FIN and opcode, *length* what is announced."""
    size = len(payload) if length is None else length
    head = bytes([first, 0x80 | size]) if size < 126 else struct.pack("!BBQ", first, 0xFF, size)
    return head + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))


class Wire:
    """A connection whose bytes a test writes itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def opened(cls, served: Served, *headers: str, target: str = "/graphql") -> Wire:
        wire = cls(*await asyncio.open_connection("127.0.0.1", served.port))
        nonce = base64.b64encode(b"0123456789abcdef").decode()
        lines = [
            f"GET {target} HTTP/1.1",
            "Host: x",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {nonce}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: graphql-transport-ws",
            *headers,
        ]
        wire.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert b"sec-websocket-extensions" not in head.lower()
        return wire

    async def hear(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame; servers do not mask theirs."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            return first & 0x0F, await self.reader.readexactly(size)

    async def close_code(self) -> int:
        opcode, payload = await self.hear()
        assert opcode == 8
        code: int = struct.unpack("!H", payload[:2])[0]
        return code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81" + bytes([len(INIT)]) + INIT, 1002),
        (frame(INIT, first=0x83), 1002),
        (frame(INIT, first=0xC1), 1002),
        (frame(INIT, first=0x80), 1002),
        (frame(b'"\xff"'), 1007),
        (frame(b"{}", length=BODY_BYTES_MAX + 1), 1009),
        (frame(b"x", first=0x88), 1002),
    ],
    ids=["unmasked", "unknown opcode", "compressed", "no beginning", "no UTF-8", "large", "close"],
)
async def test_a_wrong_frame_ends_the_connection(served: Served, sent: bytes, code: int) -> None:
    wire = await Wire.opened(served)
    wire.writer.write(sent)
    assert await wire.close_code() == code
    wire.writer.close()
    await served.until_told()
    assert served.telemetry.broken == []


async def test_a_message_may_come_in_pieces(served: Served) -> None:
    wire = await Wire.opened(served)
    for piece in (frame(INIT[:9], first=0x01), frame(INIT[9:20], first=0x00)):
        wire.writer.write(piece)
        wire.writer.write(frame(b"alive?", first=0x89))
        assert await wire.hear() == (10, b"alive?")
    wire.writer.write(frame(INIT[20:], first=0x80))
    opcode, payload = await wire.hear()
    assert (opcode, json.loads(payload)) == (1, ACK)
    wire.writer.close()


async def test_nothing_is_compressed(served: Served) -> None:
    wire = await Wire.opened(served, "Sec-WebSocket-Extensions: permessage-deflate")
    wire.writer.write(frame(INIT))
    opcode, payload = await wire.hear()
    assert (opcode, json.loads(payload)) == (1, ACK)
    wire.writer.close()


async def test_what_a_caller_puts_into_the_address_is_not_logged(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "uvicorn.error")
    caplog.set_level(logging.WARNING, "uvicorn.access")  # As our logging sets it.
    wire = await Wire.opened(served, target="/graphql?token=secret-of-a-caller")
    wire.writer.close()
    await served.until_told()
    assert "secret-of-a-caller" not in caplog.text


async def called(
    headers: list[tuple[bytes, bytes]], executor: Any = None, **scope: Any
) -> tuple[list[Message], Recorder]:
    """Open a socket without a server between, and return what the gateway sends."""
    telemetry = Recorder()
    app = create_app(some_ports(), ApiOptions(telemetry=telemetry), executor=executor or StandIn())
    sent: list[Message] = []
    events: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": INIT.decode()},
    ]

    async def receive() -> Message:
        if not events:
            raise ValueError("secret-of-the-code")
        return events.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    protocols = ["graphql-transport-ws"]
    whole = {"type": "websocket", "path": "/graphql", "headers": headers} | scope
    await app(whole | {"subprotocols": protocols}, receive, send)
    return sent, telemetry


async def test_a_server_that_cannot_answer_a_handshake_closes_instead() -> None:
    sent, telemetry = await called([(b"authorization", b"Bearer nobody")])
    assert sent == [{"type": "websocket.close"}]
    assert (telemetry.ended[0].status, telemetry.ended[0].code) == (403, "unauthenticated")


async def test_a_refused_handshake_is_a_whole_problem() -> None:
    headers = [(b"authorization", b"Bearer nobody")]
    sent, _ = await called(headers, extensions={"websocket.http.response": {}})
    assert [message["type"] for message in sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert sent[0]["status"] == 401
    assert (b"cache-control", b"no-store") in sent[0]["headers"]


async def test_a_bug_closes_the_connection_and_is_logged() -> None:
    sent, telemetry = await called([])
    assert [message["type"] for message in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert sent[-1]["code"] == 1011
    assert telemetry.ended[0].code == "internal_error"
    assert [str(error) for error in telemetry.broken] == ["secret-of-the-code"]


async def test_without_an_executor_there_is_no_graphql() -> None:
    app = create_app(some_ports())
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "websocket", "path": "/graphql", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
