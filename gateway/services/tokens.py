"""Access tokens (RFC 9068): issue, exchange for a storefront's, look into, revoke, sweep.

The caller of these is a client that has proved who it is, see `identity/clients.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.clients import Client
from gateway.domain.errors import Unauthenticated
from gateway.domain.ids import ClientId
from gateway.domain.oauth import (
    CLIENT_TOKEN_LIFE,
    InvalidTarget,
    IssuedToken,
    RevokedToken,
    TokenRequest,
)
from gateway.domain.secrets import Secret
from gateway.domain.tokens import Token
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.authority import authority_of
from gateway.services.minting import Mint, check_bound, mint, narrowed
from gateway.services.ports.store import Store
from gateway.services.storefront_tokens import find_resource

SWEEP_BATCH: Final = 1_000
#: How long what has ended is kept, for clocks that differ.
KEPT: Final = timedelta(hours=1)


@action("token.issue", needs=None, is_audited=True)
async def issue_token(act: Action, client: Client, request: TokenRequest) -> IssuedToken:
    """Issue a client a token of its own.

    Raises:
        InvalidScope: it asks for a permission that it has not got, or has none.
        InvalidTarget: the resource is not this gateway.
        InvalidProof: it must bind its tokens to a key, and has proved none.
    """
    oauth = authority_of(act.ports)
    check_bound(client, request.proof_key)
    if request.resource is not None and request.resource.rstrip("/") != oauth.issuer:
        raise InvalidTarget("The resource is not this gateway.")
    scope = narrowed(request.scope, act.context.caller.permissions)
    wanted = Mint(
        subject=client.id,
        client_id=client.id,
        reseller_id=client.reseller_id,
        scope=scope,
        life=CLIENT_TOKEN_LIFE,
        proof_key=request.proof_key,
    )
    return await mint(act, wanted, Owner(client.reseller_id, client.owner_path))


@action("token.introspect", needs=None)
async def introspect_token(act: Action, text: Secret) -> Token | None:
    """Return what a token says, if it is good now and of the caller's reseller; else None."""
    token = await _own(act, text)
    if token is None or await authority_of(act.ports).denied.is_denied(token.id):
        return None
    async with act.read() as store:
        return token if await _stands(store, token) else None


@action("token.revoke", needs=None, is_audited=True)
async def revoke_token(act: Action, client: Client, text: Secret) -> None:
    """End one of the client's own tokens. What is none of its own is passed over in silence."""
    token = await _own(act, text)
    if token is None or token.client_id != client.id:
        return
    async with act.write() as store:
        now = act.ports.clock.now() + await store.clock_ahead()
        await store.revoked_tokens.add(
            RevokedToken(id=token.id, revoked_at=now, expires_at=token.expires_at)
        )
        after = {"token_id": token.id}
        resource_id = token.resource_id or client.id
        await store.audit.append(act.entry(Phase.SUCCEEDED, resource_id=resource_id, after=after))
    authority_of(act.ports).denied.deny(token.id)


@action("token.sweep", needs=Permission.OPERATIONS_RESOLVE)
async def sweep_tokens(act: Action) -> int:
    """Forget revoked tokens and used assertions whose time is over; return how many."""
    before = act.ports.clock.now() - KEPT
    async with act.write() as store:
        revoked = await store.revoked_tokens.delete_older(before, SWEEP_BATCH)
        return revoked + await store.used_assertions.delete_older(before, SWEEP_BATCH)


async def _own(act: Action, text: Secret) -> Token | None:
    """Return what a token of ours says that is in force; revoked ones too."""
    oauth = authority_of(act.ports)
    try:
        token = await oauth.tokens.verified(text.reveal())
    except Unauthenticated:
        return None
    return token if token.issuer == oauth.issuer else None


async def _stands(store: Store, token: Token) -> bool:
    """Tell whether a token's client and resource are there, as far as the scope reaches."""
    client = await store.clients.find(ClientId(token.client_id))
    if client is None or client.revoked_at is not None:
        return False
    return token.resource_id is None or await find_resource(store, token.resource_id) is not None
