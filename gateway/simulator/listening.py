"""The panel's listening socket: TLS if wanted, a packet filter, and restarts on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from gateway.simulator.httpwire import HEAD_LIMIT

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BACKLOG: Final = 1024
SO_ATTACH_FILTER: Final = 26
SO_DETACH_FILTER: Final = 27
_LOAD_WORD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_IPV4_SOURCE: Final = 0xFFF00000 + 12
"""The sender's address, counted from the beginning of the network header."""
_WHOLE_PACKET: Final = 0xFFFFFFFF


async def listen(
    bind: str, serve: Serve, *, purpose: str, tls: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Listen on `host:port`; `OSError` names the port when it is taken."""
    host, _, port = bind.rpartition(":")
    try:
        return await asyncio.start_server(
            serve,
            host.strip("[]") or "127.0.0.1",
            int(port),
            limit=HEAD_LIMIT,
            backlog=BACKLOG,
            ssl=tls,
        )
    except ValueError as error:
        raise ValueError(f"{bind!r} is no host:port for {purpose}.") from error
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"failed: {error.strerror}"
        raise OSError(error.errno, f"Port {port} for {purpose} ({bind}) {reason}") from error


def address_of(server: asyncio.Server) -> str:
    """Return `host:port` of the first socket of a server."""
    host, port = server.sockets[0].getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url_of(server: asyncio.Server, *, scheme: str = "http") -> str:
    """Return the URL of the first address a server listens on."""
    return f"{scheme}://{address_of(server)}"


def drop_packets(server: asyncio.Server, callers: list[str]) -> bool:
    """Drop the packets of new connections of *callers*, and of nobody else.

    They see no answer at all, as behind a packet filter. False where the system cannot do it.
    """
    addresses = [caller for caller in callers if _is_ipv4(caller)]
    filters = _program(addresses)
    packed = b"".join(struct.pack("HBBI", *one) for one in filters)
    memory = ctypes.create_string_buffer(packed)
    program = struct.pack("HL", len(filters), ctypes.addressof(memory))
    try:
        for listening in server.sockets:
            if addresses:
                listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
            else:
                with contextlib.suppress(FileNotFoundError):
                    listening.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    except OSError:
        return False
    return len(addresses) == len(callers)


def _is_ipv4(address: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, address)
    except OSError:
        return False
    return True


def _program(addresses: list[str]) -> list[tuple[int, int, int, int]]:
    """Return the filter's instructions: one comparison for each address."""
    compared = [
        (_JUMP_IF_EQUAL, len(addresses) - place, 0, int.from_bytes(socket.inet_aton(address)))
        for place, address in enumerate(addresses)
    ]
    return [
        (_LOAD_WORD, 0, 0, _IPV4_SOURCE),
        *compared,
        (_RETURN, 0, 0, _WHOLE_PACKET),
        (_RETURN, 0, 0, 0),
    ]


def server_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Return a TLS context of a server with its certificate and key in PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
