"""The documents below `/.well-known/`: where the endpoints are, what they take, the public keys."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from gateway.api.exchange import Answer, exchange_of, header
from gateway.api.oauth.paths import (
    INTROSPECT_PATH,
    KEYS_PATH,
    RESOURCE_PATH,
    REVOKE_PATH,
    SERVER_PATH,
    TOKEN_PATH,
)
from gateway.domain.caller import Caller, Permission
from gateway.domain.oauth import Grant
from gateway.services.context import Context, Ports
from gateway.services.ports.oauth import OAuth
from gateway.services.signing_keys import list_public_keys

#: A key is shown for longer than this before it signs.
KEYS_SECONDS: Final = 600
DOCUMENT_SECONDS: Final = 3_600

_METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
#: What assertions and proofs may be signed with.
_ASSERTION_ALGORITHMS: Final = ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"]
_PROOF_ALGORITHMS: Final = ["ES256", "Ed25519", "EdDSA"]


def metadata_routes(ports: Ports, oauth: OAuth) -> list[Route]:
    """Return the routes; none needs a key."""
    # Where our URL has a path, it follows (RFC 8414 section 3.1); a proxy may have taken it away.
    paths = dict.fromkeys(("", urlsplit(oauth.issuer).path))
    return [
        *(_document(SERVER_PATH + path, server_metadata(oauth.issuer)) for path in paths),
        *(_document(RESOURCE_PATH + path, resource_metadata(oauth.issuer)) for path in paths),
        _keys(ports),
    ]


def server_metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of RFC 8414."""
    found: dict[str, Any] = {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOKE_PATH,
        "introspection_endpoint": issuer + INTROSPECT_PATH,
        "jwks_uri": issuer + KEYS_PATH,
        "scopes_supported": list(Permission),
        "response_types_supported": [],
        "grant_types_supported": list(Grant),
        "dpop_signing_alg_values_supported": _PROOF_ALGORITHMS,
        "service_documentation": f"{issuer}/docs",
    }
    for endpoint in ("token", "revocation", "introspection"):
        found[f"{endpoint}_endpoint_auth_methods_supported"] = _METHODS
        found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = _ASSERTION_ALGORITHMS
    return found


def resource_metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of RFC 9728."""
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "jwks_uri": issuer + KEYS_PATH,
        "scopes_supported": list(Permission),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": _PROOF_ALGORITHMS,
        "resource_name": "Xtream Gateway",
        "resource_documentation": f"{issuer}/docs",
    }


def _document(path: str, value: dict[str, Any]) -> Route:
    body = msgspec.json.encode(value)
    headers = (header(b"cache-control", f"public, max-age={DOCUMENT_SECONDS}"),)

    async def serve(request: Request) -> Answer:
        exchange_of(request.scope).route = path
        return Answer(200, body, headers=headers)

    return Route(path, serve)


def _keys(ports: Ports) -> Route:
    headers = (header(b"cache-control", f"public, max-age={KEYS_SECONDS}"),)

    async def serve(request: Request) -> Answer:
        exchange = exchange_of(request.scope)
        exchange.route = KEYS_PATH
        context = Context(
            ports=ports,
            caller=Caller.system("jwks"),
            request_id=exchange.request_id,
            ip=exchange.ip,
        )
        body = msgspec.json.encode({"keys": await list_public_keys(context)})
        return Answer(200, body, b"application/jwk-set+json", headers)

    return Route(KEYS_PATH, serve)
