"""`/livez`, `/readyz` and `/metrics`: for those who run the gateway.

Live: the process answers. Ready: the database answers and has the migrations that this code needs.
What we can do without for a while (a panel, Redis) makes it `degraded`, which is still ready. A
process that is about to end is `draining`, which is not.
"""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from gateway.api.auth import authenticate
from gateway.api.exchange import Answer, exchange_of
from gateway.api.options import ApiOptions, Check
from gateway.domain.caller import Permission
from gateway.domain.errors import PermissionDenied
from gateway.services.context import Ports


def health_routes(ports: Ports, options: ApiOptions, *, free_metrics: bool) -> list[Route]:
    """Return the routes. *free_metrics*: /metrics needs no key, for a port of its own."""

    async def livez(request: Request) -> Answer:
        exchange_of(request.scope).route = "/livez"
        return Answer(200, b'{"status":"ok"}')

    async def readyz(request: Request) -> Answer:
        exchange_of(request.scope).route = "/readyz"
        return await _readiness(ports, options)

    async def metrics(request: Request) -> Answer:
        exchange = exchange_of(request.scope)
        exchange.route = "/metrics"
        if not free_metrics:
            caller = await authenticate(exchange, ports)
            if not caller.may(Permission.METRICS_READ):
                raise PermissionDenied(f"This needs the permission {Permission.METRICS_READ}.")
        body, media_type = options.telemetry.metrics()
        return Answer(200, body, media_type=media_type.encode("ascii"))

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]


async def _readiness(ports: Ports, options: ApiOptions) -> Answer:
    if ports.lifecycle.is_draining:
        return Answer(503, msgspec.json.encode({"status": "draining", "checks": {}}))
    names = ["database", *options.soft_checks]
    checks = [ports.database.is_ready, *options.soft_checks.values()]
    passed = await asyncio.gather(*(_passes(check, options.check_seconds_max) for check in checks))
    found = dict(zip(names, passed, strict=True))
    if not found["database"]:
        status = "not_ready"
    else:
        status = "ready" if all(found.values()) else "degraded"
    body = {"status": status, "checks": {n: "ok" if ok else "failing" for n, ok in found.items()}}
    return Answer(200 if found["database"] else 503, msgspec.json.encode(body))


async def _passes(check: Check, seconds_max: float) -> bool:
    try:
        async with asyncio.timeout(seconds_max):
            return await check()
    except Exception:  # noqa: BLE001 - whatever is wrong, it is not well
        return False
