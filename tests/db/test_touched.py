"""After a commit, whoever watches is told of every line, device and operation that it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import sqlalchemy as sa

from gateway.db.engine import make_engine
from gateway.db.rotation import rotate
from gateway.db.rows_devices import DeviceRow
from gateway.db.rows_lines import LineRow
from gateway.db.rows_operations import OperationRow
from gateway.db.store import SqlDatabase
from gateway.db.touched import touching
from gateway.domain.errors import StateConflict, UsernameTaken
from gateway.domain.ids import OperationId
from gateway.domain.operations import Operation, OperationState
from gateway.services.ports.operations_store import Operations
from gateway.services.ports.store import Store
from gateway.services.ports.subscriptions_store import Devices, Lines
from gateway.services.scope import system_scope
from tests.db.conftest import KEYRING
from tests.db.kinds import DEVICES, KINDS, LINES, Kind
from tests.factories import a_panel, an_operation

#: Methods that change no row that is watched; each needs a reason.
UNSEEN: Final = {
    # A reference is shown nowhere: it only remembers which renewal it belongs to.
    *("Lines.add_reference", "Lines.delete_reference"),
    *("Devices.add_reference", "Devices.delete_reference"),
    # When something was compared with its panel is shown nowhere either.
    *("Lines.take_uncompared", "Lines.set_compared"),
    *("Devices.take_uncompared", "Devices.set_compared"),
    # Nor is when there is next something to tell of it.
    *("Lines.take_telling", "Lines.set_telling", "Lines.look_anew"),
    *("Devices.take_telling", "Devices.set_telling", "Devices.look_anew"),
}
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
PORTS: Final = {"Lines": Lines, "Devices": Devices, "Operations": Operations}
READING: Final = ("get", "find", "list", "count")


class Told:
    """A database that notes what it tells, and what stood in it at that moment."""

    def __init__(self, url: str) -> None:
        self.ids: list[set[str]] = []
        self.database = SqlDatabase(make_engine(url), KEYRING, tell=self.tell)

    def tell(self, row_ids: Collection[str]) -> None:
        self.ids.append(set(row_ids))

    async def change(self, work: Callable[[Store], Awaitable[object]]) -> list[set[str]]:
        """Return what is told of one transaction."""
        self.ids.clear()
        async with self.database.write(system_scope()) as store:
            await work(store)
        return list(self.ids)


@dataclass(frozen=True)
class Made:
    """What stands in the database before each method."""

    kinds: dict[str, Any]
    operation: Operation

    def of(self, kind: Kind) -> Any:
        return self.kinds[kind.noun]


@pytest.fixture
async def told(migrated_url: str) -> Any:
    told = Told(migrated_url)
    await told.change(lambda store: store.panels.add(a_panel()))
    yield told
    await told.database.close()


@pytest.fixture
async def made(told: Told) -> Made:
    made = Made({kind.noun: kind.make() for kind in KINDS}, an_operation())
    async with told.database.write(system_scope()) as store:
        for kind in KINDS:
            await kind.of(store).add(made.of(kind))
        await store.operations.add(made.operation)
    return made


NEW: Final = {kind.noun: kind.make() for kind in KINDS}
NEW_OPERATION: Final = an_operation()

Call = Callable[[Store, Made], Awaitable[object]]


def changes_of(kind: Kind) -> dict[str, tuple[Call, Callable[[Made], str]]]:
    """Return the changing methods of lines or devices, and which row each one changes."""
    of = kind.of

    def present(made: Made) -> str:
        found: str = made.of(kind).id
        return found

    methods: dict[str, tuple[Call, Callable[[Made], str]]] = {
        "add": (lambda s, m: of(s).add(NEW[kind.noun]), lambda m: NEW[kind.noun].id),
        "save": (lambda s, m: of(s).save(replace(m.of(kind), notes="x")), present),
        "raise_epoch": (lambda s, m: of(s).raise_epoch(present(m)), present),
        "delete": (lambda s, m: of(s).delete(present(m)), present),
    }
    return {f"{kind.noun.capitalize()}.{name}": it for name, it in methods.items()}


async def _lose_and_take(store: Store, made: Made) -> None:
    """Take up an operation whose outcome is unknown since long ago."""
    lost = replace(made.operation, state=OperationState.UNKNOWN, settles_at=LONG_AGO)
    assert await store.operations.save(lost, was=OperationState.PREPARED)
    assert len(await store.operations.take_due(NOW, NOW, 5)) == 1


#: Every changing method, and which row it changes.
CHANGES: Final[dict[str, tuple[Call, Callable[[Made], str]]]] = {
    **changes_of(LINES),
    **changes_of(DEVICES),
    "Operations.add": (lambda s, m: s.operations.add(NEW_OPERATION), lambda m: NEW_OPERATION.id),
    "Operations.claim": (
        lambda s, m: s.operations.claim(replace(m.operation, state=OperationState.SENDING)),
        lambda m: m.operation.id,
    ),
    "Operations.save": (
        lambda s, m: s.operations.save(m.operation, was=OperationState.PREPARED),
        lambda m: m.operation.id,
    ),
    "Operations.take_due": (_lose_and_take, lambda m: m.operation.id),
}


def test_every_method_that_may_change_something_is_here() -> None:
    methods = {
        f"{noun}.{name}"
        for noun, port in PORTS.items()
        for name in dir(port)
        if not name.startswith(("_", *READING))
    }
    assert methods == CHANGES.keys() | UNSEEN


@pytest.mark.parametrize("method", CHANGES)
async def test_a_changing_method_tells_of_its_row(told: Told, made: Made, method: str) -> None:
    call, row_id = CHANGES[method]
    assert await told.change(lambda store: call(store, made)) == [{row_id(made)}]


async def test_a_transaction_tells_once_of_all_it_changed(told: Told, made: Made) -> None:
    async def work(store: Store) -> None:
        for kind in KINDS:
            await kind.of(store).raise_epoch(made.of(kind).id)
            await kind.of(store).save(made.of(kind))
        await store.operations.save(made.operation, was=OperationState.PREPARED)

    expected = {made.operation.id, *(made.of(kind).id for kind in KINDS)}
    assert await told.change(work) == [expected]


async def test_what_is_told_is_committed_already(told: Told, made: Made) -> None:
    """Whoever hears of it reads at once, in another transaction."""
    seen: list[str] = []

    async def read() -> None:
        async with told.database.read(system_scope()) as store:
            seen.append((await store.lines.get(made.of(LINES).id)).notes)

    work = replace(made.of(LINES), notes="new")
    async with told.database.write(system_scope()) as store:
        await store.lines.save(work)
        await read()
        assert told.ids[2:] == []
    await read()
    assert seen == ["", "new"]
    assert told.ids[-1] == {made.of(LINES).id}


async def test_a_transaction_that_was_rolled_back_tells_nothing(told: Told, made: Made) -> None:
    async def work(store: Store) -> None:
        for kind in KINDS:
            await kind.of(store).save(made.of(kind))
        await store.operations.claim(replace(made.operation, state=OperationState.SENDING))
        raise StateConflict("No.")

    with pytest.raises(StateConflict):
        await told.change(work)
    assert told.ids == []


async def test_one_that_only_reads_tells_nothing(told: Told, made: Made) -> None:
    assert await told.change(lambda store: store.lines.get(made.of(LINES).id)) == []


async def test_a_refused_insert_is_not_told_of(told: Told, made: Made) -> None:
    """The rest of its transaction is."""

    async def work(store: Store) -> None:
        with pytest.raises(UsernameTaken):
            await store.lines.add(LINES.make(username=made.of(LINES).username))
        await store.operations.save(made.operation, was=OperationState.PREPARED)

    assert await told.change(work) == [{made.operation.id}]


async def test_references_are_not_told_of(told: Told, made: Made, kind: Kind) -> None:
    async def work(store: Store) -> None:
        await kind.of(store).add_reference(made.of(kind).id, "invoice", OperationId("op_1"))
        await kind.of(store).delete_reference(OperationId("op_1"))

    assert await told.change(work) == []


@pytest.mark.parametrize("row", [LineRow, DeviceRow, OperationRow])
async def test_a_bulk_change_that_does_not_say_what_it_touches_is_refused(
    told: Told, made: Made, row: type[Any]
) -> None:
    for statement in (sa.update(row).values(panel_id="pnl_x"), sa.delete(row)):
        async with told.database.session(system_scope(), writable=True) as session:
            with pytest.raises(RuntimeError, match="must say what it touches"):
                await session.execute(statement)
    told.ids.clear()
    async with told.database.session(system_scope(), writable=True) as session:
        await session.execute(touching(sa.delete(row), "a", "b"))
    assert told.ids == [{"a", "b"}]


async def test_rows_that_a_session_changes_by_itself_are_told_of(told: Told, made: Made) -> None:
    told.ids.clear()
    async with told.database.session(system_scope(), writable=True) as session:
        line = await session.get_one(LineRow, made.of(LINES).id)
        line.notes = "x"
        await session.delete(await session.get_one(DeviceRow, made.of(DEVICES).id))
    assert told.ids == [{made.of(LINES).id, made.of(DEVICES).id}]


async def test_new_seals_on_old_values_are_told_to_nobody(told: Told, made: Made) -> None:
    told.ids.clear()
    keyring = type(KEYRING)([("k2", b"2" * 32), ("k1", b"1" * 32)])
    resealed = sum([step.resealed async for step in rotate(told.database, keyring)])
    assert resealed
    assert told.ids == []
