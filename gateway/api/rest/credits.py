"""`/v1/credits`: what a reseller has left."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Annotated

from pydantic import Field

from gateway.api.rest.query import Query
from gateway.api.rest.routing import get, mapped, put
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import ResellerRef, Wire, example
from gateway.domain import catalog
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.services import credit_alerts
from gateway.services import credits as service
from gateway.services.context import Context, Outcome


class CreditsQuery(Query):
    """Whose credits."""

    reseller_id: Annotated[
        ResellerRef | None, Field(description="Whose; operators must say, others have their own.")
    ] = None


class PanelBalanceOut(Out, frozen=True, kw_only=True):
    """What a panel says that the reseller's account has left.

    `balance` null: it has no such account, or could not be asked.
    """

    panel_id: str
    balance: str | None
    observed_at: Time | None


class CreditsOut(Out, frozen=True, kw_only=True):
    """A reseller's credits. Without a ledger of ours, only the panels' balances are known."""

    balance: str | None
    held: str | None
    panel_balances: tuple[PanelBalanceOut, ...]
    low_threshold: str | None


@get("/v1/credits", needs=Permission.CREDITS_READ, raises=(NotFound,))
async def get_credits(context: Context, query: CreditsQuery) -> CreditsOut:
    """Read what a reseller has left, here and on its panels."""
    return credits_out(await service.get_credits(context, query.reseller_id))


class ThresholdIn(Wire):
    """Below what a reseller is told that its credits on a panel are low."""

    model_config = example(low_threshold="10.00")

    low_threshold: Annotated[
        str | None,
        Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$", description="Null: it is told no more."),
    ]
    reseller_id: Annotated[
        ResellerRef | None, Field(description="Whose; operators must say, others have their own.")
    ] = None


class ThresholdOut(Out, frozen=True, kw_only=True):
    """A threshold as it is kept."""

    object: str = "credits_threshold"
    reseller_id: str
    low_threshold: str | None


@put(
    "/v1/credits/threshold",
    needs=Permission.CREDITS_READ,
    raises=(NotFound,),
    may_create=False,
)
async def set_credits_threshold(context: Context, body: ThresholdIn) -> Outcome[ThresholdOut]:
    """Set below what `credits.low` is told. Safe to repeat."""
    done = await credit_alerts.set_threshold(context, body.reseller_id, body.low_threshold)
    return mapped(done, threshold_out)


def threshold_out(found: catalog.Threshold) -> ThresholdOut:
    """Return the public shape of a threshold."""
    return ThresholdOut(reseller_id=found.reseller_id, low_threshold=found.low_threshold)


def credits_out(found: catalog.Credits) -> CreditsOut:
    """Return the public shape of a reseller's credits."""
    return CreditsOut(
        balance=found.balance,
        held=found.held,
        panel_balances=tuple(
            PanelBalanceOut(
                panel_id=each.panel_id,
                balance=_two_decimals(each.balance),
                observed_at=each.observed_at,
            )
            for each in found.panel_balances
        ),
        low_threshold=found.low_threshold,
    )


def _two_decimals(text: str | None) -> str | None:
    """Return a decimal as credits are written; what a panel has beyond cents is cut."""
    if text is None:
        return None
    return str(Decimal(text).quantize(Decimal("0.01"), rounding=ROUND_DOWN))
