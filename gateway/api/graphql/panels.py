"""Panels, for operators. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field
from gateway.api.graphql.enums import CreditMode, SuspendBy
from gateway.api.graphql.paging import AFTER, FIRST, Connection, connection
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.rest import panel_answers
from gateway.api.rest import panels as rest
from gateway.api.rest.panel_requests import PanelQuery

strawberry.enum(CreditMode, name="CreditMode", description="Who keeps the resellers' balance.")


@strawberry.type(description="How a panel's certificate is checked.")
class PanelTls:
    """How a panel's certificate is checked."""

    verify: bool = about("Whether it is checked.")
    ca_pem: str | None = about("An authority of its own.")


@strawberry.type(description="How many calls in a row a panel's flood guard lets through.")
class FloodGuard:
    """A panel's flood guard."""

    calls: int = about("So many in a row, then a pause.")
    gap_seconds: float = about("Calls closer than this are in a row.")


@strawberry.type(description="What the gateway may ask of a panel.")
class PanelBudget:
    """What the gateway may ask of a panel."""

    calls_per_second: float = about("On average.")
    burst: int = about("At once after a rest.")
    in_flight: int = about("Under way at the same time.")
    flood_guard: FloodGuard | None = about("The panel's guard; null: it has none.")


@strawberry.type(description="A group of channels, as the operator named it.")
class PanelBouquet:
    """A group of channels."""

    id: int = about("The panel's number of it.")
    name: str = about("Its name.")


@strawberry.type(description="One thing that a probe found wrong.")
class ProbeWarning:
    """One thing that a probe found wrong."""

    code: str = about("Stable, in snake_case.")
    detail: str = about("What is wrong, and what to do.")


@strawberry.type(description="What a read-only probe learned; null: not known.")
class Probe(Shown):
    """What a read-only probe learned."""

    out = panel_answers.ProbeOut

    reachable: bool = about("Whether the panel answered.")
    dialect: str | None = about("How it speaks.")
    firewall: bool | None = about("Whether it hides expired and disabled lines.")
    credits: bool | None = about("Whether it tells its accounts' credits.")
    warnings: list[ProbeWarning] = about("What is wrong.")
    checked_at: datetime = about("When.")


@strawberry.type(description="An upstream server. Its api_pass is never shown.")
class Panel(Node, Shown):
    """An upstream server."""

    out = panel_answers.PanelOut

    name: str = about("Its name.")
    dialect: str = about("How it speaks, such as `xtream_v2`.")
    base_url: str = about("Where it is.")
    has_api_pass: bool = about("Whether it is sent a key.")
    tls: PanelTls = about("How its certificate is checked.")
    budget: PanelBudget = about("What may be asked of it.")
    settle_seconds: int = about("How long a change without an answer may still take effect.")
    suspend_by: SuspendBy | None = about("How its lines are suspended; null: as the probe says.")
    credit_mode: CreditMode = about("Who keeps the resellers' balance.")
    bouquets: list[PanelBouquet] = about("Its groups of channels.")
    extra_columns: list[str] = about("Columns that its owner added.")
    creates_devices: bool = about("Whether it is asked for devices: false once it made half a one.")
    probe: Probe | None = about("What the last probe learned; null: none yet.")
    version: int = about("Counts changes of this record: for `ifVersion`.")
    created_at: datetime = about("When it was added.")
    updated_at: datetime = about("When its record last changed.")


@strawberry.type
class PanelQueries:
    """What can be asked of panels."""

    @field
    async def panel(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which panel.")]
    ) -> Panel | None:
        """Read a panel and what its last probe learned."""
        return await read_by_id(rest.get_panel, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def panels(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
    ) -> Connection[Panel]:
        """List panels, newest first."""
        return await connection(
            PanelQuery,
            first,
            after,
            None,
            lambda query: rest.list_panels.endpoint(info.context.reading, query=query),
        )
