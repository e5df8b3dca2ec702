"""API keys. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.shown import Node, Shown
from gateway.api.rest import keys as rest


@strawberry.type(description="A secret text that speaks for a caller; the text is not shown.")
class Key(Node, Shown):
    """A key without its secret."""

    out = rest.KeyOut

    name: str = about("What it is for.")
    reseller_id: strawberry.ID | None = about("For whom it speaks; null: an operator.")
    prefix: str = about("How its secret begins.")
    permissions: list[str] = about("What it may do, such as `lines:read`.")
    allowed_ips: list[str] = about("Addresses and networks it may be used from; empty: any.")
    expires_at: datetime | None = about("When it ends; null: never.")
    last_used_at: datetime | None = about("When it was last used.")
    revoked_at: datetime | None = about("When it was revoked.")
    created_at: datetime = about("When it was issued.")
    rate_limit: str | None = about("Its own limit, requests/seconds; null: the default.")


@strawberry.input(description="A key to issue; without `permissions` it has all you may give.")
class IssueKeyInput:
    """A key to issue."""

    name: str = about("What it is for.")
    reseller_id: strawberry.ID | None = given("For whom it speaks; left out: for you.")
    permissions: list[str] | None = given("What it may do; you can only give what you have.")
    allowed_ips: list[str] | None = given("Addresses and networks it may be used from; empty: any.")
    expires_at: datetime | None = given("When it ends; null: never.")
    rate_limit: str | None = given("A limit of its own, requests/seconds; null: the default.")


@strawberry.input(description="Which key to revoke.")
class RevokeKeyInput:
    """Which key to revoke."""

    id: strawberry.ID = about("Which key.")


@strawberry.input(description="Which keys; what is left out does not narrow.")
class KeyFilter:
    """Which keys."""

    reseller_id: strawberry.ID | None = given("Of this reseller.")


@strawberry.type
class KeyQueries:
    """What can be asked of keys."""

    @field
    async def keys(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[KeyFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Key]:
        """List keys, newest first; `node` reads one."""
        return await connection(
            rest.KeyQuery,
            first,
            after,
            filter,
            lambda query: rest.list_keys.endpoint(info.context.reading, query=query),
        )
