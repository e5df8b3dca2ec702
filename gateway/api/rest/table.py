"""The routes of the REST API, all of them."""

from __future__ import annotations

from typing import Final

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
from gateway.api.rest.routing import Route, routes_of

TABLE: Final[tuple[Route, ...]] = routes_of(
    me,
    lines,
    devices,
    bouquets,
    credits_,
    operations,
    drifts,
    events,
    resellers,
    panels,
    keys,
    clients,
    webhooks,
    deliveries,
    inbound,
    documents,
    audit,
)
