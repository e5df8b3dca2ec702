"""The life of one request in the script, in the order a panel works in.

Firewall, database, flood, caller, key, dispatch, checks, writes, log, answer; what the web server
does before is in `panel.py`. Here faults bite.
"""

from __future__ import annotations

import random
from typing import Final

from gateway.simulator import access, damage, facts, outside
from gateway.simulator.actions import routes
from gateway.simulator.bans import is_exempt
from gateway.simulator.call import Call, ScriptCrashed, ScriptDied
from gateway.simulator.faults import Rule
from gateway.simulator.ledger import Record
from gateway.simulator.matching import Facts
from gateway.simulator.messages import PanelAnswer, PanelRequest
from gateway.simulator.php import PhpArray, PhpValue, is_empty, to_int
from gateway.simulator.phpforms import body_pairs, clean, read_variables, split_pairs
from gateway.simulator.phpjson import CannotPrint, print_json
from gateway.simulator.schema import fresh_tables
from gateway.simulator.steps import HELD_BEFORE, Interrupted, Steps
from gateway.simulator.switches import Switches
from gateway.simulator.tables import Row, Tables
from gateway.simulator.tampering import tampering
from gateway.simulator.world import World

HELD_AFTER: Final = "delay_after"


class Run:
    """One request going through the script."""

    def __init__(self, world: World, request: PanelRequest, record: Record) -> None:
        self.world: Final = world
        self.record: Final = record
        self.random: Final = random.Random(f"{world.seed}:{record.seq}")  # noqa: S311 - repeatable.
        self.steps: Final = Steps(world, request, record, self.random)
        self.claims_success = False
        """Whether the script's own answer says that all is done."""
        query = read_variables(split_pairs(request.query.encode("utf-8", "surrogateescape")))
        kind = request.content_type.encode("latin-1", "replace")
        body = read_variables(body_pairs(request.method, kind, request.body))
        self.raw: Final[PhpArray] = query | body
        self.params: Final[PhpArray] = clean(query) | clean(body)
        record.action = facts.text_parameter(self.params, "action")
        record.sub = facts.text_parameter(self.params, "sub")
        record.fields = facts.field_names(self.params)
        record.subjects = facts.subjects(self.params, world.tables)

    @property
    def tables(self) -> Tables:
        """The database as it is now."""
        return self.world.tables

    @property
    def switches(self) -> Switches:
        """The switches as they work now."""
        return self.world.switches

    def facts(self) -> Facts:
        """Return what fault rules look at."""
        record, now = self.record, self.world.clock.now()
        return Facts(record.action, record.sub, record.caller, self.params, now)

    def apply(self, rule: Rule | None) -> None:
        """Let a fault happen to this request."""
        if rule is not None:
            self.steps.rule = rule
            self.record.fault, self.record.fault_id = rule.form.fault, rule.id

    async def answer(self) -> PanelAnswer:
        """Return what the panel answers, spoiled if a fault is due."""
        rule = self.world.faults.pick(self.facts())
        self.apply(rule)
        if rule is None:
            return await self.script()
        outside.before(self.world, self.record, rule, self.params)
        if rule.form.fault == "queue":
            rule.workers.limit = max(1, int(rule.number("k", "workers", default=1)))
            async with rule.workers.one():
                return await self.script()
        instead = damage.failure(rule, self.switches)
        if rule.effect == "before" and (instead is None or rule.after_step):
            answer = await self._with_effect(instead)
        else:
            answer = await self._failing(instead)
        outside.after(self.world, self.record, rule, self.params)
        return damage.spoil(rule, answer)

    async def _with_effect(self, instead: PanelAnswer | None) -> PanelAnswer:
        """Do the call, up to the step where the fault ends it, if it does."""
        rule = self.steps.rule
        try:
            answer = await self.script()
        except Interrupted:
            return instead or PanelAnswer(500)
        if rule is not None and rule.form.fault == HELD_AFTER:
            await self.world.clock.sleep(rule.seconds())
        answer.lost = rule is not None and rule.form.fault == "ghost_write"
        return answer

    async def _failing(self, instead: PanelAnswer | None) -> PanelAnswer:
        """Answer a failure; do the call before it, after it, or not at all."""
        rule = self.steps.rule
        answer = instead or PanelAnswer(200, b'{"result":true}')
        if rule is None or rule.effect == "before":
            await self.script()
        elif rule.effect == "after":
            answer.afterwards = self._late
        if rule is not None and rule.effect != "before" and rule.form.fault in _HOLDING:
            await self.steps.hold()
            if rule.form.fault == HELD_AFTER:
                await self.world.clock.sleep(rule.seconds())
            answer.lost = True
        return answer

    async def _late(self) -> None:
        rule = self.steps.rule
        if rule is not None:
            await self.world.clock.sleep(rule.number("late_seconds", default=rule.seconds()))
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
        await self.steps.at("firewall")
        if self.switches.firewall:
            self.world.run_daemon()
            if self.world.firewall.refuses(self.raw):
                return PanelAnswer(404)
        await self.steps.at("database")
        broken = access.database_failure(self.switches)
        if broken is not None:
            return broken
        await self.steps.at("flood")
        self._count_for_flood()
        await self.steps.at("caller")
        if not access.is_allowed_caller(self.record.caller, self.switches, self.tables):
            return PanelAnswer(200, print_json(access.IP_FORBIDDEN).encode())
        await self.steps.at("key")
        if not access.is_right_key(self.params, self.switches):
            return PanelAnswer(200, print_json(access.KEY_WRONG).encode())
        return PanelAnswer(404) if self._is_past_expiry() else None

    def _count_for_flood(self) -> None:
        switches, caller, now = self.switches, self.record.caller, self.world.clock.now()
        if not switches.flood or is_exempt(caller, switches, self.tables):
            return
        if not self.world.flood_guard.is_flooding(caller, switches, now):
            return
        if self.world.bans.of(caller, now) is None:
            self.record.brought_ban = True
            row: Row = {"ip": caller, "notes": "FLOOD ATTACK", "date": int(now)}
            self.record.effects += self.tables["blocked_ips"].insert(row, strict=False)[1]
            self.world.ban(
                caller, style=switches.ban_style, seconds=switches.ban_seconds, reason="flood"
            )

    async def _call(self) -> PanelAnswer:
        call = Call(
            params=self.params,
            tables=self._tables_to_use(),
            switches=self.switches,
            clock=self.world.clock,
            random=self.random,
            record=self.record,
            step=self.steps.at,
            tampering=tampering(self.steps.rule),
            output_cache=self.world.output_cache,
        )
        await self.steps.at("dispatch")
        action = routes.find(call)
        if action is None:
            return PanelAnswer(200)
        value = await action(call)
        await self.steps.hold()
        await self.steps.at("answer")
        self.claims_success = _says_done(value)
        return PanelAnswer(200, print_json(value).encode())

    def _tables_to_use(self) -> Tables:
        rule = self.steps.rule
        if rule is None or rule.form.fault != "stale_read":
            return self.tables
        since = self.world.clock.now() - rule.seconds(60)
        saved = self.tables.previous(since)
        if saved is None:
            return self.tables
        old = fresh_tables(self.switches.columns())
        old.restore(saved)
        return old

    def _is_past_expiry(self) -> bool:
        if not self.switches.past_exp_404 or (self.record.action, self.record.sub) != (
            "user",
            "edit",
        ):
            return False
        data = self.params.get("user_data")
        expiry = data.get("exp_date") if isinstance(data, dict) else None
        return not is_empty(expiry) and to_int(expiry) < self.world.clock.now()


_HOLDING: Final = (*HELD_BEFORE, HELD_AFTER)


def _says_done(value: PhpValue) -> bool:
    return isinstance(value, dict) and value.get("result") is True and "error" not in value
