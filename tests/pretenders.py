"""Callers of a test's own making, beside the real keys and tokens: what one may do, not who it is.

Who a token speaks for is tested where tokens are; here it is a given.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2

from gateway.domain.caller import ROOT_PATH, Caller, CallerKind, Permission
from gateway.domain.errors import Unauthenticated
from gateway.domain.ids import ResellerId
from gateway.domain.proofs import Proof
from gateway.services.ports.system import Identity
from tests.world import BASE_URL, Api, World

CLIENT_ID = "cli_01kjmma2g1tryj3rtwehhne08q"
SHOP = "https://shop.example"
#: What a storefront's token may hold, whatever its policy.
SUBSCRIBER = frozenset(
    {
        *(Permission.LINES_READ, Permission.LINES_WRITE, Permission.DEVICES_READ),
        *(Permission.OPERATIONS_READ, Permission.PLANS_READ),
    }
)


class Pretenders:
    """An identity that knows what it was told, and asks *real* for the rest."""

    def __init__(self, real: Identity) -> None:
        self._real = real
        self._callers: dict[str, Caller] = {}

    def know(self, caller: Caller) -> str:
        """Return a secret text that stands for *caller*."""
        bearer = f"pretender{len(self._callers)}"
        self._callers[bearer] = caller
        return bearer

    def change(self, bearer: str, **changes: Any) -> None:
        """Let a text stand for somebody else from now on."""
        self._callers[bearer] = replace(self._callers[bearer], **changes)

    def forget(self, bearer: str) -> None:
        """Let a text stand for nobody any more."""
        self._callers[bearer] = replace(self._callers[bearer], kind=CallerKind.SYSTEM)

    async def identify(self, bearer: str, ip: str | None, proof: Proof | None = None) -> Caller:
        """Return the caller of a text."""
        known = self._callers.get(bearer)
        if known is None:
            return await self._real.identify(bearer, ip, proof)
        if known.kind is CallerKind.SYSTEM:
            raise Unauthenticated("This token has ended.")
        return known


def a_storefront(resource: dict[str, Any], **changes: Any) -> Caller:
    """Return the caller of a storefront's token for a line or device, as REST shows it."""
    reseller_id = resource["reseller_id"]
    caller = Caller(
        kind=CallerKind.STOREFRONT,
        id=resource["id"],
        resource_id=resource["id"],
        key_id=CLIENT_ID,
        chain=(CLIENT_ID,),
        origins=frozenset({SHOP}),
        reseller_id=None if reseller_id is None else ResellerId(reseller_id),
        owner_path=ROOT_PATH if reseller_id is None else f"/{reseller_id}/",
        permissions=SUBSCRIBER,
    )
    return replace(caller, **changes)


@asynccontextmanager
async def with_pretenders(world: World) -> AsyncIterator[Pretenders]:
    """Let *world*'s gateway know pretenders, and its callers use that."""
    pretenders = Pretenders(world.runtime.ports.identity)
    world.runtime = replace(world.runtime, ports=replace(world.runtime.ports, identity=pretenders))
    transport = httpx2.ASGITransport(app=world.runtime.app())
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        world.client = client
        for api in (world.operator, world.a.api, world.b.api):
            api.client = client
        yield pretenders


def storefront_api(
    world: World, pretenders: Pretenders, resource: dict[str, Any], **changes: Any
) -> Api:
    """Return who has a storefront's token for *resource*."""
    return world.api(pretenders.know(a_storefront(resource, **changes)))
