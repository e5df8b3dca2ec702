"""`/v1/panels`: the upstream servers, for operators."""

from __future__ import annotations

from gateway.api.rest.panel_answers import PanelOut, ProbeOut, panel_out, probe_out
from gateway.api.rest.panel_requests import PanelCreate, PanelPatch, PanelQuery
from gateway.api.rest.routing import get, mapped, mapped_page, patch, post
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.ids import PanelId
from gateway.domain.paging import Page
from gateway.services import panels
from gateway.services.context import Context, Outcome


@post("/v1/panels", status=201, needs=Permission.PANELS_WRITE)
async def create_panel(context: Context, body: PanelCreate) -> Outcome[PanelOut]:
    """Add a panel. It is not asked anything yet: probe it next."""
    return mapped(await panels.create_panel(context, body.to_new_panel()), panel_out)


@get("/v1/panels", needs=Permission.PANELS_READ)
async def list_panels(context: Context, query: PanelQuery) -> Page[PanelOut]:
    """List panels, newest first."""
    return mapped_page(await panels.list_panels(context, query.page), panel_out)


@get("/v1/panels/{panel_id}", needs=Permission.PANELS_READ, raises=(NotFound,))
async def get_panel(context: Context, panel_id: PanelId) -> PanelOut:
    """Read a panel and what its last probe learned."""
    return panel_out(await panels.get_panel(context, panel_id))


@patch("/v1/panels/{panel_id}", needs=Permission.PANELS_WRITE, raises=(NotFound,))
async def change_panel(context: Context, panel_id: PanelId, body: PanelPatch) -> Outcome[PanelOut]:
    """Change the named fields of a panel."""
    changed = await panels.change_panel(context, panel_id, body.to_changes())
    return mapped(changed, panel_out)


@post("/v1/panels/{panel_id}/probe", needs=Permission.PANELS_WRITE, raises=(NotFound,))
async def probe_panel(context: Context, panel_id: PanelId) -> ProbeOut:
    """Find out, by reads only, what a panel is and whether it lets the gateway in."""
    return probe_out(await panels.probe_panel(context, panel_id))
