"""What a panel says of a line or a device: from the cache where true enough, else asked once.

The cache is asked by id. A sealed value carries its owner path and the epoch under which it
was fetched: when the epoch is the present one and the owner is in the caller's scope, it is served
without the database. Every change of ours raises the epoch first, so no reader sees an answer older
than the last change.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.domain.caller import CallerKind
from gateway.domain.calls import LineInfo, NotOnPanel
from gateway.domain.errors import GatewayError, NotFound, PanelUnavailable, StateConflict
from gateway.domain.panels import Panel
from gateway.domain.subscriptions import ObservedInfo, Status, Subscription
from gateway.services.action import Action
from gateway.services.asking import ask
from gateway.services.codec import pack, unpack
from gateway.services.context import Ports
from gateway.services.noun import AnyNoun
from gateway.services.ports.cache import CacheEntry, Claim, Lookup
from gateway.telemetry.request_log import note

FLIGHT: Final = "info"
#: Readers of one cold thing may queue for the database longer than the panel takes to answer.
LINGER_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Fetched:
    info: LineInfo
    at: datetime


async def read_info(act: Action, noun: AnyNoun, resource_id: str) -> ObservedInfo:
    """Return everything the panel says of a line or a device of the caller.

    Raises:
        NotFound
        StateConflict: it is not known yet whether it is on the panel, or it is a device by half.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    held = await act.ports.cache.look_up(resource_id)
    quick = _without_database(act, noun, resource_id, held)
    if quick is not None:
        return _counted(act, quick)
    claim = await _claim(act, resource_id, held)
    async with act.read() as store:
        resource = await noun.rows(store).get(resource_id)
    return await _read_row(act, noun, resource, held, claim=claim)


async def read_infos(
    act: Action, noun: AnyNoun, resource_ids: tuple[str, ...]
) -> dict[str, ObservedInfo | GatewayError]:
    """Return what panels say of several lines or devices: for each its info, or why there is none.

    One look at the cache and one at the database for all; what is missing is asked at once, within
    each panel's budget, and shared with everybody else who asks. The errors are those of
    `read_info`.
    """
    held = dict(zip(resource_ids, await _look_up_all(act, resource_ids), strict=True))
    quick = {key: _without_database(act, noun, key, lookup) for key, lookup in held.items()}
    found: dict[str, ObservedInfo | GatewayError] = {
        key: _counted(act, info) for key, info in quick.items() if info is not None
    }
    missing = [key for key in resource_ids if key not in found]
    if not missing:
        return found
    asked = await asyncio.gather(*(_claim(act, key, held[key]) for key in missing))
    claims = dict(zip(missing, asked, strict=True))
    async with act.read() as store:
        rows = {noun.id_of(row): row for row in await noun.rows(store).list_by_ids(missing)}
        panels = {row.panel_id: None for row in rows.values()}
        known = {panel_id: await store.panels.get(panel_id) for panel_id in panels}

    async def one(key: str) -> ObservedInfo | GatewayError:
        try:
            if (row := rows.get(key)) is None:
                raise NotFound(f"There is no such {noun.word}.")
            panel = known[row.panel_id]
            return await _read_row(act, noun, row, held[key], panel, claim=claims[key])
        except GatewayError as error:
            return error

    return found | dict(zip(missing, await asyncio.gather(*map(one, missing)), strict=True))


async def _look_up_all(act: Action, resource_ids: tuple[str, ...]) -> list[Lookup]:
    return await asyncio.gather(*(act.ports.cache.look_up(each) for each in resource_ids))


async def _claim(act: Action, resource_id: str, held: Lookup) -> Claim | None:
    """Claim to teach the cache an epoch that it does not know, so that it need not ask us again."""
    return await act.ports.cache.claim(resource_id) if held.epoch is None else None


async def _read_row(
    act: Action,
    noun: AnyNoun,
    resource: Subscription,
    held: Lookup,
    panel: Panel | None = None,
    *,
    claim: Claim | None,
) -> ObservedInfo:
    if claim is not None:
        await act.ports.cache.teach(noun.id_of(resource), resource.epoch, claim)
    if resource.status in {Status.PENDING, Status.UNKNOWN}:
        raise StateConflict(f"The creation of this {noun.word} is not settled yet.")
    return _counted(act, await _observe(act, noun, resource, held, panel))


async def observe(act: Action, noun: AnyNoun, resource: Subscription) -> ObservedInfo:
    """Return what the panel says of a *resource* of the caller's scope, as it was read before.

    What was read before a claim teaches the cache nothing.

    Raises:
        StateConflict: it is a device, and there by half.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    held = await act.ports.cache.look_up(noun.id_of(resource))
    return _counted(act, await _observe(act, noun, resource, held))


def _counted(act: Action, observed: ObservedInfo) -> ObservedInfo:
    """Count how the answer came about, and note it in the request's log line.

    Notes are about subscribers, not for them: storefronts get none.
    """
    result = "stale" if observed.stale else "hit" if observed.from_cache else "miss"
    act.ports.metrics.cache_read(result)
    note(cache=result)
    if act.context.caller.kind is CallerKind.STOREFRONT:
        return replace(observed, info=replace(observed.info, notes=""))
    return observed


def _without_database(
    act: Action, noun: AnyNoun, resource_id: str, held: Lookup
) -> ObservedInfo | None:
    """Return the cached answer if the cache alone proves that it may be served."""
    entry = held.entry
    if entry is None or entry.epoch != held.epoch:
        return None
    if not act.scope.covers(entry.owner_path, resource_id):
        return None
    return _fresh(act, noun, entry)


async def _observe(
    act: Action,
    noun: AnyNoun,
    resource: Subscription,
    held: Lookup,
    panel: Panel | None = None,
) -> ObservedInfo:
    entry = held.entry
    if entry is not None and entry.epoch != resource.epoch:
        entry = None
    if entry is not None and (fresh := _fresh(act, noun, entry)) is not None:
        return fresh
    stale = None if entry is None or act.context.no_cache else _stale(act, noun, entry)
    if stale is not None and act.ports.panels.is_left_alone(resource.panel_id):
        return stale  # Nothing would be sent; so many readers need not find out one by one.
    try:
        fetched = await _fetch(act, noun, resource, panel)
    except PanelUnavailable:
        if stale is None:
            raise
        return stale
    return ObservedInfo(
        info=fetched.info,
        at=fetched.at,
        age_seconds=_age(act.ports, fetched.at),
        stale=False,
        from_cache=False,
    )


def _age(ports: Ports, at: datetime) -> int:
    return max(0, int((ports.clock.now() - at).total_seconds()))


def _fresh(act: Action, noun: AnyNoun, entry: CacheEntry) -> ObservedInfo | None:
    age = _age(act.ports, entry.observed_at)
    if act.context.no_cache or age >= act.ports.limits.info_ttl_seconds:
        return None
    return _cached(noun, entry, age, stale=False)


def _stale(act: Action, noun: AnyNoun, entry: CacheEntry) -> ObservedInfo | None:
    """Return an old answer while the panel cannot be reached, up to the allowed age."""
    age = _age(act.ports, entry.observed_at)
    limits = act.ports.limits
    if age > limits.info_ttl_seconds + limits.stale_if_error_seconds:
        return None
    return _cached(noun, entry, age, stale=True)


def _cached(noun: AnyNoun, entry: CacheEntry, age: int, *, stale: bool) -> ObservedInfo:
    return ObservedInfo(
        info=unpack(entry.value, noun.info_type),
        at=entry.observed_at,
        age_seconds=age,
        stale=stale,
        from_cache=True,
    )


async def _fetch(
    act: Action, noun: AnyNoun, resource: Subscription, panel: Panel | None
) -> _Fetched:
    """Ask the panel (None: look it up), once for everybody who asks meanwhile."""
    ports = act.ports
    if panel is None:
        async with act.read() as store:
            panel = await store.panels.get(resource.panel_id)
    asked = panel
    # Who insists on a fresh answer does not join a flight that began before it asked.
    key = (
        FLIGHT,
        noun.id_of(resource),
        resource.epoch,
        act.context.request_id if act.context.no_cache else "",
    )
    return await ports.flights.do(
        key, lambda: _ask(ports, asked, noun, resource), linger_seconds=LINGER_SECONDS
    )


async def _ask(ports: Ports, panel: Panel, noun: AnyNoun, resource: Subscription) -> _Fetched:
    found = await ask(ports, panel, noun.read(resource))
    if isinstance(found, NotOnPanel):
        raise noun.gone()
    now = ports.clock.now()
    entry = CacheEntry(
        value=pack(found), owner_path=resource.owner_path, epoch=resource.epoch, observed_at=now
    )
    await ports.cache.put(noun.id_of(resource), entry)
    return _Fetched(found, now)
