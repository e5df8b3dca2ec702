"""What goes wrong in a history, drawn from its seed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.simulator.faults import Facts, Faults, Phase, Rule, RuleForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """How bad a history is; probabilities each time that something could happen.

    `late`: ghosts of creations may come after the waiting time.
    """

    settle_seconds: int
    panel_faults: float
    read_faults: float
    unreachable: float
    crash: float
    database: float
    stall: float
    cache_loss: float
    late: float
    profile: str
    firewall: bool

    @classmethod
    def drawn(cls, source: random.Random) -> Chaos:
        """Return how bad it is this time.

        Some faults are left out, so that those that are left come often enough to meet: what takes
        three of a kind would hardly ever come about among a little of everything.
        """
        return cls(
            settle_seconds=source.choice((3, 10, 30, 60)),
            panel_faults=source.choice((0.0, 0.05, 0.15, 0.35)),
            read_faults=source.choice((0.0, 0.0, 0.02, 0.1)),
            unreachable=source.choice((0.0, 0.0, 0.02, 0.06)),
            crash=source.choice((0.0, 0.0, 0.002, 0.006)),
            database=source.choice((0.0, 0.0, 0.003, 0.01)),
            stall=source.choice((0.0, 0.0, 0.0, 0.004, 0.01)),
            cache_loss=source.choice((0.0, 0.01, 0.05)),
            late=source.choice((0.0, 0.0, 0.8)),
            profile=source.choice(("v2", "v2", "v2", "documented", "v2-strict")),
            firewall=False,
        )


_GARBAGE: Final = (
    "<html><head><title>Login</title></head></html>",
    '{"result":tru',
    '{"result":true}{"result":true}',
    '{"result":"yes"}',
    '{"result":true,"result":false}',
    "[]",
    "null",
    '{"error":"PARAMETER ERROR"}',
    "",
)
_NONE, _BEFORE, _AFTER = "none", "before", "after"


class Alarms:
    """Ghosts of the worst kind: they come with the next look, or the next call, of their line."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[asyncio.Event]] = {}
        self._events: dict[float, asyncio.Event] = {}

    def wait_for(self, sub: str, name: str) -> float:
        """Return seconds that are over when *sub* is asked of *name*; see `sleep`."""
        event = asyncio.Event()
        self._waiting.setdefault((sub, name), []).append(event)
        seconds = ODD_SECONDS + len(self._events)
        self._events[seconds] = event
        return seconds

    def ring(self, sub: str, name: str) -> None:
        """Let those come that wait for this."""
        for event in self._waiting.pop((sub, name), ()):
            event.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but for no longer than until what is waited for."""
        event = self._events.get(seconds)
        if event is None:
            await asyncio.sleep(max(0.0, seconds))
            return
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await event.wait()
        except TimeoutError:
            return


#: From here on a number of seconds names an alarm.
ODD_SECONDS: Final = 1_000_000.0
LONGEST_SECONDS: Final = 1_800.0


def _name(facts: Facts) -> str:
    data = facts.params.get("user_data")
    found = facts.params.get("username") or facts.params.get("mac")
    if found is None and isinstance(data, dict):
        found = data.get("username") or data.get("mac")
    return str(found)


class SeededFaults(Faults):
    """The panel's faults: drawn for each request instead of ordered."""

    def __init__(self, source: random.Random, chaos: Chaos) -> None:
        super().__init__(source)
        self._source: Final = source
        self._chaos: Final = chaos
        self.is_on = True
        self.alarms: Final = Alarms()
        self._grudges: dict[str, int] = {}
        self.applied: dict[int, RuleForm] = {}
        """What was applied, by the number that the ledger knows it by."""

    def pick(self, facts: Facts, phase: Phase = "usual") -> Rule | None:
        if not self.is_on or phase != "usual":
            return None
        is_read = facts.sub == "info"
        chance = self._chaos.read_faults if is_read else self._chaos.panel_faults
        name = _name(facts)
        self.alarms.ring(facts.sub, name)
        if not is_read and self._grudges.get(name, 0) > 0:
            chance = max(chance, 0.7)  # What went wrong once often goes wrong again.
            self._grudges[name] -= 1
        if self._source.random() >= chance:
            return None
        form = self._read_fault() if is_read else self._change_fault(facts)
        if not is_read and name not in self._grudges:
            self._grudges[name] = self._source.choice((0, 0, 1, 2))
        number = len(self.applied) + 1
        self.applied[number] = form
        return Rule(number, form, facts.now)

    def lateness(self, number: int | None) -> float:
        """Return by how many seconds the effect of a request came after its failure."""
        form = self.applied.get(number or 0)
        if form is None or form.fault not in {"ghost_write", "status"}:
            return 0.0
        found = form.params.get("seconds", form.params.get("late_seconds", 0.0))
        return float(found)

    def _change_fault(self, facts: Facts) -> RuleForm:
        kind = self._source.randrange(14)
        is_late = facts.sub == "create" and self._source.random() < self._chaos.late
        if kind < 4 or is_late:
            return self._ghost(facts)
        if kind < 7:
            return self._status()
        return self._other(facts, kind)

    def _ghost(self, facts: Facts) -> RuleForm:
        """Let the panel go on after its caller has gone: in time, or, for creations, too late."""
        source, settle = self._source, self._chaos.settle_seconds
        seconds = source.uniform(0.0, settle * 0.98)
        if facts.sub == "create" and self._chaos.late:
            seconds = settle * source.uniform(1.5, 30.0)
            if source.random() < 0.4:
                seconds = self.alarms.wait_for(source.choice(("info", "create")), _name(facts))
        return RuleForm(fault="ghost_write", params={"seconds": seconds})

    def _status(self) -> RuleForm:
        source = self._source
        params: dict[str, Any] = {
            "code": source.choice((500, 502, 503, 504, 200, 301, 302)),
            "effect": source.choice((_NONE, _BEFORE, _AFTER)),
        }
        if params["effect"] == _AFTER:
            params["late_seconds"] = round(source.uniform(0, self._chaos.settle_seconds * 0.98), 3)
        if source.random() < 0.5 and params["code"] == 200:
            params["body"] = source.choice(_GARBAGE)
        return RuleForm(fault="status", params=params)

    def _other(self, facts: Facts, kind: int) -> RuleForm:
        source = self._source
        is_new = facts.sub == "create" and source.random() < 0.5
        is_new_box = facts.action == "stb" and facts.sub == "create"
        table: dict[int, tuple[str, dict[str, Any]]] = {
            7: (
                source.choice(("delay_before", "delay_after")),
                {"seconds": source.uniform(0, 0.9 * self._chaos.settle_seconds)},
            ),
            8: ("truncate", {"k": source.randrange(40)}),
            9: ("reset_at", {"k_out": source.randrange(200)}),
            10: (
                source.choice(("empty_200", "db_down", "no_config", "db_auth")),
                {"effect": source.choice((_NONE, _BEFORE))},
            ),
            11: ("refuse", {"kind": source.choice(("IP", "KEY"))}),
            12: ("half_mag", {"answer": source.choice((True, "500", "reset"))})
            if is_new_box
            else (
                ("wrong_write", {"set": {"max_connections": 99}}) if is_new else ("lost_write", {})
            ),
            13: (
                "php_noise",
                {
                    "kind": source.choice(("warning", "notice", "bom", "blank")),
                    "where": source.choice(("before", "before", "after")),
                },
            ),
        }
        name, params = table[kind]
        return RuleForm(fault=name, params=params)

    def _read_fault(self) -> RuleForm:
        source = self._source
        name = source.choice(
            ("status", "empty_200", "db_down", "truncate", "delay_before", "reset")
        )
        match name:
            case "status":
                return RuleForm(fault=name, params={"code": source.choice((500, 502, 503, 200))})
            case "truncate":
                return RuleForm(fault=name, params={"k": source.randrange(400)})
            case "delay_before":
                return RuleForm(fault=name, params={"seconds": source.uniform(0, 30)})
            case "reset":
                return RuleForm(fault="reset_at", params={"k_out": source.randrange(400)})
            case _:
                return RuleForm(fault=name)


@dataclass(slots=True)
class Weather:
    """What is down just now, for everybody: windows of virtual seconds."""

    panel_down_until: float = 0.0
    database_down_until: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
