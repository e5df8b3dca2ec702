"""Credits. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, asking, given
from gateway.api.graphql.names import in_arguments
from gateway.api.graphql.shown import Shown
from gateway.api.rest import credits as rest
from gateway.domain.errors import InvalidRequest


@strawberry.type(description="What a panel says that a reseller's account has left.")
class PanelBalance:
    """What a panel says."""

    panel_id: strawberry.ID = about("Which panel.")
    balance: str | None = about("Two decimals, such as `10.50`; null where it is not known.")
    observed_at: datetime | None = about("When the panel said it.")


@strawberry.type(description="What a reseller has left.")
class Credits(Shown):
    """What a reseller has left."""

    out = rest.CreditsOut

    balance: str | None = about("Two decimals; null while the gateway keeps no ledger.")
    held: str | None = about("Set aside for open operations; null while there is no ledger.")
    panel_balances: list[PanelBalance] = about("What each of its panels says.")
    low_threshold: str | None = about("Below this it is told; null: never.")


@strawberry.type(description="Below what a reseller is told that its credits are low.")
class CreditsThreshold(Shown):
    """Below what it is told."""

    out = rest.ThresholdOut

    reseller_id: strawberry.ID = about("Whose.")
    low_threshold: str | None = about("As decimal text; null: never.")


@strawberry.input(description="Below what a reseller is to be told that its credits are low.")
class SetCreditsThresholdInput:
    """Below what it is to be told."""

    low_threshold: str | None = about("As decimal text, such as `10.00`; null: never.")
    reseller_id: strawberry.ID | None = given("Whose; operators must say.")


@strawberry.type
class CreditQueries:
    """What can be asked of credits."""

    @asking()
    async def credits(
        self,
        info: Info,
        reseller_id: Annotated[
            strawberry.ID | None, argument("Whose; operators must say, others have their own.")
        ] = None,
    ) -> Credits | None:
        """What a reseller has left, here and on its panels."""
        pairs = () if reseller_id is None else (("reseller_id", str(reseller_id)),)
        try:
            query = rest.CreditsQuery.of(pairs)
            found = await rest.get_credits.endpoint(info.context.reading, query=query)
        except InvalidRequest as error:
            raise in_arguments(error, "") from None
        return found  # type: ignore[no-any-return]  # Shown as it.
