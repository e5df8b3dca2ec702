"""The catalogue: bouquets as operators named them; a panel has no call that lists them."""

from __future__ import annotations

from gateway.domain.caller import Permission
from gateway.domain.catalog import PanelBouquet
from gateway.domain.errors import NotFound
from gateway.domain.ids import PanelId
from gateway.domain.paging import LIMIT_MAX, PageRequest
from gateway.domain.panels import Panel
from gateway.domain.resellers import Reseller
from gateway.services.action import Action, action
from gateway.services.ports.store import Store


@action("bouquet.list", needs=Permission.PLANS_READ)
async def list_bouquets(act: Action, panel_id: PanelId | None) -> tuple[PanelBouquet, ...]:
    """Return the bouquets that the caller may use, by panel and number.

    Raises:
        NotFound: the panel does not exist, or is not the caller's to use.
    """
    caller = act.context.caller
    async with act.read() as store:
        reseller = None
        if caller.reseller_id is not None:
            reseller = await store.resellers.get(caller.reseller_id)
        panels = await _panels(store, reseller)
    if panel_id is not None:
        panels = tuple(panel for panel in panels if panel.id == panel_id)
        if not panels:
            raise NotFound("There is no such panel.")
    return tuple(
        PanelBouquet(panel_id=panel.id, id=bouquet.id, name=bouquet.name)
        for panel in panels
        for bouquet in sorted(panel.bouquets, key=lambda it: it.id)
        if _may_use(reseller, panel.id, bouquet.id)
    )


async def _panels(store: Store, reseller: Reseller | None) -> tuple[Panel, ...]:
    if reseller is not None:
        return tuple([await store.panels.get(panel_id) for panel_id in reseller.panel_ids])
    return (await store.panels.list(PageRequest(limit=LIMIT_MAX))).items


def _may_use(reseller: Reseller | None, panel_id: PanelId, bouquet_id: int) -> bool:
    if reseller is None or reseller.policy.bouquet_ids is None:
        return True
    return bouquet_id in reseller.policy.bouquet_ids.get(panel_id, ())
