"""The schema: the nouns' queries, the table of mutations, and the subscriptions, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import strawberry
from graphql import Undefined
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type
from strawberry.types.execution import ExecutionContext

from gateway.api.graphql.audit import AuditQueries
from gateway.api.graphql.call import Info
from gateway.api.graphql.catalog import CatalogQueries
from gateway.api.graphql.changes import MUTATIONS
from gateway.api.graphql.clients import Client, ClientQueries
from gateway.api.graphql.credits import CreditQueries
from gateway.api.graphql.deliveries import DeliveryQueries
from gateway.api.graphql.describe import argument, asking
from gateway.api.graphql.devices import Device, DeviceQueries
from gateway.api.graphql.documents import DocumentQueries
from gateway.api.graphql.drifts import DriftQueries
from gateway.api.graphql.events import Event, EventQueries
from gateway.api.graphql.inbound import InboundQueries, InboundSource
from gateway.api.graphql.keys import Key, KeyQueries
from gateway.api.graphql.lines import Line, LineQueries
from gateway.api.graphql.me import MeQueries
from gateway.api.graphql.mutations import field_of
from gateway.api.graphql.operations import Operation, OperationQueries
from gateway.api.graphql.panels import Panel, PanelQueries
from gateway.api.graphql.resellers import Reseller, ResellerQueries
from gateway.api.graphql.scalars import SCALARS
from gateway.api.graphql.shown import Node, read_by_id
from gateway.api.graphql.subscriptions import Subscription
from gateway.api.graphql.webhooks import WebhookEndpoint, WebhookQueries
from gateway.api.rest import (
    clients,
    devices,
    events,
    inbound,
    keys,
    lines,
    operations,
    panels,
    resellers,
    webhooks,
)
from gateway.api.rest.routing import Route
from gateway.domain.errors import NotFound
from gateway.domain.ids import IdKind, kind_of

#: What `node` reads, and by which route.
_READ_BY_ID: Final[Mapping[IdKind, Route]] = {
    IdKind.LINE: lines.get_line,
    IdKind.DEVICE: devices.get_device,
    IdKind.OPERATION: operations.get_operation,
    IdKind.RESELLER: resellers.get_reseller,
    IdKind.PANEL: panels.get_panel,
    IdKind.KEY: keys.get_key,
    IdKind.CLIENT: clients.get_client,
    IdKind.EVENT: events.get_event,
    IdKind.SOURCE: inbound.get_inbound_source,
    IdKind.ENDPOINT: webhooks.get_webhook_endpoint,
}


@strawberry.type(description="What can be asked.")
class Query(
    MeQueries,
    LineQueries,
    DeviceQueries,
    CatalogQueries,
    CreditQueries,
    OperationQueries,
    DriftQueries,
    EventQueries,
    AuditQueries,
    ResellerQueries,
    PanelQueries,
    KeyQueries,
    ClientQueries,
    WebhookQueries,
    DeliveryQueries,
    InboundQueries,
    DocumentQueries,
):
    """What can be asked."""

    @asking()
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, argument("Of whatever kind.")]
    ) -> Node | None:
        """Read whatever has this id."""
        kind = kind_of(id)
        route = None if kind is None else _READ_BY_ID.get(kind)
        if route is None:
            raise NotFound("There is no such resource.")
        return await read_by_id(route, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.


class GatewaySchema(strawberry.Schema):
    """Strawberry's schema; errors are told by the executor, once."""

    def process_errors(
        self, errors: list[Any], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing: the executor does, without what callers sent."""


def make_schema(extensions: Sequence[type[SchemaExtension]] = ()) -> GatewaySchema:
    """Return the schema. *extensions*: what the executor adds to each execution."""
    mutation = create_type(
        "Mutation", [field_of(each) for each in MUTATIONS], description="What can be done."
    )
    schema = GatewaySchema(
        query=Query,
        mutation=mutation,
        subscription=Subscription,
        types=[
            Line,
            Device,
            Operation,
            Reseller,
            Panel,
            Key,
            Client,
            Event,
            WebhookEndpoint,
            InboundSource,
        ],
        extensions=extensions,
        config=StrawberryConfig(scalar_map=SCALARS, default_resolver=_member),
    )
    _leave_out_nulls(schema)
    return schema


def _leave_out_nulls(schema: GatewaySchema) -> None:
    """Show optional arguments without `= null`: left out and null mean the same to them."""
    for name in ("Query", "Mutation", "Line", "Device"):
        for field in schema._schema.type_map[name].fields.values():  # type: ignore[attr-defined]  # noqa: SLF001
            for argument_ in field.args.values():
                if argument_.default_value is None:
                    argument_.default_value = Undefined


def _member(source: object, name: str) -> object:
    """Return a member of REST's answer; its open parts are mappings."""
    if isinstance(source, Mapping):
        return source.get(name)
    return getattr(source, name)
