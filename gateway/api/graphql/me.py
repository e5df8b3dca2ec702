"""Who is asking. A public contract, written out by hand."""

from __future__ import annotations

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, field
from gateway.api.graphql.enums import CallerKind
from gateway.api.graphql.policies import Policy
from gateway.api.graphql.shown import Shown
from gateway.api.rest import me as rest


@strawberry.type(description="The caller, what it may do, and the policy of its reseller.")
class Me(Shown):
    """The caller."""

    out = rest.MeOut

    kind: CallerKind = about("What sort of caller.")
    reseller_id: strawberry.ID | None = about("For which reseller it speaks; null: an operator.")
    key_id: strawberry.ID | None = about("The key that it used.")
    permissions: list[str] = about("What it may do, such as `lines:read`.")
    policy: Policy | None = about("What bounds its reseller; operators have none.")


@strawberry.type
class MeQueries:
    """What can be asked of oneself."""

    @field
    async def me(self, info: Info) -> Me | None:
        """Who you are to the gateway, and what you may do."""
        return await rest.who_am_i.endpoint(info.context.reading)  # type: ignore[no-any-return]  # Shown as it.
