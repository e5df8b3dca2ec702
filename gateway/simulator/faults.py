"""Faults to order: an ordered list of rules, each with a match, a fault and a count.

The first rule that matches a request and has not used up its times is applied. Every rule counts
what it matched and what it applied.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import msgspec

from gateway.simulator.matching import Facts, Match, matches, patterns
from gateway.simulator.stepnames import EARLY, step_name
from gateway.simulator.workers import Workers

__all__ = ["BadRule", "Facts", "Faults", "Match", "Rule", "RuleForm", "parse_rule"]

Phase: TypeAlias = Literal["reading", "early", "usual"]
CREATES: Final = frozenset({("user", "create"), ("stb", "create")})
READS: Final = frozenset({("user", "info"), ("stb", "info"), ("reg_user", "list")})
FAULTS: Final[dict[str, frozenset[tuple[str, str]] | None]] = {
    "delay_before": None,
    "delay_after": None,
    "ghost_write": None,
    "status": None,
    "empty_200": None,
    "refuse": None,
    "db_down": None,
    "db_auth": None,
    "no_config": None,
    "reset_at": None,
    "truncate": None,
    "php_noise": None,
    "slow_drip": None,
    "lost_write": None,
    "wrong_write": None,
    "half_mag": CREATES,
    "lost_credit": frozenset({("reg_user", "credits")}),
    "dup_row": None,
    "stale_read": READS,
    "edit_by_other": None,
    "ip_ban": None,
    "queue": None,
    "restart": None,
    "rollback": None,
    "pause_at": None,
}
"""Every fault, with the calls that it can happen to; None: any."""
WITHOUT_EFFECT: Final = frozenset(
    {"status", "empty_200", "refuse", "db_down", "db_auth", "no_config", "ip_ban", "restart"}
)
"""Faults that hide an answer and, unless told otherwise, also stop the call itself."""


class BadRule(ValueError):
    """A fault rule that cannot be understood."""


class RuleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it is posted."""

    fault: str
    match: Match = Match()
    params: dict[str, Any] = {}
    times: int | None = None
    """How often it is applied; None: for ever."""


@dataclass(slots=True)
class Rule:
    """A rule in force."""

    id: int
    form: RuleForm
    since: float
    matched: int = 0
    applied: int = 0
    workers: Workers = field(default_factory=Workers)
    """Where the requests of a `queue` wait."""

    @property
    def effect(self) -> str:
        """When the call itself happens: before the failure, after it, or not at all."""
        if self.after_step or self.form.params.get("answered"):
            return "before"
        default = "none" if self.form.fault in WITHOUT_EFFECT or self.cuts_request else "before"
        return str(self.form.params.get("effect", default))

    @property
    def step(self) -> str:
        """The point at which `pause_at` holds."""
        return step_name(self.text("step", "at", "point", default="check"))

    @property
    def after_step(self) -> str:
        """The write after which the request ends, if it ends midway."""
        if self.form.fault == "half_mag":
            last = "write_1" if self.text("missing") == "outputs" else "write_2"
            return last if self.half_answer != "true" else ""
        if self.form.fault not in WITHOUT_EFFECT and self.form.fault != "reset_at":
            return ""
        named = self.text("after_step", "after", "at", "point")
        return step_name(named) if named else ""

    @property
    def half_answer(self) -> str:
        """What `half_mag` answers: true, 500 or reset."""
        answer = self.form.params.get("answer", True)
        return str(answer).lower()

    @property
    def cuts_request(self) -> bool:
        """Whether the connection breaks while the request is being read."""
        return self.form.fault == "reset_at" and "k_in" in self.form.params

    @property
    def phase(self) -> Phase:
        """When the rule bites: while a request is read, before it is understood, or after."""
        if self.form.fault == "pause_at" and self.step in EARLY:
            return "early"
        return "reading" if self.cuts_request and self.effect == "none" else "usual"

    def is_over(self, now: float) -> bool:
        """Tell whether the rule's time window has passed."""
        names = ["window_seconds"] + ["seconds"] * (self.form.fault == "refuse")
        return now > self.since + self.number(*names, default=math.inf)

    def seconds(self, default: float = 0) -> float:
        """Return how long the fault lasts, or how late it is."""
        return self.number("seconds", "delay", "t", default=default)

    def number(self, *names: str, default: float = 0) -> float:
        """Return the first of the parameters *names* that is a number."""
        for name in names:
            value = self.form.params.get(name)
            if isinstance(value, int | float):
                return value
        return default

    def text(self, *names: str, default: str = "") -> str:
        """Return the first of the parameters *names* that is a text."""
        for name in names:
            value = self.form.params.get(name)
            if isinstance(value, str):
                return value
        return default

    def table(self, name: str) -> dict[str, Any]:
        """Return the parameter *name* if it is an object, else an empty one."""
        value = self.form.params.get(name)
        return value if isinstance(value, dict) else {}


class Faults:
    """The rules in force, in order."""

    def __init__(self, source: random.Random) -> None:
        self.rules: list[Rule] = []
        self._random: Final = source
        self._last_id = 0

    def add(self, form: RuleForm, now: float = 0) -> Rule:
        """Put a rule in force, after the others."""
        rule = Rule(self._last_id + 1, form, now)
        _check(rule)
        self._last_id = rule.id
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Take all rules away."""
        self.rules.clear()

    def remove(self, rule_id: int) -> bool:
        """Take one rule away; False if it is not there."""
        before = len(self.rules)
        self.rules[:] = [rule for rule in self.rules if rule.id != rule_id]
        return len(self.rules) < before

    def pick(self, facts: Facts, phase: Phase = "usual") -> Rule | None:
        """Return the rule of this phase to apply to a request, if any, and count it."""
        for rule in self.rules:
            if rule.phase != phase or not _is_meant(rule, facts):
                continue
            rule.matched += 1
            if self._fires(rule, facts.now):
                rule.applied += 1
                return rule
        return None

    def _fires(self, rule: Rule, now: float) -> bool:
        form = rule.form
        if rule.is_over(now):
            return False
        if form.times is not None and rule.applied >= form.times:
            return False
        nth = form.match.nth
        if nth is not None and (rule.matched < nth or (form.times is None and rule.matched > nth)):
            return False
        chance = form.match.probability
        return chance is None or self._random.random() < chance


def _is_meant(rule: Rule, facts: Facts) -> bool:
    calls = FAULTS[rule.form.fault]
    if calls is not None and (facts.action, facts.sub) not in calls:
        return False
    return matches(rule.form.match, facts)


def _check(rule: Rule) -> None:
    form = rule.form
    if form.fault not in FAULTS:
        raise BadRule(f"No fault is called {form.fault!r}.")
    if form.params.get("effect", "none") not in ("before", "after", "none"):
        raise BadRule("An effect is before, after or none.")
    try:
        for pattern in patterns(form.match):
            re.compile(pattern)
        if form.fault == "pause_at":
            _ = rule.step
        _ = rule.after_step
    except (re.error, ValueError) as error:
        raise BadRule(str(error)) from error


def parse_rule(raw: bytes) -> RuleForm:
    """Return the rule that a JSON text describes."""
    try:
        return msgspec.json.decode(raw, type=RuleForm)
    except msgspec.DecodeError as error:
        raise BadRule(str(error)) from error
