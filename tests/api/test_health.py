"""Is it alive, is it ready, and how is it doing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from gateway.api.app import create_ops_app
from gateway.api.options import ApiOptions
from tests.api.support import OPERATOR, Recorder, Store, api, assert_problem, some_ports


async def well() -> bool:
    return True


async def unwell() -> bool:
    return False


async def broken() -> bool:
    raise OSError("hunter2")


async def stuck() -> bool:
    await asyncio.sleep(30)
    return True


def ops(store: Store, **options: Any) -> httpx2.AsyncClient:
    app = create_ops_app(some_ports(store=store), ApiOptions(**options))
    transport = httpx2.ASGITransport(app)
    return httpx2.AsyncClient(transport=transport, base_url="http://ops.test")


async def test_a_process_is_alive_without_its_database() -> None:
    response = await ops(Store(ready=False)).get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("check", "status", "word"),
    [(well, "ready", "ok"), (unwell, "degraded", "failing"), (broken, "degraded", "failing")],
)
async def test_what_we_can_do_without_only_degrades(check: Any, status: str, word: str) -> None:
    response = await ops(Store(), soft_checks={"redis": check}).get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": status, "checks": {"database": "ok", "redis": word}}


async def test_a_check_that_hangs_is_failing() -> None:
    client = ops(Store(), soft_checks={"redis": stuck}, check_seconds_max=0.01)
    async with asyncio.timeout(5):
        response = await client.get("/readyz")
    assert response.json()["checks"] == {"database": "ok", "redis": "failing"}


async def test_without_its_database_it_is_not_ready() -> None:
    response = await ops(Store(ready=False), soft_checks={"redis": well}).get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "not_ready"
    assert response.headers["x-request-id"]


async def test_both_ports_tell() -> None:
    client = api(ports=some_ports(store=Store()))
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200


async def test_metrics_are_free_on_the_operations_port_only() -> None:
    free = await ops(Store(), telemetry=Recorder()).get("/metrics")
    assert free.text == "up 1\n"
    assert free.headers["content-type"].startswith("text/plain")

    client = api(telemetry=Recorder())
    assert_problem(await client.get("/metrics"), 401, "unauthenticated")
    reseller = {"authorization": "Bearer reseller"}
    assert_problem(await client.get("/metrics", headers=reseller), 403, "permission_denied")
    assert (await client.get("/metrics", headers=OPERATOR)).text == "up 1\n"


async def test_the_operations_port_serves_nothing_else() -> None:
    client = ops(Store())
    assert_problem(await client.get("/v1/lines", headers=OPERATOR), 404, "not_found")
    assert_problem(await client.post("/livez"), 405, "method_not_allowed")
