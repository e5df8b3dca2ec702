"""Canaries: no secret is anywhere but where it was promised, whatever goes well or wrong."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import structlog

from gateway.simulator.switches import changed
from gateway.telemetry.logging import configure_logging
from tests.e2e.support import OPERATOR_FIELDS, eager, on_panel, process
from tests.world import World, a_world

PASSWORD = "canary-Passw0rd.line"
ROTATED = "canary-Passw0rd.rotated"
API_PASS = "canary-Passw0rd.panel"
BY_HAND = "canary-Passw0rd.by-hand"
CANARIES = (PASSWORD, ROTATED, API_PASS, BY_HAND)
KEYED = {"Idempotency-Key": "order-1"}
FRESH = {"Cache-Control": "no-cache"}
#: An unknown outcome is waited for: a second is enough here.
SOON = FRESH | {"Prefer": "wait=1"}
WRONG: list[dict[str, Any]] = [
    {"password": PASSWORD + "é"},
    {"password": [PASSWORD]},
    {"password": PASSWORD * 5},
    {"username": PASSWORD + " "},
    {"period": PASSWORD},
    {"nonsense": PASSWORD},
    {"metadata": {"k": {"password": PASSWORD}}},
    {"panel_id": PASSWORD},
    OPERATOR_FIELDS,
]
#: What makes the panel answer otherwise, one after the other.
FAULTS: list[dict[str, Any]] = [
    {"fault": "status", "params": {"code": 500, "effect": "none"}},
    {"fault": "status", "params": {"code": 200, "effect": "none"}},
    {"fault": "status", "params": {"code": 302, "effect": "none"}},
    {"fault": "empty_200"},
    {"fault": "truncate", "params": {"k": 30}},
    {"fault": "reset_at", "params": {"k_out": 0}},
    {"fault": "php_noise", "params": {"text": f"Notice: {PASSWORD} {API_PASS}\n"}},
    {"fault": "php_noise", "params": {"text": f"x {PASSWORD} {API_PASS}", "where": "after"}},
    {"fault": "refuse", "params": {"text": "KEY WRONG"}},
    {"fault": "refuse", "params": {"text": "404"}},
    {"fault": "db_auth"},
    {"fault": "lost_write"},
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as it is written; then logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(level="debug", stream=stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def guarded(tmp_path: Path, redis_url: str, log: io.StringIO) -> AsyncIterator[World]:
    """A world whose panel wants a key, with a Redis for its cache."""
    url = f"sqlite:///{tmp_path}/g.db"
    async with a_world(url, redis_url=redis_url) as world, process(world, **eager(world)) as there:
        panel = world.simulator.panel
        panel.switches = changed(panel.switches, {"api_pass": API_PASS})
        path = f"/v1/panels/{world.panel_id}"
        await world.operator.ok("PATCH", path, {"api_pass": API_PASS, "settle_seconds": 1})
        yield there


class Watcher:
    """Sends requests and looks for canaries in the answers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.secrets = {*CANARIES}

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send to all callers who could learn something; return the last answer."""
        api = more.pop("api", self.world.a.api)
        promised = more.pop("promised", ())
        answer = await api.send(method, path, body, **more)
        text = answer.text + str(answer.headers)
        for secret in self.secrets - set(promised):
            assert secret not in text, (method, path, answer.status_code)
        return answer


async def the_life_of_a_line(watch: Watcher) -> dict[str, Any]:
    """Use every route of lines, well and badly."""
    world = watch.world
    new = {"period": "P1M", "username": "anna", "password": PASSWORD, "external_id": "shop-1"}
    for _ in range(2):
        made = await watch.send("POST", "/v1/lines", new, headers=KEYED, promised={PASSWORD})
        assert made.status_code == 201
    line: dict[str, Any] = made.json()
    path = f"/v1/lines/{line['id']}"
    for api in (world.a.api, world.b.api):
        await watch.send("POST", "/v1/lines", new, api=api)
        await watch.send("GET", f"{path}/credentials", api=world.b.api)
    await watch.send("POST", "/v1/lines", new | {"notes": "x"}, headers=KEYED)
    for wrong in WRONG:
        answer = await watch.send("POST", "/v1/lines", new | wrong)
        assert 400 <= answer.status_code < 500
    await watch.send("POST", "/v1/lines", content=json.dumps(new).encode()[:-1])
    for target in (path, f"{path}/info"):
        await watch.send("GET", target)
        await watch.send("GET", target, headers=FRESH)
    await watch.send("GET", f"{path}/credentials", promised={PASSWORD})
    await watch.send("POST", f"{path}/suspend", {"reason": "unpaid"})
    await watch.send("POST", f"{path}/resume")
    await watch.send("PATCH", path, {"notes": "x", "metadata": {"k": "v"}})
    await watch.send("POST", f"{path}/renew", {"period": "P1M"})
    generated = await watch.send("POST", f"{path}/rotate-password")
    watch.secrets.add(generated.json()["password"])
    rotate = {"password": ROTATED}
    await watch.send("POST", f"{path}/rotate-password", rotate, promised={ROTATED})
    return line


async def keys_and_panels(watch: Watcher) -> None:
    """Use the routes at which other secrets go in or come out."""
    world = watch.world
    key = await watch.send("POST", "/v1/keys", {"name": "x"})
    watch.secrets |= {key.json()["key"], str(world.a.api.key), str(world.operator.key)}
    client = await watch.send("POST", "/v1/clients", {"name": "x"})
    watch.secrets.add(client.json()["client_secret"])
    rotated = await watch.send("POST", f"/v1/clients/{client.json()['id']}/rotate-secret")
    watch.secrets.add(rotated.json()["client_secret"])
    hooks = {"url": "https://shop.example/hooks"}
    endpoint = await watch.send("POST", "/v1/webhook-endpoints", hooks)
    watch.secrets.add(endpoint.json()["secret"])
    path = f"/v1/webhook-endpoints/{endpoint.json()['id']}/rotate-secret"
    watch.secrets.add((await watch.send("POST", path)).json()["secret"])
    panel = f"/v1/panels/{world.panel_id}"
    for method, target, body in (
        ("PATCH", panel, {"api_pass": API_PASS, "name": "Renamed"}),
        ("PATCH", panel, {"api_pass": [API_PASS]}),
        ("POST", "/v1/panels", {"name": "x", "base_url": "http://h", "api_pass": API_PASS}),
        ("POST", f"{panel}/probe", None),
    ):
        await watch.send(method, target, body, api=world.operator)


async def faults(watch: Watcher, line: dict[str, Any]) -> None:
    """Let each call of the panel go wrong in each way."""
    world = watch.world
    path = f"/v1/lines/{line['id']}"
    for number, fault in enumerate(FAULTS):
        new = {"period": "P1M", "password": PASSWORD}
        other = await watch.send("POST", "/v1/lines", new, promised={PASSWORD})
        rotation = f"/v1/lines/{other.json()['id']}/rotate-password"
        for sub, method, target, body in (
            ("info", "GET", path, None),
            ("info", "POST", f"{path}/renew", {"period": "P1M"}),
            ("create", "POST", "/v1/lines", new | {"username": f"f{number}"}),
            ("edit", "POST", rotation, {"password": ROTATED}),
        ):
            world.fault({"match": {"sub": sub}} | fault)
            promised = set() if method == "GET" else {PASSWORD, ROTATED}
            answer = await watch.send(method, target, body, headers=SOON, promised=promised)
            world.simulator.panel.faults.clear()
            if answer.status_code not in {200, 201}:
                assert not [each for each in CANARIES if each in answer.text], answer.text


async def the_rest(watch: Watcher, line: dict[str, Any]) -> None:
    """Read everything that can be read, by everybody, and what is not there."""
    world = watch.world
    on_panel(world, line, password=BY_HAND)
    for target in ("", "/info"):
        await watch.send("GET", f"/v1/lines/{line['id']}{target}", headers=FRESH)
    for target in (
        "lines",
        "operations",
        "audit/entries",
        "keys",
        "clients",
        "panels",
        "resellers",
    ):
        for api in (world.operator, world.a.api, world.b.api):
            await watch.send("GET", f"/v1/{target}?limit=200", api=api)
    for target in ("/metrics", "/openapi.json", "/v1/nothing"):
        await watch.send("GET", target, api=world.operator)
    await watch.send("GET", "/v1/me", api=world.api(str(world.a.api.key)[:-1] + "!"))


@pytest.mark.timeout(900)  # It waits for a good many outcomes.
async def test_no_secret_is_anywhere_but_where_it_was_promised(
    guarded: World, log: io.StringIO, tmp_path: Path
) -> None:
    watch = Watcher(guarded)
    line = await the_life_of_a_line(watch)
    await keys_and_panels(watch)
    await faults(watch, line)
    await the_rest(watch, line)
    secrets = watch.secrets
    assert len(secrets) == len(CANARIES) + 8
    await asyncio.sleep(0)
    logged = log.getvalue()
    lines = [json.loads(text) for text in logged.splitlines()]
    events = {line["event"] for line in lines}
    assert {"request.done", "panel.called"} <= events
    assert len([line for line in lines if line["event"] == "request.done"]) > 100
    assert {secret for secret in secrets if secret in logged} == set()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("g.db*"))  # noqa: ASYNC240
    assert b"anna" in stored
    assert {secret for secret in secrets if secret.encode() in stored} == set()
    assert {secret for secret in secrets if secret in repr(guarded.runtime.ports)} == set()
    assert {secret for secret in secrets if secret in repr(guarded.runtime)} == set()
    cached = await in_redis(guarded)
    assert {secret for secret in secrets if secret.encode() in cached} == set()
    assert b"anna" not in cached, "values are sealed, and keys are ids"


async def in_redis(world: World) -> bytes:
    """Return every key and value that the cache holds."""
    async with redis.asyncio.Redis.from_url(world.settings.redis_url) as client:
        found = [key async for key in client.scan_iter()]
        assert found
        values = [await client.dump(key) or b"" for key in found]
    return b"".join([*found, *values])
