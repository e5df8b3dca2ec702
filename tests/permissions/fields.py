"""What each route and each field of GraphQL asks for: what the grid tests, and the docs show.

Routes and mutations declare it; queries and subscriptions are written out here, by the route whose
permission they need. Tests hold that nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.api.graphql.changes import MUTATIONS
from gateway.api.rest import (
    audit,
    bouquets,
    clients,
    deliveries,
    devices,
    documents,
    drifts,
    events,
    inbound,
    keys,
    lines,
    me,
    operations,
    panels,
    resellers,
    webhooks,
)
from gateway.api.rest import credits as credits_
from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.domain.caller import Permission

#: The routes that storefronts may use, each for what its token is bound to.
FOR_STOREFRONTS: Final = (
    me.who_am_i,
    lines.get_line,
    lines.get_line_info,
    lines.rotate_line_password,
    devices.get_device,
    devices.get_device_info,
    operations.get_operation,
)
#: `node` reads a line, device, operation, reseller, panel or key; what it needs is its kind's.
NODE: Final = "node"

QUERIES: Final[Mapping[str, Route]] = {
    "me": me.who_am_i,
    "line": lines.get_line,
    "lineByExternalId": lines.get_line_by_external_id,
    "lines": lines.list_lines,
    "device": devices.get_device,
    "deviceByExternalId": devices.get_device_by_external_id,
    "deviceByMac": devices.look_up_device,
    "devices": devices.list_devices,
    "bouquets": bouquets.list_bouquets,
    "credits": credits_.get_credits,
    "operation": operations.get_operation,
    "operations": operations.list_operations,
    "drifts": drifts.list_drifts,
    "events": events.list_events,
    "auditEntries": audit.list_audit_entries,
    "reseller": resellers.get_reseller,
    "resellers": resellers.list_resellers,
    "panel": panels.get_panel,
    "panels": panels.list_panels,
    "keys": keys.list_keys,
    "client": clients.get_client,
    "clients": clients.list_clients,
    "webhookEndpoint": webhooks.get_webhook_endpoint,
    "deliveries": deliveries.list_deliveries,
    "webhookEndpoints": webhooks.list_webhook_endpoints,
    "inboundSource": inbound.get_inbound_source,
    "inboundSources": inbound.list_inbound_sources,
    "inboundEvents": inbound.list_inbound_events,
    "trustedDocuments": documents.list_documents,
    NODE: lines.get_line,
}
SUBSCRIPTIONS: Final[Mapping[str, Route]] = {
    "lineChanged": lines.get_line,
    "deviceChanged": devices.get_device,
    "operationChanged": operations.get_operation,
}


@dataclass(frozen=True, slots=True)
class Entrance:
    """One route, or one field of the roots of GraphQL. `needs` None: any caller."""

    kind: str
    name: str
    needs: Permission | None
    for_storefronts: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def routes() -> Iterator[tuple[Entrance, Route]]:
    """Yield every route of REST."""
    for route in TABLE:
        yield _entrance(route.method, route.path, route), route


def fields() -> Iterator[Entrance]:
    """Yield every field of the roots of GraphQL."""
    for name, route in QUERIES.items():
        yield _entrance("query", name, route)
    for mutation in MUTATIONS:
        yield _entrance("mutation", mutation.name, mutation.route)
    for name, route in SUBSCRIPTIONS.items():
        yield _entrance("subscription", name, route)


def _entrance(kind: str, name: str, route: Route) -> Entrance:
    return Entrance(kind, name, route.needs, route in FOR_STOREFRONTS)
