"""One history: some hundred operations under faults, then calm, then the judge."""

from __future__ import annotations

import asyncio
import gc
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import structlog

from gateway.domain.errors import ServiceUnavailable
from gateway.domain.ids import IdKind, ResellerId, new_id
from gateway.domain.operations import OperationState
from gateway.domain.panels import Budget
from gateway.domain.resellers import PanelAccount, Policy, Reseller, ResellerState, owner_path
from gateway.simulator.actions.devices import stored_mac
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.switches import Latency, profile
from gateway.simulator.tables import Row
from gateway.workers.recovery import Reconciler, RecoveryWorker, StrayWorker
from tests.factories import a_panel
from tests.simulation import judge
from tests.simulation.chaos import Chaos, SeededFaults, Weather
from tests.simulation.clients import (
    COMMON,
    STRANGERS,
    STRANGERS_END,
    Clients,
    Tenant,
    mac_of,
)
from tests.simulation.loop import KilledError, SeededLoop, outside, run
from tests.simulation.process import (
    SECRET_MARK,
    OrderedNotices,
    PanelClock,
    Process,
    VirtualClock,
    World,
    new_cache,
    tick,
    work,
)
from tests.simulation.store.database import Shared

#: Operations that a history asks for, more or less.
LENGTH: Final = 300
CALLERS: Final = 10
#: What may last longest once all is calm: an attempt and its waiting time twice (a resend), a dead
#: worker's lease, and the five minutes that are promised beyond.
LEASE_SECONDS: Final = 120
PROMISED_SECONDS: Final = 300
_BUGS: Final = frozenset(
    {
        "operation.bug",
        "operation.not_recovered",
        "operation.not_settled",
        "operation.not_watched",
        "task.failed",
    }
)


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of a history."""

    seed: int
    operations: int
    requests: int
    violations: list[str]
    states: dict[str, int]
    weather: dict[str, int]
    trace: list[str] = field(default_factory=list)


def play(seed: int, *, length: int = LENGTH, traced: bool = False) -> Result:
    """Play the history of *seed*; the same seed gives the same result."""
    log = _Log()
    gc.disable()  # A collection in the midst of it costs a tenth of the time.
    try:
        with log.taken():
            result: Result = run(seed, lambda loop: _play(loop, seed, length, log, traced=traced))
    finally:
        gc.enable()
        gc.collect()
    return result


class _Log:
    """Every log line of a history: none may hold a secret, none may tell of a bug."""

    def __init__(self) -> None:
        self.world: World | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        before = structlog.get_config()
        structlog.configure(processors=[self], cache_logger_on_first_use=False)
        try:
            with warnings.catch_warnings():
                # What died before it began.
                warnings.filterwarnings("ignore", "coroutine .* was never awaited")
                yield
        finally:
            structlog.configure(**before)

    def __call__(self, _logger: Any, _method: str, event: Any) -> Any:
        world = self.world
        if world is not None:
            if SECRET_MARK in str(event):
                world.violate("I13", f"a secret is in the log: {event['event']}")
            if event["event"] in _BUGS and not _is_death(event):
                world.violate("I11", f"{event['event']}: {_reason(event)}")
        raise structlog.DropEvent


def _is_death(event: Any) -> bool:
    """Tell whether a task ended with its process, or because the database was away: by design."""
    return isinstance(event.get("exc_info"), KilledError | ServiceUnavailable)


def _reason(event: Any) -> str:
    import sys  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    error = event.get("exc_info")
    if not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if error is None:
        return str(event)
    where = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{error!r} in {[f'{each.filename[-40:]}:{each.lineno}' for each in where]}"


async def _play(loop: SeededLoop, seed: int, length: int, log: _Log, *, traced: bool) -> Result:
    source = random.Random(f"{seed}:history")
    chaos = Chaos.drawn(source)
    clock, weather = VirtualClock(loop), Weather()
    switches = replace(
        profile(chaos.profile),
        latency=Latency(base=0.02, spread=source.choice((0.05, 0.5)), distribution="exponential"),
    )
    panel_clock = PanelClock(loop)
    panel = SimulatedPanel(switches=switches, seed=seed, clock=panel_clock)
    faults = SeededFaults(random.Random(source.random()), chaos)
    panel_clock.alarms = faults.alarms
    panel.world.faults = faults  # type: ignore[misc]  # drawn instead of ordered
    world = World(
        loop=loop,
        source=source,
        chaos=chaos,
        weather=weather,
        shared=Shared(),
        panel=panel,
        cache=new_cache(clock),
        notices=OrderedNotices(),
        clock=clock,
        trace=[f"{chaos}"] if traced else None,
    )
    log.world = world
    _settle_strangers(world)
    tenants = _tenants(world)
    keepers = [_Keeper(world, f"process {number}") for number in (1, 2)]
    clients = Clients(world, tenants, lambda: source.choice(keepers).process)
    running = [outside(clients.run(length), "client") for _ in range(CALLERS)]
    await asyncio.gather(*running)
    await _calm_down(world, faults, keepers)
    judge.hold(world, clients, faults)
    states: dict[str, int] = {}
    for row in world.shared.data.operations.values():
        states[row.state.value] = states.get(row.state.value, 0) + 1
    for rule in faults.applied.values():
        weather.count(rule.fault)
    log.world = None
    return Result(
        seed=seed,
        operations=len(world.shared.data.operations),
        requests=world.requests,
        violations=world.violations,
        states=states,
        weather=weather.counts,
        trace=world.trace or [],
    )


class _Keeper:
    """Starts a process, and another one some time after it died."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.process = Process(world, name)
        self.task = outside(self._keep(), name)

    async def _keep(self) -> None:
        world = self.world
        while True:
            every = world.source.choice((1.0, 2.0, 5.0))
            working = self.process.run(partial(work, self.process, every), "workers")
            await asyncio.wait({working})
            if not working.cancelled() and (error := working.exception()) is not None:
                judge.note_death(world, error)
                self.process.kill()
            await asyncio.sleep(world.source.choice((0.0, 1.0, 20.0)) * world.source.random())
            self.process = Process(world, self.name)


def _settle_strangers(world: World) -> None:
    """Put lines and boxes on the panel that are not ours."""
    tables = world.panel.tables
    columns: Row = {"enabled": 1, "admin_enabled": 1, "bouquet": "[1]", "max_connections": 1}
    columns |= {"exp_date": int(STRANGERS_END.timestamp()), "allowed_ips": "[]"}
    for number, name in enumerate(STRANGERS):
        columns |= {"member_id": 101 + number, "allowed_ua": "[]", "reseller_notes": ""}
        pair: Row = {"username": name, "password": COMMON}
        line, _ = tables["users"].insert(columns | pair, strict=False)
        pair = {"username": f"box{number}", "password": f"{SECRET_MARK}{number}", "is_mag": 1}
        hidden, _ = tables["users"].insert(columns | pair, strict=False)
        box: Row = {"user_id": hidden, "mac": stored_mac(mac_of(number))}
        tables["mag_devices"].insert(box, strict=False)
        for own in (line, hidden):
            world.strangers[own] = dict(tables["users"].rows[own])


def _tenants(world: World) -> list[Tenant]:
    data, now = world.shared.data, world.clock.now()
    free = Budget(calls_per_second=1000, burst=1000, in_flight=1000, flood_guard=None)
    panel = a_panel(settle_seconds=world.chaos.settle_seconds, budget=free, api_pass=None)
    data.panels[panel.id] = panel
    tenants = []
    for number, name in enumerate(("alpha", "bravo", "gamma"), start=1):
        own = ResellerId(new_id(IdKind.RESELLER, now, world.source.randbytes))
        reseller = Reseller(
            id=own,
            name=name,
            parent_id=None,
            owner_path=owner_path("/", own),
            state=ResellerState.ACTIVE,
            panel_accounts=(PanelAccount(panel_id=panel.id, member_id=100 + number),),
            policy=Policy(max_connections=None),
            created_at=now,
            updated_at=now,
        )
        data.resellers[own] = reseller
        tenants.append(Tenant(reseller, f"canary{name}", number - 1))
    return tenants


async def _calm_down(world: World, faults: SeededFaults, keepers: list[_Keeper]) -> None:
    """Let every fault end, everything settle, and the late looks take place."""
    world.is_calm, faults.is_on = True, False
    world.note("calm")
    limit = 2 * world.chaos.settle_seconds * 2 + LEASE_SECONDS + PROMISED_SECONDS
    until = world.loop.time() + limit
    while _unsettled(world) and world.loop.time() < until:  # noqa: ASYNC110 - virtual time
        await asyncio.sleep(5)
    for row in _unsettled(world):
        world.violate("I12", f"{row.id} ({row.kind}) is {row.state} after {limit} s of calm")
    for keeper in keepers:
        keeper.task.cancel()
        keeper.process.kill()
    last = Process(world, "last process")
    await asyncio.sleep(1)
    workers = [each(last.ports) for each in (RecoveryWorker, Reconciler, StrayWorker)]
    for seconds in (700, 3_700, 86_500, 700, 3_700, 86_500):
        if not world.shared.data.watched and not world.panel.active:
            break
        await asyncio.sleep(seconds)
        for round_ in range(20):
            # Just when it is time to look, the panel cannot be reached for a while.
            world.is_cut_off = round_ < 2
            done = [await last.run(partial(tick, last, each), "tick") for each in workers]
            await asyncio.sleep(200)
            if round_ > 2 and not any(done):
                break
    await world.panel.wait_idle()
    world.note("the end")


def _unsettled(world: World) -> list[Any]:
    data = world.shared.data
    rows = [data.operations[each] for each in data.waiting]
    return [row for row in rows if row.state is not OperationState.MANUAL and row.probes <= 7]
