"""`/oauth/token`, `/oauth/revoke` and `/oauth/introspect`: form in, JSON out, nothing kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from gateway.api.exchange import Answer, Exchange, exchange_of
from gateway.api.limits import charge
from gateway.api.oauth.credentials import client_proof, key_proof
from gateway.api.oauth.errors import NO_STORE
from gateway.api.oauth.form import Form, read_form, required, scope_in
from gateway.api.oauth.paths import INTROSPECT_PATH, REVOKE_PATH, TOKEN_PATH
from gateway.domain.clients import Client
from gateway.domain.clock import to_unix
from gateway.domain.ids import IdKind, is_id
from gateway.domain.oauth import (
    ACCESS_TOKEN_TYPE,
    ClientProof,
    ExchangeRequest,
    Grant,
    InvalidClient,
    InvalidTokenRequest,
    IssuedToken,
    KnownClient,
    TokenRequest,
    UnsupportedGrantType,
)
from gateway.domain.secrets import Secret
from gateway.domain.tokens import Token
from gateway.services.context import Context, Ports
from gateway.services.lockouts import of_address, of_client
from gateway.services.minting import act_claim, scope_text
from gateway.services.ports.oauth import OAuth
from gateway.services.storefront_tokens import exchange_token
from gateway.services.tokens import introspect_token, issue_token, revoke_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of a client that has proved who it is. `proof_key`: of the key that it proved."""

    context: Context
    client: Client
    form: Form
    proof_key: str | None
    issuer: str


Endpoint = Callable[[Asked], Awaitable[dict[str, Any] | None]]


def oauth_endpoints(ports: Ports, oauth: OAuth) -> list[Route]:
    """Return the routes; each takes POST only, and says so itself."""

    def route(path: str, endpoint: Endpoint) -> Route:
        async def answer(request: Request) -> Answer:
            exchange = exchange_of(request.scope)
            exchange.route = path
            if request.method != "POST":
                raise HTTPException(405, headers={"Allow": "POST"})
            form = await read_form(request.scope, request.receive, exchange)
            value = await endpoint(await _asked(exchange, form, ports, oauth))
            if value is None:
                return Answer(200, media_type=b"", headers=NO_STORE)
            return Answer(200, msgspec.json.encode(value), headers=NO_STORE)

        return Route(path, answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

    return [
        route(TOKEN_PATH, _token),
        route(REVOKE_PATH, _revoke),
        route(INTROSPECT_PATH, _introspect),
    ]


async def _asked(exchange: Exchange, form: Form, ports: Ports, oauth: OAuth) -> Asked:
    """Find out who asks, and charge it. What is not well-formed is told before a look-up.

    Raises:
        RateLimited: too many requests, or too many wrong secrets from this address.
    """
    proof = key_proof(exchange)
    known = await _identified(client_proof(exchange, form), exchange, ports, oauth)
    exchange.caller = known.caller
    await charge(exchange, ports, known.caller)
    proof_key = None if proof is None else await oauth.proofs.key_of(proof)
    context = Context(
        ports=ports, caller=known.caller, request_id=exchange.request_id, ip=exchange.ip
    )
    return Asked(
        context=context,
        client=known.client,
        form=form,
        proof_key=proof_key,
        issuer=oauth.issuer,
    )


async def _identified(
    by: ClientProof, exchange: Exchange, ports: Ports, oauth: OAuth
) -> KnownClient:
    """Return the client that has proved who it is; who guesses waits longer each time."""
    at = of_address(exchange.ip)
    guessed = None if by.client_id is None else of_client(by.client_id, exchange.ip)
    await ports.lockouts.check(at, guessed)
    try:
        return await oauth.clients.identify(by)
    except InvalidClient:
        await ports.lockouts.failed(at, guessed)
        raise


async def _token(asked: Asked) -> dict[str, Any]:
    match required(asked.form, "grant_type"):
        case Grant.CLIENT_CREDENTIALS:
            return await _client_token(asked)
        case Grant.TOKEN_EXCHANGE:
            return await _storefront_token(asked)
        case _:
            raise UnsupportedGrantType("There is no such grant here.")


async def _client_token(asked: Asked) -> dict[str, Any]:
    request = TokenRequest(
        scope=scope_in(asked.form),
        resource=asked.form.get("resource"),
        proof_key=asked.proof_key,
    )
    return _shown(await issue_token(asked.context, asked.client, request))


async def _storefront_token(asked: Asked) -> dict[str, Any]:
    form = asked.form
    if "actor_token" in form or "audience" in form:
        raise InvalidTokenRequest("The client itself acts, and resource says where: leave it out.")
    if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        raise InvalidTokenRequest("Only an access token can be asked for.")
    if required(form, "subject_token_type") != ACCESS_TOKEN_TYPE:
        raise InvalidTokenRequest("Only an access token can be exchanged.")
    request = ExchangeRequest(
        subject_token=Secret(required(form, "subject_token")),
        scope=scope_in(form),
        proof_key=asked.proof_key,
    )
    resource_id = resource_named(required(form, "resource"), asked.issuer)
    issued = await exchange_token(asked.context, asked.client, request, resource_id)
    return _shown(issued) | {"issued_token_type": ACCESS_TOKEN_TYPE}


def resource_named(url: str, issuer: str) -> str | None:
    """Return the id of the line or device whose address *url* is; None: it is none of ours."""
    for collection, kind in (("/v1/lines/", IdKind.LINE), ("/v1/devices/", IdKind.DEVICE)):
        resource_id = url.removeprefix(issuer + collection)
        if resource_id != url and is_id(kind, resource_id):
            return resource_id
    return None


def _shown(issued: IssuedToken) -> dict[str, Any]:
    return {
        "access_token": issued.token.reveal(),
        "token_type": "Bearer" if issued.proof_key is None else "DPoP",
        "expires_in": int(issued.life.total_seconds()),
        "scope": scope_text(issued.scope),
    }


async def _revoke(asked: Asked) -> None:
    text = Secret(required(asked.form, "token"))
    await revoke_token(asked.context, asked.client, text)


async def _introspect(asked: Asked) -> dict[str, Any]:
    text = Secret(required(asked.form, "token"))
    token = await introspect_token(asked.context, text)
    return {"active": False} if token is None else _told(token)


def _told(token: Token) -> dict[str, Any]:
    """Return what RFC 7662 section 2.2 has for a good token."""
    told = {
        "active": True,
        "token_type": "Bearer" if token.proof_key is None else "DPoP",
        "iss": token.issuer,
        "aud": token.issuer,
        "sub": token.subject,
        "client_id": token.client_id,
        "scope": " ".join(sorted(token.scope)),
        "iat": to_unix(token.issued_at),
        "exp": to_unix(token.expires_at),
        "jti": token.id,
        "reseller_id": token.reseller_id,
        "resource_id": token.resource_id,
        "act": act_claim(token.chain),
        "cnf": None if token.proof_key is None else {"jkt": token.proof_key},
    }
    return {name: value for name, value in told.items() if value is not None}
