"""A small issuer of its own port: discovery, a key set, and ways to misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from gateway.api.server import open_socket, serving

DISCOVERY: Final = "/.well-known/openid-configuration"
RFC_8414: Final = "/.well-known/oauth-authorization-server"
JWKS: Final = "/keys"


@dataclass
class IssuerServer:
    """What it answers. `path` comes after its origin in its name, and may end in a slash."""

    port: int = 0
    path: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    #: What is answered instead, for a path.
    instead: dict[str, bytes] = field(default_factory=dict)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    has_openid: bool = True

    def __post_init__(self) -> None:
        self.may_answer.set()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return self.origin + self.path

    def jwks(self) -> dict[str, Any]:
        """Return the key set as it is published."""
        keys = []
        for kid, key in self.keys.items():
            jwk = key if isinstance(key, dict) else key.as_dict(private=False)
            keys.append({"use": "sig"} | jwk | {"kid": kid})
        return {"keys": keys}

    def document(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {"issuer": self.url, "jwks_uri": self.origin + JWKS}

    def counted(self, path: str = JWKS) -> int:
        """Return how often *path* was asked for."""
        return self.asked.count(path)

    def _body(self, path: str) -> bytes | None:
        if path in self.instead:
            return self.instead[path]
        base = self.path.removesuffix("/")
        if path == base + DISCOVERY and self.has_openid:
            return json.dumps(self.document()).encode()
        if path == RFC_8414 + base:
            return json.dumps(self.document()).encode()
        return json.dumps(self.jwks()).encode() if path == JWKS else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        await self.may_answer.wait()
        body = self._body(scope["path"])
        status = 404 if body is None else self.status
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json"), *self.headers],
            }
        )
        await send({"type": "http.response.body", "body": body or b""})


@asynccontextmanager
async def running_issuer(**different: Any) -> AsyncIterator[IssuerServer]:
    """Serve an issuer until the block ends."""
    listener = open_socket("127.0.0.1:0")
    server = IssuerServer(port=listener.getsockname()[1], **different)
    async with serving([(server, listener)], drain_seconds=1):
        try:
            yield server
        finally:
            server.may_answer.set()
