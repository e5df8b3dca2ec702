"""The recorded exchanges, in order: every open answer byte for byte, by TCP and without."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.simulator.ledger import Record
from gateway.simulator.running import RunningSimulator, running_simulator
from tests.simulator import replay
from tests.simulator.asking import eventually, until

BURSTS = ("bodies", "statuses")
"""Answers of many requests at once: counts are chance, the mix is compared."""
COUNTED = ("users", "mag_devices", "user_output", "reg_userlog", "panel_logs")


class Replayer:
    def __init__(self, simulator: RunningSimulator, *, by_tcp: bool = True) -> None:
        self.simulator = simulator
        self.by_tcp = by_tcp
        self.learned = replay.Learned()
        self.compared = 0
        self.wrong: list[str] = []

    async def play(self, exchange: dict[str, Any]) -> None:
        setup = exchange["setup"] or {}
        if setup:
            url = self.simulator.control_url or ""
            status, answer = await replay.control(url, "POST", "/setup", setup)
            assert status == 200, (exchange["n"], answer)
        if setup.get("reset"):
            self.learned = replay.Learned()
        seen = self.simulator.panel.ledger.next_seq - 1
        problem = await self._answered(exchange, setup)
        records = self.simulator.panel.ledger.since(seen)
        in_words = exchange["effect"] if "client_timeout_seconds" not in setup else None
        if problem is None and in_words and len(records) == 1:
            problem = effect_differs(self.learned.fill(in_words), records[0])
        if problem is not None:
            self.wrong.append(f"{exchange['n']} {exchange['name']}: {problem}")
        self.compared += exchange["expect"] is not None

    async def _answered(self, exchange: dict[str, Any], setup: dict[str, Any]) -> str | None:
        if "concurrency" in setup:
            return await self._burst(exchange, setup["concurrency"])
        if "client_timeout_seconds" in setup:
            return await self._abandoned(exchange)
        reply = await self._send(exchange, setup.get("caller_ip"))
        return None if exchange["expect"] is None else self._differs(exchange["expect"], reply)

    async def _send(self, exchange: dict[str, Any], source: str | None = None) -> replay.Reply:
        if self.by_tcp:
            url = self.simulator.base_url
            return await replay.send(url, exchange, self.learned, source=source)
        return await replay.hand_over(self.simulator.panel, exchange, self.learned, source=source)

    def _differs(self, expect: dict[str, Any], reply: replay.Reply) -> str | None:
        if (reply.status, reply.content_type) != (expect["status"], expect["content_type"]):
            return f"{reply.status} {reply.content_type}"
        return self.learned.match(expect["body"], reply.body)

    async def _burst(self, exchange: dict[str, Any], count: int) -> str | None:
        replies = await asyncio.gather(*(self._send(exchange) for _ in range(count)))
        expect = exchange["expect"]
        if expect is None:
            return None
        if "statuses" in expect:
            found = {str(reply.status) for reply in replies}
            return None if found == set(expect["statuses"]) else f"statuses {found}"
        mix = [entry["body"] for entry in expect["bodies"]]
        odd = [r.body for r in replies if all(self.learned.match(body, r.body) for body in mix)]
        successes = sum('"result":true' in reply.body for reply in replies)
        return None if successes and not odd else f"{successes} successes, odd: {odd}"

    async def _abandoned(self, exchange: dict[str, Any]) -> str | None:
        panel = self.simulator.panel
        if self.by_tcp:
            raw = replay.build_request(exchange, self.learned)
            with pytest.raises(TimeoutError):
                await replay.raw_request(self.simulator.base_url, raw, seconds=0.05)
            await eventually(lambda: panel.clock.sleepers == 1)
        else:
            abandoned = asyncio.create_task(self._send(exchange))
            await until(lambda: panel.clock.sleepers == 1)
            assert not abandoned.done()
        assert not panel.tables["users"].find("late1")
        panel.clock.advance(4)
        await panel.wait_idle()
        return None if len(panel.tables["users"].find("late1")) == 1 else "no row afterwards"


def effect_differs(expected: str, record: Record) -> str | None:
    """Compare rows added and cells changed with what was recorded in words."""
    for table in COUNTED:
        wanted = sum(map(int, re.findall(rf"\b{table} \+(\d+)", expected)))
        found = sum(
            effect.table == table and effect.column in ("id", "mag_id") and effect.after is not None
            for effect in record.effects
        )
        if wanted != found:
            return f"{table}: {found} rows added, not {wanted}"
    changes = list(changed_cells(record)) if "+1 (id=7777" not in expected else []
    missing = [change for change in changes if "{{" not in expected and change not in expected]
    if missing or expected.count(": ") < len(changes):
        return f"changed {changes}, not {expected}"
    return None


def changed_cells(record: Record) -> Iterator[str]:
    new_rows = {
        (effect.table, effect.id)
        for effect in record.effects
        if effect.column in ("id", "mag_id") and effect.before is None
    }
    for effect in record.effects:
        if (effect.table, effect.id) not in new_rows:
            yield f"{effect.column}: {shown(effect.before)} -> {shown(effect.after)}"


def shown(cell: object) -> str:
    if cell is None:
        return "NULL"
    return f"{cell:.6g}" if isinstance(cell, float) and abs(cell) < 1e6 else str(cell or repr(cell))


@pytest.mark.parametrize("by_tcp", [True, False])
@pytest.mark.parametrize(("name", "open_answers"), [("v2.jsonl", 192), ("v2-extra.jsonl", 89)])
async def test_every_open_answer_is_given_byte_for_byte(
    name: str, open_answers: int, by_tcp: bool
) -> None:
    async with running_simulator(control_bind="127.0.0.1:0") as simulator:
        replayer = Replayer(simulator, by_tcp=by_tcp)
        for exchange in replay.exchanges(name):
            await replayer.play(exchange)
    assert not replayer.wrong, "\n".join(replayer.wrong)
    assert replayer.compared == open_answers


async def test_the_effect_check_sees_a_missing_row() -> None:
    async with running_simulator() as simulator:
        exchange = replay.exchanges("v2.jsonl")[0]
        await replay.send(simulator.base_url, exchange, replay.Learned())
        record = simulator.panel.ledger.records[0]
        assert effect_differs(exchange["effect"], record) is None
        record.effects = [e for e in record.effects if e.table != "user_output"]
        assert effect_differs(exchange["effect"], record) is not None
