"""One connection to one life of one Redis server.

redis-py reconnects by itself when a connection is used after it broke, and the server behind it
may then be another: restarted empty, restored from an old copy, promoted without the last writes.
A Link never reconnects. It learns the server's `run_id` once, all its keys carry it, and when
anything goes wrong it is thrown away and another one is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError, ResponseError

from gateway.cache import scripts

Command: TypeAlias = Sequence[str | bytes | int]

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


#: As `Link` names them.
_SCRIPTS: Final = (scripts.RAISE_EPOCH, scripts.PUT, scripts.CLAIM, scripts.TEACH)


class LinkBrokenError(Exception):
    """The server gave an answer with which this link cannot be used."""


class Link:
    """An open connection; the others are the names of the scripts on this server."""

    def __init__(self, connection: AbstractConnection, run_id: str, loaded: Sequence[str]) -> None:
        self._connection = connection
        self.run_id = run_id
        self.raise_epoch, self.put, self.claim, self.teach = loaded

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* at once and return their answers in order.

        Raises:
            RedisError, OSError: the connection broke.
            LinkBrokenError: it was closed before, or the server refused a command.
        """
        return await _exchange(self._connection, commands)

    async def check(self) -> None:
        """Make sure that this is still the same server in the same role.

        Raises:
            RedisError, OSError, LinkBrokenError: it is not, or not to be reached.
        """
        if await _identify(self._connection) != self.run_id:
            raise LinkBrokenError("another server answers on this connection")

    async def close(self) -> None:
        """Close without waiting for the server."""
        await self._connection.disconnect(nowait=True)


class Connector:
    """Opens links to the server of one URL."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {**parse_url(url), **_OPTIONS}
        self._connection_class: type[AbstractConnection] = options.pop(
            "connection_class", Connection
        )
        self._options = options
        self._connection()  # A wrong option of the URL fails here, not in the background.

    async def open(self) -> Link:
        """Connect, learn who answers, and load the scripts; the caller sets the time-out.

        Raises:
            RedisError, OSError: not reached, or refused.
            LinkBrokenError: a replica, or a server that does not say who it is.
        """
        connection = self._connection()
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            run_id = await _identify(connection)
            loads = [("SCRIPT", "LOAD", script) for script in _SCRIPTS]
            loaded = [name.decode() for name in await _exchange(connection, loads)]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return Link(connection, run_id, loaded)

    def _connection(self) -> AbstractConnection:
        return self._connection_class(**self._options)


async def _exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    if not connection.is_connected:
        raise LinkBrokenError("the connection was closed")
    packed = connection.pack_commands(commands)
    try:
        await connection.send_packed_command(packed, check_health=False)
    except RuntimeError as error:  # uvloop's word for a connection that the server has reset.
        raise LinkBrokenError("the connection was closed") from error
    try:
        return [await connection.read_response() for _ in commands]
    except ResponseError as error:  # The rest was not read: the link is of no use any more.
        raise LinkBrokenError(str(error)) from error


async def _identify(connection: AbstractConnection) -> str:
    """Return the run id of a master.

    A replica takes no invalidation and may lag behind, so it is not used at all.
    """
    answers = await _exchange(connection, [("INFO", "server"), ("INFO", "replication")])
    facts = dict(
        line.split(":", 1)
        for answer in answers
        for line in answer.decode(errors="replace").splitlines()
        if ":" in line
    )
    if facts.get("role") != "master" or not facts.get("run_id"):
        raise LinkBrokenError("not a master that says its run_id")
    run_id: str = facts["run_id"]
    return run_id


#: All that using a link can end with; a time-out is an OSError.
LINK_ERRORS: Final = (RedisError, OSError, LinkBrokenError)
