"""Serves ASGI applications on sockets until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from gateway.api.connection import Taken, connections
from gateway.api.options import BODY_BYTES_MAX, REQUEST_SECONDS
from gateway.api.stopping import STOPPING

BACKLOG: Final = 512
KEEP_ALIVE_SECONDS: Final = 15
#: A web socket whose other end does not answer a ping in time is closed.
PING_SECONDS: Final = 20


class PortTakenError(Exception):
    """Another program listens where we should."""


class _Sockets(Taken, WebSocketsSansIOProtocol):
    """Web sockets whose paths and queries, callers' texts, are not logged as uvicorn would."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = logging.getLogger("uvicorn.access")


class _Server(uvicorn.Server):
    """A server that leaves signals to us: a process may run several."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen; requests learn from their scope when the server stops."""
        self.lifespan.state[STOPPING] = self.stopping
        await super().startup(sockets=sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what ends by itself, after telling those that would stay open."""
        self.stopping.set()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def open_socket(bind: str) -> socket.socket:
    """Return a listening socket on `host:port`.

    Raises:
        PortTakenError: the port is taken, or the address is not ours.
    """
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, so that accepted connections send small answers without delay.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port)))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


@contextlib.asynccontextmanager
async def serving(
    apps: Sequence[tuple[ASGIApp, socket.socket]],
    *,
    drain_seconds: float,
    request_seconds: float = REQUEST_SECONDS,
) -> AsyncIterator[None]:
    """Serve each application on its socket within the block; at its end finish what runs."""
    servers = [_Server(_config(app, drain_seconds, request_seconds)) for app, _ in apps]
    async with asyncio.TaskGroup() as group:
        for server, (_, listener) in zip(servers, apps, strict=True):
            group.create_task(server.serve(sockets=[listener]))
        for server in servers:
            await server.ready.wait()
        try:
            yield
        finally:
            for server in servers:
                server.should_exit = True


def _config(app: ASGIApp, drain_seconds: float, request_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connections(request_seconds),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        lifespan="off",
        ws=_Sockets,
        ws_max_size=BODY_BYTES_MAX,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        # Compressing passwords together with what a stranger chose would tell their lengths apart.
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(drain_seconds)),
    )


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set *stop* on SIGINT and SIGTERM within the block; a second signal ends at once."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def on_signal() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        stop.set()

    for number in signals:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
