"""Whom a token speaks for at this moment: client, reseller, line or device, as our database has it.

What is looked up is remembered for `STANDING_SECONDS`, in this process alone. So a client that is
revoked, a reseller that is suspended or a line that is gone shows everywhere after that time at the
latest, without anybody telling anybody.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.caller import OPERATOR_ONLY, ROOT_PATH, Caller, CallerKind, Permission
from gateway.domain.errors import NotFound
from gateway.domain.ids import ClientId, IdKind, ResellerId, is_id
from gateway.domain.subscriptions import Status
from gateway.identity.api_keys import OPERATOR_ID
from gateway.identity.faults import TokenFault
from gateway.services.scope import system_scope

if TYPE_CHECKING:
    from gateway.domain.clients import Client
    from gateway.domain.subscriptions import Subscription
    from gateway.domain.tokens import Token
    from gateway.services.ports.store import Database, Store
    from gateway.services.ports.system import Clock

STANDING_SECONDS: Final = 2.0
STANDINGS_MAX: Final = 10_000
#: How much of a foreign issuer's names goes into the audit log.
_ACTOR_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the database says of those whom a token names. `client` None: a foreign issuer's."""

    reseller_id: ResellerId | None
    owner_path: str
    suspended: bool
    client: Client | None


class TokenCallers:
    """Makes callers of verified tokens.

    Args:
        own_url: our own name as an issuer; the tokens of all others are foreign.
    """

    def __init__(self, database: Database, clock: Clock, *, own_url: str) -> None:
        self._database = database
        self._clock = clock
        self._own_url = own_url
        self._remembered: OrderedDict[tuple[str | None, ...], tuple[Standing, float]] = (
            OrderedDict()
        )

    async def caller_of(self, token: Token) -> Caller:
        """Return whom *token* speaks for now.

        Raises:
            TokenFault: nobody, or nobody any more.
            ServiceUnavailable: the database cannot be asked.
        """
        standing = await self._standing_of(token)
        client = standing.client
        if client is None:
            return _foreign_caller(token, standing)
        if client.needs_dpop and token.proof_key is None:
            raise TokenFault("not_bound")
        permissions = _permissions_in(token)
        if token.resource_id is not None:
            return Caller(
                kind=CallerKind.STOREFRONT,
                id=token.resource_id,
                key_id=client.id,
                token_id=token.id,
                resource_id=token.resource_id,
                chain=token.chain,
                origins=frozenset(client.origins),
                expires_at=token.expires_at,
                reseller_id=standing.reseller_id,
                owner_path=standing.owner_path,
                permissions=permissions - OPERATOR_ONLY,
                suspended=standing.suspended,
            )
        is_operator = standing.reseller_id is None
        allowed = permissions & client.permissions
        return Caller(
            kind=CallerKind.OPERATOR if is_operator else CallerKind.RESELLER,
            id=standing.reseller_id or OPERATOR_ID,
            key_id=client.id,
            token_id=token.id,
            chain=token.chain,
            origins=frozenset(client.origins),
            expires_at=token.expires_at,
            reseller_id=standing.reseller_id,
            owner_path=standing.owner_path,
            permissions=allowed if is_operator else allowed - OPERATOR_ONLY,
            suspended=standing.suspended,
        )

    async def _standing_of(self, token: Token) -> Standing:
        is_own = token.issuer == self._own_url
        name = (token.client_id if is_own else None, token.reseller_id, token.resource_id)
        now = self._clock.monotonic()
        found = self._remembered.get(name)
        if found is not None and now < found[1]:
            return found[0]
        async with self._database.read(system_scope()) as store:
            standing = await (_own(store, token) if is_own else _foreign(store, token))
        # Counted from before the look: what changes meanwhile is not seen late because of it.
        self._remembered[name] = standing, now + STANDING_SECONDS
        self._remembered.move_to_end(name)
        if len(self._remembered) > STANDINGS_MAX:
            self._remembered.popitem(last=False)
        return standing


async def _own(store: Store, token: Token) -> Standing:
    """Return the standing of one of our own tokens."""
    client = await store.clients.find(ClientId(token.client_id))
    if client is None or client.revoked_at is not None:
        raise TokenFault("client")
    if token.resource_id is not None:
        return await _of_resource(store, token, client)
    if token.reseller_id != client.reseller_id:
        raise TokenFault("reseller_of_client")
    return await _of_reseller(store, client.reseller_id, client.owner_path, client)


async def _of_resource(store: Store, token: Token, client: Client) -> Standing:
    """Return the standing of a token for one line or device, which must be the client's own."""
    resource = await _resource(store, token.resource_id or "")
    if resource.status is Status.TERMINATED:
        raise TokenFault("resource_gone")
    if not resource.owner_path.startswith(client.owner_path):
        raise TokenFault("resource_of_another")
    if token.reseller_id not in {client.reseller_id, resource.reseller_id}:
        raise TokenFault("reseller_of_resource")
    return await _of_reseller(store, resource.reseller_id, resource.owner_path, client)


async def _resource(store: Store, resource_id: str) -> Subscription:
    try:
        if is_id(IdKind.LINE, resource_id):
            return await store.lines.get(resource_id)
        return await store.devices.get(resource_id)
    except NotFound:
        raise TokenFault("resource_gone") from None


async def _foreign(store: Store, token: Token) -> Standing:
    """Return the standing of a foreign issuer's token; None as its reseller is the operator."""
    if token.reseller_id is None:
        return await _of_reseller(store, None, ROOT_PATH, None)
    try:
        reseller = await store.resellers.get(token.reseller_id)
    except NotFound:
        raise TokenFault("reseller") from None
    return await _of_reseller(store, reseller.id, reseller.owner_path, None)


async def _of_reseller(
    store: Store, reseller_id: ResellerId | None, owner_path: str, client: Client | None
) -> Standing:
    # One whose path is not its own could see others: it must never speak.
    is_right = (
        owner_path == ROOT_PATH if reseller_id is None else owner_path.endswith(f"/{reseller_id}/")
    )
    if not is_right:
        raise TokenFault("owner_path")
    suspended = reseller_id is not None and await store.resellers.is_suspended(owner_path)
    return Standing(
        reseller_id=reseller_id, owner_path=owner_path, suspended=suspended, client=client
    )


def _foreign_caller(token: Token, standing: Standing) -> Caller:
    permissions = _permissions_in(token)
    is_operator = standing.reseller_id is None
    actor = f"{token.subject} ({token.issuer})"[:_ACTOR_LENGTH_MAX]
    return Caller(
        kind=CallerKind.OPERATOR if is_operator else CallerKind.RESELLER,
        id=standing.reseller_id or OPERATOR_ID,
        token_id=token.id,
        chain=(actor, *token.chain),
        expires_at=token.expires_at,
        reseller_id=standing.reseller_id,
        owner_path=standing.owner_path,
        permissions=permissions if is_operator else permissions - OPERATOR_ONLY,
        suspended=standing.suspended,
    )


def _permissions_in(token: Token) -> frozenset[Permission]:
    return frozenset(permission for permission in Permission if permission in token.scope)
