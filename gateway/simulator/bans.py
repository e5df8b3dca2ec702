"""Callers that the panel no longer answers: the flood guard that finds them, and the bans.

A ban works like a packet filter. Style `drop`: the caller's connections are not even accepted, so
it sees a connect timeout. Style `silent`: they are accepted and nothing is ever answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from gateway.simulator.switches import BanStyle, Switches
from gateway.simulator.tables import Tables

LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Ban:
    """One ban; until it is lifted if it has no end."""

    caller: str
    since: float
    until: float
    style: BanStyle
    reason: str


class Bans:
    """The bans in force. Ports that filter packets are told of every change."""

    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}
        self.listeners: list[Callable[[], None]] = []
        self.made = 0
        """How many bans there ever were."""

    def add(self, ban: Ban) -> None:
        """Put a ban in force."""
        self._bans[ban.caller] = ban
        self.made += 1
        self._tell()

    def lift(self, caller: str | None = None) -> int:
        """Take one caller's ban away, or all; return how many there were."""
        callers = [caller] if caller is not None else list(self._bans)
        lifted = [self._bans.pop(one) for one in callers if one in self._bans]
        if lifted:
            self._tell()
        return len(lifted)

    def expire(self, now: float) -> None:
        """Take away the bans whose time is over."""
        for ban in list(self._bans.values()):
            if now >= ban.until:
                self.lift(ban.caller)

    def of(self, caller: str, now: float) -> Ban | None:
        """Return the ban that *caller* is under."""
        self.expire(now)
        return self._bans.get(caller)

    def all(self) -> list[Ban]:
        """Return the bans in force."""
        return list(self._bans.values())

    def dropped(self) -> list[str]:
        """Return the callers whose packets are dropped."""
        return [ban.caller for ban in self._bans.values() if ban.style == "drop"]

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()


class FloodGuard:
    """Counts close requests of each caller."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}

    def clear(self) -> None:
        """Forget all counts."""
        self._counts.clear()

    def is_flooding(self, caller: str, switches: Switches, now: float) -> bool:
        """Count a request; True for the one that is too many. A longer gap begins anew."""
        before, count = self._counts.get(caller, (-math.inf, 0))
        count = count + 1 if now - before <= switches.flood_seconds else 0
        self._counts[caller] = (now, count)
        return count >= switches.flood_limit


def is_exempt(caller: str, switches: Switches, tables: Tables) -> bool:
    """Tell whether the flood guard lets *caller* be.

    The panel's own servers are exempt, loopback is not: here it stands for a caller elsewhere.
    """
    if caller in switches.flood_exclude:
        return True
    return caller not in LOOPBACK and any(caller == row["server_ip"] for row in tables["servers"])
