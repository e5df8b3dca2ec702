"""Whom a token speaks for: what the database says now, of clients, resellers, lines and devices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.db.encryption import Keyring
from gateway.db.engine import make_engine
from gateway.db.migrations import migrate
from gateway.db.store import SqlDatabase
from gateway.domain.caller import Caller, CallerKind, Permission
from gateway.domain.clients import Client
from gateway.domain.ids import ClientId, ResellerId
from gateway.domain.resellers import Reseller, ResellerState
from gateway.domain.subscriptions import Status
from gateway.domain.tokens import Token
from gateway.identity.faults import TokenFault
from gateway.identity.standing import STANDING_SECONDS, TokenCallers
from gateway.services.scope import system_scope
from tests.factories import a_client, a_device, a_line, a_panel, a_reseller
from tests.identity.resource_server import reseller, reseller_client, reseller_line
from tests.identity.signing import CLIENT_ID, LINE_ID, NOW, RESELLER_ID, TOKEN_ID, URL
from tests.identity.times import SetClock

PATH = f"/{RESELLER_ID}/"
FOREIGN = "https://sso.example"


@asynccontextmanager
async def filled(url: str) -> AsyncIterator[SqlDatabase]:
    """Open a database that has the reseller, its client and its line."""
    await migrate(url)
    database = SqlDatabase(make_engine(url), Keyring([("k1", b"1" * 32)]))
    async with database.write(system_scope()) as store:
        await store.panels.add(a_panel())
        await store.resellers.add(reseller())
        await store.clients.add(reseller_client())
        await store.lines.add(reseller_line())
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    async with filled(f"sqlite:///{tmp_path}/gateway.db") as database:
        yield database


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def callers(database: SqlDatabase, clock: SetClock) -> TokenCallers:
    return TokenCallers(database, clock, own_url=URL)


def a_token(**different: Any) -> Token:
    """Return a token of the reseller's client that may read and write lines and run panels."""
    token = Token(
        id=TOKEN_ID,
        issuer=URL,
        subject=CLIENT_ID,
        client_id=CLIENT_ID,
        scope=frozenset({"lines:read", "lines:secrets", "lines:write", "panels:write", "tea:make"}),
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
        reseller_id=ResellerId(RESELLER_ID),
    )
    return replace(token, **different)


def a_storefront_token(**different: Any) -> Token:
    values = {"subject": LINE_ID, "resource_id": LINE_ID, "chain": (CLIENT_ID,)}
    return a_token(**(values | different))


async def refused(callers: TokenCallers, token: Token, why: str) -> None:
    with pytest.raises(TokenFault) as caught:
        await callers.caller_of(token)
    assert caught.value.why == why


async def save(database: SqlDatabase, it: Client | Reseller) -> None:
    async with database.write(system_scope()) as store:
        if isinstance(it, Client):
            await store.clients.save(it)
        else:
            await store.resellers.save(it)


async def test_a_clients_token_speaks_for_its_reseller(callers: TokenCallers) -> None:
    assert await callers.caller_of(a_token()) == Caller(
        kind=CallerKind.RESELLER,
        id=RESELLER_ID,
        key_id=CLIENT_ID,
        token_id=TOKEN_ID,
        origins=frozenset({"https://shop.example"}),
        expires_at=NOW + timedelta(minutes=5),
        reseller_id=ResellerId(RESELLER_ID),
        owner_path=PATH,
        permissions=frozenset({Permission.LINES_READ, Permission.LINES_SECRETS}),
    )


async def test_a_storefronts_token_speaks_for_its_line(callers: TokenCallers) -> None:
    assert await callers.caller_of(a_storefront_token()) == Caller(
        kind=CallerKind.STOREFRONT,
        id=LINE_ID,
        key_id=CLIENT_ID,
        token_id=TOKEN_ID,
        resource_id=LINE_ID,
        chain=(CLIENT_ID,),
        origins=frozenset({"https://shop.example"}),
        expires_at=NOW + timedelta(minutes=5),
        reseller_id=ResellerId(RESELLER_ID),
        owner_path=PATH,
        permissions=frozenset(
            {Permission.LINES_READ, Permission.LINES_SECRETS, Permission.LINES_WRITE}
        ),
    )


async def test_both_databases_know_them(database_url: str, clock: SetClock) -> None:
    async with filled(database_url) as database:
        callers = TokenCallers(database, clock, own_url=URL)
        for token in (a_token(), a_storefront_token(), a_foreign_token()):
            assert (await callers.caller_of(token)).owner_path == PATH
        await save(database, replace(reseller_client(), revoked_at=NOW))
        clock.past_seconds = STANDING_SECONDS
        await refused(callers, a_storefront_token(), "client")


async def test_a_storefronts_token_may_be_for_a_device(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    device = a_device(reseller_id=ResellerId(RESELLER_ID), owner_path=PATH)
    async with database.write(system_scope()) as store:
        await store.devices.add(device)
    token = a_storefront_token(subject=device.id, resource_id=device.id)
    assert (await callers.caller_of(token)).resource_id == device.id


async def test_an_operators_client_speaks_for_the_operator(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    client = a_client(permissions=frozenset({Permission.PANELS_WRITE}))
    async with database.write(system_scope()) as store:
        await store.clients.add(client)
    token = a_token(subject=client.id, client_id=client.id, reseller_id=None)
    caller = await callers.caller_of(token)
    assert (caller.kind, caller.id, caller.owner_path) == (CallerKind.OPERATOR, "operator", "/")
    assert caller.permissions == {Permission.PANELS_WRITE}


async def test_an_operators_client_gives_a_token_for_a_resellers_line(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    client = a_client()
    async with database.write(system_scope()) as store:
        await store.clients.add(client)
    caller = await callers.caller_of(a_storefront_token(client_id=client.id, reseller_id=None))
    assert (caller.reseller_id, caller.owner_path) == (RESELLER_ID, PATH)


async def test_what_is_only_for_operators_is_never_a_resellers(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    everything = replace(reseller_client(), permissions=frozenset(Permission))
    await save(database, everything)
    for token in (a_token(), a_storefront_token(), a_foreign_token()):
        caller = await callers.caller_of(token)
        assert Permission.PANELS_WRITE not in caller.permissions
        assert Permission.LINES_WRITE in caller.permissions


@pytest.mark.parametrize("make", [a_token, a_storefront_token])
async def test_a_client_that_is_revoked_ends_its_tokens_within_two_seconds(
    database: SqlDatabase, callers: TokenCallers, clock: SetClock, make: Any
) -> None:
    await callers.caller_of(make())
    await save(database, replace(reseller_client(), revoked_at=NOW))
    clock.past_seconds = STANDING_SECONDS - 0.1
    await callers.caller_of(make())
    clock.past_seconds = STANDING_SECONDS
    await refused(callers, make(), "client")


@pytest.mark.parametrize("make", [a_token, a_storefront_token])
async def test_a_suspended_reseller_is_a_caller_still(
    database: SqlDatabase, callers: TokenCallers, clock: SetClock, make: Any
) -> None:
    assert not (await callers.caller_of(make())).suspended
    await save(database, replace(reseller(), state=ResellerState.SUSPENDED))
    clock.past_seconds = STANDING_SECONDS
    assert (await callers.caller_of(make())).suspended


async def test_permissions_that_a_client_lost_are_lost_to_its_tokens(
    database: SqlDatabase, callers: TokenCallers, clock: SetClock
) -> None:
    await callers.caller_of(a_token())
    await save(database, replace(reseller_client(), permissions=frozenset()))
    clock.past_seconds = STANDING_SECONDS
    assert (await callers.caller_of(a_token())).permissions == frozenset()


async def test_a_line_that_is_gone_ends_its_tokens(
    database: SqlDatabase, callers: TokenCallers, clock: SetClock
) -> None:
    await callers.caller_of(a_storefront_token())
    async with database.write(system_scope()) as store:
        await store.lines.save(reseller_line(status=Status.TERMINATED))
    clock.past_seconds = STANDING_SECONDS
    await refused(callers, a_storefront_token(), "resource_gone")


async def test_nobody_speaks_for_what_there_is_not(callers: TokenCallers) -> None:
    nobody = ClientId(CLIENT_ID[:-1] + "0")
    await refused(callers, a_token(client_id=nobody), "client")
    for kind in ("line", "dev"):
        gone = kind + "_" + LINE_ID.partition("_")[2][:-1] + "0"
        await refused(callers, a_storefront_token(resource_id=gone), "resource_gone")
    other = ResellerId(RESELLER_ID[:-1] + "0")
    await refused(callers, a_foreign_token(reseller_id=other), "reseller")


async def test_a_token_must_name_the_reseller_of_its_client(callers: TokenCallers) -> None:
    other = ResellerId(RESELLER_ID[:-1] + "0")
    await refused(callers, a_token(reseller_id=other), "reseller_of_client")
    await refused(callers, a_token(reseller_id=None), "reseller_of_client")
    await refused(callers, a_storefront_token(reseller_id=other), "reseller_of_resource")


async def test_a_line_of_another_reseller_is_out_of_a_clients_reach(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    stranger = a_reseller()
    line = a_line(reseller_id=stranger.id, owner_path=stranger.owner_path)
    own = a_line()
    async with database.write(system_scope()) as store:
        await store.resellers.add(stranger)
        await store.lines.add(line)
        await store.lines.add(own)
    for resource in (line, own):
        token = a_storefront_token(resource_id=resource.id)
        await refused(callers, token, "resource_of_another")


async def test_a_resellers_client_reaches_the_lines_below_it(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    child = a_reseller(parent=reseller())
    line = a_line(reseller_id=child.id, owner_path=child.owner_path)
    async with database.write(system_scope()) as store:
        await store.resellers.add(child)
        await store.lines.add(line)
    caller = await callers.caller_of(a_storefront_token(resource_id=line.id))
    assert (caller.reseller_id, caller.owner_path) == (child.id, child.owner_path)


async def test_a_client_that_needs_proofs_has_no_bearers_tokens(
    database: SqlDatabase, callers: TokenCallers
) -> None:
    await save(database, replace(reseller_client(), needs_dpop=True))
    await refused(callers, a_token(), "not_bound")
    assert (await callers.caller_of(a_token(proof_key="k" * 43))).key_id == CLIENT_ID


def a_foreign_token(**different: Any) -> Token:
    values = {"issuer": FOREIGN, "subject": "anna", "client_id": "billing", "id": "j-1"}
    return a_token(**(values | different))


async def test_a_foreign_token_speaks_for_the_reseller_it_is_mapped_to(
    callers: TokenCallers,
) -> None:
    assert await callers.caller_of(a_foreign_token()) == Caller(
        kind=CallerKind.RESELLER,
        id=RESELLER_ID,
        token_id="j-1",
        chain=("anna (https://sso.example)",),
        expires_at=NOW + timedelta(minutes=5),
        reseller_id=ResellerId(RESELLER_ID),
        owner_path=PATH,
        permissions=frozenset(
            {Permission.LINES_READ, Permission.LINES_SECRETS, Permission.LINES_WRITE}
        ),
    )


async def test_a_foreign_token_may_be_the_operators(callers: TokenCallers) -> None:
    caller = await callers.caller_of(a_foreign_token(reseller_id=None))
    assert (caller.kind, caller.id, caller.owner_path) == (CallerKind.OPERATOR, "operator", "/")
    assert Permission.PANELS_WRITE in caller.permissions


async def test_a_foreign_subject_cannot_pose_as_one_of_our_clients(
    callers: TokenCallers,
) -> None:
    caller = await callers.caller_of(a_foreign_token(client_id=CLIENT_ID, subject=CLIENT_ID))
    assert caller.key_id is None
    assert caller.origins == frozenset()


async def test_what_goes_into_the_audit_log_of_a_foreign_name_is_bounded(
    callers: TokenCallers,
) -> None:
    caller = await callers.caller_of(a_foreign_token(subject="x" * 255))
    assert [len(actor) for actor in caller.chain] == [200]
