"""Which requests a fault rule is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.simulator.php import PhpArray, PhpValue


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule is for; what is left out matches all."""

    action: str | None = None
    sub: str | None = None
    caller: str | None = None
    field: str | dict[str, str] | None = None
    """A regular expression found in one `name=value`, or one for each field named."""
    nth: int | None = None
    """The nth matching request, counted from 1; with `times`, from the nth on."""
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at."""

    action: str
    sub: str
    caller: str
    params: PhpArray
    now: float


def patterns(match: Match) -> Iterator[str]:
    """Return the regular expressions of *match*."""
    if isinstance(match.field, dict):
        yield from match.field.values()
    elif match.field is not None:
        yield match.field


def matches(match: Match, facts: Facts) -> bool:
    """Tell whether a request with these facts is meant; counts and chances aside."""
    for wanted, found in (
        (match.action, facts.action),
        (match.sub, facts.sub),
        (match.caller, facts.caller),
    ):
        if wanted is not None and wanted != found:
            return False
    if match.field is None:
        return True
    pairs = dict(flat(facts.params))
    if isinstance(match.field, str):
        pattern = re.compile(match.field)
        return any(pattern.search(f"{name}={value}") for name, value in pairs.items())
    return all(
        name in pairs and re.search(pattern, pairs[name]) for name, pattern in match.field.items()
    )


def flat(params: PhpArray, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return every value with its name, such as `user_data[exp_date]`."""
    for key, value in params.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        yield from _flat_value(name, value)


def _flat_value(name: str, value: PhpValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from flat(value, name)
    else:
        yield name, str(value)
