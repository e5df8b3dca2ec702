"""Watching: the present state, then each new one, and the door is passed for every look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.domain.caller import Caller, CallerKind, Permission
from gateway.domain.errors import (
    GatewayError,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    Unauthenticated,
)
from gateway.domain.operations import OperationState
from gateway.domain.secrets import SystemRandom
from gateway.notices.memory import MemoryNotices
from gateway.services.context import Context, Ports
from gateway.services.scope import Scope
from gateway.services.watching import (
    RECHECK_SECONDS,
    changes,
    watch_device,
    watch_line,
    watch_operation,
)
from tests.factories import NOW, a_device, a_line, a_reseller, an_operation, owned_by
from tests.workers.virtual_time import run_virtually

ANN, BOB = a_reseller(name="Ann"), a_reseller(name="Bob")
READING = frozenset(
    {Permission.LINES_READ, Permission.DEVICES_READ, Permission.OPERATIONS_READ},
)
#: More than any sum of virtual seconds differs from what it should be.
A_LITTLE = 0.001


class LoopClock:
    """The time of the event loop."""

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Rows:
    """What there is, as far as a scope covers it; counts the looks."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self.looks: list[float] = []

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Any]:
        self.looks.append(asyncio.get_running_loop().time())

        async def get(row_id: str) -> Any:
            row = self.held.get(row_id)
            if row is None or not scope.covers(row.owner_path, row.id):
                raise NotFound("There is no such thing.")
            return row

        noun = SimpleNamespace(get=get)
        yield SimpleNamespace(lines=noun, devices=noun, operations=noun)


class Stage:
    """One process with one watcher, whose caller can be changed at any time."""

    def __init__(self, *, notices: MemoryNotices | None = None) -> None:
        self.rows = Rows()
        self.notices = notices or MemoryNotices()
        self.caller: Caller | Exception = Caller(
            kind=CallerKind.RESELLER,
            id=ANN.id,
            reseller_id=ANN.id,
            owner_path=ANN.owner_path,
            permissions=READING,
        )
        closed: Any = None
        self.context = Context(
            ports=Ports(
                database=self.rows,  # type: ignore[arg-type]  # Rows stands in for a database.
                panels=closed,
                cache=closed,
                notices=self.notices,
                sealer=closed,
                clock=LoopClock(),
                random=SystemRandom(),
                identity=closed,
                tasks=closed,
                flights=closed,
                limits=closed,
            ),
            caller=Caller.system("must not be used: each look has its own caller"),
            request_id="request-1",
        )
        self.seen: list[Any] = []
        self.ended_at: float | None = None
        self.end: GatewayError | None = None

    def put(self, row: Any) -> Any:
        """Change what there is, as a commit does."""
        self.rows.held[row.id] = row
        self.notices.publish([row.id])
        return row

    def error(self) -> type[GatewayError] | None:
        """Return what ended the watching; None: it ended by itself, or goes on."""
        return None if self.end is None else type(self.end)

    async def identify(self) -> Caller:
        if isinstance(self.caller, Exception):
            raise self.caller
        return self.caller

    def watch(self, read: Callable[[Context, Any], Awaitable[Any]], row: Any) -> asyncio.Task[None]:
        """Watch until it ends."""

        async def run() -> None:
            stream = changes(
                self.context, row.id, lambda context: read(context, row.id), identify=self.identify
            )
            try:
                async with aclosing(stream):
                    async for state in stream:
                        self.seen.append(state)
            except GatewayError as error:
                self.end = error
            self.ended_at = asyncio.get_running_loop().time()

        return asyncio.create_task(run())


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def virtually(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtually(play())


MINE = owned_by(ANN)


@pytest.mark.parametrize(
    ("read", "make", "after"),
    [
        (watch_line, lambda: a_line(**MINE), {"notes": "new"}),
        (watch_device, lambda: a_device(**MINE), {"notes": "new"}),
        (watch_operation, lambda: an_operation(**MINE), {"state": OperationState.SENDING}),
    ],
    ids=["line", "device", "operation"],
)
def test_the_present_state_comes_at_once_and_then_each_change(
    read: Any, make: Callable[[], Any], after: dict[str, Any]
) -> None:
    async def play() -> None:
        stage = Stage()
        first = stage.put(make())
        task = stage.watch(read, first)
        await asyncio.sleep(A_LITTLE)
        assert stage.seen == [first]
        second = stage.put(replace(first, **after))
        await asyncio.sleep(A_LITTLE)
        assert stage.seen == [first, second]
        await stopped(task)

    virtually(play)


def test_a_state_like_the_last_one_is_left_out_and_looked_at_all_the_same() -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        task = stage.watch(watch_line, line)
        for _ in range(3):
            await asyncio.sleep(A_LITTLE)
            stage.put(replace(line))
        await asyncio.sleep(A_LITTLE)
        assert len(stage.rows.looks) == 4
        assert stage.seen == [line]
        await stopped(task)

    virtually(play)


def test_many_changes_while_the_watcher_is_busy_are_one_look() -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        task = stage.watch(watch_line, line)
        await asyncio.sleep(A_LITTLE)
        for number in range(10_000):
            stage.put(replace(line, notes=str(number)))
        await asyncio.sleep(A_LITTLE)
        assert [each.notes for each in stage.seen] == ["", "9999"]
        assert len(stage.rows.looks) == 2
        await stopped(task)

    virtually(play)


def test_a_change_whose_notice_was_lost_shows_after_the_pause() -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        task = stage.watch(watch_line, line)
        await asyncio.sleep(A_LITTLE)
        stage.rows.held[line.id] = replace(line, notes="new")
        await asyncio.sleep(RECHECK_SECONDS + A_LITTLE)
        assert [each.notes for each in stage.seen] == ["", "new"]
        await stopped(task)

    virtually(play)


def test_expiry_is_a_change_though_no_row_changes() -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE, expires_at=NOW + timedelta(seconds=12)))
        task = stage.watch(watch_line, line)
        await asyncio.sleep(11)
        assert stage.seen == [line]
        await asyncio.sleep(1 + RECHECK_SECONDS + A_LITTLE)
        assert stage.seen == [line, line]
        await asyncio.sleep(10 * RECHECK_SECONDS)
        assert stage.seen == [line, line]
        await stopped(task)

    virtually(play)


@pytest.mark.parametrize("state", list(OperationState))
def test_an_operation_is_watched_until_it_is_final(state: OperationState) -> None:
    async def play() -> None:
        stage = Stage()
        operation = stage.put(an_operation(**MINE))
        task = stage.watch(watch_operation, operation)
        await asyncio.sleep(A_LITTLE)
        stage.put(replace(operation, state=state, attempts=1))
        await asyncio.sleep(A_LITTLE)
        assert [each.state for each in stage.seen] == [OperationState.PREPARED, state]
        assert task.done() == (state in {OperationState.SUCCEEDED, OperationState.FAILED})
        assert stage.error() is None
        assert not stage.notices._listeners.resources() or not task.done()
        await stopped(task)

    virtually(play)


def test_a_final_operation_is_shown_once() -> None:
    async def play() -> None:
        stage = Stage()
        operation = stage.put(an_operation(**MINE, state=OperationState.FAILED))
        await stage.watch(watch_operation, operation)
        assert stage.seen == [operation]

    virtually(play)


REVOKED = Unauthenticated("The key is missing or not valid here.")


def moved(caller: Caller) -> Caller:
    """Return the same caller with the rows of another reseller."""
    return replace(caller, reseller_id=BOB.id, owner_path=BOB.owner_path)


def bereft(caller: Caller) -> Caller:
    """Return the same caller without the permission."""
    return replace(caller, permissions=READING - {Permission.LINES_READ})


LOSSES: pytest.MarkDecorator = pytest.mark.parametrize(
    ("lose", "error"),
    [
        (lambda _: REVOKED, Unauthenticated),
        (moved, NotFound),
        (bereft, PermissionDenied),
    ],
    ids=["key", "scope", "permission"],
)


@LOSSES
def test_who_may_no_longer_watch_is_ended_within_the_recheck_though_nothing_changes(
    lose: Callable[[Any], Any], error: type[GatewayError]
) -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        task = stage.watch(watch_line, line)
        await asyncio.sleep(7.5)
        stage.caller = lose(stage.caller)
        lost_at = asyncio.get_running_loop().time()
        await task
        assert stage.error() is error
        assert stage.seen == [line]
        assert stage.ended_at is not None
        assert lost_at < stage.ended_at <= lost_at + RECHECK_SECONDS
        assert not stage.notices._listeners.resources()

    virtually(play)


@LOSSES
def test_who_may_no_longer_watch_never_sees_the_next_change(
    lose: Callable[[Any], Any], error: type[GatewayError]
) -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        task = stage.watch(watch_line, line)
        await asyncio.sleep(A_LITTLE)
        stage.caller = lose(stage.caller)
        stage.put(replace(line, notes="secret"))
        await task
        assert stage.error() is error
        assert stage.seen == [line]
        assert stage.ended_at == A_LITTLE

    virtually(play)


def test_looks_are_five_seconds_apart_also_for_a_slow_consumer() -> None:
    """What the consumer takes to handle a state counts: the next check is not later for it."""

    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        stream = changes(
            stage.context,
            line.id,
            lambda context: watch_line(context, line.id),
            identify=stage.identify,
        )
        async with aclosing(stream):
            await anext(stream)
            await asyncio.sleep(3)
            stage.rows.held[line.id] = replace(line, notes="new")
            await anext(stream)
            assert stage.rows.looks == [0, RECHECK_SECONDS]
            await asyncio.sleep(30)
            stage.caller = REVOKED
            with pytest.raises(Unauthenticated):
                await anext(stream)

    virtually(play)


def test_what_is_deleted_or_foreign_or_was_never_there_is_not_found() -> None:
    async def play() -> None:
        stage = Stage()
        line = stage.put(a_line(**MINE))
        task = stage.watch(watch_line, line)
        await asyncio.sleep(A_LITTLE)
        del stage.rows.held[line.id]
        stage.notices.publish([line.id])
        await task
        assert stage.error() is NotFound
        assert stage.seen == [line]
        for row in (stage.put(a_line(**owned_by(BOB))), a_line(**MINE)):
            stage.end = None
            await stage.watch(watch_line, row)
            assert stage.error() is NotFound
            assert stage.seen == [line]

    virtually(play)


def test_more_watchers_than_there_may_be_are_refused_before_any_look() -> None:
    async def play() -> None:
        stage = Stage(notices=MemoryNotices(listeners_max=1))
        line = stage.put(a_line(**MINE))
        first = stage.watch(watch_line, line)
        await asyncio.sleep(A_LITTLE)
        await stage.watch(watch_line, line)
        assert stage.error() is ServiceUnavailable
        assert len(stage.rows.looks) == 1
        await stopped(first)

    virtually(play)


def test_the_recheck_is_five_seconds() -> None:
    """The guides say so."""
    assert RECHECK_SECONDS == 5
