"""Two connections to one life of one Redis server: one that listens, and one that speaks.

A connection that has subscribed may do little else under RESP2, so publishing has its own. As
redis-py would reconnect by itself and lose notices unseen, a Link never does: when anything goes
wrong it is thrown away, and another one subscribes anew.

The channel of a resource is `xgw:notices:<layout>:<database>:<id>`. Channels know no databases, so
the number stands in the name: two gateways that share a server by number stay apart. A message is
the name of the process that sent it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError, ResponseError

#: Raise it with every change of what channels and messages mean, so that old and new releases do
#: not meet.
LAYOUT: Final = 1

_Command: TypeAlias = Sequence[str | bytes]

#: Ours whatever the URL says: bytes out, no time-outs and repeats but our own, a short handshake.
_OPTIONS: Final[dict[str, Any]] = {
    "decode_responses": False,
    "driver_info": None,
    "health_check_interval": 0,
    "protocol": 2,
    "retry": None,
    "retry_on_timeout": False,
    "socket_timeout": None,
}


class LinkBrokenError(Exception):
    """The server gave an answer with which this link cannot be used."""


#: All that using a link can end with; a time-out is an OSError.
LINK_ERRORS: Final = (RedisError, OSError, LinkBrokenError)


class Link:
    """Open connections. Time-outs are the caller's; after an error only `close` may follow."""

    def __init__(
        self, ear: AbstractConnection, mouth: AbstractConnection, prefix: bytes, process: bytes
    ) -> None:
        self._ear = ear
        self._mouth = mouth
        self._prefix = prefix
        self._process = process

    async def connect(self) -> None:
        """Open both, and see them answer."""
        for connection in (self._ear, self._mouth):
            await connection.connect()  # type: ignore[no-untyped-call]
            await _exchange(connection, [("PING",)])

    async def tune(self, *, come: Sequence[str], gone: Sequence[str]) -> None:
        """Ask to hear of those that *come* from now on, and no more of those that are *gone*.

        `hear` tells when the server has begun.
        """
        commands: list[_Command] = []
        if come:
            commands.append(["SUBSCRIBE", *map(self._channel, come)])
        if gone:
            commands.append(["UNSUBSCRIBE", *map(self._channel, gone)])
        await _send(self._ear, commands)

    async def hear(self) -> str | None:
        """Wait for the server, and return the id of a resource that may have changed.

        That is one of which another process spoke, and also one of which we are told from now on:
        nobody knows what happened before. None: the server said something else.
        """
        answer = await self._ear.read_response()
        match answer:
            case [b"message", bytes(channel), bytes(process)]:
                # Our own listeners were woken here, before the message set out.
                return None if process == self._process else self._resource(channel)
            case [b"subscribe", bytes(channel), int()]:
                return self._resource(channel)
            case [b"unsubscribe" | b"pong", *_] | b"PONG":
                return None
            case _:
                raise LinkBrokenError("the server said what nobody asked")

    async def speak(self, resource_ids: Sequence[str]) -> None:
        """Tell the other processes of these, and wait until the server has told them."""
        await _exchange(
            self._mouth,
            [("PUBLISH", self._channel(each), self._process) for each in resource_ids],
        )

    async def check(self) -> None:
        """Make sure that both are alive; the one that listens shows it to `hear`."""
        await _send(self._ear, [("PING",)])
        await _exchange(self._mouth, [("PING",)])

    async def close(self) -> None:
        """Close both without waiting for the server."""
        await self._ear.disconnect(nowait=True)
        await self._mouth.disconnect(nowait=True)

    def _channel(self, resource_id: str) -> bytes:
        return self._prefix + resource_id.encode()

    def _resource(self, channel: bytes) -> str:
        return channel.removeprefix(self._prefix).decode(errors="replace")


class Connector:
    """Opens links to the server of one URL, for the process of one name."""

    def __init__(self, url: str, process: str) -> None:
        """Read the URL; connects to nothing.

        Raises:
            ValueError, TypeError: it is not a Redis address.
        """
        options: dict[str, Any] = {**parse_url(url), **_OPTIONS}
        self._connection_class: type[AbstractConnection] = options.pop(
            "connection_class", Connection
        )
        self._options = options
        self._prefix = f"xgw:notices:{LAYOUT}:{options.get('db', 0)}:".encode()
        self._process = process.encode()
        self._connection()  # A wrong option of the URL fails here, not in the background.

    async def open(self) -> Link:
        """Connect twice; the caller sets the time-out.

        Raises:
            RedisError, OSError: not reached, or refused.
        """
        link = Link(self._connection(), self._connection(), self._prefix, self._process)
        try:
            await link.connect()
        except BaseException:
            await link.close()
            raise
        return link

    def _connection(self) -> AbstractConnection:
        return self._connection_class(**self._options)


async def _send(connection: AbstractConnection, commands: Sequence[_Command]) -> None:
    if not connection.is_connected:
        raise LinkBrokenError("the connection was closed")
    packed = connection.pack_commands(commands)
    try:
        await connection.send_packed_command(packed, check_health=False)
    except RuntimeError as error:  # uvloop's word for a connection that the server has reset.
        raise LinkBrokenError("the connection was closed") from error


async def _exchange(connection: AbstractConnection, commands: Sequence[_Command]) -> None:
    await _send(connection, commands)
    try:
        for _ in commands:
            await connection.read_response()
    except ResponseError as error:  # The rest was not read: the link is of no use any more.
        raise LinkBrokenError(str(error)) from error
