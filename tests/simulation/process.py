"""A gateway process of the simulation: real services, real panel client, and it can die."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gateway.cache.keys import Lifetimes
from gateway.cache.memory import MemoryCache
from gateway.db.encryption import Keyring
from gateway.domain.errors import GatewayError, ServiceUnavailable
from gateway.domain.secrets import LETTERS_AND_DIGITS
from gateway.notices.listeners import Flag
from gateway.panels.client import HttpPanels
from gateway.panels.dialect import Answer, Reason, Request, TransportFault
from gateway.panels.pacing import LocalBudgets
from gateway.services.context import Limits, Ports
from gateway.services.ports.cache import CacheEntry, Claim, Lookup
from gateway.services.tasks import SingleFlight, TaskKeeper
from gateway.simulator.clock import VIRTUAL_START, Clock
from gateway.simulator.messages import PanelAnswer, PanelRequest
from gateway.workers.recovery import Reconciler, RecoveryWorker, StrayWorker
from tests.simulation.loop import PROCESS, KilledError, outside
from tests.simulation.store.database import MemoryDatabase, Shared

if TYPE_CHECKING:
    from gateway.domain.operations import Operation
    from gateway.domain.panels import Panel
    from gateway.services.ports.panels import SendingToken
    from gateway.simulator.panel import SimulatedPanel
    from gateway.simulator.tables import Row
    from tests.simulation.chaos import Alarms, Chaos, Weather
    from tests.simulation.loop import SeededLoop

#: Stands in every password; no log, audit entry, problem or URL may hold it.
SECRET_MARK: Final = "Qx7W"
KEYRING: Final = Keyring.parse(["sim:" + "A" * 43 + "="])
#: Longer than a lease, so that others take up what one that stands still has in hand.
STALL_SECONDS_MAX: Final = 400
INFO_TTL_SECONDS: Final = 60
_SENDING: Final[ContextVar[SendingToken | None]] = ContextVar("sending", default=None)


class OrderedNotices:
    """The port Notices, waking in an order that a seed gives again."""

    def __init__(self) -> None:
        self._flags: dict[str, list[Flag]] = {}

    def publish(self, resource_ids: Collection[str]) -> None:
        for resource_id in sorted(resource_ids):
            for flag in self._flags.get(resource_id, ()):
                flag.put_up()

    @asynccontextmanager
    async def listen(self, resource_id: str) -> AsyncIterator[Flag]:
        flag = Flag()
        self._flags.setdefault(resource_id, []).append(flag)
        try:
            yield flag
        finally:
            self._flags[resource_id].remove(flag)


class VirtualClock:
    """The port Clock, on the loop's time."""

    def __init__(self, loop: SeededLoop) -> None:
        self._loop = loop
        self._start = datetime.fromtimestamp(VIRTUAL_START, UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class PanelClock(Clock):
    """The panel's clock, on the loop's time too."""

    def __init__(self, loop: SeededLoop) -> None:
        super().__init__("virtual")
        self._loop = loop
        self.alarms: Alarms | None = None

    def now(self) -> float:
        return VIRTUAL_START + self._loop.time()

    async def sleep(self, seconds: float) -> None:
        if self.alarms is None:
            await asyncio.sleep(max(0.0, seconds))
        else:
            await self.alarms.sleep(seconds)


class SeededRandom:
    """The port Random. What is long enough to be a password bears the mark."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def bytes(self, count: int) -> bytes:
        return self._source.randbytes(count)

    def text(self, length: int) -> str:
        made = "".join(self._source.choices(LETTERS_AND_DIGITS, k=length - len(SECRET_MARK)))
        return SECRET_MARK + made

    def uniform(self) -> float:
        return self._source.random()


class NoMetrics:
    """Nobody counts."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _count_nothing


def _count_nothing(*_args: object, **_kwargs: object) -> None:
    return


@dataclass(slots=True)
class Sent:
    """One change that left a process."""

    number: int
    operation_id: str
    attempt: int
    at: float
    form: bytes


@dataclass(slots=True, kw_only=True)
class World:
    """What outlives every process."""

    loop: SeededLoop
    source: random.Random
    chaos: Chaos
    weather: Weather
    shared: Shared
    panel: SimulatedPanel
    cache: MemoryCache
    notices: OrderedNotices
    clock: VirtualClock
    sent: list[Sent] = field(default_factory=list)
    removed: dict[str, datetime] = field(default_factory=dict)
    """Lines and devices that somebody else deleted on the panel, and when."""
    strangers: dict[int, Row] = field(default_factory=dict)
    """Lines on the panel that were never ours, as they were."""
    is_cut_off: bool = False
    """No process reaches the panel, calm or not."""
    violations: list[str] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    """Reads of a line or device that were too old, unless it is there twice: see the judge."""
    requests: int = 0
    is_calm: bool = False
    trace: list[str] | None = None

    def violate(self, invariant: str, text: str) -> None:
        self.violations.append(f"{invariant}: {text} (at {self.loop.time():.3f} s)")

    def note(self, text: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.loop.time():10.3f} {text}")

    def chance(self, probability: float) -> bool:
        return not self.is_calm and self.source.random() < probability


def new_cache(clock: VirtualClock) -> MemoryCache:
    return MemoryCache(clock, lifetimes=Lifetimes(value_seconds=90_000))


class Process:
    """One process: its tasks, its ports, and its end."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        #: In the order in which they began; a set has none that a seed would give again.
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.is_dead = False
        self._frozen_until = 0.0
        clock = world.clock
        self.random = SeededRandom(random.Random(world.source.random()))
        tasks = TaskKeeper()
        wire = Wire(self)
        self.ports = Ports(
            # See test_store.py.
            database=MemoryDatabase(world.shared, self, tell=world.notices.publish),
            panels=_Panels(
                transport=wire,  # type: ignore[arg-type]  # the same, without sockets
                budgets=LocalBudgets(clock),
                clock=clock,
                random=self.random,
            ),
            cache=SharedCache(self),
            notices=world.notices,
            sealer=KEYRING,
            clock=clock,
            random=self.random,
            identity=None,  # type: ignore[arg-type]  # callers are made by hand
            tasks=tasks,
            flights=SingleFlight(tasks),
            limits=Limits(
                settle_seconds=world.chaos.settle_seconds,
                info_ttl_seconds=INFO_TTL_SECONDS,
                read_timeout_seconds=10.0,
            ),
            metrics=NoMetrics(),  # type: ignore[arg-type]
        )

    def run(self, work: Callable[[], Awaitable[Any]], name: str) -> asyncio.Task[Any]:
        """Run *work* in this process; from outside."""
        context = _context_of(self)
        return self.world.loop.create_task(_called(work), name=name, context=context)

    def forget(self, task: asyncio.Task[Any]) -> None:
        """Take note that a task has ended."""
        self.tasks.pop(task, None)

    def kill(self) -> None:
        """End it as `kill -9` does: nothing that it does any more has an effect."""
        if self.is_dead:
            return
        self.is_dead = True
        self.world.note(f"{self.name}: killed")
        self.world.weather.count("crash")
        for task in list(self.tasks):
            task.cancel()

    async def hook(self, point: str) -> None:
        """Be somewhere where other tasks run, and where the process may die or stand still."""
        self.die(point)
        world = self.world
        if world.chance(world.chaos.stall):
            seconds = world.source.choice((1, 20, STALL_SECONDS_MAX)) * world.source.random()
            self._frozen_until = max(self._frozen_until, world.loop.time() + seconds)
            world.weather.count("stall")
            world.note(f"{self.name}: stands still for {seconds:.1f} s at {point}")
        if self._frozen_until > world.loop.time():
            await asyncio.sleep(self._frozen_until - world.loop.time())
        else:
            await asyncio.sleep(0)
        self.die(point)

    def die(self, point: str) -> None:
        """Die here, if it is so drawn. Raises KilledError."""
        if not self.is_dead and self.world.chance(self.world.chaos.crash):
            self.world.note(f"{self.name}: dies at {point}")
            self.kill()
        if self.is_dead:
            raise KilledError(point)

    # --- the database's hooks --------------------------------------------------------------------

    async def begin(self) -> None:
        await self.hook("begin")
        weather, world = self.world.weather, self.world
        if world.chance(world.chaos.database * 0.2):
            weather.database_down_until = world.loop.time() + 8 * world.source.random()
            weather.count("database down")
        if weather.database_down_until > world.loop.time() and not world.is_calm:
            raise ServiceUnavailable("The database is down.")

    def committing(self) -> None:
        self.die("before commit")
        if self.world.chance(self.world.chaos.database):
            self.world.weather.count("commit failed")
            raise ServiceUnavailable("The commit failed.")

    async def committed(self) -> None:
        await self.hook("after commit")
        if self.world.chance(self.world.chaos.database):
            self.world.weather.count("commit answer lost")
            raise ServiceUnavailable("The commit's answer was lost.")


def _context_of(process: Process) -> Context:
    context = Context()
    context.run(PROCESS.set, process)
    return context


async def _called(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


class SharedCache:
    """The cache as one process sees it: sometimes it has lost everything."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def look_up(self, resource_id: str) -> Lookup:
        await self._hook()
        return await self._process.world.cache.look_up(resource_id)

    async def put(self, resource_id: str, entry: CacheEntry) -> None:
        await self._hook()
        await self._process.world.cache.put(resource_id, entry)

    async def raise_epoch(self, resource_id: str, epoch: int) -> None:
        await self._hook()
        await self._process.world.cache.raise_epoch(resource_id, epoch)

    async def claim(self, resource_id: str) -> Claim | None:
        await self._hook()
        return await self._process.world.cache.claim(resource_id)

    async def teach(self, resource_id: str, epoch: int, claim: Claim) -> None:
        await self._hook()
        await self._process.world.cache.teach(resource_id, epoch, claim)

    async def is_ready(self) -> bool:
        return True

    async def _hook(self) -> None:
        world = self._process.world
        if world.chance(world.chaos.cache_loss):
            world.weather.count("cache lost")
            world.cache = new_cache(world.clock)
        await self._process.hook("cache")


class _Panels(HttpPanels):
    """Lets the wire know for whom it sends."""

    async def change(self, panel: Panel, call: Any, token: SendingToken, **options: Any) -> Any:
        mark = _SENDING.set(token)
        try:
            return await super().change(panel, call, token, **options)
        finally:
            _SENDING.reset(mark)


class Wire:
    """The transport: real requests and answers, without sockets."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def send(self, panel: Panel, request: Request, *, timeout_seconds: float) -> Answer:
        process, world = self._process, self._process.world
        process.die("before connect")
        await asyncio.sleep(0)
        process.die("before connect")
        self._connect(timeout_seconds)
        world.requests += 1
        number = world.requests
        self._note(number, request)
        gone = asyncio.Event()
        asked = PanelRequest(
            path=request.path, query=request.query, body=request.body, port=number, gone=gone
        )
        answering = outside(world.panel.handle(asked), f"panel:{number}")
        try:
            done, _ = await asyncio.wait({answering}, timeout=timeout_seconds)
            process.die("while waiting")
            if not done:
                raise TransportFault(Reason.TIMED_OUT, sent=True)
            answer = await _arrived(answering.result(), timeout_seconds)
        finally:
            gone.set()
        process.die("after the answer")
        return answer

    def _connect(self, timeout_seconds: float) -> None:
        world = self._process.world
        if timeout_seconds <= 0:
            raise TransportFault(Reason.CONNECT_TIMED_OUT, sent=False)
        if world.chance(world.chaos.unreachable * 0.1):
            world.weather.panel_down_until = world.loop.time() + 40 * world.source.random()
            world.weather.count("panel down")
        if world.chance(world.chaos.unreachable * 0.3):
            world.weather.count("request cut")  # Written in part: the panel never sees the whole.
            raise TransportFault(Reason.BROKEN_OFF, sent=True)
        down = world.weather.panel_down_until > world.loop.time() and not world.is_calm
        if down or world.is_cut_off or world.chance(world.chaos.unreachable):
            raise TransportFault(Reason.UNREACHABLE, sent=False)

    def _note(self, number: int, request: Request) -> None:
        """Hold what is about to be sent against the database (R1, I4) and the rule of URLs."""
        world, token = self._process.world, _SENDING.get()
        if SECRET_MARK in request.query or SECRET_MARK in request.path:
            world.violate("I13", "a secret stands in a URL")
        if "sub=info" in request.query:
            return
        if token is None:
            world.violate("I4", "a change was sent by nobody")
            return
        world.note(f"{self._process.name}: sends {token.operation_id} #{token.attempt} as {number}")
        world.sent.append(
            Sent(number, token.operation_id, token.attempt, world.loop.time(), request.body)
        )
        row: Operation | None = world.shared.data.operations.get(token.operation_id)
        phases = world.shared.data.phases.get(token.operation_id, ())
        if row is None or "started" not in phases:
            world.violate("I4", f"{token.operation_id} is sent, and its beginning not recorded")
        elif row.state != "sending" or row.attempts != token.attempt:
            world.violate(
                "R1",
                f"{row.id} ({row.kind}) is sent as attempt {token.attempt}, "
                f"and is {row.state}, attempt {row.attempts}",
            )


async def _arrived(answer: PanelAnswer, timeout_seconds: float) -> Answer:
    """Return what of an answer comes over the wire. Raises TransportFault."""
    if answer.silent or (answer.drip is not None and answer.drip.stall_after is not None):
        await asyncio.sleep(timeout_seconds)
        raise TransportFault(Reason.TIMED_OUT, sent=True)
    if answer.lost or answer.reset_after is not None:
        raise TransportFault(Reason.BROKEN_OFF, sent=True)
    body = answer.body
    if answer.truncate_after is not None and answer.truncate_after < len(body):
        if not answer.from_script:
            raise TransportFault(Reason.BROKEN_OFF, sent=True)
        body = body[: answer.truncate_after]
    return Answer(status=answer.status, body=body, content_type=answer.content_type)


_WORKERS: Final = (RecoveryWorker, Reconciler, StrayWorker)


async def work(process: Process, every_seconds: float) -> None:
    """Run the workers for as long as the process lives."""
    workers = [worker(process.ports) for worker in _WORKERS]
    for round_ in itertools.count(1):
        for worker, every in zip(workers, (4, 1, 8), strict=True):
            if not round_ % every:
                await tick(process, worker)
        await asyncio.sleep(every_seconds * (0.5 + process.random.uniform()))


async def tick(process: Process, worker: Any) -> int:
    """Let one worker do one batch; the database may be down, anything else is a bug."""
    try:
        done: int = await worker.tick()
    except ServiceUnavailable:
        return 0
    except GatewayError as error:
        process.world.violate("I11", f"{worker.name} failed: {type(error).__name__} {error.detail}")
        return 0
    return done
