"""The file that shows from outside whether the workers are well."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.workers.heart import BEAT_EVERY_SECONDS, TICK_SECONDS_MAX, Heart
from gateway.workers.runner import run_workers
from tests.workers.virtual_time import run_virtually

LONG_AGO = 1_000_000_000


class Slow:
    """A worker whose every tick takes so long."""

    name, every_seconds, batch = "slow", 5.0, 10

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def tick(self) -> int:
        await asyncio.sleep(self.seconds)
        return 0


class Broken(Slow):
    """A worker whose every tick fails."""

    name = "broken"

    async def tick(self) -> int:
        raise ZeroDivisionError


def make_old(path: Path) -> None:
    if path.exists():
        os.utime(path, (LONG_AGO, LONG_AGO))


def is_young(path: Path) -> bool:
    return path.exists() and path.stat().st_mtime > LONG_AGO


def beats(path: Path, worker: Slow, *, after: float, within: float) -> bool:
    """Tell whether the file is touched *within* so many seconds, *after* so many of work."""

    async def run() -> bool:
        stop = asyncio.Event()
        running = asyncio.create_task(run_workers([worker], stop, heart=Heart(path)))
        await asyncio.sleep(after)
        make_old(path)
        await asyncio.sleep(within)
        touched = is_young(path)
        stop.set()
        await running
        return touched

    with capture_logs():
        return run_virtually(run())


@pytest.mark.parametrize(
    ("worker", "after", "is_well"),
    [
        (Slow(0), 0.0, True),
        (Slow(0), 100_000.0, True),
        (Slow(TICK_SECONDS_MAX - 60), TICK_SECONDS_MAX - 120, True),
        (Slow(TICK_SECONDS_MAX * 3), TICK_SECONDS_MAX + 60, False),
        (Slow(TICK_SECONDS_MAX / 2), 10 * TICK_SECONDS_MAX, True),
        (Broken(0), 1_000.0, True),
    ],
    ids=["idle", "long idle", "busy", "hanging", "busy again and again", "failing"],
)
def test_the_file_is_touched_unless_a_tick_hangs(
    tmp_path: Path, worker: Slow, after: float, is_well: bool
) -> None:
    found = beats(tmp_path / "heartbeat", worker, after=after, within=2 * BEAT_EVERY_SECONDS)
    assert found is is_well


def test_the_heart_stops_with_the_workers(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"

    async def run() -> float:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(12.0, stop.set)
        await run_workers([Slow(0)], stop, heart=Heart(path))
        return asyncio.get_running_loop().time()

    assert run_virtually(run()) == pytest.approx(12.0)
    assert path.exists()


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def run() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(12.0, stop.set)
        await run_workers([Slow(0)], stop)

    run_virtually(run())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_touched_is_told_once_and_stops_no_worker(tmp_path: Path) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(60.0, stop.set)
        await run_workers([Slow(0)], stop, heart=Heart(tmp_path / "absent" / "heartbeat"))

    with capture_logs() as logs:
        run_virtually(run())
    assert [entry["event"] for entry in logs] == ["heartbeat.failed"]
    assert logs[0]["reason"] == "No such file or directory"
