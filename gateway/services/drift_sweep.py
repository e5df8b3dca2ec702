"""The sweep for drifts: asks panels, in their spare time, whether they hold what we hold.

It only looks and writes down. Nothing is ever put right by itself, neither here nor on a panel:
whoever changed a line behind our back may have meant it, and a panel that was restored from a
backup would otherwise rewrite us, or we it, line by line. A person decides; see `drifts.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from gateway.domain.caller import ROOT_PATH, Permission
from gateway.domain.calls import LineInfo, NotOnPanel
from gateway.domain.drifts import Difference, DriftKind
from gateway.domain.errors import (
    NotFound,
    PanelError,
    PanelLineGated,
    PanelMisconfigured,
    PanelUnavailable,
    ServiceUnavailable,
    StateConflict,
)
from gateway.domain.paging import LIMIT_MAX, PageRequest
from gateway.domain.panels import Panel
from gateway.domain.subscriptions import State, Status, Subscription
from gateway.services import engine
from gateway.services.action import Action, action
from gateway.services.asking import ask
from gateway.services.codec import pack
from gateway.services.comparing import compare
from gateway.services.device_noun import DEVICES
from gateway.services.drift_records import Subject, subject_of, write_down
from gateway.services.line_noun import LINES
from gateway.services.looking import control_is_seen
from gateway.services.noun import AnyNoun
from gateway.services.ports.cache import CacheEntry

log = structlog.get_logger(__name__)

#: How many lines, and how many devices, of one panel a tick looks at. A tick comes every 5 s, so a
#: panel's flood guard, which counts calls without a pause, is never filled by this.
BATCH: Final = 5
#: How many panels are looked at side by side.
PANELS_AT_ONCE: Final = 8
#: What a worker took up and did not finish is looked at again after this.
LEASE: Final = timedelta(minutes=10)
#: Of so many lines, and devices, of a panel that were compared last ...
SAMPLE: Final = 50
#: ... so many differ, and one in so many: the panel itself has changed. It has not any more when
#: half as many do.
MANY: Final = 5
MANY_OF: Final = 5
#: What a hidden line may still be known for: being visible would end it.
_OF_BEING_SEEN: Final = frozenset({DriftKind.HIDDEN, DriftKind.REVIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a look told. `kind` None: nothing that could be held against our record."""

    kind: DriftKind | None
    differences: tuple[Difference, ...] = ()
    info: LineInfo | None = None


@action("drift.compare", needs=Permission.OPERATIONS_RESOLVE)
async def compare_resources(act: Action) -> int:
    """Compare a few lines and devices of every panel, those first that waited longest.

    Returns how many were compared. A panel that cannot be asked does not keep others waiting.

    Raises:
        ServiceUnavailable: our database is down.
    """
    if not act.ports.limits.drift_every_seconds:
        return 0
    turns = asyncio.Semaphore(PANELS_AT_ONCE)

    async def in_turn(panel: Panel) -> int:
        async with turns:
            return await _compare_panel(act, panel)

    panels = await _panels(act)
    counts = await asyncio.gather(*map(in_turn, panels), return_exceptions=True)
    for error in counts:
        if isinstance(error, BaseException):
            raise error
    return sum(count for count in counts if isinstance(count, int))


async def _panels(act: Action) -> list[Panel]:
    found: list[Panel] = []
    page = PageRequest(limit=LIMIT_MAX)
    async with act.read() as store:
        while True:
            part = await store.panels.list(page)
            found += part.items
            if part.next_cursor is None:
                return found
            page = PageRequest(limit=LIMIT_MAX, after=part.items[-1].id)


async def _compare_panel(act: Action, panel: Panel) -> int:
    count = 0
    try:
        for noun in (LINES, DEVICES):
            for resource in await _take(act, noun, panel):
                await _compare_one(act, noun, panel, resource)
                count += 1
    except (PanelUnavailable, PanelMisconfigured) as error:
        # The others were to be asked in the same way; they are taken up again later.
        log.info("drift.panel_not_asked", panel_id=panel.id, code=error.code)
    if count:
        await _judge_panel(act, panel)
    return count


async def _take(act: Action, noun: AnyNoun, panel: Panel) -> tuple[Subscription, ...]:
    every = timedelta(seconds=act.ports.limits.drift_every_seconds)
    async with act.write() as store:
        before = await engine.shared_now(act.ports, store) - every
        taken: tuple[Subscription, ...] = await noun.rows(store).take_uncompared(
            panel.id, before, before + LEASE, BATCH
        )
    # In any order: one that a panel cannot tell us of must not always come before the same others.
    return tuple(sorted(taken, key=lambda _: act.ports.random.uniform()))


async def _compare_one(act: Action, noun: AnyNoun, panel: Panel, resource: Subscription) -> None:
    """Ask the panel for one, and write down what differs.

    Raises:
        PanelUnavailable, PanelMisconfigured: the panel could not be asked, for this or any other.
        ServiceUnavailable: our database is down.
    """
    resource_id = noun.id_of(resource)
    try:
        seen = await _look(act, noun, panel, resource)
        await _record(act, noun, resource, seen)
    except (PanelUnavailable, PanelMisconfigured, ServiceUnavailable):
        raise
    except Exception:
        # A bug of ours, or a record that breaks it: the others must not wait for it.
        log.exception("drift.not_compared", resource_id=resource_id)


async def _look(act: Action, noun: AnyNoun, panel: Panel, resource: Subscription) -> _Seen:
    try:
        found = await ask(act.ports, panel, noun.read(resource), is_background=True)
    except PanelLineGated:
        return await _hidden(act, noun, panel, resource)
    except StateConflict:
        return _missing(resource, "line_on_panel")
    except (PanelUnavailable, PanelMisconfigured):
        raise
    except PanelError as error:
        log.info("drift.told_nothing", resource_id=noun.id_of(resource), code=error.code)
        return _Seen(kind=None)
    if isinstance(found, NotOnPanel):
        return _missing(resource, "on_panel")
    if resource.status is Status.LIVE:
        await _fill_cache(act, noun, resource, found)
    kind, differences = compare(resource, found)
    return _Seen(kind=kind, differences=differences, info=found)


def _missing(resource: Subscription, field: str) -> _Seen:
    """Return that it is not there, or not whole; of what was terminated nothing else is wanted."""
    absent = Difference(field=field, ours=True, theirs=False)
    is_wanted = resource.status is not Status.TERMINATED
    return _Seen(kind=DriftKind.MISSING, differences=(absent,) if is_wanted else ())


async def _hidden(act: Action, noun: AnyNoun, panel: Panel, resource: Subscription) -> _Seen:
    """Tell what it means that the panel's firewall hides a line.

    Rightly so where it is not active here either; then no more can be learnt of it. An empty answer
    for an active one says something only where another active line of the panel is shown.
    """
    if resource.state_at(act.ports.clock.now()) is not State.ACTIVE:
        resource_id = noun.id_of(resource)
        async with act.read() as store:
            known = await store.drifts.find_open(resource_id)
        ends = known is not None and known.kind in _OF_BEING_SEEN
        return _Seen(kind=known.kind if known is not None and ends else None)
    if not await control_is_seen(act.ports, panel, but=noun.id_of(resource)):
        return _Seen(kind=None)
    hidden = Difference(field="visible", ours=True, theirs=False)
    return _Seen(kind=DriftKind.HIDDEN, differences=(hidden,))


async def _fill_cache(act: Action, noun: AnyNoun, resource: Subscription, info: LineInfo) -> None:
    """Keep the answer for the next readers: it was asked for anyway."""
    entry = CacheEntry(
        value=pack(info),
        owner_path=resource.owner_path,
        epoch=resource.epoch,
        observed_at=act.ports.clock.now(),
    )
    await act.ports.cache.put(noun.id_of(resource), entry)


async def _record(act: Action, noun: AnyNoun, resource: Subscription, seen: _Seen) -> None:
    """Write down what was seen, unless a change of ours came between."""
    resource_id = noun.id_of(resource)
    is_new = False
    async with act.write() as store:
        rows = noun.rows(store)
        try:
            present = await rows.get(resource_id)
        except NotFound:
            return
        if present.epoch != resource.epoch:
            return  # What was read may be older than our change; it is looked at again later.
        if seen.kind is not None:
            subject = subject_of(noun, present)
            is_new = await write_down(store, act.ports, subject, seen.kind, seen.differences)
        await rows.set_compared(resource_id, await engine.shared_now(act.ports, store))
    if is_new:
        fields = [it.field for it in seen.differences]
        log.warning("drift.found", resource_id=resource_id, kind=seen.kind, fields=fields)


async def _judge_panel(act: Action, panel: Panel) -> None:
    """Tell whether so much of a panel differs that the panel itself has changed."""
    async with act.read() as store:
        ids = (
            *await store.lines.list_compared(panel.id, SAMPLE),
            *await store.devices.list_compared(panel.id, SAMPLE),
        )
        differing = await store.drifts.count_open(ids)
        known = await store.drifts.find_open(panel.id)
    least = 1.0 if known is None else 0.5
    is_many = differing >= MANY * least and differing * MANY_OF >= len(ids) * least
    if not is_many and known is None:
        return
    agreeing = Difference(field="agreeing", ours=len(ids), theirs=len(ids) - differing)
    subject = Subject(
        resource_id=panel.id, panel_id=panel.id, reseller_id=None, owner_path=ROOT_PATH
    )
    found = (agreeing,) if is_many else ()
    async with act.write() as store:
        is_new = await write_down(store, act.ports, subject, DriftKind.RESTORED, found)
    if is_new:
        log.error(
            "drift.panel_restored",
            panel_id=panel.id,
            compared=len(ids),
            differing=differing,
            detail="Many differ at once, as after a backup was restored. Nothing is rewritten.",
        )
