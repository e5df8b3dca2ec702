"""Tokens for storefronts (RFC 8693): for one line or device, and what its policy allows."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.caller import Permission
from gateway.domain.clients import Client
from gateway.domain.errors import NotFound, Unauthenticated
from gateway.domain.ids import ClientId, DeviceId, IdKind, LineId, is_id
from gateway.domain.lines import Line
from gateway.domain.oauth import (
    CHAIN_MAX,
    DEVICE_SCOPE,
    LINE_SCOPE,
    MAY_ROTATE,
    ExchangeRequest,
    InvalidTarget,
    IssuedToken,
    UnacceptableToken,
)
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Status, Subscription
from gateway.domain.tokens import Token
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.authority import authority_of
from gateway.services.minting import Mint, check_bound, mint, narrowed
from gateway.services.ports.store import Store


@action("token.exchange", needs=None, is_audited=True)
async def exchange_token(
    act: Action, client: Client, request: ExchangeRequest, resource_id: str | None
) -> IssuedToken:
    """Issue a token for one line or device, for as little as the subject token and the policy have.

    Args:
        resource_id: what the request's `resource` names; None: nothing of ours.

    Raises:
        UnacceptableToken: the subject token is not good, is a storefront's, or of another reseller.
        InvalidTarget: there is no such resource, or the client cannot see it.
        InvalidScope: more is asked for than there is.
        InvalidProof: the client must bind its tokens to a key, and has proved none.
    """
    check_bound(client, request.proof_key)
    subject = await _subject_of(act, client, request.subject_token)
    async with act.read() as store:
        resource = await find_resource(store, resource_id)
        if resource is None or resource_id is None:
            raise InvalidTarget("There is no such resource, or none that a token can be for.")
        possible = await _possible(store, resource)
    held = frozenset(each for each in act.context.caller.permissions if each in subject.scope)
    wanted = Mint(
        subject=resource_id,
        client_id=client.id,
        reseller_id=resource.reseller_id,
        scope=narrowed(request.scope, possible & held),
        life=authority_of(act.ports).storefront_life,
        resource_id=resource_id,
        chain=_chain(client, subject),
        proof_key=request.proof_key,
    )
    return await mint(act, wanted, Owner(resource.reseller_id, resource.owner_path))


async def find_resource(store: Store, resource_id: str | None) -> Subscription | None:
    """Return the line or device of the scope; None: there is none, or it is ended for good."""
    try:
        if resource_id is not None and is_id(IdKind.LINE, resource_id):
            found: Subscription = await store.lines.get(LineId(resource_id))
        elif resource_id is not None and is_id(IdKind.DEVICE, resource_id):
            found = await store.devices.get(DeviceId(resource_id))
        else:
            return None
    except NotFound:
        return None
    return None if found.status is Status.TERMINATED else found


async def _possible(store: Store, resource: Subscription) -> frozenset[Permission]:
    """Return the most that a storefront's token can have for *resource*.

    What belongs to the operator itself has no policy, and no limit of one.
    """
    if not isinstance(resource, Line):
        return DEVICE_SCOPE
    if resource.reseller_id is not None:
        reseller = await store.resellers.get(resource.reseller_id)
        if MAY_ROTATE not in reseller.policy.subscriber_may:
            return LINE_SCOPE
    # Whoever changes something may have to follow the operation.
    return LINE_SCOPE | {Permission.LINES_WRITE, Permission.OPERATIONS_READ}


async def _subject_of(act: Action, client: Client, text: Secret) -> Token:
    """Return the subject token: one of ours, in force, of the client or of one of its reseller's.

    Raises:
        UnacceptableToken: the same, whatever is wrong with it, unless it is a storefront's.
    """
    oauth = authority_of(act.ports)
    try:
        token = await oauth.tokens.verified(text.reveal())
    except Unauthenticated:
        raise _unacceptable() from None
    if token.issuer != oauth.issuer or await oauth.denied.is_denied(token.id):
        raise _unacceptable()
    if token.client_id != client.id:
        async with act.read() as store:
            other = await store.clients.find(ClientId(token.client_id))
        if other is None or other.revoked_at is not None:
            raise _unacceptable()
        if other.reseller_id != client.reseller_id:
            raise _unacceptable()
        token = replace(token, scope=token.scope & other.permissions)
    if token.resource_id is not None:
        raise UnacceptableToken("A token for one resource cannot be exchanged again.")
    return token


def _chain(client: Client, subject: Token) -> tuple[str, ...]:
    """Return who acts: the client, then who got the subject token, then who acted there."""
    others = () if subject.client_id == client.id else (subject.client_id,)
    chain = (client.id, *others, *subject.chain)
    if len(chain) > CHAIN_MAX:
        raise UnacceptableToken(f"More than {CHAIN_MAX} would act with this token.")
    return chain


def _unacceptable() -> UnacceptableToken:
    return UnacceptableToken("The subject token is not a good one of this client's reseller.")
