"""Callers of the simulation: what they ask, again and again, and what they are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.domain.caller import RESELLER_PERMISSIONS, Caller, CallerKind
from gateway.domain.devices import NewDevice, ObservedDevice
from gateway.domain.errors import (
    GatewayError,
    IdempotencyKeyReused,
    InternalError,
    NotFound,
    ServiceUnavailable,
)
from gateway.domain.idempotency import Idempotency
from gateway.domain.ids import DeviceId, LineId
from gateway.domain.lines import LineWithPassword, NewLine, ObservedLine
from gateway.domain.periods import Period
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Changes, ObservedInfo, RenewFrom, Status, Term
from gateway.services import devices, lines
from gateway.services.codec import pack
from gateway.services.context import Context, Outcome
from gateway.services.device_info import get_device_info
from gateway.services.line_info import get_line_info
from gateway.simulator.actions.devices import stored_mac
from gateway.simulator.clock import VIRTUAL_START
from tests.simulation.loop import KilledError
from tests.simulation.process import SECRET_MARK, Process, World

if TYPE_CHECKING:
    from gateway.domain.resellers import Reseller

DAY: Final = 86_400
#: A password that several people came upon, one of them before we were there.
COMMON: Final = f"{SECRET_MARK}secret"
#: Names on the panel that were there before us: three lines, and as many boxes.
STRANGERS: Final = ("shared0", "shared1", "shared2")
STRANGERS_END: Final = datetime.fromtimestamp(VIRTUAL_START + 90 * DAY, UTC)
Call = Callable[[Context], Awaitable[Any]]


@dataclass(slots=True)
class Told:
    """A final answer: of which operation, and what it said."""

    operation_id: str
    answer: bytes


@dataclass(slots=True)
class Intent:
    """One thing that a caller wants, however often it has to ask."""

    number: int
    tenant: Tenant
    name: str
    call: Call
    key: str | None
    told: list[Told] = field(default_factory=list)
    is_over: bool = False


@dataclass(slots=True)
class Tenant:
    """A reseller, and what it knows of its own."""

    reseller: Reseller
    canary: str
    number: int
    lines: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    keys: int = 0

    @property
    def caller(self) -> Caller:
        return Caller(
            kind=CallerKind.RESELLER,
            id=self.reseller.id,
            reseller_id=self.reseller.id,
            owner_path=self.reseller.owner_path,
            permissions=RESELLER_PERMISSIONS,
        )


class Clients:
    """All callers of one history."""

    def __init__(self, world: World, tenants: list[Tenant], living: Callable[[], Process]) -> None:
        self.world = world
        self.tenants = tenants
        self.living = living
        self.intents: list[Intent] = []
        self.acknowledged: dict[str, datetime] = {}
        self._source: Final = random.Random(world.source.random())

    async def run(self, wanted: int) -> None:
        """Ask for things one after another, until *wanted* were asked for by all together."""
        source = self._source
        await asyncio.sleep(source.random())
        while len(self.intents) < wanted:
            tenant = source.choice(self.tenants)
            if source.random() < 0.12:
                await self._read(tenant)
                continue
            if source.random() < 0.008:
                self._tamper()
            if tenant.lines and source.random() < 0.1:
                await self._burst(tenant, self._some(tenant.lines))
                continue
            intent = self._intent(tenant, *self._wish(tenant))
            key = intent.key
            copies = source.choice((1, 1, 1, 1, 1, 1, 1, 2, 3)) if key else 1
            tries = source.choice((1, 1, 2, 3)) if key else 1
            await asyncio.gather(*(self._pursue(intent, tries) for _ in range(copies)))
            await asyncio.sleep(source.expovariate(2.0))

    def _intent(self, tenant: Tenant, name: str, call: Call) -> Intent:
        # The same texts as others use: a key is its owner's alone.
        key = None if self._source.random() < 0.05 else f"key-{tenant.keys}"
        tenant.keys += 1
        intent = Intent(len(self.intents), tenant, name, call, key)
        self.intents.append(intent)
        return intent

    async def _burst(self, tenant: Tenant, line_id: str) -> None:
        """Ask for several changes of one line at once, and look at it meanwhile and after."""
        source = self._source
        wishes = [self._line_wish(line_id) for _ in range(source.randint(2, 4))]
        asking = [self._pursue(self._intent(tenant, *wish), 2) for wish in wishes]
        await asyncio.gather(*asking, self._look(tenant, line_id))
        await self._read_one(tenant, tenant, line_id, is_line=True)

    async def _look(self, tenant: Tenant, line_id: str) -> None:
        await asyncio.sleep(self._source.choice((0.0, 0.2, 1.0)) * self._source.random())
        await self._read_one(tenant, tenant, line_id, is_line=True)

    def _tamper(self) -> None:
        """Let somebody else delete one of our lines or devices on the panel."""
        data, tables = self.world.shared.data, self.world.panel.tables
        if self._source.random() < 0.7 and data.devices:
            device = self._source.choice(list(data.devices.values()))
            if device.status is Status.LIVE and device.id not in data.open:
                for box in tables["mag_devices"].find(stored_mac(device.mac)):
                    tables["mag_devices"].delete(int(box["mag_id"] or 0))
                self.world.removed[device.id] = self.world.clock.now()
        elif data.lines:
            line = self._source.choice(list(data.lines.values()))
            if line.status is Status.LIVE and line.id not in data.open:
                for row in tables["users"].find(line.username):
                    if row["password"] == line.password.reveal():
                        tables["users"].delete(int(row["id"] or 0))
                self.world.removed[line.id] = self.world.clock.now()

    # --- wishes ----------------------------------------------------------------------------------

    def _wish(self, tenant: Tenant) -> tuple[str, Call]:
        source = self._source
        pick = source.random()
        if pick < 0.34 or not tenant.lines:
            return "create line", self._new_line(tenant)
        if pick < 0.42:
            return "create device", self._new_device(tenant)
        if tenant.devices and pick < 0.52:
            return self._device_wish(self._some(tenant.devices))
        if source.random() < 0.02:
            return self._line_wish(self._some(source.choice(self.tenants).lines or tenant.lines))
        return self._line_wish(self._some(tenant.lines))

    def _some(self, known: list[str]) -> str:
        recent = known[-4:] if self._source.random() < 0.6 else known
        return self._source.choice(recent)

    def _line_wish(self, line_id: str) -> tuple[str, Call]:
        source, own = self._source, LineId(line_id)
        pick = source.random()
        if pick < 0.34:
            days, reference = source.randint(1, 40), self._reference()
            term = Term(period=Period(seconds=days * DAY), counted_from=RenewFrom.EXPIRY)
            return "renew", lambda c: lines.renew_line(c, own, term, reference)
        if pick < 0.52:
            given = self._secret() if source.random() < 0.3 else None
            return "rotate", lambda c: lines.rotate_password(c, own, given)
        if pick < 0.64:
            return "suspend", lambda c: lines.suspend_line(c, own, None)
        if pick < 0.76:
            return "resume", lambda c: lines.resume_line(c, own, None)
        if pick < 0.96:
            changes = Changes(max_connections=source.randint(1, 90))
            return "update", lambda c: lines.change_line(c, own, changes)
        return "terminate", lambda c: lines.terminate_line(c, own, None)

    def _device_wish(self, device_id: str) -> tuple[str, Call]:
        source, own = self._source, DeviceId(device_id)
        pick = source.random()
        if pick < 0.4:
            days = source.randint(1, 40)
            term = Term(period=Period(seconds=days * DAY), counted_from=RenewFrom.EXPIRY)
            return "renew device", lambda c: devices.renew_device(c, own, term, None)
        if pick < 0.6:
            return "suspend device", lambda c: devices.suspend_device(c, own, None)
        if pick < 0.75:
            return "resume device", lambda c: devices.resume_device(c, own, None)
        if pick < 0.96:
            changes = Changes(max_connections=source.randint(1, 5))
            return "update device", lambda c: devices.change_device(c, own, changes)
        return "terminate device", lambda c: devices.terminate_device(c, own, None)

    def _new_line(self, tenant: Tenant) -> Call:
        source = self._source
        if source.random() < 0.12:
            # What it made by hand on the panel, long before there was a gateway.
            known = NewLine(
                term=Term(expires_at=STRANGERS_END),
                username=STRANGERS[tenant.number],
                password=Secret(COMMON),
                bouquet_ids=(1,),
            )
            return lambda c: lines.create_line(c, known)
        pick = source.random()
        username = None
        if pick < 0.2:
            username = f"shared{source.randrange(6)}"
        elif pick < 0.5:
            username = f"{tenant.canary}-{source.randrange(10**6)}"
        new = NewLine(
            term=Term(period=Period(seconds=30 * DAY)),
            username=username,
            password=self._chosen(username),
            max_connections=source.choice((1, 2, 3)),
            bouquet_ids=source.choice(((1, 2), (2,), ())),
            notes=tenant.canary,
            metadata={"of": tenant.canary},
        )
        return lambda c: lines.create_line(c, new)

    def _new_device(self, tenant: Tenant) -> Call:
        source, panels = self._source, self.world.shared.data.panels
        for own, panel in panels.items():
            if source.random() < 0.5:  # An operator says that it makes devices again.
                panels[own] = replace(panel, creates_devices=True)
        if source.random() < 0.2:
            known = NewDevice(
                mac=mac_of(tenant.number),
                term=Term(expires_at=STRANGERS_END),
                bouquet_ids=(1,),
            )
            return lambda c: devices.create_device(c, known)
        number = source.randrange(8) if source.random() < 0.2 else source.randrange(1 << 24)
        mac = mac_of(number)
        new = NewDevice(
            mac=mac,
            term=Term(period=Period(seconds=30 * DAY)),
            max_connections=1,
            bouquet_ids=(1,),
            notes=tenant.canary,
            metadata={"of": tenant.canary},
        )
        return lambda c: devices.create_device(c, new)

    def _chosen(self, username: str | None) -> Secret | None:
        """Return a password of the caller's own choice: sometimes one that somebody has already."""
        source = self._source
        if username is None or source.random() < 0.6:
            return None
        return Secret(COMMON) if username.startswith("shared") else self._secret()

    def _secret(self) -> Secret:
        return Secret(f"{SECRET_MARK}{self._source.randrange(10**9)}")

    def _reference(self) -> str | None:
        source = self._source
        return f"invoice-{source.randrange(30)}" if source.random() < 0.2 else None

    # --- asking ----------------------------------------------------------------------------------

    def context(self, process: Process, intent: Intent, wait_seconds: float) -> Context:
        keyed = None
        if intent.key is not None:
            keyed = Idempotency(intent.key, f"{intent.number}".encode())
        return Context(
            ports=process.ports,
            caller=intent.tenant.caller,
            request_id=f"request-{intent.number}",
            idempotency=keyed,
            wait_seconds=wait_seconds,
        )

    async def _pursue(self, intent: Intent, tries: int) -> None:
        source = self._source
        for _ in range(tries):
            wait = source.choice((0.0, 1.0, 5.0, 20.0, 60.0))
            await self.ask(intent, self.living(), wait)
            if intent.is_over:
                return
            await asyncio.sleep(source.choice((0.0, 0.1, 1.0, 10.0, 60.0)) * source.random())

    async def ask(self, intent: Intent, process: Process, wait_seconds: float) -> None:
        """Ask once, and note what is told."""
        context = self.context(process, intent, wait_seconds)
        task = process.run(lambda: intent.call(context), f"request:{intent.number}")
        patience = 3 * self._source.random() if self._source.random() < 0.03 else None
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            task.cancel()  # The caller hangs up.
            await asyncio.wait({task})
        try:
            outcome: Outcome[Any] = task.result()
        except (asyncio.CancelledError, KilledError):
            return
        except GatewayError as error:
            self._refused(intent, error)
        except Exception as error:  # noqa: BLE001 - that it comes is the violation
            self.world.violate("I11", f"{intent.name} raised {error!r}")
        else:
            self._answered(intent, outcome)

    def _refused(self, intent: Intent, error: GatewayError) -> None:
        self._check_canaries(intent.tenant, f"{error.detail}{error.faults}".encode())
        self.world.note(f"request {intent.number} ({intent.name}): {error.code}")
        if isinstance(error, IdempotencyKeyReused):
            self.world.violate("I8", f"{intent.key} of {intent.tenant.canary} is not its own")
        if isinstance(error, InternalError) or error.status == 500:
            self.world.violate("I11", f"{intent.name} failed: {error.detail}")
        if error.operation_id is not None and not isinstance(error, ServiceUnavailable):
            intent.is_over = True
            answer = f"{error.code} {error.detail}".encode()
            intent.told.append(Told(error.operation_id, answer))

    def _answered(self, intent: Intent, outcome: Outcome[Any]) -> None:
        operation = outcome.operation
        if outcome.value is None:
            state = "?" if operation is None else f"{operation.id} {operation.state}"
            self.world.note(f"request {intent.number} ({intent.name}): open, {state}")
            return
        self.world.note(f"request {intent.number} ({intent.name}): done")
        packed = pack(outcome.value)
        self._check_canaries(intent.tenant, packed)
        intent.is_over = True
        if operation is not None:
            intent.told.append(Told(operation.id, packed))
        self._learn(intent.tenant, outcome.value)

    def _learn(self, tenant: Tenant, value: Any) -> None:
        observed = value.line if isinstance(value, LineWithPassword) else value
        if isinstance(observed, ObservedLine):
            own, known, expiry = observed.line.id, tenant.lines, observed.line.expires_at
        elif isinstance(observed, ObservedDevice):
            own, known, expiry = observed.device.id, tenant.devices, observed.device.expires_at  # type: ignore[assignment]
        else:
            return
        if own not in known:
            known.append(own)
        if expiry is not None:
            self.acknowledged[own] = max(expiry, self.acknowledged.get(own, expiry))

    def _check_canaries(self, tenant: Tenant, said: bytes) -> None:
        for other in self.tenants:
            if other is not tenant and other.canary.encode() in said:
                self.world.violate("I5", f"{tenant.canary} was told of {other.canary}")

    # --- reading ---------------------------------------------------------------------------------

    async def _read(self, tenant: Tenant) -> None:
        source = self._source
        is_foreign = source.random() < 0.1
        owner = source.choice(self.tenants) if is_foreign else tenant
        is_line = source.random() < 0.8
        known = owner.lines if is_line else owner.devices
        if not known:
            await asyncio.sleep(0.1)
            return
        await self._read_one(tenant, owner, self._some(known), is_line=is_line)

    async def _read_one(self, tenant: Tenant, owner: Tenant, own: str, *, is_line: bool) -> None:
        source, process = self._source, self.living()
        floor = self.acknowledged.get(own)
        context = Context(
            ports=process.ports,
            caller=tenant.caller,
            request_id="read",
            no_cache=source.random() < 0.1,
        )
        task = process.run(lambda: _info(context, own, is_line=is_line), "read")
        await asyncio.wait({task})
        try:
            seen: ObservedInfo = task.result()
        except (asyncio.CancelledError, KilledError):
            return
        except NotFound:
            return
        except GatewayError as error:
            self._check_canaries(tenant, error.detail.encode())
            return
        except Exception as error:  # noqa: BLE001 - that it comes is the violation
            self.world.violate("I11", f"a read raised {error!r}")
            return
        if owner is not tenant:
            self.world.violate("I5", f"{tenant.canary} read a line of {owner.canary}")
        self._check_canaries(tenant, pack(seen))
        shown = seen.info.expires_at
        if floor is not None and (shown is None or shown < floor):
            how = "cache" if seen.from_cache else "panel"
            text = f"{own} was shown older than its last change, from the {how}"
            self.world.doubts.append((own, f"{text} (at {self.world.loop.time():.3f} s)"))


def mac_of(number: int) -> str:
    """Return a MAC; the lowest ones are somebody else's."""
    text = f"{number:06X}"
    return f"00:1A:79:{text[:2]}:{text[2:4]}:{text[4:]}"


def _info(context: Context, own: str, *, is_line: bool) -> Awaitable[ObservedInfo]:
    if is_line:
        return get_line_info(context, LineId(own))
    return get_device_info(context, DeviceId(own))
