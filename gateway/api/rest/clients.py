"""`/v1/clients`: programs that get tokens (OAuth 2)."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.rest.client_requests import (
    ClientCreate,
    ClientPatch,
    ClientQuery,
    SecretRotation,
)
from gateway.api.rest.routing import delete, get, mapped, mapped_page, patch, post
from gateway.api.rest.shapes import Out, Time
from gateway.domain.caller import Permission
from gateway.domain.clients import Client, IssuedClient
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.ids import ClientId
from gateway.domain.paging import Page
from gateway.services import clients
from gateway.services.context import Context, Outcome

_AT_ONCE: Final = SecretRotation()


class ClientOut(Out, frozen=True, kw_only=True):
    """A client without its secret. `reseller_id` null: the operator's. `client_id` is its `id`."""

    id: str
    object: str = "client"
    client_id: str
    name: str
    reseller_id: str | None
    permissions: tuple[Permission, ...]
    origins: tuple[str, ...]
    jwks: dict[str, Any] | None
    needs_dpop: bool
    last_used_at: Time | None
    revoked_at: Time | None
    version: int
    created_at: Time
    updated_at: Time


class IssuedClientOut(ClientOut, frozen=True, kw_only=True):
    """A client with its secret, which is shown this once; null where it has keys of its own."""

    client_secret: str | None


@post("/v1/clients", status=201, needs=Permission.CLIENTS_WRITE, raises=(NotFound,))
async def create_client(context: Context, body: ClientCreate) -> Outcome[IssuedClientOut]:
    """Create a client. Its secret is in this answer only; with `jwks` it has none."""
    return mapped(await clients.create_client(context, body.to_new_client()), issued_client_out)


@get("/v1/clients", needs=Permission.CLIENTS_READ)
async def list_clients(context: Context, query: ClientQuery) -> Page[ClientOut]:
    """List clients, newest first."""
    found = await clients.list_clients(context, query.page, query.reseller_id)
    return mapped_page(found, client_out)


@get("/v1/clients/{client_id}", needs=Permission.CLIENTS_READ, raises=(NotFound,))
async def get_client(context: Context, client_id: ClientId) -> ClientOut:
    """Read a client, without its secret."""
    return client_out(await clients.get_client(context, client_id))


@patch(
    "/v1/clients/{client_id}",
    needs=Permission.CLIENTS_WRITE,
    raises=(NotFound, StateConflict),
)
async def change_client(
    context: Context, client_id: ClientId, body: ClientPatch
) -> Outcome[ClientOut]:
    """Change the named fields of a client. With `jwks` its secret ends."""
    return mapped(await clients.change_client(context, client_id, body.to_changes()), client_out)


@post(
    "/v1/clients/{client_id}/rotate-secret",
    needs=Permission.CLIENTS_WRITE,
    raises=(NotFound, StateConflict),
    is_versioned=True,
)
async def rotate_client_secret(
    context: Context, client_id: ClientId, body: SecretRotation = _AT_ONCE
) -> Outcome[IssuedClientOut]:
    """Give a client a new secret, which is in this answer only."""
    rotated = await clients.rotate_client_secret(
        context, client_id, overlap_seconds=body.overlap_seconds
    )
    return mapped(rotated, issued_client_out)


@delete("/v1/clients/{client_id}", needs=Permission.CLIENTS_WRITE, raises=(NotFound,))
async def revoke_client(context: Context, client_id: ClientId) -> Outcome[None]:
    """End a client for good, and its secret with it. Safe to repeat."""
    return mapped(await revoked_client(context, client_id), lambda _: None)


async def revoked_client(context: Context, client_id: ClientId) -> Outcome[ClientOut]:
    """End a client for good and return what is left of it."""
    return mapped(await clients.revoke_client(context, client_id), client_out)


def client_out(client: Client) -> ClientOut:
    """Return the public shape of *client*."""
    return ClientOut(**_members(client))


def issued_client_out(issued: IssuedClient) -> IssuedClientOut:
    """Return the public shape of a client with its secret."""
    secret = None if issued.secret is None else issued.secret.reveal()
    return IssuedClientOut(**_members(issued.client), client_secret=secret)


def _members(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "client_id": client.id,
        "name": client.name,
        "reseller_id": client.reseller_id,
        "permissions": tuple(each for each in Permission if each in client.permissions),
        "origins": client.origins,
        "jwks": client.jwks,
        "needs_dpop": client.needs_dpop,
        "last_used_at": client.last_used_at,
        "revoked_at": client.revoked_at,
        "version": client.version,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    }
