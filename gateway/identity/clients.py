"""OAuth clients: from their secret, or from an assertion that they signed, to who they are.

Secrets are compared as digests in constant time; for a client that there is not, a comparison is
made all the same. All refusals carry one text: only the log tells an unknown client from a revoked
one or from a wrong secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NoReturn

import structlog

from gateway.domain.caller import OPERATOR_ONLY, Caller, CallerKind
from gateway.domain.clients import Client, client_secret_digest
from gateway.domain.clock import from_unix
from gateway.domain.ids import ClientId, IdKind, is_id
from gateway.domain.oauth import ASSERTION_LIFE_MAX, ClientProof, InvalidClient, KnownClient
from gateway.identity.api_keys import OPERATOR_ID
from gateway.identity.claims import LEEWAY_SECONDS, second_in, text_in
from gateway.identity.faults import TokenFault
from gateway.identity.jws import Jws, check_signature, parse
from gateway.identity.public_keys import PublicKey, public_key_of
from gateway.identity.strict_json import object_of
from gateway.services.scope import system_scope

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.secrets import Secret
    from gateway.services.ports.store import Database
    from gateway.services.ports.system import Clock

REFUSAL: Final = "The client is not known, or has not proved who it is."
ALGORITHMS: Final = ("ES256", "Ed25519", "EdDSA", "PS256", "RS256")
#: How often the last use of a client is noted; seconds.
TOUCH_EVERY_SECONDS: Final = 60
#: Compared with the secret of a client that there is not.
_NO_DIGEST: Final = bytes(32)

log = structlog.get_logger(__name__)


class Clients:
    """The port ClientIdentity over the clients in our database.

    Args:
        audiences: what the `aud` of an assertion may be: our issuer, or the token endpoint.
    """

    def __init__(self, database: Database, clock: Clock, *, audiences: tuple[str, ...]) -> None:
        self._database = database
        self._clock = clock
        self._audiences = frozenset(audiences)

    async def identify(self, proof: ClientProof) -> KnownClient:
        """Return the client that has proved who it is. See the port."""
        try:
            client = await self._proved(proof)
        except TokenFault as fault:
            _refuse(fault.why, proof.client_id)
        await self._touch(client)
        return KnownClient(client=client, caller=_caller_of(client))

    async def _proved(self, proof: ClientProof) -> Client:
        if proof.assertion is not None:
            return await self._by_assertion(proof, proof.assertion)
        if proof.secret is not None and proof.client_id is not None:
            return await self._by_secret(proof.client_id, proof.secret)
        raise TokenFault("no_proof")

    async def _by_secret(self, client_id: str, secret: Secret) -> Client:
        client = await self._find(client_id)
        if client is None:
            # As much work as for a client that is known.
            hmac.compare_digest(client_secret_digest(secret.reveal()), _NO_DIGEST)
            raise TokenFault("unknown")
        if not client.knows(secret.reveal(), self._clock.now()):
            raise TokenFault("secret")
        return _not_revoked(client)

    async def _by_assertion(self, proof: ClientProof, assertion: Secret) -> Client:
        jws = parse(assertion.reveal())
        claims = object_of(jws.payload)
        client_id = text_in(claims, "sub")
        if text_in(claims, "iss") != client_id or proof.client_id not in {None, client_id}:
            raise TokenFault("iss")
        client = await self._find(client_id)
        if client is None or client.jwks is None:
            raise TokenFault("unknown")
        _check_signed(jws, client.jwks)
        self._check_audience(claims)
        ends = self._check_times(claims)
        await self._check_once(_not_revoked(client), text_in(claims, "jti"), ends)
        return client

    def _check_audience(self, claims: dict[str, Any]) -> None:
        found = claims.get("aud")
        named = found if isinstance(found, list) else [found]
        if not all(isinstance(one, str) for one in named) or self._audiences.isdisjoint(named):
            raise TokenFault("aud")

    def _check_times(self, claims: dict[str, Any]) -> datetime:
        """Return when an assertion ends; it is in force, and does not last for long."""
        now = self._clock.now().timestamp()
        ends = second_in(claims, "exp")
        if not now < ends <= now + ASSERTION_LIFE_MAX.total_seconds() + LEEWAY_SECONDS:
            raise TokenFault("exp")
        for name in ("nbf", "iat"):
            if claims.get(name) is not None and second_in(claims, name) > now + LEEWAY_SECONDS:
                raise TokenFault(name)
        return from_unix(ends)

    async def _check_once(self, client: Client, name: str, ends: datetime) -> None:
        digest = hashlib.sha256(f"{client.id} {name}".encode()).hexdigest()
        async with self._database.write(system_scope()) as store:
            is_first = await store.used_assertions.add(digest, ends)
        if not is_first:
            raise TokenFault("used_before")

    async def _find(self, client_id: str) -> Client | None:
        if not is_id(IdKind.CLIENT, client_id):
            return None
        async with self._database.read(system_scope()) as store:
            return await store.clients.find(ClientId(client_id))

    async def _touch(self, client: Client) -> None:
        now = self._clock.now()
        used_at = client.last_used_at
        if used_at is not None and 0 <= (now - used_at).total_seconds() < TOUCH_EVERY_SECONDS:
            return
        async with self._database.write(system_scope()) as store:
            await store.clients.touch(client.id, now)


def _check_signed(jws: Jws, jwks: dict[str, Any]) -> None:
    """Check that one of a client's keys made the signature: the one that the header names."""
    for key in _keys_called(jws.header.get("kid"), jwks):
        try:
            check_signature(jws, key, ALGORITHMS)
        except TokenFault:
            continue
        return
    raise TokenFault("signature")


def _keys_called(kid: object, jwks: dict[str, Any]) -> Iterator[PublicKey]:
    """Yield the keys that may have signed; a header without `kid` may mean any of them."""
    for jwk in jwks.get("keys", []):
        if kid is None or jwk.get("kid") in {None, kid}:
            yield public_key_of(jwk)


def _not_revoked(client: Client) -> Client:
    if client.revoked_at is not None:
        raise TokenFault("revoked")
    return client


def _caller_of(client: Client) -> Caller:
    """Return the caller that a client is at the token endpoint.

    One of a suspended reseller gets tokens, as its keys go on working: it may read with them.
    """
    if client.reseller_id is None:
        return Caller(
            kind=CallerKind.OPERATOR,
            id=OPERATOR_ID,
            key_id=client.id,
            permissions=client.permissions,
        )
    if not client.owner_path.endswith(f"/{client.reseller_id}/"):
        # A reseller whose path is not its own could see others: such a row must never speak.
        _refuse("owner_path", client.id)
    return Caller(
        kind=CallerKind.RESELLER,
        id=client.reseller_id,
        key_id=client.id,
        reseller_id=client.reseller_id,
        owner_path=client.owner_path,
        permissions=client.permissions - OPERATOR_ONLY,
    )


def _refuse(why: str, client_id: str | None) -> NoReturn:
    """Refuse with the one text; only the log says why.

    Raises:
        InvalidClient: always.
    """
    shown = client_id if client_id is not None and is_id(IdKind.CLIENT, client_id) else None
    log.info("client.refused", why=why, client_id=shown)
    raise InvalidClient(REFUSAL)
