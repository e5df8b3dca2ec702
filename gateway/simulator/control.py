"""The control surface: JSON on a listener of its own, never on the panel's port.

`POST /setup /reset /switches /clock /faults /release /snapshot /restore`, `DELETE /faults`,
`GET /tables/{name} /ledger?since= /idle`. It serves credentials in the clear and asks for no
key: bind it to loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import msgspec

from gateway.simulator import setup
from gateway.simulator.faults import BadRule, NotBuilt, parse_rule
from gateway.simulator.httpwire import BadRequest, Hangup, Head, read_body, read_head
from gateway.simulator.messages import REASONS
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.server import listen, url_of
from gateway.simulator.switches import UnknownSwitch, changed

_log = logging.getLogger(__name__)
IDLE_TIMEOUT: Final = 30.0


class Refused(Exception):
    """A control call that cannot be done."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


Handler: TypeAlias = Callable[["Control", Head, bytes], Awaitable[Any]]


class Control:
    """Does what control calls ask for; without a socket too."""

    def __init__(self, panel: SimulatedPanel) -> None:
        self.panel: Final = panel

    async def call(self, head: Head, body: bytes) -> tuple[int, bytes]:
        """Return status and JSON of the answer to one call."""
        handler = ROUTES.get((head.method, "/" + head.path.strip("/").partition("/")[0]))
        if handler is None:
            return 404, _error(Refused(404, f"There is no {head.method} {head.path}."))
        try:
            return 200, msgspec.json.encode(await handler(self, head, body))
        except Refused as refused:
            return refused.status, _error(refused)
        except (setup.UnsupportedMarker, NotBuilt) as error:
            return 501, _error(error)
        except (setup.BadMarker, BadRule, UnknownSwitch, msgspec.DecodeError) as error:
            return 400, _error(error)
        except Exception as error:  # noqa: BLE001 - a caller is told.
            _log.exception("The control surface failed.")
            return 500, _error(error)

    async def setup(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        setup.apply(self.panel, _object(body))
        return {}

    async def reset(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        self.panel.world.reset()
        return {}

    async def switches(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        self.panel.switches = changed(self.panel.switches, _object(body))
        return asdict(self.panel.switches)

    async def clock(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        seconds = _object(body).get("advance_seconds", 0)
        try:
            self.panel.clock.advance(float(seconds))
        except (TypeError, ValueError) as error:
            raise Refused(400, f"advance_seconds: {error}") from error
        return {"now": self.panel.clock.now()}

    async def add_fault(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        return {"id": self.panel.faults.add(parse_rule(body), self.panel.clock.now()).id}

    async def list_faults(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        return {
            "faults": [
                {
                    "id": rule.id,
                    "matched": rule.matched,
                    "applied": rule.applied,
                    **msgspec.to_builtins(rule.form),
                }
                for rule in self.panel.faults.rules
            ]
        }

    async def clear_faults(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        self.panel.faults.clear()
        return {}

    async def release(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        count = _object(body).get("count")
        return {
            "released": self.panel.world.gates.release(count if isinstance(count, int) else None)
        }

    async def snapshot(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        return {"id": self.panel.world.snapshot()}

    async def restore(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        wanted = _object(body).get("id")
        try:
            return {"id": self.panel.world.restore(None if wanted is None else str(wanted))}
        except KeyError as error:
            raise Refused(404, "There is no such snapshot.") from error

    async def table(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        name = head.path.strip("/").partition("/")[2]
        if name not in self.panel.tables:
            raise Refused(404, f"No table is called {name!r}.")
        return {"rows": list(self.panel.tables[name])}

    async def ledger(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        since = parse_qs(head.query).get("since", ["0"])[-1]
        if not re.fullmatch("[0-9]{1,18}", since, re.ASCII):
            raise Refused(400, "since is the number of a record.")
        records = self.panel.ledger.since(int(since))
        return {"records": [record.as_dict() for record in records]}

    async def idle(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        """Wait until nothing is being worked on; held requests are never idle."""
        try:
            async with asyncio.timeout(IDLE_TIMEOUT):
                await self.panel.wait_idle()
        except TimeoutError:
            return {"idle": False, "active": self.panel.active}
        return {"idle": True, "active": 0}


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("POST", "/setup"): Control.setup,
    ("POST", "/reset"): Control.reset,
    ("POST", "/switches"): Control.switches,
    ("POST", "/clock"): Control.clock,
    ("POST", "/faults"): Control.add_fault,
    ("GET", "/faults"): Control.list_faults,
    ("DELETE", "/faults"): Control.clear_faults,
    ("POST", "/release"): Control.release,
    ("POST", "/snapshot"): Control.snapshot,
    ("POST", "/restore"): Control.restore,
    ("GET", "/tables"): Control.table,
    ("GET", "/ledger"): Control.ledger,
    ("GET", "/idle"): Control.idle,
}


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    return msgspec.json.decode(body, type=dict[str, Any])


def _error(error: Exception) -> bytes:
    return msgspec.json.encode({"error": str(error)})


class ControlServer:
    """Serves the control surface."""

    def __init__(self, panel: SimulatedPanel) -> None:
        self._control: Final = Control(panel)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    async def start(self, bind: str) -> str:
        """Begin to listen and return the URL."""
        self._server = await listen(bind, self._connected, purpose="the control surface")
        return url_of(self._server)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        with contextlib.suppress(Hangup, ConnectionError):
            try:
                head = await read_head(reader)
                if head is not None:
                    body = await read_body(reader, head)
                    status, raw = await self._control.call(head, body or b"")
                    await _send(writer, status, raw)
            except BadRequest as error:
                await _send(writer, error.status, _error(error))
        writer.close()


async def _send(writer: asyncio.StreamWriter, status: int, raw: bytes) -> None:
    head = (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode() + raw)
    await writer.drain()
