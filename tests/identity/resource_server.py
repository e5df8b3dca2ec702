"""A whole gateway behind a real socket that takes our own tokens and those of two issuers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2
from joserfc.jwk import Key

from gateway.api.server import open_socket, serving
from gateway.bootstrap import Runtime, build
from gateway.db.migrations import migrate
from gateway.domain.caller import Permission
from gateway.domain.clients import Client
from gateway.domain.ids import ClientId, IdKind, LineId, ResellerId
from gateway.domain.lines import Line
from gateway.domain.resellers import Reseller
from gateway.identity.api_keys import ApiKeys
from gateway.identity.identities import NothingDenied
from gateway.identity.issuer_settings import IssuerSettings
from gateway.identity.opening import Opened, Parts, opened
from gateway.identity.public_keys import FixedKeys
from gateway.services.scope import system_scope
from gateway.settings import Settings
from tests.factories import a_client, a_line, a_panel, a_reseller
from tests.identity.issuer_server import IssuerServer, running_issuer
from tests.identity.signing import (
    CLIENT_ID,
    EC,
    ED,
    LINE_ID,
    RESELLER_ID,
    RSA,
    URL,
    an_id,
    claims,
    header,
    public,
    signed,
)

AUDIENCE: Final = "https://api.gateway.example"
OPERATORS_CLIENT_ID: Final = an_id(IdKind.CLIENT)[:-1] + "0"


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes tokens of one issuer: its claims, header and key."""

    claims: Callable[..., dict[str, Any]]
    header: Callable[..., dict[str, Any]]
    key: Key
    jwk: dict[str, Any]

    def token(self, **different: Any) -> str:
        """Return a token that is good but for *different* claims; None leaves one out."""
        return signed(self.claims(**different), self.header(), self.key)


@dataclass(kw_only=True)
class Gateway:
    """One that listens, and who is known to it."""

    runtime: Runtime
    opened: Opened
    client: httpx2.AsyncClient
    keycloak: IssuerServer
    auth0: IssuerServer

    def maker(self, name: str) -> Maker:
        """Return the maker of the issuer called *name*."""
        if name == "own":
            return own_maker()
        issuer = getattr(self, name)
        build_claims = keycloak_claims if name == "keycloak" else auth0_claims
        return Maker(
            claims=lambda **different: build_claims(issuer.url, **different),
            header=lambda **different: header(
                **({"alg": "RS256", "kid": "rsa-1", "typ": "JWT"} | different)
            ),
            key=RSA,
            jwk=dict(RSA.as_dict(private=False)),
        )

    async def ask(self, *headers: tuple[bytes, bytes], path: str = "/v1/me") -> httpx2.Response:
        """Ask with just these headers."""
        return await self.client.get(path, headers=list(headers))

    async def bearer(self, token: str | bytes, path: str = "/v1/me") -> httpx2.Response:
        """Ask with a token."""
        raw = token if isinstance(token, bytes) else token.encode()
        return await self.ask((b"authorization", b"Bearer " + raw), path=path)


def own_maker() -> Maker:
    return Maker(
        claims=lambda **different: claims(datetime.now(UTC), **different),
        header=header,
        key=EC,
        jwk=dict(EC.as_dict(private=False)),
    )


def keycloak_claims(url: str, **different: Any) -> dict[str, Any]:
    """Return what an access token of Keycloak looks like, with a mapper for the audience."""
    now = int(datetime.now(UTC).timestamp())
    found = {
        "exp": now + 300,
        "iat": now,
        "jti": "trrtcc:7f8a1a4e-5c54-4be4-9d5e-5a4cbb6e5f0d",
        "iss": url,
        "aud": [AUDIENCE, "account"],
        "sub": "b1f0a2b0-4a0a-4c8a-9a84-9f0a6f1c7a55",
        "typ": "Bearer",
        "azp": "billing",
        "acr": "1",
        "allowed-origins": ["/*"],
        "realm_access": {"roles": ["offline_access", "uma_authorization", "lines-editor"]},
        "resource_access": {
            "gateway": {"reseller": "acme"},
            "account": {"roles": ["manage-account", "view-profile"]},
        },
        "scope": "profile email",
        "clientHost": "203.0.113.7",
        "preferred_username": "service-account-billing",
        "client_id": "billing",
    } | different
    return {name: value for name, value in found.items() if value is not None}


def auth0_claims(url: str, **different: Any) -> dict[str, Any]:
    """Return what an access token of Auth0 looks like, with permissions (RBAC) switched on."""
    now = int(datetime.now(UTC).timestamp())
    found = {
        "https://gateway.example/reseller_id": RESELLER_ID,
        "iss": url,
        "sub": "r2dG7xPzQw@clients",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 86_400,
        "gty": "client-credentials",
        "azp": "r2dG7xPzQw",
        "permissions": ["lines:read", "devices:read", "panels:write"],
    } | different
    return {name: value for name, value in found.items() if value is not None}


def issuer_settings(keycloak: IssuerServer, auth0: IssuerServer) -> tuple[IssuerSettings, ...]:
    """Return the settings of both, as docs/issuers.md advises."""
    return (
        IssuerSettings(
            url=keycloak.url,
            audience=AUDIENCE,
            reseller_claim="resource_access.gateway.reseller",
            resellers={"acme": RESELLER_ID, "staff": "operator"},
            permissions_claim="realm_access.roles",
            permissions={
                "lines-editor": (Permission.LINES_READ, Permission.LINES_WRITE),
                "panel-admin": (Permission.PANELS_READ, Permission.PANELS_WRITE),
            },
            dangerous_http=True,
        ),
        IssuerSettings(
            url=auth0.url,
            audience=AUDIENCE,
            algorithms=("RS256", "PS256", "ES256", "EdDSA"),
            reseller_claim="https://gateway.example/reseller_id",
            permissions_claim="permissions",
            dangerous_http=True,
        ),
    )


def reseller() -> Reseller:
    return a_reseller(id=RESELLER_ID)


def reseller_client(**different: Any) -> Client:
    return a_client(
        id=ClientId(CLIENT_ID),
        reseller_id=ResellerId(RESELLER_ID),
        owner_path=f"/{RESELLER_ID}/",
        permissions=frozenset({Permission.LINES_READ, Permission.LINES_SECRETS}),
        origins=("https://shop.example",),
        **different,
    )


def reseller_line(**different: Any) -> Line:
    values = {"reseller_id": ResellerId(RESELLER_ID), "owner_path": f"/{RESELLER_ID}/"}
    return a_line(**({"id": LineId(LINE_ID)} | values | different))


@asynccontextmanager
async def a_gateway(folder: Path, *, redis_url: str = "") -> AsyncIterator[Gateway]:
    """Serve a gateway with one reseller, its client, its line and a client of the operator's."""
    settings = Settings.model_validate(
        {
            "database_url": f"sqlite:///{folder}/gateway.db",
            "encryption_keys": "test:" + "A" * 43 + "=",
            "public_url": URL,
            "drain_seconds": 1,
        }
    )
    await migrate(settings.database_url)
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(build(settings))
        async with runtime.database.write(system_scope()) as store:
            await store.panels.add(a_panel())
            await store.resellers.add(reseller())
            await store.clients.add(reseller_client())
            await store.clients.add(a_client(id=ClientId(OPERATORS_CLIENT_ID)))
            await store.lines.add(reseller_line())
        keys = {"rsa-1": RSA, "ec-1": EC, "ed-1": ED}
        keycloak = await stack.enter_async_context(
            running_issuer(path="/realms/tv", keys=dict(keys))
        )
        auth0 = await stack.enter_async_context(running_issuer(path="/", keys=dict(keys)))
        parts = await stack.enter_async_context(
            opened(
                Parts(
                    url=URL,
                    redis_url=redis_url,
                    issuers=issuer_settings(keycloak, auth0),
                    database=runtime.database,
                    clock=runtime.ports.clock,
                    flights=runtime.ports.flights,
                    keys=ApiKeys(runtime.database, runtime.ports.clock),
                    own_keys=FixedKeys({"k1": public(EC), "k2": public(ED)}),
                    denied=NothingDenied(),
                )
            )
        )
        ports = replace(runtime.ports, identity=parts.identity)
        listener = open_socket("127.0.0.1:0")
        served = replace(runtime, ports=ports)
        await stack.enter_async_context(serving([(served.app(), listener)], drain_seconds=1))
        client = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False
            )
        )
        yield Gateway(
            runtime=served,
            opened=parts,
            client=client,
            keycloak=keycloak,
            auth0=auth0,
        )
