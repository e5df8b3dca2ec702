"""Audit entries. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import Phase
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.scalars import JsonObject
from gateway.api.graphql.shown import Shown
from gateway.api.rest import audit as rest


@strawberry.type(description="Who asked.")
class AuditCaller:
    """Who asked."""

    kind: str = about("`operator`, `reseller`, `storefront` or `system`.")
    id: str = about(
        "Of a reseller, a storefront's line or device; else the operator's or worker's name."
    )
    key_id: strawberry.ID | None = about(
        "The key that was used, or the client that the token was issued to."
    )
    chain: list[str] = about("Who acts, the nearest first, where a token says so; empty for keys.")


@strawberry.type(description="What an entry is about.")
class AuditResource:
    """What an entry is about."""

    kind: str = about("`line`, `device`, `reseller`, …")
    id: strawberry.ID = about("Its id.")


@strawberry.type(description="One fact of the audit log.")
class AuditEntry(Shown):
    """One fact of the audit log."""

    out = rest.AuditEntryOut

    id: strawberry.ID = about("The entry's id.")
    sequence: int | None = about("Its place in the sealed log; null until it has one.")
    phase: Phase = about("What became of it by then.")
    action: str = about("What was done, such as `line.renew`.")
    operation_id: strawberry.ID | None = about("The operation it belongs to.")
    reseller_id: strawberry.ID | None = about("Whose it is; null: the operator's.")
    caller: AuditCaller = about("Who asked.")
    ip: str | None = about("From which address.")
    request_id: str = about("Finds the request in the gateway's log.")
    resource: AuditResource | None = about("What it is about.")
    before: JsonObject | None = about("The members that changed, as they were; secrets as digests.")
    after: JsonObject | None = about("The same members as they are now; secrets as digests.")
    code: str | None = about("The problem's code, where it was refused.")
    panel_call_digest: str | None = about("A keyed digest of what the panel was sent.")
    at: datetime = about("When.")


@strawberry.input(description="Which audit entries; what is left out does not narrow.")
class AuditEntryFilter:
    """Which audit entries."""

    action: str | None = given("Such as `line.renew`.")
    phase: Phase | None = given("What became of it.")
    resource_id: strawberry.ID | None = given("What it is about.")
    operation_id: strawberry.ID | None = given("The operation it belongs to.")
    reseller_id: strawberry.ID | None = given("Whose.")
    since: datetime | None = given("From this moment on.")
    until: datetime | None = given("Before this moment.")


@strawberry.type
class AuditQueries:
    """What can be asked of the audit log."""

    @field
    async def audit_entries(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[AuditEntryFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[AuditEntry]:
        """Who did what, from where, and what came of it; newest first."""
        return await connection(
            rest.AuditQuery,
            first,
            after,
            filter,
            lambda query: rest.list_audit_entries.endpoint(info.context.reading, query=query),
        )
