"""Faults to order: an ordered list of rules, each with a match, a fault and a count.

The first rule that matches a request and has not used up its times is applied. Every rule counts
what it matched and what it applied.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gateway.simulator.php import PhpArray, PhpValue

BUILT: Final = frozenset(
    {
        "delay_before",
        "delay_after",
        "status",
        "empty_200",
        "reset_at",
        "truncate",
        "php_noise",
        "refuse",
        "lost_write",
        "ghost_write",
        "db_down",
        "db_auth",
        "no_config",
        "pause_at",
    }
)
PLANNED: Final = frozenset(
    {
        "slow_drip",
        "half_mag",
        "lost_credit",
        "wrong_write",
        "dup_row",
        "stale_read",
        "ip_ban",
        "queue",
        "edit_by_other",
        "restart",
        "rollback",
    }
)
WITHOUT_EFFECT: Final = frozenset(
    {"status", "empty_200", "refuse", "db_down", "db_auth", "no_config"}
)
"""Faults that hide an answer and, unless told otherwise, also stop the call itself."""


class BadRule(ValueError):
    """A fault rule that cannot be understood."""


class NotBuilt(BadRule):
    """A fault that is known but not simulated yet."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule is for; what is left out matches all."""

    action: str | None = None
    sub: str | None = None
    caller: str | None = None
    field: str | dict[str, str] | None = None
    """A regular expression found in one `name=value`, or one for each field named."""
    nth: int | None = None
    """Only from the nth matching request on, counted from 1."""
    probability: float | None = None


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

    @property
    def effect(self) -> str:
        """When the call itself happens: before the failure, after it, or not at all."""
        default = "none" if self.form.fault in WITHOUT_EFFECT else "before"
        return str(self.form.params.get("effect", default))

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


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at."""

    action: str
    sub: str
    caller: str
    params: PhpArray
    now: float


class Faults:
    """The rules in force, in order."""

    def __init__(self, source: random.Random) -> None:
        self.rules: list[Rule] = []
        self._random: Final = source
        self._last_id = 0

    def add(self, form: RuleForm, now: float = 0) -> Rule:
        """Put a rule in force, after the others."""
        if form.fault in PLANNED:
            raise NotBuilt(f"The fault {form.fault} is not simulated yet.")
        if form.fault not in BUILT:
            raise BadRule(f"No fault is called {form.fault!r}.")
        if form.params.get("effect", "none") not in ("before", "after", "none"):
            raise BadRule("An effect is before, after or none.")
        if form.fault == "reset_at" and "k_in" in form.params:
            raise NotBuilt("A reset within the request is not simulated yet.")
        for pattern in _patterns(form.match.field):
            try:
                re.compile(pattern)
            except re.error as error:
                raise BadRule(f"No regular expression: {pattern!r}: {error}") from error
        self._last_id += 1
        rule = Rule(self._last_id, form, now)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Take all rules away."""
        self.rules.clear()

    def pick(self, facts: Facts) -> Rule | None:
        """Return the rule to apply to a request, if any, and count it."""
        for rule in self.rules:
            if not _matches(rule.form.match, facts):
                continue
            rule.matched += 1
            if self._fires(rule, facts.now):
                rule.applied += 1
                return rule
        return None

    def _fires(self, rule: Rule, now: float) -> bool:
        form = rule.form
        window = form.params.get("window_seconds", form.params.get("seconds"))
        if form.fault != "refuse" or not isinstance(window, int | float):
            window = math.inf
        if now > rule.since + window:
            return False
        if form.times is not None and rule.applied >= form.times:
            return False
        if form.match.nth is not None and rule.matched < form.match.nth:
            return False
        chance = form.match.probability
        return chance is None or self._random.random() < chance


def parse_rule(raw: bytes) -> RuleForm:
    """Return the rule that a JSON text describes."""
    try:
        return msgspec.json.decode(raw, type=RuleForm)
    except msgspec.DecodeError as error:
        raise BadRule(str(error)) from error


def _patterns(field: str | dict[str, str] | None) -> Iterator[str]:
    if isinstance(field, dict):
        yield from field.values()
    elif field is not None:
        yield field


def _matches(match: Match, facts: Facts) -> bool:
    for wanted, found in (
        (match.action, facts.action),
        (match.sub, facts.sub),
        (match.caller, facts.caller),
    ):
        if wanted is not None and wanted != found:
            return False
    if match.field is None:
        return True
    pairs = dict(_flat(facts.params))
    if isinstance(match.field, str):
        pattern = re.compile(match.field)
        return any(pattern.search(f"{name}={value}") for name, value in pairs.items())
    return all(
        name in pairs and re.search(pattern, pairs[name]) for name, pattern in match.field.items()
    )


def _flat(params: PhpArray, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        yield from _flat_value(name, value)


def _flat_value(name: str, value: PhpValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from _flat(value, name)
    else:
        yield name, str(value)
