"""The store in memory answers like the one in a database: random transactions on both, compared."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.db.engine import make_engine
from gateway.db.migrations import migrate
from gateway.db.store import SqlDatabase
from gateway.domain.devices import normal_mac
from gateway.domain.drifts import DriftEnd
from gateway.domain.errors import GatewayError
from gateway.domain.operations import OperationState
from gateway.domain.resellers import Reseller
from gateway.domain.subscriptions import Status
from gateway.services.scope import Scope
from tests.factories import (
    NOW,
    PANEL_ID,
    a_device,
    a_drift,
    a_kept_answer,
    a_line,
    a_panel,
    a_reseller,
    an_event,
    an_operation,
    owned_by,
)
from tests.simulation.process import KEYRING
from tests.simulation.store.database import MemoryDatabase, Shared

Step = Callable[[Any], Awaitable[Any]]
STEPS = 400


class Twins:
    """One random history, step by step."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.owners = [None, a_reseller(), a_reseller()]
        self.owners.append(a_reseller(parent=self.owners[1]))
        self.lines: list[Any] = []
        self.devices: list[Any] = []
        self.operations: list[Any] = []
        self.answers: list[Any] = []
        self.drifts: list[Any] = []
        self.events: list[Any] = []

    @property
    def resellers(self) -> list[Reseller]:
        return [owner for owner in self.owners if owner is not None]

    def scope(self) -> Scope:
        owner = self.source.choice(self.owners)
        return Scope("/" if owner is None else owner.owner_path)

    def transaction(self, scope: Scope) -> list[Step]:
        return [self.step(scope) for _ in range(self.source.randint(1, 4))]

    def step(self, scope: Scope) -> Step:
        source = self.source
        twice = (self._operation, self._operation)
        kinds = (self._line, self._device, *twice, self._answer, self._drift, self._event)
        return source.choice(kinds)(scope)

    def _owner(self, scope: Scope) -> dict[str, Any]:
        fitting = [
            each for each in self.owners if scope.covers(each.owner_path if each else "/", None)
        ]
        return owned_by(self.source.choice(fitting))

    def _when(self) -> Any:
        return NOW + timedelta(seconds=self.source.randint(0, 30))

    def _resource(self, rows: str, known: list[Any], made: Any) -> Step:
        source = self.source
        one = source.choice([*known, made])
        pick = source.randrange(11)
        external = f"e{source.randrange(4)}"
        changed = replace(
            one,
            status=source.choice(list(Status)),
            external_id=source.choice((None, external)),
            version=one.version + 1,
        )
        version = source.choice((None, 1, 2))
        reference, operation = f"r{source.randrange(3)}", source.choice([*self.operations, made])
        reseller = source.choice(self.resellers).id
        if pick < 3:
            known.append(made)
        steps: tuple[Step, ...] = (
            lambda store: getattr(store, rows).add(made),
            lambda store: getattr(store, rows).get(one.id),
            lambda store: getattr(store, rows).save(changed, expected_version=version),
            lambda store: getattr(store, rows).raise_epoch(one.id),
            lambda store: getattr(store, rows).delete(one.id),
            lambda store: getattr(store, rows).find_by_external_id(one.reseller_id, external),
            lambda store: getattr(store, rows).count(reseller),
            lambda store: getattr(store, rows).find_reference(one.id, reference),
            lambda store: getattr(store, rows).add_reference(one.id, reference, operation.id),
            lambda store: getattr(store, rows).delete_reference(operation.id),
        )
        return steps[0 if pick < 3 else (pick if pick < 10 else 1)]

    def _line(self, scope: Scope) -> Step:
        name = f"{self.source.choice('aB')}{self.source.randrange(6)}"
        if self.source.random() < 0.15:
            return lambda store: store.lines.find_by_username(PANEL_ID, name.swapcase())
        if self.source.random() < 0.1:
            at, but = self._when() + timedelta(days=29, hours=23), "line_x"
            return lambda store: store.lines.list_controls(PANEL_ID, at, but=but, limit=2)
        return self._resource("lines", self.lines, a_line(username=name, **self._owner(scope)))

    def _device(self, scope: Scope) -> Step:
        mac = normal_mac(f"001A79{self.source.randrange(6):06X}")
        if self.source.random() < 0.15:
            return lambda store: store.devices.find_by_mac(PANEL_ID, mac)
        return self._resource("devices", self.devices, a_device(mac=mac, **self._owner(scope)))

    def _operation(self, scope: Scope) -> Step:
        source, at = self.source, self._when()
        made = an_operation(
            resource_id=f"line_{source.randrange(5):026d}", updated_at=at, **self._owner(scope)
        )
        one = source.choice([*self.operations, made])
        was = source.choice(list(OperationState))
        state = source.choice((OperationState.FAILED, OperationState.SUCCEEDED, was))
        changed = replace(
            one,
            state=state,
            fence=source.choice((0, 0, 0, 1, 2)),
            settles_at=source.choice((None, at)),
            watch_at=source.choice((None, at)),
            lease_until=source.choice((None, at)),
            updated_at=at,
        )
        # What holds a resource is made by `claim` alone, and let go by an end.
        saved = changed if state.is_final else replace(changed, state=OperationState.PREPARED)
        back = OperationState.PREPARED if not state.is_final else was
        pick = source.randrange(10)
        if pick < 2:
            self.operations.append(made)
        steps: tuple[Step, ...] = (
            lambda store: store.operations.add(made),
            lambda store: store.operations.add(made),
            lambda store: store.operations.get(one.id),
            lambda store: store.operations.find_open(one.resource_id),
            lambda store: store.operations.claim(replace(changed, settles_at=at)),
            lambda store: store.operations.claim(replace(changed, settles_at=at)),
            lambda store: store.operations.save(saved, was=back),
            lambda store: store.operations.take_due(at, at + timedelta(seconds=9), 3),
            lambda store: store.operations.list_watched(at, 3),
            lambda store: store.operations.list_stale(was, at, 3),
        )
        return steps[pick]

    def _answer(self, scope: Scope) -> Step:
        source = self.source
        own = scope.path.strip("/").rpartition("/")[2]
        owner = own or source.choice([*(each.id for each in self.resellers), "operator"])
        made = a_kept_answer(
            owner=owner, key=f"k{source.randrange(4)}", created_at=self._when(), result=b"{}"
        )
        one = source.choice([*self.answers, made])
        pick, at = source.randrange(4), self._when()
        if pick == 0:
            self.answers.append(made)
        steps: tuple[Step, ...] = (
            lambda store: store.answers.add(made),
            lambda store: store.answers.find(one.owner, one.key),
            lambda store: store.answers.delete(one.id),
            lambda store: store.answers.delete_older(at - timedelta(seconds=20), 100),
        )
        return steps[pick]

    def _drift(self, scope: Scope) -> Step:
        source, at = self.source, self._when()
        resource_id = f"line_{source.randrange(4):026d}"
        made = a_drift(resource_id=resource_id, **self._owner(scope))
        one = source.choice([*self.drifts, made])
        end = source.choice(({}, {"closed_at": at, "closed_by": DriftEnd.ITSELF}))

        async def save(store: Any) -> None:  # Only one that is open is ever saved.
            known = await store.drifts.find_open(one.resource_id)
            await store.drifts.save(replace(known or made, last_seen_at=at, **end))

        pick = source.randrange(5)
        if pick == 0:
            self.drifts.append(made)
        steps: tuple[Step, ...] = (
            lambda store: store.drifts.add(made),
            lambda store: store.drifts.find_open(one.resource_id),
            lambda store: store.drifts.count_open([one.resource_id, resource_id]),
            save,
            save,
        )
        return steps[pick]

    def _event(self, scope: Scope) -> Step:
        source = self.source
        made = an_event(resource_id=f"line_{source.randrange(4):026d}", **self._owner(scope))
        one = source.choice([*self.events, made])
        self.events.append(made)
        steps: tuple[Step, ...] = (
            lambda store: store.events.append(made),
            lambda store: store.events.append(made),
            lambda store: store.events.find(one.id),
            lambda store: store.events.list_after(one.id, 3),
        )
        return source.choice(steps)


class _GiveUpError(Exception):
    """Rolls a transaction back."""


def _give_up() -> None:
    raise _GiveUpError


async def told(database: Any, scope: Scope, steps: list[Step], *, give_up: bool) -> list[Any]:
    """Return what each step of a transaction answered, errors by name."""
    found: list[Any] = []
    try:
        async with database.write(scope) as store:
            for step in steps:
                try:
                    found.append(await step(store))
                except GatewayError as error:
                    found.append((type(error).__name__, error.detail))
            if give_up:
                _give_up()
    except _GiveUpError:
        found.append("rolled back")
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_both_stores_answer_alike(seed: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/twin.db"
    await migrate(url)
    real, memory = SqlDatabase(make_engine(url), KEYRING), MemoryDatabase(Shared())
    twins = Twins(seed)
    try:
        for database in (real, memory):
            async with database.write(Scope("/")) as store:
                await store.panels.add(a_panel())
                for reseller in twins.resellers:
                    await store.resellers.add(reseller)
        for number in range(STEPS):
            scope = twins.scope()
            steps = twins.transaction(scope)
            give_up = twins.source.random() < 0.15
            answers = [await told(each, scope, steps, give_up=give_up) for each in (real, memory)]
            assert answers[0] == answers[1], f"transaction {number} of seed {seed}"
    finally:
        await real.close()
