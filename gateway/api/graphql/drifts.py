"""Drifts, and what is decided of them. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import DriftEnd, DriftKind, DriftState
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.scalars import JsonValue
from gateway.api.graphql.shown import Shown
from gateway.api.graphql.subscription_inputs import SwitchFields
from gateway.api.rest import drifts as rest


@strawberry.type(description="One field as the gateway holds it and as the panel does.")
class Difference:
    """One field that differs; never a secret."""

    field: str = about("Its name, such as `max_connections`.")
    ours: JsonValue | None = about("What the gateway holds.")
    theirs: JsonValue | None = about("What the panel holds.")


@strawberry.type(description="A line, a device or a panel that is not as the gateway holds it.")
class Drift(Shown):
    """What is not as the gateway holds it."""

    out = rest.DriftOut

    id: strawberry.ID = about("The drift's id.")
    kind: DriftKind = about("What was seen.")
    state: DriftState = about("Whether it is still so, as far as the gateway knows.")
    resource_id: strawberry.ID = about("The line, device or panel.")
    panel_id: strawberry.ID = about("The panel that was asked.")
    reseller_id: strawberry.ID | None = about("Whose it is; null: the operator's own.")
    differences: list[Difference] = about("What differs.")
    first_seen_at: datetime = about("When it was first seen; stays while the differences change.")
    last_seen_at: datetime = about("When it was last seen.")
    closed_at: datetime | None = about("When it ended.")
    closed_by: DriftEnd | None = about("How it ended.")


@strawberry.input(description="Which drifts; what is left out does not narrow.")
class DriftFilter:
    """Which drifts."""

    state: DriftState | None = given("Whether it is still so.")
    kind: DriftKind | None = given("What was seen.")
    resource_id: strawberry.ID | None = given("Of this line, device or panel.")
    panel_id: strawberry.ID | None = given("Of this panel, and what is on it.")
    reseller_id: strawberry.ID | None = given("Of this reseller.")


@strawberry.input(description="Which line's record takes the panel's values.")
class AdoptLineDriftInput:
    """Which line."""

    id: strawberry.ID = about("Which line.")


@strawberry.input(description="Which device's record takes the panel's values.")
class AdoptDeviceDriftInput:
    """Which device."""

    id: strawberry.ID = about("Which device.")


@strawberry.input(description="Which line the panel is to hold as the gateway does, and why.")
class EnforceLineDriftInput(SwitchFields):
    """Which line."""


@strawberry.input(description="Which device the panel is to hold as the gateway does, and why.")
class EnforceDeviceDriftInput(SwitchFields):
    """Which device."""


@strawberry.type
class DriftQueries:
    """What can be asked of drifts."""

    @field
    async def drifts(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[DriftFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Drift]:
        """List drifts, newest first, as the last comparisons found them: no panel is asked."""
        return await connection(
            rest.DriftQuery,
            first,
            after,
            filter,
            lambda query: rest.list_drifts.endpoint(info.context.reading, query=query),
        )
