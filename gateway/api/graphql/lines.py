"""Lines. A public contract, written out by hand; the values are REST's answers."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.api.graphql.audit import AuditEntry
from gateway.api.graphql.call import Info
from gateway.api.graphql.credits import Credits
from gateway.api.graphql.describe import about, argument, asking, field
from gateway.api.graphql.line_inputs import LineFilter
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.related import audit_of, bouquets_of, credits_of, seen_of
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.graphql.subscription_types import (
    Bouquet,
    InfoFields,
    Observed,
    SubscriptionFields,
)
from gateway.api.rest import line_answers
from gateway.api.rest import lines as rest
from gateway.api.rest.line_requests import LineQuery
from gateway.api.rest.subscription_requests import FindQuery
from gateway.domain.ids import LineId


@strawberry.type(description="Everything the panel says of a line; null where it is silent.")
class LineInfo(InfoFields, Shown):
    """Everything the panel says of a line."""

    out = line_answers.LineInfoOut

    line_id: strawberry.ID = about("Which line.")
    username: str = about("Its username on the panel.")


@strawberry.type(description="What a player needs.")
class LineCredentials(Shown):
    """What a player needs."""

    out = line_answers.CredentialsOut

    username: str = about("The username.")
    password: str = about("The password.")


@strawberry.type(description="A subscriber account with username and password on one panel.")
class Line(SubscriptionFields, Node, Shown):
    """A subscriber account."""

    out = line_answers.LineOut

    username: str = about("Unique on its panel, in any case.")

    @asking(shared=True)
    async def active_connections(self, info: Info) -> int | None:
        """Streams that play now, as the panel says; null where it is silent or cannot be asked."""
        seen = await seen_of(info.context.loaders.line_infos, self)
        return None if seen is None else seen.active_connections

    @asking(shared=True)
    async def observed(self, info: Info) -> Observed | None:
        """How old the panel's word is; null where it cannot be asked."""
        seen = await seen_of(info.context.loaders.line_infos, self)
        return None if seen is None else seen.observed

    @asking(shared=True)
    async def info(self, info: Info) -> LineInfo | None:
        """Everything the panel says of it, from the cache while that is fresh."""
        line_id = LineId(self.id)
        seen = await info.context.loaders.line_infos.load(line_id)
        return line_answers.info_out(line_id, seen)  # type: ignore[return-value]  # Shown as it.

    @field
    async def bouquets(self, info: Info) -> list[Bouquet] | None:
        """Its bouquets, with their names where you may know them."""
        return await bouquets_of(info, self)  # type: ignore[arg-type]  # REST's answer.

    @field
    async def credentials(self, info: Info) -> LineCredentials | None:
        """Username and password: needs `lines:secrets`, and each read is in the audit log."""
        return await rest.read_line_credentials.endpoint(  # type: ignore[no-any-return]  # As above.
            info.context.reading, line_id=LineId(self.id)
        )

    @asking()
    async def credits(self, info: Info) -> Credits | None:
        """What its reseller has left."""
        return await credits_of(info, self)  # type: ignore[no-any-return, arg-type]  # As above.

    @field
    async def audit_entries(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
    ) -> Connection[AuditEntry] | None:
        """What was done with it, newest first."""
        return await audit_of(info, self.id, first, after)


@strawberry.type
class LineQueries:
    """What can be asked of lines."""

    @asking()
    async def line(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which line.")]
    ) -> Line | None:
        """Read a line with what its panel last said, from the cache while that is fresh."""
        return await read_by_id(rest.get_line, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @asking()
    async def line_by_external_id(
        self,
        info: Info,
        external_id: Annotated[str, argument("Your own id for it.")],
        reseller_id: Annotated[
            strawberry.ID | None, argument("Whose external id; for operators.")
        ] = None,
    ) -> Line | None:
        """Read a line by your own id."""
        pairs = () if reseller_id is None else (("reseller_id", str(reseller_id)),)
        found = await rest.get_line_by_external_id.endpoint(
            info.context.reading, external_id=external_id, query=FindQuery.of(pairs)
        )
        return found.value  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def lines(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[LineFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Line]:
        """List lines, newest first, as the gateway knows them; ask for `info` to ask panels."""
        return await connection(
            LineQuery,
            first,
            after,
            filter,
            lambda query: rest.list_lines.endpoint(info.context.reading, query=query),
        )
