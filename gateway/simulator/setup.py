"""The setup markers of the recorded exchanges: what was changed on the panel before one.

One JSON object per call. A key that is not known or not simulated is refused as a whole, before
anything is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.simulator.actions.devices import stored_mac
from gateway.simulator.firewall import token_of
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.switches import changed
from gateway.simulator.tables import Row


class UnsupportedMarker(Exception):
    """A marker that this simulator does not know."""


class BadMarker(ValueError):
    """A marker with a value that makes no sense."""


def apply(panel: SimulatedPanel, markers: dict[str, Any]) -> None:
    """Apply all *markers*; `reset` first, wherever it stands."""
    unknown = [name for name in markers if name not in MARKERS]
    if unknown:
        raise UnsupportedMarker(f"Not supported: {', '.join(unknown)}.")
    panel.world.next_caller = None  # What was meant for one exchange only is over.
    for name in sorted(markers, key=lambda name: name != "reset"):
        try:
            MARKERS[name](panel, markers[name])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadMarker(f"{name}: {error}") from error
    panel.world.commit()


def _reset(panel: SimulatedPanel, value: Any) -> None:  # noqa: ANN401 - JSON.
    if value:
        panel.world.reset_settings()


def _switch(name: str) -> Callable[[SimulatedPanel, Any], None]:
    def set_it(panel: SimulatedPanel, value: Any) -> None:  # noqa: ANN401 - JSON.
        panel.switches = changed(panel.switches, {name: value})

    return set_it


def _caller(panel: SimulatedPanel, value: Any) -> None:  # noqa: ANN401 - JSON.
    panel.world.next_caller = str(value)


def _nothing(panel: SimulatedPanel, value: Any) -> None:  # noqa: ANN401 - JSON.
    """Take note of what only the replaying side acts on."""


def _line(panel: SimulatedPanel, username: str, password: str | None = None) -> Row:
    for row in panel.tables["users"].find(username):
        if password is None or row["password"] == password:
            return row
    raise BadMarker(f"No line is called {username!r}.")


def _pair(panel: SimulatedPanel, value: dict[str, str]) -> None:
    line = _line(panel, value["username"])
    other = _line(panel, value["with_username"])
    panel.tables["users"].update([int(line["id"] or 0)], {"pair_id": other["id"]}, strict=False)


def _connections(panel: SimulatedPanel, value: list[dict[str, Any]]) -> None:
    for one in value:
        line = _line(panel, one["username"], one.get("password"))
        panel.tables["lines_live"].insert(
            {
                "user_id": line["id"],
                "stream_id": int(one.get("stream_id", 1)),
                "server_id": int(one.get("server_id", 1)),
                "user_ip": str(one.get("user_ip", "10.0.0.1")),
                "container": str(one.get("container", "ts")),
                "date_start": int(panel.clock.now()),
            },
            strict=False,
        )


def _stream_rows(panel: SimulatedPanel, value: list[dict[str, Any]]) -> None:
    for one in value:
        panel.tables["streams_sys"].insert(
            {
                "stream_id": int(one["stream_id"]),
                "server_id": int(one["server_id"]),
                "pid": one.get("pid"),
                "stream_status": int(one.get("status", 0)),
            },
            strict=False,
        )


def _mac_rows(panel: SimulatedPanel, value: dict[str, Any]) -> None:
    """Make the device table hold exactly so many rows for a MAC, each with its line."""
    table, wanted = panel.tables["mag_devices"], int(value["rows"])
    found = table.find(stored_mac(str(value["mac"])))
    for device in found[wanted:]:
        table.delete(int(device["mag_id"] or 0))
    for _ in range(wanted - len(found)):
        if found:
            line = dict(panel.tables["users"].rows.get(int(found[0]["user_id"] or 0), {}))
            device = dict(found[0])
        else:
            line = {"username": "", "password": "", "is_mag": 1, "bouquet": "[]"}
            device = {"mac": stored_mac(str(value["mac"])), "created": int(panel.clock.now())}
        line.pop("id", None)
        device.pop("mag_id", None)
        user, _ = panel.tables["users"].insert(line, strict=False)
        table.insert(device | {"user_id": user}, strict=False)


def _firewall(panel: SimulatedPanel, value: Any) -> None:  # noqa: ANN401 - JSON.
    """Switch it on or off as it was for the recordings: no daemon ran there."""
    panel.switches = changed(panel.switches, {"firewall": value, "firewall_daemon": False})


def _tokens(panel: SimulatedPanel, value: list[list[str]]) -> None:
    panel.switches = changed(panel.switches, {"firewall_daemon": False})
    now = panel.clock.now()
    panel.world.firewall.tokens = {token_of(*pair): now for pair in value}


def _blacklist(panel: SimulatedPanel, value: list[list[str]]) -> None:
    panel.world.firewall.blacklist = {token_of(*pair) for pair in value}


def _lock(panel: SimulatedPanel, value: float) -> None:
    panel.world.locked_until = panel.clock.now() + float(value)


def _workers(panel: SimulatedPanel, value: str) -> None:
    panel.switches = changed(panel.switches, {"php": value})


MARKERS: Final[dict[str, Callable[[SimulatedPanel, Any], None]]] = {
    "reset": _reset,
    "api_ips": _switch("api_ips"),
    "api_pass": _switch("api_pass"),
    "sql_mode": _switch("sql_mode"),
    "database": _switch("database"),
    "config": _switch("config"),
    "new_sorting_bouquet": _switch("new_sorting_bouquet"),
    "workers": _workers,
    "firewall": _firewall,
    "firewall_tokens": _tokens,
    "firewall_blacklist": _blacklist,
    "caller_ip": _caller,
    "caller_ip_allowed": _nothing,
    "active_connections": _connections,
    "pair": _pair,
    "stream_rows": _stream_rows,
    "mac_rows": _mac_rows,
    "rate_limit": _switch("rate_limit"),
    "users_table_locked_seconds": _lock,
    "concurrency": _nothing,
    "client_timeout_seconds": _nothing,
}
