"""Resellers. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import ResellerState
from gateway.api.graphql.paging import AFTER, FIRST, Connection, connection
from gateway.api.graphql.policies import Policy, PolicyInput
from gateway.api.graphql.scalars import Metadata
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.rest import resellers as rest


@strawberry.type(description="A reseller's account on a panel.")
class PanelAccount:
    """A reseller's account."""

    panel_id: strawberry.ID = about("Which panel.")
    member_id: int = about("The panel's number of the account.")


@strawberry.type(description="A tenant who owns lines and devices.")
class Reseller(Node, Shown):
    """A tenant."""

    out = rest.ResellerOut

    name: str = about("Its name.")
    parent_id: strawberry.ID | None = about("The reseller above it; null: the operator.")
    state: ResellerState = about("Whether it may change things.")
    panel_accounts: list[PanelAccount] = about("Its accounts on panels.")
    policy: Policy = about("What it may ask for.")
    metadata: Metadata = about("The operator's own keys and values.")
    version: int = about("Counts changes of this record: for `ifVersion`.")
    created_at: datetime = about("When it was made.")
    updated_at: datetime = about("When its record last changed.")


@strawberry.input(description="A reseller's account on a panel.")
class PanelAccountInput:
    """A reseller's account."""

    panel_id: strawberry.ID = about("Which panel.")
    member_id: int = about("The panel's number of the account.")


@strawberry.input(description="A reseller to create; with `parentId` it stands below another.")
class CreateResellerInput:
    """A reseller to create."""

    name: str = about("Its name.")
    parent_id: strawberry.ID | None = given("The reseller above it.")
    panel_accounts: list[PanelAccountInput] | None = given("Its accounts on panels.")
    policy: PolicyInput | None = given("What it may ask for.")
    metadata: Metadata | None = given("Your own keys and values.")


@strawberry.input(description="What to change of a reseller; what is left out stays.")
class UpdateResellerInput:
    """What to change of a reseller."""

    id: strawberry.ID = about("Which reseller.")
    name: str | None = given("Its name.")
    panel_accounts: list[PanelAccountInput] | None = given("Its accounts on panels, all of them.")
    policy: PolicyInput | None = given("Members of its policy to change.")
    metadata: Metadata | None = given("Keys to set; a null value removes its key.")


@strawberry.input(description="Which reseller to suspend.")
class SuspendResellerInput:
    """Which reseller to suspend."""

    id: strawberry.ID = about("Which reseller.")


@strawberry.input(description="Which reseller to resume.")
class ResumeResellerInput:
    """Which reseller to resume."""

    id: strawberry.ID = about("Which reseller.")


@strawberry.type
class ResellerQueries:
    """What can be asked of resellers."""

    @field
    async def reseller(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which reseller.")]
    ) -> Reseller | None:
        """Read a reseller."""
        return await read_by_id(rest.get_reseller, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def resellers(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
    ) -> Connection[Reseller]:
        """List resellers, newest first."""
        return await connection(
            rest.ResellerQuery,
            first,
            after,
            None,
            lambda query: rest.list_resellers.endpoint(info.context.reading, query=query),
        )
