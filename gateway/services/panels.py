"""Panels: upstream servers, added and configured by operators."""

from __future__ import annotations

from dataclasses import fields, replace

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import IdKind, PanelId, new_id
from gateway.domain.paging import Page, PageRequest
from gateway.domain.panels import NewPanel, Panel, PanelChanges, Probe
from gateway.services.action import Action, action
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ports.store import Store
from gateway.services.records import differences


@action("panel.create", needs=Permission.PANELS_WRITE, is_audited=True)
async def create_panel(act: Action, new: NewPanel) -> Outcome[Panel]:
    """Add a panel. It is not asked anything yet; probe it next.

    Raises:
        InvalidRequest: the gateway does not speak the dialect.
    """
    _check_dialect(act, new.dialect)

    async def change(store: Store) -> Panel:
        now = act.ports.clock.now()
        settle_seconds = new.settle_seconds
        panel = Panel(
            id=PanelId(new_id(IdKind.PANEL, now, act.ports.random.bytes)),
            name=new.name,
            dialect=new.dialect,
            base_url=new.base_url.rstrip("/"),
            api_pass=new.api_pass,
            tls=new.tls,
            budget=new.budget,
            settle_seconds=settle_seconds or act.ports.limits.settle_seconds,
            suspend_by=new.suspend_by,
            credit_mode=new.credit_mode,
            bouquets=new.bouquets,
            extra_columns=new.extra_columns,
            creates_devices=True,
            probe=None,
            version=1,
            created_at=now,
            updated_at=now,
        )
        await store.panels.add(panel)
        await _record(act, store, None, panel)
        return panel

    return await write_once(act, Panel, change)


@action("panel.read", needs=Permission.PANELS_READ)
async def get_panel(act: Action, panel_id: PanelId) -> Panel:
    """Return a panel.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.panels.get(panel_id)


@action("panel.list", needs=Permission.PANELS_READ)
async def list_panels(act: Action, page: PageRequest) -> Page[Panel]:
    """Return panels, newest first."""
    async with act.read() as store:
        return await store.panels.list(page)


@action("panel.update", needs=Permission.PANELS_WRITE, is_audited=True)
async def change_panel(act: Action, panel_id: PanelId, changes: PanelChanges) -> Outcome[Panel]:
    """Merge a patch. What a probe learned is forgotten when the address changes.

    Raises:
        NotFound, VersionMismatch
    """

    async def change(store: Store) -> Panel:
        before = await store.panels.get(panel_id)
        act.check_version(before.version)
        after = _patched(before, changes)
        if after == before:
            return before
        if after.base_url != before.base_url:
            after = replace(after, probe=None)
        after = replace(after, version=before.version + 1, updated_at=act.ports.clock.now())
        await store.panels.save(after, expected_version=before.version)
        await _record(act, store, before, after)
        return after

    return await write_once(act, Panel, change)


@action("panel.probe", needs=Permission.PANELS_WRITE, is_audited=True)
async def probe_panel(act: Action, panel_id: PanelId) -> Probe:
    """Ask a panel, by reads only, what it is and whether it lets us in; keep what it says.

    Raises:
        NotFound
    """
    async with act.read() as store:
        panel = await store.panels.get(panel_id)
    probe = await act.ports.panels.probe(panel)
    async with act.write() as store:
        present = await store.panels.get(panel_id)
        # What was learned is no change of the panel's settings: the version stays.
        await store.panels.save(replace(present, probe=probe))
        await _record(act, store, present, replace(present, probe=probe))
    return probe


def _patched(panel: Panel, changes: PanelChanges) -> Panel:
    plain = {
        f.name: value
        for f in fields(changes)
        if f.name not in {"tls", "budget"} and (value := getattr(changes, f.name)) is not UNCHANGED
    }
    return replace(
        panel,
        tls=replace(panel.tls, **changes.tls),
        budget=panel.budget.merged(changes.budget),
        **plain,
    )


def _check_dialect(act: Action, dialect: str) -> None:
    known = act.ports.panels.dialects()
    if dialect not in known:
        detail = f"The gateway speaks: {', '.join(known)}."
        raise InvalidRequest(detail, faults=(Fault("/dialect", "unknown", detail),))


async def _record(act: Action, store: Store, before: Panel | None, after: Panel) -> None:
    old, new = differences(before, after, act.ports.sealer)
    await store.audit.append(
        act.entry(Phase.SUCCEEDED, resource_id=after.id, before=old, after=new)
    )
