"""Clock, state file and command: what outlives a request, and what outlives the process."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator.clock import Clock
from gateway.simulator.command import SimulatorOptions, simulate_panel
from gateway.simulator.running import build_panel
from tests.simulator import replay
from tests.simulator.asking import add_fault, ask, info, line_form, told, until


async def test_wall_time_wakes_sleepers_and_can_be_advanced() -> None:
    clock = Clock()
    await clock.sleep(0)
    await clock.sleep(0.01)
    long = asyncio.create_task(clock.sleep(3600))
    cut = asyncio.create_task(clock.sleep(1800))
    await until(lambda: clock.sleepers == 2)
    cut.cancel()
    await until(lambda: clock.sleepers == 1)
    clock.advance(3600)
    await long
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)


async def test_a_panel_goes_on_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "panel.db"
    panel = build_panel(state=file, clock="virtual")
    made = await told(panel, "user/create", "")
    await ask(panel, "user/create", line_form(id="50"))
    panel.tables["users"].delete(1)
    await told(panel, "reg_user/credits", "id=2&amount=5")
    records = [record.as_dict() for record in panel.ledger.records]
    await panel.close()
    again = build_panel(state=file, clock="virtual")
    assert [record.as_dict() for record in again.ledger.records] == records
    assert (await info(again))["id"] == "50"
    assert again.tables["reg_users"].rows[2]["credits"] == 15.5
    second = await told(again, "user/create", "")
    assert second["created_id"] == 51
    assert second["username"] != made["username"]
    again.world.reset()
    await again.close()
    fresh = build_panel(state=file, clock="virtual")
    assert fresh.ledger.records == []
    assert (await told(fresh, "user/create", line_form()))["created_id"] == 1
    fresh.world.reset_settings()
    assert file.stat().st_mode & 0o077 == 0
    assert b"holds credentials in the clear" in file.read_bytes() + wal_of(file)
    await fresh.close()


def wal_of(file: Path) -> bytes:
    return file.with_name(file.name + "-wal").read_bytes()


async def test_a_broken_save_changes_nothing(tmp_path: Path) -> None:
    panel = build_panel(state=tmp_path / "panel.db")
    state = panel.world.state
    assert state is not None
    with pytest.raises(Exception, match="table"):
        state._run(
            ("INSERT OR REPLACE INTO counters VALUES (?, ?)", [("users", 99)]),
            ("INSERT INTO nowhere VALUES (?)", [(1,)]),
        )
    assert state._db.execute("SELECT next_id FROM counters WHERE name = 'users'").fetchone() == (1,)
    await panel.close()


async def test_a_delayed_answer_has_its_write_on_disk(tmp_path: Path) -> None:
    file = tmp_path / "panel.db"
    panel = build_panel(state=file, clock="virtual")
    add_fault(panel, "delay_after", seconds=60)
    asking = asyncio.create_task(ask(panel, "user/create", line_form()))
    await until(lambda: panel.clock.sleepers == 1)
    other = build_panel(state=file, clock="virtual")
    assert (await info(other))["username"] == "alice"
    asking.cancel()
    await other.close()
    await panel.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio, sys
from gateway.simulator.command import SimulatorOptions, simulate_panel
asyncio.run(simulate_panel(SimulatorOptions(
    bind=sys.argv[1], control="127.0.0.1:0", state=sys.argv[2], seed=7)))
"""


async def start(bind: str, file: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        bind,
        str(file),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH="."),
    )
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    assert "seed 7" in said
    await process.stdout.readline()
    return process, said.split()[1]


async def test_a_killed_process_goes_on_with_every_answered_write(tmp_path: Path) -> None:
    file, bind = tmp_path / "panel.db", f"127.0.0.1:{free_port()}"
    process, url = await start(bind, file)
    answered: list[int] = []

    async def keep_creating() -> None:
        for number in range(10_000):
            exchange: dict[str, Any] = {
                "method": "POST",
                "query": "action=user&sub=create",
                "body": line_form(f"user{number}"),
                "headers": None,
            }
            try:
                reply = await replay.send(url, exchange, replay.Learned())
            except (OSError, IndexError, ValueError):
                return
            answered.append(json.loads(reply.body)["created_id"])

    working = asyncio.create_task(keep_creating())
    while len(answered) < 20:  # noqa: ASYNC110 - another process is in between.
        await asyncio.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    await working
    panel = build_panel(state=file)
    rows = panel.tables["users"].rows
    assert set(answered) <= set(rows)
    assert len(rows) - len(answered) <= 1
    assert len(panel.ledger.records) >= len(answered)
    await panel.close()
    process, url = await start(bind, file)
    exchange = {"method": "GET", "query": "action=user&sub=info&username=user0&password=secret"}
    reply = await replay.send(url, exchange | {"body": None, "headers": None}, replay.Learned())
    assert json.loads(reply.body)["user_info"]["username"] == "user0"
    process.terminate()
    await process.wait()


async def test_the_command_says_where_and_with_which_seed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = SimulatorOptions(bind="127.0.0.1:0", settings={"sql_mode": "strict"})
    running = asyncio.create_task(simulate_panel(options))
    said = ""
    while "seed" not in said:
        await asyncio.sleep(0.01)
        said += capsys.readouterr().out
    assert said.startswith("Panel:   http://127.0.0.1:")
    assert "Control" not in said
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
