"""OAuth clients in the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound, VersionMismatch
from gateway.domain.ids import ClientId
from gateway.domain.paging import PageRequest
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, scope_for
from tests.factories import NOW, a_client, owned_by

JWKS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPa"}]}


async def test_a_client_is_read_as_it_was_added(registry: SqlDatabase, family: Family) -> None:
    plain = a_client()
    full = a_client(
        **owned_by(family.ann),
        permissions=frozenset({Permission.LINES_READ, Permission.KEYS_WRITE}),
        origins=("https://shop.example", "http://localhost:3000"),
        jwks=JWKS,
        needs_dpop=True,
        secret_digest=None,
        former_digest=b"f" * 32,
        former_ends_at=NOW,
        last_used_at=NOW,
        revoked_at=NOW,
        version=7,
    )
    async with registry.write(system_scope()) as store:
        await store.clients.add(plain)
        await store.clients.add(full)
    async with registry.read(system_scope()) as store:
        for client in (plain, full):
            assert await store.clients.get(client.id) == client
            assert await store.clients.find(client.id) == client
        assert await store.clients.find(ClientId("cli_unknown")) is None
        with pytest.raises(NotFound):
            await store.clients.get(ClientId("cli_unknown"))
    async with registry.read(scope_for(family.bob)) as store:
        assert await store.clients.find(full.id) is None
        with pytest.raises(NotFound):
            await store.clients.get(full.id)


async def test_clients_are_listed_by_reseller(store: Store, family: Family) -> None:
    clients = [a_client(**owned_by(owner)) for owner in (None, family.ann, family.bob)]
    for client in clients:
        await store.clients.add(client)
    everything = await store.clients.list(PageRequest(), None)
    assert everything.items == tuple(reversed(clients))
    of_ann = await store.clients.list(PageRequest(), family.ann.id)
    assert of_ann.items == (clients[1],)


async def test_a_client_is_saved_by_version(store: Store) -> None:
    client = a_client()
    await store.clients.add(client)
    changed = replace(
        client,
        name="New",
        permissions=frozenset(),
        origins=("https://a.example",),
        jwks=JWKS,
        needs_dpop=True,
        secret_digest=None,
        former_digest=b"f" * 32,
        former_ends_at=NOW,
        revoked_at=NOW,
        version=2,
        updated_at=NOW + timedelta(days=1),
    )
    await store.clients.save(changed, expected_version=1)
    assert await store.clients.get(client.id) == changed
    with pytest.raises(VersionMismatch):
        await store.clients.save(changed, expected_version=1)
    with pytest.raises(NotFound):
        await store.clients.save(a_client())


async def test_a_save_takes_no_use_back_and_moves_no_client(store: Store, family: Family) -> None:
    client = a_client()
    await store.clients.add(client)
    await store.clients.touch(client.id, NOW)
    await store.clients.touch(ClientId("cli_unknown"), NOW)
    moved = replace(client, **owned_by(family.ann), created_at=NOW + timedelta(days=1), name="New")
    await store.clients.save(moved)
    assert await store.clients.get(client.id) == replace(client, name="New", last_used_at=NOW)
