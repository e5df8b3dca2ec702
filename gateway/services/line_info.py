"""What a panel says of a line: from the cache where that is true enough, else asked once for all.

The cache is asked by line id. A sealed value carries its owner path and the epoch under which it
was fetched: when the epoch is the present one and the owner is in the caller's scope, it is served
without the database. Every change of ours raises the epoch first, so no reader sees an answer older
than the last change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.caller import Permission
from gateway.domain.calls import GetLineInfo, LineInfo, NotOnPanel
from gateway.domain.errors import CredentialsOutOfSync, PanelUnavailable, StateConflict
from gateway.domain.ids import LineId
from gateway.domain.lines import Line, LineStatus, ObservedInfo
from gateway.domain.panels import Panel
from gateway.services.action import Action, action
from gateway.services.codec import pack, unpack
from gateway.services.context import Ports
from gateway.services.ports.cache import CacheEntry, Lookup
from gateway.telemetry.request_log import note

FLIGHT: Final = "line.info"
#: Readers of one cold line that queue for the database longer than the panel takes to answer.
LINGER_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Fetched:
    info: LineInfo
    at: datetime


@action("line.read_info", needs=Permission.LINES_READ)
async def get_line_info(act: Action, line_id: LineId) -> ObservedInfo:
    """Return everything the panel says of a line.

    Raises:
        NotFound
        StateConflict: it is not known yet whether the line is on the panel.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    held = await act.ports.cache.look_up(line_id)
    quick = _without_database(act, held)
    if quick is not None:
        return _counted(act, quick)
    async with act.read() as store:
        line = await store.lines.get(line_id)
    await _tell_epoch(act, line, held)
    if line.status in {LineStatus.PENDING, LineStatus.UNKNOWN}:
        raise StateConflict("The creation of this line is not settled yet.")
    return _counted(act, await _observe(act, line, held))


async def observe(act: Action, line: Line) -> ObservedInfo:
    """Return what the panel says of a *line* of the caller's scope.

    Raises:
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    held = await act.ports.cache.look_up(line.id)
    await _tell_epoch(act, line, held)
    return _counted(act, await _observe(act, line, held))


async def _tell_epoch(act: Action, line: Line, held: Lookup) -> None:
    """Teach the cache an epoch that it does not know, so that it need not ask us again."""
    if held.epoch is None:
        await act.ports.cache.raise_epoch(line.id, line.epoch, must_land=False)


def _counted(act: Action, observed: ObservedInfo) -> ObservedInfo:
    """Count how the answer came about, and note it in the request's log line."""
    result = "stale" if observed.stale else "hit" if observed.from_cache else "miss"
    act.ports.metrics.cache_read(result)
    note(cache=result)
    return observed


def _without_database(act: Action, held: Lookup) -> ObservedInfo | None:
    """Return the cached answer if the cache alone proves that it may be served."""
    entry = held.entry
    if entry is None or entry.epoch != held.epoch or not act.scope.covers(entry.owner_path):
        return None
    return _fresh(act, entry)


async def _observe(act: Action, line: Line, held: Lookup) -> ObservedInfo:
    entry = held.entry
    if entry is not None and entry.epoch != line.epoch:
        entry = None
    if entry is not None and (fresh := _fresh(act, entry)) is not None:
        return fresh
    try:
        fetched = await _fetch(act, line)
    except PanelUnavailable:
        stale = None if entry is None or act.context.no_cache else _stale(act, entry)
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


def _fresh(act: Action, entry: CacheEntry) -> ObservedInfo | None:
    age = _age(act.ports, entry.observed_at)
    if act.context.no_cache or age >= act.ports.limits.info_ttl_seconds:
        return None
    return _cached(entry, age, stale=False)


def _stale(act: Action, entry: CacheEntry) -> ObservedInfo | None:
    """Return an old answer while the panel cannot be reached, up to the allowed age."""
    age = _age(act.ports, entry.observed_at)
    limits = act.ports.limits
    if age > limits.info_ttl_seconds + limits.stale_if_error_seconds:
        return None
    return _cached(entry, age, stale=True)


def _cached(entry: CacheEntry, age: int, *, stale: bool) -> ObservedInfo:
    return ObservedInfo(
        info=unpack(entry.value, LineInfo),
        at=entry.observed_at,
        age_seconds=age,
        stale=stale,
        from_cache=True,
    )


async def _fetch(act: Action, line: Line) -> _Fetched:
    """Ask the panel, once for everybody who asks meanwhile."""
    ports = act.ports
    async with act.read() as store:
        panel = await store.panels.get(line.panel_id)
    # Who insists on a fresh answer does not join a flight that began before it asked.
    key = (FLIGHT, line.id, line.epoch, act.context.request_id if act.context.no_cache else "")
    return await ports.flights.do(
        key, lambda: _ask(ports, panel, line), linger_seconds=LINGER_SECONDS
    )


async def _ask(ports: Ports, panel: Panel, line: Line) -> _Fetched:
    found = await ports.panels.read(
        panel,
        GetLineInfo(credentials=line.credentials),
        timeout_seconds=ports.limits.read_timeout_seconds,
    )
    if isinstance(found, NotOnPanel):
        text = "The panel does not know this line by its stored credentials."
        raise CredentialsOutOfSync(text)
    now = ports.clock.now()
    entry = CacheEntry(
        value=pack(found), owner_path=line.owner_path, epoch=line.epoch, observed_at=now
    )
    await ports.cache.put(line.id, entry)
    return _Fetched(found, now)
