"""Where the panel listens: ports that are taken, odd addresses."""

import asyncio
import socket
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.simulator import server
from gateway.simulator.running import running_simulator


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for binds in ((f"127.0.0.1:{port}", None), ("127.0.0.1:0", f"127.0.0.1:{port}")):
            with pytest.raises(OSError, match=f"Port {port} for .* is taken"):
                async with running_simulator(*binds):
                    pass


async def test_a_bind_without_a_port() -> None:
    with pytest.raises(ValueError, match="no host:port"):
        async with running_simulator("localhost:http"):
            pass


def test_ipv6_urls_have_brackets() -> None:
    listening = SimpleNamespace(getsockname=lambda: ("::1", 80, 0, 0))
    made = server.url_of(cast("asyncio.Server", SimpleNamespace(sockets=[listening])))
    assert made == "http://[::1]:80"
