"""`/v1/bouquets`: what can be put into a line or a device."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.api.rest.query import Query
from gateway.api.rest.routing import get
from gateway.api.rest.shapes import Out
from gateway.api.rest.wire import PanelRef
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.paging import Page
from gateway.services import catalog
from gateway.services.context import Context


class BouquetQuery(Query):
    """Which bouquets to list."""

    panel_id: Annotated[PanelRef | None, Field(description="Of this panel only.")] = None


class PanelBouquetOut(Out, frozen=True, kw_only=True):
    """A group of channels of a panel; `id` is the panel's."""

    panel_id: str
    id: int
    name: str


@get("/v1/bouquets", needs=Permission.PLANS_READ, raises=(NotFound,))
async def list_bouquets(context: Context, query: BouquetQuery) -> Page[PanelBouquetOut]:
    """List the bouquets that you may use, by panel and number; all on one page."""
    found = await catalog.list_bouquets(context, query.panel_id)
    items = (PanelBouquetOut(panel_id=it.panel_id, id=it.id, name=it.name) for it in found)
    return Page(items=tuple(items), next_cursor=None)
