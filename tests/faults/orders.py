"""Changes under test: one of each sort, asked for as a billing system asks, and what is true then.

An order is a request with an Idempotency-Key. Whatever happens to it, its client repeats it until
the answer is final, and the panel must then be as that answer says.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from gateway.domain.operations import Operation, OperationFilter, OperationState, ShownState
from gateway.domain.paging import PageRequest
from gateway.domain.periods import Period
from gateway.services.reconcile import settle_operations
from gateway.services.scope import system_scope
from gateway.simulator.actions.devices import stored_mac
from gateway.workers.recovery import system_context
from tests.world import Api, World

#: Texts that must stay where they belong: the passwords of reseller A, and its notes.
CANARY: Final = "canary-of-A"
MONTH: Final = Period.parse("P1M")
FINAL_SECONDS_MAX: Final = 30.0
TRIES: Final = 5
_OPEN: Final = (ShownState.PREPARED, ShownState.SENDING, ShownState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of request. `action`, `sub`: how the panel knows its call."""

    name: str
    action: str
    sub: str

    @property
    def noun(self) -> str:
        return "devices" if self.action == "stb" else "lines"

    @property
    def is_create(self) -> bool:
        return self.sub == "create"


LINE_CREATE: Final = Sort("line create", "user", "create")
LINE_RENEW: Final = Sort("line renew", "user", "edit")
PASSWORD: Final = Sort("password change", "user", "edit")
DEVICE_CREATE: Final = Sort("device create", "stb", "create")
DEVICE_RENEW: Final = Sort("device renew", "stb", "edit")
CHANGES: Final = (LINE_CREATE, LINE_RENEW, PASSWORD, DEVICE_CREATE, DEVICE_RENEW)
CREATES: Final = (LINE_CREATE, DEVICE_CREATE)
LINES: Final = (LINE_CREATE, LINE_RENEW, PASSWORD)
EDITS: Final = (LINE_RENEW, PASSWORD, DEVICE_RENEW)


@dataclass(slots=True, kw_only=True)
class Order:
    """One request, and every answer to it so far. `name`: a username or a MAC."""

    sort: Sort
    number: int
    name: str
    path: str
    body: dict[str, Any]
    before: dict[str, Any] | None = None
    answers: list[httpx2.Response] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"order-{self.sort.name.replace(' ', '-')}-{self.number}"

    @property
    def answer(self) -> httpx2.Response:
        return self.answers[-1]

    @property
    def first(self) -> httpx2.Response:
        return self.answers[0]

    @property
    def password(self) -> str:
        return f"{CANARY}-{self.number}"

    @property
    def field(self) -> str:
        """Return a regular expression that only its own calls to the panel match."""
        return rf"(username|mac)\]?={self.name}$"

    def __str__(self) -> str:
        said = [(answer.status_code, answer.text[:300]) for answer in self.answers]
        return f"{self.sort.name} {self.number} of {self.name}: {said}"

    async def ask(self, api: Api, *, wait: int | None = None) -> httpx2.Response:
        """Ask, once."""
        headers = {"Idempotency-Key": self.key}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        self.answers.append(await api.post(self.path, self.body, headers=headers))
        return self.answer


async def an_order(world: World, sort: Sort, number: int) -> Order:
    """Return an order; what it changes is made now, while all is well."""
    name = _name(sort, number)
    named = {"mac": name} if sort.action == "stb" else {"username": name}
    secret = {} if sort.action == "stb" else {"password": f"{CANARY}-{number}"}
    made = {"period": "P1M", "bouquet_ids": [1, 2]} | named
    order = Order(sort=sort, number=number, name=name, path=f"/v1/{sort.noun}", body=made | secret)
    if sort.is_create:
        return order
    old = {} if sort.action == "stb" else {"password": f"{CANARY}-old-{number}"}
    making = replace(order, body=made | old, number=-number - 1, answers=[])
    before = await _made(world, making)
    path = f"{order.path}/{before['id']}"
    if sort is PASSWORD:
        return replace(order, path=f"{path}/rotate-password", body=secret, before=before)
    return replace(order, path=f"{path}/renew", body={"period": "P1M"}, before=before)


async def orders(world: World, sorts: Iterable[Sort], each: int) -> list[Order]:
    """Return so many orders of each sort, by turns."""
    return [await an_order(world, sort, n) for n in range(each) for sort in sorts]


async def _made(world: World, order: Order) -> dict[str, Any]:
    """Create what is to be changed; a busy machine may be too slow for it at first."""
    async with asyncio.timeout(FINAL_SECONDS_MAX):
        while (await order.ask(world.a.api, wait=10)).status_code != 201:
            assert order.answer.status_code in {202, 503}, str(order)
            await asyncio.sleep(0.5)
            await settle_operations(system_context(world.runtime.ports, "reconciler"))
    found: dict[str, Any] = order.answer.json()
    return found


def _name(sort: Sort, number: int) -> str:
    if sort.action == "stb":
        return f"00:1A:79:{'AA' if sort.is_create else 'BB'}:{number >> 8:02X}:{number & 255:02X}"
    return f"{sort.name.replace(' ', '-')}-{number}"


def rows_of(world: World, order: Order) -> list[dict[str, Any]]:
    """Return the lines that the panel has for it: of a device, those behind its boxes."""
    tables = world.simulator.panel.tables
    if order.sort.action == "user":
        return [row for row in world.users() if row["username"] == order.name]
    boxes = list(tables["mag_devices"].find(stored_mac(order.name)))
    keys = {int(box["user_id"] or 0) for box in boxes}
    found = [dict(row) for row in tables["users"] if row["id"] in keys]
    assert len(boxes) == len(found) or not found, f"boxes without lines: {order}"
    return found


def effects_of(world: World, order: Order) -> int:
    """Return how often the panel carried the order's call out."""
    subject = f"mac:{order.name}" if order.sort.action == "stb" else f"user:{order.name}"
    since = 0 if order.before is None else 1  # Making it was one call, too.
    return sum(
        1
        for record in world.calls(order.sort.sub)
        if record.action == order.sort.action and subject in record.subjects and record.effects
    ) - (since if order.sort.is_create else 0)


def is_applied(world: World, order: Order) -> bool:
    """Tell whether the panel has what was ordered, exactly once, and enabled.

    Raises:
        AssertionError: it has it twice, by half, or otherwise.
    """
    rows = [row for row in rows_of(world, order) if row["enabled"]]
    assert len(rows) <= 1, f"doubled: {order}"
    if order.sort.is_create:
        return len(rows) == 1
    assert len(rows) == 1, f"lost: {order}"
    if order.sort is PASSWORD:
        assert rows[0]["password"] in {order.password, (order.before or {})["password"]}
        return bool(rows[0]["password"] == order.password)
    old = datetime.fromisoformat((order.before or {})["expires_at"])
    now = datetime.fromtimestamp(int(rows[0]["exp_date"]), UTC)
    assert now in {old, MONTH.after(old)}, f"renewed by {now - old}: {order}"
    return now != old


async def settled(world: World, orders: Sequence[Order], *, wait_for: float = 60.0) -> None:
    """Wait, while workers run, until no operation is open; then repeat each order to its end."""
    async with asyncio.timeout(wait_for):
        while await open_operations(world):  # noqa: ASYNC110 - other processes tell no event
            await asyncio.sleep(0.2)
    await asyncio.gather(*(_repeated(world, order) for order in orders))


async def open_operations(world: World) -> list[Operation]:
    """Return what is not final and not a person's to decide."""
    found: list[Operation] = []
    page = PageRequest(limit=200)
    async with world.runtime.database.read(system_scope()) as store:
        for state in _OPEN:
            found += (await store.operations.list(OperationFilter(state=state), page)).items
    return found


async def _repeated(world: World, order: Order) -> None:
    """Repeat it as a client does: until an answer is final, and then once more."""
    async with asyncio.timeout(FINAL_SECONDS_MAX):
        while not is_final(await order.ask(world.a.api, wait=10)):  # noqa: ASYNC110 - as a client
            await asyncio.sleep(0.2)
    last = order.answer
    again = await order.ask(world.a.api)
    assert (again.status_code, _lasting(again)) == (last.status_code, _lasting(last)), str(order)


def is_final(answer: httpx2.Response) -> bool:
    """Tell whether an answer is the last one: also one that only a person can change."""
    status = answer.status_code
    if status == 202:
        return bool(answer.json()["state"] == "manual")
    if "Idempotent-Replayed" in answer.headers:
        return True
    return status < 500 and status != 409


def _lasting(answer: httpx2.Response) -> dict[str, Any]:
    """Return what must be the same in every repeat of an answer."""
    found: dict[str, Any] = answer.json()
    return {name: value for name, value in found.items() if name != "request_id"}


async def check_end(world: World, order: Order, *, in_order: bool = True) -> str:
    """Hold the final answer against panel, operations and audit log; return how it ended.

    *in_order*: the clocks of all processes are right, so audit entries are listed as they came.
    """
    status = order.answer.status_code
    applied = is_applied(world, order)
    operations = [
        each
        for resource_id in _resources_of(order)
        for each in await _all_operations(world, resource_id)
    ]
    mine = [each for each in operations if each["kind"] in KINDS_OF[order.sort]]
    states = Counter(each["state"] for each in mine)
    if status in {200, 201}:
        assert applied, f"answered, and not done: {order}"
        assert states["succeeded"] == 1, f"{dict(states)}: {order}"
        assert states["manual"] == 0
        await _check_record(world, order)
        end = "succeeded"
    elif status == 202:
        assert order.answer.json()["state"] == "manual"
        assert states["succeeded"] == 0
        end = "manual"
    else:
        assert not applied, f"refused, and done: {order}"
        assert states["succeeded"] == states["manual"] == 0, f"{dict(states)}: {order}"
        end = "failed"
    for each in mine:
        await _check_audit(world, each, in_order=in_order)
    attempts = sum(each["attempts"] for each in mine)
    assert effects_of(world, order) <= attempts, f"more effects than calls: {order}"
    return end


async def end_truthfully(
    world: World, wanted: Sequence[Order], logs: str, *, least: float = 0.5, in_order: bool = True
) -> None:
    """Run to the end: workers run already. What succeeded is there once, what failed is not there.

    *least*: the share that must have succeeded. On a machine that is busy, a second may pass
    between a commit and its call, and a change that came too late three times has truly failed.
    """
    await settled(world, wanted)
    ends = Counter[str]()
    for order in wanted:
        end = await check_end(world, order, in_order=in_order)
        ends[end] += 1
        assert effects_of(world, order) == (end == "succeeded"), str(order)
    assert set(ends) <= {"succeeded", "failed"}
    assert ends["succeeded"] >= least * len(wanted), str(ends)
    check_secrets(logs)


async def ask_until_sent(
    wanted: Sequence[Order], api: Api, *, at_once: int = 5, wait: int | None = None
) -> None:
    """Let clients ask, a few at a time, and again where they are told that nothing was sent."""
    gate = asyncio.Semaphore(at_once)

    async def ask(order: Order) -> None:
        async with gate:
            for _ in range(TRIES):
                if (await order.ask(api, wait=wait)).status_code < 500:
                    return

    await asyncio.gather(*(ask(order) for order in wanted))


KINDS_OF: Final = {
    LINE_CREATE: {"line.create"},
    LINE_RENEW: {"line.renew"},
    PASSWORD: {"line.rotate_password"},
    DEVICE_CREATE: {"device.create"},
    DEVICE_RENEW: {"device.renew"},
}


def _resources_of(order: Order) -> list[str]:
    """Return what its answers were about, the last first: a creation that failed left no record."""
    if order.before is not None:
        return [str(order.before["id"])]
    found: list[str] = []
    for answer in reversed(order.answers):
        data = answer.json()
        name = "resource_id" if "resource_id" in data else "id"
        if name in data and data[name] not in found:
            found.append(data[name])
    return found


async def _all_operations(world: World, resource_id: str) -> list[dict[str, Any]]:
    params = {"resource_id": resource_id, "limit": 200}
    found: list[dict[str, Any]] = (await world.operator.ok("GET", "/v1/operations", params=params))[
        "data"
    ]
    return found


async def _check_record(world: World, order: Order) -> None:
    """Hold our record against the panel's row."""
    (row,) = rows_of(world, order)
    resource_id = _resources_of(order)[0]
    shown = await world.a.api.ok("GET", f"/v1/{order.sort.noun}/{resource_id}")
    assert shown["state"] == "active", str(order)
    if row["exp_date"] is not None:
        expires_at = datetime.fromisoformat(shown["expires_at"])
        assert expires_at == datetime.fromtimestamp(int(row["exp_date"]), UTC), str(order)
    if order.sort.action == "user":
        kept = await world.a.api.ok("GET", f"/v1/lines/{resource_id}/credentials")
        assert kept["password"] == row["password"], str(order)


async def _check_audit(world: World, operation: dict[str, Any], *, in_order: bool) -> None:
    """Expect `started` first, and exactly one final entry where the operation is final."""
    params = {"operation_id": operation["id"], "limit": 200}
    found = (await world.operator.ok("GET", "/v1/audit/entries", params=params))["data"]
    phases = [entry["phase"] for entry in reversed(found)]
    finals = sum(phase in {"succeeded", "failed"} for phase in phases)
    assert phases[0] == "started" or not in_order, phases
    assert phases.count("started") == 1, phases
    assert finals == (operation["state"] != "manual"), (operation, phases)


async def age_prepared(world: World) -> int:
    """Let what lies prepared be long untouched, as if so much time had passed; return how many."""
    found = [each for each in await open_operations(world) if each.state is OperationState.PREPARED]
    for operation in found:
        old = replace(operation, updated_at=operation.updated_at.replace(year=2020))
        async with world.runtime.database.write(system_scope()) as store:
            await store.operations.save(old, was=OperationState.PREPARED)
    return len(found)


async def age_leases(world: World) -> int:
    """Let the leases of workers that are gone end now; return how many."""
    now = world.runtime.ports.clock.now()
    held = [each for each in await open_operations(world) if each.lease_until is not None]
    for operation in held:
        async with world.runtime.database.write(system_scope()) as store:
            await store.operations.save(
                replace(operation, lease_until=now), was=OperationState.PROBING
            )
    return len(held)


def check_secrets(logs: str, *answers_of_others: httpx2.Response) -> None:
    """Expect no canary in any log, nor in what another reseller was answered."""
    assert CANARY not in logs, _around(logs, CANARY)
    for answer in answers_of_others:
        assert CANARY not in answer.text
        assert CANARY not in str(answer.headers)


def _around(text: str, word: str) -> str:
    place = text.index(word)
    return text[max(0, place - 500) : place + 100]
