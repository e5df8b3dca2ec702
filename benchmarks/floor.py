"""What is measured against: the least that a cached answer over HTTP takes, and less than that.

`python -m benchmarks.floor redis PORT URL`: Starlette on uvicorn (uvloop, httptools), one redis-py
GET for each request. No keys, no scopes, no metrics, no logs.
`python -m benchmarks.floor constant PORT SIZE`: the same bytes to everybody, without parsing. It
shows what the load generator can ask at most.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final, cast

import uvicorn
import uvloop
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def serve_redis(port: int, url: str) -> None:
    """Serve `/v1/lines/{line_id}/info` from the key of that id."""
    client: Redis = Redis.from_url(url)

    async def info(request: Request) -> Response:
        body = await client.get(request.path_params["line_id"])
        if body is None:
            return Response(status_code=404)
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route("/v1/lines/{line_id}/info", info)])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan="off",
    )


class _Constant(asyncio.Protocol):
    """Answers as often as a request's head ends."""

    answer: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass.

    def data_received(self, data: bytes) -> None:
        self._transport.write(self.answer * data.count(b"\r\n\r\n"))


async def serve_constant(port: int, size: int) -> None:
    """Answer every request with a body of *size* bytes."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    _Constant.answer = head.encode() + b" " * size
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Constant, "127.0.0.1", port)
    await server.serve_forever()


USAGE: Final = "usage: python -m benchmarks.floor redis PORT URL | constant PORT SIZE"


def main(words: list[str]) -> None:
    """Serve what the command line says."""
    match words:
        case ["redis", port, url]:
            serve_redis(int(port), url)
        case ["constant", port, size]:
            uvloop.run(serve_constant(int(port), int(size)))
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
