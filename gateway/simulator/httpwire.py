"""HTTP/1.1 by hand: the panel must leave lengths out and break off where a fault says.

Limits and refusals follow a small web server's defaults.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final
from urllib.parse import unquote

from gateway.simulator.messages import REASONS, PanelAnswer

HEAD_LIMIT: Final = 32 * 1024
BODY_LIMIT: Final = 3 * 1024 * 1024
READ_TIMEOUT: Final = 13.0
_CHUNK: Final = 65536
_CHUNK_LINE: Final = 1024
_TOKEN = re.compile(rb"[A-Z_-]+\Z")
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_LENGTH = re.compile(r"[0-9]{1,18}\Z", re.ASCII)


class BadRequest(Exception):
    """The bytes are no request that a web server takes."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(REASONS[status])
        self.status = status


class Hangup(Exception):
    """The caller went away or was too slow; there is nobody to answer."""


@dataclass(slots=True)
class Head:
    """A request line and its headers."""

    method: str
    target: str
    version: str
    headers: dict[str, str] = field(default_factory=dict)
    size: int = 0
    """How many bytes it took."""

    @property
    def path(self) -> str:
        """The path with doubled slashes and dots resolved, as locations are looked up."""
        raw = unquote(self.target.partition("?")[0], errors="surrogateescape")
        if not raw.startswith("/"):  # An absolute target: http://host/path
            raw = "/" + raw.partition("://")[2].partition("/")[2]
        parts: list[str] = []
        for part in raw.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts) + ("/" if raw.endswith("/") and parts else "")

    @property
    def query(self) -> str:
        """The query, undecoded."""
        return self.target.partition("?")[2].partition("#")[0]

    @property
    def keep_alive(self) -> bool:
        """Whether the caller wants to go on with this connection."""
        wish = self.headers.get("connection", "").lower()
        return "keep-alive" in wish if self.version == "HTTP/1.0" else "close" not in wish

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "transfer-encoding" in self.headers

    @property
    def length(self) -> int:
        """The announced length of the body."""
        return int(self.headers.get("content-length", "0"))


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Return the next request's head; None when the caller has closed before one."""
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            raw = await reader.readuntil(b"\r\n\r\n")
            while raw == b"\r\n\r\n":
                raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise Hangup from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest from error
    except (TimeoutError, ConnectionError) as error:
        raise Hangup from error
    return parse_head(raw)


def parse_head(raw: bytes) -> Head:
    """Return the head that *raw* holds; `BadRequest` if it is none."""
    lines = raw.lstrip(b"\r\n").rstrip(b"\r\n").split(b"\r\n")
    parts = lines[0].split(b" ")
    if len(parts) != 3 or not _TOKEN.match(parts[0]):
        raise BadRequest
    method, target, version = parts
    if not version.startswith(b"HTTP/1.") or not target or _has_controls(target):
        raise BadRequest
    if not (target.startswith(b"/") or b"://" in target or target == b"*"):
        raise BadRequest
    head = Head(
        method.decode("ascii"),
        target.decode("utf-8", "surrogateescape"),
        "HTTP/1.0" if version == b"HTTP/1.0" else "HTTP/1.1",
    )
    head.size = len(raw)
    for line in lines[1:]:
        _add_header(head, line)
    _check(head)
    return head


def _has_controls(raw: bytes) -> bool:
    return any(byte <= 0x20 or byte == 0x7F for byte in raw)


def _add_header(head: Head, line: bytes) -> None:
    name, colon, value = line.partition(b":")
    if not colon or not _HEADER_NAME.match(name):
        raise BadRequest
    key = name.decode("ascii").lower()
    text = value.strip(b" \t").decode("latin-1")
    if key in ("content-length", "transfer-encoding", "host") and key in head.headers:
        raise BadRequest
    head.headers[key] = text


def _check(head: Head) -> None:
    if head.version == "HTTP/1.1" and "host" not in head.headers:
        raise BadRequest
    length = head.headers.get("content-length")
    if length is not None and (head.chunked or not _LENGTH.match(length)):
        raise BadRequest
    if head.chunked and head.headers["transfer-encoding"].lower() != "chunked":
        raise BadRequest(501)


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes | None:
    """Return the body; None when it is over the limit and was not read to its end."""
    if not head.chunked and head.length > BODY_LIMIT:
        return None
    try:
        if head.chunked:
            return await _read_chunks(reader)
        return await _exactly(reader, head.length)
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError) as error:
        raise Hangup from error
    except asyncio.LimitOverrunError as error:
        raise BadRequest from error


async def read_part(reader: asyncio.StreamReader, length: int) -> bytes:
    """Return so many bytes of a body."""
    try:
        return await _exactly(reader, max(0, length))
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError) as error:
        raise Hangup from error


async def _exactly(reader: asyncio.StreamReader, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        async with asyncio.timeout(READ_TIMEOUT):  # Between two reads, not for the whole.
            part = await reader.read(min(length, _CHUNK))
        if not part:
            raise asyncio.IncompleteReadError(b"", length)
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes | None:
    body = bytearray()
    while True:
        async with asyncio.timeout(READ_TIMEOUT):
            line = await reader.readuntil(b"\r\n")
        digits = line[:_CHUNK_LINE].split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
            raise BadRequest
        size = int(digits, 16)
        if not size:
            break
        if len(body) + size > BODY_LIMIT:
            return None
        body += await _exactly(reader, size)
        if await _exactly(reader, 2) != b"\r\n":
            raise BadRequest
    while True:  # Trailers are read and forgotten.
        async with asyncio.timeout(READ_TIMEOUT):
            if await reader.readuntil(b"\r\n") == b"\r\n":
                return bytes(body)


def render(answer: PanelAnswer, now: float, *, keep_alive: bool, with_body: bool = True) -> bytes:
    """Return the bytes of *answer*: script answers without a length, the others with one."""
    lines = [
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}",
        "Server: nginx",
        f"Date: {formatdate(now, usegmt=True)}",
        f"Content-Type: {answer.content_type}",
    ]
    if not answer.from_script:
        lines.append(f"Content-Length: {len(answer.body)}")
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    if answer.location is not None:
        lines.append(f"Location: {answer.location}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    body = answer.body if with_body else b""
    if answer.truncate_after is not None:
        body = body[: answer.truncate_after]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body
