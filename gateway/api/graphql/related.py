"""What hangs on a line or a device: its bouquets, its reseller's credits, its audit entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strawberry.dataloader import DataLoader

from gateway.api.graphql.audit import AuditEntry
from gateway.api.graphql.call import Info
from gateway.api.graphql.paging import Connection, connection
from gateway.api.graphql.subscription_types import Bouquet
from gateway.api.rest import audit as rest_audit
from gateway.api.rest import credits as rest_credits
from gateway.api.rest.shapes import observed_out
from gateway.api.rest.subscription_answers import SubscriptionOut
from gateway.domain.errors import NotFound, PanelLineGated
from gateway.domain.subscriptions import ObservedInfo, State


@dataclass(frozen=True, slots=True)
class Seen:
    """What a panel said, as far as a line or a device itself shows it."""

    active_connections: int | None
    observed: Any


async def bouquets_of(info: Info, shown: SubscriptionOut) -> list[Bouquet]:
    """Return its bouquets with the names that the caller may know."""
    known = await info.context.loaders.bouquets.load(shown.panel_id)
    names = {each.id: each.name for each in known}
    return [
        Bouquet(panel_id=shown.panel_id, id=number, name=names.get(number))  # type: ignore[arg-type]  # ID is text.
        for number in shown.bouquet_ids
    ]


async def seen_of(
    loader: DataLoader[Any, ObservedInfo],
    shown: Any,  # noqa: ANN401 - a Line, shown off REST's answer
) -> Seen | None:
    """Return what its panel last said; None where there is nothing to ask, or it is hidden there.

    What was read with the panel's word has it already; what was listed is asked for here.
    """
    answer: SubscriptionOut = shown
    if answer.observed is not None:
        return Seen(answer.active_connections, answer.observed)
    if answer.state in {State.PENDING, State.UNKNOWN, State.TERMINATED}:
        return None
    try:
        found = await loader.load(answer.id)
    except PanelLineGated:
        return None
    return Seen(found.info.active_connections, observed_out(found))


async def credits_of(info: Info, shown: SubscriptionOut) -> Any:  # noqa: ANN401 - REST's answer
    """Return what its reseller has left.

    Raises:
        NotFound: it is the operator's own.
    """
    if shown.reseller_id is None:
        raise NotFound("It belongs to the operator, who has no credits.")
    query = rest_credits.CreditsQuery.of((("reseller_id", shown.reseller_id),))
    return await rest_credits.get_credits.endpoint(info.context.reading, query=query)


async def audit_of(
    info: Info, resource_id: str, first: int | None, after: str | None
) -> Connection[AuditEntry]:
    """Return the audit entries about it, newest first."""

    async def fetch(query: rest_audit.AuditQuery) -> Any:  # noqa: ANN401 - REST's answer
        about_it = query.model_copy(update={"resource_id": resource_id})
        return await rest_audit.list_audit_entries.endpoint(info.context.reading, query=about_it)

    return await connection(rest_audit.AuditQuery, first, after, None, fetch)
