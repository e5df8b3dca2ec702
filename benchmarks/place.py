"""Where everything is measured: a real Redis, a database, a simulated panel and one gateway."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx2
import msgspec
import redis

from benchmarks.machine import BenchError, Cores
from benchmarks.programs import Programs, Server
from tests.servers.obtain import Missing
from tests.servers.postgres import Databases, PostgresServer
from tests.servers.processes import StartFailed, free_port
from tests.servers.redis import RedisServer

DatabaseKind = Literal["postgresql", "sqlite"]
#: The panel must not be what limits.
_BUDGET: Final = {"calls_per_second": 1000, "burst": 1000, "in_flight": 256, "flood_guard": None}
_POLICY: Final = {
    "max_connections": None,
    "trials_per_day": None,
    "may_restream": True,
    "may_never_expire": True,
}
#: Brings an info answer to 1.5 KB.
_NOTES: Final = "n" * 880
_INFO_TTL_SECONDS: Final = 3600  # No run is so long that a hit becomes a miss.
_FLOOR_DATABASE: Final = 1


@dataclass(slots=True)
class Place:
    """One gateway with all that it needs. Lines are made when they are first asked for."""

    programs: Programs
    redis: RedisServer
    gateway: Server
    panel: Server
    control: httpx2.Client
    api: httpx2.Client
    """Speaks to the gateway with a reseller's key."""
    key: str
    _lines: list[dict[str, Any]] = field(default_factory=list)

    def lines(self, count: int) -> list[dict[str, Any]]:
        """Return *count* lines of the reseller, each with its password."""
        while len(self._lines) < count:
            body = {"period": "P1M", "bouquet_ids": [1, 2], "notes": _NOTES}
            line = _json(self.api.post("/v1/lines", json=body))
            if line["object"] != "line":
                raise BenchError(f"the panel does not take a line: {line}")
            self._lines.append(line)
        return self._lines[:count]

    def info_request(self, line: dict[str, Any]) -> bytes:
        """Return the bytes of a read of a line's info."""
        return self.request("GET", f"/v1/lines/{line['id']}/info")

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Return the bytes of a request to the gateway."""
        raw = b"" if body is None else msgspec.json.encode(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.key}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
        return head.encode() + b"\r\n" + raw

    def panel_request(self, line: dict[str, Any]) -> bytes:
        """Return the bytes of the call that the gateway makes of the panel for a line's info."""
        form = f"username={quote(line['username'])}&password={quote(line['password'])}"
        return (
            "POST /api.php?action=user&sub=info HTTP/1.1\r\nHost: panel\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(form)}\r\n\r\n{form}"
        ).encode()

    def info(self, line: dict[str, Any]) -> bytes:
        """Return the body of a line's info; afterwards it is cached."""
        response = self.api.get(f"/v1/lines/{line['id']}/info")
        _json(response)
        return response.content

    def forget(self) -> None:
        """Empty the cache."""
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushdb()

    def panel_takes(self, seconds: float) -> None:
        """Let every call of the panel take so long."""
        _json(self.control.post("/switches", json={"latency": seconds}))

    def panel_calls(self) -> int:
        """Return how many calls the panel has had."""
        return len(_json(self.control.get("/ledger"))["records"])

    def floor(self) -> Server:
        """Start the floor."""
        port = free_port()
        words = ["-m", "benchmarks.floor", "redis", str(port), self._floor_url]
        return self.programs.begin("floor", words, port, under_test=True)()

    def fill_floor(self, bodies: dict[str, bytes]) -> None:
        """Give the floor its answers: id of a line -> body."""
        with redis.Redis.from_url(self._floor_url) as client:
            client.mset(bodies)

    @property
    def _floor_url(self) -> str:
        return f"{self.redis.url}/{_FLOOR_DATABASE}"


@contextmanager
def opened(cores: Cores, kind: DatabaseKind) -> Iterator[Place]:
    """Start everything, yield it, and stop it all.

    Raises:
        BenchError: something does not start, or is not there and cannot be had.
    """
    with ExitStack() as stack:
        stack.enter_context(cores.held())
        programs = Programs(stack, cores)
        try:
            store = RedisServer.started()
            stack.callback(store.close)
            database_url = _database(kind, programs, stack)
        except (Missing, StartFailed) as error:
            raise BenchError(str(error)) from error
        panel, control = _panel(programs)
        port = free_port()
        env = _settings(database_url, store.url, port)
        # `serve` as it is used: logs, metrics and all. It needs the database once it is asked.
        words = ["-m", "gateway", "serve"]
        begun = programs.begin("gateway", words, port, env=env, under_test=True)
        operator_key = programs.run(["-m", "benchmarks.seed"], env=env)
        gateway = begun()
        key = _tenant(gateway, panel, operator_key)
        yield Place(
            programs=programs,
            redis=store,
            gateway=gateway,
            panel=panel,
            control=_client(control.url, None, stack),
            api=_client(gateway.url, key, stack),
            key=key,
        )


def _database(kind: DatabaseKind, programs: Programs, stack: ExitStack) -> str:
    if kind == "sqlite":
        return f"sqlite:///{programs.folder / 'gateway.db'}"
    server = PostgresServer.started()
    stack.callback(server.close)
    return Databases(server.address, "bench").create()


def _panel(programs: Programs) -> tuple[Server, Server]:
    """Start a simulated panel; return it, and its control surface."""
    port, control_port = free_port(), free_port()
    words = ["-m", "gateway", "simulate-panel", "--seed", "1"]
    words += ["--bind", f"127.0.0.1:{port}", "--control", f"127.0.0.1:{control_port}"]
    control = programs.begin("panel", words, control_port)()  # It listens after the panel does.
    return replace(control, port=port), control


def _settings(database_url: str, redis_url: str, port: int) -> dict[str, str]:
    secret = base64.b64encode(os.urandom(32)).decode()
    return {
        "GATEWAY_DATABASE_URL": database_url,
        "GATEWAY_REDIS_URL": redis_url,
        "GATEWAY_ENCRYPTION_KEYS": f"bench:{secret}",
        "GATEWAY_BIND": f"127.0.0.1:{port}",
        "GATEWAY_CACHE__INFO_TTL_SECONDS": str(_INFO_TTL_SECONDS),
        # Every request is counted, none is refused.
        **{f"GATEWAY_LIMITS__{name}": "600000/60" for name in ("DEFAULT", "RESELLER", "TARGET")},
    }


def _tenant(gateway: Server, panel: Server, operator_key: str) -> str:
    """Add the panel and a reseller; return the reseller's key."""
    with ExitStack() as stack:
        api = _client(gateway.url, operator_key, stack)
        form = {"name": "Panel", "dialect": "xtream_v2", "base_url": panel.url, "budget": _BUDGET}
        added = _json(api.post("/v1/panels", json=form))
        account = {"panel_id": added["id"], "member_id": 1001}
        reseller = {"name": "Bench", "panel_accounts": [account], "policy": _POLICY}
        made = _json(api.post("/v1/resellers", json=reseller))
        wanted = {"name": "bench", "reseller_id": made["id"]}
        key: str = _json(api.post("/v1/keys", json=wanted))["key"]
        return key


def _client(url: str, key: str | None, stack: ExitStack) -> httpx2.Client:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return stack.enter_context(
        httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
    )


def _json(response: httpx2.Response) -> dict[str, Any]:
    """Return the JSON of a good answer.

    Raises:
        BenchError: it is none.
    """
    if not response.is_success:
        raise BenchError(f"{response.request.url.path}: {response.status_code} {response.text}")
    found: dict[str, Any] = response.json()
    return found
