"""How a token is made: its scope, its claims, its signature, its entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.domain.audit import Phase
from gateway.domain.caller import Caller, Permission
from gateway.domain.clients import Client
from gateway.domain.clock import to_unix
from gateway.domain.errors import ServiceUnavailable
from gateway.domain.ids import IdKind, ResellerId, new_id
from gateway.domain.oauth import InvalidProof, InvalidScope, IssuedToken
from gateway.domain.secrets import Secret
from gateway.services.action import Action
from gateway.services.audit_log import Owner
from gateway.services.authority import authority_of
from gateway.services.signing_keys import rotate_signing_keys
from gateway.telemetry.request_log import note


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """What a token is to say; see `domain.tokens.Token`."""

    subject: str
    client_id: str
    reseller_id: ResellerId | None
    scope: frozenset[Permission]
    life: timedelta
    resource_id: str | None = None
    chain: tuple[str, ...] = ()
    proof_key: str | None = None


def check_bound(client: Client, proof_key: str | None) -> None:
    """Check that a client which must bind its tokens to a key has proved one.

    Raises:
        InvalidProof
    """
    if client.needs_dpop and proof_key is None:
        raise InvalidProof("This client binds its tokens to a key: send a proof as DPoP.")


def narrowed(asked: frozenset[str] | None, held: frozenset[Permission]) -> frozenset[Permission]:
    """Return the permissions *asked* for, or all that are *held*.

    Raises:
        InvalidScope: more is asked for than is held, or nothing would remain.
    """
    if asked is None:
        found = held
    elif asked <= held:
        found = frozenset(Permission(word) for word in asked)
    else:
        raise InvalidScope("The scope holds a permission that this token cannot have.")
    if not found:
        raise InvalidScope("There is no permission that this token could have.")
    return found


async def mint(act: Action, wanted: Mint, owner: Owner) -> IssuedToken:
    """Make a token and record it, as what belongs to *owner*.

    Raises:
        ServiceUnavailable: the keys or the audit log cannot be reached.
    """
    token_id = new_id(IdKind.TOKEN, act.ports.clock.now(), act.ports.random.bytes)
    claims = _claims(act, wanted, token_id)
    text = await _signed(act, claims)
    scope = claims["scope"]
    after = {"token_id": token_id, "scope": scope, "expires_at": claims["exp"]}
    after |= {"act": list(wanted.chain)} if wanted.chain else {}
    resource_id = wanted.resource_id or wanted.client_id
    async with act.write() as store:
        entry = act.entry(Phase.SUCCEEDED, resource_id=resource_id, owner=owner, after=after)
        await store.audit.append(entry)
    return IssuedToken(
        token=Secret(text), scope=wanted.scope, life=wanted.life, proof_key=wanted.proof_key
    )


def scope_text(scope: frozenset[Permission]) -> str:
    """Return permissions as `scope` spells them, in their own order."""
    return " ".join(each for each in Permission if each in scope)


def act_claim(chain: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the `act` claim of RFC 8693 section 4.1; *chain* has the nearest first."""
    claim: dict[str, Any] | None = None
    for subject in reversed(chain):
        claim = {"sub": subject} if claim is None else {"sub": subject, "act": claim}
    return claim


def _claims(act: Action, wanted: Mint, token_id: str) -> dict[str, Any]:
    issuer = authority_of(act.ports).issuer
    issued = to_unix(act.ports.clock.now())
    claims = {
        "iss": issuer,
        "aud": issuer,
        "sub": wanted.subject,
        "client_id": wanted.client_id,
        "scope": scope_text(wanted.scope),
        "iat": issued,
        "exp": issued + int(wanted.life.total_seconds()),
        "jti": token_id,
        "reseller_id": wanted.reseller_id,
        "resource_id": wanted.resource_id,
        "act": act_claim(wanted.chain),
        "cnf": None if wanted.proof_key is None else {"jkt": wanted.proof_key},
    }
    return {name: value for name, value in claims.items() if value is not None}


async def _signed(act: Action, claims: dict[str, Any]) -> str:
    """Sign, with the first key of all if there is none yet."""
    signer = authority_of(act.ports).signer
    text = await signer.sign(claims)
    if text is None:
        _ = await rotate_signing_keys(replace(act.context, caller=Caller.system("signing-keys")))
        note(action=act.spec.name)  # The request's log line is about this, not about the key.
        signer.forget()  # Perhaps another process has just made it.
        text = await signer.sign(claims)
    if text is None:
        raise ServiceUnavailable("There is no key to sign tokens with.", retry_after_seconds=1)
    return text
