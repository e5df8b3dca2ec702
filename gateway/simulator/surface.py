"""What the control surface does: one method a call, JSON in and out, no socket needed.

The routes are in `ROUTES`; docs/simulator.md lists them.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import msgspec

from gateway.simulator import checks, setup
from gateway.simulator.faults import BadRule, parse_rule
from gateway.simulator.httpwire import Head
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.switches import BanStyle, UnknownSwitch, changed

_log = logging.getLogger(__name__)
IDLE_TIMEOUT: Final = 30.0


class BanForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ban as it is posted."""

    caller: str
    style: BanStyle = "drop"
    seconds: float | None = None


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
            return 404, error_body(Refused(404, f"There is no {head.method} {head.path}."))
        try:
            return 200, msgspec.json.encode(await handler(self, head, body))
        except Refused as refused:
            return refused.status, error_body(refused)
        except setup.UnsupportedMarker as error:
            return 501, error_body(error)
        except (setup.BadMarker, BadRule, UnknownSwitch, msgspec.DecodeError) as error:
            return 400, error_body(error)
        except Exception as error:  # noqa: BLE001 - a caller is told.
            _log.exception("The control surface failed.")
            return 500, error_body(error)

    async def setup(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        setup.apply(self.panel, _object(body))
        return {}

    async def reset(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        self.panel.world.reset()
        return {}

    async def switches(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        self.panel.switches = changed(self.panel.switches, _object(body))
        return asdict(self.panel.switches)

    async def list_switches(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        return asdict(self.panel.switches)

    async def clock(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        """Move time forwards; whoever sleeps acts at its own moment."""
        wish, clock = _object(body), self.panel.clock
        try:
            ahead = float(wish["now"]) - clock.now() if "now" in wish else 0.0
            await clock.travel(ahead + float(wish.get("advance_seconds", 0)))
        except (TypeError, ValueError) as error:
            raise Refused(400, f"advance_seconds: {error}") from error
        return {"now": clock.now()}

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

    async def clear_faults(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        wanted = _second_part(head)
        if not wanted:
            self.panel.faults.clear()
        elif not (wanted.isdigit() and self.panel.faults.remove(int(wanted))):
            raise Refused(404, "There is no such rule.")
        return {}

    async def bans(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        bans = self.panel.world.bans
        bans.expire(self.panel.clock.now())
        shown = [asdict(ban) | {"until": _finite(ban.until)} for ban in bans.all()]
        return {"bans": shown, "made": bans.made}

    async def add_ban(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        try:
            wish = msgspec.json.decode(body, type=BanForm)
        except msgspec.ValidationError as error:
            raise Refused(400, str(error)) from error
        self.panel.world.ban(wish.caller, style=wish.style, seconds=wish.seconds)
        return {}

    async def lift_bans(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        return {"lifted": self.panel.world.bans.lift(_second_part(head) or None)}

    async def restart(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        seconds = _object(body).get("seconds", 0)
        if not isinstance(seconds, int | float):
            raise Refused(400, "seconds is a number.")
        for restart in self.panel.world.restarts:
            restart(seconds)
        return {}

    async def release(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        count = _object(body).get("count")
        return {
            "released": self.panel.world.gates.release(count if isinstance(count, int) else None)
        }

    async def snapshot(self, _head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        return {"id": self.panel.world.snapshot()}

    async def restore(self, _head: Head, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        wish = _object(body)
        if isinstance(wish.get("seconds"), int | float):
            return {"changed": len(self.panel.world.roll_back(wish["seconds"]))}
        wanted = wish.get("id")
        try:
            return {"id": self.panel.world.restore(None if wanted is None else str(wanted))}
        except KeyError as error:
            raise Refused(404, "There is no such snapshot.") from error

    async def table(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        name = _second_part(head)
        if name not in self.panel.tables:
            raise Refused(404, f"No table is called {name!r}.")
        return {"rows": list(self.panel.tables[name])}

    async def ledger(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        query = parse_qs(head.query)
        since = query.get("since", ["0"])[-1]
        if not re.fullmatch("[0-9]{1,18}", since, re.ASCII):
            raise Refused(400, "since is the number of a record.")
        records = self.panel.ledger.since(int(since))
        if _second_part(head) == "checks":
            allowed = query["allow"][-1].split(",") if "allow" in query else None
            window = _number(query, "window", 1)
            report = checks.report(records, window=window, allowed=allowed)
            return report | {"digest": self.panel.ledger.digest()}
        return {"records": [record.as_dict() for record in records]}

    async def idle(self, head: Head, _body: bytes) -> Any:  # noqa: ANN401 - JSON.
        """Wait until nothing is being worked on; held requests are never idle."""
        try:
            async with asyncio.timeout(_number(parse_qs(head.query), "timeout", IDLE_TIMEOUT)):
                await self.panel.wait_idle()
        except TimeoutError:
            return {"idle": False, "active": self.panel.active}
        return {"idle": True, "active": 0}


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("POST", "/setup"): Control.setup,
    ("POST", "/reset"): Control.reset,
    ("POST", "/switches"): Control.switches,
    ("GET", "/switches"): Control.list_switches,
    ("POST", "/clock"): Control.clock,
    ("GET", "/bans"): Control.bans,
    ("POST", "/bans"): Control.add_ban,
    ("DELETE", "/bans"): Control.lift_bans,
    ("POST", "/restart"): Control.restart,
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


def _second_part(head: Head) -> str:
    return head.path.strip("/").partition("/")[2]


def _number(query: dict[str, list[str]], name: str, default: float) -> float:
    try:
        return float(query.get(name, [str(default)])[-1])
    except ValueError as error:
        raise Refused(400, f"{name} is a number.") from error


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def error_body(error: Exception) -> bytes:
    """Return the JSON that tells a caller of *error*."""
    return msgspec.json.encode({"error": str(error)})
