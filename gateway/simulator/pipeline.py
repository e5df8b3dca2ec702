"""The life of one request, in the order a panel works in.

accept, rate limit, read, parse, firewall, database, flood, caller, key, dispatch, checks, writes,
log, answer, send. Every step has a name at which a request can be held.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

from gateway.simulator import access, damage
from gateway.simulator.actions import routes
from gateway.simulator.call import Call, ScriptCrashed, ScriptDied
from gateway.simulator.faults import Facts, Rule
from gateway.simulator.ledger import Record
from gateway.simulator.messages import PanelAnswer, PanelRequest
from gateway.simulator.php import PhpArray, is_empty, text_of, to_int
from gateway.simulator.phpforms import body_pairs, clean, read_variables, split_pairs
from gateway.simulator.phpjson import CannotPrint, print_json
from gateway.simulator.switches import Switches
from gateway.simulator.tables import Tables
from gateway.simulator.world import World

HELD_BEFORE: Final = ("delay_before", "ghost_write")
MAX_YIELDS: Final = 2
LOCKED: Final = ("check", "write_1")
"""Steps that wait while the table of lines is locked."""


class Run:
    """One request going through the script."""

    def __init__(self, world: World, request: PanelRequest, record: Record) -> None:
        self.world: Final = world
        self.request: Final = request
        self.record: Final = record
        self.switches: Final[Switches] = world.switches
        self.tables: Final[Tables] = world.tables
        self.random: Final = random.Random(f"{world.seed}:{record.seq}")  # noqa: S311 - repeatable.
        self.rule: Rule | None = None
        self._held = False
        query = read_variables(split_pairs(request.query.encode("utf-8", "surrogateescape")))
        kind = request.content_type.encode("latin-1", "replace")
        body = read_variables(body_pairs(request.method, kind, request.body))
        self.raw: Final[PhpArray] = query | body
        self.params: Final[PhpArray] = clean(query) | clean(body)
        record.action, record.sub = self._text("action"), self._text("sub")

    async def answer(self) -> PanelAnswer:
        """Return what the panel answers, spoiled if a fault is due."""
        self.rule = self.world.faults.pick(self._facts())
        if self.rule is None:
            return await self.script()
        self.record.fault, self.record.fault_id = self.rule.form.fault, self.rule.id
        instead = damage.failure(self.rule, self.switches)
        if instead is not None or self.rule.effect != "before":
            return await self._failing(self.rule, instead or PanelAnswer(200, b'{"result":true}'))
        answer = await self.script()
        if self.rule.form.fault == "delay_after":
            await self.world.clock.sleep(self.rule.number("seconds", "delay"))
        answer.lost = self.rule.form.fault == "ghost_write"
        return damage.spoil(self.rule, answer)

    async def _failing(self, rule: Rule, instead: PanelAnswer) -> PanelAnswer:
        if rule.effect == "before":
            await self.script()
        elif rule.effect == "after":
            instead.afterwards = self._late
        return damage.spoil(rule, instead)

    async def _late(self) -> None:
        await self.script()

    async def script(self) -> PanelAnswer:
        """Run the script: its gates, then the call; what it wrote is committed."""
        try:
            return await self._gates() or await self._call()
        except (ScriptDied, CannotPrint):
            return PanelAnswer(200)
        except ScriptCrashed:
            return PanelAnswer(500)
        finally:
            self.world.commit(self.record)

    async def _gates(self) -> PanelAnswer | None:
        await self.step("firewall")
        if self.switches.firewall and self.world.firewall.refuses(self.raw):
            return PanelAnswer(404)
        await self.step("database")
        broken = access.database_failure(self.switches)
        if broken is not None:
            return broken
        await self.step("caller")
        if not access.is_allowed_caller(self.record.caller, self.switches, self.tables):
            return PanelAnswer(200, print_json(access.IP_FORBIDDEN).encode())
        await self.step("key")
        if not access.is_right_key(self.params, self.switches):
            return PanelAnswer(200, print_json(access.KEY_WRONG).encode())
        return PanelAnswer(404) if self._is_past_expiry() else None

    async def _call(self) -> PanelAnswer:
        call = Call(
            params=self.params,
            tables=self.tables,
            switches=self.switches,
            clock=self.world.clock,
            random=self.random,
            record=self.record,
            step=self.step,
            lose_writes=self._faulty("lost_write"),
        )
        await self.step("dispatch")
        action = routes.find(call)
        if action is None:
            return PanelAnswer(200)
        value = await action(call)
        await self._hold()
        await self.step("answer")
        return PanelAnswer(200, print_json(value).encode())

    async def step(self, name: str) -> None:
        """Let others run; hold here if a fault or a test asks for it."""
        for _ in range(self.random.randint(0, MAX_YIELDS)):
            await asyncio.sleep(0)
        if name.startswith("write"):
            await self._hold()
        if name in LOCKED:
            await self._wait_for_lock()
        if name in self.world.pause_at or self._is_paused_at(name):
            await self.world.gates.wait()

    async def _wait_for_lock(self) -> None:
        clock = self.world.clock
        while clock.now() < self.world.locked_until:
            await clock.sleep(self.world.locked_until - clock.now())

    def _is_paused_at(self, name: str) -> bool:
        rule = self.rule
        if rule is None or rule.form.fault != "pause_at":
            return False
        return rule.text("step", "at") == name

    async def _hold(self) -> None:
        """Before the first write (or the answer, if nothing is written): the ordered wait."""
        if self._held or self.rule is None or self.rule.form.fault not in HELD_BEFORE:
            return
        self._held = True
        if self._faulty("ghost_write"):
            if self.request.gone is not None:
                await self.request.gone.wait()
            self.record.gone_at = self.world.clock.now()
        await self.world.clock.sleep(self.rule.number("seconds", "delay"))

    def _faulty(self, fault: str) -> bool:
        return self.rule is not None and self.rule.form.fault == fault

    def _facts(self) -> Facts:
        record = self.record
        now = self.world.clock.now()
        return Facts(record.action, record.sub, record.caller, self.params, now)

    def _text(self, name: str) -> str:
        value = self.params.get(name)
        return text_of(value.encode("utf-8", "replace")) if isinstance(value, str) else ""

    def _is_past_expiry(self) -> bool:
        if not self.switches.past_exp_404 or (self.record.action, self.record.sub) != (
            "user",
            "edit",
        ):
            return False
        data = self.params.get("user_data")
        expiry = data.get("exp_date") if isinstance(data, dict) else None
        return not is_empty(expiry) and to_int(expiry) < self.world.clock.now()
