"""OAuth clients. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.scalars import JsonObject
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.rest import client_requests
from gateway.api.rest import clients as rest


@strawberry.type(description="A program that gets tokens (OAuth 2); its secret is not shown.")
class Client(Node, Shown):
    """A client without its secret."""

    out = rest.ClientOut

    client_id: str = about("What it calls itself at the token endpoint: its `id`.")
    name: str = about("What it is for.")
    reseller_id: strawberry.ID | None = about("For whom it speaks; null: the operator.")
    permissions: list[str] = about("The most that its tokens may do, such as `lines:read`.")
    origins: list[str] = about("Whose pages may use its storefront tokens.")
    jwks: JsonObject | None = about("Its public keys, a JWK Set; null: it has a secret.")
    needs_dpop: bool = about("Whether its tokens are bound to a key (RFC 9449).")
    last_used_at: datetime | None = about("When it last got a token.")
    revoked_at: datetime | None = about("When it was revoked.")
    version: int = about("Counts changes of this record: for `ifVersion`.")
    created_at: datetime = about("When it was made.")
    updated_at: datetime = about("When its record last changed.")


@strawberry.input(description="A client to create; without `permissions` it may all you may give.")
class CreateClientInput:
    """A client to create."""

    name: str = about("What it is for.")
    reseller_id: strawberry.ID | None = given("For whom it speaks; left out: for you.")
    permissions: list[str] | None = given("The most it may do; you can only give what you have.")
    origins: list[str] | None = given("Whose pages may use its storefront tokens.")
    jwks: JsonObject | None = given("Its public keys, a JWK Set; null: it gets a secret.")
    needs_dpop: bool | None = given("Whether its tokens are bound to a key; left out: no.")


@strawberry.input(description="What to change of a client; what is left out stays.")
class UpdateClientInput:
    """What to change of a client."""

    id: strawberry.ID = about("Which client.")
    name: str | None = given("What it is for.")
    permissions: list[str] | None = given("The most it may do, all of it.")
    origins: list[str] | None = given("Whose pages may use its storefront tokens, all of them.")
    jwks: JsonObject | None = given("Its public keys, which end its secret; null: none.")
    needs_dpop: bool | None = given("Whether its tokens are bound to a key.")


@strawberry.input(description="Which client gets a new secret.")
class RotateClientSecretInput:
    """Which client gets a new secret."""

    id: strawberry.ID = about("Which client.")
    overlap_seconds: int | None = given(
        "How long the former secret stays good, at most 86400; left out: it ends at once."
    )


@strawberry.input(description="Which client to revoke.")
class RevokeClientInput:
    """Which client to revoke."""

    id: strawberry.ID = about("Which client.")


@strawberry.input(description="Which clients; what is left out does not narrow.")
class ClientFilter:
    """Which clients."""

    reseller_id: strawberry.ID | None = given("Of this reseller.")


@strawberry.type
class ClientQueries:
    """What can be asked of clients."""

    @field
    async def client(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which client.")]
    ) -> Client | None:
        """Read a client."""
        return await read_by_id(rest.get_client, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def clients(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[ClientFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Client]:
        """List clients, newest first."""
        return await connection(
            client_requests.ClientQuery,
            first,
            after,
            filter,
            lambda query: rest.list_clients.endpoint(info.context.reading, query=query),
        )
