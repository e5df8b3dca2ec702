"""A whole gateway for a test: real services, a real database, a simulated panel, two resellers.

Only the listening socket is left out: requests enter at the ASGI application.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec

from gateway.bootstrap import Runtime, build
from gateway.db.migrations import migrate
from gateway.domain.ids import ResellerId
from gateway.domain.keys import NewKey
from gateway.services import keys
from gateway.settings import Settings
from gateway.simulator.faults import RuleForm
from gateway.simulator.running import RunningSimulator, running_simulator
from gateway.workers.recovery import system_context

BASE_URL = "http://gateway.test"
ENCRYPTION_KEYS = "test:" + "A" * 43 + "="
#: For tests that ask more often than callers may by default.
FREE_RATES = dict.fromkeys(("default", "reseller", "target"), "600000/60")
#: The simulated panel has no limits of its own unless a test sets them.
FREE_BUDGET = {"calls_per_second": 1000, "burst": 1000, "in_flight": 64, "flood_guard": None}
OPEN_POLICY = {
    "max_connections": None,
    "trials_per_day": None,
    "may_restream": True,
    "may_never_expire": True,
}
_names = itertools.count(1)


class Api:
    """One caller. Answers are httpx2 responses; `ok` also holds them against a status."""

    def __init__(self, client: httpx2.AsyncClient, key: str | None) -> None:
        self.client = client
        self.key = key

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> httpx2.Response:
        """Send one request with this caller's key."""
        sent = dict(headers or {})
        if self.key is not None:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
            return await self.client.request(
                method, path, content=content, headers=sent, params=params
            )
        if body is None:
            return await self.client.request(method, path, headers=sent, params=params)
        return await self.client.request(method, path, json=body, headers=sent, params=params)

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        return await self.send("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        return await self.send("POST", path, body, **more)

    async def patch(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        return await self.send("PATCH", path, body, **more)

    async def delete(self, path: str, **more: Any) -> httpx2.Response:
        return await self.send("DELETE", path, **more)

    async def ok(
        self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any
    ) -> dict[str, Any]:
        """Send, expect *status*, return the JSON."""
        response = await self.send(method, path, body, **more)
        assert response.status_code == status, response.text
        found: dict[str, Any] = response.json()
        return found


@dataclass(slots=True, kw_only=True)
class Tenant:
    """A reseller and its caller."""

    id: str
    api: Api


@dataclass(slots=True, kw_only=True)
class World:
    """Everything a test needs to act and to look."""

    runtime: Runtime
    simulator: RunningSimulator
    client: httpx2.AsyncClient
    panel_id: str
    operator: Api
    a: Tenant
    b: Tenant
    settings: Settings
    made: dict[str, str] = field(default_factory=dict)

    def api(self, key: str | None) -> Api:
        """Return a caller with another key, or none."""
        return Api(self.client, key)

    async def line(self, api: Api | None = None, **fields: Any) -> dict[str, Any]:
        """Create a line, by default reseller A's for one month; return the answer's JSON."""
        body = {"period": "P1M", "bouquet_ids": [1, 2]} | fields
        if body.get("expires_at") or body.get("never_expires"):
            del body["period"]
        return await (api or self.a.api).ok("POST", "/v1/lines", body, status=201)

    def users(self) -> list[dict[str, Any]]:
        """Return the panel's rows of lines."""
        return [dict(row) for row in self.simulator.panel.tables["users"]]

    def user(self, username: str) -> dict[str, Any]:
        """Return the panel's one row of this line."""
        (row,) = [row for row in self.users() if row["username"] == username]
        return row

    def fault(self, rule: dict[str, Any]) -> None:
        """Let the panel misbehave; the rule is written as for its control surface."""
        self.simulator.panel.faults.add(msgspec.convert(rule, RuleForm))

    def calls(self, sub: str | None = None) -> list[Any]:
        """Return the panel's ledger; of one sub only where given."""
        return [
            record
            for record in self.simulator.panel.ledger.records
            if sub is None or record.sub == sub
        ]

    async def reseller(self, name: str, **policy: Any) -> Tenant:
        """Add a reseller with an account on the panel, and a key with all it can have."""
        member_id = 1000 + next(_names)
        made = await self.operator.ok(
            "POST",
            "/v1/resellers",
            {
                "name": name,
                "panel_accounts": [{"panel_id": self.panel_id, "member_id": member_id}],
                "policy": OPEN_POLICY | policy,
            },
            status=201,
        )
        key = await self.operator.ok(
            "POST", "/v1/keys", {"name": name, "reseller_id": made["id"]}, status=201
        )
        return Tenant(id=made["id"], api=self.api(key["key"]))


@asynccontextmanager
async def a_world(
    database_url: str,
    *,
    profile: str = "v2",
    redis_url: str = "",
    migrated: bool = False,
    **changes: Any,
) -> AsyncIterator[World]:
    """Build and seed a world; *changes* are settings."""
    if not migrated:
        await migrate(database_url)
    values = {
        "database_url": database_url,
        "redis_url": redis_url,
        "encryption_keys": ENCRYPTION_KEYS,
        "public_url": BASE_URL,
        "drain_seconds": 5,
    }
    settings = Settings.model_validate(values | changes)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(profile=profile))
        runtime = await stack.enter_async_context(build(settings))
        transport = httpx2.ASGITransport(app=runtime.app())
        client = await stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url=BASE_URL)
        )
        yield await _seeded(runtime, simulator, client, settings)


async def _seeded(
    runtime: Runtime, simulator: RunningSimulator, client: httpx2.AsyncClient, settings: Settings
) -> World:
    context = system_context(runtime.ports, "test")
    issued = (await keys.issue_key(context, NewKey(name="operator"))).made()
    operator = Api(client, issued.secret.reveal())
    panel = await operator.ok(
        "POST",
        "/v1/panels",
        {
            "name": "Panel",
            "dialect": "xtream_v2",
            "base_url": simulator.base_url,
            "budget": FREE_BUDGET,
        },
        status=201,
    )
    nobody = Tenant(id=ResellerId(""), api=operator)
    world = World(
        runtime=runtime,
        simulator=simulator,
        client=client,
        panel_id=panel["id"],
        operator=operator,
        a=nobody,
        b=nobody,
        settings=settings,
    )
    world.a = await world.reseller("A")
    world.b = await world.reseller("B")
    return world
