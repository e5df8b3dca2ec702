"""Imports: lines and devices that are on a panel already are adopted, after asking the panel."""

from __future__ import annotations

from typing import Any

from gateway.domain.audit import Phase
from gateway.domain.caller import ROOT_PATH
from gateway.domain.calls import LineInfo, NotOnPanel, ReadCall
from gateway.domain.errors import NotFound
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.panels import SuspendBy
from gateway.domain.resellers import Reseller
from gateway.domain.subscriptions import Status
from gateway.services.action import Action
from gateway.services.asking import ask
from gateway.services.noun import Noun, ObservedT, ResourceT, owner_of
from gateway.services.ports.store import Store
from gateway.services.records import facts_of
from gateway.services.telling import tell_resource


async def on_panel(action: Action, panel_id: PanelId, read: ReadCall) -> LineInfo:
    """Return what the panel says of what is to be adopted.

    Raises:
        NotFound: there is no such panel, or it does not know this name and password, or MAC.
        StateConflict: the panel has the device by half.
        PanelError: it could not be asked.
    """
    async with action.read() as store:
        panel = await store.panels.get(panel_id)
    found = await ask(action.ports, panel, read)
    if isinstance(found, NotOnPanel):
        raise NotFound("The panel does not know it by what was given.")
    return found


async def owner(store: Store, reseller_id: ResellerId | None) -> Reseller | None:
    """Return for whom it is adopted; None: the operator's own. Raises NotFound."""
    return None if reseller_id is None else await store.resellers.get(reseller_id)


async def adopt(
    action: Action, noun: Noun[ResourceT, ObservedT], store: Store, resource: ResourceT
) -> ObservedT:
    """Write the record, its audit entry, and the event that it came to be.

    Raises:
        UsernameTaken, MacTaken, ExternalIdTaken: it is ours already.
    """
    await noun.rows(store).add(resource)
    await store.audit.append(
        action.entry(
            Phase.SUCCEEDED,
            resource_id=noun.id_of(resource),
            owner=owner_of(resource),
            after=facts_of(resource, action.ports.sealer),
        )
    )
    await tell_resource(store, action.ports, "created", resource)
    return noun.observed(resource, None)


def members_of(
    action: Action,
    info: LineInfo,
    *,
    panel_id: PanelId,
    reseller: Reseller | None,
    external_id: str | None,
) -> dict[str, Any]:
    """Return the members of an adopted record that lines and devices share."""
    now = action.ports.clock.now()
    return {
        "panel_id": panel_id,
        "reseller_id": None if reseller is None else reseller.id,
        "owner_path": ROOT_PATH if reseller is None else reseller.owner_path,
        "external_id": external_id,
        "plan_id": None,
        "status": Status.LIVE,
        "suspended_by": None if info.enabled else SuspendBy.ENABLED,
        "is_banned": not info.admin_enabled,
        "expires_at": info.expires_at,
        "max_connections": info.max_connections,
        "bouquet_ids": info.bouquet_ids or (),
        "is_trial": info.is_trial,
        "is_restreamer": info.is_restreamer,
        "allowed_ips": info.allowed_ips or (),
        "allowed_user_agents": info.allowed_user_agents or (),
        "notes": info.notes,
        "admin_notes": info.admin_notes,
        "metadata": {},
        "member_id": info.member_id,
        "force_server_id": info.force_server_id,
        "isp_lock": info.isp.locked,
        "extra": {},
        "panel_line_id": info.panel_line_id,
        "version": 1,
        "epoch": 1,
        "created_at": now,
        "updated_at": now,
    }
